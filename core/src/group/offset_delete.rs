//! OffsetDelete: forgets offsets of topics that nobody in the group reads (KIP-496; `OffsetMetadataManager.deleteOffsets`).

use super::{Env, Then, classic::State, record::GroupRecord, shard::Shard};
use crate::{
    broker::Reply,
    id::TopicPartition,
    wire::{
        error::ErrorCode,
        group_records::OffsetCommitKey,
        offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse},
    },
};

impl Shard {
    /// `response` has the partitions of `request` in the same order; those with an error were refused before.
    pub(super) fn offset_delete(
        &mut self,
        env: &mut Env,
        reply: Reply,
        request: &OffsetDeleteRequest,
        mut response: OffsetDeleteResponse,
    ) {
        let group = match self.groups.get(&request.group_id) {
            None => Err(ErrorCode::GroupIdNotFound),
            Some(group) => match group.state {
                State::Dead => Err(ErrorCode::GroupIdNotFound),
                State::Empty => Ok(group),
                // What members of another protocol read cannot be told.
                _ if !group.uses_consumer_protocol() => Err(ErrorCode::NonEmptyGroup),
                _ => Ok(group),
            },
        };
        let group = match group {
            Ok(group) => group,
            Err(error) => {
                let error_code = error.code();
                return env.answer(reply, OffsetDeleteResponse { error_code, ..Default::default() });
            }
        };
        let mut records = Vec::new();
        for (topic, answered) in request.topics.iter().zip(&mut response.topics) {
            let subscribed = group.is_subscribed_to(&topic.name);
            for part in answered.partitions.iter_mut().filter(|p| p.error_code == 0) {
                let partition = TopicPartition::new(topic.name.as_str(), part.partition_index);
                if subscribed {
                    part.error_code = ErrorCode::GroupSubscribedToTopic.code();
                } else if self.offsets.get(&request.group_id, &partition, true).is_some() {
                    records.push(tombstone(&request.group_id, &partition));
                }
            }
        }
        env.append(records, Then::Answer(reply, response.into()));
    }
}

pub(super) fn tombstone(group: &str, partition: &TopicPartition) -> GroupRecord {
    let TopicPartition { topic, partition } = partition.clone();
    GroupRecord::Offset(OffsetCommitKey { group: group.to_owned(), topic, partition }, None)
}
