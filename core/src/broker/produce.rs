//! Produce: checks the frame, lets compressed records be opened in a job, then hands the batches to the replicas.

use super::{Broker, Reply, metadata::is_internal};
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

/// A produce whose records are being opened: which of its partitions, in the order of the job.
#[derive(Clone, Debug)]
pub struct Validating {
    plan: ProducePlan,
    opened: Vec<(usize, usize)>,
}

impl Broker {
    pub(super) fn produce(&mut self, ctx: &mut Ctx, reply: Reply, request: ProduceRequest) {
        let version = reply.version;
        let refuse_all = match request.acks {
            -1..=1 => None,
            _ => Some(Refusal::new(ErrorCode::InvalidRequiredAcks, "acks must be -1 (all), 0 or 1")),
        };
        // Who may write in the name of a transaction is asked first, and there is no name.
        let unnamed = request.transactional_id.is_none() && request.topic_data.iter().any(has_transactional);
        let error = ErrorCode::TransactionalIdAuthorizationFailed;
        let refuse_all = refuse_all.or(unnamed.then(|| Refusal::new(error, error.message())));
        let principal = self.principal(reply.conn);
        // The state of coordinators is theirs to write (`ReplicaManager.appendRecordsToLeader`, `AdminUtils`).
        let may_write_internal = reply.client_id.as_deref() == Some("__admin_client");
        let mut topics = Vec::with_capacity(request.topic_data.len());
        let (mut jobs, mut opened) = (Vec::new(), Vec::new());
        for topic in request.topic_data {
            let id = if version >= BY_ID_SINCE { Some(topic.topic_id) } else { self.image.topic_id(&topic.name) };
            let allowed = authorize(&principal, Operation::Write, Resource::Topic(&topic.name));
            let name = id.and_then(|id| self.image.topic_by_id(id)).map_or(topic.name.as_str(), |topic| &topic.name);
            let (name, internal) = (name.to_owned(), is_internal(name));
            let mut partitions = Vec::with_capacity(topic.partition_data.len());
            for data in topic.partition_data {
                let (index, key) = (data.index, id.map(|topic_id| PartitionKey { topic_id, partition: data.index }));
                let checked = match &refuse_all {
                    Some(refusal) => Err(refusal.clone()),
                    None if !allowed => {
                        let error = ErrorCode::TopicAuthorizationFailed;
                        Err(Refusal::new(error, error.message()))
                    }
                    None if internal && !may_write_internal => {
                        let message = format!("Cannot append to internal topic {name}");
                        Err(Refusal::new(ErrorCode::InvalidTopicException, message))
                    }
                    None => self.check_batch(ctx, version, key, &data),
                };
                let batch = checked.map(|(batch, rules)| {
                    if rules.open(&batch) {
                        opened.push((topics.len(), partitions.len()));
                        jobs.push((batch.bytes.clone(), rules));
                    }
                    batch
                });
                if let Err(refusal) = &batch {
                    let (partition, error) = (TopicPartition::new(topic.name.as_str(), index), refusal.error);
                    let why = &refusal.message;
                    ctx.out.trace(|| EventKind::AppendRefused { partition, error, why: why.clone() });
                }
                partitions.push(PlannedAppend { index, key, batch });
            }
            topics.push(PlannedTopic { name: topic.name, topic_id: topic.topic_id, partitions });
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

    fn check_batch(
        &self,
        ctx: &Ctx,
        version: i16,
        key: Option<PartitionKey>,
        data: &PartitionProduceData,
    ) -> Result<(Batch, RecordRules), Refusal> {
        let by_id = version >= BY_ID_SINCE;
        let unknown = if by_id { ErrorCode::UnknownTopicId } else { ErrorCode::UnknownTopicOrPartition };
        let refuse_unknown = || Refusal::new(unknown, unknown.message());
        let key = key.ok_or_else(refuse_unknown)?;
        if by_id && self.image.topic_by_id(key.topic_id).is_none_or(|_| key.topic_id == Uuid::ZERO) {
            return Err(refuse_unknown());
        }
        let partition = self.replicas.leading(&self.image, key)?;
        let batch = the_batch(&data.records.bytes(), version)?;
        Ok((batch, RecordRules::new(&partition.settings, ctx.now.wall_ms)))
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

fn has_transactional(topic: &TopicProduceData) -> bool {
    topic
        .partition_data
        .iter()
        .any(|data| Batch::parse(&data.records.bytes()).is_ok_and(|b| b.header.is_transactional()))
}
