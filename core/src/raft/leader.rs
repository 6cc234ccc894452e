//! What a quorum leader does: opens its epoch, appends, tells the voters, counts what they have, and notices when they
//! have gone silent (Kafka's `LeaderState`).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    NotLeader, Raft, Role,
    quorum_state_file::{ElectionState, ReplicaKey},
    requests::{Ask, BEGIN_QUORUM_EPOCH, END_QUORUM_EPOCH, InFlight},
    respond::{LISTENER, ReplyTo, TOPIC},
};
use crate::{
    config::NodeConfig,
    id::{ConnId, NodeId, Uuid},
    seam::{Ctx, Time},
    trace::EventKind,
    wire::{
        batch::{BatchBuilder, ControlType},
        begin_quorum_epoch::{self as begin, BeginQuorumEpochRequest, BeginQuorumEpochResponse},
        control_records::{LeaderChangeMessage, Voter},
        end_quorum_epoch::{self as end, EndQuorumEpochRequest, EndQuorumEpochResponse},
        error::ErrorCode,
        frame::{self, RequestHead},
        message::Message,
    },
};

/// A leader that has not been fetched from by the majority for this many fetch timeouts resigns (times ten).
const CHECK_QUORUM_FACTOR_X10: u64 = 15;

/// An observer that has not fetched for so long is forgotten.
const OBSERVER_SESSION_MS: u64 = 300_000;

/// Observers remembered for DescribeQuorum, whoever they say they are.
const OBSERVERS_MAX: usize = 1000;

#[derive(Clone, Debug)]
pub(super) struct Leader {
    /// Where the epoch's first record, the leader change, lies. Nothing is committed by counting before it is (Raft 5.4.2).
    pub(super) epoch_start_offset: i64,
    /// Unknown until the first record of this epoch is on a majority.
    pub(super) high_watermark: Option<i64>,
    /// The other voters.
    pub(super) voters: BTreeMap<NodeId, Progress>,
    pub(super) observers: BTreeMap<ReplicaKey, Progress>,
    check_quorum_deadline: Time,
    /// Voters that have fetched since the check-quorum timer was set.
    fetched: std::collections::BTreeSet<NodeId>,
}

/// What the leader knows of another replica.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) directory_id: Uuid,
    /// Its fetch offset: what it has on disk.
    pub(super) end_offset: Option<i64>,
    pub(super) last_fetch: Option<Time>,
    pub(super) last_fetch_wall_ms: i64,
    /// Wall time when it last had all the leader had.
    pub(super) last_caught_up_wall_ms: Option<i64>,
    /// When it is to be told of the epoch next.
    begin_at: Time,
}

impl Leader {
    fn new(config: &NodeConfig, epoch_start_offset: i64, now: Time) -> Self {
        let others = config.voters.iter().filter(|voter| voter.id != config.node_id);
        Self {
            epoch_start_offset,
            high_watermark: None,
            voters: others.map(|voter| (voter.id, Progress::default())).collect(),
            observers: BTreeMap::new(),
            check_quorum_deadline: check_quorum_deadline(config, now),
            fetched: Default::default(),
        }
    }

    /// What is due already waits for a connection or an answer, and these have deadlines of their own.
    pub(super) fn deadline(&self, now: Time) -> Time {
        let begin = self.voters.values().map(|voter| voter.begin_at).filter(|at| *at > now).min();
        if self.voters.is_empty() { Time::MAX } else { self.check_quorum_deadline.min(begin.unwrap_or(Time::MAX)) }
    }

    pub(super) fn check_quorum_expired(&self, now: Time) -> bool {
        !self.voters.is_empty() && self.check_quorum_deadline <= now
    }

    /// The other voters, most caught up first.
    pub(super) fn successors(&self) -> Vec<ReplicaKey> {
        let mut voters: Vec<_> = self.voters.iter().collect();
        voters.sort_by_key(|(id, progress)| (std::cmp::Reverse(progress.end_offset), **id));
        voters.iter().map(|(id, progress)| ReplicaKey { id: **id, directory_id: progress.directory_id }).collect()
    }
}

