//! Produce: checks the frame, lets compressed records be opened in a job, then hands the batches to the replicas.

use super::{Broker, Reply, metadata::is_internal, once::Once};
use crate::{
    authorize::{Operation, Resource, authorize},
    id::{TopicPartition, Uuid},
    job::{Job, JobResult},
    replica::{
        PartitionKey,
        produce::{PlannedAppend, PlannedTopic, ProducePlan, Produced},
        validate::{RecordRules, Refusal, the_batch},
    },
    seam::Ctx,
    trace::EventKind,
    wire::{
        batch::Batch,
        error::ErrorCode,
        produce::{PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData},
    },
};

/// Topics by id from here on.
const BY_ID_SINCE: i16 = 13;

/// Of the oldest format of messages, without key and value.
const LEAST_RECORD_BYTES: i32 = 14;
/// Where the magic stands in every format.
const MAGIC_AT: usize = 16;

/// A produce whose records are being opened: which of its partitions, in the order of the job.
#[derive(Clone, Debug)]
pub struct Validating {
    plan: ProducePlan,
    opened: Vec<(usize, usize)>,
}

impl Broker {
    pub(super) fn produce(&mut self, ctx: &mut Ctx, reply: Reply, request: ProduceRequest) {
        let version = reply.version;
        // Who may write in the name of a transaction is asked first, and there is no name.
        let unnamed = request.transactional_id.is_none() && request.topic_data.iter().any(has_transactional);
        let error = ErrorCode::TransactionalIdAuthorizationFailed;
        let unreadable = request.topic_data.iter().flat_map(|t| &t.partition_data).find_map(unreadable);
        let refuse_all = unreadable.or_else(|| unnamed.then(|| Refusal::new(error, error.message())));
        let bad_acks = (!(-1..=1).contains(&request.acks))
            .then(|| Refusal::new(ErrorCode::InvalidRequiredAcks, "acks must be -1 (all), 0 or 1"));
        let principal = self.principal(reply.conn);
        // The state of coordinators is theirs to write (`ReplicaManager.appendRecordsToLeader`, `AdminUtils`).
        let may_write_internal = reply.client_id.as_deref() == Some("__admin_client");
        let mut merged = Merged::default();
        for topic in request.topic_data {
            let id = if version >= BY_ID_SINCE { Some(topic.topic_id) } else { self.image.topic_id(&topic.name) };
            let known = id.and_then(|id| self.image.topic_by_id(id));
            let allowed = authorize(&principal, Operation::Write, Resource::Topic(&topic.name));
            let name = known.map_or(topic.name.as_str(), |topic| &topic.name).to_owned();
            for data in topic.partition_data {
                let key = id.map(|topic_id| PartitionKey { topic_id, partition: data.index });
                let checked = match &refuse_all {
                    Some(refusal) => Err(refusal.clone()),
                    None if !allowed => {
                        let error = ErrorCode::TopicAuthorizationFailed;
                        Err(Refusal::new(error, error.message()))
                    }
                    None => self.check_request(version, key, &data),
                };
                let refused = match &bad_acks {
                    _ if checked.as_ref().is_err_and(|refusal| !refusal.by_log) => None,
                    Some(refusal) => Some(refusal.clone()),
                    None if is_internal(&name) && !may_write_internal => {
                        let message = format!("Cannot append to internal topic {name}");
                        Some(Refusal::new(ErrorCode::InvalidTopicException, message))
                    }
                    None => checked.as_ref().err().cloned(),
                };
                merged.add(&topic.name, topic.topic_id, (data.index, key), checked, refused);
            }
        }
        let mut topics = merged.topics;
        let (mut jobs, mut opened) = (Vec::new(), Vec::new());
        for (topic_index, topic) in topics.iter_mut().enumerate() {
            for (partition_index, planned) in topic.partitions.iter_mut().enumerate() {
                if let Ok(batch) = &planned.batch {
                    let key = planned.key.expect("a batch is only checked for a partition that is known");
                    match self.replicas.leading(&self.image, key) {
                        Ok(partition) => {
                            let rules = RecordRules::new(&partition.settings, ctx.now.wall_ms);
                            if rules.open(batch) {
                                opened.push((topic_index, partition_index));
                                jobs.push((batch.bytes.clone(), rules));
                            }
                        }
                        Err(refusal) => planned.batch = Err(refusal),
                    }
                }
                if let Err(refusal) = &planned.batch {
                    let (partition, error) = (TopicPartition::new(topic.name.as_str(), planned.index), refusal.error);
                    let why = &refusal.message;
                    ctx.out.trace(|| EventKind::AppendRefused { partition, error, why: why.clone() });
                }
            }
        }
        let timeout_ms = u64::try_from(request.timeout_ms).unwrap_or(0);
        let plan = ProducePlan { reply, acks: request.acks, timeout_ms, version, topics };
        if jobs.is_empty() {
            self.append(ctx, plan);
        } else {
            let token = ctx.out.job(Job::ValidateBatches { batches: jobs });
            self.validating.insert(token, Validating { plan, opened });
        }
    }

