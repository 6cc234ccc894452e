//! Requests about one group: checked for what the group need not be known for, then handed to its partition.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Answer, Caller, Env, GroupCoordinator, Then, UNKNOWN_MEMBER_ID,
    classic::ClassicGroup,
    leave::leave_response,
    rebalance::{answer_join, refuse_join},
    record::GroupRecord,
    shard::Shard,
};
use crate::{
    broker::Reply,
    seam::Ctx,
    wire::{
        error::ErrorCode,
        heartbeat::{HeartbeatRequest, HeartbeatResponse},
        join_group::{JoinGroupRequest, JoinGroupResponse},
        leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberIdentity},
        offset_commit::{OffsetCommitRequest, OffsetCommitResponse},
        offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse},
        sync_group::{SyncGroupRequest, SyncGroupResponse},
    },
};

impl GroupCoordinator {
    pub fn join(&mut self, ctx: &mut Ctx, caller: Caller, request: &JoinGroupRequest) {
        let config = Arc::clone(&self.config);
        let timeouts = config.group_min_session_timeout_ms..=config.group_max_session_timeout_ms;
        let refused = if request.group_id.is_empty() {
            Some(ErrorCode::InvalidGroupId)
        } else if !timeouts.contains(&i64::from(request.session_timeout_ms)) {
            Some(ErrorCode::InvalidSessionTimeout)
        } else {
            None
        };
        let partition = self.partition_for(&request.group_id);
        if let Some(error) = refused {
            let refusal = refuse_join(&request.member_id, error);
            return answer_join(&mut self.env(ctx, partition), caller.reply, refusal);
        }
        let reply = caller.reply.clone();
        let served = self.serve(ctx, partition, |shard, env| shard.join(env, caller, request));
        if let Err(error) = served {
            let refusal = JoinGroupResponse { error_code: error.code(), ..Default::default() };
            answer_join(&mut self.env(ctx, partition), reply, refusal);
        }
    }

    pub fn sync(&mut self, ctx: &mut Ctx, reply: Reply, request: SyncGroupRequest) {
        let partition = self.partition_for(&request.group_id);
        let refusal = |error: ErrorCode| SyncGroupResponse { error_code: error.code(), ..Default::default() };
        if request.group_id.is_empty() {
            return self.answer(ctx, reply, refusal(ErrorCode::InvalidGroupId));
        }
        let again = reply.clone();
        let served = self.serve(ctx, partition, |shard, env| match shard.groups.get_mut(&request.group_id) {
            Some(group) => group.sync(env, reply, request),
            None => env.answer(reply, refusal(ErrorCode::UnknownMemberId)),
        });
        if let Err(error) = served {
            self.answer(ctx, again, refusal(error));
        }
    }

    pub fn heartbeat(&mut self, ctx: &mut Ctx, reply: Reply, request: &HeartbeatRequest) {
        let partition = self.partition_for(&request.group_id);
        let response = |error: ErrorCode| HeartbeatResponse { error_code: error.code(), ..Default::default() };
        if request.group_id.is_empty() {
            return self.answer(ctx, reply, response(ErrorCode::InvalidGroupId));
        }
        let again = reply.clone();
        let served = self.serve(ctx, partition, |shard, env| {
            let error = match shard.groups.get_mut(&request.group_id) {
                Some(group) => group.heartbeat(env, request),
                None => ErrorCode::UnknownMemberId,
            };
            match error {
                ErrorCode::None | ErrorCode::RebalanceInProgress => {
                    env.append(Vec::new(), Then::Answer(reply, response(error).into()));
                }
                error => env.answer(reply, response(error)),
            }
        });
        match served {
            Ok(()) => {}
            // While the groups are being loaded nobody loses their membership.
            Err(ErrorCode::CoordinatorLoadInProgress) => self.answer(ctx, again, response(ErrorCode::None)),
            Err(error) => self.answer(ctx, again, response(error)),
        }
    }

    pub fn leave(&mut self, ctx: &mut Ctx, reply: Reply, request: LeaveGroupRequest) {
        let partition = self.partition_for(&request.group_id);
        let refusal = |error: ErrorCode| LeaveGroupResponse { error_code: error.code(), ..Default::default() };
        if request.group_id.is_empty() {
            return self.answer(ctx, reply, refusal(ErrorCode::InvalidGroupId));
        }
        let (again, version) = (reply.clone(), reply.version);
        let members = if version < 3 {
            vec![MemberIdentity { member_id: request.member_id, ..Default::default() }]
        } else {
            request.members
        };
        let group_id = request.group_id;
        let served = self.serve(ctx, partition, |shard, env| match shard.groups.get_mut(&group_id) {
            Some(group) => {
                let response = group.leave(env, version, members);
                // What the group wrote because of it goes before.
                env.append(Vec::new(), Then::Answer(reply, response.into()));
            }
            None => {
                let unknown = members.into_iter().map(|m| (m, ErrorCode::UnknownMemberId)).collect();
                env.answer(reply, leave_response(version, unknown));
            }
        });
        if let Err(error) = served {
            self.answer(ctx, again, refusal(error));
        }
    }

    /// `response`: the same partitions in the same order; what has an error was refused before.
    pub fn offset_commit(
        &mut self,
        ctx: &mut Ctx,
        reply: Reply,
        request: &OffsetCommitRequest,
        response: OffsetCommitResponse,
    ) {
        let partition = self.partition_for(&request.group_id);
        let (again, refused) = (reply.clone(), Answer::from(response.clone()));
        let served = self.serve(ctx, partition, |shard, env| shard.offset_commit(env, reply, request, response));
        if let Err(error) = served {
            self.answer(ctx, again, refused.with_error(error));
        }
    }

    pub fn offset_delete(
        &mut self,
        ctx: &mut Ctx,
        reply: Reply,
        request: &OffsetDeleteRequest,
        response: OffsetDeleteResponse,
    ) {
        let partition = self.partition_for(&request.group_id);
        let again = reply.clone();
        let refusal = |error: ErrorCode| OffsetDeleteResponse { error_code: error.code(), ..Default::default() };
        if request.group_id.is_empty() {
            return self.answer(ctx, reply, refusal(ErrorCode::InvalidGroupId));
        }
        let served = self.serve(ctx, partition, |shard, env| shard.offset_delete(env, reply, request, response));
        if let Err(error) = served {
            self.answer(ctx, again, refusal(error));
        }
    }
}

impl Shard {
    /// A join may make the group it is for.
    fn join(&mut self, env: &mut Env, caller: Caller, request: &JoinGroupRequest) {
        let id = request.group_id.as_str();
        if let Some(group) = self.groups.get_mut(id) {
            return group.join(env, caller, request);
        }
        // Only who has no id yet can be the first.
        if request.member_id != UNKNOWN_MEMBER_ID {
            return answer_join(env, caller.reply, refuse_join(&request.member_id, ErrorCode::UnknownMemberId));
        }
        let mut group = ClassicGroup::new(id, env.ctx.now.wall_ms);
        group.join(env, caller, request);
        let (key, value) = ClassicGroup::new(id, env.ctx.now.wall_ms).to_record(&BTreeMap::new());
        self.groups.insert(id.to_owned(), group);
        env.append(vec![GroupRecord::Group(key, Some(value))], Then::NewGroup { group: id.to_owned() });
    }
}
