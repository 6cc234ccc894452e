//! Appending what producers send, and answering when enough replicas have it (`ReplicaManager.appendRecords`).

use bytes::Bytes;

use super::{
    PartitionKey,
    manager::{Answer, ReplicaManager},
    partition::Partition,
    purgatory::{ParkedProduce, WaitingPartition},
    validate::Refusal,
};
use crate::{
    broker::Reply,
    id::{NodeId, TopicPartition, Uuid},
    log::{
        AppendError,
        validator::{RecordRules, ValidBatch, validate},
    },
    metadata::image::MetadataImage,
    seam::Ctx,
    trace::EventKind,
    wire::{
        error::ErrorCode,
        produce::{
            BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, ProduceResponse,
            TopicProduceResponse,
        },
    },
};

pub const ACKS_ALL: i16 = -1;

/// A produce request whose records have been checked.
#[derive(Clone, Debug)]
pub struct ProducePlan {
    pub reply: Reply,
    pub acks: i16,
    pub timeout_ms: u64,
    pub version: i16,
    pub topics: Vec<PlannedTopic>,
}

#[derive(Clone, Debug)]
pub struct PlannedTopic {
    /// Empty when asked by id.
    pub name: String,
    pub topic_id: Uuid,
    pub partitions: Vec<PlannedAppend>,
}

#[derive(Clone, Debug)]
pub struct PlannedAppend {
    pub index: i32,
    pub key: Option<PartitionKey>,
    pub batch: Result<PlannedBatch, Refusal>,
    /// The answer, whatever becomes of the batch.
    pub answer_instead: Option<Refusal>,
}

#[derive(Clone, Debug)]
pub struct PlannedBatch {
    pub bytes: Bytes,
    /// What a job has found. `None`: it is quick to check, and is when it is appended.
    pub checked: Option<Result<ValidBatch, Refusal>>,
}

/// What became of a produce request.
#[derive(Clone, Debug)]
pub enum Produced {
    Answered(Reply, ProduceResponse),
    /// acks=all, and not everybody has it: comes out of [`ReplicaManager::take_answers`].
    Parked,
    /// acks=0: nobody waits for an answer; whether something failed.
    Silent(Reply, bool),
}

struct Stored {
    base_offset: i64,
    /// What the high watermark must reach for the records to be safe.
    required_offset: i64,
    log_append_time_ms: i64,
}

impl ReplicaManager {
    pub fn produce(&mut self, ctx: &mut Ctx, image: &MetadataImage, plan: ProducePlan) -> Produced {
        let ProducePlan { mut reply, acks, timeout_ms, version, topics } = plan;
        let mut response = ProduceResponse::default();
        let (mut waiting, mut failed, mut leaders) = (Vec::new(), false, Vec::new());
        for (topic_index, topic) in topics.into_iter().enumerate() {
            let mut answered =
                TopicProduceResponse { name: topic.name, topic_id: topic.topic_id, partition_responses: Vec::new() };
            for (partition_index, planned) in topic.partitions.into_iter().enumerate() {
                let stored = planned.batch.and_then(|batch| {
                    let key = planned.key.expect("a batch is only checked for a partition that is known");
                    Ok((key, self.append(ctx, image, key, acks, batch)?))
                });
                let stored = planned.answer_instead.map_or(stored, Err);
                let part = match stored {
                    Ok((key, stored)) => {
                        let partition = &self.partitions[&key];
                        if acks == ACKS_ALL && partition.high_watermark() < stored.required_offset {
                            let (name, required_offset) = (partition.name.clone(), stored.required_offset);
                            ctx.out.trace(|| EventKind::ProduceParked { partition: name.clone(), required_offset });
                            waiting.push(WaitingPartition { key, name, required_offset, topic_index, partition_index });
                        }
                        PartitionProduceResponse {
                            index: planned.index,
                            base_offset: stored.base_offset,
                            log_append_time_ms: stored.log_append_time_ms,
                            log_start_offset: partition.log.log_start_offset(),
                            ..Default::default()
                        }
                    }
                    Err(refusal) => {
                        failed = true;
                        let by_log = refusal.by_log;
                        let mut part = refused(planned.index, refusal);
                        if let Some(partition) =
                            planned.key.and_then(|key| self.partitions.get(&key)).filter(|_| by_log)
                        {
                            part.log_start_offset = partition.log.log_start_offset();
                        }
                        if version >= 10 && part.error_code == ErrorCode::NotLeaderOrFollower.code() {
                            leaders.extend(self.hint(image, planned.key, &mut part));
                        }
                        part
                    }
                };
                answered.partition_responses.push(part);
            }
            response.responses.push(answered);
        }
        response.node_endpoints = endpoints(image, leaders);
        reply.cause = ctx.out.cause();
        if acks == 0 {
            return Produced::Silent(reply, failed);
        }
        if waiting.is_empty() {
            self.trace_answered(ctx, image, &response);
            reply.cause = ctx.out.cause();
            return Produced::Answered(reply, response);
        }
        let deadline = ctx.now.mono.plus_ms(timeout_ms);
        self.purgatory.park_produce(ParkedProduce { reply, deadline, version, response, waiting });
        Produced::Parked
    }

