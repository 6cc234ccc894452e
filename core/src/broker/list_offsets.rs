//! ListOffsets: first, last, or by time (KIP-79, KIP-734). What is not yet safe is not listed to clients.

use super::{Broker, Reply, once::Once};
use crate::{
    disk::Disk,
    log::{LookupError, TimestampOffset},
    replica::PartitionKey,
    seam::Ctx,
    wire::{
        error::ErrorCode,
        list_offsets::{
            ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
            ListOffsetsTopic, ListOffsetsTopicResponse,
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
        if !(0..=1).contains(&request.isolation_level) {
            // `IsolationLevel.forId` knows no other, and the whole request fails.
            return self.conns.answer::<ListOffsetsRequest>(ctx, reply, &refused_whole(request.topics));
        }
        let replica = request.replica_id;
        let mut topics = Vec::with_capacity(request.topics.len());
        for (name, partitions) in by_partition(request.topics) {
            let mut answers = Vec::with_capacity(partitions.len());
            for (asked, twice) in partitions {
                let found = if twice {
                    Err(ErrorCode::InvalidRequest)
                } else {
                    self.list_one(ctx.disk, &name, &asked, replica, reply.version)
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
                answers.push(answer);
            }
            topics.push(ListOffsetsTopicResponse { name, partitions: answers });
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
        if version < known_since(asked.timestamp) {
            return Err(ErrorCode::UnsupportedVersion);
        }
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
        let log = &partition.log;
        let readable = if from_client { partition.high_watermark() } else { log.log_end_offset() };
        // A new leader does not know yet how much of what came before it is safe (KIP-207).
        let unsettled = from_client && epoch_start > partition.high_watermark();
        let not_yet = if version >= 5 { ErrorCode::OffsetNotAvailable } else { ErrorCode::LeaderNotAvailable };
        let at = |offset: i64, leader_epoch: i32| Some(TimestampOffset { timestamp: -1, offset, leader_epoch });
        let broken = |error: LookupError| ErrorCode::from_code(error.code());
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

fn refused_whole(asked: Vec<ListOffsetsTopic>) -> ListOffsetsResponse {
    let partition = |asked: ListOffsetsPartition| ListOffsetsPartitionResponse {
        partition_index: asked.partition_index,
        error_code: ErrorCode::UnknownServerError.code(),
        ..Default::default()
    };
    let topic = |asked: ListOffsetsTopic| ListOffsetsTopicResponse {
        name: asked.name,
        partitions: asked.partitions.into_iter().map(partition).collect(),
    };
    ListOffsetsResponse { topics: asked.into_iter().map(topic).collect(), ..Default::default() }
}

/// Each partition once, and whether the request names it more often: then it is refused
/// (`ListOffsetsRequest.duplicatePartitions`).
fn by_partition(asked: Vec<ListOffsetsTopic>) -> Vec<(String, Vec<(ListOffsetsPartition, bool)>)> {
    let (mut topics, mut once) = (Vec::<(String, Vec<_>)>::new(), Once::default());
    for ListOffsetsTopic { name, partitions } in asked {
        for asked in partitions {
            let place = once.place(name.clone(), asked.partition_index);
            if place.topic == topics.len() {
                topics.push((name.clone(), Vec::new()));
            }
            let partitions: &mut Vec<(ListOffsetsPartition, bool)> = &mut topics[place.topic].1;
            match partitions.get_mut(place.partition) {
                Some((_, twice)) => *twice = true,
                None => partitions.push((asked, false)),
            }
        }
    }
    topics
}
