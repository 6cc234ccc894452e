//! The group coordinator in its broker: requests go in, records go into the log of `__consumer_offsets`, and answers out
//! once they may (`GroupCoordinatorService`, `CoordinatorPartitionWriter`).

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{Broker, Reply};
use crate::{
    authorize::{Operation, Resource, authorize},
    group::{Answer, Caller, Effect, OFFSETS_TOPIC, Then, record::GroupRecord, several::Gathered},
    id::Uuid,
    replica::PartitionKey,
    seam::Ctx,
    wire::{
        batch::BatchBuilder, delete_groups::DeleteGroupsRequest, error::ErrorCode, heartbeat::HeartbeatRequest,
        join_group::JoinGroupRequest, leave_group::LeaveGroupRequest, offset_fetch::OffsetFetchRequest,
        sync_group::SyncGroupRequest,
    },
};

/// At most so much of a log is replayed in one step, so that the broker goes on answering meanwhile.
const REPLAY_BYTES: usize = 1 << 20;

impl Broker {
    /// The partition of `__consumer_offsets` as replicas know it.
    fn offsets_key(&self, partition: i32) -> Option<PartitionKey> {
        self.image.topic_id(OFFSETS_TOPIC).map(|topic_id| PartitionKey { topic_id, partition })
    }

    /// The metadata log said something about `__consumer_offsets`: which of its partitions are led here now?
    pub(super) fn coordinate(&mut self, ctx: &mut Ctx) {
        let Some(topic) = self.image.topic(OFFSETS_TOPIC) else {
            let all: Vec<i32> = self.groups.shards().map(|(partition, _)| partition).collect();
            return all.into_iter().for_each(|partition| self.groups.resigned(ctx, partition));
        };
        self.groups.set_partitions(topic.partitions.len() as i32);
        let topic_id = topic.id;
        let led: Vec<(i32, i32, i64)> = self
            .replicas
            .of_topic(topic_id)
            .filter(|p| p.leadership().is_some() && p.offline.is_none())
            .map(|p| (p.key.partition, p.leader_epoch(), p.log.log_start_offset()))
            .collect();
        let mine: BTreeSet<i32> = led.iter().map(|&(partition, ..)| partition).collect();
        let lost = self.groups.shards().map(|(partition, _)| partition).filter(|p| !mine.contains(p));
        for partition in lost.collect::<Vec<_>>() {
            self.groups.resigned(ctx, partition);
        }
        for (partition, leader_epoch, start_offset) in led {
            self.groups.elected(ctx, partition, leader_epoch, start_offset);
        }
    }

    /// Does what the coordinator wants done, until it wants nothing more.
    pub(super) fn drive_groups(&mut self, ctx: &mut Ctx) {
        self.replay_groups(ctx);
        loop {
            for partition in self.groups.waiting() {
                let key = self.offsets_key(partition);
                if let Some(leader) = key.and_then(|k| self.replicas.leading(&self.image, k).ok()) {
                    let high_watermark = leader.high_watermark();
                    self.groups.reached(ctx, partition, high_watermark);
                }
            }
            let effects = self.groups.take_effects();
            if effects.is_empty() {
                break;
            }
            for effect in effects {
                match effect {
                    Effect::Answer(reply, answer) => self.answer_group(ctx, &reply, answer),
                    Effect::Append { partition, records, then, cause } => {
                        ctx.out.because(cause);
                        self.append_group_records(ctx, partition, &records, then);
                    }
                    Effect::Gathered(id, part) => {
                        let cause = ctx.out.cause();
                        match self.groups.gathered(id, part, cause) {
                            Some(Gathered::Deleted(reply, response)) => {
                                self.conns.answer::<DeleteGroupsRequest>(ctx, &reply, &response);
                            }
                            Some(Gathered::Fetched(reply, groups)) => self.answer_offset_fetch(ctx, &reply, groups),
                            None => {}
                        }
                    }
                }
            }
        }
    }

