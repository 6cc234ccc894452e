//! A partition on its way to other replicas (KIP-455): for a while it has the old ones and the new ones
//! (Kafka: `PartitionReassignmentReplicas`, `PartitionReassignmentRevert`).

use crate::{id::NodeId, metadata::registration::PartitionRegistration};

/// All replicas of a partition, and which of them come and go. Both empty: nothing is under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reassignment {
    pub replicas: Vec<NodeId>,
    pub adding: Vec<NodeId>,
    pub removing: Vec<NodeId>,
}

impl Reassignment {
    /// What the partition is at now.
    pub(super) fn of(partition: &PartitionRegistration) -> Self {
        Self {
            replicas: partition.replicas.clone(),
            adding: partition.adding_replicas.clone(),
            removing: partition.removing_replicas.clone(),
        }
    }

    /// From the present replicas to `target`: the new ones come first, those that will go stay behind them until then.
    pub(super) fn to(present: &[NodeId], target: &[NodeId]) -> Self {
        let without = |from: &[NodeId], other: &[NodeId]| {
            let mut rest: Vec<NodeId> = from.iter().filter(|id| !other.contains(id)).copied().collect();
            rest.sort_unstable();
            rest
        };
        let removing = without(present, target);
        let replicas = target.iter().chain(&removing).copied().collect();
        Self { replicas, adding: without(target, present), removing }
    }

    /// Replicas and ISR at the end, if that is reached: everybody who stays is in sync.
    pub(super) fn complete(&self, isr: &[NodeId]) -> Option<(Vec<NodeId>, Vec<NodeId>)> {
        if self.adding.is_empty() && self.removing.is_empty() {
            return None;
        }
        let staying = |ids: &[NodeId]| ids.iter().filter(|id| !self.removing.contains(id)).copied().collect();
        let (replicas, isr): (Vec<NodeId>, Vec<NodeId>) = (staying(&self.replicas), staying(isr));
        let done = !replicas.is_empty() && !isr.is_empty() && replicas.iter().all(|id| isr.contains(id));
        done.then_some((replicas, isr))
    }

    /// The replicas before the reassignment, and who of `isr` is among them.
    pub(super) fn revert(&self, isr: &[NodeId]) -> (Vec<NodeId>, Vec<NodeId>) {
        let old = |ids: &[NodeId]| ids.iter().filter(|id| !self.adding.contains(id)).copied().collect();
        (old(&self.replicas), old(isr))
    }
}

/// The replication factor that a reassignment leads to, or the present one.
pub(super) fn target_factor(partition: &PartitionRegistration) -> usize {
    let added = partition.adding_replicas.iter().filter(|id| !partition.replicas.contains(id));
    let all = partition.replicas.iter().chain(added);
    all.filter(|id| !partition.removing_replicas.contains(id)).count()
}
