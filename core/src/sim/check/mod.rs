//! Promises that must hold whatever happens, checked from outside the nodes, a file each. What a promise needs to
//! remember lives here, so that a node that forgets does not take the evidence with it.

mod acked;
mod committed;
mod leadership;
mod quorum;
mod reads;

use std::collections::BTreeMap;

use super::hash::Fold;
use crate::{
    broker::Broker,
    client::{Delivery, FetchedRecord},
    controller::Controller,
    disk::MemDisk,
    id::NodeId,
};

/// All checkers. `Clone`, because a fork of the world takes its memory along.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    quorum: quorum::Quorum,
    leadership: leadership::LeadershipCheck,
    committed: committed::Committed,
    acked: acked::Acked,
    reads: reads::Reads,
    /// What each broker looked like when it was last checked: most inputs change nothing of it.
    looked: BTreeMap<NodeId, u64>,
}

/// A promise that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub promise: &'static str,
    pub detail: String,
}

/// Collects what is broken.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Broken>);

impl Findings {
    fn add(&mut self, promise: &'static str, detail: String) {
        self.0.push(Broken { promise, detail });
    }
}

impl Checks {
    /// After a controller handled something.
    pub fn controller(&mut self, id: NodeId, controller: &Controller, found: &mut Findings) {
        self.quorum.check(id, controller, found);
        self.leadership.controller(id, controller, found);
    }

    /// After a broker handled something.
    pub fn broker(&mut self, id: NodeId, broker: &Broker, disk: &MemDisk, found: &mut Findings) {
        let mut looks = Fold::default();
        for p in broker.replicas().partitions() {
            looks.word(p.leader_epoch() as u64 + u64::from(p.leadership().is_some()));
            looks.word(p.high_watermark() as u64);
            looks.word(p.log.log_end_offset() as u64);
        }
        if self.looked.insert(id, looks.finish()) == Some(looks.finish()) {
            return;
        }
        self.leadership.broker(id, broker, found);
        self.committed.check(id, broker, disk, found);
        self.acked.check(id, broker, disk, found);
    }

    /// The process of a node ended: what it believed it may believe anew.
    pub fn ended(&mut self, id: NodeId) {
        self.looked.remove(&id);
        self.leadership.ended(id);
        self.committed.ended(id);
        self.acked.ended(id);
    }

    /// What a producer was told. Only acks=all promises anything.
    pub fn delivered(&mut self, producer: NodeId, delivery: &Delivery, acks_all: bool, found: &mut Findings) {
        self.acked.delivered(producer, delivery, acks_all, found);
    }

    /// What a consumer read.
    pub fn read(&mut self, record: &FetchedRecord, found: &mut Findings) {
        self.reads.read(record, found);
    }

    /// A vote that was granted for good (not a pre-vote).
    pub fn vote_granted(&mut self, voter: NodeId, epoch: i32, candidate: i32, found: &mut Findings) {
        self.quorum.vote_granted(voter, epoch, candidate, found);
    }

    /// Everything that was acknowledged and is old enough to be everywhere must be in this leader's log.
    pub fn at_rest(&mut self, id: NodeId, broker: &Broker, disk: &MemDisk, found: &mut Findings) {
        self.acked.all_there(id, broker, disk, found);
    }

    /// Batches that were acknowledged to producers that asked for acks=all.
    pub fn acknowledged(&self) -> usize {
        self.acked.len()
    }
}
