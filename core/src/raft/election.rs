//! Votes and pre-votes: asking for them, granting them, counting them (KIP-595, KIP-996).

use super::{
    Raft, Role,
    quorum_state_file::{ElectionState, ReplicaKey},
    requests::{Ask, InFlight, VOTE},
    respond::{ReplyTo, TOPIC},
};
use crate::{
    id::NodeId,
    seam::Ctx,
    trace::EventKind,
    wire::{
        error::ErrorCode,
        vote::{
            NodeEndpoint, PartitionData, ResponsePartitionData, ResponseTopicData, TopicData, VoteRequest, VoteResponse,
        },
    },
};

impl Raft {
    /// Campaigning: asks every voter that has not answered yet. A pre-vote asks about the epoch as it is.
    pub(super) fn ask_for_votes(&mut self, ctx: &mut Ctx<'_>) {
        let (ballots, pre_vote) = match &self.role {
            Role::Prospective { ballots, .. } => (ballots, true),
            Role::Candidate { ballots, .. } => (ballots, false),
            _ => return,
        };
        let has_answered = |id: &NodeId| ballots.granted.contains(id) || ballots.refused.contains(id);
        let silent: Vec<NodeId> = self.peers.keys().filter(|id| !has_answered(id)).copied().collect();
        let local = self.local_key();
        for voter in silent {
            if !self.is_ready(ctx, voter) {
                continue;
            }
            let partition = PartitionData {
                partition_index: 0,
                replica_epoch: self.election.epoch,
                replica_id: local.id.0,
                replica_directory_id: local.directory_id,
                last_offset_epoch: self.log.last_epoch(),
                last_offset: self.log.end_offset(),
                pre_vote,
                ..Default::default()
            };
            let request = VoteRequest {
                cluster_id: Some(self.config.cluster_id.clone()),
                voter_id: voter.0,
                topics: vec![TopicData { topic_name: TOPIC.into(), partitions: vec![partition] }],
            };
            self.ask(ctx, voter, if pre_vote { Ask::PreVote } else { Ask::Vote }, VOTE, &request);
        }
    }

    /// `KafkaRaftClient.handleVoteRequest`.
    pub(super) fn handle_vote(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, request: &VoteRequest) {
        let partition = match request.topics.as_slice() {
            [TopicData { topic_name, partitions }] if topic_name == TOPIC => match partitions.as_slice() {
                [partition] if partition.partition_index == 0 => partition,
                _ => return self.respond_vote_error(ctx, to, ErrorCode::InvalidRequest),
            },
            _ => return self.respond_vote_error(ctx, to, ErrorCode::InvalidRequest),
        };
        if !self.is_cluster(request.cluster_id.as_ref()) {
            return self.respond_vote_error(ctx, to, ErrorCode::InconsistentClusterId);
        }
        self.identify(ctx, to.conn, partition.replica_id);
        let error = if let Err(error) = check(partition, self.election.epoch) {
            error
        } else if !self.is_local_voter(request.voter_id, partition.voter_directory_id) {
            ErrorCode::InvalidVoterKey
        } else {
            ErrorCode::None
        };
        let granted = error == ErrorCode::None && self.consider(ctx, partition);
        self.respond_vote(ctx, to, error, granted);
    }

    /// Grants or refuses, and says so. A granted vote is durable before its answer leaves ([`Self::respond`]).
    fn consider(&mut self, ctx: &mut Ctx<'_>, request: &PartitionData) -> bool {
        let epoch = request.replica_epoch;
        if epoch > self.election.epoch {
            // Also for a pre-vote, which carries an epoch that somebody else has already begun.
            self.become_unattached(ctx, epoch);
        }
        let candidate = ReplicaKey { id: NodeId(request.replica_id), directory_id: request.replica_directory_id };
        let pre_vote = request.pre_vote;
        match self.grants(candidate, (request.last_offset_epoch, request.last_offset), pre_vote) {
            Ok(()) => {
                if !pre_vote && self.election.voted.is_none() {
                    self.vote_for(ctx, candidate);
                }
                ctx.out.trace(|| EventKind::VoteGranted { to: candidate.id, epoch, pre_vote });
                true
            }
            Err(reason) => {
                ctx.out.trace(|| EventKind::VoteRefused { to: candidate.id, epoch, pre_vote, reason });
                false
            }
        }
    }

