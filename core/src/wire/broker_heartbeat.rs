//! BrokerHeartbeat (key 63, KIP-631).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 63, versions = "0-2", flexible = "0+")]
pub struct BrokerHeartbeatRequest {
    #[wire(versions = "0+")]
    pub broker_id: i32,
    #[wire(versions = "0+", default = "-1")]
    pub broker_epoch: i64,
    #[wire(versions = "0+")]
    pub current_metadata_offset: i64,
    #[wire(versions = "0+")]
    pub want_fence: bool,
    #[wire(versions = "0+")]
    pub want_shut_down: bool,
    #[wire(versions = "1+", tag = 0)]
    pub offline_log_dirs: Vec<Uuid>,
    #[wire(versions = "2+", nullable = "2+", default = "null", tag = 1)]
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 63, versions = "0-2", flexible = "0+")]
pub struct BrokerHeartbeatResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", default = "false")]
    pub is_caught_up: bool,
    #[wire(versions = "0+", default = "true")]
    pub is_fenced: bool,
    #[wire(versions = "0+")]
    pub should_shut_down: bool,
}
