//! AlterConfigs (key 33): the older API, which replaces all that is set on a resource.

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 33, versions = "0-2", flexible = "2+")]
pub struct AlterConfigsRequest {
    #[wire(versions = "0+")]
    pub resources: Vec<AlterConfigsResource>,
    #[wire(versions = "0+")]
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AlterConfigsResource {
    #[wire(versions = "0+")]
    pub resource_type: i8,
    #[wire(versions = "0+")]
    pub resource_name: String,
    #[wire(versions = "0+")]
    pub configs: Vec<AlterableConfig>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AlterableConfig {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+", nullable = "0+")]
    pub value: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 33, versions = "0-2", flexible = "2+")]
pub struct AlterConfigsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub responses: Vec<AlterConfigsResourceResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AlterConfigsResourceResponse {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub resource_type: i8,
    #[wire(versions = "0+")]
    pub resource_name: String,
}
