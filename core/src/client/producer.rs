//! The idempotent producer (`KafkaProducer`, `Sender`, `TransactionManager`).
//!
//! Records gather in batches by partition; what is due goes to the leaders, at most five requests in flight on a
//! connection; what fails and may succeed later is sent again, in order, under the same sequence, so that the broker
//! stores it once (KIP-98). When numbers cannot be continued, the producer raises its own epoch (KIP-360).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    Acks, ProducerConfig,
    accumulator::{Batch, Queue, advance, record_size},
    links::{LinkEvent, LinkSettings, Links, Peer, backoff_ms},
    metadata::{Metadata, MetadataSettings},
    partitioner::{Sticky, partition_for_key},
};
use crate::{
    id::{Command, Endpoint, TopicPartition},
    seam::{Ctx, Input, Machine, Output, Time},
    trace::EventKind,
    view::ProducerView,
    wire::{
        error::ErrorCode,
        frame,
        init_producer_id::InitProducerIdRequest,
        produce::{PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceData},
        records::Records,
    },
};

/// One record to send. Key and value are bytes; `None` is Kafka's null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub topic: String,
    /// Chosen by the partitioner when missing.
    pub partition: Option<i32>,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Unix milliseconds; the time of the call when missing.
    pub timestamp: Option<i64>,
}

/// Why a record was not taken into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("the producer's buffer (buffer.memory) is full: wait until something was acknowledged")]
    BufferFull,
    #[error("the record is larger than max.request.size")]
    RecordTooLarge,
}

/// What became of a batch: one is reported for every batch, exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub partition: TopicPartition,
    /// Of each record in order: the number that [`Producer::send`] returned.
    pub handles: Vec<u64>,
    /// The offset of the first record (-1: stored, offset unknown), or Kafka's error code.
    pub result: Result<i64, i16>,
    /// -1 when not idempotent.
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
}

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
struct Generator {
    topic: String,
    records_per_second: u64,
    keys: u32,
    value: Bytes,
    began_ms: u64,
    sent: u64,
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

