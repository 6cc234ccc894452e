//! ListConfigResources (key 74, KIP-1142); before version 1 it was ListClientMetricsResources (KIP-714).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 74, versions = "0-1", flexible = "0+")]
pub struct ListConfigResourcesRequest {
    /// Empty: all.
    #[wire(versions = "1+")]
    pub resource_types: Vec<i8>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 74, versions = "0-1", flexible = "0+")]
pub struct ListConfigResourcesResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub config_resources: Vec<ConfigResource>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ConfigResource {
    #[wire(versions = "0+")]
    pub resource_name: String,
    #[wire(versions = "1+", default = "16", ignorable)]
    pub resource_type: i8,
}
