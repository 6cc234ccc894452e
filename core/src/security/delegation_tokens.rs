//! Requests for delegation tokens (KIP-48) on a connection that nobody has logged in on: tokens would be given to anybody
//! (Kafka: `KafkaApis.allowTokenRequests`).

use crate::{
    seam::Listener,
    wire::{
        create_delegation_token::{CreateDelegationTokenRequest, CreateDelegationTokenResponse},
        describe_delegation_token::DescribeDelegationTokenResponse,
        error::ErrorCode,
        expire_delegation_token::{ExpireDelegationTokenRequest, ExpireDelegationTokenResponse},
        renew_delegation_token::{RenewDelegationTokenRequest, RenewDelegationTokenResponse},
    },
};

const NOT_ALLOWED: i16 = ErrorCode::DelegationTokenRequestNotAllowed.code();
const NEVER: i64 = -1;

pub(super) fn create(request: &CreateDelegationTokenRequest, principal: &str) -> Option<CreateDelegationTokenResponse> {
    let (kind, name) = principal.split_once(':').unwrap_or(("User", principal));
    // Who names an owner asks for him; an owner of no type is more than Kafka can think.
    let named = request.owner_principal_name.as_deref().filter(|owner| !owner.is_empty());
    let (error, owner_type, owner) = match (&request.owner_principal_type, named) {
        (Some(owner_type), Some(owner)) => (NOT_ALLOWED, owner_type.as_str(), owner),
        (None, Some(_)) => (ErrorCode::UnknownServerError.code(), kind, name),
        (_, None) => (NOT_ALLOWED, kind, name),
    };
    Some(CreateDelegationTokenResponse {
        error_code: error,
        principal_type: owner_type.into(),
        principal_name: owner.into(),
        token_requester_principal_type: kind.into(),
        token_requester_principal_name: name.into(),
        issue_timestamp_ms: NEVER,
        expiry_timestamp_ms: NEVER,
        max_timestamp_ms: NEVER,
        ..Default::default()
    })
}

pub(super) fn renew(_: &RenewDelegationTokenRequest) -> Option<RenewDelegationTokenResponse> {
    Some(RenewDelegationTokenResponse { error_code: NOT_ALLOWED, expiry_timestamp_ms: NEVER, ..Default::default() })
}

pub(super) fn expire(_: &ExpireDelegationTokenRequest) -> Option<ExpireDelegationTokenResponse> {
    Some(ExpireDelegationTokenResponse { error_code: NOT_ALLOWED, expiry_timestamp_ms: NEVER, ..Default::default() })
}

/// A controller of Kafka advertises this one and has no answer to it.
pub(super) fn describe(listener: Listener) -> Option<DescribeDelegationTokenResponse> {
    let error_code = match listener {
        Listener::Broker => NOT_ALLOWED,
        Listener::Controller => ErrorCode::UnknownServerError.code(),
    };
    Some(DescribeDelegationTokenResponse { error_code, ..Default::default() })
}
