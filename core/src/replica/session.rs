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
/// Of a fetch that asks for a session, and of one that wants none (any more).
const INITIAL_EPOCH: i32 = 0;
const FINAL_EPOCH: i32 = -1;
/// First version whose topics are ids.
const BY_ID_SINCE: i16 = 13;

/// Kafka keeps sessions in shards by ranges of their ids, and fails at an id that lies in none of them; the last shard ends a
/// little below the greatest number (`FetchSessionCache.getCacheShard`).
pub fn has_shard(session_id: i32) -> bool {
    const SHARDS: i32 = 8;
    const RANGE: i32 = i32::MAX / SHARDS;
    (0..SHARDS).contains(&(session_id / RANGE))
}

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

/// Id, or else name, and partition.
type CacheKey = (Uuid, Arc<str>, i32);

#[derive(Clone, Debug)]
struct Session {
    next_epoch: i32,
    by_id: bool,
    last_used: Time,
    /// In the order of the answer. A partition that gave data goes to the end, so that each gets its turn.
    order: BTreeMap<u64, Cached>,
    index: BTreeMap<CacheKey, u64>,
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
        let by_follower = request.replica_id.max(request.replica_state.replica_id) >= 0;
        let FetchRequest { session_id, session_epoch, topics, forgotten_topics_data: forgotten, .. } = request;
        // Of a partition that is named twice the last word counts (`FetchRequest.fetchData`).
        let (mut asked, mut places) = (Vec::<PlannedPartition>::new(), BTreeMap::new());
        for topic in topics {
            let name: Arc<str> = topic.topic.into();
            for partition in topic.partitions {
                let planned = planned(&name, topic.topic_id, partition);
                let place = *places.entry((Arc::clone(&name), topic.topic_id, planned.index)).or_insert(asked.len());
                match asked.get_mut(place) {
                    Some(before) => *before = planned,
                    None => asked.push(planned),
                }
            }
        }
        if matches!(session_epoch, INITIAL_EPOCH | FINAL_EPOCH) {
            self.sessions.remove(&session_id);
            asked.iter_mut().for_each(|p| resolve(p, by_id, image));
            let id = if session_epoch == INITIAL_EPOCH { self.create(&asked, by_id, now) } else { 0 };
            return Ok((SessionAnswer { id, incremental: false }, erroneous_last(asked, by_follower)));
        }
        let session = self.sessions.get_mut(&session_id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.next_epoch != session_epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.by_id != by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        asked.into_iter().for_each(|p| session.put(p));
        for topic in forgotten {
            let name: Arc<str> = topic.topic.into();
            topic.partitions.iter().for_each(|&index| session.forget((topic.topic_id, Arc::clone(&name), index)));
        }
        session.next_epoch = session_epoch.checked_add(1).unwrap_or(1);
        session.last_used = now;
        let resolved = |cached: &mut Cached| {
            resolve(&mut cached.planned, by_id, image);
            cached.planned.clone()
        };
        let all: Vec<PlannedPartition> = session.order.values_mut().map(resolved).collect();
        if all.is_empty() {
            self.sessions.remove(&session_id);
            return Ok((SessionAnswer::default(), all));
        }
        Ok((SessionAnswer { id: session_id, incremental: true }, erroneous_last(all, by_follower)))
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
        let key = session.key(planned);
        session.told(&key, data, bytes) || !answer.incremental
    }

    pub fn close(&mut self, id: i32) {
        self.sessions.remove(&id);
    }

    /// A session of these partitions, if there is room.
    fn create(&mut self, partitions: &[PlannedPartition], by_id: bool, now: Time) -> i32 {
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
    /// A topic that was asked for by its id is known by that alone.
    fn key(&self, planned: &PlannedPartition) -> CacheKey {
        let name = if self.by_id { Arc::from("") } else { Arc::clone(&planned.topic) };
        (planned.topic_id, name, planned.index)
    }

    fn put(&mut self, planned: PlannedPartition) {
        let key = self.key(&planned);
        if let Some(cached) = self.index.get(&key).and_then(|order| self.order.get_mut(order)) {
            // The name that the id once had stays: so it is noticed that another topic has it now.
            let topic = Arc::clone(&cached.planned.topic);
            cached.planned = PlannedPartition { topic, ..planned };
            return;
        }
        self.last_order += 1;
        self.index.insert(key, self.last_order);
        self.order.insert(self.last_order, Cached { planned, high_watermark: -1, log_start_offset: -1 });
    }

    fn forget(&mut self, key: CacheKey) {
        if let Some(order) = self.index.remove(&key) {
            self.order.remove(&order);
        }
    }

    /// `FetchSession.CachedPartition.maybeUpdateResponseData`.
    fn told(&mut self, key: &CacheKey, data: &PartitionData, bytes: usize) -> bool {
        let Some(order) = self.index.get_mut(key) else { return true };
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

/// As Kafka lists them: what is not there last, and for consumers unknown ids before unknown partitions
/// (`KafkaApis.handleFetchRequest`).
fn erroneous_last(mut partitions: Vec<PlannedPartition>, by_follower: bool) -> Vec<PlannedPartition> {
    partitions.sort_by_key(|planned| match planned.key {
        Err(ErrorCode::UnknownTopicId) => 1,
        Err(ErrorCode::UnknownTopicOrPartition) => 2 - i32::from(by_follower),
        _ => 0,
    });
    partitions
}

fn planned(topic: &Arc<str>, topic_id: Uuid, p: FetchPartition) -> PlannedPartition {
    PlannedPartition {
        topic: Arc::clone(topic),
        topic_id,
        key: Err(ErrorCode::UnknownTopicOrPartition),
        index: p.partition,
        // As in Kafka's FetchRequest, anything negative is none.
        current_leader_epoch: p.current_leader_epoch.max(-1),
        fetch_offset: p.fetch_offset,
        last_fetched_epoch: p.last_fetched_epoch.max(-1),
        log_start_offset: p.log_start_offset,
        max_bytes: p.partition_max_bytes,
    }
}

/// Looks the topic up, each time: one that was deleted and created again is another one. A session keeps the name that an
/// id once had, and says so when the name has another id now (`FetchSession.CachedPartition`, `KafkaApis.handleFetchRequest`).
fn resolve(planned: &mut PlannedPartition, by_id: bool, image: &MetadataImage) {
    if by_id
        && planned.topic.is_empty()
        && let Some(topic) = image.topic_by_id(planned.topic_id)
    {
        planned.topic = topic.name.as_str().into();
    }
    let known = image.topic(&planned.topic).filter(|topic| topic.partitions.contains_key(&planned.index));
    planned.key = match known {
        None if by_id && planned.topic.is_empty() => Err(ErrorCode::UnknownTopicId),
        None => Err(ErrorCode::UnknownTopicOrPartition),
        Some(topic) if by_id && topic.id != planned.topic_id => Err(ErrorCode::InconsistentTopicId),
        Some(topic) => Ok(PartitionKey { topic_id: topic.id, partition: planned.index }),
    };
}