fn check_quorum_deadline(config: &NodeConfig, now: Time) -> Time {
    now.plus_ms(config.controller_quorum_fetch_timeout_ms * CHECK_QUORUM_FACTOR_X10 / 10)
}

impl Raft {
    /// Won: opens the epoch with a record of its own, so that what earlier epochs left can be committed below it.
    pub(super) fn become_leader(&mut self, ctx: &mut Ctx<'_>, votes: Vec<NodeId>) {
        let epoch = self.election.epoch;
        ctx.out.trace(|| EventKind::QuorumLeaderElected { epoch, votes: votes.clone() });
        let leader = Leader::new(&self.config, self.log.end_offset(), self.now);
        let election = ElectionState { leader: Some(self.config.node_id), ..self.election };
        self.enter(ctx, election, Role::Leader(Box::new(leader)));
        let voter = |id: &NodeId| Voter { voter_id: id.0, ..Default::default() };
        let message = LeaderChangeMessage {
            version: 0,
            leader_id: self.config.node_id.0,
            voters: self.config.voters.iter().map(|v| voter(&v.id)).collect(),
            granting_voters: votes.iter().map(voter).collect(),
        };
        let value = message.to_bytes(0).expect("a leader change fits its schema");
        let mut batch = BatchBuilder::new().control().at(self.log.end_offset(), epoch);
        batch.push(ctx.now.wall_ms, Some(&ControlType::LeaderChange.key()), Some(&value), &[]);
        let named = || vec![format!("LeaderChange leader {}", self.config.node_id)];
        let base_offset = self.log.end_offset();
        match self.log.append(ctx.disk, &batch.build()) {
            Ok(()) => {
                ctx.out.trace(|| EventKind::MetadataAppended {
                    base_offset,
                    last_offset: base_offset,
                    records: named(),
                });
            }
            Err(_) => self.resign(ctx),
        }
    }

    pub(super) fn append_as_leader(
        &mut self,
        ctx: &mut Ctx<'_>,
        epoch: i32,
        records: &[Bytes],
    ) -> Result<i64, NotLeader> {
        self.now = ctx.now.mono;
        let refused = NotLeader { leader: self.election.leader, epoch: self.election.epoch };
        if !self.is_leader() || epoch != self.election.epoch {
            return Err(refused);
        }
        assert!(!records.is_empty(), "an append has at least one record");
        let base_offset = self.log.end_offset();
        let mut batch = BatchBuilder::new().at(base_offset, epoch);
        for record in records {
            batch.push(ctx.now.wall_ms, None, Some(record), &[]);
        }
        if self.log.append(ctx.disk, &batch.build()).is_err() {
            // A leader that cannot write is none: somebody with room on the disk shall lead.
            self.resign(ctx);
            return Err(refused);
        }
        let last_offset = self.log.end_offset() - 1;
        ctx.out.trace(|| {
            let records = records.iter().map(super::view::record_text).collect();
            EventKind::MetadataAppended { base_offset, last_offset, records }
        });
        Ok(last_offset)
    }

    /// A replica fetched: what it asked for is what it has. `fetch_offset` `None`: it is loading a snapshot.
    pub(super) fn note_fetch(&mut self, ctx: &Ctx<'_>, replica: ReplicaKey, fetch_offset: Option<i64>) {
        let log_end_offset = self.log.end_offset();
        let needed = self.config.voters.len() / 2;
        let fetch_timeout_ms = self.config.controller_quorum_fetch_timeout_ms;
        let Role::Leader(leader) = &mut self.role else { return };
        let now = self.now;
        let progress = if let Some(progress) = leader.voters.get_mut(&replica.id) {
            leader.fetched.insert(replica.id);
            if leader.fetched.len() >= needed {
                leader.fetched.clear();
                leader.check_quorum_deadline = check_quorum_deadline(&self.config, now);
            }
            // It knows who leads, so it need not be told for a while.
            progress.begin_at = now.plus_ms(fetch_timeout_ms / 2);
            progress
        } else {
            let stale = |p: &Progress| p.last_fetch.is_none_or(|at| now.ms_since(at) >= OBSERVER_SESSION_MS);
            leader.observers.retain(|_, progress| !stale(progress));
            if replica.id.0 < 0 || (leader.observers.len() >= OBSERVERS_MAX && !leader.observers.contains_key(&replica))
            {
                return;
            }
            leader.observers.entry(replica).or_default()
        };
        progress.directory_id = replica.directory_id;
        progress.last_fetch = Some(now);
        progress.last_fetch_wall_ms = ctx.now.wall_ms;
        if let Some(offset) = fetch_offset {
            progress.end_offset = Some(offset);
            if offset >= log_end_offset {
                progress.last_caught_up_wall_ms = Some(ctx.now.wall_ms);
            }
        }
    }

