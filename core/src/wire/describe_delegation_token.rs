//! DescribeDelegationToken (key 41, KIP-48).

use bytes::Bytes;
use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 41, versions = "1-3", flexible = "2+")]
pub struct DescribeDelegationTokenRequest {
    #[wire(versions = "0+", nullable = "0+")]
    pub owners: Option<Vec<DescribeDelegationTokenOwner>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeDelegationTokenOwner {
    #[wire(versions = "0+")]
    pub principal_type: String,
    #[wire(versions = "0+")]
    pub principal_name: String,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 41, versions = "1-3", flexible = "2+")]
pub struct DescribeDelegationTokenResponse {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub tokens: Vec<DescribedDelegationToken>,
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribedDelegationToken {
    #[wire(versions = "0+")]
    pub principal_type: String,
    #[wire(versions = "0+")]
    pub principal_name: String,
    #[wire(versions = "3+")]
    pub token_requester_principal_type: String,
    #[wire(versions = "3+")]
    pub token_requester_principal_name: String,
    #[wire(versions = "0+")]
    pub issue_timestamp: i64,
    #[wire(versions = "0+")]
    pub expiry_timestamp: i64,
    #[wire(versions = "0+")]
    pub max_timestamp: i64,
    #[wire(versions = "0+")]
    pub token_id: String,
    #[wire(versions = "0+")]
    pub hmac: Bytes,
    #[wire(versions = "0+")]
    pub renewers: Vec<DescribedDelegationTokenRenewer>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribedDelegationTokenRenewer {
    #[wire(versions = "0+")]
    pub principal_type: String,
    #[wire(versions = "0+")]
    pub principal_name: String,
}
