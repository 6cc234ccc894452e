//! The roles of a replica (Kafka's `QuorumState`), the transitions between them, and the loop that drives them.
//!
//! ```text
//!               election timeout            majority of pre-votes          majority of votes
//!  Unattached ------------------> Prospective ---------------> Candidate ------------------> Leader
//!      ^  | leader learnt           |  ^ fetch timeout   election timeout | (epoch + 1,        | check-quorum failed,
//!      |  v                   lost  v  |                <-----------------+  own vote)         v clean shutdown
//!      +-- Follower <---------------+--+                                                    Resigned
//! ```
//! A higher epoch, from whomever, leads to Unattached (or Follower) from everywhere.

use std::collections::BTreeSet;

use super::{ElectionState, Raft, RaftEvent, leader::Leader, quorum_state_file::ReplicaKey};
use crate::{
    config::NodeConfig,
    id::{Endpoint, NodeId},
    node::StartError,
    seam::{Ctx, Time},
    trace::EventKind,
};

/// The phase of an epoch. Epoch, leader and vote are durable and live in [`ElectionState`]; a role holds the rest.
#[derive(Clone, Debug)]
pub(super) enum Role {
    /// Knows the epoch and maybe the leader's name; waits. Observers wait without a timer.
    Unattached {
        deadline: Time,
    },
    /// Asks who would vote for it, before it disturbs anybody with a new epoch (KIP-996).
    Prospective {
        ballots: Ballots,
        deadline: Time,
    },
    /// Has begun an epoch and voted for itself in it.
    Candidate {
        ballots: Ballots,
        deadline: Time,
    },
    Follower {
        deadline: Time,
        /// It has heard from its leader in this epoch, so it refuses pre-votes.
        has_fetched: bool,
        /// An observer whose leader is silent asks any voter who leads, until it has fetched from a leader again.
        is_searching: bool,
    },
    Leader(Box<Leader>),
    /// Led this epoch and gave it up: it neither leads nor votes in it again.
    Resigned {
        deadline: Time,
        successors: Vec<ReplicaKey>,
        unacked: BTreeSet<NodeId>,
    },
}

/// Who has answered a campaign, and how.
#[derive(Clone, Debug, Default)]
pub(super) struct Ballots {
    pub(super) granted: BTreeSet<NodeId>,
    pub(super) refused: BTreeSet<NodeId>,
}

impl Role {
    /// The names that Kafka's metrics and logs use.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Unattached { .. } => "unattached",
            Self::Prospective { .. } => "prospective",
            Self::Candidate { .. } => "candidate",
            Self::Follower { .. } => "follower",
            Self::Leader(_) => "leader",
            Self::Resigned { .. } => "resigned",
        }
    }

    pub(super) fn deadline(&self, now: Time) -> Time {
        match self {
            Self::Unattached { deadline }
            | Self::Prospective { deadline, .. }
            | Self::Candidate { deadline, .. }
            | Self::Follower { deadline, .. }
            | Self::Resigned { deadline, .. } => *deadline,
            Self::Leader(leader) => leader.deadline(now),
        }
    }
}

