//! DescribeAcls, CreateAcls and DeleteAcls without an authorizer (Kafka: `AclApis`, `ControllerApis`).

use crate::wire::{
    create_acls::{AclCreationResult, CreateAclsRequest, CreateAclsResponse},
    delete_acls::{DeleteAclsFilterResult, DeleteAclsRequest, DeleteAclsResponse},
    describe_acls::{DescribeAclsRequest, DescribeAclsResponse},
    error::ErrorCode,
};

/// Says nothing that anybody could mean: Kafka does not read such a request (`DescribeAclsRequest` and its siblings).
const UNKNOWN: i8 = 0;

const NO_AUTHORIZER: &str = "No Authorizer is configured.";

fn is_meant(codes: [i8; 4]) -> bool {
    !codes.contains(&UNKNOWN)
}

pub(super) fn describe(r: &DescribeAclsRequest) -> Option<DescribeAclsResponse> {
    let meant = is_meant([r.resource_type_filter, r.pattern_type_filter, r.operation, r.permission_type]);
    meant.then(|| DescribeAclsResponse {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some("No Authorizer is configured on the broker".into()),
        ..Default::default()
    })
}

pub(super) fn create(request: &CreateAclsRequest) -> Option<CreateAclsResponse> {
    let refused =
        AclCreationResult { error_code: ErrorCode::SecurityDisabled.code(), error_message: Some(NO_AUTHORIZER.into()) };
    let meant = |c: &crate::wire::create_acls::AclCreation| {
        is_meant([c.resource_type, c.resource_pattern_type, c.operation, c.permission_type])
    };
    request
        .creations
        .iter()
        .all(meant)
        .then(|| CreateAclsResponse { results: vec![refused; request.creations.len()], ..Default::default() })
}

pub(super) fn delete(request: &DeleteAclsRequest) -> Option<DeleteAclsResponse> {
    let refused = DeleteAclsFilterResult {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some(NO_AUTHORIZER.into()),
        ..Default::default()
    };
    let meant = |f: &crate::wire::delete_acls::DeleteAclsFilter| {
        is_meant([f.resource_type_filter, f.pattern_type_filter, f.operation, f.permission_type])
    };
    request
        .filters
        .iter()
        .all(meant)
        .then(|| DeleteAclsResponse { filter_results: vec![refused; request.filters.len()], ..Default::default() })
}
