//! LeaveGroup: out of the group without waiting for a session to end, several at a time since version 3 (KIP-345;
//! `GroupMetadataManager.classicGroupLeaveToClassicGroup`).

use super::{
    Env, UNKNOWN_MEMBER_ID,
    classic::{ClassicGroup, State},
};
use crate::wire::{
    error::ErrorCode,
    leave_group::{LeaveGroupResponse, MemberIdentity, MemberResponse},
};

/// Before, one member at a time, whose error is the answer's own.
const BATCHED_SINCE: i16 = 3;

impl ClassicGroup {
    pub(super) fn leave(&mut self, env: &mut Env, version: i16, members: Vec<MemberIdentity>) -> LeaveGroupResponse {
        if self.is_in(State::Dead) {
            let error_code = ErrorCode::CoordinatorNotAvailable.code();
            return LeaveGroupResponse { error_code, ..Default::default() };
        }
        let results: Vec<(MemberIdentity, ErrorCode)> = members
            .into_iter()
            .map(|member| {
                let error = self.leave_one(env, &member).err().unwrap_or(ErrorCode::None);
                (member, error)
            })
            .collect();
        if results.iter().any(|(_, error)| *error == ErrorCode::None) {
            let begun = match self.state {
                State::Stable | State::CompletingRebalance => self.rebalance_or_complete(env, "a member left"),
                State::PreparingRebalance => self.maybe_complete_join(env),
                State::Empty | State::Dead => Ok(()),
            };
            if begun.is_err() {
                let error_code = ErrorCode::UnknownServerError.code();
                return LeaveGroupResponse { error_code, ..Default::default() };
            }
        }
        leave_response(version, results)
    }

    fn leave_one(&mut self, env: &mut Env, member: &MemberIdentity) -> Result<(), ErrorCode> {
        let why = member.reason.as_deref().filter(|r| !r.is_empty()).unwrap_or("it left");
        if member.member_id == UNKNOWN_MEMBER_ID {
            // An administrator sends static members away by their instance id alone.
            let known = member.group_instance_id.as_ref().and_then(|i| self.static_members.get(i)).cloned();
            let member_id = known.ok_or(ErrorCode::UnknownMemberId)?;
            self.expel(env, &member_id, why);
        } else if self.pending_join.contains(&member.member_id) {
            self.remove(&member.member_id);
            self.cancel_session(env, &member.member_id);
        } else {
            self.validate_member(&member.member_id, member.group_instance_id.as_deref())?;
            self.expel(env, &member.member_id, why);
        }
        Ok(())
    }
}

pub(super) fn leave_response(version: i16, results: Vec<(MemberIdentity, ErrorCode)>) -> LeaveGroupResponse {
    if version < BATCHED_SINCE {
        let error_code = results.first().map_or(0, |(_, error)| error.code());
        return LeaveGroupResponse { error_code, ..Default::default() };
    }
    let members = results.into_iter().map(|(member, error)| MemberResponse {
        member_id: member.member_id,
        group_instance_id: member.group_instance_id,
        error_code: error.code(),
    });
    LeaveGroupResponse { members: members.collect(), ..Default::default() }
}
