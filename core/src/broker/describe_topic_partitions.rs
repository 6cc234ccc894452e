//! DescribeTopicPartitions: topics page by page, with eligible leader replicas (KIP-966).

use std::collections::BTreeSet;

use super::{Broker, Reply, metadata};
use crate::{
    id::NodeId,
    metadata::{
        image::{MetadataImage, TopicImage},
        registration::{NO_LEADER, PartitionRegistration, numbers},
        topic_name,
    },
    seam::Ctx,
    wire::{
        describe_topic_partitions::{
            Cursor, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
            DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic,
        },
        error::ErrorCode,
    },
};

/// `max.request.partition.size.limit`.
const PARTITIONS_MAX: usize = 2000;

impl Broker {
    pub(super) fn describe_topic_partitions(
        &mut self,
        ctx: &mut Ctx,
        reply: &Reply,
        request: &DescribeTopicPartitionsRequest,
    ) {
        let response = match check(request) {
            Ok(()) => page(&self.image, request),
            Err(error) => refused_whole(request, error),
        };
        self.conns.answer::<DescribeTopicPartitionsRequest>(ctx, reply, &response);
    }
}

/// The topic that the cursor is at must be among those asked for, its partition must be one, and a topic without a name is
/// what Kafka itself stumbles over (`DescribeTopicPartitionsRequestHandler`).
fn check(request: &DescribeTopicPartitionsRequest) -> Result<(), ErrorCode> {
    let named = |name: &str| request.topics.iter().any(|t| t.name == name);
    match &request.cursor {
        Some(cursor) if cursor.partition_index < 0 => Err(ErrorCode::InvalidRequest),
        Some(cursor) if !request.topics.is_empty() && !named(&cursor.topic_name) => Err(ErrorCode::InvalidRequest),
        None if named("") => Err(ErrorCode::UnknownServerError),
        _ => Ok(()),
    }
}

fn refused_whole(request: &DescribeTopicPartitionsRequest, error: ErrorCode) -> DescribeTopicPartitionsResponse {
    let topic = |name: &String| DescribeTopicPartitionsResponseTopic {
        error_code: error.code(),
        name: Some(name.clone()),
        ..Default::default()
    };
    let topics = request.topics.iter().map(|asked| topic(&asked.name)).collect();
    DescribeTopicPartitionsResponse { topics, ..Default::default() }
}

fn page(image: &MetadataImage, request: &DescribeTopicPartitionsRequest) -> DescribeTopicPartitionsResponse {
    let mut left = usize::try_from(request.response_partition_limit).unwrap_or(0).clamp(1, PARTITIONS_MAX);
    let (from_topic, from_partition) =
        request.cursor.as_ref().map_or(("", 0), |c| (c.topic_name.as_str(), c.partition_index));
    let all = request.topics.is_empty();
    let names: BTreeSet<&str> = if all {
        image.topics().map(|t| t.name.as_str()).collect()
    } else {
        request.topics.iter().map(|t| t.name.as_str()).collect()
    };
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names.into_iter().filter(|&name| name >= from_topic) {
        if left == 0 {
            response.next_cursor = Some(Cursor { topic_name: name.to_owned(), partition_index: 0 });
            break;
        }
        let Some(topic) = image.topic(name) else {
            let bad_name = topic_name::invalid(name).is_some();
            let error = if bad_name { ErrorCode::InvalidTopicException } else { ErrorCode::UnknownTopicOrPartition };
            response.topics.push(DescribeTopicPartitionsResponseTopic {
                error_code: error.code(),
                name: Some(name.to_owned()),
                topic_authorized_operations: metadata::ALL_TOPIC_OPERATIONS,
                ..Default::default()
            });
            continue;
        };
        let first = if name == from_topic { from_partition } else { 0 };
        // In 32 bits, so that a cursor far behind the last partition is sent back to before the first
        // (`KRaftMetadataCache.getPartitionMetadataForDescribeTopicResponse`).
        let count = topic.partitions.len() as i32;
        let next = first.wrapping_add(left as i32).min(count);
        let shown = topic.partitions.range(first..next.max(first));
        let partitions: Vec<_> = shown.map(|(&index, p)| describe_partition(image, index, p)).collect();
        left -= partitions.len();
        response.topics.push(describe(topic, partitions));
        if next < count {
            response.next_cursor = Some(Cursor { topic_name: name.to_owned(), partition_index: next });
            break;
        }
    }
    response
}

fn describe(
    topic: &TopicImage,
    partitions: Vec<DescribeTopicPartitionsResponsePartition>,
) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        name: Some(topic.name.clone()),
        topic_id: topic.id,
        is_internal: metadata::is_internal(&topic.name),
        partitions,
        topic_authorized_operations: metadata::ALL_TOPIC_OPERATIONS,
        ..Default::default()
    }
}

fn describe_partition(
    image: &MetadataImage,
    index: i32,
    p: &PartitionRegistration,
) -> DescribeTopicPartitionsResponsePartition {
    let is_alive = |id: i32| image.broker(NodeId(id)).is_some_and(|b| !b.fenced);
    let has_leader = is_alive(p.leader);
    DescribeTopicPartitionsResponsePartition {
        error_code: if has_leader { 0 } else { ErrorCode::LeaderNotAvailable.code() },
        partition_index: index,
        leader_id: if has_leader { p.leader } else { NO_LEADER },
        leader_epoch: p.leader_epoch,
        replica_nodes: numbers(&p.replicas),
        isr_nodes: numbers(&p.isr),
        eligible_leader_replicas: Some(numbers(&p.elr)),
        last_known_elr: Some(numbers(&p.last_known_elr)),
        offline_replicas: numbers(&p.replicas).into_iter().filter(|&id| !is_alive(id)).collect(),
    }
}
