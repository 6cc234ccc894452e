//! Produce: checks the frame, lets compressed records be opened in a job, then hands the batches to the replicas.

use bytes::Bytes;

use super::{Broker, Reply, metadata::is_internal, once::Once};
use crate::{
    authorize::{Operation, Resource, authorize},
    id::{TopicPartition, Uuid},
    job::{Job, JobResult},
    log::RecordRules,
    metadata::image::TopicImage,
    replica::{
        PartitionKey,
        produce::{PlannedAppend, PlannedBatch, PlannedTopic, ProducePlan, Produced},
        validate::{Refusal, is_transactional, the_batch, throws_early},
    },
    seam::Ctx,
    trace::EventKind,
    wire::{
        error::ErrorCode,
        produce::{PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData},
    },
};

/// Topics by id from here on.
const BY_ID_SINCE: i16 = 13;

/// A produce whose records are being opened: which of its partitions, in the order of the job.
#[derive(Clone, Debug)]
pub struct Validating {
    plan: ProducePlan,
    opened: Vec<(usize, usize)>,
}

impl Broker {
    pub(super) fn produce(&mut self, ctx: &mut Ctx, reply: Reply, request: ProduceRequest) {
        let version = reply.version;
        let refuse_all = self.refuse_whole(&request, version);
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
                    _ if checked.is_err() || data.records.is_null() => None,
                    Some(refusal) => Some(refusal.clone()),
                    None if is_internal(&name) && !may_write_internal => {
                        let message = format!("Cannot append to internal topic {name}");
                        Some(Refusal::new(ErrorCode::InvalidTopicException, message))
                    }
                    None => None,
                };
                merged.add(&topic.name, topic.topic_id, (data.index, key), checked, refused);
            }
        }
        let mut topics = merged.topics;
        refuse_all_for_null(&mut topics);
        let (mut jobs, mut opened) = (Vec::new(), Vec::new());
        for (topic_index, topic) in topics.iter_mut().enumerate() {
            for (partition_index, planned) in topic.partitions.iter_mut().enumerate() {
                if let Ok(PlannedBatch { bytes, .. }) = &planned.batch {
                    let key = planned.key.expect("a batch is only checked for a partition that is known");
                    match self.replicas.leading(&self.image, key) {
                        Ok(partition) => {
                            let rules = RecordRules::new(&partition.settings.log, ctx.now.wall_ms);
                            if rules.is_long_work(bytes) {
                                opened.push((topic_index, partition_index));
                                jobs.push((bytes.clone(), rules));
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

    /// What is looked at before anything is appended: whether there is such a partition, and whether these are records. Ones
    /// that are null pass, as a batch without bytes.
    fn check_request(
        &self,
        version: i16,
        key: Option<PartitionKey>,
        data: &PartitionProduceData,
    ) -> Result<PlannedBatch, Refusal> {
        let refuse = |error: ErrorCode| Refusal::new(error, error.message());
        let unknown_topic =
            if version >= BY_ID_SINCE { ErrorCode::UnknownTopicId } else { ErrorCode::UnknownTopicOrPartition };
        let key = key.ok_or_else(|| refuse(unknown_topic))?;
        let topic = self.image.topic_by_id(key.topic_id).ok_or_else(|| refuse(unknown_topic))?;
        if !topic.partitions.contains_key(&key.partition) {
            return Err(refuse(ErrorCode::UnknownTopicOrPartition));
        }
        if data.records.is_null() {
            return Ok(PlannedBatch { bytes: Bytes::new(), checked: None });
        }
        let bytes = the_batch(&data.records.bytes(), version)?;
        Ok(PlannedBatch { bytes, checked: None })
    }

    /// What makes the whole request fail, whatever its other partitions hold (`KafkaApis.handleProduceRequest`).
    fn refuse_whole(&self, request: &ProduceRequest, version: i16) -> Option<Refusal> {
        let batches =
            || request.topic_data.iter().flat_map(|topic| &topic.partition_data).map(|data| data.records.bytes());
        for batch in batches() {
            match is_transactional(&batch) {
                Ok(false) => {}
                // Who may write in the name of a transaction is asked, and there is no name.
                Ok(true) if request.transactional_id.is_none() => {
                    let error = ErrorCode::TransactionalIdAuthorizationFailed;
                    return Some(Refusal::new(error, error.message()));
                }
                Ok(true) => {
                    let why = "Transactions are not built yet in the lab";
                    return Some(Refusal::new(ErrorCode::InvalidTxnState, why));
                }
                Err(refusal) => return Some(Refusal { whole: true, ..refusal }),
            }
        }
        // These are looked at where the partition is there.
        let mut known = request.topic_data.iter().flat_map(|topic| {
            let image = self.topic_of(topic, version);
            let is_there = move |data: &&PartitionProduceData| {
                image.is_some_and(|topic| topic.partitions.contains_key(&data.index))
            };
            topic.partition_data.iter().filter(is_there)
        });
        known.find_map(|data| throws_early(&data.records.bytes(), version))
    }

    fn topic_of(&self, asked: &TopicProduceData, version: i16) -> Option<&TopicImage> {
        let id = if version >= BY_ID_SINCE { Some(asked.topic_id) } else { self.image.topic_id(&asked.name) };
        self.image.topic_by_id(id?)
    }

    /// The records have been opened. Who leads, and all else, may have changed meanwhile, and is looked at again.
    pub(super) fn validated(&mut self, ctx: &mut Ctx, validating: Validating, result: JobResult) {
        let Validating { mut plan, opened } = validating;
        ctx.out.because(plan.reply.cause);
        let JobResult::Validated(verdicts) = result;
        for ((topic, partition), verdict) in opened.into_iter().zip(verdicts) {
            let planned = &mut plan.topics[topic].partitions[partition].batch;
            planned.as_mut().expect("only what passed the first checks is opened").checked = Some(verdict);
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

/// Records that are null where others would be appended: Kafka looks into the batches of all partitions before it appends the
/// first, and fails (`ReplicaManager.handleProduceAppend`). It then gives no answer at all; here each partition gets one.
fn refuse_all_for_null(topics: &mut [PlannedTopic]) {
    let mut partitions = topics.iter().flat_map(|topic| &topic.partitions);
    if partitions.any(|planned| planned.batch.as_ref().is_ok_and(|batch| batch.bytes.is_empty())) {
        for planned in topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
            let why = "records are null, so that nothing of this request was stored";
            planned.batch = Err(Refusal::new(ErrorCode::InvalidRecord, why));
        }
    }
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
        checked: Result<PlannedBatch, Refusal>,
        refused: Option<Refusal>,
    ) {
        let (index, key) = planned;
        let place = self.once.place((name.to_owned(), topic_id), index);
        if place.topic == self.topics.len() {
            self.topics.push(PlannedTopic { name: name.to_owned(), topic_id, partitions: Vec::new() });
        }
        let partitions = &mut self.topics[place.topic].partitions;
        let answer_instead = checked.as_ref().err().cloned();
        let batch = refused.map_or(checked, Err);
        match partitions.get_mut(place.partition) {
            None => partitions.push(PlannedAppend { index, key, batch, answer_instead }),
            // A refusal of the request is what is answered, and what else was said is done all the same.
            Some(before) if answer_instead.is_some() => before.answer_instead = answer_instead,
            Some(before) => before.batch = batch,
        }
    }
}
