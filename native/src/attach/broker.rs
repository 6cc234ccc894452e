//! The replicas of one broker as it tells of them: its own log end, its own high watermark, and the newest records.
//!
//! ListOffsets from "replica" -2 is how Kafka's own debugging consumers ask any replica for its log end
//! (`ListOffsetsRequest.DEBUGGING_REPLICA_ID`); a Fetch of a consumer may go to followers too (KIP-392), and its answer
//! carries that replica's high watermark and log start.

use std::collections::BTreeMap;

use lab_core::{
    id::{NodeId, TopicPartition},
    view::{PartitionView, RecordView, ReplicaView},
    wire::{
        batch,
        error::ErrorCode,
        fetch::{FetchPartition, FetchRequest, FetchTopic, PartitionData},
        list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
    },
};

use super::observer::find;
use crate::{admin::Client, failure::Outcome};

const DEBUGGING_REPLICA: i32 = -2;
const LATEST: i64 = -1;
/// The last version that names topics.
const FETCH_BY_NAME: i16 = 12;
/// Version 12 and newer carry what old ones ignore; a session is not wanted (KIP-227).
const NO_SESSION: i32 = -1;
/// Records shown of a replica.
const TAIL: i64 = 64;
const TAIL_BYTES: i32 = 64 << 10;
/// Replicas of a broker whose records are read: of more, a person could not look at them.
const TAILS: usize = 60;

/// `before` is what it told last time: what has not changed is not read again.
pub(super) fn replicas(
    client: &mut Client,
    broker: NodeId,
    hosted: &[&PartitionView],
    before: &[ReplicaView],
) -> Outcome<Vec<ReplicaView>> {
    if hosted.is_empty() {
        return Ok(Vec::new());
    }
    let ends = log_ends(client, hosted)?;
    let mut views: Vec<ReplicaView> = Vec::new();
    for (number, partition) in hosted.iter().enumerate() {
        let key = TopicPartition::new(partition.topic.clone(), partition.partition);
        let old = find(before, &partition.topic, partition.partition);
        let end = ends.get(&key).copied().unwrap_or(-1);
        let mut view = old.cloned().unwrap_or_default();
        view.topic.clone_from(&partition.topic);
        view.partition = partition.partition;
        view.is_leader = partition.leader == broker.0;
        view.leader = partition.leader;
        view.leader_epoch = partition.leader_epoch;
        view.isr = if view.is_leader { partition.isr.clone() } else { Vec::new() };
        view.log_end_offset = end;
        if number >= TAILS {
            view.tail.clear();
        }
        views.push(view);
    }
    read(client, &mut views)?;
    Ok(views)
}

/// Where each replica that this broker has ends, by its own log.
fn log_ends(client: &mut Client, hosted: &[&PartitionView]) -> Outcome<BTreeMap<TopicPartition, i64>> {
    let mut topics: BTreeMap<&str, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for partition in hosted {
        topics.entry(&partition.topic).or_default().push(ListOffsetsPartition {
            partition_index: partition.partition,
            timestamp: LATEST,
            ..Default::default()
        });
    }
    let topics = topics.into_iter().map(|(name, partitions)| ListOffsetsTopic { name: name.into(), partitions });
    let request = ListOffsetsRequest { replica_id: DEBUGGING_REPLICA, topics: topics.collect(), ..Default::default() };
    let mut ends = BTreeMap::new();
    for topic in client.call(&request)?.topics {
        for partition in topic.partitions.iter().filter(|partition| partition.error_code == 0) {
            ends.insert(TopicPartition::new(topic.name.clone(), partition.partition_index), partition.offset);
        }
    }
    Ok(ends)
}

/// High watermarks, log starts and new records.
fn read(client: &mut Client, views: &mut [ReplicaView]) -> Outcome {
    let mut topics: BTreeMap<String, Vec<FetchPartition>> = BTreeMap::new();
    for (number, view) in views.iter_mut().enumerate().filter(|(_, view)| view.log_end_offset >= 0) {
        let end = view.log_end_offset;
        let known = view.tail.last().map_or(-1, |record| record.offset + 1);
        if known > end {
            // It was truncated, or is another log: what is known of it is wrong.
            view.tail.clear();
        }
        let known = view.tail.last().map_or(view.log_start_offset, |record| record.offset + 1);
        let from = if number < TAILS { known.max(end - TAIL).max(0) } else { end };
        topics.entry(view.topic.clone()).or_default().push(FetchPartition {
            partition: view.partition,
            fetch_offset: from,
            partition_max_bytes: TAIL_BYTES,
            ..Default::default()
        });
    }
    let topics = topics.into_iter().map(|(topic, partitions)| FetchTopic { topic, partitions, ..Default::default() });
    let request = FetchRequest {
        replica_id: -1,
        max_wait_ms: 0,
        min_bytes: 0,
        max_bytes: i32::MAX,
        session_epoch: NO_SESSION,
        topics: topics.collect(),
        ..Default::default()
    };
    for topic in client.call_up_to(FETCH_BY_NAME, &request)?.responses {
        for data in topic.partitions {
            let view = views.iter_mut().find(|v| v.topic == topic.topic && v.partition == data.partition_index);
            let Some(view) = view else { continue };
            match ErrorCode::from_code(data.error_code) {
                ErrorCode::None => {
                    view.high_watermark = data.high_watermark;
                    view.log_start_offset = data.log_start_offset;
                    take(view, &data);
                }
                // Its log begins later than was known: the answer of the next look says where.
                ErrorCode::OffsetOutOfRange => {
                    view.tail.clear();
                    view.log_start_offset = view.log_end_offset;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The records of an answer, behind those that were known.
fn take(view: &mut ReplicaView, data: &PartitionData) {
    let next = view.tail.last().map_or(0, |record| record.offset + 1);
    for batch in batch::batches(&data.records.bytes()).flatten() {
        view.tail.extend(RecordView::of(&batch).filter(|record| record.offset >= next));
    }
    let surplus = view.tail.len().saturating_sub(TAIL as usize);
    view.tail.drain(..surplus);
    view.epochs.clear();
    for record in &view.tail {
        if view.epochs.last().is_none_or(|(epoch, _)| *epoch != record.epoch) {
            view.epochs.push((record.epoch, record.offset));
        }
    }
}
