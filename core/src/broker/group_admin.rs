//! DescribeGroups, ListGroups and DeleteGroups (`KafkaApis.handleDescribeGroupsRequest` and its siblings).

use super::{Broker, Reply};
use crate::{
    authorize::Operation,
    seam::Ctx,
    wire::{
        delete_groups::{DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse},
        describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup},
        error::ErrorCode,
        list_groups::{ListGroupsRequest, ListGroupsResponse},
    },
};

/// Bits of what anybody may do to a group while all is allowed (`AclEntry.supportedOperations`).
const ALL_GROUP_OPERATIONS: i32 = 0b1101_0100_1000;

impl Broker {
    pub(super) fn describe_groups(&mut self, ctx: &mut Ctx, reply: &Reply, request: &DescribeGroupsRequest) {
        let describe = |group_id: &String| {
            if !self.may(reply, Operation::Describe, group_id) {
                let error_code = ErrorCode::GroupAuthorizationFailed.code();
                return DescribedGroup { group_id: group_id.clone(), error_code, ..Default::default() };
            }
            let mut group = self.groups.describe(reply.version, group_id);
            if request.include_authorized_operations && group.error_code == 0 {
                group.authorized_operations = ALL_GROUP_OPERATIONS;
            }
            group
        };
        let groups = request.groups.iter().map(describe).collect();
        let response = DescribeGroupsResponse { groups, ..Default::default() };
        self.conns.answer::<DescribeGroupsRequest>(ctx, reply, &response);
    }

    pub(super) fn list_groups(&mut self, ctx: &mut Ctx, reply: &Reply, request: &ListGroupsRequest) {
        let mut response: ListGroupsResponse = self.groups.list(request);
        // Who may see none of them is told that there are none.
        response.groups.retain(|group| self.may(reply, Operation::Describe, &group.group_id));
        self.conns.answer::<ListGroupsRequest>(ctx, reply, &response);
    }

    pub(super) fn delete_groups(&mut self, ctx: &mut Ctx, reply: Reply, request: DeleteGroupsRequest) {
        let denied = request.groups_names.iter().any(|group| !self.may(&reply, Operation::Delete, group));
        if denied || request.groups_names.is_empty() {
            let error_code = ErrorCode::GroupAuthorizationFailed.code();
            let results = request
                .groups_names
                .into_iter()
                .map(|group_id| DeletableGroupResult { group_id, error_code })
                .collect();
            let response = DeleteGroupsResponse { results, ..Default::default() };
            return self.conns.answer::<DeleteGroupsRequest>(ctx, &reply, &response);
        }
        self.groups.delete_groups(ctx, reply, request.groups_names);
    }
}
