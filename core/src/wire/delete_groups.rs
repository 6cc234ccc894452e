//! DeleteGroups (key 42).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 42, versions = "0-2", flexible = "2+")]
pub struct DeleteGroupsRequest {
    #[wire(versions = "0+")]
    pub groups_names: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 42, versions = "0-2", flexible = "2+")]
pub struct DeleteGroupsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub results: Vec<DeletableGroupResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeletableGroupResult {
    #[wire(versions = "0+")]
    pub group_id: String,
    #[wire(versions = "0+")]
    pub error_code: i16,
}
