//! Election safety and vote once (`kafka-reference` has them from the TLA+ of KIP-595 and KIP-996): at most one leader an
//! epoch, over all of history; a voter grants its vote in an epoch to one candidate only, also across restarts; its
//! epoch never goes back; the quorum's high watermark never passes the end of the log.

use std::collections::BTreeMap;

use super::Findings;
use crate::{controller::Controller, id::NodeId};

#[derive(Clone, Debug, Default)]
pub(super) struct Quorum {
    leaders: BTreeMap<i32, NodeId>,
    votes: BTreeMap<(NodeId, i32), i32>,
    /// Epoch and vote that each voter was last seen to have on its disk: they outlive its process, and a loss of power.
    held: BTreeMap<NodeId, (i32, Option<NodeId>)>,
}

impl Quorum {
    pub(super) fn check(&mut self, id: NodeId, controller: &Controller, found: &mut Findings) {
        let raft = controller.raft();
        // The file does not keep the directory of who was voted for.
        if let Some(now) = raft.durable_vote().map(|(epoch, voted)| (epoch, voted.map(|key| key.id)))
            && let Some(before) = self.held.insert(id, now)
            && (now.0 < before.0 || (now.0 == before.0 && before.1.is_some() && now.1 != before.1))
        {
            found.add("epoch and vote are kept", format!("{id} went from {before:?} to {now:?}"));
        }
        if raft.is_leader() {
            let leader = *self.leaders.entry(raft.epoch()).or_insert(id);
            if leader != id {
                let detail = format!("both {leader} and {id} led quorum epoch {}", raft.epoch());
                found.add("election safety", detail);
            }
        }
        if let Some(high_watermark) = raft.high_watermark()
            && high_watermark > raft.log_end_offset()
        {
            let end = raft.log_end_offset();
            found
                .add("quorum high watermark", format!("{id}: high watermark {high_watermark} is beyond log end {end}"));
        }
    }

    pub(super) fn vote_granted(&mut self, voter: NodeId, epoch: i32, candidate: i32, found: &mut Findings) {
        let first = *self.votes.entry((voter, epoch)).or_insert(candidate);
        if first != candidate {
            found.add("vote once", format!("{voter} voted for {first} and for {candidate} in epoch {epoch}"));
        }
    }
}
