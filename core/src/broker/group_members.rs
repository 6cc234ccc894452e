//! JoinGroup, SyncGroup, Heartbeat and LeaveGroup: what a member asks of its coordinator (`KafkaApis.handleJoinGroupRequest`
//! and its siblings). The rules are in `group`.

use super::{Broker, Reply};
use crate::{
    authorize::Operation,
    seam::Ctx,
    wire::{
        error::ErrorCode,
        heartbeat::{HeartbeatRequest, HeartbeatResponse},
        join_group::{JoinGroupRequest, JoinGroupResponse},
        leave_group::{LeaveGroupRequest, LeaveGroupResponse},
        sync_group::{SyncGroupRequest, SyncGroupResponse},
    },
};

/// From this version on a member says by which protocol it means to be in the group (KIP-559).
const PROTOCOL_IN_SYNC_SINCE: i16 = 5;

/// Before this version the name of a protocol could not be null.
const NULL_PROTOCOL_SINCE: i16 = 7;

const DENIED: i16 = ErrorCode::GroupAuthorizationFailed.code();

impl Broker {
    pub(super) fn join_group(&mut self, ctx: &mut Ctx, reply: Reply, request: &JoinGroupRequest) {
        if !self.may(&reply, Operation::Read, &request.group_id) {
            let protocol_name = (reply.version < NULL_PROTOCOL_SINCE).then(String::new);
            let response = JoinGroupResponse { error_code: DENIED, protocol_name, ..Default::default() };
            return self.conns.answer::<JoinGroupRequest>(ctx, &reply, &response);
        }
        let caller = self.caller(reply);
        self.groups.join(ctx, caller, request);
    }

    pub(super) fn sync_group(&mut self, ctx: &mut Ctx, reply: Reply, request: SyncGroupRequest) {
        let named = request.protocol_type.is_some() && request.protocol_name.is_some();
        let refused = if reply.version >= PROTOCOL_IN_SYNC_SINCE && !named {
            Some(ErrorCode::InconsistentGroupProtocol)
        } else if !self.may(&reply, Operation::Read, &request.group_id) {
            Some(ErrorCode::GroupAuthorizationFailed)
        } else {
            None
        };
        match refused {
            Some(error) => {
                let response = SyncGroupResponse { error_code: error.code(), ..Default::default() };
                self.conns.answer::<SyncGroupRequest>(ctx, &reply, &response);
            }
            None => self.groups.sync(ctx, reply, request),
        }
    }

    pub(super) fn group_heartbeat(&mut self, ctx: &mut Ctx, reply: Reply, request: &HeartbeatRequest) {
        if self.may(&reply, Operation::Read, &request.group_id) {
            self.groups.heartbeat(ctx, reply, request);
        } else {
            let response = HeartbeatResponse { error_code: DENIED, ..Default::default() };
            self.conns.answer::<HeartbeatRequest>(ctx, &reply, &response);
        }
    }

    pub(super) fn leave_group(&mut self, ctx: &mut Ctx, reply: Reply, request: LeaveGroupRequest) {
        if self.may(&reply, Operation::Read, &request.group_id) {
            self.groups.leave(ctx, reply, request);
        } else {
            let response = LeaveGroupResponse { error_code: DENIED, ..Default::default() };
            self.conns.answer::<LeaveGroupRequest>(ctx, &reply, &response);
        }
    }
}