    /// What is looked at before anything is appended: whether there is such a partition, and whether these are records.
    fn check_request(
        &self,
        version: i16,
        key: Option<PartitionKey>,
        data: &PartitionProduceData,
    ) -> Result<Batch, Refusal> {
        let refuse = |error: ErrorCode| Refusal::new(error, error.message());
        let unknown_topic =
            if version >= BY_ID_SINCE { ErrorCode::UnknownTopicId } else { ErrorCode::UnknownTopicOrPartition };
        let key = key.ok_or_else(|| refuse(unknown_topic))?;
        let topic = self.image.topic_by_id(key.topic_id).ok_or_else(|| refuse(unknown_topic))?;
        if !topic.partitions.contains_key(&key.partition) {
            return Err(refuse(ErrorCode::UnknownTopicOrPartition));
        }
        the_batch(&data.records.bytes(), version)
    }

    /// The records have been opened. Who leads, and all else, may have changed meanwhile, and is looked at again.
    pub(super) fn validated(&mut self, ctx: &mut Ctx, validating: Validating, result: JobResult) {
        let Validating { mut plan, opened } = validating;
        ctx.out.because(plan.reply.cause);
        let JobResult::Validated(verdicts) = result;
        for ((topic, partition), verdict) in opened.into_iter().zip(verdicts) {
            if let Err(refusal) = verdict {
                plan.topics[topic].partitions[partition].batch = Err(refusal);
            }
        }
        self.append(ctx, plan);
    }

    fn append(&mut self, ctx: &mut Ctx, plan: ProducePlan) {
        match self.replicas.produce(ctx, &self.image, plan) {
            Produced::Answered(reply, response) => self.answer_produce(ctx, &reply, &response),
            Produced::Parked => {}
            Produced::Silent(reply, false) => self.conns.done(ctx, reply.conn),
            // The only way to tell a client that wants no answers (`KafkaApis.handleProduceRequest`).
            Produced::Silent(reply, true) => self.close(ctx, reply.conn),
        }
    }

    pub(super) fn answer_produce(&mut self, ctx: &mut Ctx, reply: &Reply, response: &ProduceResponse) {
        self.conns.answer::<ProduceRequest>(ctx, reply, response);
    }
}

/// A batch that cannot be one is found while transactional ones are looked for, and fails the whole request
/// (`RequestUtils.hasTransactionalRecords`, `ByteBufferLogInputStream.nextBatchSize`).
fn unreadable(data: &PartitionProduceData) -> Option<Refusal> {
    let bytes = data.records.bytes();
    let size = i32::from_be_bytes(*bytes.get(8..)?.first_chunk()?);
    let why = if size < LEAST_RECORD_BYTES {
        format!("Record size {size} is less than the minimum record overhead ({LEAST_RECORD_BYTES})")
    } else {
        let magic = *bytes.get(MAGIC_AT)? as i8;
        if (0..=2).contains(&magic) {
            return None;
        }
        format!("Invalid magic found in record: {magic}")
    };
    Some(Refusal::new(ErrorCode::CorruptMessage, why))
}

fn has_transactional(topic: &TopicProduceData) -> bool {
    topic
        .partition_data
        .iter()
        .any(|data| Batch::parse(&data.records.bytes()).is_ok_and(|b| b.header.is_transactional()))
}

/// Each partition once: of what a request says twice the last word counts (`KafkaApis.handleProduceRequest`).
#[derive(Default)]
struct Merged {
    topics: Vec<PlannedTopic>,
    once: Once<(String, Uuid)>,
}

impl Merged {
    /// `refused`: what is in order as a request, and will be refused by the replicas.
    fn add(
        &mut self,
        name: &str,
        topic_id: Uuid,
        planned: (i32, Option<PartitionKey>),
        checked: Result<Batch, Refusal>,
        refused: Option<Refusal>,
    ) {
        let (index, key) = planned;
        let place = self.once.place((name.to_owned(), topic_id), index);
        if place.topic == self.topics.len() {
            self.topics.push(PlannedTopic { name: name.to_owned(), topic_id, partitions: Vec::new() });
        }
        let partitions = &mut self.topics[place.topic].partitions;
        let answer_instead = checked.as_ref().err().filter(|refusal| !refusal.by_log).cloned();
        let batch = refused.map_or(checked, Err);
        match partitions.get_mut(place.partition) {
            None => partitions.push(PlannedAppend { index, key, batch, answer_instead }),
            // A refusal of the request is what is answered, and what else was said is done all the same.
            Some(before) if answer_instead.is_some() => before.answer_instead = answer_instead,
            Some(before) => before.batch = batch,
        }
    }
}
