//! Where the newest batches of the active segment lie, so that followers and tailing consumers are served without
//! reading anything.

use std::collections::VecDeque;

use super::offset_index::OffsetEntry;

/// Batches remembered: 8 KiB of memory, and at least the last 100 KiB of a log of tiny batches.
const CAPACITY: usize = 1024;

#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    /// One entry a batch, without holes up to the end of the segment.
    entries: VecDeque<OffsetEntry>,
}

impl Tail {
    pub(super) fn push(&mut self, entry: OffsetEntry) {
        if self.entries.len() == CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Start of the batch that holds `offset` (relative), if it is known here.
    pub(super) fn position_of(&self, offset: u32) -> Option<u64> {
        let at = self.entries.partition_point(|entry| entry.last_offset < offset);
        // The first entry may hold `offset`, or a forgotten batch before it may.
        if at == 0 && self.entries.front()?.position != 0 {
            return None;
        }
        self.entries.get(at).map(|entry| u64::from(entry.position))
    }

    /// The last batch boundary at or before `limit` (which lies before the end of the segment), with the last offset
    /// before it, if they are known here.
    pub(super) fn boundary_before(&self, limit: u64) -> Option<(u64, u32)> {
        let at = self.entries.partition_point(|entry| u64::from(entry.position) <= limit);
        // `at - 1` is the batch that begins at the boundary; the one before it ends there.
        let boundary = self.entries.get(at.checked_sub(1)?)?;
        let before = self.entries.get(at.checked_sub(2)?)?;
        Some((u64::from(boundary.position), before.last_offset))
    }

    /// End of the batch that begins at `start` (`None`: the end of the segment) and its last offset, if known here.
    pub(super) fn end_of_batch(&self, start: u64) -> Option<(Option<u64>, u32)> {
        let at = self.entries.binary_search_by_key(&start, |entry| u64::from(entry.position)).ok()?;
        let next = self.entries.get(at + 1).map(|entry| u64::from(entry.position));
        Some((next, self.entries[at].last_offset))
    }
}
