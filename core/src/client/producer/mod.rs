//! The idempotent producer (`KafkaProducer`, `Sender`, `TransactionManager`).
//!
//! Records gather in batches by partition; what is due goes to the leaders, at most five requests in flight on a
//! connection; what fails and may succeed later is sent again, in order, under the same sequence, so that the broker
//! stores it once (KIP-98). When numbers cannot be continued, the producer raises its own epoch (KIP-360).

mod record;

mod generator;
mod placing;

mod sending;

mod answers;

mod identity;

use std::collections::BTreeMap;

use bytes::Bytes;

pub(super) use self::answers::is_stale_metadata;
use self::generator::Generator;
pub use self::record::{Delivery, Record, SendError};
use super::{
    Acks, ProducerConfig,
    accumulator::{Queue, record_size},
    links::{LinkEvent, LinkSettings, Links},
    metadata::{Metadata, MetadataSettings},
    partitioner::Sticky,
};
use crate::{
    id::{Command, TopicPartition},
    seam::{Ctx, Input, Machine, Output, Time},
    view::ProducerView,
    wire::error::ErrorCode,
};

#[derive(Clone, Debug)]
enum Tag {
    Metadata,
    InitProducerId,
    /// The batches of the request: topic, partition, serial.
    Produce(Vec<(String, i32, u64)>),
}

#[derive(Clone, Debug, Default)]
struct Topic {
    /// Records that wait until the number of partitions is known.
    waiting: Vec<(Record, u64, u64)>,
    partitions: Vec<Queue>,
    sticky: Sticky,
}

#[derive(Clone, Debug)]
pub struct Producer {
    config: ProducerConfig,
    links: Links<Tag>,
    metadata: Metadata,
    topics: BTreeMap<String, Topic>,
    /// Producer id and epoch, once a broker gave them.
    identity: Option<(i64, i16)>,
    asked_identity: bool,
    identity_failures: u32,
    identity_not_before_ms: u64,
    generators: Vec<Generator>,
    deliveries: Vec<Delivery>,
    rng: fastrand::Rng,
    next_handle: u64,
    next_serial: u64,
    buffered_bytes: usize,
    flush: bool,
    closing: bool,
    wake_ms: Option<u64>,
    acked: u64,
    retries: u64,
    failed: u64,
    last_error: Option<String>,
}

impl Producer {
    pub fn start(config: ProducerConfig, ctx: &mut Ctx<'_>) -> Self {
        let mut rng = fastrand::Rng::with_seed(config.seed);
        let links = LinkSettings {
            request_timeout_ms: config.request_timeout_ms,
            reconnect_backoff_ms: config.reconnect_backoff_ms,
            reconnect_backoff_max_ms: config.reconnect_backoff_max_ms,
            connection_setup_timeout_ms: config.socket_connection_setup_timeout_ms,
        };
        let metadata = MetadataSettings {
            max_age_ms: config.metadata_max_age_ms,
            retry_backoff_ms: config.retry_backoff_ms,
            retry_backoff_max_ms: config.retry_backoff_max_ms,
            allow_auto_topic_creation: config.allow_auto_topic_creation,
        };
        let mut producer = Self {
            links: Links::new(&config.name, &config.bootstrap, links, rng.fork()),
            metadata: Metadata::new(metadata),
            config,
            topics: BTreeMap::new(),
            identity: None,
            asked_identity: false,
            identity_failures: 0,
            identity_not_before_ms: 0,
            generators: Vec::new(),
            deliveries: Vec::new(),
            rng,
            next_handle: 0,
            next_serial: 0,
            buffered_bytes: 0,
            flush: false,
            closing: false,
            wake_ms: None,
            acked: 0,
            retries: 0,
            failed: 0,
            last_error: None,
        };
        producer.move_on(ctx);
        producer
    }

    /// Buffers one record and returns its handle: 0, 1, 2, ... in the order of the calls. What is due is sent at the
    /// next input or deadline: a driver asks [`Machine::deadline`] again after this.
    pub fn send(&mut self, ctx: &mut Ctx<'_>, record: Record) -> Result<u64, SendError> {
        let size = record_size(&record);
        if size > self.config.max_request_size {
            return Err(SendError::RecordTooLarge);
        }
        if self.buffered_bytes + size > self.config.buffer_memory {
            return Err(SendError::BufferFull);
        }
        self.buffered_bytes += size;
        let handle = self.next_handle;
        self.next_handle += 1;
        let count = self.metadata.topic(&record.topic).map_or(0, |t| t.partitions.len());
        if count == 0 {
            self.metadata.want(&record.topic);
            let topic = self.topics.entry(record.topic.clone()).or_default();
            topic.waiting.push((record, handle, ctx.ms()));
        } else {
            self.place(ctx, record, handle, count, ctx.ms());
        }
        self.wake_ms = Some(self.wake_ms.map_or(ctx.ms(), |at| at.min(ctx.ms() + self.config.linger_ms)));
        Ok(handle)
    }