    /// The offset that a majority of voters has on disk, once a record of this epoch is below it
    /// (`LeaderState.maybeUpdateHighWatermark`). This node counts with what its disk has confirmed.
    pub(super) fn advance_high_watermark(&mut self, ctx: &mut Ctx<'_>) {
        let durable = self.log.durable_end();
        let Role::Leader(leader) = &mut self.role else { return };
        let mut ends: Vec<i64> = leader.voters.values().map(|voter| voter.end_offset.unwrap_or(-1)).collect();
        ends.push(durable);
        ends.sort_unstable_by(|a, b| b.cmp(a));
        let offset = ends[ends.len() / 2];
        if offset > leader.epoch_start_offset && leader.high_watermark.is_none_or(|known| offset > known) {
            leader.high_watermark = Some(offset);
            self.raise_high_watermark(ctx, offset);
        }
    }

    pub(super) fn raise_high_watermark(&mut self, ctx: &mut Ctx<'_>, offset: i64) {
        debug_assert!(offset <= self.log.end_offset());
        if self.high_watermark.is_none_or(|known| offset > known) {
            self.high_watermark = Some(offset);
            ctx.out.trace(|| EventKind::MetadataHighWatermark { offset });
        }
    }

    /// BeginQuorumEpoch to every voter that has not fetched lately: the substitute for Raft's heartbeat.
    pub(super) fn announce_epoch(&mut self, ctx: &mut Ctx<'_>) {
        let Role::Leader(leader) = &self.role else { return };
        let due = leader.voters.iter().filter(|(_, progress)| progress.begin_at <= self.now);
        let due: Vec<(NodeId, Uuid)> = due.map(|(id, progress)| (*id, progress.directory_id)).collect();
        for (voter, directory_id) in due {
            if !self.is_ready(ctx, voter) {
                continue;
            }
            let partition = begin::PartitionData {
                partition_index: 0,
                voter_directory_id: directory_id,
                leader_id: self.config.node_id.0,
                leader_epoch: self.election.epoch,
            };
            let local = self.endpoint_of(self.config.node_id).into_iter();
            let request = BeginQuorumEpochRequest {
                cluster_id: Some(self.config.cluster_id.clone()),
                voter_id: voter.0,
                topics: vec![begin::TopicData { topic_name: TOPIC.into(), partitions: vec![partition] }],
                leader_endpoints: local
                    .map(|(_, at)| begin::LeaderEndpoint { name: LISTENER.into(), host: at.host, port: at.port })
                    .collect(),
            };
            self.ask(ctx, voter, Ask::BeginQuorumEpoch, BEGIN_QUORUM_EPOCH, &request);
        }
    }

    pub(super) fn handle_begin_quorum_epoch_response(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        request: InFlight,
        response: &BeginQuorumEpochResponse,
    ) {
        let Some(partition) = response.topics.first().and_then(|topic| topic.partitions.first()) else {
            return self.back_off(from);
        };
        self.learn(ctx, partition.leader_epoch, Some(NodeId(partition.leader_id)));
        if request.round != self.round {
            return;
        }
        if partition.error_code != ErrorCode::None.code() {
            return self.back_off(from);
        }
        self.answered_well(from);
        let again = self.now.plus_ms(self.config.controller_quorum_fetch_timeout_ms / 2);
        if let Role::Leader(leader) = &mut self.role
            && let Some(progress) = leader.voters.get_mut(&from)
        {
            progress.begin_at = again;
        }
    }

