//! OffsetCommit: a group stores how far it has read (`OffsetMetadataManager.commitOffset`).

use super::{
    Env, Then,
    classic::{ClassicGroup, State},
    record::GroupRecord,
    shard::Shard,
};
use crate::{
    broker::Reply,
    id::TopicPartition,
    trace::EventKind,
    wire::{
        error::ErrorCode,
        group_records::{OffsetCommitKey, OffsetCommitValue},
        offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitResponse},
    },
};

/// From this version on a group that is not there is called by its own error (KIP-848).
const GROUP_ID_NOT_FOUND_SINCE: i16 = 9;

impl Shard {
    /// `response` has the partitions of `request` in the same order; those with an error were refused before.
    pub(super) fn offset_commit(
        &mut self,
        env: &mut Env,
        reply: Reply,
        request: &OffsetCommitRequest,
        mut response: OffsetCommitResponse,
    ) {
        if let Err(error) = self.check_offset_commit(env, reply.version, request) {
            let (group, member) = (&request.group_id, &request.member_id);
            env.ctx.out.trace(|| EventKind::OffsetCommitRefused {
                group: group.clone(),
                member: member.clone(),
                error: error.code(),
            });
            let answer = super::Answer::from(response).with_error(error);
            return env.answer(reply, answer);
        }
        let now_ms = env.ctx.now.wall_ms;
        let mut records = Vec::new();
        for (topic, answered) in request.topics.iter().zip(&mut response.topics) {
            for (part, answered) in topic.partitions.iter().zip(&mut answered.partitions) {
                if answered.error_code != 0 {
                    continue;
                }
                // Kafka counts as Java does, in UTF-16 units.
                let len = part.committed_metadata.as_ref().map_or(0, |m| m.encode_utf16().count());
                if len as u64 > env.config.offset_metadata_max_bytes {
                    answered.error_code = ErrorCode::OffsetMetadataTooLarge.code();
                    continue;
                }
                let (group, member, offset) = (&request.group_id, &request.member_id, part.committed_offset);
                env.ctx.out.trace(|| EventKind::OffsetCommitted {
                    group: group.clone(),
                    member: member.clone(),
                    generation: request.generation_id_or_member_epoch,
                    partition: TopicPartition::new(topic.name.as_str(), part.partition_index),
                    offset,
                });
                let key = OffsetCommitKey {
                    group: request.group_id.clone(),
                    topic: topic.name.clone(),
                    partition: part.partition_index,
                };
                let value =
                    OffsetCommitValue { topic_id: topic.topic_id, ..value(part, request.retention_time_ms, now_ms) };
                records.push(GroupRecord::Offset(key, Some(value)));
            }
        }
        env.append(records, Then::Answer(reply, response.into()));
    }

    fn check_offset_commit(
        &mut self,
        env: &mut Env,
        version: i16,
        request: &OffsetCommitRequest,
    ) -> Result<(), ErrorCode> {
        let generation = request.generation_id_or_member_epoch;
        let Some(group) = self.groups.get_mut(&request.group_id) else {
            return match generation {
                // Offsets alone, of somebody who assigns partitions by hand.
                ..0 => Ok(()),
                _ if version >= GROUP_ID_NOT_FOUND_SINCE => Err(ErrorCode::GroupIdNotFound),
                _ => Err(ErrorCode::IllegalGeneration),
            };
        };
        group.check_offset_commit(&request.member_id, request.group_instance_id.as_deref(), generation)?;
        if matches!(group.state, State::Stable | State::PreparingRebalance) {
            group.refresh_session(env, &request.member_id);
        }
        Ok(())
    }
}

impl ClassicGroup {
    /// `ClassicGroup.validateOffsetCommit`.
    fn check_offset_commit(
        &self,
        member_id: &str,
        instance_id: Option<&str>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        if self.is_in(State::Dead) {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        // Nobody is in the group whose offsets could be trampled on.
        if generation < 0 && self.is_in(State::Empty) {
            return Ok(());
        }
        if generation >= 0 || !member_id.is_empty() || instance_id.is_some() {
            self.validate_member(member_id, instance_id)?;
            if generation != self.generation {
                return Err(ErrorCode::IllegalGeneration);
            }
        } else if !self.is_in(State::Empty) {
            return Err(ErrorCode::UnknownMemberId);
        }
        // The next generation has begun for this member, which does not know yet what it will own.
        if self.is_in(State::CompletingRebalance) { Err(ErrorCode::RebalanceInProgress) } else { Ok(()) }
    }
}

fn value(part: &OffsetCommitRequestPartition, retention_ms: i64, now_ms: i64) -> OffsetCommitValue {
    OffsetCommitValue {
        offset: part.committed_offset,
        leader_epoch: part.committed_leader_epoch,
        metadata: part.committed_metadata.clone().unwrap_or_default(),
        commit_timestamp: now_ms,
        expire_timestamp: if retention_ms == -1 { -1 } else { now_ms.saturating_add(retention_ms) },
        ..Default::default()
    }
}
