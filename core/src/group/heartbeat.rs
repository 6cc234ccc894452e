//! Heartbeat: a member is alive, and learns of a rebalance (`GroupMetadataManager.classicGroupHeartbeatToClassicGroup`).

use super::{
    Env,
    classic::{ClassicGroup, State},
};
use crate::wire::{error::ErrorCode, heartbeat::HeartbeatRequest};

impl ClassicGroup {
    pub(super) fn heartbeat(&mut self, env: &mut Env, request: &HeartbeatRequest) -> ErrorCode {
        if self.is_in(State::Dead) {
            return ErrorCode::CoordinatorNotAvailable;
        }
        if let Err(error) = self.validate_member(&request.member_id, request.group_instance_id.as_deref()) {
            return error;
        }
        if request.generation_id != self.generation {
            return ErrorCode::IllegalGeneration;
        }
        match self.state {
            State::Empty | State::Dead => ErrorCode::UnknownMemberId,
            State::PreparingRebalance => {
                self.refresh_session(env, &request.member_id);
                ErrorCode::RebalanceInProgress
            }
            // While the assignment is worked out there is nothing to tell.
            State::CompletingRebalance | State::Stable => {
                self.refresh_session(env, &request.member_id);
                ErrorCode::None
            }
        }
    }
}
