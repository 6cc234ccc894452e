//! Who leads a partition, who is in sync, and who is eligible: every change goes through here
//! (Kafka: `PartitionChangeBuilder`, `ReplicationControlManager.generateLeaderAndIsrUpdates`; KIP-966).

use super::{api::State, index, partitions::default_dir, reassignment::Reassignment, write::Batch};
use crate::{
    id::{NodeId, Uuid},
    metadata::{
        image::{MetadataImage, TopicImage},
        registration::{NO_LEADER, NO_LEADER_CHANGE, PartitionRegistration, RECOVERED, RECOVERING, numbers},
    },
    wire::metadata_records::PartitionChangeRecord,
};

/// Kafka: `PartitionChangeBuilder.Election`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Election {
    /// The first replica of the assignment, if it may.
    Preferred,
    /// Whoever leads stays; else the first that may.
    Online,
    /// As online, and when nobody may, the first that is alive, whatever it has lost.
    Unclean,
}

/// What a partition is to become. Fields left at their start change nothing.
pub(super) struct PartitionChange<'a> {
    pub partition: &'a PartitionRegistration,
    pub topic_id: Uuid,
    pub partition_id: i32,
    pub image: &'a MetadataImage,
    /// Alive enough to lead.
    pub acceptable: &'a dyn Fn(NodeId) -> bool,
    /// Effective `min.insync.replicas`.
    pub min_isr: usize,
    pub elr_enabled: bool,
    pub election: Election,
    pub target_isr: Vec<NodeId>,
    /// All replicas while a reassignment is under way, and which of them come and go.
    pub target: Reassignment,
    pub target_recovery: i8,
    /// It came back without having stopped cleanly, so it may have lost its last writes.
    pub unclean_shutdown: Option<NodeId>,
}

/// How a leader was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Stays,
    Preferred,
    InSync,
    Eligible,
    LastKnown,
    Unclean,
    Nobody,
}

impl<'a> PartitionChange<'a> {
    pub(super) fn new(
        partition: &'a PartitionRegistration,
        topic: &TopicImage,
        partition_id: i32,
        acceptable: &'a dyn Fn(NodeId) -> bool,
        state: &State<'a>,
    ) -> Self {
        let unclean = state.image.unclean_leader_election_enable(&topic.name, state.config);
        Self {
            partition,
            topic_id: topic.id,
            partition_id,
            image: state.image,
            acceptable,
            min_isr: state.effective_min_isr(topic),
            elr_enabled: state.elr_enabled(),
            election: if unclean { Election::Unclean } else { Election::Online },
            target_isr: partition.isr.clone(),
            target: Reassignment::of(partition),
            target_recovery: partition.leader_recovery_state,
            unclean_shutdown: None,
        }
    }

    /// The record, and a sentence that says how its leader was found; nothing when nothing changes.
    pub(super) fn build(mut self) -> Option<(PartitionChangeRecord, String)> {
        let before = self.partition;
        let mut record = PartitionChangeRecord {
            topic_id: self.topic_id,
            partition_id: self.partition_id,
            leader: NO_LEADER_CHANGE,
            leader_recovery_state: -1,
            ..Default::default()
        };
        let completed = self.complete_reassignment();
        let mut elr = self.target_elr();
        let (leader, found) = self.elect(&elr);
        let clean = !matches!(found, Found::LastKnown | Found::Unclean);
        if leader != before.leader {
            record.leader = leader;
            if found == Found::Eligible {
                self.target_isr = vec![NodeId(leader)];
                elr.retain(|&r| r.0 != leader);
            } else if !clean {
                // Whoever leads now defines what is true. Records that only others have are lost.
                record.isr = Some(vec![leader]);
                if before.leader_recovery_state != RECOVERING {
                    self.target_recovery = RECOVERING;
                }
            }
        }
        // Whoever lost replicas has to hear of it, and an epoch of its own keeps their fetches out
        // (`triggerLeaderEpochBumpForReplicaReassignmentIfNeeded`).
        if record.leader == NO_LEADER_CHANGE && !before.replicas.iter().all(|r| self.target.replicas.contains(r)) {
            record.leader = before.leader;
        }
        if record.isr.is_some() || !self.elr_enabled {
            elr.clear();
        }
        if elr != before.elr {
            record.eligible_leader_replicas = Some(numbers(&elr));
        }
        // Without ELR the last member stays in the ISR while nobody leads, or nobody could ever be elected again.
        let may_be_empty = self.elr_enabled || !self.target_isr.is_empty();
        if record.isr.is_none() && may_be_empty && self.target_isr != before.isr {
            record.isr = Some(numbers(&self.target_isr));
        }
        self.remember_last_leader(&mut record);
        self.assign(&mut record);
        if self.target_recovery != before.leader_recovery_state {
            record.leader_recovery_state = self.target_recovery;
        }
        let mut sentence = explain(leader, found, before.leader);
        if completed {
            sentence = format!("that completes the reassignment; {sentence}");
        }
        (!is_no_op(&record)).then_some((record, sentence))
    }

