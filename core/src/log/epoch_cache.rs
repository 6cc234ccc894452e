//! `leader-epoch-checkpoint`: which leader epoch begins at which offset (KIP-101, `LeaderEpochFileCache`).
//!
//! It is what followers truncate by: two logs agree up to the end of the last epoch they share.

use std::fmt::Write;

use crate::disk::{Disk, DiskResult};

/// No epoch at all.
const NO_EPOCH: i32 = -1;

/// Leader epochs and their start offsets, both growing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochCache {
    path: String,
    entries: Vec<(i32, i64)>,
    /// Changed since the last flush.
    pub(super) dirty: bool,
}

impl EpochCache {
    pub(super) fn new(dir: &str) -> Self {
        Self { path: format!("{dir}/leader-epoch-checkpoint"), entries: Vec::new(), dirty: false }
    }

    /// Reads the file in `dir`; `false` when it is missing or unreadable.
    pub(super) fn load(&mut self, disk: &dyn Disk) -> bool {
        let Ok(bytes) = disk.read(&self.path) else { return false };
        match parse(&bytes) {
            Some(entries) => {
                self.entries = entries;
                true
            }
            None => false,
        }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// `(epoch, start offset)`, oldest first.
    pub fn entries(&self) -> &[(i32, i64)] {
        &self.entries
    }

    pub fn last_epoch(&self) -> Option<i32> {
        self.entries.last().map(|&(epoch, _)| epoch)
    }

    /// The epoch that the record at `offset` was written in.
    pub fn epoch_at(&self, offset: i64) -> Option<i32> {
        let at = self.entries.partition_point(|&(_, start)| start <= offset);
        Some(self.entries[at.checked_sub(1)?].0)
    }

    /// Notes that `epoch` begins at `start`. What contradicts it (an epoch as high, a start as far) goes.
    pub(super) fn assign(&mut self, disk: &mut dyn Disk, epoch: i32, start: i64) -> DiskResult<()> {
        if epoch < 0 || self.entries.last().is_some_and(|&(last, from)| last == epoch && start >= from) {
            return Ok(());
        }
        let mut entries = self.entries.clone();
        entries.retain(|&(e, s)| e < epoch && s < start);
        entries.push((epoch, start));
        self.store(disk, entries)
    }

    /// A batch of `epoch` was found at `offset`. What the file says otherwise is older or newer than the log: the log wins.
    pub(super) fn correct(&mut self, disk: &mut dyn Disk, epoch: i32, offset: i64) -> DiskResult<()> {
        if epoch < 0 || self.epoch_at(offset) == Some(epoch) {
            return Ok(());
        }
        let mut entries = self.entries.clone();
        entries.retain(|&(e, start)| e <= epoch && start < offset);
        if entries.last().is_none_or(|&(last, _)| last != epoch) {
            entries.push((epoch, offset));
        }
        self.store(disk, entries)
    }

    /// Where `epoch` ends, for a log that ends at `log_end_offset`: the largest known epoch not above it, and the start
    /// of the one after that. An epoch before all that is known answers itself and the first start; `None` for one
    /// that is above all, for none (-1), or for an empty cache.
    pub fn end_offset_for(&self, epoch: i32, log_end_offset: i64) -> Option<(i32, i64)> {
        let last = self.last_epoch()?;
        if epoch == last {
            return Some((epoch, log_end_offset));
        }
        if epoch > last || epoch == NO_EPOCH {
            return None;
        }
        let at = self.entries.partition_point(|&(e, _)| e <= epoch);
        let (_, end) = self.entries[at];
        Some((if at == 0 { epoch } else { self.entries[at - 1].0 }, end))
    }

    /// Forgets epochs that begin at `end` or later: the log was cut there.
    pub(super) fn truncate_from_end(&mut self, disk: &mut dyn Disk, end: i64) -> DiskResult<()> {
        if self.entries.last().is_none_or(|&(_, start)| start < end) {
            return Ok(());
        }
        let entries = self.entries.iter().copied().filter(|&(_, start)| start < end).collect();
        self.store(disk, entries)
    }

    /// Forgets what lies before `start`: the epoch in force there now begins there.
    pub(super) fn truncate_from_start(&mut self, disk: &mut dyn Disk, start: i64) -> DiskResult<()> {
        let at = self.entries.partition_point(|&(_, from)| from <= start);
        if at == 0 || (at == 1 && self.entries[0].1 == start) {
            return Ok(());
        }
        let mut entries = self.entries[at - 1..].to_vec();
        entries[0].1 = start;
        self.store(disk, entries)
    }

    pub(super) fn clear(&mut self, disk: &mut dyn Disk) -> DiskResult<()> {
        if self.entries.is_empty() { Ok(()) } else { self.store(disk, Vec::new()) }
    }

    fn store(&mut self, disk: &mut dyn Disk, entries: Vec<(i32, i64)>) -> DiskResult<()> {
        disk.replace(&self.path, format(&entries).as_bytes(), false)?;
        self.entries = entries;
        self.dirty = true;
        Ok(())
    }
}

/// Version 0, number of entries, and a line for each.
fn format(entries: &[(i32, i64)]) -> String {
    let mut text = format!("0\n{}\n", entries.len());
    for (epoch, start) in entries {
        writeln!(text, "{epoch} {start}").expect("writing to a string");
    }
    text
}

fn parse(bytes: &[u8]) -> Option<Vec<(i32, i64)>> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    if lines.next()? != "0" {
        return None;
    }
    let count: usize = lines.next()?.parse().ok()?;
    let entries: Vec<(i32, i64)> = lines
        .map(|line| {
            let (epoch, start) = line.split_once(' ')?;
            Some((epoch.parse().ok()?, start.parse().ok()?))
        })
        .collect::<Option<_>>()?;
    let growing = entries.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1);
    (entries.len() == count && growing).then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemDisk;

    fn cache(entries: &[(i32, i64)]) -> (MemDisk, EpochCache) {
        let mut disk = MemDisk::new();
        let mut cache = EpochCache::new("t-0");
        for &(epoch, start) in entries {
            cache.assign(&mut disk, epoch, start).unwrap();
        }
        (disk, cache)
    }

    #[test]
    fn the_file_is_kafkas() {
        let (disk, cache) = cache(&[(0, 0), (3, 17)]);
        assert_eq!(disk.read("t-0/leader-epoch-checkpoint").unwrap(), "0\n2\n0 0\n3 17\n");
        let mut again = EpochCache::new("t-0");
        assert!(again.load(&disk));
        assert_eq!(again.entries(), cache.entries());
    }

    #[test]
    fn end_offsets_follow_the_rules_of_kip_101() {
        let (_, cache) = cache(&[(2, 10), (4, 20), (7, 30)]);
        assert_eq!(cache.end_offset_for(7, 35), Some((7, 35)));
        assert_eq!(cache.end_offset_for(8, 35), None);
        assert_eq!(cache.end_offset_for(6, 35), Some((4, 30)));
        assert_eq!(cache.end_offset_for(4, 35), Some((4, 30)));
        assert_eq!(cache.end_offset_for(3, 35), Some((2, 20)));
        assert_eq!(cache.end_offset_for(1, 35), Some((1, 10)));
        assert_eq!(EpochCache::new("t-0").end_offset_for(0, 0), None);
    }

    #[test]
    fn assigning_removes_what_contradicts() {
        let (mut disk, mut cache) = cache(&[(2, 10), (4, 20), (7, 30)]);
        cache.assign(&mut disk, 8, 20).unwrap();
        assert_eq!(cache.entries(), [(2, 10), (8, 20)]);
        cache.assign(&mut disk, 8, 25).unwrap();
        assert_eq!(cache.entries(), [(2, 10), (8, 20)]);
    }

    #[test]
    fn cutting_either_end() {
        let (mut disk, mut cache) = cache(&[(2, 10), (4, 20), (7, 30)]);
        cache.truncate_from_start(&mut disk, 25).unwrap();
        assert_eq!(cache.entries(), [(4, 25), (7, 30)]);
        cache.truncate_from_end(&mut disk, 30).unwrap();
        assert_eq!(cache.entries(), [(4, 25)]);
        assert_eq!((cache.epoch_at(24), cache.epoch_at(25)), (None, Some(4)));
    }
}