    /// `EpochState.canGrantVote` of each state, and `unattachedOrProspectiveCanGrantVote`.
    fn grants(&self, candidate: ReplicaKey, its_log: (i32, i64), pre_vote: bool) -> Result<(), String> {
        let own_log = (self.log.last_epoch(), self.log.end_offset());
        let up_to_date = || {
            if its_log >= own_log {
                return Ok(());
            }
            let ((epoch, offset), (own_epoch, own_offset)) = (its_log, own_log);
            Err(format!("its log ends at {offset} in epoch {epoch}, behind mine at {own_offset} in epoch {own_epoch}"))
        };
        match &self.role {
            _ if !self.is_voter => Err("I am an observer".into()),
            Role::Leader(_) => Err("I lead this epoch".into()),
            Role::Follower { has_fetched: true, .. } if pre_vote => Err("I hear from the leader".into()),
            _ if pre_vote => up_to_date(),
            Role::Follower { .. } => Err("I know the leader of this epoch".into()),
            Role::Resigned { .. } => Err("I led this epoch".into()),
            Role::Candidate { .. } => Err("I voted for myself in this epoch".into()),
            Role::Unattached { .. } | Role::Prospective { .. } => match self.election.voted {
                // Asked again by the same one: the answer may have been lost.
                Some(vote)
                    if vote.id == candidate.id
                        && (vote.directory_id.is_zero() || vote.directory_id == candidate.directory_id) =>
                {
                    Ok(())
                }
                Some(vote) => Err(format!("I voted for {} in this epoch", vote.id)),
                None if self.election.leader.is_some() => Err("I know the leader of this epoch".into()),
                None => up_to_date(),
            },
        }
    }

    /// Same role, one promise more, and time for the candidate to win.
    fn vote_for(&mut self, ctx: &mut Ctx<'_>, candidate: ReplicaKey) {
        let deadline = self.election_deadline();
        let election = ElectionState { voted: Some(candidate), ..self.election };
        let role = match &self.role {
            Role::Prospective { ballots, .. } => Role::Prospective { ballots: ballots.clone(), deadline },
            _ => Role::Unattached { deadline },
        };
        self.enter(ctx, election, role);
    }

    pub(super) fn handle_vote_response(
        &mut self,
        ctx: &mut Ctx<'_>,
        from: NodeId,
        request: InFlight,
        response: &VoteResponse,
    ) {
        let Some(partition) = response.topics.first().and_then(|topic| topic.partitions.first()) else {
            return self.back_off(from);
        };
        let error = ErrorCode::from_code(partition.error_code);
        let is_current = request.round == self.round;
        self.learn(ctx, partition.leader_epoch, Some(NodeId(partition.leader_id)));
        if !is_current || request.round != self.round {
            return;
        }
        if error != ErrorCode::None {
            return self.back_off(from);
        }
        self.answered_well(from);
        let (Role::Prospective { ballots, .. } | Role::Candidate { ballots, .. }) = &mut self.role else { return };
        if partition.vote_granted {
            ballots.granted.insert(from);
        } else {
            ballots.refused.insert(from);
        }
        self.count_ballots(ctx);
    }

    /// Moves on when the majority has decided. A candidate's own vote counts once it is durable.
    pub(super) fn count_ballots(&mut self, ctx: &mut Ctx<'_>) {
        let majority = self.majority();
        let voters = self.config.voters.len();
        match &self.role {
            Role::Prospective { ballots, .. } if ballots.granted.len() >= majority => self.become_candidate(ctx),
            Role::Prospective { ballots, .. } if voters - ballots.refused.len() < majority => {
                let deadline = self.election_deadline();
                self.pre_vote_lost(ctx, deadline);
            }
            // A candidate that has lost waits out its timeout, so that another may win (KAFKA-18345).
            Role::Candidate { ballots, .. } if ballots.granted.len() >= majority && self.store.is_durable() => {
                let votes = ballots.granted.iter().copied().collect();
                self.become_leader(ctx, votes);
            }
            _ => {}
        }
    }

    fn respond_vote(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, error: ErrorCode, vote_granted: bool) {
        let partition = ResponsePartitionData {
            partition_index: 0,
            error_code: error.code(),
            leader_id: self.leader_id_or_none(),
            leader_epoch: self.election.epoch,
            vote_granted,
        };
        let leader = self.leader().into_iter();
        let response = VoteResponse {
            error_code: ErrorCode::None.code(),
            topics: vec![ResponseTopicData { topic_name: TOPIC.into(), partitions: vec![partition] }],
            node_endpoints: leader
                .map(|(id, at)| NodeEndpoint { node_id: id.0, host: at.host, port: at.port })
                .collect(),
        };
        self.respond::<VoteRequest>(ctx, to, &response);
    }

    fn respond_vote_error(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, error: ErrorCode) {
        self.respond::<VoteRequest>(ctx, to, &VoteResponse { error_code: error.code(), ..Default::default() });
    }
}

/// Whether the request makes sense: a candidate's log lies in earlier epochs than the one it has begun.
fn check(request: &PartitionData, epoch: i32) -> Result<(), ErrorCode> {
    let newest_epoch = request.replica_epoch - i32::from(!request.pre_vote);
    if request.last_offset < 0 || request.last_offset_epoch < 0 || request.last_offset_epoch > newest_epoch {
        return Err(ErrorCode::InvalidRequest);
    }
    if request.replica_epoch < epoch {
        return Err(ErrorCode::FencedLeaderEpoch);
    }
    if request.replica_id < 0 { Err(ErrorCode::InvalidRequest) } else { Ok(()) }
}
