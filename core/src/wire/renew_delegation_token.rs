//! RenewDelegationToken (key 39, KIP-48).

use bytes::Bytes;
use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 39, versions = "1-2", flexible = "2+")]
pub struct RenewDelegationTokenRequest {
    #[wire(versions = "0+")]
    pub hmac: Bytes,
    #[wire(versions = "0+")]
    pub renew_period_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 39, versions = "1-2", flexible = "2+")]
pub struct RenewDelegationTokenResponse {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub expiry_timestamp_ms: i64,
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
}
