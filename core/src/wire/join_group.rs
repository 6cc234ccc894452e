//! JoinGroup (key 11): a member enters a rebalance of the classic protocol.

use bytes::Bytes;
use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 11, versions = "0-9", flexible = "6+")]
pub struct JoinGroupRequest {
    #[wire(versions = "0+")]
    pub group_id: String,
    #[wire(versions = "0+")]
    pub session_timeout_ms: i32,
    #[wire(versions = "1+", default = "-1", ignorable)]
    pub rebalance_timeout_ms: i32,
    #[wire(versions = "0+")]
    pub member_id: String,
    #[wire(versions = "5+", nullable = "5+", default = "null")]
    pub group_instance_id: Option<String>,
    #[wire(versions = "0+")]
    pub protocol_type: String,
    #[wire(versions = "0+")]
    pub protocols: Vec<JoinGroupRequestProtocol>,
    #[wire(versions = "8+", nullable = "8+", default = "null", ignorable)]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct JoinGroupRequestProtocol {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub metadata: Bytes,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 11, versions = "0-9", flexible = "6+")]
pub struct JoinGroupResponse {
    #[wire(versions = "2+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", default = "-1")]
    pub generation_id: i32,
    #[wire(versions = "7+", nullable = "7+", default = "null", ignorable)]
    pub protocol_type: Option<String>,
    #[wire(versions = "0+", nullable = "7+")]
    pub protocol_name: Option<String>,
    #[wire(versions = "0+")]
    pub leader: String,
    #[wire(versions = "9+", default = "false")]
    pub skip_assignment: bool,
    #[wire(versions = "0+")]
    pub member_id: String,
    #[wire(versions = "0+")]
    pub members: Vec<JoinGroupResponseMember>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct JoinGroupResponseMember {
    #[wire(versions = "0+")]
    pub member_id: String,
    #[wire(versions = "5+", nullable = "5+", default = "null", ignorable)]
    pub group_instance_id: Option<String>,
    #[wire(versions = "0+")]
    pub metadata: Bytes,
}
