//! Envelope (key 58): a broker forwards a client's admin request to the controller (KIP-590).

use bytes::Bytes;
use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 58, versions = "0", flexible = "0+")]
pub struct EnvelopeRequest {
    #[wire(versions = "0+")]
    pub request_data: Bytes,
    #[wire(versions = "0+", nullable = "0+")]
    pub request_principal: Option<Bytes>,
    #[wire(versions = "0+")]
    pub client_host_address: Bytes,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 58, versions = "0", flexible = "0+")]
pub struct EnvelopeResponse {
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub response_data: Option<Bytes>,
    #[wire(versions = "0+")]
    pub error_code: i16,
}
