//! How a group gets from one generation to the next: a join phase, then the leader's assignment
//! (`GroupMetadataManager.prepareRebalance` and what it leads to).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    Env, Then, UNKNOWN_MEMBER_ID,
    classic::{ClassicGroup, State, Unreadable},
    member::Member,
    record::GroupRecord,
    timers::{TimerKey, What},
};
use crate::{
    broker::Reply,
    trace::EventKind,
    wire::{error::ErrorCode, join_group::JoinGroupResponse, sync_group::SyncGroupResponse},
};

impl ClassicGroup {
    pub(super) fn timer(&self, env: &Env, what: What) -> TimerKey {
        TimerKey { partition: env.partition, group: self.id.clone(), what }
    }

    pub(super) fn set_timer(&self, env: &mut Env, what: What, after_ms: u64) {
        let (key, at, cause) = (self.timer(env, what), env.now().plus_ms(after_ms), env.ctx.out.cause());
        env.timers.set(key, at, cause);
    }

    /// The member was heard of: its session begins anew.
    pub(super) fn refresh_session(&self, env: &mut Env, member_id: &str) {
        if let Some(member) = self.members.get(member_id) {
            let after_ms = u64::try_from(member.session_timeout_ms).unwrap_or(0);
            self.set_timer(env, What::Session { member: member_id.to_owned() }, after_ms);
        }
    }

    pub(super) fn cancel_session(&self, env: &mut Env, member_id: &str) {
        let key = self.timer(env, What::Session { member: member_id.to_owned() });
        env.timers.cancel(&key);
    }

    /// Begins a rebalance, or goes on with the one that is under way.
    pub(super) fn rebalance_or_complete(&mut self, env: &mut Env, why: &str) -> Result<(), Unreadable> {
        match self.state {
            State::Stable | State::CompletingRebalance | State::Empty => self.prepare_rebalance(env, why),
            State::PreparingRebalance | State::Dead => self.maybe_complete_join(env),
        }
    }

    pub(super) fn prepare_rebalance(&mut self, env: &mut Env, why: &str) -> Result<(), Unreadable> {
        // Whoever waits for an assignment of this generation will not get it.
        if self.is_in(State::CompletingRebalance) {
            self.fail_assignment(env, ErrorCode::RebalanceInProgress);
        }
        self.pending_sync.clear();
        let key = self.timer(env, What::Sync { generation: self.generation });
        env.timers.cancel(&key);
        let is_first = self.is_in(State::Empty);
        self.transition(State::PreparingRebalance, env.ctx.now.wall_ms);
        let (group, generation, members) = (&self.id, self.generation, self.members.len());
        env.ctx.out.trace(|| EventKind::RebalanceStarted {
            group: group.clone(),
            generation,
            members: members as u32,
            why: why.to_owned(),
        });
        if is_first {
            // More members are likely to come at once (KIP-134).
            let delay_ms = env.config.group_initial_rebalance_delay_ms;
            let remaining_ms = self.rebalance_timeout_ms().saturating_sub(delay_ms);
            self.set_timer(env, What::InitialJoin { delay_ms, remaining_ms }, delay_ms);
        } else if self.all_joined() {
            return self.complete_join(env);
        } else {
            self.set_timer(env, What::Join, self.rebalance_timeout_ms());
        }
        Ok(())
    }

    /// The wait of a new group is over, unless somebody came meanwhile (`tryCompleteInitialRebalanceElseSchedule`).
    pub(super) fn initial_delay_over(
        &mut self,
        env: &mut Env,
        delay_ms: u64,
        remaining_ms: u64,
    ) -> Result<(), Unreadable> {
        if self.new_member_added && remaining_ms != 0 {
            self.new_member_added = false;
            let next_ms = env.config.group_initial_rebalance_delay_ms.min(remaining_ms);
            let remaining_ms = remaining_ms.saturating_sub(delay_ms);
            self.set_timer(env, What::InitialJoin { delay_ms: next_ms, remaining_ms }, next_ms);
            return Ok(());
        }
        self.complete_join(env)
    }

    pub(super) fn maybe_complete_join(&mut self, env: &mut Env) -> Result<(), Unreadable> {
        if self.is_in(State::PreparingRebalance) && self.previous_state != State::Empty && self.all_joined() {
            return self.complete_join(env);
        }
        Ok(())
    }

