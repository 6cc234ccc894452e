//! Heartbeat (key 12): a member of the classic protocol says that it lives.

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 12, versions = "0-4", flexible = "4+")]
pub struct HeartbeatRequest {
    #[wire(versions = "0+")]
    pub group_id: String,
    #[wire(versions = "0+")]
    pub generation_id: i32,
    #[wire(versions = "0+")]
    pub member_id: String,
    #[wire(versions = "3+", nullable = "3+", default = "null")]
    pub group_instance_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 12, versions = "0-4", flexible = "4+")]
pub struct HeartbeatResponse {
    #[wire(versions = "1+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
}