    /// `KafkaRaftClient.handleBeginQuorumEpochRequest`, on the voter's side.
    pub(super) fn handle_begin_quorum_epoch(
        &mut self,
        ctx: &mut Ctx<'_>,
        conn: ConnId,
        head: &RequestHead,
        body: &Bytes,
    ) -> Option<()> {
        self.now = ctx.now.mono;
        let request: BeginQuorumEpochRequest = frame::decode_body(head.api_version, body).ok()?;
        let to = ReplyTo::new(conn, head);
        let partition = match request.topics.as_slice() {
            [begin::TopicData { topic_name, partitions }] if topic_name == TOPIC => partitions.first(),
            _ => None,
        };
        let mut response = BeginQuorumEpochResponse::default();
        match partition {
            _ if !self.is_cluster(request.cluster_id.as_ref()) => {
                response.error_code = ErrorCode::InconsistentClusterId.code();
            }
            None => response.error_code = ErrorCode::InvalidRequest.code(),
            Some(partition) => {
                self.identify(ctx, conn, partition.leader_id);
                let error = if partition.leader_epoch < self.election.epoch {
                    ErrorCode::FencedLeaderEpoch
                } else if partition.leader_id < 0 {
                    ErrorCode::InvalidRequest
                } else if !self.is_local_voter(request.voter_id, partition.voter_directory_id) {
                    ErrorCode::InvalidVoterKey
                } else {
                    self.learn(ctx, partition.leader_epoch, Some(NodeId(partition.leader_id)));
                    ErrorCode::None
                };
                let partition = begin::ResponsePartitionData {
                    partition_index: 0,
                    error_code: error.code(),
                    leader_id: self.leader_id_or_none(),
                    leader_epoch: self.election.epoch,
                };
                response.topics =
                    vec![begin::ResponseTopicData { topic_name: TOPIC.into(), partitions: vec![partition] }];
                let leader = self.leader().into_iter();
                let endpoint = |(id, at): (NodeId, crate::id::Endpoint)| begin::NodeEndpoint {
                    node_id: id.0,
                    host: at.host,
                    port: at.port,
                };
                response.node_endpoints = leader.map(endpoint).collect();
            }
        }
        self.respond::<BeginQuorumEpochRequest>(ctx, to, &response);
        Some(())
    }

    /// EndQuorumEpoch to every voter that has not acknowledged it.
    pub(super) fn announce_end(&mut self, ctx: &mut Ctx<'_>) {
        let Role::Resigned { successors, unacked, .. } = &self.role else { return };
        let (successors, unacked) = (successors.clone(), unacked.clone());
        for voter in unacked {
            if !self.is_ready(ctx, voter) {
                continue;
            }
            let candidate = |key: &ReplicaKey| end::ReplicaInfo {
                candidate_id: key.id.0,
                candidate_directory_id: key.directory_id,
            };
            let partition = end::PartitionData {
                partition_index: 0,
                leader_id: self.config.node_id.0,
                leader_epoch: self.election.epoch,
                preferred_candidates: successors.iter().map(candidate).collect(),
                ..Default::default()
            };
            let local = self.endpoint_of(self.config.node_id).into_iter();
            let request = EndQuorumEpochRequest {
                cluster_id: Some(self.config.cluster_id.clone()),
                topics: vec![end::TopicData { topic_name: TOPIC.into(), partitions: vec![partition] }],
                leader_endpoints: local
                    .map(|(_, at)| end::LeaderEndpoint { name: LISTENER.into(), host: at.host, port: at.port })
                    .collect(),
            };
            self.ask(ctx, voter, Ask::EndQuorumEpoch, END_QUORUM_EPOCH, &request);
        }
    }

    pub(super) fn handle_end_quorum_epoch_response(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        request: InFlight,
        response: &EndQuorumEpochResponse,
    ) {
        let Some(partition) = response.topics.first().and_then(|topic| topic.partitions.first()) else {
            return self.back_off(from);
        };
        self.learn(ctx, partition.leader_epoch, Some(NodeId(partition.leader_id)));
        if request.round != self.round {
            return;
        }
        if partition.error_code != ErrorCode::None.code() {
            return self.back_off(from);
        }
        self.answered_well(from);
        if let Role::Resigned { unacked, .. } = &mut self.role {
            unacked.remove(&from);
        }
    }

