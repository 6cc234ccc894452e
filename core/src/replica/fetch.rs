//! Serving fetches, of consumers and of followers: read what there is, or wait for it (`ReplicaManager.fetchMessages`).

use std::sync::Arc;

use super::{
    PartitionKey,
    leader::FollowerFetch,
    manager::{Answer, ReplicaManager},
    partition::Partition,
    purgatory::ParkedFetch,
    session::SessionAnswer,
};
use crate::{
    broker::Reply,
    disk::Disk,
    id::{NodeId, Uuid},
    log::ReadError,
    metadata::image::MetadataImage,
    seam::Ctx,
    wire::{
        error::ErrorCode,
        fetch::{EpochEndOffset, FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData},
        records::Records,
    },
};

/// From this version on consumers tell their rack, or that they have none (KIP-392).
const RACK_SINCE: i16 = 11;

/// A fetch request with its topics looked up and its session unfolded.
#[derive(Clone, Debug)]
pub struct FetchPlan {
    /// Set when a follower asks.
    pub replica: Option<Replica>,
    pub min_bytes: usize,
    /// Below 0 nothing can be read.
    pub max_bytes: i32,
    /// `isolation.level=read_committed`.
    pub read_committed: bool,
    /// Topics by id, not by name (Fetch v13).
    pub by_id: bool,
    pub version: i16,
    pub partitions: Vec<PlannedPartition>,
    pub session: SessionAnswer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    pub id: NodeId,
    /// -1: not told.
    pub epoch: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlannedPartition {
    /// Asked by id it is found out, and empty until there is such a topic.
    pub topic: Arc<str>,
    /// Zero when asked by name.
    pub topic_id: Uuid,
    /// Or why there is no such partition.
    pub key: Result<PartitionKey, ErrorCode>,
    pub index: i32,
    pub current_leader_epoch: i32,
    pub fetch_offset: i64,
    /// -1: not told.
    pub last_fetched_epoch: i32,
    pub log_start_offset: i64,
    /// Below 0 nothing can be read.
    pub max_bytes: i32,
}

impl PlannedPartition {
    /// The metadata has no such partition (`KafkaApis.handleFetchRequest`).
    pub fn is_erroneous(&self) -> bool {
        matches!(self.key, Err(ErrorCode::UnknownTopicId | ErrorCode::UnknownTopicOrPartition))
    }
}

impl FetchPlan {
    /// The partitions here that it could wait for.
    pub fn keys(&self) -> impl Iterator<Item = PartitionKey> {
        self.partitions.iter().filter_map(|p| p.key.ok())
    }
}

/// What one partition gave.
struct Slice {
    data: PartitionData,
    bytes: usize,
    /// A reason to answer at once: an error, or the fetcher's log diverges.
    urgent: bool,
}

impl ReplicaManager {
    /// Answers the fetch now, or parks it and answers when there is enough or the time is up.
    pub fn fetch(&mut self, ctx: &mut Ctx, image: &MetadataImage, plan: FetchPlan, reply: Reply, max_wait_ms: u64) {
        let slices = self.read(ctx.disk, image, &plan);
        if let Some(replica) = plan.replica {
            for (planned, slice) in plan.partitions.iter().zip(&slices) {
                if !slice.urgent {
                    self.note_follower(ctx, image, replica, planned);
                }
            }
        }
        let bytes: usize = slices.iter().map(|s| s.bytes).sum();
        let urgent = slices.iter().any(|s| s.urgent);
        if max_wait_ms == 0 || plan.partitions.is_empty() || urgent || bytes >= plan.min_bytes {
            self.finish_fetch(ctx, image, plan, reply, slices);
        } else {
            let deadline = ctx.now.mono.plus_ms(max_wait_ms);
            self.purgatory.park_fetch(ParkedFetch { reply, deadline, plan });
        }
    }

    /// Reads again for a parked fetch and answers it. Its follower was noted when it came.
    pub(super) fn answer_parked_fetch(&mut self, ctx: &mut Ctx, image: &MetadataImage, parked: ParkedFetch) {
        let slices = self.read(ctx.disk, image, &parked.plan);
        self.finish_fetch(ctx, image, parked.plan, parked.reply, slices);
    }

