//! When Kafka itself loses records: an unclean election. With KIP-966 that happens only when every member of the ISR and
//! of the ELR came back without having stopped cleanly, because then nobody knows who still has what (or where
//! `unclean.leader.election.enable` asks for it). What the new leader lacks is lost with Kafka's leave: the other
//! checkers forget it, people see it, and whoever lost one record without such an election has a bug.

use std::collections::BTreeMap;

use super::Findings;
use crate::{
    controller::Controller,
    group::OFFSETS_TOPIC,
    metadata::registration::{PartitionRegistration, RECOVERING},
    replica::PartitionKey,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Losses {
    /// Newest word of any controller: metadata offset and registration.
    decided: BTreeMap<PartitionKey, (i64, PartitionRegistration)>,
    /// Leader epochs that began with an unclean election and whose leader was not seen yet.
    pending: BTreeMap<PartitionKey, i32>,
    /// By partition: the leader epoch, and the offset from which records of earlier epochs may be gone.
    cuts: BTreeMap<PartitionKey, Vec<(i32, i64)>>,
    /// A partition of `__consumer_offsets` is among them.
    of_groups: bool,
}

impl Losses {
    /// Looks for unclean elections in what a controller has newly committed.
    pub(super) fn controller(&mut self, controller: &Controller, found: &mut Findings) {
        let image = controller.image();
        for topic in image.topics() {
            for (&partition, new) in &topic.partitions {
                let key = PartitionKey { topic_id: topic.id, partition };
                let Some((offset, old)) = self.decided.get(&key) else {
                    self.decided.insert(key, (image.offset(), new.clone()));
                    continue;
                };
                if *offset >= image.offset() || old == new {
                    continue;
                }
                let mut safe = old.isr.iter().chain(&old.elr);
                if new.leader_epoch > old.leader_epoch
                    && new.leader_recovery_state == RECOVERING
                    && new.leader().is_some_and(|leader| !safe.clone().any(|id| *id == leader))
                {
                    // A broker's epoch is the offset of its registration: who has registered since then and was
                    // passed over came back uncleanly.
                    let is_new = |id| image.broker(id).is_some_and(|broker| broker.epoch > *offset);
                    let bypassed = safe.find(|id| !is_new(**id));
                    let allowed = image.unclean_leader_election_enable(&topic.name, controller.config());
                    if let Some(bypassed) = bypassed.filter(|_| !allowed) {
                        let (name, leader) = (&topic.name, new.leader);
                        let detail = format!("{name}-{partition}: {leader} was elected, and {bypassed} has everything");
                        found.add("an unclean election is the last resort", detail);
                    }
                    self.pending.insert(key, new.leader_epoch);
                }
                self.decided.insert(key, (image.offset(), new.clone()));
            }
        }
    }

    /// Nothing was lost so far.
    pub(super) fn is_empty(&self) -> bool {
        self.cuts.is_empty()
    }

    /// Nothing that coordinators of groups wrote was lost so far.
    pub(super) fn spare_groups(&self) -> bool {
        !self.of_groups
    }

    /// Whether a leader of `epoch` is the first since an unclean election: what it has is all there is.
    pub(super) fn begins_with(&self, key: PartitionKey, epoch: i32) -> bool {
        self.pending.get(&key).is_some_and(|&unclean| unclean <= epoch)
    }

    pub(super) fn cut(&mut self, topic: &str, key: PartitionKey, epoch: i32, at: i64) {
        self.of_groups |= topic == OFFSETS_TOPIC;
        self.pending.remove(&key);
        self.cuts.entry(key).or_default().push((epoch, at));
    }

    /// Whether a batch of `epoch` at `offset` may be gone.
    pub(super) fn covers(&self, key: PartitionKey, epoch: i32, offset: i64) -> bool {
        self.cuts.get(&key).is_some_and(|cuts| cuts.iter().any(|&(unclean, at)| epoch < unclean && offset >= at))
    }

    /// Whether anything at `offset` may have been lost once.
    pub(super) fn touch(&self, key: PartitionKey, offset: i64) -> bool {
        self.pending.contains_key(&key) || self.covers(key, -1, offset)
    }
}