    /// `KafkaRaftClient.handleEndQuorumEpochRequest`: the leader leaves, and says who should be first to campaign.
    pub(super) fn handle_end_quorum_epoch(
        &mut self,
        ctx: &mut Ctx<'_>,
        conn: ConnId,
        head: &RequestHead,
        body: &Bytes,
    ) -> Option<()> {
        self.now = ctx.now.mono;
        let request: EndQuorumEpochRequest = frame::decode_body(head.api_version, body).ok()?;
        let to = ReplyTo::new(conn, head);
        let partition = match request.topics.as_slice() {
            [end::TopicData { topic_name, partitions }] if topic_name == TOPIC => partitions.first(),
            _ => None,
        };
        let mut response = EndQuorumEpochResponse::default();
        match partition {
            _ if !self.is_cluster(request.cluster_id.as_ref()) => {
                response.error_code = ErrorCode::InconsistentClusterId.code();
            }
            None => response.error_code = ErrorCode::InvalidRequest.code(),
            Some(partition) => {
                self.identify(ctx, conn, partition.leader_id);
                let error = if partition.leader_epoch < self.election.epoch {
                    ErrorCode::FencedLeaderEpoch
                } else if partition.leader_id < 0 {
                    ErrorCode::InvalidRequest
                } else {
                    self.learn(ctx, partition.leader_epoch, Some(NodeId(partition.leader_id)));
                    self.prepare_succession(partition);
                    ErrorCode::None
                };
                let partition = end::ResponsePartitionData {
                    partition_index: 0,
                    error_code: error.code(),
                    leader_id: self.leader_id_or_none(),
                    leader_epoch: self.election.epoch,
                };
                response.topics =
                    vec![end::ResponseTopicData { topic_name: TOPIC.into(), partitions: vec![partition] }];
                let leader = self.leader().into_iter();
                let endpoint = |(id, at): (NodeId, crate::id::Endpoint)| end::NodeEndpoint {
                    node_id: id.0,
                    host: at.host,
                    port: at.port,
                };
                response.node_endpoints = leader.map(endpoint).collect();
            }
        }
        self.respond::<EndQuorumEpochRequest>(ctx, to, &response);
        Some(())
    }

    /// The first successor campaigns at once, each later one twice as late as the one before it.
    fn prepare_succession(&mut self, request: &end::PartitionData) {
        let local = self.local_key();
        let leader = self.election.leader;
        let max_ms = self.config.controller_quorum_election_backoff_max_ms;
        let Role::Follower { deadline, .. } = &mut self.role else { return };
        if !self.is_voter || leader != Some(NodeId(request.leader_id)) {
            return;
        }
        let (position, count) = if request.preferred_candidates.is_empty() {
            let successors = &request.preferred_successors;
            let position = successors.iter().position(|id| *id == local.id.0);
            (position.unwrap_or(successors.len()), successors.len())
        } else {
            let candidates = &request.preferred_candidates;
            let position = candidates.iter().position(|candidate| {
                let directory_id = candidate.candidate_directory_id;
                candidate.candidate_id == local.id.0 && (directory_id.is_zero() || directory_id == local.directory_id)
            });
            (position.unwrap_or(candidates.len()), candidates.len())
        };
        *deadline = self.now.plus_ms(succession_backoff_ms(position, count, max_ms));
    }
}

/// `KafkaRaftClient.strictExponentialElectionBackoffMs`.
fn succession_backoff_ms(position: usize, count: usize, max_ms: u64) -> u64 {
    if position == 0 {
        return 0;
    }
    if position >= count || count > 32 {
        return max_ms;
    }
    max_ms.min((max_ms >> (count - 1)) << (position - 1))
}

#[cfg(test)]
mod tests {
    use super::succession_backoff_ms;

    #[test]
    fn successors_campaign_one_after_the_other() {
        let order: Vec<u64> = (0..5).map(|position| succession_backoff_ms(position, 4, 1000)).collect();
        assert_eq!(order, [0, 125, 250, 500, 1000]);
        assert_eq!(succession_backoff_ms(0, 0, 1000), 0);
    }
}
