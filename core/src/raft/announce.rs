//! BeginQuorumEpoch and EndQuorumEpoch: a leader says that it leads, and that it leaves. Both sides of both.

use super::{
    Raft, Role,
    quorum_state_file::ReplicaKey,
    requests::{Ask, BEGIN_QUORUM_EPOCH, END_QUORUM_EPOCH, InFlight},
    respond::{LISTENER, ReplyTo, TOPIC},
};
use crate::{
    id::{NodeId, Uuid},
    seam::Ctx,
    wire::{
        begin_quorum_epoch::{self as begin, BeginQuorumEpochRequest, BeginQuorumEpochResponse},
        end_quorum_epoch::{self as end, EndQuorumEpochRequest, EndQuorumEpochResponse},
        error::ErrorCode,
    },
};

impl Raft {
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
        let partition = response.topics.first().and_then(|topic| topic.partitions.first());
        let heard = partition.map(|p| (p.leader_epoch, p.leader_id, p.error_code));
        if !self.is_taken_in(ctx, from, request, heard) {
            return;
        }
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
        to: ReplyTo,
        request: &BeginQuorumEpochRequest,
    ) {
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
                self.identify(ctx, to.conn, partition.leader_id);
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
        let partition = response.topics.first().and_then(|topic| topic.partitions.first());
        let heard = partition.map(|p| (p.leader_epoch, p.leader_id, p.error_code));
        if !self.is_taken_in(ctx, from, request, heard) {
            return;
        }
        if let Role::Resigned { unacked, .. } = &mut self.role {
            unacked.remove(&from);
        }
    }

    /// `KafkaRaftClient.handleEndQuorumEpochRequest`: the leader leaves, and says who should be first to campaign.
    pub(super) fn handle_end_quorum_epoch(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, request: &EndQuorumEpochRequest) {
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
                self.identify(ctx, to.conn, partition.leader_id);
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
    }

    /// What both announcements make of an answer (epoch, leader, error): true when the voter has taken the news in.
    fn is_taken_in(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        request: InFlight,
        heard: Option<(i32, i32, i16)>,
    ) -> bool {
        let Some((leader_epoch, leader_id, error_code)) = heard else {
            self.back_off(from);
            return false;
        };
        self.learn(ctx, leader_epoch, Some(NodeId(leader_id)));
        if request.round != self.round {
            return false;
        }
        if error_code != ErrorCode::None.code() {
            self.back_off(from);
            return false;
        }
        self.answered_well(from);
        true
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
