//! DescribeAcls (key 29, KIP-140).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 29, versions = "1-3", flexible = "2+")]
pub struct DescribeAclsRequest {
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
#[message(api_key = 29, versions = "1-3", flexible = "2+")]
pub struct DescribeAclsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub resources: Vec<DescribeAclsResource>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeAclsResource {
    #[wire(versions = "0+")]
    pub resource_type: i8,
    #[wire(versions = "0+")]
    pub resource_name: String,
    #[wire(versions = "1+", default = "3")]
    pub pattern_type: i8,
    #[wire(versions = "0+")]
    pub acls: Vec<AclDescription>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AclDescription {
    #[wire(versions = "0+")]
    pub principal: String,
    #[wire(versions = "0+")]
    pub host: String,
    #[wire(versions = "0+")]
    pub operation: i8,
    #[wire(versions = "0+")]
    pub permission_type: i8,
}
