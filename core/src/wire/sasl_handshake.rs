//! SaslHandshake (key 17, KIP-12).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 17, versions = "0-1", flexible = "none")]
pub struct SaslHandshakeRequest {
    #[wire(versions = "0+")]
    pub mechanism: String,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 17, versions = "0-1", flexible = "none")]
pub struct SaslHandshakeResponse {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub mechanisms: Vec<String>,
}
