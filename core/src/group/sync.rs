//! SyncGroup: the leader hands in who reads what, everybody fetches theirs
//! (`GroupMetadataManager.classicGroupSyncToClassicGroup`).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    Env, Then,
    classic::{ClassicGroup, State},
    record::GroupRecord,
};
use crate::{
    broker::Reply,
    trace::EventKind,
    wire::{
        error::ErrorCode,
        sync_group::{SyncGroupRequest, SyncGroupResponse},
    },
};

impl ClassicGroup {
    pub(super) fn sync(&mut self, env: &mut Env, mut reply: Reply, request: SyncGroupRequest) {
        let error = match self.check_sync(&request) {
            Err(error) => error,
            Ok(()) => match self.state {
                State::PreparingRebalance => ErrorCode::RebalanceInProgress,
                State::CompletingRebalance => {
                    let member_id = request.member_id.clone();
                    self.pending_sync.remove(&member_id);
                    reply.cause = env.ctx.out.cause();
                    let member = self.members.get_mut(&member_id).expect("the member was validated");
                    if let Some(earlier) = member.awaiting_sync.replace(reply) {
                        refuse(env, earlier, ErrorCode::RebalanceInProgress);
                    }
                    if self.is_leader(&member_id) {
                        self.store_assignment(env, request);
                    }
                    return;
                }
                State::Stable => {
                    self.pending_sync.remove(&request.member_id);
                    let response = self.sync_response(&request.member_id);
                    return env.answer(reply, response);
                }
                State::Empty | State::Dead => ErrorCode::UnknownMemberId,
            },
        };
        refuse(env, reply, error);
    }

    fn check_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        if self.is_in(State::Dead) {
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        self.validate_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        // What is missing on either side contradicts nothing (KIP-559).
        let differ =
            |theirs: &Option<String>, ours: &Option<String>| theirs.is_some() && ours.is_some() && theirs != ours;
        if differ(&request.protocol_type, &self.protocol_type) || differ(&request.protocol_name, &self.protocol) {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        Ok(())
    }

    /// Nobody gets the assignment before it is safe in the log: a coordinator that takes over must know it too.
    fn store_assignment(&mut self, env: &mut Env, request: SyncGroupRequest) {
        let given: BTreeMap<String, Bytes> =
            request.assignments.into_iter().map(|a| (a.member_id, a.assignment)).collect();
        // Whoever was forgotten gets nothing.
        let of = |id: &String| (id.clone(), given.get(id).cloned().unwrap_or_default());
        let assignments: BTreeMap<String, Bytes> = self.members.keys().map(of).collect();
        let (key, value) = self.to_record(&assignments);
        let (group, generation) = (self.id.clone(), self.generation);
        env.ctx.out.trace(|| EventKind::AssignmentGiven {
            group: group.clone(),
            generation,
            leader: request.member_id.clone(),
        });
        env.append(vec![GroupRecord::Group(key, Some(value))], Then::Assignment { group, generation, assignments });
    }

    /// The leader's assignment is in the log, or is not. Meanwhile the group may have gone on without it.
    pub(super) fn assignment_stored(
        &mut self,
        env: &mut Env,
        generation: i32,
        assignments: &BTreeMap<String, Bytes>,
        result: Result<(), ErrorCode>,
    ) {
        if !self.is_in(State::CompletingRebalance) || generation != self.generation {
            return;
        }
        match result {
            Ok(()) => self.assign(env, assignments),
            Err(error) => {
                self.fail_assignment(env, error);
                // Whoever could be told of it has just been told.
                let _ = self.rebalance_or_complete(env, "the assignment could not be stored");
            }
        }
    }
}

pub(super) fn refuse(env: &mut Env, reply: Reply, error: ErrorCode) {
    env.answer(reply, SyncGroupResponse { error_code: error.code(), ..Default::default() });
}