    /// Ends the reassignment when all replicas that are to stay are in sync (`completeReassignmentIfNeeded`).
    fn complete_reassignment(&mut self) -> bool {
        let Some((replicas, isr)) = self.target.complete(&self.target_isr) else { return false };
        self.target = Reassignment { replicas, ..Reassignment::default() };
        self.target_isr = isr;
        true
    }

    /// What of the assignment changes (`setAssignmentChanges`). A replica keeps its directory.
    fn assign(&self, record: &mut PartitionChangeRecord) {
        let (before, target) = (self.partition, &self.target);
        let directory = |id: &NodeId| {
            let known = before.replicas.iter().position(|r| r == id).and_then(|i| before.directories.get(i));
            known.copied().unwrap_or_else(|| default_dir(self.image, *id))
        };
        if !target.replicas.is_empty() {
            let directories: Vec<Uuid> = target.replicas.iter().map(directory).collect();
            record.directories = (directories != before.directories).then_some(directories);
            record.replicas = (target.replicas != before.replicas).then(|| numbers(&target.replicas));
        }
        record.removing_replicas = (target.removing != before.removing_replicas).then(|| numbers(&target.removing));
        record.adding_replicas = (target.adding != before.adding_replicas).then(|| numbers(&target.adding));
    }

    /// Below the minimum, whoever leaves the ISR stays eligible: the high watermark stands still, so it has every
    /// committed record. At the minimum or above, nobody is (KIP-966).
    fn target_elr(&self) -> Vec<NodeId> {
        if !self.elr_enabled {
            return self.partition.elr.clone();
        }
        if self.target_isr.len() >= self.min_isr {
            return Vec::new();
        }
        let mut elr: Vec<NodeId> = self.partition.elr.iter().chain(&self.partition.isr).copied().collect();
        elr.sort_unstable();
        elr.dedup();
        // Kafka keeps replicas in the ELR that a reassignment has just removed. Added again, such a one could be elected
        // with the log that it has by then.
        let remains = |r: &NodeId| self.target.replicas.contains(r) && !self.target_isr.contains(r);
        elr.retain(|r| remains(r) && Some(*r) != self.unclean_shutdown);
        elr
    }

    fn elect(&self, elr: &[NodeId]) -> (i32, Found) {
        let acceptable = |r: NodeId| (self.acceptable)(r);
        let in_sync = |r: NodeId| self.target_isr.contains(&r);
        let eligible = |r: NodeId| self.target_isr.is_empty() && elr.contains(&r);
        let may_lead = |r: NodeId| (in_sync(r) || eligible(r)) && acceptable(r);
        let how = |r: NodeId| if in_sync(r) { Found::InSync } else { Found::Eligible };

        let replicas = &self.target.replicas;
        if self.election == Election::Preferred
            && let Some(&preferred) = replicas.first().filter(|&&r| may_lead(r))
        {
            let found = if preferred.0 == self.partition.leader { Found::Stays } else { Found::Preferred };
            return (preferred.0, found);
        }
        if let Some(leader) = self.partition.leader().filter(|&l| may_lead(l)) {
            return (leader.0, Found::Stays);
        }
        if let Some(&first) = replicas.iter().find(|&&r| may_lead(r)) {
            return (first.0, how(first));
        }
        // With nobody in sync and nobody eligible, the one that led last has lost least.
        if let [last] = self.partition.last_known_elr[..]
            && (self.elr_enabled && elr.is_empty() && self.target_isr.is_empty() && acceptable(last))
        {
            return (last.0, Found::LastKnown);
        }
        if self.election == Election::Unclean
            && let Some(alive) = replicas.iter().find(|&&r| acceptable(r))
        {
            return (alive.0, Found::Unclean);
        }
        (NO_LEADER, Found::Nobody)
    }

