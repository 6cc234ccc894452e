//! DeleteAcls (key 31, KIP-140).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 31, versions = "1-3", flexible = "2+")]
pub struct DeleteAclsRequest {
    #[wire(versions = "0+")]
    pub filters: Vec<DeleteAclsFilter>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeleteAclsFilter {
    #[wire(versions = "0+")]
    pub resource_type_filter: i8,
    #[wire(versions = "0+", nullable = "0+")]
    pub resource_name_filter: Option<String>,
    #[wire(versions = "1+", default = "3")]
    pub pattern_type_filter: i8,
    #[wire(versions = "0+", nullable = "0+")]
    pub principal_filter: Option<String>,
    #[wire(versions = "0+", nullable = "0+")]
    pub host_filter: Option<String>,
    #[wire(versions = "0+")]
    pub operation: i8,
    #[wire(versions = "0+")]
    pub permission_type: i8,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 31, versions = "1-3", flexible = "2+")]
pub struct DeleteAclsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub filter_results: Vec<DeleteAclsFilterResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeleteAclsFilterResult {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub matching_acls: Vec<DeleteAclsMatchingAcl>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeleteAclsMatchingAcl {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub resource_type: i8,
    #[wire(versions = "0+")]
    pub resource_name: String,
    #[wire(versions = "1+", default = "3")]
    pub pattern_type: i8,
    #[wire(versions = "0+")]
    pub principal: String,
    #[wire(versions = "0+")]
    pub host: String,
    #[wire(versions = "0+")]
    pub operation: i8,
    #[wire(versions = "0+")]
    pub permission_type: i8,
}