    /// Whether a parked fetch has what it waits for, or no reason to wait any more (`DelayedFetch.tryComplete`).
    pub(super) fn fetch_is_ready(&self, disk: &dyn Disk, image: &MetadataImage, plan: &FetchPlan) -> bool {
        let mut some = false;
        for planned in &plan.partitions {
            match self.readable(image, plan, planned) {
                Err(_) => return true,
                Ok(partition) => {
                    if partition.offline.is_some() || diverging(partition, planned).is_some() {
                        return true;
                    }
                    some |= planned.fetch_offset < end_for(partition, plan);
                }
            }
        }
        if !some || plan.min_bytes <= 1 {
            return some;
        }
        self.read(disk, image, plan).iter().map(|s| s.bytes).sum::<usize>() >= plan.min_bytes
    }

    fn note_follower(&mut self, ctx: &mut Ctx, image: &MetadataImage, replica: Replica, planned: &PlannedPartition) {
        let fetch = FollowerFetch {
            follower: replica.id,
            broker_epoch: replica.epoch,
            fetch_offset: planned.fetch_offset,
            log_start_offset: planned.log_start_offset,
        };
        let Ok(key) = planned.key else { return };
        let Some(partition) = self.partitions.get_mut(&key) else { return };
        let Some(moved) = partition.note_follower_fetch(ctx, fetch) else { return };
        if self.purgatory.has_deletions() {
            self.touch(ctx, key);
        }
        self.maybe_expand_isr(ctx, image, key, replica.id);
        if moved {
            self.advance_high_watermark(ctx, image, key);
        }
    }

    fn read(&self, disk: &dyn Disk, image: &MetadataImage, plan: &FetchPlan) -> Vec<Slice> {
        let mut left = plan.max_bytes;
        // The first batch goes out even when it is larger than was asked for, or nobody could ever read it (KIP-74).
        let mut min_one = true;
        let mut read_one = |planned: &PlannedPartition| {
            let slice = self.read_partition(disk, image, plan, planned, left, min_one);
            left = left.saturating_sub(i32::try_from(slice.bytes).unwrap_or(i32::MAX)).max(0);
            min_one &= slice.bytes == 0;
            slice
        };
        plan.partitions.iter().map(&mut read_one).collect()
    }

    fn read_partition(
        &self,
        disk: &dyn Disk,
        image: &MetadataImage,
        plan: &FetchPlan,
        planned: &PlannedPartition,
        left: i32,
        min_one: bool,
    ) -> Slice {
        let refuse =
            |error: ErrorCode| Slice { data: self.refused(image, plan, planned, error), bytes: 0, urgent: true };
        let partition = match self.readable(image, plan, planned) {
            Ok(partition) => partition,
            Err(error) => return refuse(error),
        };
        if let Some(replica) = plan.replica
            && partition.leadership().is_none_or(|l| l.follower(replica.id).is_none())
        {
            // The follower knows of an assignment that this leader has yet to hear of (KAFKA-9835): it asks again.
            let error = if planned.current_leader_epoch == -1 {
                ErrorCode::NotLeaderOrFollower
            } else {
                ErrorCode::UnknownLeaderEpoch
            };
            return refuse(error);
        }
        let start = partition.log.log_start_offset();
        if planned.fetch_offset < start {
            return refuse(ErrorCode::OffsetOutOfRange);
        }
        let mut data = PartitionData {
            partition_index: planned.index,
            high_watermark: partition.high_watermark(),
            last_stable_offset: partition.high_watermark(),
            log_start_offset: start,
            aborted_transactions: plan.read_committed.then(Vec::new),
            records: Records::Bytes(bytes::Bytes::new()),
            ..Default::default()
        };
        match diverging(partition, planned) {
            Some(Ok((epoch, end_offset))) => {
                data.diverging_epoch = EpochEndOffset { epoch, end_offset };
                data.aborted_transactions = None;
                return Slice { data, bytes: 0, urgent: true };
            }
            Some(Err(error)) => return refuse(error),
            None => {}
        }
        // Between the high watermark and the log's end a consumer finds nothing yet; beyond the end it is lost.
        if planned.fetch_offset > partition.log.log_end_offset() {
            return refuse(ErrorCode::OffsetOutOfRange);
        }
        let limit = planned.max_bytes.min(left);
        let end = end_for(partition, plan);
        if planned.fetch_offset >= end || (limit == 0 && !min_one) {
            return Slice { data, bytes: 0, urgent: false };
        }
        // `LogSegment.read` throws.
        let Ok(limit) = usize::try_from(limit) else { return refuse(ErrorCode::UnknownServerError) };
        match partition.log.read(disk, planned.fetch_offset, limit, end, min_one) {
            Ok(read) => {
                data.records = Records::Parts(read.parts);
                Slice { data, bytes: read.bytes, urgent: false }
            }
            Err(ReadError::OffsetOutOfRange { .. }) => refuse(ErrorCode::OffsetOutOfRange),
            Err(_) => refuse(ErrorCode::KafkaStorageError),
        }
    }

