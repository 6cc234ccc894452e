//! `.index`: from offsets to positions, one entry after every `index.interval.bytes` (`OffsetIndex`).

use super::index::{Entry, Index};
use crate::disk::{Disk, DiskResult};

/// The batch that ends with `base_offset + last_offset` begins at `position` of its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffsetEntry {
    pub(super) last_offset: u32,
    pub(super) position: u32,
}

impl Entry for OffsetEntry {
    const LEN: usize = 8;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.last_offset.to_be_bytes());
        out.extend_from_slice(&self.position.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Self {
        Self {
            last_offset: u32::from_be_bytes(bytes[..4].try_into().expect("8 bytes")),
            position: u32::from_be_bytes(bytes[4..8].try_into().expect("8 bytes")),
        }
    }
}

pub(super) type OffsetIndex = Index<OffsetEntry>;

impl OffsetIndex {
    /// Where to begin to look for the batch with `offset` (relative): at or before it.
    pub(super) fn position_before(&self, disk: &dyn Disk, offset: u32) -> DiskResult<u64> {
        let entry = self.last_before(disk, |entry| entry.last_offset <= offset)?;
        Ok(entry.map_or(0, |entry| u64::from(entry.position)))
    }

    /// A batch boundary at or before `position`.
    pub(super) fn boundary_before(&self, disk: &dyn Disk, position: u64) -> DiskResult<u64> {
        let entry = self.last_before(disk, |entry| u64::from(entry.position) <= position)?;
        Ok(entry.map_or(0, |entry| u64::from(entry.position)))
    }

    /// Entries grow in both fields and stay inside the segment.
    pub(super) fn is_sane(&self, disk: &dyn Disk, segment_size: u64) -> DiskResult<bool> {
        let entries = self.entries(disk)?;
        let growing = entries.windows(2).all(|w| w[0].last_offset < w[1].last_offset && w[0].position < w[1].position);
        Ok(growing && entries.last().is_none_or(|last| u64::from(last.position) < segment_size))
    }
}
