//! Cutting the end off: what a follower does when it learns that a leader went another way.

use bytes::Bytes;

use super::{
    partition_log::Log,
    producer_state::{ProducerStates, snapshot_path, snapshots},
    scan::{SHORT, Scan},
    segment::Segment,
};
use crate::{
    disk::{Disk, DiskResult},
    wire::batch::HEADER_LEN,
};

impl Log {
    /// Removes every batch that holds or follows `offset`. Producer state is that of what is left.
    pub fn truncate_to(&mut self, disk: &mut dyn Disk, offset: i64) -> DiskResult<()> {
        if offset >= self.log_end_offset() {
            // A leader that announced its epoch and then appended nothing has left an entry at the end.
            return self.epochs.truncate_from_end(disk, self.log_end_offset());
        }
        if offset < self.segments[0].base_offset {
            return self.truncate_fully_and_start_at(disk, offset);
        }
        self.truncations += 1;
        while self.segments.len() > 1 && self.active().base_offset > offset {
            let segment = self.segments.pop().expect("more than one");
            segment.delete(disk, &self.dir)?;
        }
        let segment = self.active_mut();
        if let Some(position) = segment.position_of(disk, offset)? {
            let mut scan = Scan::new(segment.file, position, segment.size, 0);
            let at = scan.header(disk).map_err(|error| error.broken("segment"))?;
            let first = at.map_or(offset, |(_, header)| header.base_offset);
            segment.truncate(disk, position, first.min(offset))?;
        } else {
            // The whole segment lies before the cut; it is active again.
            segment.load(disk).map_err(|error| error.broken("segment"))?;
        }
        // Or else the old bytes may be back after a power loss, in front of new segments.
        self.active_mut().name_synced = false;
        let end = self.log_end_offset();
        self.recovery_point = self.recovery_point.min(end);
        self.log_start_offset = self.log_start_offset.min(end);
        self.epochs.truncate_from_end(disk, end)?;
        self.rebuild_producers(disk, end)
    }

    /// Forgets leader epochs that begin at the log end: announced, or lost with their records in a power loss. For logs
    /// in which only records begin epochs.
    pub fn forget_epochs_without_records(&mut self, disk: &mut dyn Disk) -> DiskResult<()> {
        self.epochs.truncate_from_end(disk, self.log_end_offset())
    }

    /// Throws everything away and begins again at `offset`: the leader no longer has what would come before.
    pub fn truncate_fully_and_start_at(&mut self, disk: &mut dyn Disk, offset: i64) -> DiskResult<()> {
        self.truncations += 1;
        for segment in &self.segments {
            segment.delete(disk, &self.dir)?;
        }
        for snapshot in snapshots(disk, &self.dir)? {
            disk.remove(&snapshot_path(&self.dir, snapshot))?;
        }
        self.segments = vec![Segment::create(disk, &self.dir, offset)?];
        self.epochs.clear(disk)?;
        self.producers.clear();
        (self.log_start_offset, self.recovery_point) = (offset, offset);
        Ok(())
    }

    /// Producer state of the log as it is: the newest snapshot at or before `trusted`, and what was appended since.
    pub(super) fn rebuild_producers(&mut self, disk: &mut dyn Disk, trusted: i64) -> DiskResult<()> {
        self.producers.clear();
        let mut from = self.log_start_offset;
        for offset in snapshots(disk, &self.dir)?.into_iter().rev() {
            let good = if offset > trusted { None } else { ProducerStates::read_snapshot(disk, &self.dir, offset) };
            match good {
                Some(states) => {
                    self.producers = states;
                    from = offset.max(from);
                    break;
                }
                // Of a future that did not happen, or torn.
                None => disk.remove(&snapshot_path(&self.dir, offset))?,
            }
        }
        for at in self.segment_at(from)..self.segments.len() {
            let segment = &self.segments[at];
            let Some(position) = segment.position_of(disk, from)? else { continue };
            let mut scan = Scan::new(segment.file, position, segment.size, SHORT);
            while let Some((position, header)) = scan.header(disk).map_err(|error| error.broken(&self.dir))? {
                let mut records = Bytes::new();
                if ProducerStates::wants_body(&header) {
                    let (from, len) = (position + HEADER_LEN as u64, header.total_len() - HEADER_LEN);
                    records = disk.read_at(segment.file, from, len)?;
                }
                self.producers.update(&header, &records);
            }
        }
        Ok(())
    }
}
