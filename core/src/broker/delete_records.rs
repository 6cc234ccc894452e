//! DeleteRecords: the head of a partition's log goes (`KafkaApis.handleDeleteRecordsRequest`).

use super::{Broker, Reply, metadata::is_internal, once::Once};
use crate::{
    authorize::{Operation, Resource, authorize},
    replica::delete_records::PlannedDeletion,
    seam::Ctx,
    wire::{
        delete_records::{DeleteRecordsRequest, DeleteRecordsTopic},
        error::ErrorCode,
    },
};

impl Broker {
    pub(super) fn delete_records(&mut self, ctx: &mut Ctx, reply: Reply, request: DeleteRecordsRequest) {
        let principal = self.principal(reply.conn);
        let plan = |topic: DeleteRecordsTopic| {
            let topic_id = if !authorize(&principal, Operation::Delete, Resource::Topic(&topic.name)) {
                Err(ErrorCode::TopicAuthorizationFailed)
            } else if is_internal(&topic.name) && self.image.topic(&topic.name).is_some() {
                // The state of coordinators is theirs.
                Err(ErrorCode::InvalidTopicException)
            } else {
                self.image.topic_id(&topic.name).ok_or(ErrorCode::UnknownTopicOrPartition)
            };
            PlannedDeletion { name: topic.name, topic_id, partitions: topic.partitions }
        };
        let topics = merged(request.topics).into_iter().map(plan).collect();
        let timeout_ms = u64::try_from(request.timeout_ms).unwrap_or(0);
        self.replicas.delete_records(ctx, &self.image, reply, timeout_ms, topics);
    }
}

/// Each partition once, with the offset that was said last.
fn merged(asked: Vec<DeleteRecordsTopic>) -> Vec<DeleteRecordsTopic> {
    let (mut topics, mut once) = (Vec::<DeleteRecordsTopic>::new(), Once::default());
    for DeleteRecordsTopic { name, partitions } in asked {
        for asked in partitions {
            let place = once.place(name.clone(), asked.partition_index);
            if place.topic == topics.len() {
                topics.push(DeleteRecordsTopic { name: name.clone(), partitions: Vec::new() });
            }
            let partitions = &mut topics[place.topic].partitions;
            match partitions.get_mut(place.partition) {
                Some(before) => *before = asked,
                None => partitions.push(asked),
            }
        }
    }
    topics
}