    /// The join phase ends: who came makes the next generation (`completeClassicGroupJoin`). If that cannot begin, they
    /// go on waiting.
    pub(super) fn complete_join(&mut self, env: &mut Env) -> Result<(), Unreadable> {
        let key = self.timer(env, What::Join);
        env.timers.cancel(&key);
        let absent = self.members.values().filter(|m| !m.is_awaiting_join() && !m.is_static());
        let absent: Vec<String> = absent.map(|m| m.id.clone()).collect();
        for member_id in absent {
            self.remove(&member_id);
            self.cancel_session(env, &member_id);
            self.trace_left(env, &member_id, "it did not join the rebalance in time");
        }
        if self.is_in(State::Dead) {
            return Ok(());
        }
        if !self.elect_joined_leader() && !self.members.is_empty() {
            // Only static members are left, and none of them has come back yet.
            self.set_timer(env, What::Join, self.rebalance_timeout_ms());
            return Ok(());
        }
        self.next_generation(env)?;
        if self.is_in(State::Empty) {
            let (key, value) = self.to_record(&BTreeMap::new());
            env.append(vec![GroupRecord::Group(key, Some(value))], Then::Nothing);
            return Ok(());
        }
        let cause = env.ctx.out.cause();
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in ids {
            env.ctx.out.because(cause);
            let is_leader = self.is_leader(&member_id);
            let members = if is_leader { self.join_members() } else { Vec::new() };
            if let Some(reply) = self.take_join(&member_id) {
                let response = JoinGroupResponse { members, ..self.join_response(&member_id) };
                answer_join(env, reply, response);
            }
            self.refresh_session(env, &member_id);
            if let Some(member) = self.members.get_mut(&member_id) {
                member.is_new = false;
            }
            self.pending_sync.insert(member_id);
        }
        env.ctx.out.because(cause);
        self.set_timer(env, What::Sync { generation: self.generation }, self.rebalance_timeout_ms());
        Ok(())
    }

    fn next_generation(&mut self, env: &mut Env) -> Result<(), Unreadable> {
        // Kafka's counter wraps around too; nobody has lived to see it.
        self.generation = self.generation.wrapping_add(1);
        let wall_ms = env.ctx.now.wall_ms;
        if self.members.is_empty() {
            self.protocol = None;
            self.subscribed_topics = self.compute_subscribed_topics()?;
            self.transition(State::Empty, wall_ms);
        } else {
            self.protocol = self.select_protocol();
            self.subscribed_topics = self.compute_subscribed_topics()?;
            self.transition(State::CompletingRebalance, wall_ms);
        }
        self.pending_sync.clear();
        let (group, generation) = (&self.id, self.generation);
        env.ctx.out.trace(|| EventKind::GenerationBegan {
            group: group.clone(),
            generation,
            protocol: self.protocol.clone().unwrap_or_default(),
            leader: self.leader.clone().unwrap_or_default(),
            members: self.members.keys().cloned().collect(),
        });
        Ok(())
    }

    /// The answer to a member that is in the current generation; the leader's members are to be added.
    pub(super) fn join_response(&self, member_id: &str) -> JoinGroupResponse {
        JoinGroupResponse {
            generation_id: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: member_id.to_owned(),
            ..Default::default()
        }
    }

    /// Not everybody fetched the assignment in time (`expirePendingSync`).
    pub(super) fn sync_timed_out(&mut self, env: &mut Env, generation: i32) -> Result<(), Unreadable> {
        let in_phase = matches!(self.state, State::CompletingRebalance | State::Stable);
        if generation != self.generation || !in_phase || self.pending_sync.is_empty() {
            return Ok(());
        }
        for member_id in std::mem::take(&mut self.pending_sync) {
            self.remove(&member_id);
            self.cancel_session(env, &member_id);
            self.trace_left(env, &member_id, "it did not sync in time");
        }
        self.prepare_rebalance(env, "members did not fetch their assignment in time")
    }

    /// The assignment is stored: everybody who waits gets theirs.
    pub(super) fn assign(&mut self, env: &mut Env, assignments: &BTreeMap<String, Bytes>) {
        for member in self.members.values_mut() {
            member.assignment = assignments.get(&member.id).cloned().unwrap_or_default();
        }
        self.transition(State::Stable, env.ctx.now.wall_ms);
        let (group, generation) = (&self.id, self.generation);
        env.ctx.out.trace(|| EventKind::GroupStable { group: group.clone(), generation });
        self.propagate(env, ErrorCode::None);
    }

