//! Pulling: a follower's or observer's fetches, and what their answers do to its log
//! (`KafkaRaftClient.handleFetchResponse`).

use bytes::Bytes;

use super::{
    Raft, Role,
    fetch::FETCH_MAX_BYTES,
    requests::{Ask, FETCH, FETCH_SNAPSHOT, InFlight},
    respond::TOPIC,
    snapshot::SnapshotKey,
    view::batch_texts,
};
use crate::{
    id::{NodeId, Uuid},
    seam::Ctx,
    trace::EventKind,
    wire::{
        batch::batches,
        error::ErrorCode,
        fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData, ReplicaState},
        fetch_snapshot::{FetchSnapshotRequest, FetchSnapshotResponse, PartitionSnapshot, SnapshotId, TopicSnapshot},
    },
};

/// `KafkaRaftClient.MAX_FETCH_WAIT_MS`.
const FETCH_WAIT_MS: i32 = 500;

/// A snapshot on its way from the leader.
#[derive(Clone, Debug)]
pub(super) struct SnapshotDownload {
    key: SnapshotKey,
    chunks: Vec<Bytes>,
    position: i64,
}

impl Raft {
    /// Asks the leader (or, not knowing one, any voter) for what comes after the end of this log. The offset of a
    /// voter's fetch is its acknowledgement, so it waits until the disk has all that lies below.
    pub(super) fn fetch_from(&mut self, ctx: &mut Ctx<'_>, to: Option<NodeId>) {
        if (self.is_voter && self.log.durable_end() < self.log.end_offset()) || self.log.is_installing() {
            return;
        }
        let Some(to) = to.or_else(|| self.someone_to_ask()) else { return };
        if !self.is_ready(ctx, to) {
            return;
        }
        if self.download.is_some() {
            return self.fetch_snapshot_from(ctx, to);
        }
        let partition = FetchPartition {
            partition: 0,
            current_leader_epoch: self.election.epoch,
            fetch_offset: self.log.end_offset(),
            last_fetched_epoch: self.log.last_epoch(),
            log_start_offset: self.log.start_offset(),
            partition_max_bytes: FETCH_MAX_BYTES,
            replica_directory_id: self.config.directory_id,
            high_watermark: self.high_watermark.unwrap_or(-1),
        };
        let request = FetchRequest {
            cluster_id: Some(self.config.cluster_id.clone()),
            replica_state: ReplicaState { replica_id: self.config.node_id.0, replica_epoch: -1 },
            max_wait_ms: FETCH_WAIT_MS,
            max_bytes: FETCH_MAX_BYTES,
            topics: vec![FetchTopic {
                topic_id: Uuid::METADATA_TOPIC,
                partitions: vec![partition],
                ..Default::default()
            }],
            ..Default::default()
        };
        self.ask(ctx, to, Ask::Fetch, FETCH, &request);
    }

    pub(super) fn handle_fetch_response(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        request: InFlight,
        response: FetchResponse,
    ) {
        let topic = response.responses.into_iter().next();
        let Some(partition) = topic.and_then(|topic| topic.partitions.into_iter().next()) else {
            if response.error_code == ErrorCode::InconsistentClusterId.code() {
                ctx.out.note(|| EventKind::TurnedAway { by: from, error: response.error_code });
            }
            return self.back_off(from);
        };
        let error = ErrorCode::from_code(partition.error_code);
        let leader = partition.current_leader.leader_id;
        self.learn(ctx, partition.current_leader.leader_epoch, Some(NodeId(leader)));
        if request.round != self.round {
            // Asking was enough to learn who leads; the next fetch is a follower's.
            return;
        }
        if error != ErrorCode::None || self.election.leader != Some(from) {
            return self.back_off(from);
        }
        if partition.current_leader.leader_epoch != self.election.epoch {
            return self.back_off(from);
        }
        match self.follow(ctx, &partition) {
            Ok(()) => {
                self.answered_well(from);
                let deadline = self.fetch_deadline();
                if matches!(self.role, Role::Follower { .. }) {
                    self.role = Role::Follower { deadline, has_fetched: true, is_searching: false };
                }
            }
            Err(Refusal::Later) => {
                // The leader is well; it is this node that has no room. It does not campaign for that.
                let deadline = self.fetch_deadline();
                if let Role::Follower { deadline: current, .. } = &mut self.role {
                    *current = deadline;
                }
                self.back_off(from);
            }
            Err(Refusal::Never(why)) => self.fail(ctx, why),
        }
    }

