//! Fetch sessions (KIP-227): the broker remembers what a fetcher reads, and only changes are told, both ways.
//!
//! With hundreds of partitions this is the difference between a few bytes and kilobytes for each empty fetch.

use std::{collections::BTreeMap, sync::Arc};

use super::{PartitionKey, fetch::PlannedPartition};
use crate::{
    id::Uuid,
    metadata::image::MetadataImage,
    seam::Time,
    wire::{
        error::ErrorCode,
        fetch::{FetchPartition, FetchRequest, PartitionData},
    },
};

/// `max.incremental.fetch.session.cache.slots`.
const SLOTS: usize = 1000;
/// `min.incremental.fetch.session.eviction.ms`: a session unused for so long makes room for another.
const EVICTION_MS: u64 = 120_000;
/// First version whose topics are ids.
const BY_ID_SINCE: i16 = 13;

/// How a fetch is to be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionAnswer {
    /// 0: no session.
    pub id: i32,
    /// Leave out what the fetcher knows.
    pub incremental: bool,
}

#[derive(Clone, Debug)]
pub struct Sessions {
    rng: fastrand::Rng,
    sessions: BTreeMap<i32, Session>,
}

#[derive(Clone, Debug)]
struct Session {
    next_epoch: i32,
    by_id: bool,
    last_used: Time,
    /// In the order of the answer. A partition that gave data goes to the end, so that each gets its turn.
    order: BTreeMap<u64, Cached>,
    index: BTreeMap<(Uuid, Arc<str>, i32), u64>,
    last_order: u64,
}

#[derive(Clone, Debug)]
struct Cached {
    planned: PlannedPartition,
    /// As last told; -1 is never true, so that the next answer is news.
    high_watermark: i64,
    log_start_offset: i64,
}

impl Sessions {
    pub fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed), sessions: BTreeMap::new() }
    }

    /// The partitions a request means, with its session (Kafka: `FetchManager.newContext`).
    pub fn unfold(
        &mut self,
        request: FetchRequest,
        version: i16,
        image: &MetadataImage,
        now: Time,
    ) -> Result<(SessionAnswer, Vec<PlannedPartition>), ErrorCode> {
        let by_id = version >= BY_ID_SINCE;
        let FetchRequest { session_id, session_epoch, topics, forgotten_topics_data: forgotten, .. } = request;
        let mut asked = Vec::new();
        for topic in topics {
            let name: Arc<str> = topic.topic.into();
            asked.extend(topic.partitions.into_iter().map(|p| planned(&name, topic.topic_id, p)));
        }
        if session_epoch <= 0 {
            self.sessions.remove(&session_id);
            let id = if session_epoch == 0 { self.create(&asked, by_id, now) } else { 0 };
            asked.iter_mut().for_each(|p| resolve(p, by_id, image));
            return Ok((SessionAnswer { id, incremental: false }, asked));
        }
        let session = self.sessions.get_mut(&session_id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.by_id != by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        if session.next_epoch != session_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        asked.into_iter().for_each(|p| session.put(p));
        for topic in forgotten {
            let name: Arc<str> = topic.topic.into();
            topic.partitions.iter().for_each(|&index| session.forget((topic.topic_id, Arc::clone(&name), index)));
        }
        session.next_epoch = session_epoch.checked_add(1).unwrap_or(1);
        session.last_used = now;
        let mut all: Vec<PlannedPartition> = session.order.values().map(|c| c.planned.clone()).collect();
        all.iter_mut().for_each(|p| resolve(p, by_id, image));
        if all.is_empty() {
            self.sessions.remove(&session_id);
            return Ok((SessionAnswer::default(), all));
        }
        Ok((SessionAnswer { id: session_id, incremental: true }, all))
    }

    /// Whether a partition's answer has to be sent, and remembers that it was.
    pub fn is_news(
        &mut self,
        answer: &SessionAnswer,
        planned: &PlannedPartition,
        data: &PartitionData,
        bytes: usize,
    ) -> bool {
        let Some(session) = self.sessions.get_mut(&answer.id) else { return true };
        let name = if session.by_id { Arc::from("") } else { Arc::clone(&planned.topic) };
        let id = if session.by_id { planned.topic_id } else { Uuid::ZERO };
        session.told((id, name, planned.index), data, bytes) || !answer.incremental
    }

    /// A session of these partitions, if there is room.
    fn create(&mut self, partitions: &[PlannedPartition], by_id: bool, now: Time) -> i32 {
        if partitions.is_empty() {
            return 0;
        }
        if self.sessions.len() >= SLOTS {
            let oldest = self.sessions.iter().min_by_key(|(_, s)| s.last_used).map(|(&id, s)| (id, s.last_used));
            match oldest {
                Some((id, used)) if now.ms_since(used) > EVICTION_MS => self.sessions.remove(&id),
                _ => return 0,
            };
        }
        let id = loop {
            let id = self.rng.i32(1..);
            if !self.sessions.contains_key(&id) {
                break id;
            }
        };
        let mut session = Session {
            next_epoch: 1,
            by_id,
            last_used: now,
            order: BTreeMap::new(),
            index: BTreeMap::new(),
            last_order: 0,
        };
        partitions.iter().for_each(|p| session.put(p.clone()));
        self.sessions.insert(id, session);
        id
    }
}

