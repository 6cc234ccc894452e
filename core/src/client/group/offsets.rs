//! Committed offsets: where a member goes on in a partition it was given, and how far it says that it has read.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Change, Membership, Stage, Tag};
use crate::{
    assign,
    client::links::Peer,
    id::TopicPartition,
    seam::Ctx,
    wire::{
        error::ErrorCode,
        frame,
        offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_fetch::{
            OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
        },
    },
};

/// Newer versions name topics by id.
const BY_NAME: i16 = 9;
const BATCHED_SINCE: i16 = 8;

impl Membership {
    /// Where to begin in what was assigned.
    pub(super) fn ask_committed(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer) {
        let idle = !self.fetching_offsets && self.not_before_ms <= ctx.ms();
        if self.stage != Stage::Stable || self.unpositioned.is_empty() || !idle {
            return;
        }
        let Some(version) = self.links.version::<OffsetFetchRequest>(coordinator, BY_NAME) else { return };
        let wanted: Vec<TopicPartition> = self.unpositioned.iter().cloned().collect();
        let mut request = OffsetFetchRequest { require_stable: version >= 7, ..Default::default() };
        if version >= BATCHED_SINCE {
            let topics = assign::by_topic(&wanted).into_iter().map(|t| OffsetFetchRequestTopics {
                name: t.topic,
                partition_indexes: t.partitions,
                ..Default::default()
            });
            let topics = Some(topics.collect());
            request.groups =
                vec![OffsetFetchRequestGroup { group_id: self.group_id.clone(), topics, ..Default::default() }];
        } else {
            request.group_id.clone_from(&self.group_id);
            let topic = |t: crate::wire::consumer_protocol::TopicPartitions| OffsetFetchRequestTopic {
                name: t.topic,
                partition_indexes: t.partitions,
            };
            request.topics = Some(assign::by_topic(&wanted).into_iter().map(topic).collect());
        }
        self.fetching_offsets = true;
        self.links.send(ctx, coordinator, version, &request, Tag::FetchOffsets);
    }

    pub(super) fn committed_fetched(&mut self, ctx: &mut Ctx<'_>, version: i16, bytes: &Bytes) {
        self.fetching_offsets = false;
        let Ok((_, response)) = frame::parse_response::<OffsetFetchRequest>(version, bytes) else {
            return self.try_later(ctx, ErrorCode::UnknownServerError);
        };
        let (mut error, mut offsets) = (response.error_code, Vec::new());
        for group in &response.groups {
            error = group.error_code;
            for topic in &group.topics {
                let of = |p: i32, offset, error| (TopicPartition::new(topic.name.as_str(), p), offset, error);
                offsets
                    .extend(topic.partitions.iter().map(|p| of(p.partition_index, p.committed_offset, p.error_code)));
            }
        }
        for topic in &response.topics {
            let of = |p: i32, offset, error| (TopicPartition::new(topic.name.as_str(), p), offset, error);
            offsets.extend(topic.partitions.iter().map(|p| of(p.partition_index, p.committed_offset, p.error_code)));
        }
        if error != 0 {
            return self.refused(ctx, ErrorCode::from_code(error));
        }
        for (partition, offset, error) in offsets {
            if error != 0 {
                self.try_later(ctx, ErrorCode::from_code(error));
            } else if self.unpositioned.remove(&partition) {
                let offset = Some(offset).filter(|&o| o >= 0);
                if let Some(offset) = offset {
                    self.committed.insert(partition.clone(), offset);
                }
                self.changes.push(Change::Assigned(partition, offset));
            }
        }
    }

    /// Commits what was read of the partitions it owns. `false`: there is nothing new to commit.
    pub(super) fn commit(
        &mut self,
        ctx: &mut Ctx<'_>,
        coordinator: Peer,
        positions: &BTreeMap<TopicPartition, i64>,
    ) -> bool {
        let mine = |(p, _): &(&TopicPartition, &i64)| self.owned.contains(*p) && !self.unpositioned.contains(*p);
        let new = |(p, offset): &(&TopicPartition, &i64)| self.committed.get(*p) != Some(*offset);
        let offsets: BTreeMap<TopicPartition, i64> =
            positions.iter().filter(mine).filter(new).map(|(p, &o)| (p.clone(), o)).collect();
        let version = self.links.version::<OffsetCommitRequest>(coordinator, BY_NAME);
        let (Some(version), false, false) = (version, offsets.is_empty(), self.committing) else { return false };
        let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
        for (partition, &committed_offset) in &offsets {
            let part = OffsetCommitRequestPartition {
                partition_index: partition.partition,
                committed_offset,
                committed_leader_epoch: -1,
                committed_metadata: Some(String::new()),
            };
            match topics.iter_mut().find(|t| t.name == partition.topic) {
                Some(topic) => topic.partitions.push(part),
                None => topics.push(OffsetCommitRequestTopic {
                    name: partition.topic.clone(),
                    partitions: vec![part],
                    ..Default::default()
                }),
            }
        }
        let request = OffsetCommitRequest {
            group_id: self.group_id.clone(),
            generation_id_or_member_epoch: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.config.group_instance_id.clone().filter(|_| version >= 7),
            retention_time_ms: -1,
            topics,
        };
        self.committing = true;
        self.links.send(ctx, coordinator, version, &request, Tag::Commit(offsets));
        true
    }

    pub(super) fn commit_answered(
        &mut self,
        ctx: &mut Ctx<'_>,
        offsets: &BTreeMap<TopicPartition, i64>,
        version: i16,
        bytes: &Bytes,
    ) {
        self.committing = false;
        let Ok((_, response)) = frame::parse_response::<OffsetCommitRequest>(version, bytes) else { return };
        let mut refused = None;
        for topic in &response.topics {
            for part in &topic.partitions {
                let partition = TopicPartition::new(topic.name.as_str(), part.partition_index);
                match (ErrorCode::from_code(part.error_code), offsets.get(&partition)) {
                    (ErrorCode::None, Some(&offset)) if self.owned.contains(&partition) => {
                        self.committed.insert(partition, offset);
                    }
                    (ErrorCode::None, _) => {}
                    (error, _) => refused = Some(error),
                }
            }
        }
        if let Some(error) = refused
            && self.stage == Stage::Stable
        {
            self.refused(ctx, error);
        }
    }
}
