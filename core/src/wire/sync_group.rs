//! SyncGroup (key 14): the leader of a group hands in the assignment, every member fetches its part.

use bytes::Bytes;
use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 14, versions = "0-5", flexible = "4+")]
pub struct SyncGroupRequest {
    #[wire(versions = "0+")]
    pub group_id: String,
    #[wire(versions = "0+")]
    pub generation_id: i32,
    #[wire(versions = "0+")]
    pub member_id: String,
    #[wire(versions = "3+", nullable = "3+", default = "null")]
    pub group_instance_id: Option<String>,
    #[wire(versions = "5+", nullable = "5+", default = "null", ignorable)]
    pub protocol_type: Option<String>,
    #[wire(versions = "5+", nullable = "5+", default = "null", ignorable)]
    pub protocol_name: Option<String>,
    #[wire(versions = "0+")]
    pub assignments: Vec<SyncGroupRequestAssignment>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct SyncGroupRequestAssignment {
    #[wire(versions = "0+")]
    pub member_id: String,
    #[wire(versions = "0+")]
    pub assignment: Bytes,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 14, versions = "0-5", flexible = "4+")]
pub struct SyncGroupResponse {
    #[wire(versions = "1+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "5+", nullable = "5+", default = "null", ignorable)]
    pub protocol_type: Option<String>,
    #[wire(versions = "5+", nullable = "5+", default = "null", ignorable)]
    pub protocol_name: Option<String>,
    #[wire(versions = "0+")]
    pub assignment: Bytes,
}
