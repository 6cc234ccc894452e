//! Serving fetches of the metadata log: the only way in which anything is replicated, and the only way in which a
//! leader learns what others have (`KafkaRaftClient.handleFetchRequest`).

use bytes::Bytes;

use super::{
    Raft, Role,
    quorum_state_file::ReplicaKey,
    respond::{ReplyTo, TOPIC},
};
use crate::{
    id::{EventId, NodeId, Uuid},
    seam::{Ctx, Output, Time},
    wire::{
        error::ErrorCode,
        fetch::{
            EpochEndOffset, FetchRequest, FetchResponse, FetchTopic, FetchableTopicResponse, LeaderIdAndEpoch,
            NodeEndpoint, PartitionData, SnapshotId,
        },
        records::Records,
    },
};

/// Most that one answer carries, whatever was asked for (`KafkaRaftClient.MAX_BATCH_SIZE_BYTES`).
pub(super) const FETCH_MAX_BYTES: i32 = 8 << 20;

/// A fetch that found nothing new, waiting for something to become true.
#[derive(Clone, Debug)]
pub(super) struct ParkedFetch {
    pub(super) to: ReplyTo,
    asked: Asked,
    pub(super) deadline: Time,
    cause: Option<EventId>,
}

/// The part of a fetch that matters.
#[derive(Clone, Copy, Debug)]
struct Asked {
    replica: ReplicaKey,
    offset: i64,
    last_fetched_epoch: i32,
    current_leader_epoch: i32,
    max_bytes: i32,
    /// What the replica knows (KIP-1166); old versions do not tell, and are not told early.
    high_watermark: i64,
}

/// Where a fetch offset stands in the leader's log.
enum Position {
    Valid,
    Diverging { epoch: i32, end_offset: i64 },
    Snapshot { end_offset: i64, epoch: i32 },
}

impl Raft {
    pub(super) fn handle_fetch(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, request: &FetchRequest) {
        if !self.is_cluster(request.cluster_id.as_ref()) {
            return self.respond_fetch_error(ctx, to, ErrorCode::InconsistentClusterId);
        }
        let partition = match request.topics.as_slice() {
            [FetchTopic { topic, topic_id, partitions }]
                if *topic_id == Uuid::METADATA_TOPIC || (to.version < 13 && topic == TOPIC) =>
            {
                match partitions.as_slice() {
                    [partition] if partition.partition == 0 => partition,
                    _ => return self.respond_fetch_error(ctx, to, ErrorCode::InvalidRequest),
                }
            }
            _ => return self.respond_fetch_error(ctx, to, ErrorCode::InvalidRequest),
        };
        let replica_id = if to.version < 15 { request.replica_id } else { request.replica_state.replica_id };
        self.identify(ctx, to.conn, replica_id);
        let asked = Asked {
            replica: ReplicaKey { id: NodeId(replica_id), directory_id: partition.replica_directory_id },
            offset: partition.fetch_offset,
            last_fetched_epoch: partition.last_fetched_epoch,
            current_leader_epoch: partition.current_leader_epoch,
            max_bytes: request.max_bytes.min(FETCH_MAX_BYTES),
            high_watermark: partition.high_watermark,
        };
        if request.max_wait_ms < 0
            || asked.offset < 0
            || asked.last_fetched_epoch < 0
            || asked.last_fetched_epoch > asked.current_leader_epoch
        {
            let answer = self.fetch_partition(ErrorCode::InvalidRequest);
            self.respond_fetch(ctx, to, answer);
            return;
        }
        let answer = self.try_fetch(ctx, asked);
        if request.max_wait_ms == 0 || self.says_something(&answer, asked) {
            self.respond_fetch(ctx, to, answer);
        } else {
            let deadline = self.now.plus_ms(request.max_wait_ms as u64);
            ctx.out.push(Output::Mute { conn: to.conn });
            self.parked.push(ParkedFetch { to, asked, deadline, cause: ctx.out.cause() });
        }
    }

    /// Anything but "nothing new": such an answer does not wait.
    fn says_something(&self, answer: &PartitionData, asked: Asked) -> bool {
        answer.error_code != ErrorCode::None.code()
            || !answer.records.is_empty()
            || answer.diverging_epoch.epoch >= 0
            || answer.snapshot_id.epoch >= 0
            || answer.high_watermark > asked.high_watermark
    }

    /// The answer as things stand. What a valid fetch says about its replica is noted.
    fn try_fetch(&mut self, ctx: &mut Ctx<'_>, asked: Asked) -> PartitionData {
        if let Err(error) = self.check_leader(asked.current_leader_epoch) {
            return self.fetch_partition(error);
        }
        match self.locate(asked.offset, asked.last_fetched_epoch) {
            Position::Snapshot { end_offset, epoch } => {
                self.note_fetch(ctx, asked.replica, None);
                PartitionData { snapshot_id: SnapshotId { end_offset, epoch }, ..self.fetch_partition(ErrorCode::None) }
            }
            Position::Diverging { epoch, end_offset } => {
                self.note_fetch(ctx, asked.replica, None);
                let diverging_epoch = EpochEndOffset { epoch, end_offset };
                PartitionData { diverging_epoch, ..self.fetch_partition(ErrorCode::None) }
            }
            Position::Valid => {
                self.note_fetch(ctx, asked.replica, Some(asked.offset));
                self.advance_high_watermark(ctx);
                match self.log.read(ctx.disk, asked.offset, asked.max_bytes) {
                    Ok(parts) => {
                        PartitionData { records: Records::Parts(parts), ..self.fetch_partition(ErrorCode::None) }
                    }
                    Err(_) => self.fetch_partition(ErrorCode::UnknownServerError),
                }
            }
        }
    }

