//! A consumer, with assigned partitions or as a member of a group (`KafkaConsumer`, `Fetcher`, `OffsetFetcher`).
//!
//! It finds the leader of each partition, asks where to begin (ListOffsets), then keeps one fetch in flight to each
//! leader. Fetches carry the leader epoch it knows, so that an old leader refuses them (KIP-320). It uses no fetch
//! sessions (KIP-227): every fetch names its partitions.

mod fetch;
mod list_offsets;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    ConsumerConfig, OffsetReset,
    group::{Change, Membership},
    links::{LinkEvent, LinkSettings, Links, Peer, backoff_ms},
    metadata::{Metadata, MetadataSettings},
};
use crate::{
    id::TopicPartition,
    seam::{Ctx, Input, Machine, Output, Time},
    view::{ConsumerView, PositionView, ProcessState},
    wire::error::ErrorCode,
};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

/// One record read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedRecord {
    pub partition: TopicPartition,
    pub offset: i64,
    pub leader_epoch: i32,
    /// Unix milliseconds.
    pub timestamp: i64,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<(String, Option<Bytes>)>,
}

#[derive(Clone, Debug)]
enum Tag {
    Metadata,
    ListOffsets(Vec<TopicPartition>),
    Fetch(Vec<TopicPartition>),
}

/// Where the consumer stands in one partition.
#[derive(Clone, Debug)]
struct Position {
    /// `None`: to be asked for, with this timestamp.
    offset: Option<i64>,
    reset_to: i64,
    /// Epoch of the last batch that was read.
    last_epoch: i32,
    /// The high watermark in the last answer; -1 before.
    high_watermark: i64,
    busy: bool,
    failures: u32,
    not_before_ms: u64,
}