    /// With an empty ISR the last leader is written down, and forgotten when somebody leads again.
    fn remember_last_leader(&self, record: &mut PartitionChangeRecord) {
        let before = self.partition;
        if !self.elr_enabled {
            return;
        }
        let emptied = record.isr.as_ref().is_some_and(Vec::is_empty);
        let known = before.last_known_elr == [NodeId(before.leader)];
        let leads_after = record.leader >= 0 || (before.leader != NO_LEADER && record.leader != NO_LEADER);
        if emptied && !known {
            record.last_known_elr = Some(vec![before.leader]);
        } else if leads_after && !before.last_known_elr.is_empty() {
            record.last_known_elr = Some(Vec::new());
        }
    }
}

/// Kafka: `PartitionChangeBuilder.changeRecordIsNoOp`.
fn is_no_op(record: &PartitionChangeRecord) -> bool {
    let nothing = PartitionChangeRecord {
        topic_id: record.topic_id,
        partition_id: record.partition_id,
        leader: NO_LEADER_CHANGE,
        leader_recovery_state: -1,
        ..Default::default()
    };
    *record == nothing
}

fn explain(leader: i32, found: Found, before: i32) -> String {
    match found {
        Found::Stays => format!("broker {leader} keeps leading"),
        Found::Preferred => format!("broker {leader} is the preferred leader (first in the assignment) and in sync"),
        Found::InSync => format!("broker {leader} is the first live in-sync replica in assignment order"),
        Found::Eligible => {
            format!("nobody in sync is alive; broker {leader} is eligible (ELR): it has every committed record")
        }
        Found::LastKnown => {
            format!("nobody in sync or eligible is left; broker {leader} led last, and records may be lost")
        }
        Found::Unclean => {
            format!("unclean election: broker {leader} is alive but was not in sync, records may be lost")
        }
        Found::Nobody if before == NO_LEADER => "still nobody may lead".into(),
        Found::Nobody => "no live replica is in sync or eligible: nobody may lead".into(),
    }
}

/// Takes a broker out of every ISR and leadership.
pub(super) fn remove_from_isrs(broker: NodeId, state: &State<'_>, batch: &mut Batch, why: &str) {
    let acceptable = |r: NodeId| r != broker && state.image.is_active(r);
    for_partitions(
        state,
        state.index.with_member(broker),
        |p| p.isr.contains(&broker),
        |topic, id, partition| {
            let mut change = PartitionChange::new(partition, topic, id, &acceptable, state);
            change.target_isr.retain(|&r| r != broker);
            push(change, batch, why);
        },
    );
}

/// It came back without having stopped cleanly: it may not have what it once promised to have, so it leaves ISR and ELR
/// (KIP-966; Kafka: `ReplicationControlManager.handleBrokerShutdown`).
pub(super) fn forget_unclean(broker: NodeId, state: &State<'_>, batch: &mut Batch, why: &str) {
    let acceptable = |r: NodeId| r != broker && state.image.is_active(r);
    for_partitions(
        state,
        state.index.with_member(broker),
        |p| p.isr.contains(&broker) || p.elr.contains(&broker),
        |topic, id, partition| {
            let mut change = PartitionChange::new(partition, topic, id, &acceptable, state);
            change.target_isr.retain(|&r| r != broker);
            change.unclean_shutdown = Some(broker);
            push(change, batch, why);
        },
    );
}

