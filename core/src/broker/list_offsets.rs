//! ListOffsets: first, last, or by time (KIP-79, KIP-734). What is not yet safe is not listed to clients.

use std::collections::BTreeSet;

use super::{Broker, Reply};
use crate::{
    disk::Disk,
    log::TimestampOffset,
    replica::PartitionKey,
    seam::Ctx,
    wire::{
        error::ErrorCode,
        list_offsets::{
            ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
            ListOffsetsTopicResponse,
        },
    },
};

const CONSUMER_REPLICA: i32 = -1;
const DEBUGGING_REPLICA: i32 = -2;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
/// There is no tiered storage: everything is local.
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// The version from which on a negative timestamp means something (`ListOffsetsRequest`).
fn known_since(timestamp: i64) -> i16 {
    match timestamp {
        EARLIEST_PENDING_UPLOAD => 11,
        LATEST_TIERED => 9,
        EARLIEST_LOCAL => 8,
        MAX_TIMESTAMP => 7,
        EARLIEST.. => 0,
        _ => i16::MAX,
    }
}

impl Broker {
    pub(super) fn list_offsets(&mut self, ctx: &mut Ctx, reply: &Reply, request: ListOffsetsRequest) {
        let replica = request.replica_id;
        let mut seen = BTreeSet::new();
        let mut topics = Vec::with_capacity(request.topics.len());
        for topic in request.topics {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for asked in &topic.partitions {
                let twice = !seen.insert((topic.name.clone(), asked.partition_index));
                let found = if twice {
                    Err(ErrorCode::InvalidRequest)
                } else {
                    self.list_one(ctx.disk, &topic.name, asked, replica, reply.version)
                };
                let mut answer =
                    ListOffsetsPartitionResponse { partition_index: asked.partition_index, ..Default::default() };
                match found {
                    Ok(Some(found)) => {
                        (answer.timestamp, answer.offset) = (found.timestamp, found.offset);
                        if reply.version >= 4 {
                            answer.leader_epoch = found.leader_epoch;
                        }
                    }
                    Ok(None) => {}
                    Err(error) => answer.error_code = error.code(),
                }
                partitions.push(answer);
            }
            topics.push(ListOffsetsTopicResponse { name: topic.name, partitions });
        }
        let response = ListOffsetsResponse { topics, ..Default::default() };
        self.conns.answer::<ListOffsetsRequest>(ctx, reply, &response);
    }

    /// `Partition.fetchOffsetForTimestamp`.
    fn list_one(
        &self,
        disk: &dyn Disk,
        topic: &str,
        asked: &ListOffsetsPartition,
        replica_id: i32,
        version: i16,
    ) -> Result<Option<TimestampOffset>, ErrorCode> {
        let topic_id = self.image.topic_id(topic).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let partition = self.replicas.find(&self.image, PartitionKey { topic_id, partition: asked.partition_index })?;
        // Whoever asks as a debugging replica is told by any replica of its own log (`ReplicaManager.fetchOffset`).
        let epoch_start = if replica_id == DEBUGGING_REPLICA {
            partition.check_local(asked.current_leader_epoch)?;
            -1
        } else {
            partition.check_leader(asked.current_leader_epoch)?.epoch_start_offset
        };
        let from_client = replica_id == CONSUMER_REPLICA;
        if version < known_since(asked.timestamp) {
            return Err(ErrorCode::UnsupportedVersion);
        }
        let log = &partition.log;
        let readable = if from_client { partition.high_watermark() } else { log.log_end_offset() };
        // A new leader does not know yet how much of what came before it is safe (KIP-207).
        let unsettled = from_client && epoch_start > partition.high_watermark();
        let not_yet = if version >= 5 { ErrorCode::OffsetNotAvailable } else { ErrorCode::LeaderNotAvailable };
        let at = |offset: i64, leader_epoch: i32| Some(TimestampOffset { timestamp: -1, offset, leader_epoch });
        let broken = |_| ErrorCode::KafkaStorageError;
        let found = match asked.timestamp {
            LATEST if unsettled => return Err(not_yet),
            LATEST => return Ok(at(readable, partition.leader_epoch())),
            EARLIEST | EARLIEST_LOCAL => {
                let start = log.log_start_offset();
                return Ok(at(start, log.epochs().epoch_at(start).unwrap_or(-1)));
            }
            LATEST_TIERED | EARLIEST_PENDING_UPLOAD => return Ok(None),
            MAX_TIMESTAMP => log.offset_of_max_timestamp(disk).map_err(broken)?,
            ..0 => unreachable!("its version was looked at"),
            timestamp => log.offset_for_timestamp(disk, timestamp).map_err(broken)?,
        };
        match found.filter(|f| f.offset < readable) {
            None if unsettled => Err(not_yet),
            found => Ok(found),
        }
    }
}