impl Raft {
    /// Takes up where the disk says this replica was (`QuorumState.initialize`).
    pub(super) fn start(config: &NodeConfig, dir: &str, is_voter: bool, ctx: &mut Ctx<'_>) -> Result<Self, StartError> {
        let damaged = |what: String| StartError::Damaged { file: format!("{dir}/quorum-state"), what };
        let voters = config.voters.iter().map(|voter| voter.id).collect();
        let (store, mut election) = super::Store::open(ctx.disk, dir, voters).map_err(damaged)?;
        let (log, snapshot) = super::MetadataLog::open(ctx.disk, dir, config)?;
        if log.last_epoch() > election.epoch {
            election = ElectionState { epoch: log.last_epoch(), leader: None, voted: None };
        }
        let mut raft = Self {
            config: config.clone().into(),
            is_voter,
            // Each start draws other timeouts, or two nodes that tied once would tie again after every restart.
            rng: fastrand::Rng::with_seed(config.seed ^ seed_of(config)),
            election,
            store,
            log,
            role: Role::Unattached { deadline: Time::MAX },
            round: 0,
            high_watermark: None,
            peers: super::requests::peers(config),
            next_correlation_id: 0,
            identified: Default::default(),
            parked: Vec::new(),
            held: Vec::new(),
            download: None,
            delivered: 0,
            delivered_timestamp: 0,
            has_more_to_deliver: false,
            announced: false,
            events: Vec::new(),
            shutdown: None,
            shutdown_complete: false,
            failure: None,
            now: ctx.now.mono,
        };
        if let Some(snapshot) = snapshot {
            raft.delivered = snapshot.end_offset;
            raft.high_watermark = Some(snapshot.end_offset);
            raft.events.push(RaftEvent::Snapshot {
                end_offset: snapshot.end_offset,
                epoch: snapshot.epoch,
                records: snapshot.records,
            });
        }
        let local = config.node_id;
        let election = raft.election;
        let role = match election {
            _ if !is_voter && election.leader.is_some_and(|leader| raft.peers.contains_key(&leader)) => raft.follower(),
            _ if !is_voter => Role::Unattached { deadline: Time::MAX },
            // Nobody else can win, and nobody would be disturbed.
            _ if raft.peers.is_empty() => Role::Unattached { deadline: ctx.now.mono },
            ElectionState { leader: Some(leader), .. } if leader == local => {
                let deadline = raft.election_deadline();
                Role::Resigned { deadline, successors: Vec::new(), unacked: raft.peers.keys().copied().collect() }
            }
            ElectionState { leader: Some(leader), .. } if raft.peers.contains_key(&leader) => raft.follower(),
            ElectionState { voted: Some(vote), .. } if vote.id == local => raft.candidate(),
            _ => Role::Unattached { deadline: raft.election_deadline() },
        };
        // Written even if unchanged: what was read may not have been durable.
        raft.store.write(ctx.disk, ctx.out, election, ctx.now.mono);
        raft.enter(ctx, election, role);
        if let Some(leader) = raft.leader().filter(|(id, _)| *id != local) {
            raft.events.push(RaftEvent::LeaderChanged { leader: Some(leader), epoch: election.epoch });
        }
        raft.drive(ctx);
        Ok(raft)
    }

    pub(super) fn local_key(&self) -> ReplicaKey {
        ReplicaKey { id: self.config.node_id, directory_id: self.config.directory_id }
    }

    pub(super) fn endpoint_of(&self, id: NodeId) -> Option<(NodeId, Endpoint)> {
        self.config.voters.iter().find(|v| v.id == id).map(|v| (v.id, v.endpoint.clone()))
    }

    /// Votes that decide.
    pub(super) fn majority(&self) -> usize {
        self.config.voters.len() / 2 + 1
    }

    /// Uniform in [election timeout, 2 x election timeout), so that two voters seldom campaign together.
    pub(super) fn election_deadline(&mut self) -> Time {
        let timeout_ms = self.config.controller_quorum_election_timeout_ms;
        self.now.plus_ms(timeout_ms + self.rng.u64(0..timeout_ms.max(1)))
    }

    pub(super) fn fetch_deadline(&self) -> Time {
        self.now.plus_ms(self.config.controller_quorum_fetch_timeout_ms)
    }

    pub(super) fn follower(&self) -> Role {
        Role::Follower { deadline: self.fetch_deadline(), has_fetched: false, is_searching: false }
    }

    fn own_ballot(&self) -> Ballots {
        Ballots { granted: BTreeSet::from([self.config.node_id]), refused: BTreeSet::new() }
    }

    fn candidate(&mut self) -> Role {
        Role::Candidate { ballots: self.own_ballot(), deadline: self.election_deadline() }
    }

    /// The only place where epoch, leader, vote and role change.
    pub(super) fn enter(&mut self, ctx: &mut Ctx<'_>, election: ElectionState, role: Role) {
        let before = self.election;
        assert!(election.epoch >= before.epoch, "an epoch never goes back");
        if election.epoch == before.epoch {
            assert!(before.voted.is_none() || election.voted == before.voted, "one vote an epoch");
            assert!(
                before.leader.is_none() || election.leader.is_none() || election.leader == before.leader,
                "one leader an epoch"
            );
        }
        let before_role = std::mem::replace(&mut self.role, role).name();
        self.election = election;
        self.round += 1;
        if election != before {
            self.store.write(ctx.disk, ctx.out, election, self.now);
        }
        self.new_round();
        if !self.is_leader() {
            self.refuse_parked(ctx);
            if self.announced {
                self.announced = false;
                self.events.push(RaftEvent::LostLeadership { epoch: before.epoch });
            }
        }
        if (election.epoch, election.leader) != (before.epoch, before.leader) {
            self.download = None;
            let leader = self.leader();
            self.events.push(RaftEvent::LeaderChanged { leader, epoch: election.epoch });
        }
        if (self.role.name(), election.epoch, election.leader) != (before_role, before.epoch, before.leader) {
            self.trace_role(ctx);
        }
    }

