//! OffsetForLeaderEpoch: where an epoch ended, by which consumers notice that what they read was cut off (KIP-320).

use super::{Broker, Reply};
use crate::{
    replica::PartitionKey,
    seam::Ctx,
    wire::{
        error::ErrorCode,
        offset_for_leader_epoch::{
            EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderPartition,
            OffsetForLeaderTopicResult,
        },
    },
};

impl Broker {
    pub(super) fn offset_for_leader_epoch(
        &mut self,
        ctx: &mut Ctx,
        reply: &Reply,
        request: OffsetForLeaderEpochRequest,
    ) {
        let topics = request.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                let found = self.epoch_end(&topic.topic, asked);
                let answer = EpochEndOffset { partition: asked.partition, ..Default::default() };
                match found {
                    Ok(Some((leader_epoch, end_offset))) => EpochEndOffset { leader_epoch, end_offset, ..answer },
                    Ok(None) => answer,
                    Err(error) => EpochEndOffset { error_code: error.code(), ..answer },
                }
            });
            OffsetForLeaderTopicResult { partitions: partitions.collect(), topic: topic.topic }
        });
        let response = OffsetForLeaderEpochResponse { topics: topics.collect(), ..Default::default() };
        self.conns.answer::<OffsetForLeaderEpochRequest>(ctx, reply, &response);
    }

    fn epoch_end(&self, topic: &str, asked: &OffsetForLeaderPartition) -> Result<Option<(i32, i64)>, ErrorCode> {
        let topic_id = self.image.topic_id(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let partition = self.replicas.find(&self.image, PartitionKey { topic_id, partition: asked.partition })?;
        partition.check_leader(asked.current_leader_epoch)?;
        Ok(partition.log.end_offset_for_epoch(asked.leader_epoch))
    }
}
