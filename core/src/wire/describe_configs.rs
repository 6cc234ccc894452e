//! DescribeConfigs (key 32).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 32, versions = "1-4", flexible = "4+")]
pub struct DescribeConfigsRequest {
    #[wire(versions = "0+")]
    pub resources: Vec<DescribeConfigsResource>,
    #[wire(versions = "1+", default = "false")]
    pub include_synonyms: bool,
    #[wire(versions = "3+", default = "false")]
    pub include_documentation: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeConfigsResource {
    #[wire(versions = "0+")]
    pub resource_type: i8,
    #[wire(versions = "0+")]
    pub resource_name: String,
    #[wire(versions = "0+", nullable = "0+")]
    pub configuration_keys: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 32, versions = "1-4", flexible = "4+")]
pub struct DescribeConfigsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub results: Vec<DescribeConfigsResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeConfigsResult {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub resource_type: i8,
    #[wire(versions = "0+")]
    pub resource_name: String,
    #[wire(versions = "0+")]
    pub configs: Vec<DescribeConfigsResourceResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeConfigsResourceResult {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+", nullable = "0+")]
    pub value: Option<String>,
    #[wire(versions = "0+")]
    pub read_only: bool,
    #[wire(versions = "1+", default = "-1", ignorable)]
    pub config_source: i8,
    #[wire(versions = "0+")]
    pub is_sensitive: bool,
    #[wire(versions = "1+", ignorable)]
    pub synonyms: Vec<DescribeConfigsSynonym>,
    #[wire(versions = "3+", default = "0", ignorable)]
    pub config_type: i8,
    #[wire(versions = "3+", nullable = "0+", ignorable)]
    pub documentation: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeConfigsSynonym {
    #[wire(versions = "1+")]
    pub name: String,
    #[wire(versions = "1+", nullable = "0+")]
    pub value: Option<String>,
    #[wire(versions = "1+")]
    pub source: i8,
}