    /// Appends a batch of this broker's own, for a coordinator, as acks=all does. Returns the log's end after it: when the
    /// high watermark is there, every in-sync replica has it.
    pub fn append_own(
        &mut self,
        ctx: &mut Ctx,
        image: &MetadataImage,
        key: PartitionKey,
        bytes: &Bytes,
    ) -> Result<i64, ErrorCode> {
        let batch = PlannedBatch { bytes: bytes.clone(), checked: None };
        let stored = self.append(ctx, image, key, ACKS_ALL, batch);
        stored.map(|s| s.required_offset).map_err(|refusal| ErrorCode::from_code(refusal.error))
    }

    fn append(
        &mut self,
        ctx: &mut Ctx,
        image: &MetadataImage,
        key: PartitionKey,
        acks: i16,
        batch: PlannedBatch,
    ) -> Result<Stored, Refusal> {
        let partition = self.leading(image, key)?;
        let min_isr = partition.effective_min_isr();
        let in_sync = partition.leadership().map_or(0, |l| l.isr.len());
        if acks == ACKS_ALL && in_sync < min_isr {
            let name = &partition.name;
            let why = format!(
                "The size of the current ISR {in_sync} is insufficient to satisfy the min.isr requirement of {min_isr} for partition {name}"
            );
            ctx.out.trace(|| EventKind::AppendRefused {
                partition: name.clone(),
                error: ErrorCode::NotEnoughReplicas.code(),
                why: why.clone(),
            });
            return Err(Refusal::new(ErrorCode::NotEnoughReplicas, why).by_log());
        }
        let partition = self.partitions.get_mut(&key).expect("it was just found");
        let (name, leader_epoch) = (&partition.name, partition.registration.leader_epoch);
        let rules = RecordRules::new(&partition.settings.log, ctx.now.wall_ms);
        let checked = batch.checked.unwrap_or_else(|| validate(&batch.bytes, &rules).map_err(Refusal::from));
        let batch = checked.inspect_err(|refusal| {
            let (partition, error, why) = (name.clone(), refusal.error, refusal.message.clone());
            ctx.out.trace(|| EventKind::AppendRefused { partition, error, why });
        })?;
        match partition.log.append_as_leader(ctx.disk, &batch, leader_epoch) {
            Ok(appended) => {
                let (base_offset, last_offset) = (appended.base_offset, appended.last_offset);
                ctx.out.trace(|| EventKind::Appended {
                    partition: name.clone(),
                    base_offset,
                    last_offset,
                    leader_epoch,
                    as_leader: true,
                });
                self.touch(ctx, key);
                // A leader alone in its ISR need wait for nobody.
                self.advance_high_watermark(ctx, image, key);
                let log_append_time_ms = appended.log_append_time_ms;
                Ok(Stored { base_offset, required_offset: last_offset + 1, log_append_time_ms })
            }
            // The answer got lost and the producer sent it again: the first one counts (KIP-98).
            Err(AppendError::Duplicate { base_offset, last_offset, timestamp }) => {
                let header = batch.header();
                ctx.out.trace(|| EventKind::DuplicateRecognized {
                    partition: name.clone(),
                    producer_id: header.producer_id,
                    base_sequence: header.base_sequence,
                    base_offset,
                });
                // As if it were the broker's time, even where it is the producer's (`UnifiedLog.append`).
                Ok(Stored { base_offset, required_offset: last_offset + 1, log_append_time_ms: timestamp })
            }
            Err(error) => {
                let refusal = Refusal::from(error.clone());
                let (code, why) = (refusal.error, &refusal.message);
                let refused = || EventKind::AppendRefused { partition: name.clone(), error: code, why: why.clone() };
                // What a producer did wrong is between it and us; what the disk does is for who looks after it.
                match &error {
                    AppendError::Disk(_) => ctx.out.note(refused),
                    _ => ctx.out.trace(refused),
                };
                if let AppendError::Disk(error) = &error {
                    self.disk_refused(ctx, key, error);
                }
                Err(refusal)
            }
        }
    }

    /// The partition, if this broker leads it.
    pub fn leading(&self, image: &MetadataImage, key: PartitionKey) -> Result<&Partition, Refusal> {
        let refuse = |error: ErrorCode| Refusal::new(error, error.message());
        let partition = self.find(image, key).map_err(refuse)?;
        partition.check_leader(-1).map_err(refuse)?;
        Ok(partition)
    }

