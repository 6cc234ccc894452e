//! GetTelemetrySubscriptions (key 71, KIP-714).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 71, versions = "0", flexible = "0+")]
pub struct GetTelemetrySubscriptionsRequest {
    #[wire(versions = "0+")]
    pub client_instance_id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 71, versions = "0", flexible = "0+")]
pub struct GetTelemetrySubscriptionsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub client_instance_id: Uuid,
    #[wire(versions = "0+")]
    pub subscription_id: i32,
    #[wire(versions = "0+")]
    pub accepted_compression_types: Vec<i8>,
    #[wire(versions = "0+")]
    pub push_interval_ms: i32,
    #[wire(versions = "0+")]
    pub telemetry_max_bytes: i32,
    #[wire(versions = "0+")]
    pub delta_temporality: bool,
    #[wire(versions = "0+")]
    pub requested_metrics: Vec<String>,
}
