//! LeaveGroup (key 13): members leave at once rather than by session timeout (KIP-345 for many at a time).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 13, versions = "0-5", flexible = "4+")]
pub struct LeaveGroupRequest {
    #[wire(versions = "0+")]
    pub group_id: String,
    #[wire(versions = "0-2")]
    pub member_id: String,
    #[wire(versions = "3+")]
    pub members: Vec<MemberIdentity>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MemberIdentity {
    #[wire(versions = "3+")]
    pub member_id: String,
    #[wire(versions = "3+", nullable = "3+", default = "null")]
    pub group_instance_id: Option<String>,
    #[wire(versions = "5+", nullable = "5+", default = "null", ignorable)]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 13, versions = "0-5", flexible = "4+")]
pub struct LeaveGroupResponse {
    #[wire(versions = "1+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "3+")]
    pub members: Vec<MemberResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MemberResponse {
    #[wire(versions = "3+")]
    pub member_id: String,
    #[wire(versions = "3+", nullable = "3+")]
    pub group_instance_id: Option<String>,
    #[wire(versions = "3+")]
    pub error_code: i16,
}
