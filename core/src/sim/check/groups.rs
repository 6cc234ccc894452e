//! Groups: one owner a partition in each generation, by what clients really own; offset commits of the current generation
//! only; committed offsets that do not go back; and a coordinator that knows nothing but what its log says.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{Findings, losses::Losses};
use crate::{
    broker::Broker,
    client::Consumer,
    disk::MemDisk,
    group::{OFFSETS_TOPIC, classic::ClassicGroup, shard::Shard},
    id::{NodeId, TopicPartition},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// Group, generation and partition: who was given it.
    owners: BTreeMap<(String, i32, TopicPartition), String>,
    /// The furthest that a group has committed for good, and the leader epoch of the coordinator that said so.
    committed: BTreeMap<(String, TopicPartition), (i32, i64)>,
    /// Partitions in which somebody went back on purpose.
    sought: BTreeSet<TopicPartition>,
    /// The newest generation of a group in which anybody was given something.
    newest: BTreeMap<String, i32>,
    /// Of each consumer: number of its last offset commit, and the newest generation when it was sent.
    sent: BTreeMap<NodeId, (u64, i32)>,
}

impl Groups {
    /// A partition belongs to at most one member of a generation, and only the newest generation commits.
    pub(super) fn consumer(&mut self, id: NodeId, consumer: &Consumer, losses: &Losses, found: &mut Findings) {
        let Some((group, generation, member, owned)) = consumer.ownership() else { return };
        let newest = self.newest.entry(group.to_owned()).or_insert(generation);
        *newest = generation.max(*newest);
        let commits = consumer.offset_commits();
        let sent = self.sent.entry(id).or_insert((0, *newest));
        if sent.0 != commits.sent {
            *sent = (commits.sent, *newest);
        }
        // Whoever was given something in a generation knows it from the coordinator's log, so that every coordinator knew
        // of the generation when this was sent. What an unclean election lost nobody knows.
        let accepted = commits.accepted > 0 && commits.accepted == sent.0;
        if accepted && commits.generation < sent.1 && losses.spare_groups() {
            let (of, newest) = (commits.generation, sent.1);
            let detail = format!("{group} accepted an offset commit of generation {of} from {id}, sent in {newest}");
            found.add("offsets are committed in the current generation", detail);
        }
        for partition in owned {
            let key = (group.to_owned(), generation, partition.clone());
            let owner = self.owners.entry(key).or_insert_with(|| member.to_owned());
            // What an unclean election lost was never given, and its generation comes again.
            if owner != member && losses.spare_groups() {
                let detail = format!(
                    "consumer {id} reads {partition} as {member} in generation {generation} of {group}, and so does {owner}"
                );
                found.add("one owner a partition in a generation", detail);
            }
        }
        // Generations long gone are of no interest, and a run may see many.
        self.owners.retain(|(g, of, _), _| g != group || *of + 8 > generation);
    }

    /// A process ended, and counts anew when it is back.
    pub(super) fn ended(&mut self, id: NodeId) {
        self.sent.remove(&id);
    }

    /// Somebody has a consumer read a partition from elsewhere: from now on it may be committed to go back.
    pub(super) fn sought(&mut self, partition: &TopicPartition) {
        self.sought.insert(partition.clone());
    }

    /// What a group has committed for good is known to every later coordinator: members only ever commit how far they
    /// came, so it never goes back. A deposed coordinator that does not know it yet may be behind.
    pub(super) fn broker(&mut self, id: NodeId, broker: &Broker, losses: &Losses, found: &mut Findings) {
        for (_, shard) in broker.groups().shards().filter(|(_, s)| s.loading().is_none()) {
            for group in shard.groups() {
                for (partition, offset) in shard.offsets().of(&group.id, true) {
                    let key = (group.id.clone(), partition.clone());
                    let known = self.committed.get(&key).filter(|_| !self.sought.contains(partition));
                    let Some(&(epoch, furthest)) = known else { continue };
                    // What an unclean election lost must be read again.
                    if shard.leader_epoch >= epoch && offset.offset < furthest && losses.is_empty() {
                        let (group, offset) = (&group.id, offset.offset);
                        let detail = format!(
                            "broker {id} has {offset} as the offset of {group} in {partition}, which was {furthest}"
                        );
                        found.add("committed offsets do not go back", detail);
                    }
                }
                for (partition, offset) in shard.offsets().of(&group.id, false) {
                    let key = (group.id.clone(), partition.clone());
                    let known = self.committed.entry(key).or_insert((shard.leader_epoch, offset.offset));
                    if offset.offset >= known.1 {
                        *known = (known.0.max(shard.leader_epoch), offset.offset);
                    }
                }
            }
        }
    }

    /// In a cluster at rest the coordinator knows what a new one would learn from its log.
    pub(super) fn at_rest(&self, id: NodeId, broker: &Broker, disk: &MemDisk, found: &mut Findings) {
        for (partition, shard) in broker.groups().shards().filter(|(_, s)| s.loading().is_none()) {
            let name = TopicPartition::new(OFFSETS_TOPIC, partition);
            let Some(replica) = broker.replicas().partitions().find(|p| p.name == name) else { continue };
            let from = replica.log.log_start_offset();
            let batches = replica.log.read_batches(disk, from, usize::MAX).unwrap_or_default();
            if let Some(difference) = difference(shard, &Shard::of_log(&batches)) {
                found.add("a coordinator knows what its log says", format!("broker {id}, {name}: {difference}"));
            }
        }
    }
}

/// Generation, protocol, leader, and what each member was given.
fn known(group: &ClassicGroup) -> (i32, Option<&str>, Option<&str>, BTreeMap<&str, &Bytes>) {
    let members = group.members().map(|m| (m.id.as_str(), &m.assignment)).collect();
    (group.generation(), group.protocol(), group.leader(), members)
}

fn difference(live: &Shard, replayed: &Shard) -> Option<String> {
    for group in live.groups().chain(replayed.groups()) {
        let (a, b) = (live.group(&group.id), replayed.group(&group.id));
        let offsets = |shard: &Shard| -> Vec<(TopicPartition, i64)> {
            shard.offsets().of(&group.id, true).map(|(p, o)| (p.clone(), o.offset)).collect()
        };
        if offsets(live) != offsets(replayed) {
            return Some(format!("offsets of {} are {:?}, not {:?}", group.id, offsets(live), offsets(replayed)));
        }
        let (Some(a), Some(b)) = (a, b) else { return Some(format!("only one of them knows group {}", group.id)) };
        // A rebalance that is under way is not in the log yet.
        let settled = matches!(a.state().name(), "Stable" | "Empty");
        if settled && known(a) != known(b) {
            return Some(format!("group {} is {:?}, and by its log {:?}", a.id, known(a), known(b)));
        }
    }
    None
}
