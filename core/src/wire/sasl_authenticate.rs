//! SaslAuthenticate (key 36, KIP-152).

use bytes::Bytes;
use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 36, versions = "0-2", flexible = "2+")]
pub struct SaslAuthenticateRequest {
    #[wire(versions = "0+")]
    pub auth_bytes: Bytes,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 36, versions = "0-2", flexible = "2+")]
pub struct SaslAuthenticateResponse {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub auth_bytes: Bytes,
    #[wire(versions = "1+", default = "0", ignorable)]
    pub session_lifetime_ms: i64,
}