impl Session {
    fn put(&mut self, planned: PlannedPartition) {
        let key = (planned.topic_id, Arc::clone(&planned.topic), planned.index);
        if let Some(cached) = self.index.get(&key).and_then(|order| self.order.get_mut(order)) {
            cached.planned = planned;
            return;
        }
        self.last_order += 1;
        self.index.insert(key, self.last_order);
        self.order.insert(self.last_order, Cached { planned, high_watermark: -1, log_start_offset: -1 });
    }

    fn forget(&mut self, key: (Uuid, Arc<str>, i32)) {
        if let Some(order) = self.index.remove(&key) {
            self.order.remove(&order);
        }
    }

    /// `FetchSession.CachedPartition.maybeUpdateResponseData`.
    fn told(&mut self, key: (Uuid, Arc<str>, i32), data: &PartitionData, bytes: usize) -> bool {
        let Some(order) = self.index.get_mut(&key) else { return true };
        let Some(cached) = self.order.get_mut(order) else { return true };
        let changed = cached.high_watermark != data.high_watermark || cached.log_start_offset != data.log_start_offset;
        let urgent = data.error_code != 0 || data.diverging_epoch.epoch >= 0;
        cached.high_watermark = if urgent { -1 } else { data.high_watermark };
        cached.log_start_offset = data.log_start_offset;
        if bytes > 0 {
            self.last_order += 1;
            let cached = self.order.remove(order).expect("it was just found");
            *order = self.last_order;
            self.order.insert(self.last_order, cached);
        }
        changed || urgent || bytes > 0
    }
}

fn planned(topic: &Arc<str>, topic_id: Uuid, p: FetchPartition) -> PlannedPartition {
    PlannedPartition {
        topic: Arc::clone(topic),
        topic_id,
        key: None,
        index: p.partition,
        // As in Kafka's FetchRequest, anything negative is none.
        current_leader_epoch: p.current_leader_epoch.max(-1),
        fetch_offset: p.fetch_offset,
        last_fetched_epoch: p.last_fetched_epoch.max(-1),
        log_start_offset: p.log_start_offset,
        max_bytes: usize::try_from(p.partition_max_bytes).unwrap_or(0),
    }
}

/// Looks the topic up: a topic deleted and created again is another one, so names are looked up each time.
fn resolve(planned: &mut PlannedPartition, by_id: bool, image: &MetadataImage) {
    let id = if by_id { image.topic_by_id(planned.topic_id).map(|t| t.id) } else { image.topic_id(&planned.topic) };
    planned.key = id.map(|topic_id| PartitionKey { topic_id, partition: planned.index });
}