    /// There will be no assignment in this generation.
    pub(super) fn fail_assignment(&mut self, env: &mut Env, error: ErrorCode) {
        self.members.values_mut().for_each(|m| m.assignment = Bytes::new());
        self.propagate(env, error);
    }

    fn propagate(&mut self, env: &mut Env, error: ErrorCode) {
        let cause = env.ctx.out.cause();
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in ids {
            if let Some(reply) = self.take_sync(&member_id) {
                env.ctx.out.because(cause);
                let response = if error == ErrorCode::None {
                    self.sync_response(&member_id)
                } else {
                    SyncGroupResponse { error_code: error.code(), ..Default::default() }
                };
                env.answer(reply, response);
                self.refresh_session(env, &member_id);
            }
        }
        env.ctx.out.because(cause);
    }

    pub(super) fn sync_response(&self, member_id: &str) -> SyncGroupResponse {
        SyncGroupResponse {
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment: self.members.get(member_id).map(|m| m.assignment.clone()).unwrap_or_default(),
            ..Default::default()
        }
    }

    /// Takes a member out, whose parked join is told so.
    pub(super) fn expel(&mut self, env: &mut Env, member_id: &str, why: &str) {
        self.cancel_session(env, member_id);
        if let Some(reply) = self.take_join(member_id) {
            answer_join(env, reply, refuse_join(UNKNOWN_MEMBER_ID, ErrorCode::UnknownMemberId));
        }
        // Kafka forgets a parked sync of such a member. Here every request is answered.
        if let Some(reply) = self.take_sync(member_id) {
            let error_code = ErrorCode::UnknownMemberId.code();
            env.answer(reply, SyncGroupResponse { error_code, ..Default::default() });
        }
        self.remove(member_id);
        self.trace_left(env, member_id, why);
    }

    /// Nothing was heard of it for too long (`expireClassicGroupMemberHeartbeat`).
    pub(super) fn session_timed_out(&mut self, env: &mut Env, member_id: &str) -> Result<(), Unreadable> {
        if self.pending_join.contains(member_id) {
            self.remove(member_id);
            if self.is_in(State::PreparingRebalance) && self.all_joined() {
                return self.complete_join(env);
            }
            return Ok(());
        }
        if self.members.get(member_id).is_none_or(Member::has_satisfied_heartbeat) {
            return Ok(());
        }
        self.expel(env, member_id, "its session timed out");
        match self.state {
            State::Stable | State::CompletingRebalance => {
                self.rebalance_or_complete(env, "a member's session timed out")
            }
            State::PreparingRebalance if self.all_joined() => self.complete_join(env),
            _ => Ok(()),
        }
    }

    pub(super) fn trace_left(&self, env: &mut Env, member_id: &str, why: &str) {
        let group = &self.id;
        env.ctx.out.trace(|| EventKind::MemberLeft {
            group: group.clone(),
            member: member_id.to_owned(),
            why: why.to_owned(),
        });
    }

    /// The group is no longer here (`GroupMetadataManager.onUnloaded`): whoever waits is told so.
    pub(super) fn unload(&mut self, env: &mut Env, error: ErrorCode) {
        self.state = State::Dead;
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for member_id in ids {
            if let Some(reply) = self.take_join(&member_id) {
                answer_join(env, reply, refuse_join(&member_id, error));
            }
            if let Some(reply) = self.take_sync(&member_id) {
                env.answer(reply, SyncGroupResponse { error_code: error.code(), ..Default::default() });
            }
        }
    }
}

pub(super) fn refuse_join(member_id: &str, error: ErrorCode) -> JoinGroupResponse {
    JoinGroupResponse { error_code: error.code(), member_id: member_id.to_owned(), ..Default::default() }
}

/// No protocol is said in two ways: before version 7 it could not be null, and now it is never empty
/// (`JoinGroupResponse`).
pub(super) fn answer_join(env: &mut Env, reply: Reply, mut response: JoinGroupResponse) {
    response.protocol_name = response.protocol_name.filter(|name| !name.is_empty());
    if reply.version < 7 {
        response.protocol_name.get_or_insert_default();
    }
    env.answer(reply, response);
}
