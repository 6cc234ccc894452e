//! Where a member goes on in a partition that it was given: at the group's committed offset (OffsetFetch).

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
        offset_fetch::{
            OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
        },
    },
};

/// Newer versions name topics by id.
pub(super) const BY_NAME: i16 = 9;
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
}
