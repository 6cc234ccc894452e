//! JoinGroup: into the group, or into its next generation (`GroupMetadataManager.classicGroupJoinToClassicGroup`).

use super::{
    Caller, Env, Then, UNKNOWN_MEMBER_ID,
    classic::{ClassicGroup, State, Unreadable},
    effect::StaticRejoin,
    member::Member,
    rebalance::{answer_join, refuse_join},
    record::GroupRecord,
    timers::What,
};
use crate::{
    trace::EventKind,
    wire::{
        error::ErrorCode,
        join_group::{JoinGroupRequest, JoinGroupResponse},
    },
};

/// From this version on a new member gets its id first and joins with it (KIP-394).
const KNOWN_MEMBER_ID_SINCE: i16 = 4;
/// From this version on a leader can be told that nothing is to be shared out (KIP-814).
const SKIP_ASSIGNMENT_SINCE: i16 = 9;
/// How long a new member's join is parked before the member is given up; its session timeout would be too short.
const NEW_MEMBER_JOIN_TIMEOUT_MS: u64 = 5 * 60 * 1000;

impl ClassicGroup {
    pub(super) fn join(&mut self, env: &mut Env, caller: Caller, request: &JoinGroupRequest) {
        if !self.accepts(env, &request.member_id) {
            self.remove(&request.member_id);
            answer_join(env, caller.reply, refuse_join(UNKNOWN_MEMBER_ID, ErrorCode::GroupMaxSizeReached));
        } else if self.is_in(State::Dead) {
            answer_join(env, caller.reply, refuse_join(&request.member_id, ErrorCode::CoordinatorNotAvailable));
        } else if !self.supports(&request.protocol_type, &request.protocols) {
            answer_join(env, caller.reply, refuse_join(&request.member_id, ErrorCode::InconsistentGroupProtocol));
        } else if request.member_id == UNKNOWN_MEMBER_ID {
            self.join_new(env, caller, request);
        } else {
            self.join_known(env, caller, request);
        }
    }

    /// `group.max.size` (KIP-389); while members join, those count that did already.
    fn accepts(&self, env: &Env, member_id: &str) -> bool {
        let max = usize::try_from(env.config.group_max_size).unwrap_or(usize::MAX);
        match self.state {
            State::Empty | State::Dead => true,
            State::PreparingRebalance => {
                self.members.get(member_id).is_some_and(Member::is_awaiting_join) || self.awaiting_join() < max
            }
            State::CompletingRebalance | State::Stable => {
                self.members.contains_key(member_id) || self.members.len() < max
            }
        }
    }

    fn join_new(&mut self, env: &mut Env, caller: Caller, request: &JoinGroupRequest) {
        let client_id = caller.reply.client_id.clone().unwrap_or_default();
        let member_id = env.member_id(request.group_instance_id.as_deref().unwrap_or(&client_id));
        let known = request.group_instance_id.as_ref().and_then(|i| self.static_members.get(i)).cloned();
        if let Some(old_member_id) = known {
            self.rejoin_static(env, caller, request, &old_member_id, &member_id);
        } else if request.group_instance_id.is_none() && caller.reply.version >= KNOWN_MEMBER_ID_SINCE {
            self.pending_join.insert(member_id.clone());
            let after_ms = u64::try_from(request.session_timeout_ms).unwrap_or(0);
            self.set_timer(env, What::Session { member: member_id.clone() }, after_ms);
            let group = &self.id;
            env.ctx.out.trace(|| EventKind::MemberIdGiven { group: group.clone(), member: member_id.clone() });
            answer_join(env, caller.reply, refuse_join(&member_id, ErrorCode::MemberIdRequired));
        } else {
            self.add_and_rebalance(env, caller, request, member_id);
        }
    }