    fn append_group_records(&mut self, ctx: &mut Ctx, partition: i32, records: &[GroupRecord], then: Then) {
        if records.is_empty() {
            return self.groups.appended(ctx, partition, records, None, then);
        }
        let appended = self.offsets_key(partition).ok_or(ErrorCode::UnknownTopicOrPartition).and_then(|key| {
            let batch = batch(records, ctx.now.wall_ms);
            self.replicas.append_own(ctx, &self.image, key, &batch)
        });
        match appended {
            Ok(end) => self.groups.appended(ctx, partition, records, Some(end), then),
            Err(error) => self.groups.append_failed(ctx, partition, then, error),
        }
    }

    /// Hands the next stretch of each log that is being replayed to the coordinator.
    fn replay_groups(&mut self, ctx: &mut Ctx) {
        for (partition, next_offset) in self.groups.loading() {
            let key = self.offsets_key(partition);
            let Some(leader) = key.and_then(|k| self.replicas.leading(&self.image, k).ok()) else { continue };
            let end_offset = leader.log.log_end_offset();
            // What the disk does not give is lost to the groups; the replicas find the same fault on their own.
            let batches = if next_offset < end_offset {
                leader.log.read_batches(ctx.disk, next_offset, REPLAY_BYTES).unwrap_or_default()
            } else {
                Vec::new()
            };
            let end = batches.last().is_none_or(|b| b.header.next_offset() >= end_offset);
            let high_watermark = leader.high_watermark();
            self.groups.replay(ctx, partition, &batches, end);
            self.groups.reached(ctx, partition, high_watermark);
        }
    }

    fn answer_group(&mut self, ctx: &mut Ctx, reply: &Reply, answer: Answer) {
        match answer {
            Answer::Join(response) => self.conns.answer::<JoinGroupRequest>(ctx, reply, &response),
            Answer::Sync(response) => self.conns.answer::<SyncGroupRequest>(ctx, reply, &response),
            Answer::Heartbeat(response) => self.conns.answer::<HeartbeatRequest>(ctx, reply, &response),
            Answer::Leave(response) => self.conns.answer::<LeaveGroupRequest>(ctx, reply, &response),
            Answer::OffsetCommit(response) => self.answer_offset_commit(ctx, reply, response),
            Answer::OffsetFetch(response) => self.conns.answer::<OffsetFetchRequest>(ctx, reply, &response),
            Answer::OffsetDelete(response) => self.answer_offset_delete(ctx, reply, response),
            Answer::DeleteGroups(response) => self.conns.answer::<DeleteGroupsRequest>(ctx, reply, &response),
        }
    }

    /// Topics were deleted: groups forget what they read of them.
    pub(super) fn forget_topics(&mut self, ctx: &mut Ctx, deleted: &[(String, Uuid)]) {
        for (name, id) in deleted {
            self.groups.topic_deleted(ctx, name, *id);
        }
    }

    pub(super) fn may(&self, reply: &Reply, operation: Operation, group: &str) -> bool {
        authorize(&self.principal(reply.conn), operation, Resource::Group(group))
    }

    /// The client with its address as Kafka prints it.
    pub(super) fn caller(&self, reply: Reply) -> Caller {
        let peer = self.conns.get(reply.conn).map_or("", |c| c.peer.as_str());
        let host = peer.rsplit_once(':').map_or(peer, |(host, _)| host).trim_matches(['[', ']']);
        Caller { host: format!("/{host}"), reply }
    }
}

/// One batch, as the coordinators of Kafka write it: uncompressed, with the time of the write.
fn batch(records: &[GroupRecord], now_ms: i64) -> Bytes {
    let mut batch = BatchBuilder::new();
    for record in records {
        batch.push(now_ms, Some(&record.encode_key()), record.encode_value().as_deref(), &[]);
    }
    batch.build()
}