    /// The partition that the fetcher means, or why it cannot be read here. Followers of a partition fetch from its leader;
    /// a consumer that could tell its rack may read from any replica (KIP-392, `FetchParams.fetchOnlyLeader`).
    fn readable(
        &self,
        image: &MetadataImage,
        plan: &FetchPlan,
        planned: &PlannedPartition,
    ) -> Result<&Partition, ErrorCode> {
        let partition = self.find(image, planned.key?)?;
        if plan.replica.is_none() && plan.version >= RACK_SINCE {
            partition.check_local(planned.current_leader_epoch)?;
        } else {
            partition.check_leader(planned.current_leader_epoch)?;
        }
        Ok(partition)
    }

    fn refused(
        &self,
        image: &MetadataImage,
        plan: &FetchPlan,
        planned: &PlannedPartition,
        error: ErrorCode,
    ) -> PartitionData {
        let mut data = PartitionData {
            partition_index: planned.index,
            error_code: error.code(),
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            // A partition that is not there is answered elsewhere than one that cannot be read, and it shows.
            aborted_transactions: planned.is_erroneous().then(Vec::new),
            records: Records::Bytes(bytes::Bytes::new()),
            ..Default::default()
        };
        // Who leads now, so that the client need not ask for metadata (KIP-951).
        if plan.version >= 16
            && matches!(error, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch)
            && let Some((leader_id, leader_epoch)) = planned.key.ok().and_then(|key| self.current_leader(image, key))
        {
            data.current_leader = LeaderIdAndEpoch { leader_id, leader_epoch };
        }
        data
    }

    fn finish_fetch(&mut self, ctx: &Ctx, image: &MetadataImage, plan: FetchPlan, reply: Reply, slices: Vec<Slice>) {
        let mut response = FetchResponse { session_id: plan.session.id, ..Default::default() };
        let mut leaders = Vec::new();
        for (planned, slice) in plan.partitions.into_iter().zip(slices) {
            if !self.sessions.is_news(&plan.session, &planned, &slice.data, slice.bytes) {
                continue;
            }
            // Followers know each other's addresses.
            if plan.replica.is_none() && slice.data.current_leader.leader_id >= 0 {
                leaders.push(NodeId(slice.data.current_leader.leader_id));
            }
            let same = |t: &FetchableTopicResponse| {
                if plan.by_id { t.topic_id == planned.topic_id } else { *t.topic == *planned.topic }
            };
            match response.responses.last_mut().filter(|t| same(t)) {
                Some(topic) => topic.partitions.push(slice.data),
                None => response.responses.push(FetchableTopicResponse {
                    topic: planned.topic.to_string(),
                    topic_id: planned.topic_id,
                    partitions: vec![slice.data],
                }),
            }
        }
        response.node_endpoints = super::node_endpoints(image, leaders)
            .map(|(node_id, host, port, rack)| NodeEndpoint { node_id, host, port, rack })
            .collect();
        let reply = Reply { cause: ctx.out.cause(), ..reply };
        self.answers.push(Answer::Fetch(reply, response));
    }
}

/// How far the fetcher may read: followers to the end, consumers to the high watermark (KIP-405 calls it isolation).
fn end_for(partition: &Partition, plan: &FetchPlan) -> i64 {
    if plan.replica.is_some() { partition.log.log_end_offset() } else { partition.high_watermark() }
}

/// Where the fetcher's log and ours part, if its last epoch ended elsewhere than it thinks (KIP-595's truncation, for
/// partitions since KAFKA-9837).
fn diverging(partition: &Partition, planned: &PlannedPartition) -> Option<Result<(i32, i64), ErrorCode>> {
    if planned.last_fetched_epoch < 0 {
        return None;
    }
    match partition.log.end_offset_for_epoch(planned.last_fetched_epoch) {
        None => Some(Err(ErrorCode::OffsetOutOfRange)),
        Some((epoch, end)) => {
            (epoch < planned.last_fetched_epoch || end < planned.fetch_offset).then_some(Ok((epoch, end)))
        }
    }
}
