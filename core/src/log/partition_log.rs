//! The log itself: its segments, where it starts and ends, how it rolls, is flushed and closed.

use super::{
    config::LogConfig,
    epoch_cache::EpochCache,
    producer_state::{ProducerStates, snapshots},
    retention::Doomed,
    segment::{Segment, stem},
};
use crate::disk::{Disk, DiskResult, SyncTarget};

/// The log of one partition. It owns no disk: whoever calls hands one in, always the same.
#[derive(Clone, Debug)]
pub struct Log {
    pub(super) dir: String,
    pub(super) config: LogConfig,
    /// Oldest first, never empty. The last one is active: appends go there.
    pub(super) segments: Vec<Segment>,
    pub(super) log_start_offset: i64,
    pub(super) recovery_point: i64,
    pub(super) epochs: EpochCache,
    pub(super) producers: ProducerStates,
    pub(super) doomed: Vec<Doomed>,
    /// Counts truncations, so that a flush from before one is not believed after it.
    pub(super) truncations: u32,
}

/// What to sync so that everything before `up_to` survives a power loss. When all of it is synced, tell the log with
/// [`Log::flushed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flush {
    pub up_to: i64,
    pub targets: Vec<SyncTarget>,
    truncations: u32,
}

impl Log {
    /// Directory on the disk, for a topic's partition also its name: `orders-0`.
    pub fn dir(&self) -> &str {
        &self.dir
    }

    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    pub fn set_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// The first offset that can be read.
    pub fn log_start_offset(&self) -> i64 {
        self.log_start_offset
    }

    /// The offset that the next record will get.
    pub fn log_end_offset(&self) -> i64 {
        self.active().next_offset
    }

    /// Leader epoch of the newest batch or of the newest leader that announced itself; `None` while there is none.
    pub fn last_epoch(&self) -> Option<i32> {
        self.epochs.last_epoch()
    }

    pub fn epochs(&self) -> &EpochCache {
        &self.epochs
    }

    /// Where `epoch` ends in this log: see [`EpochCache::end_offset_for`].
    pub fn end_offset_for_epoch(&self, epoch: i32) -> Option<(i32, i64)> {
        self.epochs.end_offset_for(epoch, self.log_end_offset())
    }

    /// A leader writes its epoch down before it has appended anything (KIP-101).
    pub fn assign_epoch(&mut self, disk: &mut dyn Disk, epoch: i32, start_offset: i64) -> DiskResult<()> {
        self.epochs.assign(disk, epoch, start_offset)
    }

    pub fn producers(&self) -> &ProducerStates {
        &self.producers
    }

    /// Everything before it is on the platter: recovery after an unclean stop begins here.
    pub fn recovery_point(&self) -> i64 {
        self.recovery_point
    }

    /// Bytes of all segments.
    pub fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// First offset of each segment, oldest first.
    pub fn segment_base_offsets(&self) -> impl Iterator<Item = i64> {
        self.segments.iter().map(|segment| segment.base_offset)
    }

    pub(super) fn active(&self) -> &Segment {
        self.segments.last().expect("a log has at least one segment")
    }

    pub(super) fn active_mut(&mut self) -> &mut Segment {
        self.segments.last_mut().expect("a log has at least one segment")
    }

    /// Number of the segment whose base offset is the largest not above `offset`.
    pub(super) fn segment_at(&self, offset: i64) -> usize {
        self.segments.partition_point(|segment| segment.base_offset <= offset).saturating_sub(1)
    }

    /// Begins a new segment at the log end. Nothing happens while the active one is empty.
    pub fn roll(&mut self, disk: &mut dyn Disk) -> DiskResult<()> {
        if self.active().size == 0 {
            return Ok(());
        }
        let base = self.log_end_offset();
        self.active_mut().seal(disk)?;
        self.producers.write_snapshot(disk, &self.dir, base)?;
        let segment = Segment::create(disk, &self.dir, base)?;
        self.active_mut().tail.clear();
        self.segments.push(segment);
        Ok(())
    }

    /// What has to be synced to make the whole log durable. Usually one file.
    pub fn flush(&self) -> Flush {
        let mut targets = Vec::new();
        // The epochs come first: a durable log with older epochs would truncate wrongly.
        if self.epochs.dirty {
            targets.push(SyncTarget::Path(self.epochs.path().into()));
        }
        let from = self.recovery_point;
        for (i, segment) in self.segments.iter().enumerate() {
            // Recovery trusts the indexes of a segment once something behind it is durable.
            if i + 1 < self.segments.len() && !segment.indexes_synced {
                targets.push(SyncTarget::File(segment.offsets.file()));
                targets.push(SyncTarget::File(segment.times.file()));
            }
            if !segment.name_synced {
                targets.push(SyncTarget::Path(format!("{}.log", stem(&self.dir, segment.base_offset))));
            } else if segment.next_offset > from {
                targets.push(SyncTarget::File(segment.file));
            }
        }
        Flush { up_to: self.log_end_offset(), targets, truncations: self.truncations }
    }

    /// All targets of `flush` are synced. Forgotten if the log was truncated meanwhile.
    pub fn flushed(&mut self, flush: &Flush) {
        if flush.truncations != self.truncations {
            return;
        }
        self.epochs.dirty = false;
        self.recovery_point = self.recovery_point.max(flush.up_to);
        for segment in self.segments.iter_mut().filter(|segment| segment.base_offset < flush.up_to) {
            segment.name_synced = true;
            segment.indexes_synced = segment.next_offset < flush.up_to;
        }
    }

    /// A clean end: indexes and producer state are written, so that the next start has nothing to recover.
    pub fn close(&mut self, disk: &mut dyn Disk) -> DiskResult<()> {
        self.active_mut().seal(disk)?;
        let end = self.log_end_offset();
        self.producers.write_snapshot(disk, &self.dir, end)?;
        for offset in snapshots(disk, &self.dir)?.into_iter().filter(|&offset| offset > end) {
            disk.remove(&super::producer_state::snapshot_path(&self.dir, offset))?;
        }
        self.close_files(disk);
        Ok(())
    }

    /// Closes the files and leaves everything as it is: the log is about to be deleted, or the disk has failed.
    pub fn close_files(&mut self, disk: &mut dyn Disk) {
        self.segments.iter().for_each(|segment| segment.close(disk));
        self.doomed.iter().for_each(|doomed| doomed.close(disk));
    }
}