    fn join_known(&mut self, env: &mut Env, caller: Caller, request: &JoinGroupRequest) {
        let member_id = request.member_id.as_str();
        let instance_id = request.group_instance_id.as_deref();
        // Kafka takes a pending member that names an instance for a bug of its own, and answers as with any of those.
        if self.pending_join.contains(member_id) && instance_id.is_some() {
            return answer_join(env, caller.reply, refuse_join(UNKNOWN_MEMBER_ID, ErrorCode::UnknownServerError));
        }
        if self.pending_join.contains(member_id) {
            return self.add_and_rebalance(env, caller, request, member_id.to_owned());
        }
        if let Err(error) = self.validate_member(member_id, instance_id) {
            return answer_join(env, caller.reply, refuse_join(member_id, error));
        }
        let unchanged = self.members[member_id].matches(&request.protocols);
        match self.state {
            State::PreparingRebalance => {
                self.update_and_rebalance(env, caller, request, "a member joined again");
            }
            // The answer got lost: it is given once more.
            State::CompletingRebalance if unchanged => {
                let members = if self.is_leader(member_id) { self.join_members() } else { Vec::new() };
                let response = JoinGroupResponse { members, ..self.join_response(member_id) };
                answer_join(env, caller.reply, response);
            }
            // The leader joins again when the topics changed: there is something new to share out.
            State::Stable if self.is_leader(member_id) => {
                self.update_and_rebalance(env, caller, request, "the group's leader joined again");
            }
            State::Stable if unchanged => answer_join(env, caller.reply, self.join_response(member_id)),
            State::Stable | State::CompletingRebalance => {
                self.update_and_rebalance(env, caller, request, "a member's metadata changed");
            }
            State::Empty | State::Dead => {
                answer_join(env, caller.reply, refuse_join(member_id, ErrorCode::UnknownMemberId));
            }
        }
    }

    fn add_and_rebalance(&mut self, env: &mut Env, caller: Caller, request: &JoinGroupRequest, member_id: String) {
        let (group, client, instance_id) = (&self.id, &caller.reply.client_id, &request.group_instance_id);
        env.ctx.out.trace(|| EventKind::MemberJoined {
            group: group.clone(),
            member: member_id.clone(),
            client: client.clone().unwrap_or_default(),
            instance_id: instance_id.clone(),
        });
        let mut reply = caller.reply;
        reply.cause = env.ctx.out.cause();
        let member = Member {
            id: member_id.clone(),
            instance_id: request.group_instance_id.clone(),
            client_id: reply.client_id.clone().unwrap_or_default(),
            client_host: caller.host,
            rebalance_timeout_ms: rebalance_timeout_ms(&reply, request),
            session_timeout_ms: request.session_timeout_ms,
            protocols: request.protocols.iter().map(|p| (p.name.clone(), p.metadata.clone())).collect(),
            assignment: bytes::Bytes::new(),
            awaiting_join: Some(reply),
            joined_in_vain: false,
            awaiting_sync: None,
            is_new: true,
        };
        if self.is_in(State::PreparingRebalance) && self.previous_state == State::Empty {
            self.new_member_added = true;
        }
        self.add(member, &request.protocol_type);
        self.set_timer(env, What::Session { member: member_id.clone() }, NEW_MEMBER_JOIN_TIMEOUT_MS);
        let begun = self.rebalance_or_complete(env, "a member joined");
        self.tell_if_in_vain(env, &member_id, begun);
    }

    fn update_and_rebalance(&mut self, env: &mut Env, caller: Caller, request: &JoinGroupRequest, why: &str) {
        self.update_member(env, caller, request, &request.member_id);
        let begun = self.rebalance_or_complete(env, why);
        self.tell_if_in_vain(env, &request.member_id, begun);
    }

    /// No generation could begin, and this join was the last that it waited for.
    fn tell_if_in_vain(&mut self, env: &mut Env, member_id: &str, begun: Result<(), Unreadable>) {
        if begun.is_err()
            && let Some(reply) = self.take_join(member_id)
        {
            self.members.get_mut(member_id).expect("it has just joined").joined_in_vain = true;
            let error_code = ErrorCode::UnknownServerError.code();
            answer_join(env, reply, JoinGroupResponse { error_code, ..Default::default() });
        }
    }

    /// Takes over what the member says of itself now, and parks its join.
    fn update_member(&mut self, env: &mut Env, caller: Caller, request: &JoinGroupRequest, member_id: &str) {
        let member = self.members.get_mut(member_id).expect("it was found before");
        member.protocols = request.protocols.iter().map(|p| (p.name.clone(), p.metadata.clone())).collect();
        member.rebalance_timeout_ms = rebalance_timeout_ms(&caller.reply, request);
        member.session_timeout_ms = request.session_timeout_ms;
        // The client gave up on its earlier request, or it would not be here. Kafka leaves that one without an answer.
        member.joined_in_vain = false;
        if let Some(earlier) = member.awaiting_join.replace(caller.reply) {
            answer_join(env, earlier, refuse_join(member_id, ErrorCode::RebalanceInProgress));
        }
    }

