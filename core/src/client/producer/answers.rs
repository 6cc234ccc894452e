//! Answers: a batch is stored, sent again, or given up, and reported once.

use bytes::Bytes;

use super::{Delivery, Producer};
use crate::{
    client::{
        accumulator::{Batch, Queue, advance},
        links::backoff_ms,
    },
    id::{Endpoint, EventId, TopicPartition},
    seam::Ctx,
    trace::EventKind,
    wire::{
        error::ErrorCode,
        frame,
        produce::{PartitionProduceResponse, ProduceRequest, ProduceResponse},
    },
};

impl Producer {
    pub(super) fn produce_answer(
        &mut self,
        ctx: &mut Ctx<'_>,
        batches: Vec<(String, i32, u64)>,
        version: i16,
        frame: &Bytes,
    ) {
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

    pub(super) fn stored(&mut self, ctx: &mut Ctx<'_>, topic: &str, partition: i32, serial: u64, base_offset: i64) {
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
    pub(super) fn failed(
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

    pub(super) fn batch_failed(
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
    pub(super) fn give_up(
        &mut self,
        ctx: &mut Ctx<'_>,
        partition: TopicPartition,
        handles: Vec<u64>,
        cause: Option<EventId>,
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
}

/// Errors after which Kafka's clients ask for metadata (`InvalidMetadataException`).
pub(in crate::client) fn is_stale_metadata(error: ErrorCode) -> bool {
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
