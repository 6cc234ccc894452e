//! What is due: timers, and after every input everything that the new state asks for.

use super::{ElectionState, Raft, Role};
use crate::seam::{Ctx, Time};

impl Raft {
    /// Does all that is due. Called at the end of every input.
    pub(super) fn drive(&mut self, ctx: &mut Ctx<'_>) {
        self.now = ctx.now.mono;
        if self.failure.is_some() {
            self.shutdown_complete = self.shutdown.is_some();
            return;
        }
        self.expire_role(ctx);
        self.store.retry(ctx.disk, ctx.out, self.election, self.now);
        self.count_ballots(ctx);
        self.log.flush(ctx.out);
        self.advance_high_watermark(ctx);
        self.serve_parked(ctx);
        self.release_held(ctx);
        self.drive_snapshots(ctx);
        self.expire_requests(ctx);
        if self.store.is_durable() {
            self.ask_peers(ctx);
        }
        self.deliver(ctx);
        self.finish_shutdown();
    }

    /// The timers of the role.
    fn expire_role(&mut self, ctx: &mut Ctx<'_>) {
        let due = self.role.deadline(self.now) <= self.now;
        match &mut self.role {
            Role::Leader(leader) => {
                if leader.check_quorum_expired(self.now) {
                    // A leader cut off from the majority would go on believing in itself (`LeaderState`, check quorum).
                    self.resign(ctx);
                }
            }
            _ if !due => {}
            Role::Follower { deadline, is_searching, .. } if !self.is_voter => {
                // An observer cannot campaign; it asks around who leads now.
                (*deadline, *is_searching) = (Time::MAX, true);
            }
            _ if self.shutdown.is_some() => {}
            Role::Unattached { .. } | Role::Follower { .. } | Role::Candidate { .. } => self.become_prospective(ctx),
            Role::Prospective { .. } => self.pre_vote_lost(ctx, self.now),
            // The next epoch is another's to win; this node has said that it does not want to lead.
            Role::Resigned { .. } => {
                let Some(epoch) = self.next_epoch(ctx) else { return };
                let deadline = self.election_deadline();
                let election = ElectionState { epoch, leader: None, voted: None };
                self.enter(ctx, election, Role::Unattached { deadline });
            }
        }
    }

    /// Back to where the campaign began: the leader it had, or none. `deadline` is for the latter.
    pub(super) fn pre_vote_lost(&mut self, ctx: &mut Ctx<'_>, deadline: Time) {
        let role = match self.election.leader {
            Some(leader) if self.peers.contains_key(&leader) => self.follower(),
            _ => Role::Unattached { deadline },
        };
        self.enter(ctx, self.election, role);
        if self.role.deadline(self.now) <= self.now {
            self.expire_role(ctx);
        }
    }

    fn finish_shutdown(&mut self) {
        if let Some(deadline) = self.shutdown {
            let another_leads = self.election.leader.is_some_and(|leader| leader != self.config.node_id);
            self.shutdown_complete |= !self.is_voter || self.peers.is_empty() || another_leads || self.now >= deadline;
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Time> {
        if self.failure.is_some() {
            return None;
        }
        let role = match self.role {
            // While shutting down these wait for others.
            Role::Unattached { .. } | Role::Prospective { .. } | Role::Candidate { .. } | Role::Resigned { .. }
                if self.shutdown.is_some() =>
            {
                Time::MAX
            }
            Role::Follower { .. } if self.shutdown.is_some() && self.is_voter => Time::MAX,
            _ => self.role.deadline(self.now),
        };
        let parked = self.parked.iter().map(|fetch| fetch.deadline);
        let deliver = self.has_more_to_deliver.then_some(self.now);
        let shutdown = self.shutdown.filter(|_| !self.shutdown_complete);
        [Some(role), self.store.deadline(), self.requests_deadline(), deliver, shutdown]
            .into_iter()
            .flatten()
            .chain(parked)
            .filter(|at| *at != Time::MAX)
            .min()
    }
}