impl Position {
    /// At the committed offset, or where a consumer begins that has none.
    fn start(reset: OffsetReset, committed: Option<i64>) -> Self {
        let (offset, reset_to) = match reset {
            OffsetReset::Earliest => (None, EARLIEST),
            OffsetReset::Latest => (None, LATEST),
            OffsetReset::Offset(offset) => (Some(offset), EARLIEST),
            OffsetReset::Timestamp(at) => (None, at),
        };
        Self {
            offset: committed.or(offset),
            reset_to,
            last_epoch: -1,
            high_watermark: -1,
            busy: false,
            failures: 0,
            not_before_ms: 0,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Consumer {
    config: ConsumerConfig,
    links: Links<Tag>,
    metadata: Metadata,
    /// Its place in a group, by which it gets partitions.
    membership: Option<Membership>,
    positions: BTreeMap<TopicPartition, Position>,
    /// Leaders with a fetch in flight.
    fetching: BTreeSet<Peer>,
    records: Vec<FetchedRecord>,
    rng: fastrand::Rng,
    wake_ms: Option<u64>,
    read: u64,
    closing: bool,
    last_error: Option<String>,
}

impl Consumer {
    pub fn start(config: ConsumerConfig, ctx: &mut Ctx<'_>) -> Self {
        let mut rng = fastrand::Rng::with_seed(config.seed);
        let links = LinkSettings {
            request_timeout_ms: config.request_timeout_ms,
            reconnect_backoff_ms: config.reconnect_backoff_ms,
            reconnect_backoff_max_ms: config.reconnect_backoff_max_ms,
            connection_setup_timeout_ms: config.socket_connection_setup_timeout_ms,
        };
        let mut metadata = Metadata::new(MetadataSettings {
            max_age_ms: config.metadata_max_age_ms,
            retry_backoff_ms: config.retry_backoff_ms,
            retry_backoff_max_ms: config.retry_backoff_max_ms,
            allow_auto_topic_creation: config.allow_auto_topic_creation,
        });
        config.topics.iter().for_each(|topic| metadata.want(topic));
        config.partitions.iter().for_each(|p| metadata.want(&p.topic));
        let mut consumer = Self {
            links: Links::new(&config.name, &config.bootstrap, links, rng.fork()),
            membership: config
                .group_id
                .as_deref()
                .map(|group_id| Membership::start(group_id, &config, rng.fork(), ctx.ms())),
            metadata,
            config,
            positions: BTreeMap::new(),
            fetching: BTreeSet::new(),
            records: Vec::new(),
            rng,
            wake_ms: None,
            read: 0,
            closing: false,
            last_error: None,
        };
        consumer.move_on(ctx);
        consumer
    }

    /// Records read since the last call, in offset order within a partition. The driver wakes the machine after it, if
    /// there was something: fetching had stopped when too many waited.
    pub fn take_records(&mut self) -> Vec<FetchedRecord> {
        std::mem::take(&mut self.records)
    }

    /// Whether every assigned partition was read up to the high watermark of its last answer.
    pub fn at_end(&self) -> bool {
        let at_end = |p: &Position| p.high_watermark >= 0 && p.offset.is_some_and(|o| o >= p.high_watermark);
        let known = self.config.topics.iter().all(|topic| self.metadata.topic(topic).is_some());
        known && !self.positions.is_empty() && self.positions.values().all(at_end)
    }

    /// The topic cannot be read, and why; `None` while it can or nobody knows.
    pub fn topic_error(&self, topic: &str) -> Option<ErrorCode> {
        Some(self.metadata.topic_error(topic)).filter(|&code| code != 0).map(ErrorCode::from_code)
    }

    pub fn view(&self) -> ConsumerView {
        let committed = |p: &TopicPartition| self.membership.as_ref().and_then(|m| m.committed(p)).unwrap_or(-1);
        let position = |(partition, position): (&TopicPartition, &Position)| PositionView {
            committed: committed(partition),
            topic: partition.topic.clone(),
            partition: partition.partition,
            position: position.offset.unwrap_or(-1),
            high_watermark: position.high_watermark,
        };
        ConsumerView {
            id: self.config.id,
            name: self.config.name.clone(),
            process: ProcessState::Alive,
            read: self.read,
            positions: self.positions.iter().map(position).collect(),
            group_id: self.config.group_id.clone(),
            member_id: self.membership.as_ref().map(|m| m.member_id().to_owned()),
            generation: self.membership.as_ref().map_or(-1, Membership::generation),
            last_error: self
                .membership
                .as_ref()
                .and_then(Membership::last_error)
                .map(str::to_owned)
                .or(self.last_error.clone()),
        }
    }

    fn move_on(&mut self, ctx: &mut Ctx<'_>) {
        let mut events = Vec::new();
        self.links.expire(ctx, &mut events);
        self.link_events(ctx, events);
        self.metadata.refresh(ctx, &mut self.links, Tag::Metadata);
        if self.membership.is_some() {
            self.follow_group(ctx);
        } else {
            self.assign();
        }
        self.ask_offsets(ctx);
        self.fetch(ctx);
        self.wake_ms = self.next_wake(ctx.ms());
    }

    fn link_events(&mut self, ctx: &mut Ctx<'_>, events: Vec<LinkEvent<Tag>>) {
        for event in events {
            match event {
                LinkEvent::Answer { tag: Tag::Metadata, version, frame, .. } => {
                    self.metadata.answer(ctx, &mut self.links, version, &frame, &mut self.rng);
                }
                LinkEvent::Down => self.metadata.expire(),
                LinkEvent::Lost { tag: Tag::Metadata, .. } => self.metadata.lost(ctx, &mut self.rng),
                LinkEvent::Answer { tag: Tag::ListOffsets(partitions), version, frame, .. } => {
                    self.offsets_answer(ctx, &partitions, version, &frame);
                }
                LinkEvent::Answer { peer, tag: Tag::Fetch(partitions), version, frame } => {
                    self.fetching.remove(&peer);
                    self.fetch_answer(ctx, &partitions, version, &frame);
                }
                LinkEvent::Lost { peer, tag: Tag::ListOffsets(partitions) | Tag::Fetch(partitions) } => {
                    self.fetching.remove(&peer);
                    self.metadata.expire();
                    partitions.iter().for_each(|p| self.retry_later(ctx, p, ErrorCode::NetworkException));
                }
            }
        }
    }

    /// Takes all partitions of the wanted topics, as they become known.
    fn assign(&mut self) {
        let config = &self.config;
        let all = config.topics.iter().flat_map(|name| {
            let count = self.metadata.topic(name).map_or(0, |t| t.partitions.len());
            (0..count as i32).map(move |p| TopicPartition::new(name, p))
        });
        for partition in all.chain(config.partitions.iter().cloned()) {
            let start = self.config.auto_offset_reset;
            self.positions.entry(partition).or_insert_with(|| Position::start(start, None));
        }
    }

    /// Reads what the group says.
    fn follow_group(&mut self, ctx: &mut Ctx<'_>) {
        let Some(membership) = &mut self.membership else { return };
        let positions = self.positions.iter().filter_map(|(p, position)| Some((p.clone(), position.offset?))).collect();
        membership.drive(ctx, &self.metadata, &positions);
        let start = self.config.auto_offset_reset;
        for change in membership.take_changes() {
            match change {
                Change::Assigned(partition, committed) => {
                    self.positions.insert(partition, Position::start(start, committed));
                }
                // What was fetched of them and not handed out yet goes too: another member will read it.
                Change::Revoked(partitions) => {
                    self.positions.retain(|p, _| !partitions.contains(p));
                    self.records.retain(|r| !partitions.contains(&r.partition));
                }
            }
        }
    }

    /// It was asked to end and has said goodbye to its group.
    pub fn is_closed(&self) -> bool {
        self.closing && self.membership.as_ref().is_none_or(Membership::has_left)
    }

    /// Its place in a group, for the checkers: group, generation of the assignment, member id and what it may read.
    pub fn ownership(&self) -> Option<(&str, i32, &str, Vec<&TopicPartition>)> {
        let m = self.membership.as_ref()?;
        Some((m.group_id(), m.owned_generation(), m.member_id(), m.owned().collect()))
    }

    /// Partitions that may be asked about now and for which `wanted` holds, by leader.
    fn by_leader(&mut self, now_ms: u64, wanted: fn(&Position) -> bool) -> BTreeMap<Peer, Vec<TopicPartition>> {
        let mut leaders: BTreeMap<Peer, Vec<TopicPartition>> = BTreeMap::new();
        for (partition, position) in &self.positions {
            if position.busy || position.not_before_ms > now_ms || !wanted(position) {
                continue;
            }
            match self.metadata.leader(&partition.topic, partition.partition) {
                Some(leader) => leaders.entry(leader.id).or_default().push(partition.clone()),
                None => self.metadata.expire(),
            }
        }
        leaders
    }

    fn retry_later(&mut self, ctx: &mut Ctx<'_>, partition: &TopicPartition, error: ErrorCode) {
        let Some(position) = self.positions.get_mut(partition) else { return };
        position.busy = false;
        position.failures += 1;
        let (base, max) = (self.config.retry_backoff_ms, self.config.retry_backoff_max_ms);
        position.not_before_ms = ctx.ms() + backoff_ms(base, max, position.failures, &mut self.rng);
        self.last_error = Some(error.name().into());
    }

    fn next_wake(&self, now_ms: u64) -> Option<u64> {
        let links = self.links.deadline_ms(now_ms);
        let metadata = self.metadata.deadline_ms().map(|at| at.max(now_ms + 50));
        let positions = self.positions.values().filter(|p| !p.busy).map(|p| p.not_before_ms);
        let membership = self.membership.as_ref().and_then(|m| m.deadline_ms(now_ms));
        links.into_iter().chain(metadata).chain(membership).chain(positions).filter(|&at| at > now_ms).min()
    }
}

impl Machine for Consumer {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        let mut events = Vec::new();
        match input {
            // A member commits and says goodbye before it goes.
            Input::Shutdown => {
                self.closing = true;
                if let Some(membership) = &mut self.membership {
                    membership.leave();
                }
            }
            input => {
                self.links.handle(ctx, &input, &mut events);
                if let Some(membership) = &mut self.membership {
                    membership.handle(ctx, &input, &self.metadata);
                }
            }
        }
        self.link_events(ctx, events);
        self.move_on(ctx);
        if self.is_closed() {
            ctx.out.push(Output::Exit);
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.wake_ms.map(Time::from_ms)
    }
}
