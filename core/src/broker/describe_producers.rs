//! DescribeProducers: what a partition remembers of its idempotent producers
//! (KIP-664; Kafka: `KafkaApis.handleDescribeProducersRequest`, `Partition.activeProducerState`).

use super::{Broker, Reply};
use crate::{
    authorize::{Operation, Resource, authorize},
    log::ProducerEntry,
    metadata::topic_name,
    replica::PartitionKey,
    seam::Ctx,
    wire::{
        describe_producers::{
            DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState, TopicRequest,
            TopicResponse,
        },
        error::ErrorCode,
    },
};

impl Broker {
    pub(super) fn describe_producers(&mut self, ctx: &mut Ctx, reply: &Reply, request: DescribeProducersRequest) {
        let principal = self.principal(reply.conn);
        let topics = request.topics.into_iter().map(|topic| self.producers_of(topic, &principal)).collect();
        let response = DescribeProducersResponse { topics, ..Default::default() };
        self.conns.answer::<DescribeProducersRequest>(ctx, reply, &response);
    }

    fn producers_of(&self, topic: TopicRequest, principal: &str) -> TopicResponse {
        let name = topic.name.as_str();
        let checked = if let Some(why) = topic_name::invalid(name) {
            Err((ErrorCode::InvalidTopicException, format!("Topic name is invalid: {why}")))
        } else if !authorize(principal, Operation::Read, Resource::Topic(name)) {
            let error = ErrorCode::TopicAuthorizationFailed;
            Err((error, error.message().to_owned()))
        } else {
            let error = ErrorCode::UnknownTopicOrPartition;
            let why = "This server does not host this topic-partition.";
            self.image.topic_id(name).ok_or_else(|| (error, why.to_owned()))
        };
        let describe = |partition_index: i32| match &checked {
            Err((error, why)) => PartitionResponse {
                partition_index,
                error_code: error.code(),
                error_message: Some(why.clone()),
                ..Default::default()
            },
            Ok(topic_id) => self.producers_in(PartitionKey { topic_id: *topic_id, partition: partition_index }),
        };
        let partitions = topic.partition_indexes.iter().map(|&index| describe(index)).collect();
        TopicResponse { partitions, name: topic.name }
    }

    /// Followers remember their leader's producers, and say so.
    fn producers_in(&self, key: PartitionKey) -> PartitionResponse {
        let partition_index = key.partition;
        match self.replicas.find(&self.image, key) {
            Err(error) => PartitionResponse { partition_index, error_code: error.code(), ..Default::default() },
            Ok(partition) => {
                let active_producers = partition.log.producers().iter().map(state).collect();
                PartitionResponse { partition_index, active_producers, ..Default::default() }
            }
        }
    }
}

fn state((producer_id, entry): (i64, &ProducerEntry)) -> ProducerState {
    ProducerState {
        producer_id,
        producer_epoch: i32::from(entry.producer_epoch),
        last_sequence: entry.last_sequence(),
        last_timestamp: entry.last_timestamp,
        coordinator_epoch: entry.coordinator_epoch,
        current_txn_start_offset: entry.current_txn_first_offset.unwrap_or(-1),
    }
}
