//! The metadata log is one: voters and observers agree batch for batch (log matching), what is committed stays as it is
//! and is in the log of every leader that comes after (leader completeness), and whoever has replayed it up to an offset
//! sees the same cluster (KIP-500: the image is a function of the log).

use std::collections::BTreeMap;

use super::{Findings, log_matching::LogMatching};
use crate::{disk::MemDisk, id::NodeId, metadata::image::MetadataImage, raft::Raft};

/// Images are compared with those of this many offsets before the newest.
const KEPT_IMAGES: usize = 1000;

#[derive(Clone, Debug, Default)]
pub(super) struct MetadataCheck {
    matching: LogMatching,
    /// By base offset: next offset, epoch and checksum of each committed batch.
    committed: BTreeMap<i64, (i64, i32, u32)>,
    end: i64,
    /// High watermark up to which each replica was compared.
    compared: BTreeMap<NodeId, i64>,
    /// Newest epoch at whose beginning a leader was looked at.
    led: i32,
    images: BTreeMap<i64, MetadataImage>,
    /// Offset of the last image that was looked at, by node.
    seen: BTreeMap<NodeId, i64>,
}

impl MetadataCheck {
    pub(super) fn log(&mut self, id: NodeId, raft: &Raft, disk: &MemDisk, found: &mut Findings) {
        let (start, end) = (raft.log_start_offset(), raft.log_end_offset());
        let read = |from| raft.batches(disk, from, 1 << 20);
        self.matching.look("the metadata log", id, start, end, read, found);
        let compared = self.compared.entry(id).or_insert(start);
        let high_watermark = raft.high_watermark().unwrap_or(0).min(end);
        if *compared > end {
            let detail = format!("{id}: the log ends at {end}, {compared} was committed");
            found.add("committed metadata is not cut off", detail);
        }
        let mut next = (*compared).max(start);
        while next < high_watermark {
            let batches = read(next);
            let Some(last) = batches.last() else { break };
            for h in batches.iter().map(|batch| &batch.header).filter(|h| h.base_offset < high_watermark) {
                let is = (h.next_offset(), h.partition_leader_epoch, h.crc);
                let known = *self.committed.entry(h.base_offset).or_insert(is);
                if known != is {
                    let detail = format!("{id} has {is:?} at {}, where {known:?} was committed", h.base_offset);
                    found.add("committed metadata never changes", detail);
                }
                self.end = self.end.max(is.0);
            }
            next = last.header.next_offset();
        }
        *compared = high_watermark.max(*compared);
        if raft.is_leader() && raft.epoch() > self.led {
            self.led = raft.epoch();
            self.leader_is_complete(id, raft, disk, found);
        }
    }

    /// Log matching says that what comes before an equal batch is equal, so the last committed batch tells all.
    fn leader_is_complete(&self, id: NodeId, raft: &Raft, disk: &MemDisk, found: &mut Findings) {
        let Some((&offset, committed)) = self.committed.last_key_value() else { return };
        // A snapshot holds what is committed.
        if offset < raft.log_start_offset() {
            return;
        }
        let has = raft.batches(disk, offset, 1).first().map(|b| b.header);
        let has = has.map(|h| (h.next_offset(), h.partition_leader_epoch, h.crc));
        if has != Some(*committed) {
            let epoch = raft.epoch();
            let detail =
                format!("{id} leads epoch {epoch} with {has:?} at {offset}, where {committed:?} was committed");
            found.add("a new quorum leader has all that is committed", detail);
        }
    }

    pub(super) fn image(&mut self, id: NodeId, image: &MetadataImage, found: &mut Findings) {
        let offset = image.offset();
        match self.seen.insert(id, offset) {
            Some(before) if before == offset => return,
            Some(before) if before > offset => {
                found.add("metadata is never unlearned", format!("{id} went from {before} back to {offset}"));
            }
            _ => {}
        }
        match self.images.get(&offset) {
            Some(known) if known != image => {
                let detail = format!("{id} at {offset} has {image:?}, another node {known:?}");
                found.add("metadata images at one offset are equal", detail);
            }
            Some(_) => {}
            None => {
                self.images.insert(offset, image.clone());
                while self.images.len() > KEPT_IMAGES {
                    self.images.pop_first();
                }
            }
        }
    }

    pub(super) fn ended(&mut self, id: NodeId) {
        self.matching.ended(id);
        self.compared.remove(&id);
        self.seen.remove(&id);
    }
}