    /// Chooses the partition and puts the record into a batch.
    fn place(&mut self, ctx: &mut Ctx<'_>, record: Record, handle: u64, count: usize, created_ms: u64) {
        let topic = self.topics.entry(record.topic.clone()).or_default();
        if topic.partitions.len() < count {
            topic.partitions.resize(count, Queue::default());
        }
        let partition = match (record.partition, &record.key) {
            (Some(partition), _) if (0..count as i32).contains(&partition) => partition as usize,
            (Some(partition), _) => {
                let partition = TopicPartition::new(&record.topic, partition);
                self.buffered_bytes -= record_size(&record);
                self.give_up(ctx, partition, vec![handle], None, ErrorCode::UnknownTopicOrPartition);
                return;
            }
            (None, Some(key)) => partition_for_key(key, count),
            (None, None) => {
                let metadata = &self.metadata;
                let has_leader = |p: usize| metadata.leader(&record.topic, p as i32).is_some();
                topic.sticky.choose(count, record_size(&record), self.config.batch_size, &mut self.rng, has_leader)
            }
        };
        let timestamp = record.timestamp.unwrap_or(ctx.now.wall_ms);
        let queue = &mut topic.partitions[partition];
        queue.push(&record, handle, created_ms, timestamp, self.config.batch_size, self.next_serial);
        self.next_serial += 1;
        let event = ctx.out.trace(|| EventKind::RecordBuffered {
            partition: TopicPartition::new(&record.topic, partition as i32),
            key: record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned()),
        });
        queue.pending.back_mut().expect("just pushed").cause = Some(event);
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
            Command::CreateTopic { .. } => {}
        }
    }

    /// Produces what the generators owe. When the buffer is full the rest of their debt is forgiven.
    fn generate(&mut self, ctx: &mut Ctx<'_>) {
        for i in 0..self.generators.len() {
            let g = &self.generators[i];
            let due = (ctx.ms() - g.began_ms) * g.records_per_second / 1000;
            for _ in g.sent..due {
                let g = &self.generators[i];
                let key = (g.keys > 0).then(|| Bytes::from(format!("k{}", self.rng.u32(..g.keys))));
                let (topic, value) = (g.topic.clone(), Some(g.value.clone()));
                if self.send(ctx, Record { topic, key, value, ..Record::default() }).is_err() {
                    break;
                }
            }
            self.generators[i].sent = due;
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

    fn place_waiting(&mut self, ctx: &mut Ctx<'_>) {
        let ready = |m: &Metadata, name: &str| m.topic(name).map_or(0, |t| t.partitions.len());
        let names: Vec<String> =
            self.topics.iter().filter(|(_, t)| !t.waiting.is_empty()).map(|(n, _)| n.clone()).collect();
        for name in names {
            let count = ready(&self.metadata, &name);
            if count == 0 {
                continue;
            }
            let waiting = std::mem::take(&mut self.topics.get_mut(&name).expect("listed above").waiting);
            for (record, handle, created_ms) in waiting {
                self.place(ctx, record, handle, count, created_ms);
            }
        }
    }

    /// Gives up what has waited longer than `delivery.timeout.ms`, also what is in flight.
    fn expire_batches(&mut self, ctx: &mut Ctx<'_>) {
        let Some(born_before) = ctx.ms().checked_sub(self.config.delivery_timeout_ms) else { return };
        let mut late = Vec::new();
        let mut homeless = Vec::new();
        for (name, topic) in &mut self.topics {
            let kept = topic.waiting.iter().position(|(_, _, created)| *created > born_before);
            let gone = topic.waiting.drain(..kept.unwrap_or(topic.waiting.len()));
            homeless.extend(gone.map(|(record, handle, _)| (record, handle)));
            for (partition, queue) in topic.partitions.iter_mut().enumerate() {
                while queue.in_flight.front().is_some_and(|b| b.created_ms <= born_before) {
                    late.push((name.clone(), partition as i32, queue.in_flight.pop_front().expect("looked at")));
                }
                while queue.pending.front().is_some_and(|b| b.created_ms <= born_before) {
                    late.push((name.clone(), partition as i32, queue.pending.pop_front().expect("looked at")));
                }
                // Whether the last of them was stored is unknown: its numbers may leave a gap.
                let numbered =
                    |l: &(String, i32, Batch)| l.0 == *name && l.1 == partition as i32 && l.2.numbered.is_some();
                queue.unresolved |= late.iter().any(numbered);
            }
        }
        for (topic, partition, batch) in late {
            self.batch_failed(ctx, &topic, partition, batch, ErrorCode::RequestTimedOut, "delivery.timeout.ms is over");
        }
        for (record, handle) in homeless {
            self.buffered_bytes -= record_size(&record);
            let partition = TopicPartition::new(&record.topic, record.partition.unwrap_or(-1));
            let error = match self.metadata.topic_error(&record.topic) {
                0 => ErrorCode::RequestTimedOut,
                code => ErrorCode::from_code(code),
            };
            self.give_up(ctx, partition, vec![handle], None, error);
        }
    }

    // Identity (KIP-98, KIP-360).

    fn ask_identity(&mut self, ctx: &mut Ctx<'_>) {
        let needed = self.idempotent() && self.identity.is_none() && !self.topics.is_empty();
        if !needed || self.asked_identity || ctx.ms() < self.identity_not_before_ms {
            return;
        }
        let Some(peer) = self.links.any_ready(ctx) else { return };
        let Some(version) = self.links.version::<InitProducerIdRequest>(peer, 5) else { return };
        let request = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: i32::MAX,
            ..InitProducerIdRequest::default()
        };
        self.links.send(ctx, peer, version, &request, Tag::InitProducerId);
        self.asked_identity = true;
    }

    fn identity_answer(&mut self, ctx: &mut Ctx<'_>, version: i16, frame: &Bytes) {
        match frame::parse_response::<InitProducerIdRequest>(version, frame) {
            Ok((_, response)) if response.error_code == 0 => {
                self.asked_identity = false;
                self.identity_failures = 0;
                self.identity = Some((response.producer_id, response.producer_epoch));
            }
            Ok((_, response)) => {
                self.last_error = Some(format!("InitProducerId: {}", ErrorCode::from_code(response.error_code).name()));
                self.identity_failed(ctx);
            }
            Err(_) => self.identity_failed(ctx),
        }
    }

    fn identity_failed(&mut self, ctx: &mut Ctx<'_>) {
        self.asked_identity = false;
        self.identity_failures += 1;
        let (base, max) = (self.config.retry_backoff_ms, self.config.retry_backoff_max_ms);
        self.identity_not_before_ms = ctx.ms() + backoff_ms(base, max, self.identity_failures, &mut self.rng);
    }

    /// Gives partitions whose numbers ended in a gap a new epoch, once nothing of theirs is in flight, and partitions
    /// that have nothing numbered the current epoch.
    fn resolve_numbers(&mut self) {
        let Some(mut identity) = self.identity else { return };
        for queue in self.topics.values_mut().flat_map(|t| &mut t.partitions) {
            if queue.unresolved && !queue.has_numbered() {
                queue.unresolved = false;
                queue.renumber |= !queue.is_next(queue.next_sequence);
            }
            if queue.renumber && queue.in_flight.is_empty() {
                if queue.producer == Some(identity) {
                    let Some(epoch) = identity.1.checked_add(1) else {
                        // Epochs have run out: a new producer id.
                        self.identity = None;
                        return;
                    };
                    identity.1 = epoch;
                }
                queue.renumber = false;
                queue.unresolved = false;
                queue.pending.iter_mut().for_each(|b| {
                    if b.numbered.is_some() {
                        b.seal(None);
                    }
                });
                (queue.producer, queue.next_sequence, queue.acked_sequence) = (Some(identity), 0, None);
            }
            if queue.producer != Some(identity) && !queue.has_numbered() {
                (queue.producer, queue.next_sequence, queue.acked_sequence) = (Some(identity), 0, None);
            }
        }
        self.identity = Some(identity);
    }

    // Sending.

    /// Sends what is due: for each leader one request with the first batch of each of its partitions, again and again
    /// until nothing is due or five requests are in flight.
    fn drain(&mut self, ctx: &mut Ctx<'_>) {
        if self.idempotent() && self.identity.is_none() {
            return;
        }
        loop {
            let leaders = self.due(ctx.ms());
            let mut sent = false;
            for (leader, partitions) in leaders {
                if !self.links.ready(ctx, leader)
                    || self.links.in_flight(leader) >= self.config.max_in_flight_requests_per_connection
                {
                    continue;
                }
                sent |= self.produce(ctx, leader, partitions);
            }
            if !sent {
                return;
            }
        }
    }

    /// Partitions with a batch to send now, by leader. Asks for metadata where there is no leader.
    fn due(&mut self, now_ms: u64) -> BTreeMap<Peer, Vec<(String, usize)>> {
        let mut leaders: BTreeMap<Peer, Vec<(String, usize)>> = BTreeMap::new();
        let full = self.buffered_bytes * 2 > self.config.buffer_memory;
        for (name, topic) in &self.topics {
            for (partition, queue) in topic.partitions.iter().enumerate() {
                if !queue.in_order() || self.due_at(queue, full) > now_ms {
                    continue;
                }
                match self.metadata.leader(name, partition as i32) {
                    Some(leader) => leaders.entry(leader.id).or_default().push((name.clone(), partition)),
                    None => self.metadata.expire(),
                }
            }
        }
        leaders
    }

    /// When the first batch of the queue should be sent.
    fn due_at(&self, queue: &Queue, pressed: bool) -> u64 {
        let Some(first) = queue.pending.front() else { return u64::MAX };
        if first.attempts > 0 {
            return first.not_before_ms;
        }
        let full = queue.pending.len() > 1 || first.size() >= self.config.batch_size;
        if full || pressed || self.flush || self.closing { 0 } else { first.created_ms + self.config.linger_ms }
    }

    fn produce(&mut self, ctx: &mut Ctx<'_>, leader: Peer, partitions: Vec<(String, usize)>) -> bool {
        let by_id = partitions.iter().all(|(t, _)| self.metadata.topic(t).is_some_and(|t| !t.id.is_zero()));
        let Some(version) = self.links.version::<ProduceRequest>(leader, if by_id { i16::MAX } else { 12 }) else {
            return false;
        };
        let mut request = ProduceRequest {
            acks: self.config.acks.code(),
            timeout_ms: self.config.request_timeout_ms as i32,
            ..ProduceRequest::default()
        };
        let mut batches = Vec::new();
        let mut size = 0;
        let idempotent = self.idempotent();
        for (name, partition) in partitions {
            let queue = &mut self.topics.get_mut(&name).expect("it is due").partitions[partition];
            let Some(next) = queue.pending.front() else { continue };
            if size > 0 && size + next.size() > self.config.max_request_size {
                continue;
            }
            let mut batch = queue.pending.pop_front().expect("looked at");
            let numbered = match (batch.numbered, queue.producer) {
                (Some(numbered), _) => Some(numbered),
                (None, Some((id, epoch))) if idempotent => {
                    let sequence = queue.next_sequence;
                    queue.next_sequence = advance(sequence, batch.records());
                    Some((id, epoch, sequence))
                }
                _ => None,
            };
            batch.attempts += 1;
            let bytes = batch.seal(numbered);
            size += bytes.len();
            let (base_sequence, records, attempt) = (batch.sequence(), batch.records(), batch.attempts);
            batch.cause = Some(ctx.out.trace_because(batch.cause, || EventKind::BatchSent {
                partition: TopicPartition::new(&name, partition as i32),
                base_sequence,
                records,
                attempt,
            }));
            let data = PartitionProduceData { index: partition as i32, records: Records::Bytes(bytes) };
            match request.topic_data.iter_mut().find(|t| t.name == name) {
                Some(topic) => topic.partition_data.push(data),
                None => {
                    let topic_id = self.metadata.topic(&name).map_or_else(Default::default, |t| t.id);
                    request.topic_data.push(TopicProduceData {
                        name: name.clone(),
                        topic_id,
                        partition_data: vec![data],
                    });
                }
            }
            batches.push((name, partition as i32, batch.serial));
            queue.in_flight.push_back(batch);
        }
        if batches.is_empty() {
            return false;
        }
        if self.config.acks == Acks::None {
            self.links.send_quietly(ctx, leader, version, &request);
            for (topic, partition, serial) in batches {
                self.stored(ctx, &topic, partition, serial, -1);
            }
        } else {
            self.links.send(ctx, leader, version, &request, Tag::Produce(batches));
        }
        true
    }

    // Answers.

    fn produce_answer(&mut self, ctx: &mut Ctx<'_>, batches: Vec<(String, i32, u64)>, version: i16, frame: &Bytes) {
        let response = match frame::parse_response::<ProduceRequest>(version, frame) {
            Ok((_, response)) => response,
            Err(error) => {
                for (topic, partition, serial) in batches {
                    let why = format!("the answer cannot be read: {error}");
                    self.failed(ctx, &topic, partition, serial, ErrorCode::NetworkException, &why, false);
                }
                return;
            }
        };
        for endpoint in &response.node_endpoints {
            let address = Endpoint { host: endpoint.host.clone(), port: endpoint.port as u16 };
            self.links.add_broker(endpoint.node_id, address);
        }
        for (topic, partition, serial) in batches {
            match self.find_answer(&response, &topic, partition) {
                Some(answer) => self.batch_answer(ctx, &topic, partition, serial, answer),
                None => {
                    let why = "the answer leaves the partition out";
                    self.failed(ctx, &topic, partition, serial, ErrorCode::UnknownServerError, why, false);
                }
            }
        }
    }

    fn find_answer<'a>(
        &self,
        response: &'a ProduceResponse,
        topic: &str,
        partition: i32,
    ) -> Option<&'a PartitionProduceResponse> {
        let is_topic = |name: &str, id| name == topic || self.metadata.name_of(id) == Some(topic);
        let topic = response.responses.iter().find(|t| is_topic(&t.name, t.topic_id))?;
        topic.partition_responses.iter().find(|p| p.index == partition)
    }

    fn batch_answer(
        &mut self,
        ctx: &mut Ctx<'_>,
        topic: &str,
        partition: i32,
        serial: u64,
        p: &PartitionProduceResponse,
    ) {
        let error = ErrorCode::from_code(p.error_code);
        match error {
            ErrorCode::None => self.stored(ctx, topic, partition, serial, p.base_offset),
            // Stored before, and so long ago that the broker has forgotten where.
            ErrorCode::DuplicateSequenceNumber => self.stored(ctx, topic, partition, serial, -1),
            _ => {
                let (leader, epoch) = (p.current_leader.leader_id, p.current_leader.leader_epoch);
                let moved = self.metadata.hint(ctx, topic, partition, leader, epoch);
                if !moved && is_stale_metadata(error) {
                    self.metadata.expire();
                }
                let why = p.error_message.clone().unwrap_or_else(|| error.message().into());
                self.failed(ctx, topic, partition, serial, error, &why, moved);
            }
        }
    }

    fn queue(&mut self, topic: &str, partition: i32) -> Option<&mut Queue> {
        self.topics.get_mut(topic)?.partitions.get_mut(usize::try_from(partition).ok()?)
    }

    fn stored(&mut self, ctx: &mut Ctx<'_>, topic: &str, partition: i32, serial: u64, base_offset: i64) {
        let Some(queue) = self.queue(topic, partition) else { return };
        // A batch that was given up meanwhile has been reported.
        let Some(batch) = queue.take_in_flight(serial) else { return };
        let records = batch.records();
        if let Some((id, epoch, sequence)) = batch.numbered
            && queue.producer == Some((id, epoch))
        {
            queue.acked_sequence = Some(advance(sequence, records - 1));
        }
        if base_offset >= 0 {
            let last = base_offset + i64::from(records) - 1;
            queue.acked_offset = Some(queue.acked_offset.map_or(last, |o| o.max(last)));
        }
        let partition = TopicPartition::new(topic, partition);
        ctx.out.trace(|| EventKind::BatchAcked { partition: partition.clone(), base_offset, records });
        self.acked += records as u64;
        self.report(partition, batch, Ok(base_offset));
    }

    /// An attempt failed: send the batch again or give it up. `moved`: a new leader is known, no need to wait.
    #[expect(clippy::too_many_arguments)]
    fn failed(
        &mut self,
        ctx: &mut Ctx<'_>,
        topic: &str,
        partition: i32,
        serial: u64,
        error: ErrorCode,
        why: &str,
        moved: bool,
    ) {
        let idempotent = self.idempotent();
        let (base, max) = (self.config.retry_backoff_ms, self.config.retry_backoff_max_ms);
        let Some(queue) = self.topics.get_mut(topic).and_then(|t| t.partitions.get_mut(partition as usize)) else {
            return;
        };
        let Some(mut batch) = queue.take_in_flight(serial) else { return };
        let out_of_order = error == ErrorCode::OutOfOrderSequenceNumber || error == ErrorCode::UnknownProducerId;
        if idempotent && out_of_order {
            // The broker does not have what should precede this batch. If nothing is on its way that could fill the
            // gap, the numbers begin anew: this batch is certainly not stored.
            queue.renumber |= queue.unresolved || queue.is_next(batch.sequence());
        } else if !error.is_retriable() {
            queue.renumber |= batch.numbered.is_some();
            self.batch_failed(ctx, topic, partition, batch, error, why);
            return;
        }
        let wait_ms = if moved { 0 } else { backoff_ms(base, max, batch.attempts, &mut self.rng) };
        batch.not_before_ms = ctx.ms() + wait_ms;
        let partition = TopicPartition::new(topic, partition);
        batch.cause =
            Some(ctx.out.trace(|| EventKind::BatchRetried { partition, error: error as i16, why: why.into() }));
        queue.requeue(batch);
        self.retries += 1;
        self.last_error = Some(error.name().into());
    }

    fn batch_failed(
        &mut self,
        ctx: &mut Ctx<'_>,
        topic: &str,
        partition: i32,
        batch: Batch,
        error: ErrorCode,
        why: &str,
    ) {
        let partition = TopicPartition::new(topic, partition);
        ctx.out.trace_because(batch.cause, || EventKind::BatchFailed {
            partition: partition.clone(),
            error: error as i16,
            why: why.into(),
        });
        self.failed += batch.records() as u64;
        self.last_error = Some(error.name().into());
        self.report(partition, batch, Err(error as i16));
    }

    /// Reports records that never got into a batch.
    fn give_up(
        &mut self,
        ctx: &mut Ctx<'_>,
        partition: TopicPartition,
        handles: Vec<u64>,
        cause: Option<crate::id::EventId>,
        error: ErrorCode,
    ) {
        ctx.out.trace_because(cause, || EventKind::BatchFailed {
            partition: partition.clone(),
            error: error as i16,
            why: error.message().into(),
        });
        self.failed += handles.len() as u64;
        self.last_error = Some(error.name().into());
        let result = Err(error as i16);
        let delivery = Delivery { partition, handles, result, producer_id: -1, producer_epoch: -1, base_sequence: -1 };
        self.deliveries.push(delivery);
    }

    fn report(&mut self, partition: TopicPartition, batch: Batch, result: Result<i64, i16>) {
        let (producer_id, producer_epoch, base_sequence) = batch.numbered.unwrap_or((-1, -1, -1));
        self.buffered_bytes -= batch.counted_bytes;
        let handles = batch.handles;
        self.deliveries.push(Delivery { partition, handles, result, producer_id, producer_epoch, base_sequence });
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

/// Errors after which Kafka's clients ask for metadata (`InvalidMetadataException`).
pub(super) fn is_stale_metadata(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::NotLeaderOrFollower
            | ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
            | ErrorCode::LeaderNotAvailable
            | ErrorCode::ReplicaNotAvailable
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::UnknownLeaderEpoch
            | ErrorCode::KafkaStorageError
            | ErrorCode::ListenerNotFound
            | ErrorCode::InconsistentTopicId
            | ErrorCode::NetworkException
    )
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