    /// A static member came back without its id: it takes the place of who it was (KIP-345,
    /// `updateStaticMemberThenRebalanceOrCompleteJoin`).
    fn rejoin_static(&mut self, env: &mut Env, caller: Caller, request: &JoinGroupRequest, old: &str, new: &str) {
        let instance_id = request.group_instance_id.clone().expect("only static members come here");
        let rejoin = self.replace_static(env, &instance_id, old, new);
        let version = caller.reply.version;
        self.refresh_session(env, new);
        self.update_member(env, caller, request, new);
        let group = &self.id;
        env.ctx.out.trace(|| EventKind::StaticMemberReturned {
            group: group.clone(),
            instance_id: instance_id.clone(),
            old_member: old.to_owned(),
            member: new.to_owned(),
        });
        let begun = match self.state {
            State::Stable if self.select_protocol() == self.protocol => {
                // The generation goes on as if nothing had happened, but the log must know the new id first.
                let (key, value) = self.to_record(&self.assignments());
                debug_assert!(version >= 5, "instance ids came with version 5");
                env.append(vec![GroupRecord::Group(key, Some(value))], Then::StaticRejoin(Box::new(rejoin)));
                Ok(())
            }
            State::Stable => self.rebalance_or_complete(env, "a static member came back with another protocol"),
            State::CompletingRebalance => self.prepare_rebalance(env, "a static member came back"),
            State::PreparingRebalance => self.maybe_complete_join(env),
            State::Empty | State::Dead => unreachable!("a group with a static member is neither empty nor dead"),
        };
        self.tell_if_in_vain(env, new, begun);
    }

    /// Puts the member under its new id; whoever still waits under the old one is fenced.
    fn replace_static(&mut self, env: &mut Env, instance_id: &str, old: &str, new: &str) -> StaticRejoin {
        let old_leader = self.leader.clone();
        if let Some(reply) = self.take_join(old) {
            answer_join(env, reply, refuse_join(old, ErrorCode::FencedInstanceId));
        }
        if let Some(reply) = self.take_sync(old) {
            let error_code = ErrorCode::FencedInstanceId.code();
            let response = crate::wire::sync_group::SyncGroupResponse { error_code, ..Default::default() };
            env.answer(reply, response);
        }
        let mut member = self.members.remove(old).expect("static members are members");
        let rejoin = StaticRejoin {
            group: self.id.clone(),
            instance_id: instance_id.to_owned(),
            old_member_id: old.to_owned(),
            new_member_id: new.to_owned(),
            old_leader,
            old_protocols: member.protocols.clone(),
            old_rebalance_timeout_ms: member.rebalance_timeout_ms,
            old_session_timeout_ms: member.session_timeout_ms,
        };
        self.cancel_session(env, old);
        new.clone_into(&mut member.id);
        member.is_new = false;
        self.members.insert(new.to_owned(), member);
        if self.is_leader(old) {
            self.leader = Some(new.to_owned());
        }
        self.static_members.insert(instance_id.to_owned(), new.to_owned());
        rejoin
    }

    /// The log knows the new id of a static member, or never will.
    pub(super) fn static_rejoined(&mut self, env: &mut Env, rejoin: &StaticRejoin, result: Result<(), ErrorCode>) {
        let new = rejoin.new_member_id.as_str();
        let old_leader = rejoin.old_leader.clone().unwrap_or_default();
        match result {
            Ok(()) => {
                let Some(reply) = self.take_join(new) else { return };
                let is_leader = self.is_leader(new);
                let mut response = self.join_response(new);
                if reply.version >= SKIP_ASSIGNMENT_SINCE {
                    response.skip_assignment = is_leader;
                    response.members = if is_leader { self.join_members() } else { Vec::new() };
                } else {
                    // It must not take itself for the leader, or it would share out what is shared out.
                    response.leader = old_leader;
                }
                answer_join(env, reply, response);
            }
            Err(error) if self.members.contains_key(new) => {
                let reply = self.take_join(new);
                let member = self.members.get_mut(new).expect("it was just seen");
                member.protocols.clone_from(&rejoin.old_protocols);
                member.rebalance_timeout_ms = rejoin.old_rebalance_timeout_ms;
                member.session_timeout_ms = rejoin.old_session_timeout_ms;
                self.replace_static(env, &rejoin.instance_id, new, &rejoin.old_member_id);
                self.refresh_session(env, &rejoin.old_member_id);
                if let Some(reply) = reply {
                    let response = JoinGroupResponse {
                        error_code: error.code(),
                        leader: old_leader,
                        ..self.join_response(UNKNOWN_MEMBER_ID)
                    };
                    answer_join(env, reply, response);
                }
            }
            Err(_) => {}
        }
    }
}

/// Version 0 had one timeout for both.
fn rebalance_timeout_ms(reply: &crate::broker::Reply, request: &JoinGroupRequest) -> i32 {
    if reply.version == 0 { request.session_timeout_ms } else { request.rebalance_timeout_ms }
}
