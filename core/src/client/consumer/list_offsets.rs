//! Where to begin in a partition: asked of its leader with ListOffsets (`OffsetFetcher`).

use bytes::Bytes;

use super::{Consumer, Tag};
use crate::{
    client::producer::is_stale_metadata,
    id::TopicPartition,
    seam::Ctx,
    wire::{
        error::ErrorCode,
        frame,
        list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
    },
};

impl Consumer {
    pub(super) fn ask_offsets(&mut self, ctx: &mut Ctx<'_>) {
        for (leader, partitions) in self.by_leader(ctx.ms(), |p| p.fetch_offset.is_none() && !p.is_lost()) {
            if !self.links.ready(ctx, leader) {
                continue;
            }
            let Some(version) = self.links.version::<ListOffsetsRequest>(leader, 10) else { continue };
            let mut request = ListOffsetsRequest {
                replica_id: -1,
                timeout_ms: self.config.request_timeout_ms as i32,
                ..ListOffsetsRequest::default()
            };
            for partition in &partitions {
                let position = self.positions.get_mut(partition).expect("listed from it");
                position.busy = true;
                let known = self.metadata.leader(&partition.topic, partition.partition);
                let asked = ListOffsetsPartition {
                    partition_index: partition.partition,
                    current_leader_epoch: known.map_or(-1, |l| l.epoch),
                    timestamp: position.reset_to.expect("it is not lost"),
                };
                match request.topics.iter_mut().find(|t| t.name == partition.topic) {
                    Some(topic) => topic.partitions.push(asked),
                    None => {
                        let name = partition.topic.clone();
                        request.topics.push(ListOffsetsTopic { name, partitions: vec![asked] });
                    }
                }
            }
            self.links.send(ctx, leader, version, &request, Tag::ListOffsets(partitions));
        }
    }

    pub(super) fn offsets_answer(
        &mut self,
        ctx: &mut Ctx<'_>,
        partitions: &[TopicPartition],
        version: i16,
        frame: &Bytes,
    ) {
        let response = frame::parse_response::<ListOffsetsRequest>(version, frame).map(|(_, response)| response);
        for partition in partitions {
            let answer = response.as_ref().ok().and_then(|response| {
                let topic = response.topics.iter().find(|t| t.name == partition.topic)?;
                topic.partitions.iter().find(|p| p.partition_index == partition.partition)
            });
            match answer {
                // It was taken away while it was asked about.
                _ if !self.positions.contains_key(partition) => {}
                // It was sought elsewhere meanwhile.
                _ if self.positions[partition].fetch_offset.is_some() => {
                    self.positions.get_mut(partition).expect("it is there").busy = false;
                }
                Some(p) if p.error_code == 0 && p.offset >= 0 => {
                    let position = self.positions.get_mut(partition).expect("it is there");
                    position.fetch_offset = Some(p.offset);
                    (position.busy, position.failures) = (false, 0);
                }
                Some(p) if p.error_code == 0 => {
                    let position = self.positions.get_mut(partition).expect("it was asked for");
                    position.busy = false;
                    position.begin_at_end();
                }
                Some(p) => {
                    let error = ErrorCode::from_code(p.error_code);
                    if is_stale_metadata(error) {
                        self.metadata.expire();
                    }
                    self.retry_later(ctx, partition, error);
                }
                None => self.retry_later(ctx, partition, ErrorCode::UnknownServerError),
            }
        }
    }
}