    /// Batches that were acknowledged or gave up since the last call, in the order it happened.
    pub fn take_deliveries(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.deliveries)
    }

    /// Whether an acknowledgement means that all in-sync replicas have the record.
    pub fn acks_all(&self) -> bool {
        self.config.acks == Acks::All
    }

    /// Records buffered or in flight.
    pub fn waiting(&self) -> u64 {
        self.next_handle - self.acked - self.failed
    }

    /// The topic cannot be used, and why; `None` while it can or nobody knows.
    pub fn topic_error(&self, topic: &str) -> Option<ErrorCode> {
        Some(self.metadata.topic_error(topic)).filter(|&code| code != 0).map(ErrorCode::from_code)
    }

    pub fn view(&self) -> ProducerView {
        let (producer_id, producer_epoch) = self.identity.unwrap_or((-1, -1));
        let mut acked_offsets = Vec::new();
        for (name, topic) in &self.topics {
            for (partition, queue) in topic.partitions.iter().enumerate() {
                acked_offsets.extend(queue.acked_offset.map(|o| (TopicPartition::new(name, partition as i32), o)));
            }
        }
        ProducerView {
            id: self.config.id,
            name: self.config.name.clone(),
            acks: self.config.acks.name().into(),
            producer_id,
            producer_epoch,
            acked: self.acked,
            waiting: self.waiting(),
            retries: self.retries,
            failed: self.failed,
            last_error: self.last_error.clone(),
            acked_offsets,
        }
    }

    /// Without acks=all idempotence is off, as in Kafka when it was not asked for.
    fn idempotent(&self) -> bool {
        self.config.enable_idempotence && self.config.acks == Acks::All
    }

    fn command(&mut self, ctx: &mut Ctx<'_>, command: Command) {
        match command {
            Command::Produce { topic, partition, key, value } => {
                let (key, value) = (key.map(Bytes::from), Some(Bytes::from(value)));
                if let Err(error) = self.send(ctx, Record { topic, partition, key, value, ..Record::default() }) {
                    self.last_error = Some(error.to_string());
                }
            }
            Command::Load { topic, records_per_second, size_bytes, keys } => {
                self.generators.retain(|g| g.topic != topic);
                if records_per_second > 0 {
                    let value = Bytes::from(vec![b'x'; size_bytes as usize]);
                    let (records_per_second, began_ms) = (records_per_second.into(), ctx.ms());
                    self.generators.push(Generator { topic, records_per_second, keys, value, began_ms, sent: 0 });
                }
            }
            Command::Flush => self.flush = true,
            Command::CreateTopic { .. } | Command::Consumer(_) => {}
        }
    }

    /// Everything that may be done now, and when there will be more to do.
    fn move_on(&mut self, ctx: &mut Ctx<'_>) {
        let mut events = Vec::new();
        self.links.expire(ctx, &mut events);
        self.link_events(ctx, events);
        self.generate(ctx);
        self.place_waiting(ctx);
        self.expire_batches(ctx);
        self.metadata.refresh(ctx, &mut self.links, Tag::Metadata);
        self.ask_identity(ctx);
        self.resolve_numbers();
        self.drain(ctx);
        if self.flush && self.waiting() == 0 {
            self.flush = false;
        }
        if self.closing && self.waiting() == 0 {
            self.closing = false;
            ctx.out.push(Output::Exit);
        }
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
                LinkEvent::Answer { tag: Tag::InitProducerId, version, frame, .. } => {
                    self.identity_answer(ctx, version, &frame);
                }
                LinkEvent::Lost { tag: Tag::InitProducerId, .. } => self.identity_failed(ctx),
                LinkEvent::Answer { tag: Tag::Produce(batches), version, frame, .. } => {
                    self.produce_answer(ctx, batches, version, &frame);
                }
                LinkEvent::Lost { tag: Tag::Produce(batches), .. } => {
                    self.metadata.expire();
                    for (topic, partition, serial) in batches {
                        let why = "the connection broke before the answer came";
                        self.failed(ctx, &topic, partition, serial, ErrorCode::NetworkException, why, false);
                    }
                }
            }
        }
    }

    fn next_wake(&self, now_ms: u64) -> Option<u64> {
        let mut at = u64::MAX;
        // What is due already waits for a connection or an answer, which come as inputs.
        let mut consider = |deadline: u64| {
            if deadline > now_ms {
                at = at.min(deadline);
            }
        };
        self.links.deadline_ms(now_ms).into_iter().for_each(&mut consider);
        if let Some(deadline) = self.metadata.deadline_ms() {
            consider(deadline.max(now_ms + 50));
        }
        if self.idempotent() && self.identity.is_none() && !self.asked_identity && !self.topics.is_empty() {
            consider(self.identity_not_before_ms.max(now_ms + 50));
        }
        for generator in &self.generators {
            consider(generator.began_ms + ((generator.sent + 1) * 1000).div_ceil(generator.records_per_second));
        }
        let expires = |created_ms: u64| created_ms + self.config.delivery_timeout_ms;
        for topic in self.topics.values() {
            topic.waiting.first().into_iter().for_each(|(_, _, created)| consider(expires(*created)));
            for queue in &topic.partitions {
                queue.in_flight.front().into_iter().for_each(|b| consider(expires(b.created_ms)));
                if let Some(first) = queue.pending.front() {
                    consider(self.due_at(queue, false));
                    consider(expires(first.created_ms));
                }
            }
        }
        (at < u64::MAX).then_some(at)
    }
}

impl Machine for Producer {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        let mut events = Vec::new();
        match input {
            Input::Command(command) => self.command(ctx, command),
            Input::Shutdown => self.closing = true,
            input => self.links.handle(ctx, &input, &mut events),
        }
        self.link_events(ctx, events);
        self.move_on(ctx);
    }

    fn deadline(&self) -> Option<Time> {
        self.wake_ms.map(Time::from_ms)
    }
}