/// The cluster forgets the broker: it leaves every ISR, and who counted on it in the ELR looks again
/// (Kafka: `ReplicationControlManager.handleBrokerUnregistered`).
pub(super) fn forget(broker: NodeId, state: &State<'_>, batch: &mut Batch, why: &str) {
    remove_from_isrs(broker, state, batch, why);
    let acceptable = |r: NodeId| r != broker && state.image.is_active(r);
    for_partitions(
        state,
        state.index.with_member(broker),
        |p| p.elr.contains(&broker) && !p.isr.contains(&broker),
        |topic, id, partition| {
            push(PartitionChange::new(partition, topic, id, &acceptable, state), batch, why);
        },
    );
}

/// Gives partitions that nobody leads another try now that `broker` is alive, although the image still has it fenced.
pub(super) fn elect_leaderless(broker: NodeId, state: &State<'_>, batch: &mut Batch, why: &str) {
    let acceptable = |r: NodeId| r == broker || state.image.is_active(r);
    for_partitions(
        state,
        state.index.leaderless(),
        |p| p.leader == NO_LEADER,
        |topic, id, partition| {
            push(PartitionChange::new(partition, topic, id, &acceptable, state), batch, why);
        },
    );
}

/// The preferred leader takes over where it may, every `leader.imbalance.check.interval.seconds`. KRaft pays no heed to
/// the percentage (Kafka: `ReplicationControlManager.maybeBalancePartitionLeaders`).
pub(super) fn balance_leaders(state: &State<'_>, batch: &mut Batch) {
    let acceptable = |r: NodeId| state.image.is_active(r);
    for_partitions(
        state,
        state.index.imbalanced(),
        |p| !p.has_preferred_leader(),
        |topic, id, partition| {
            if batch.len() < MAX_ELECTIONS {
                let mut change = PartitionChange::new(partition, topic, id, &acceptable, state);
                change.election = Election::Preferred;
                push(change, batch, "leaders are balanced");
            }
        },
    );
}

/// Topics that allow it get an unclean leader where they have none (Kafka: `maybeElectUncleanLeaders`).
pub(super) fn elect_unclean(state: &State<'_>, batch: &mut Batch) {
    let acceptable = |r: NodeId| state.image.is_active(r);
    for_partitions(
        state,
        state.index.leaderless(),
        |p| p.leader == NO_LEADER,
        |topic, id, partition| {
            let change = PartitionChange::new(partition, topic, id, &acceptable, state);
            if change.election == Election::Unclean && batch.len() < MAX_ELECTIONS {
                push(change, batch, "unclean.leader.election.enable is set");
            }
        },
    );
}

/// Kafka: `QuorumController.MAX_ELECTIONS_PER_IMBALANCE`.
const MAX_ELECTIONS: usize = 1000;

/// Of the candidates those that are concerned, by name and number.
fn for_partitions(
    state: &State<'_>,
    candidates: impl Iterator<Item = index::Key>,
    concerned: impl Fn(&PartitionRegistration) -> bool,
    mut act: impl FnMut(&TopicImage, i32, &PartitionRegistration),
) {
    let found = candidates.map(|(topic_id, id)| {
        let topic = state.image.topic_by_id(topic_id).expect("the index follows the image");
        (topic, id, &topic.partitions[&id])
    });
    let mut found: Vec<_> = found.filter(|(_, _, partition)| concerned(partition)).collect();
    found.sort_by(|(a, i, _), (b, j, _)| (&a.name, i).cmp(&(&b.name, j)));
    for (topic, id, partition) in found {
        act(topic, id, partition);
    }
}

fn push(change: PartitionChange<'_>, batch: &mut Batch, why: &str) {
    if let Some((record, how)) = change.build() {
        batch.push_because(record, format!("{why}; {how}"));
    }
}

/// Whether the registration's state is one that a leader may report (Kafka: `LeaderRecoveryState.of`).
pub(super) fn is_recovery_state(state: i8) -> bool {
    matches!(state, RECOVERED | RECOVERING)
}
