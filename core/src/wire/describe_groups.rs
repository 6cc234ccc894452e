//! DescribeGroups (key 15).

use bytes::Bytes;
use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 15, versions = "0-6", flexible = "5+")]
pub struct DescribeGroupsRequest {
    #[wire(versions = "0+")]
    pub groups: Vec<String>,
    #[wire(versions = "3+")]
    pub include_authorized_operations: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 15, versions = "0-6", flexible = "5+")]
pub struct DescribeGroupsResponse {
    #[wire(versions = "1+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub groups: Vec<DescribedGroup>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribedGroup {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "6+", nullable = "6+", default = "null")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub group_id: String,
    #[wire(versions = "0+")]
    pub group_state: String,
    #[wire(versions = "0+")]
    pub protocol_type: String,
    #[wire(versions = "0+")]
    pub protocol_data: String,
    #[wire(versions = "0+")]
    pub members: Vec<DescribedGroupMember>,
    #[wire(versions = "3+", default = "-2147483648")]
    pub authorized_operations: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribedGroupMember {
    #[wire(versions = "0+")]
    pub member_id: String,
    #[wire(versions = "4+", nullable = "4+", default = "null", ignorable)]
    pub group_instance_id: Option<String>,
    #[wire(versions = "0+")]
    pub client_id: String,
    #[wire(versions = "0+")]
    pub client_host: String,
    #[wire(versions = "0+")]
    pub member_metadata: Bytes,
    #[wire(versions = "0+")]
    pub member_assignment: Bytes,
}
