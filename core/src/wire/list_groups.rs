//! ListGroups (key 16).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 16, versions = "0-5", flexible = "3+")]
pub struct ListGroupsRequest {
    #[wire(versions = "4+")]
    pub states_filter: Vec<String>,
    #[wire(versions = "5+")]
    pub types_filter: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 16, versions = "0-5", flexible = "3+")]
pub struct ListGroupsResponse {
    #[wire(versions = "1+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub groups: Vec<ListedGroup>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ListedGroup {
    #[wire(versions = "0+")]
    pub group_id: String,
    #[wire(versions = "0+")]
    pub protocol_type: String,
    #[wire(versions = "4+", ignorable)]
    pub group_state: String,
    #[wire(versions = "5+", ignorable)]
    pub group_type: String,
}