    /// `validateLeaderOnlyRequest`.
    pub(super) fn check_leader(&self, epoch: i32) -> Result<(), ErrorCode> {
        match () {
            () if self.shutdown.is_some() => Err(ErrorCode::BrokerNotAvailable),
            () if epoch < self.election.epoch => Err(ErrorCode::FencedLeaderEpoch),
            () if epoch > self.election.epoch => Err(ErrorCode::UnknownLeaderEpoch),
            () if !self.is_leader() => Err(ErrorCode::NotLeaderOrFollower),
            () => Ok(()),
        }
    }

    /// `ReplicatedLog.validateOffsetAndEpoch`: the pair (offset, epoch of the record before it) must be in this log.
    fn locate(&self, offset: i64, last_fetched_epoch: i32) -> Position {
        if let (Some(latest), Some(oldest)) = (self.log.latest_snapshot(), self.log.oldest_snapshot()) {
            let start = self.log.start_offset();
            if offset == 0
                || offset < start
                || (offset == start && start == oldest.end_offset && last_fetched_epoch != oldest.epoch)
                || last_fetched_epoch < oldest.epoch
            {
                return Position::Snapshot { end_offset: latest.end_offset, epoch: latest.epoch };
            }
        }
        let (epoch, end_offset) = self.log.end_offset_for(last_fetched_epoch);
        if epoch != last_fetched_epoch || end_offset < offset {
            return Position::Diverging { epoch, end_offset };
        }
        Position::Valid
    }

    /// Answers every parked fetch for which there is something to say now, and those that have waited long enough.
    pub(super) fn serve_parked(&mut self, ctx: &mut Ctx<'_>) {
        if self.parked.is_empty() || !self.is_leader() {
            return;
        }
        let known = self.leader_high_watermark();
        let end_offset = self.log.end_offset();
        let is_due = |fetch: &ParkedFetch| {
            fetch.deadline <= self.now || fetch.asked.offset < end_offset || known > fetch.asked.high_watermark
        };
        let (due, waiting) = std::mem::take(&mut self.parked).into_iter().partition::<Vec<_>, _>(is_due);
        self.parked = waiting;
        let cause = ctx.out.cause();
        for fetch in due {
            if fetch.deadline <= self.now {
                ctx.out.because(fetch.cause);
            }
            let answer = self.try_fetch(ctx, fetch.asked);
            self.complete(ctx, &fetch, answer);
            ctx.out.because(cause);
        }
    }

    /// This node leads no more: whoever waited shall ask somebody else.
    pub(super) fn refuse_parked(&mut self, ctx: &mut Ctx<'_>) {
        for fetch in std::mem::take(&mut self.parked) {
            let error = self.check_leader(fetch.asked.current_leader_epoch).err();
            let answer = self.fetch_partition(error.unwrap_or(ErrorCode::NotLeaderOrFollower));
            self.complete(ctx, &fetch, answer);
        }
    }

    fn complete(&mut self, ctx: &mut Ctx<'_>, fetch: &ParkedFetch, answer: PartitionData) {
        self.respond_fetch(ctx, fetch.to, answer);
        if self.store.is_durable() {
            ctx.out.push(Output::Unmute { conn: fetch.to.conn });
        }
    }

    fn leader_high_watermark(&self) -> i64 {
        match &self.role {
            Role::Leader(leader) => leader.high_watermark.unwrap_or(-1),
            _ => -1,
        }
    }

    /// What every answer says: who leads, and how far is committed.
    fn fetch_partition(&self, error: ErrorCode) -> PartitionData {
        PartitionData {
            partition_index: 0,
            error_code: error.code(),
            high_watermark: self.leader_high_watermark(),
            log_start_offset: self.log.start_offset(),
            current_leader: LeaderIdAndEpoch { leader_id: self.leader_id_or_none(), leader_epoch: self.election.epoch },
            records: Records::Bytes(Bytes::new()),
            ..Default::default()
        }
    }

    fn respond_fetch(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, partition: PartitionData) {
        let leader = self.leader().into_iter();
        let endpoint = |(id, at): (NodeId, crate::id::Endpoint)| NodeEndpoint {
            node_id: id.0,
            host: at.host,
            port: i32::from(at.port),
            rack: None,
        };
        let topic =
            FetchableTopicResponse { topic: TOPIC.into(), topic_id: Uuid::METADATA_TOPIC, partitions: vec![partition] };
        let response = FetchResponse {
            responses: vec![topic],
            node_endpoints: leader.map(endpoint).collect(),
            ..Default::default()
        };
        self.respond::<FetchRequest>(ctx, to, &response);
    }

    fn respond_fetch_error(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, error: ErrorCode) {
        self.respond::<FetchRequest>(ctx, to, &FetchResponse { error_code: error.code(), ..Default::default() });
    }
}