    fn trace_role(&self, ctx: &mut Ctx<'_>) {
        let ElectionState { epoch, leader, .. } = self.election;
        ctx.out.note(|| EventKind::RaftRole { role: self.role.name().into(), epoch, leader });
    }

    /// A higher epoch was seen, and not who leads it.
    pub(super) fn become_unattached(&mut self, ctx: &mut Ctx<'_>, epoch: i32) {
        debug_assert!(epoch > self.election.epoch);
        // Who was already waiting for an election goes on waiting: new epochs must not put it off for ever.
        let deadline = match &self.role {
            _ if !self.is_voter => Time::MAX,
            Role::Unattached { deadline } | Role::Candidate { deadline, .. } | Role::Resigned { deadline, .. } => {
                *deadline
            }
            Role::Prospective { deadline, .. } => *deadline,
            Role::Follower { .. } | Role::Leader(_) => self.election_deadline(),
        };
        self.enter(ctx, ElectionState { epoch, leader: None, voted: None }, Role::Unattached { deadline });
    }

    /// Who leads `epoch` is known. The vote is kept: it was given in this epoch and is not given again.
    pub(super) fn become_follower(&mut self, ctx: &mut Ctx<'_>, epoch: i32, leader: NodeId) {
        debug_assert!(leader != self.config.node_id);
        let voted = if epoch == self.election.epoch { self.election.voted } else { None };
        let role = self.follower();
        self.enter(ctx, ElectionState { epoch, leader: Some(leader), voted }, role);
    }

    /// The leader is silent (or nobody leads): ask who would vote. Nothing durable changes.
    pub(super) fn become_prospective(&mut self, ctx: &mut Ctx<'_>) {
        assert!(self.is_voter, "observers never campaign");
        let role = Role::Prospective { ballots: self.own_ballot(), deadline: self.election_deadline() };
        self.enter(ctx, self.election, role);
        self.count_ballots(ctx);
    }

    pub(super) fn become_candidate(&mut self, ctx: &mut Ctx<'_>) {
        assert!(self.is_voter, "observers never campaign");
        let Some(epoch) = self.next_epoch(ctx) else { return };
        let role = self.candidate();
        let election = ElectionState { epoch, leader: None, voted: Some(self.local_key()) };
        self.enter(ctx, election, role);
    }

    /// `None`: the last epoch has come, from a file or a frame that lied. Nobody can be elected any more.
    pub(super) fn next_epoch(&mut self, ctx: &mut Ctx<'_>) -> Option<i32> {
        let next = self.election.epoch.checked_add(1);
        if next.is_none() {
            self.fail(ctx, format!("there is no epoch after {}", self.election.epoch));
        }
        next
    }

    /// Gives up leading: on a clean shutdown, when the majority has gone silent, or when the disk refuses.
    pub(super) fn resign(&mut self, ctx: &mut Ctx<'_>) {
        let Role::Leader(leader) = &self.role else { return };
        let successors = leader.successors();
        let unacked = self.peers.keys().copied().collect();
        let deadline = self.election_deadline();
        self.enter(ctx, self.election, Role::Resigned { deadline, successors, unacked });
    }

    /// What another replica says about the epoch, whatever else it says (`maybeHandleCommonResponse`, `maybeTransition`).
    pub(super) fn learn(&mut self, ctx: &mut Ctx<'_>, epoch: i32, leader: Option<NodeId>) {
        // A leader that is no voter cannot be reached, and this node knows better than others whether it leads.
        let leader = leader.filter(|id| self.peers.contains_key(id));
        match leader {
            Some(leader) if epoch > self.election.epoch => self.become_follower(ctx, epoch, leader),
            Some(leader) if epoch == self.election.epoch && self.election.leader.is_none() => {
                self.become_follower(ctx, epoch, leader);
            }
            None if epoch > self.election.epoch => self.become_unattached(ctx, epoch),
            _ => {}
        }
    }

    /// The disk under the log failed, or the cluster contradicts what this replica knows to be committed.
    pub(super) fn fail(&mut self, ctx: &mut Ctx<'_>, why: String) {
        if self.is_leader() {
            self.resign(ctx);
        }
        self.failure.get_or_insert(why);
    }
}

fn seed_of(config: &NodeConfig) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&config.incarnation_id.0[..8]);
    u64::from_be_bytes(bytes) ^ (config.node_id.0 as u64).rotate_left(32)
}
