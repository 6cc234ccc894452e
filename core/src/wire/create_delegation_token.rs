//! CreateDelegationToken (key 38, KIP-48).

use bytes::Bytes;
use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 38, versions = "1-3", flexible = "2+")]
pub struct CreateDelegationTokenRequest {
    #[wire(versions = "3+", nullable = "3+")]
    pub owner_principal_type: Option<String>,
    #[wire(versions = "3+", nullable = "3+")]
    pub owner_principal_name: Option<String>,
    #[wire(versions = "0+")]
    pub renewers: Vec<CreatableRenewers>,
    #[wire(versions = "0+")]
    pub max_lifetime_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatableRenewers {
    #[wire(versions = "0+")]
    pub principal_type: String,
    #[wire(versions = "0+")]
    pub principal_name: String,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 38, versions = "1-3", flexible = "2+")]
pub struct CreateDelegationTokenResponse {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub principal_type: String,
    #[wire(versions = "0+")]
    pub principal_name: String,
    #[wire(versions = "3+")]
    pub token_requester_principal_type: String,
    #[wire(versions = "3+")]
    pub token_requester_principal_name: String,
    #[wire(versions = "0+")]
    pub issue_timestamp_ms: i64,
    #[wire(versions = "0+")]
    pub expiry_timestamp_ms: i64,
    #[wire(versions = "0+")]
    pub max_timestamp_ms: i64,
    #[wire(versions = "0+")]
    pub token_id: String,
    #[wire(versions = "0+")]
    pub hmac: Bytes,
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
}