    /// Does to the log what the leader says.
    fn follow(&mut self, ctx: &mut Ctx<'_>, partition: &PartitionData) -> Result<(), Refusal> {
        let diverging = &partition.diverging_epoch;
        if diverging.epoch >= 0 {
            return self.truncate(ctx, diverging.epoch, diverging.end_offset);
        }
        if partition.snapshot_id.epoch >= 0 || partition.snapshot_id.end_offset >= 0 {
            let key = SnapshotKey { end_offset: partition.snapshot_id.end_offset, epoch: partition.snapshot_id.epoch };
            if key.end_offset <= 0 || key.epoch < 0 || self.high_watermark.is_some_and(|known| key.end_offset < known) {
                return Err(Refusal::Later);
            }
            self.download = Some(SnapshotDownload { key, chunks: Vec::new(), position: 0 });
            return Ok(());
        }
        let base_offset = self.log.end_offset();
        let records = partition.records.bytes();
        if !records.is_empty() {
            // The tail may be cut by the size limit; what is whole is taken.
            let mut end = 0;
            let mut next = base_offset;
            for batch in batches(&records).map_while(Result::ok) {
                let header = &batch.header;
                if header.base_offset != next
                    || header.partition_leader_epoch > self.election.epoch
                    || batch.check_crc().is_err()
                {
                    break;
                }
                next = header.next_offset();
                end += header.total_len();
            }
            if end == 0 {
                return Err(Refusal::Later);
            }
            let records = records.slice(..end);
            self.log.append(ctx.disk, &records).map_err(|_| Refusal::Later)?;
            let last_offset = self.log.end_offset() - 1;
            ctx.out.trace(|| {
                let records = batches(&records).map_while(Result::ok).flat_map(|batch| batch_texts(&batch)).collect();
                EventKind::MetadataAppended { base_offset, last_offset, records }
            });
        }
        // A leader may be ahead of what it has sent.
        let committed = partition.high_watermark.min(self.log.end_offset());
        if committed >= 0 {
            self.raise_high_watermark(ctx, committed);
        }
        Ok(())
    }

    /// Forgets what the leader never had: up to the end of the diverging epoch in either log (KIP-595).
    fn truncate(&mut self, ctx: &mut Ctx<'_>, epoch: i32, end_offset: i64) -> Result<(), Refusal> {
        let (own_epoch, own_end_offset) = self.log.end_offset_for(epoch);
        let to = if own_epoch == epoch { own_end_offset.min(end_offset) } else { own_end_offset };
        let to = to.max(self.log.start_offset());
        if self.high_watermark.is_some_and(|committed| to < committed) {
            let committed = self.high_watermark.unwrap_or(-1);
            return Err(Refusal::Never(format!(
                "the quorum leader asks to forget the metadata log from offset {to}, and it is committed up to {committed}"
            )));
        }
        let from = self.log.end_offset();
        if to >= from {
            // Nothing to forget, so this was no help: ask again, but not in a hurry.
            return Err(Refusal::Later);
        }
        self.log.truncate_to(ctx.disk, to).map_err(|_| Refusal::Later)?;
        ctx.out.note(|| EventKind::MetadataTruncated { to, from });
        Ok(())
    }

    fn fetch_snapshot_from(&mut self, ctx: &mut Ctx<'_>, to: NodeId) {
        let Some(download) = &self.download else { return };
        let partition = PartitionSnapshot {
            partition: 0,
            current_leader_epoch: self.election.epoch,
            snapshot_id: SnapshotId { end_offset: download.key.end_offset, epoch: download.key.epoch },
            position: download.position,
            replica_directory_id: self.config.directory_id,
        };
        let request = FetchSnapshotRequest {
            cluster_id: Some(self.config.cluster_id.clone()),
            replica_id: self.config.node_id.0,
            max_bytes: FETCH_MAX_BYTES,
            topics: vec![TopicSnapshot { name: TOPIC.into(), partitions: vec![partition] }],
        };
        self.ask(ctx, to, Ask::FetchSnapshot, FETCH_SNAPSHOT, &request);
    }

    /// `KafkaRaftClient.handleFetchSnapshotResponse`.
    pub(super) fn handle_fetch_snapshot_response(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        request: InFlight,
        response: FetchSnapshotResponse,
    ) {
        let topic = response.topics.into_iter().next();
        let Some(partition) = topic.and_then(|topic| topic.partitions.into_iter().next()) else {
            if response.error_code == ErrorCode::InconsistentClusterId.code() {
                ctx.out.note(|| EventKind::TurnedAway { by: from, error: response.error_code });
            }
            return self.back_off(from);
        };
        let leader = &partition.current_leader;
        self.learn(ctx, leader.leader_epoch, Some(NodeId(leader.leader_id)));
        if request.round != self.round {
            return;
        }
        let Some(download) = &mut self.download else { return };
        let chunk = partition.unaligned_records.bytes();
        let is_next = partition.snapshot_id.end_offset == download.key.end_offset
            && partition.snapshot_id.epoch == download.key.epoch
            && partition.position == download.position
            && partition.size > partition.position
            && !chunk.is_empty();
        if partition.error_code != ErrorCode::None.code() || !is_next {
            // The leader may have a newer one; the next fetch tells.
            self.download = None;
            return self.back_off(from);
        }
        download.position += chunk.len() as i64;
        download.chunks.push(chunk);
        let is_whole = download.position >= partition.size;
        self.answered_well(from);
        let deadline = self.fetch_deadline();
        if matches!(self.role, Role::Follower { .. }) {
            self.role = Role::Follower { deadline, has_fetched: true, is_searching: false };
        }
        if is_whole && let Some(SnapshotDownload { key, chunks, .. }) = self.download.take() {
            self.install_snapshot(ctx, from, key, &chunks.concat());
        }
    }
}

/// Why an answer could not be followed.
pub(super) enum Refusal {
    /// The disk is full, the answer made no sense: ask again after a while.
    Later,
    /// The cluster contradicts what this replica knows to be committed.
    Never(String),
}
