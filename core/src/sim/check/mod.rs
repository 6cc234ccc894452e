//! Promises that must hold whatever happens, checked from outside the nodes, a file each. What a promise needs to
//! remember lives here, so that a node that forgets does not take the evidence with it.
//!
//! Each was seen to fail: ARCHITECTURE.md lists what was broken for it.

// The quorum and the controller.
mod leadership;
mod metadata;
mod quorum;

// Partitions.
mod acked;
mod committed;
mod high_watermark;
mod log_matching;
mod losses;
mod reads;

// Groups.
mod groups;

use std::collections::BTreeMap;

use crate::{
    broker::Broker,
    client::{Consumer, Delivery, FetchedRecord},
    controller::Controller,
    disk::MemDisk,
    hash::Fold,
    id::{NodeId, TopicPartition},
};

/// All checkers. `Clone`, because a fork of the world takes its memory along.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    quorum: quorum::Quorum,
    metadata: metadata::MetadataCheck,
    leadership: leadership::LeadershipCheck,
    high_watermark: high_watermark::HighWatermark,
    committed: committed::Committed,
    acked: acked::Acked,
    reads: reads::Reads,
    losses: losses::Losses,
    groups: groups::Groups,
    /// What each node looked like when it was last checked: most inputs change nothing of it.
    looked: BTreeMap<NodeId, u64>,
    looked_at_quorum: BTreeMap<NodeId, u64>,
}

/// A promise that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub promise: &'static str,
    pub detail: String,
}

/// Committed records that an unclean election lost, with Kafka's leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    pub partition: TopicPartition,
    pub from: i64,
    pub to: i64,
    pub leader: i32,
    pub leader_epoch: i32,
}

/// Collects what is broken, and what was lost.
#[derive(Debug, Default)]
pub struct Findings {
    pub broken: Vec<Broken>,
    pub lost: Vec<Lost>,
}

impl Findings {
    fn add(&mut self, promise: &'static str, detail: String) {
        self.broken.push(Broken { promise, detail });
    }
}

impl Checks {
    /// After a controller handled something.
    pub fn controller(&mut self, id: NodeId, controller: &Controller, disk: &MemDisk, found: &mut Findings) {
        let raft = controller.raft();
        let mut looks = Fold::default();
        looks.word(raft.epoch() as u64 * 2 + u64::from(raft.is_leader()));
        looks.word(raft.durable_vote().map_or(0, |(epoch, _)| epoch as u64 + 1));
        looks.word(raft.high_watermark().unwrap_or(-1) as u64);
        looks.word(raft.log_end_offset() as u64);
        looks.word(controller.image().offset() as u64);
        if self.looked.insert(id, looks.finish()) == Some(looks.finish()) {
            return;
        }
        self.quorum.check(id, controller, found);
        self.metadata.log(id, raft, disk, found);
        self.metadata.image(id, controller.image(), found);
        self.leadership.controller(id, controller, found);
        self.losses.controller(controller, found);
    }

    /// After a broker handled something.
    pub fn broker(&mut self, id: NodeId, broker: &Broker, disk: &MemDisk, found: &mut Findings) {
        let raft = broker.raft();
        let mut looks = Fold::default();
        looks.word(raft.high_watermark().unwrap_or(-1) as u64);
        looks.word(raft.log_end_offset() as u64);
        if self.looked_at_quorum.insert(id, looks.finish()) != Some(looks.finish()) {
            self.metadata.log(id, raft, disk, found);
            self.metadata.image(id, broker.image(), found);
        }
        let mut looks = Fold::default();
        for p in broker.replicas().partitions() {
            looks.word(p.leader_epoch() as u64 * 2 + u64::from(p.leadership().is_some()));
            looks.word(p.high_watermark() as u64);
            looks.word(p.log.log_end_offset() as u64);
        }
        if self.looked.insert(id, looks.finish()) == Some(looks.finish()) {
            return;
        }
        for partition in self.committed.meet(broker) {
            self.acked.lose(&partition, 0);
            self.reads.lose(&partition, 0);
        }
        self.lose(id, broker, disk, found);
        self.leadership.broker(id, broker, found);
        self.committed.check(id, broker, disk, &self.losses, found);
        self.high_watermark.check(id, broker, &self.losses, found);
        self.acked.check(id, broker, disk, found);
        self.groups.broker(id, broker, &self.losses, found);
    }

