//! Log matching: two logs with a batch of the same leader epoch at the same offset have the same bytes there, and the
//! epochs of a log never fall. It holds for partitions and for the metadata quorum, also above the high watermark.

use std::collections::BTreeMap;

use super::Findings;
use crate::{id::NodeId, wire::batch::Batch};

/// All replicas of one log.
#[derive(Clone, Debug, Default)]
pub(super) struct LogMatching {
    /// By base offset and leader epoch: last offset and checksum, from whomever had it first.
    known: BTreeMap<(i64, i32), (i64, u32)>,
    /// How far each replica's log was looked at.
    looked: BTreeMap<NodeId, i64>,
}

impl LogMatching {
    /// Looks at what is new in a replica's log. `read` gives the batches from an offset on; empty: none can be read.
    pub(super) fn look(
        &mut self,
        what: &str,
        id: NodeId,
        start: i64,
        end: i64,
        read: impl Fn(i64) -> Vec<Batch>,
        found: &mut Findings,
    ) {
        let looked = self.looked.entry(id).or_insert(start);
        // After a truncation what comes next is new.
        let mut next = (*looked).clamp(start.min(end), end);
        let mut epoch = -1;
        while next < end {
            let batches = read(next);
            let Some(last) = batches.last() else { break };
            for h in batches.iter().map(|batch| &batch.header) {
                let (at, is) = ((h.base_offset, h.partition_leader_epoch), (h.last_offset(), h.crc));
                let known = *self.known.entry(at).or_insert(is);
                if known != is {
                    let detail =
                        format!("{what} on {id}: {is:?} at offset {} in epoch {}, elsewhere {known:?}", at.0, at.1);
                    found.add("log matching", detail);
                }
                if at.1 < epoch {
                    found.add(
                        "epochs of a log grow",
                        format!("{what} on {id}: epoch {} at {} after {epoch}", at.1, at.0),
                    );
                }
                epoch = at.1;
            }
            next = last.header.next_offset();
        }
        *looked = next;
    }

    /// The process ended: what it has on its disk is looked at anew.
    pub(super) fn ended(&mut self, id: NodeId) {
        self.looked.remove(&id);
    }
}
