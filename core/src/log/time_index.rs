//! `.timeindex`: from timestamps to offsets (`TimeIndex`, KIP-33).

use super::index::{Entry, Index};
use crate::disk::{Disk, DiskResult};

/// No record before `base_offset + offset` of the segment is newer than `timestamp`, and the batch there is as new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeEntry {
    pub(super) timestamp: i64,
    pub(super) offset: u32,
}

impl Entry for TimeEntry {
    const LEN: usize = 12;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.offset.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Self {
        Self {
            timestamp: i64::from_be_bytes(bytes[..8].try_into().expect("12 bytes")),
            offset: u32::from_be_bytes(bytes[8..12].try_into().expect("12 bytes")),
        }
    }
}

pub(super) type TimeIndex = Index<TimeEntry>;

impl TimeIndex {
    /// Adds an entry unless it says nothing new.
    pub(super) fn maybe_push(&mut self, disk: &mut dyn Disk, entry: TimeEntry) {
        if entry.timestamp >= 0 && self.last().is_none_or(|last| entry.timestamp > last.timestamp) {
            self.push(disk, entry);
        }
    }

    /// Offset (relative) before which all records are older than `timestamp`.
    pub(super) fn offset_before(&self, disk: &dyn Disk, timestamp: i64) -> DiskResult<u32> {
        Ok(self.last_before(disk, |entry| entry.timestamp < timestamp)?.map_or(0, |entry| entry.offset))
    }

    /// Timestamps grow; offsets do not shrink.
    pub(super) fn is_sane(&self, disk: &dyn Disk) -> DiskResult<bool> {
        let entries = self.entries(disk)?;
        Ok(entries.windows(2).all(|w| w[0].timestamp < w[1].timestamp && w[0].offset <= w[1].offset))
    }
}