    /// The first leader after an unclean election defines what is true.
    fn lose(&mut self, id: NodeId, broker: &Broker, disk: &MemDisk, found: &mut Findings) {
        for p in broker.replicas().partitions().filter(|p| p.leadership().is_some()) {
            let leader_epoch = p.leader_epoch();
            if !self.losses.begins_with(p.key, leader_epoch) {
                continue;
            }
            let lost = self.committed.lose(p, disk);
            let from = lost.map_or(p.log.log_end_offset(), |(from, _)| from);
            self.losses.cut(&p.name.topic, p.key, leader_epoch, from);
            self.acked.lose(&p.name, from);
            self.reads.lose(&p.name, from);
            if let Some((from, to)) = lost {
                found.lost.push(Lost { partition: p.name.clone(), from, to, leader: id.0, leader_epoch });
            }
        }
    }

    /// The process of a node ended: what it believed it may believe anew.
    pub fn ended(&mut self, id: NodeId) {
        self.looked.remove(&id);
        self.looked_at_quorum.remove(&id);
        self.metadata.ended(id);
        self.high_watermark.ended(id);
        self.committed.ended(id);
        self.acked.ended(id);
        self.groups.ended(id);
    }

    /// What a producer was told. Only acks=all promises anything.
    pub fn delivered(&mut self, producer: NodeId, delivery: &Delivery, acks_all: bool, found: &mut Findings) {
        // -1: stored before, the broker no longer knows where.
        let Some(base_offset) = delivery.result.ok().filter(|offset| *offset >= 0 && acks_all) else { return };
        if self.committed.acknowledged(delivery, base_offset, &self.losses, found) {
            self.acked.delivered(producer, delivery, base_offset, found);
        }
    }

    /// What a consumer owns after it handled something.
    pub fn consumer(&mut self, id: NodeId, consumer: &Consumer, found: &mut Findings) {
        self.groups.consumer(id, consumer, &self.losses, found);
    }

    /// Somebody has a consumer read this from elsewhere.
    pub fn sought(&mut self, partition: &TopicPartition) {
        self.groups.sought(partition);
    }

    /// What a consumer read.
    pub fn read(&mut self, record: &FetchedRecord, found: &mut Findings) {
        let key = self.committed.key_of(&record.partition);
        // It was on its way when it was lost.
        if key.is_none_or(|key| !self.losses.covers(key, record.leader_epoch, record.offset)) {
            self.reads.read(record, found);
        }
    }

    /// A vote that was granted for good (not a pre-vote).
    pub fn vote_granted(&mut self, voter: NodeId, epoch: i32, candidate: i32, found: &mut Findings) {
        self.quorum.vote_granted(voter, epoch, candidate, found);
    }

    /// Everything that was acknowledged and is old enough to be everywhere must be in this leader's log.
    pub fn at_rest(&mut self, id: NodeId, broker: &Broker, disk: &MemDisk, found: &mut Findings) {
        self.acked.all_there(id, broker, disk, found);
    }

    /// Nobody produces and everybody has caught up: this broker's logs are exactly what was committed.
    pub fn converged(&mut self, id: NodeId, broker: &Broker, disk: &MemDisk, found: &mut Findings) {
        self.committed.at_rest(id, broker, disk, found);
        self.groups.at_rest(id, broker, disk, found);
    }

    /// Batches that were acknowledged to producers that asked for acks=all.
    pub fn acknowledged(&self) -> usize {
        self.acked.len()
    }
}
