//! Requests that wait: acks=all produces for the high watermark, fetches for data, deletions of records for the other
//! replicas (`DelayedProduce`, `DelayedFetch`, `DelayedDeleteRecords`).
//!
//! Whatever takes a request out of here answers it, and nothing is in here twice: so each is answered exactly once, or
//! never when its connection closed first.

use std::collections::{BTreeMap, BTreeSet};

use super::{PartitionKey, fetch::FetchPlan};
use crate::{
    broker::Reply,
    id::{ConnId, TopicPartition},
    seam::Time,
    wire::{delete_records::DeleteRecordsResponse, produce::ProduceResponse},
};

/// An acks=all produce whose records are in the leader's log and not yet on every in-sync replica.
#[derive(Clone, Debug)]
pub struct ParkedProduce {
    pub reply: Reply,
    pub deadline: Time,
    pub version: i16,
    /// Complete but for the partitions below.
    pub response: ProduceResponse,
    pub waiting: Vec<WaitingPartition>,
}

/// One partition of a parked produce, and where its part of the response is.
#[derive(Clone, Debug)]
pub struct WaitingPartition {
    pub key: PartitionKey,
    pub name: TopicPartition,
    /// The high watermark that it waits for.
    pub required_offset: i64,
    pub topic_index: usize,
    pub partition_index: usize,
}

/// A fetch that found less than it asked for.
#[derive(Clone, Debug)]
pub struct ParkedFetch {
    pub reply: Reply,
    pub deadline: Time,
    pub plan: FetchPlan,
}

/// A DeleteRecords that not every live replica has followed.
#[derive(Clone, Debug)]
pub struct ParkedDeletion {
    pub reply: Reply,
    pub deadline: Time,
    /// Complete but for the partitions below.
    pub response: DeleteRecordsResponse,
    pub waiting: Vec<WaitingDeletion>,
}

/// One partition of a parked deletion, and where its part of the response is.
#[derive(Clone, Debug)]
pub struct WaitingDeletion {
    pub key: PartitionKey,
    /// Where every live replica's log has to begin.
    pub required_offset: i64,
    pub topic_index: usize,
    pub partition_index: usize,
}

/// A parked request whose time is up.
#[derive(Clone, Debug)]
pub enum Expired {
    Produce(ParkedProduce),
    Fetch(ParkedFetch),
    Deletion(ParkedDeletion),
}

#[derive(Clone, Debug, Default)]
pub struct Purgatory {
    last_id: u64,
    produces: BTreeMap<u64, ParkedProduce>,
    fetches: BTreeMap<u64, ParkedFetch>,
    /// Few at any time, so all are looked at when one may be ready.
    deletions: BTreeMap<u64, ParkedDeletion>,
    deadlines: BTreeSet<(Time, u64)>,
    by_conn: BTreeMap<ConnId, u64>,
    /// Produces by what they wait for, so that a high watermark that moves finds its own in order.
    until_high_watermark: BTreeSet<(PartitionKey, i64, u64)>,
    until_data: BTreeSet<(PartitionKey, u64)>,
}

impl Purgatory {
    pub fn park_produce(&mut self, parked: ParkedProduce) {
        let id = self.admit(parked.reply.conn, parked.deadline);
        for w in &parked.waiting {
            self.until_high_watermark.insert((w.key, w.required_offset, id));
        }
        self.produces.insert(id, parked);
    }

    pub fn park_fetch(&mut self, parked: ParkedFetch) {
        let id = self.admit(parked.reply.conn, parked.deadline);
        for key in parked.plan.keys() {
            self.until_data.insert((key, id));
        }
        self.fetches.insert(id, parked);
    }

    pub fn park_deletion(&mut self, parked: ParkedDeletion) {
        let id = self.admit(parked.reply.conn, parked.deadline);
        self.deletions.insert(id, parked);
    }

    fn admit(&mut self, conn: ConnId, deadline: Time) -> u64 {
        self.last_id += 1;
        self.deadlines.insert((deadline, self.last_id));
        let before = self.by_conn.insert(conn, self.last_id);
        debug_assert!(before.is_none(), "a connection has one request at a time");
        self.last_id
    }

    /// The parts of produces that waited for `key` to reach `high_watermark` or less. Call `decide` after.
    pub fn reached(&mut self, key: PartitionKey, high_watermark: i64) -> Vec<u64> {
        let mut reached = Vec::new();
        while let Some(&(k, required, id)) = self.until_high_watermark.range((key, i64::MIN, 0)..).next() {
            if k != key || required > high_watermark {
                break;
            }
            self.until_high_watermark.remove(&(k, required, id));
            reached.push(id);
        }
        reached
    }

