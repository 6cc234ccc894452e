//! Letting old segments go: by age, by size, and because the log start moved past them.

use super::{
    partition_log::Log,
    producer_state::snapshot_path,
    segment::{Segment, stem},
};
use crate::disk::{Disk, DiskResult, FileId};

/// A segment that is no longer part of the log. Its files, renamed to `.deleted`, stay for `file.delete.delay.ms`, so
/// that fetches under way can finish.
#[derive(Clone, Debug)]
pub(super) struct Doomed {
    due_ms: i64,
    files: [FileId; 3],
    paths: Vec<String>,
}

impl Doomed {
    pub(super) fn close(&self, disk: &mut dyn Disk) {
        self.files.iter().for_each(|&file| disk.close(file));
    }
}

impl Log {
    /// Applies `retention.ms`, `retention.bytes` and the log start, never beyond the high watermark, and forgets
    /// producers that have been silent for long. Returns how many segments went.
    pub fn delete_old_segments(&mut self, disk: &mut dyn Disk, high_watermark: i64, now_ms: i64) -> DiskResult<usize> {
        self.producers.remove_expired(now_ms, self.config.producer_id_expiration_ms);
        let mut size = self.size();
        let mut gone = 0;
        while let Some(segment) = self.segments.first() {
            let expired = self.config.retention_ms >= 0
                && segment.max_timestamp >= 0
                && now_ms.saturating_sub(segment.max_timestamp) > self.config.retention_ms;
            let crowded = u64::try_from(self.config.retention_bytes)
                .is_ok_and(|limit| size.checked_sub(segment.size).is_some_and(|left| left >= limit));
            let passed = segment.next_offset <= self.log_start_offset && self.segments.len() > 1;
            if segment.size == 0 || segment.next_offset > high_watermark || !(expired || crowded || passed) {
                break;
            }
            size -= segment.size;
            if self.segments.len() == 1 {
                // The last one goes too; the log goes on in an empty one.
                self.roll(disk)?;
            }
            self.doom_first(disk, now_ms)?;
            gone += 1;
        }
        if gone > 0 {
            self.log_start_offset = self.log_start_offset.max(self.segments[0].base_offset);
            self.epochs.truncate_from_start(disk, self.log_start_offset)?;
        }
        Ok(gone)
    }

    /// Moves the log start forward (DeleteRecords, or a leader that tells its followers). Segments go at the next check.
    pub fn increment_log_start_offset(&mut self, disk: &mut dyn Disk, offset: i64) -> DiskResult<bool> {
        if offset <= self.log_start_offset || offset > self.log_end_offset() {
            return Ok(false);
        }
        self.log_start_offset = offset;
        self.epochs.truncate_from_start(disk, offset)?;
        Ok(true)
    }

    /// Removes the files of segments that went long enough ago.
    pub fn remove_deleted(&mut self, disk: &mut dyn Disk, now_ms: i64) -> DiskResult<()> {
        while let Some(at) = self.doomed.iter().position(|doomed| doomed.due_ms <= now_ms) {
            let doomed = self.doomed.swap_remove(at);
            doomed.close(disk);
            doomed.paths.iter().try_for_each(|path| disk.remove(path))?;
        }
        Ok(())
    }

    fn doom_first(&mut self, disk: &mut dyn Disk, now_ms: i64) -> DiskResult<()> {
        let segment: &Segment = &self.segments[0];
        let stem = stem(&self.dir, segment.base_offset);
        let mut paths = Vec::new();
        for suffix in ["log", "index", "timeindex"] {
            let deleted = format!("{stem}.{suffix}.deleted");
            disk.rename(&format!("{stem}.{suffix}"), &deleted)?;
            paths.push(deleted);
        }
        disk.remove(&snapshot_path(&self.dir, segment.base_offset))?;
        let files = [segment.file, segment.offsets.file(), segment.times.file()];
        let due_ms = now_ms.saturating_add(i64::try_from(self.config.file_delete_delay_ms).unwrap_or(i64::MAX));
        self.doomed.push(Doomed { due_ms, files, paths });
        self.segments.remove(0);
        Ok(())
    }
}
