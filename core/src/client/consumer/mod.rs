//! A consumer, with assigned partitions or as a member of a group (`KafkaConsumer`, `Fetcher`, `OffsetFetcher`).
//!
//! It finds the leader of each partition, asks where to begin (ListOffsets), then keeps one fetch in flight to each
//! leader. Fetches carry the leader epoch it knows, so that an old leader refuses them (KIP-320). It uses no fetch
//! sessions (KIP-227): every fetch names its partitions.

mod application;
mod assignment;
mod command;
mod fetch;
mod list_offsets;
mod position;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use self::{application::Application, position::Position};
pub use self::{
    application::{ApplicationConfig, OffsetCommits},
    command::ConsumerCommand,
};
use super::{
    ConsumerConfig,
    group::Membership,
    links::{LinkEvent, LinkSettings, Links, Peer, backoff_ms},
    metadata::{Metadata, MetadataSettings},
};
use crate::{
    id::{Command, TopicPartition},
    seam::{Ctx, Input, Machine, Output, Time},
    view::{ConsumerView, PositionView, ProcessState},
    wire::error::ErrorCode,
};

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
    /// Partitions of which something waits to be given to the application, in the order in which it came.
    ready: VecDeque<TopicPartition>,
    application: Option<Application>,
    /// A driver is the application, and is in `poll()` now.
    polling: bool,
    polled_ms: u64,
    /// Given to the simulated application.
    given: Vec<FetchedRecord>,
    rng: fastrand::Rng,
    wake_ms: Option<u64>,
    read: u64,
    closing: bool,
    last_error: Option<String>,
    /// Why the application cannot go on.
    failed: Option<String>,
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
            application: config.application.clone().map(Application::new),
            config,
            positions: BTreeMap::new(),
            fetching: BTreeSet::new(),
            ready: VecDeque::new(),
            polling: false,
            polled_ms: ctx.ms(),
            given: Vec::new(),
            rng,
            wake_ms: None,
            read: 0,
            closing: false,
            last_error: None,
            failed: None,
        };
        consumer.move_on(ctx);
        consumer
    }

    /// For drivers, which are the application themselves: what was fetched, at most `max.poll.records`, in offset order
    /// within a partition. To be called again before `max.poll.interval.ms` has passed.
    pub fn poll(&mut self, ctx: &mut Ctx<'_>) -> Vec<FetchedRecord> {
        self.polled_ms = ctx.ms();
        self.polling = true;
        self.move_on(ctx);
        self.polling = false;
        self.hand_out(ctx)
    }

    /// Whether the application was given every assigned partition up to the high watermark of its last answer.
    pub fn at_end(&self) -> bool {
        let at_end = |p: &Position| p.high_watermark >= 0 && p.position().is_some_and(|o| o >= p.high_watermark);
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
            position: position.position().unwrap_or(-1),
            high_watermark: position.high_watermark,
        };
        let work = self.application.as_ref().map_or((None, 0), Application::work);
        let unreadable = self.unreadable();
        ConsumerView {
            id: self.config.id,
            name: self.config.name.clone(),
            process: ProcessState::Alive,
            read: self.read,
            positions: self.positions.iter().map(position).collect(),
            group_id: self.config.group_id.clone(),
            member_id: self.membership.as_ref().map(|m| m.member_id().to_owned()),
            generation: self.membership.as_ref().map_or(-1, Membership::generation),
            working_on: work.0.cloned(),
            unprocessed: work.1,
            processing_ms: self.application.as_ref().map_or(0, Application::processing_ms),
            last_error: self
                .failed
                .as_deref()
                .or(unreadable.as_deref())
                .or_else(|| self.membership.as_ref().and_then(Membership::last_error))
                .or(self.last_error.as_deref())
                .map(str::to_owned),
        }
    }

    fn move_on(&mut self, ctx: &mut Ctx<'_>) {
        let mut events = Vec::new();
        self.links.expire(ctx, &mut events);
        self.link_events(ctx, events);
        self.metadata.refresh(ctx, &mut self.links, Tag::Metadata);
        loop {
            self.work(ctx);
            self.follow_group(ctx);
            if !self.give(ctx) {
                break;
            }
        }
        self.fail_if_lost(ctx);
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
        (position.busy, position.asked) = (false, None);
        position.failures += 1;
        let (base, max) = (self.config.retry_backoff_ms, self.config.retry_backoff_max_ms);
        position.not_before_ms = ctx.ms() + backoff_ms(base, max, position.failures, &mut self.rng);
        self.last_error = Some(error.name().into());
    }

    fn next_wake(&self, now_ms: u64) -> Option<u64> {
        let links = self.links.deadline_ms(now_ms);
        let metadata = self.metadata.deadline_ms().map(|at| at.max(now_ms + 50));
        let positions = self.positions.values().filter(|p| !p.busy).map(|p| p.not_before_ms);
        let poll = self.where_application_is();
        let membership = self.membership.as_ref().and_then(|m| m.deadline_ms(now_ms, poll));
        let application = self.application.as_ref().and_then(Application::deadline_ms);
        let all = links.into_iter().chain(metadata).chain(membership).chain(application).chain(positions);
        all.filter(|&at| at > now_ms).min()
    }
}

impl Machine for Consumer {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        let mut events = Vec::new();
        match input {
            // The application ends what it does; then a member commits and says goodbye.
            Input::Shutdown => self.closing = true,
            Input::Command(Command::Consumer(command)) => self.command(ctx, command),
            input => {
                self.links.handle(ctx, &input, &mut events);
                if let Some(membership) = &mut self.membership {
                    membership.handle(ctx, &input);
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