    /// Whether any produce waits for this partition.
    pub fn has_produces(&self, key: PartitionKey) -> bool {
        self.until_high_watermark.range((key, i64::MIN, 0)..).next().is_some_and(|&(k, ..)| k == key)
    }

    /// Decides the partition of produce `id` and hands the produce out when that was its last one. `decide` writes the
    /// partition's part of the response.
    pub fn decide(
        &mut self,
        id: u64,
        key: PartitionKey,
        up_to: i64,
        mut decide: impl FnMut(&WaitingPartition, i16, &mut ProduceResponse),
    ) -> Option<ParkedProduce> {
        let parked = self.produces.get_mut(&id)?;
        let ParkedProduce { waiting, response, version, .. } = parked;
        waiting.retain(|w| {
            let decided = w.key == key && w.required_offset <= up_to;
            if decided {
                decide(w, *version, response);
            }
            !decided
        });
        if waiting.is_empty() { self.take_produce(id) } else { None }
    }

    pub fn has_deletions(&self) -> bool {
        !self.deletions.is_empty()
    }

    /// Asks of each partition that a deletion waits for whether it is decided; `decide` then writes its part of the
    /// response. Hands out the deletions that wait for nothing any more.
    pub fn decide_deletions(
        &mut self,
        mut decide: impl FnMut(&WaitingDeletion, &mut DeleteRecordsResponse) -> bool,
    ) -> Vec<ParkedDeletion> {
        for ParkedDeletion { waiting, response, .. } in self.deletions.values_mut() {
            waiting.retain(|w| !decide(w, response));
        }
        let done: Vec<u64> = self.deletions.iter().filter(|(_, p)| p.waiting.is_empty()).map(|(&id, _)| id).collect();
        done.into_iter().filter_map(|id| self.take_deletion(id)).collect()
    }

    fn take_deletion(&mut self, id: u64) -> Option<ParkedDeletion> {
        let parked = self.deletions.remove(&id)?;
        self.deadlines.remove(&(parked.deadline, id));
        self.by_conn.remove(&parked.reply.conn);
        Some(parked)
    }

    /// The fetches that want data of this partition, oldest first.
    pub fn waiting_for_data(&self, key: PartitionKey) -> Vec<u64> {
        self.until_data.range((key, 0)..=(key, u64::MAX)).map(|&(_, id)| id).collect()
    }

    pub fn fetch(&self, id: u64) -> Option<&ParkedFetch> {
        self.fetches.get(&id)
    }

    pub fn take_fetch(&mut self, id: u64) -> Option<ParkedFetch> {
        let parked = self.fetches.remove(&id)?;
        self.deadlines.remove(&(parked.deadline, id));
        self.by_conn.remove(&parked.reply.conn);
        for key in parked.plan.keys() {
            self.until_data.remove(&(key, id));
        }
        Some(parked)
    }

    fn take_produce(&mut self, id: u64) -> Option<ParkedProduce> {
        let parked = self.produces.remove(&id)?;
        self.deadlines.remove(&(parked.deadline, id));
        self.by_conn.remove(&parked.reply.conn);
        for w in &parked.waiting {
            self.until_high_watermark.remove(&(w.key, w.required_offset, id));
        }
        Some(parked)
    }

    /// The connection is gone: nobody is left to answer. What was appended stays appended.
    pub fn forget(&mut self, conn: ConnId) {
        if let Some(&id) = self.by_conn.get(&conn) {
            self.take_fetch(id);
            self.take_produce(id);
            self.take_deletion(id);
        }
    }

    /// Takes out one request whose deadline has come.
    pub fn expire(&mut self, now: Time) -> Option<Expired> {
        let &(deadline, id) = self.deadlines.first()?;
        if deadline > now {
            return None;
        }
        let produce = self.take_produce(id).map(Expired::Produce);
        let fetch = || self.take_fetch(id).map(Expired::Fetch);
        produce.or_else(fetch).or_else(|| self.take_deletion(id).map(Expired::Deletion))
    }

    pub fn deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    pub fn produces(&self) -> impl Iterator<Item = &ParkedProduce> {
        self.produces.values()
    }

    pub fn deletions(&self) -> impl Iterator<Item = &ParkedDeletion> {
        self.deletions.values()
    }

    pub fn fetches(&self) -> impl Iterator<Item = &ParkedFetch> {
        self.fetches.values()
    }
}
