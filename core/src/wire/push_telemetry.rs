//! PushTelemetry (key 72, KIP-714).

use bytes::Bytes;
use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 72, versions = "0", flexible = "0+")]
pub struct PushTelemetryRequest {
    #[wire(versions = "0+")]
    pub client_instance_id: Uuid,
    #[wire(versions = "0+")]
    pub subscription_id: i32,
    #[wire(versions = "0+")]
    pub terminating: bool,
    #[wire(versions = "0+")]
    pub compression_type: i8,
    #[wire(versions = "0+")]
    pub metrics: Bytes,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 72, versions = "0", flexible = "0+")]
pub struct PushTelemetryResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
}