    /// Tells the client who leads, so that it need not ask for metadata (KIP-951).
    fn hint(
        &self,
        image: &MetadataImage,
        key: Option<PartitionKey>,
        part: &mut PartitionProduceResponse,
    ) -> Option<NodeId> {
        let (leader_id, leader_epoch) = self.current_leader(image, key?)?;
        part.current_leader = LeaderIdAndEpoch { leader_id, leader_epoch };
        (leader_id >= 0).then_some(NodeId(leader_id))
    }

    /// Answers the produces that wait for this partition, as far as they need wait no longer (`DelayedProduce.tryComplete`).
    pub(super) fn settle_produces(&mut self, ctx: &mut Ctx, image: &MetadataImage, key: PartitionKey) {
        if !self.purgatory.has_produces(key) {
            return;
        }
        let (up_to, error) = match self.leading(image, key) {
            // The records are safe; but were there enough replicas at this moment?
            Ok(partition) => {
                let in_sync = partition.leadership().map_or(0, |l| l.maximal_isr().len());
                let enough = in_sync >= partition.effective_min_isr();
                (
                    partition.high_watermark(),
                    if enough { ErrorCode::None } else { ErrorCode::NotEnoughReplicasAfterAppend },
                )
            }
            Err(refusal) => (i64::MAX, ErrorCode::from_code(refusal.error)),
        };
        let current_leader = self.current_leader(image, key);
        for id in self.purgatory.reached(key, up_to) {
            let done = self.purgatory.decide(id, key, up_to, |waiting, version, response| {
                let part = part_of(response, waiting);
                set_error(part, error);
                if version >= 10
                    && error == ErrorCode::NotLeaderOrFollower
                    && let Some((leader_id, leader_epoch)) = current_leader
                {
                    part.current_leader = LeaderIdAndEpoch { leader_id, leader_epoch };
                    response.node_endpoints.extend(endpoints(image, vec![NodeId(leader_id)]));
                    response.node_endpoints.dedup();
                }
            });
            if let Some(mut parked) = done {
                self.trace_answered(ctx, image, &parked.response);
                parked.reply.cause = ctx.out.cause();
                self.answers.push(Answer::Produce(parked.reply, parked.response));
            }
        }
    }

    /// The records are in the leader's log and may yet be replicated; nobody waits for that any more.
    pub(super) fn time_out(&mut self, ctx: &mut Ctx, image: &MetadataImage, mut parked: ParkedProduce) {
        ctx.out.because(parked.reply.cause);
        for waiting in &parked.waiting {
            set_error(part_of(&mut parked.response, waiting), ErrorCode::RequestTimedOut);
        }
        self.trace_answered(ctx, image, &parked.response);
        parked.reply.cause = ctx.out.cause();
        self.answers.push(Answer::Produce(parked.reply, parked.response));
    }

    fn trace_answered(&self, ctx: &mut Ctx, image: &MetadataImage, response: &ProduceResponse) {
        for topic in &response.responses {
            for part in &topic.partition_responses {
                let (base_offset, error) = (part.base_offset, part.error_code);
                ctx.out.trace(|| {
                    let by_id = || image.topic_by_id(topic.topic_id).map(|t| t.name.clone()).unwrap_or_default();
                    let name = if topic.name.is_empty() { by_id() } else { topic.name.clone() };
                    EventKind::ProduceAnswered { partition: TopicPartition::new(name, part.index), base_offset, error }
                });
            }
        }
    }
}

fn part_of<'a>(response: &'a mut ProduceResponse, waiting: &WaitingPartition) -> &'a mut PartitionProduceResponse {
    &mut response.responses[waiting.topic_index].partition_responses[waiting.partition_index]
}

fn set_error(part: &mut PartitionProduceResponse, error: ErrorCode) {
    part.error_code = error.code();
    if error != ErrorCode::None {
        part.base_offset = -1;
    }
}

/// A message goes with a request that cannot be read, and with bad records; else the error says all
/// (`ReplicaManager.LogAppendResult.hasCustomErrorMessage`).
fn refused(index: i32, refusal: Refusal) -> PartitionProduceResponse {
    let unreadable = refusal.whole && refusal.error == ErrorCode::CorruptMessage.code();
    // And of what is not built, the lab says so.
    let said = unreadable || !refusal.records.is_empty() || refusal.error == ErrorCode::InvalidTxnState.code();
    let error_message = Some(refusal.message).filter(|message| said && !message.is_empty());
    PartitionProduceResponse {
        index,
        error_code: refusal.error,
        base_offset: -1,
        log_append_time_ms: -1,
        log_start_offset: -1,
        record_errors: refusal
            .records
            .into_iter()
            .map(|(batch_index, why)| BatchIndexAndErrorMessage { batch_index, batch_index_error_message: Some(why) })
            .collect(),
        error_message,
        ..Default::default()
    }
}

fn endpoints(image: &MetadataImage, leaders: Vec<NodeId>) -> Vec<NodeEndpoint> {
    super::node_endpoints(image, leaders)
        .map(|(node_id, host, port, rack)| NodeEndpoint { node_id, host, port, rack })
        .collect()
}
