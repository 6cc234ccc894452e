//! Groups: one owner a partition in each generation, by what clients really own; committed offsets that do not go back;
//! and a coordinator that knows nothing but what its log says.

use std::collections::BTreeMap;

use super::{Findings, losses::Losses};
use crate::{
    broker::Broker,
    client::Consumer,
    disk::MemDisk,
    group::{OFFSETS_TOPIC, shard::Shard},
    id::{NodeId, TopicPartition},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// Group, generation and partition: who was given it.
    owners: BTreeMap<(String, i32, TopicPartition), String>,
    /// The furthest that a group has committed for good, and the leader epoch of the coordinator that said so.
    committed: BTreeMap<(String, TopicPartition), (i32, i64)>,
}

impl Groups {
    /// A partition belongs to at most one member of a generation.
    pub(super) fn consumer(&mut self, id: NodeId, consumer: &Consumer, found: &mut Findings) {
        let Some((group, generation, member, owned)) = consumer.ownership() else { return };
        for partition in owned {
            let key = (group.to_owned(), generation, partition.clone());
            let owner = self.owners.entry(key).or_insert_with(|| member.to_owned());
            if owner != member {
                let detail = format!(
                    "consumer {id} reads {partition} as {member} in generation {generation} of {group}, and so does {owner}"
                );
                found.add("one owner a partition in a generation", detail);
            }
        }
        // Generations long gone are of no interest, and a run may see many.
        self.owners.retain(|(g, of, _), _| g != group || *of + 8 > generation);
    }

    /// What a group has committed for good is known to every later coordinator: members only ever commit how far they
    /// came, so it never goes back. A deposed coordinator that does not know it yet may be behind.
    pub(super) fn broker(&mut self, id: NodeId, broker: &Broker, losses: &Losses, found: &mut Findings) {
        for (_, shard) in broker.groups().shards().filter(|(_, s)| s.loading().is_none()) {
            for group in shard.groups() {
                for (partition, offset) in shard.offsets().of(&group.id, true) {
                    let key = (group.id.clone(), partition.clone());
                    let Some(&(epoch, furthest)) = self.committed.get(&key) else { continue };
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
        let members =
            |g: &crate::group::classic::ClassicGroup| -> Vec<String> { g.members().map(|m| m.id.clone()).collect() };
        if settled && (a.generation(), members(a)) != (b.generation(), members(b)) {
            let (now, log) = (a.generation(), b.generation());
            return Some(format!("group {} is in generation {now}, its log in {log}, or their members differ", a.id));
        }
    }
    None
}
