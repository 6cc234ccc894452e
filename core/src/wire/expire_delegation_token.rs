//! ExpireDelegationToken (key 40, KIP-48).

use bytes::Bytes;
use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 40, versions = "1-2", flexible = "2+")]
pub struct ExpireDelegationTokenRequest {
    #[wire(versions = "0+")]
    pub hmac: Bytes,
    #[wire(versions = "0+")]
    pub expiry_time_period_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 40, versions = "1-2", flexible = "2+")]
pub struct ExpireDelegationTokenResponse {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub expiry_timestamp_ms: i64,
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
}
