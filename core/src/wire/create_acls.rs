//! CreateAcls (key 30, KIP-140).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 30, versions = "1-3", flexible = "2+")]
pub struct CreateAclsRequest {
    #[wire(versions = "0+")]
    pub creations: Vec<AclCreation>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AclCreation {
    #[wire(versions = "0+")]
    pub resource_type: i8,
    #[wire(versions = "0+")]
    pub resource_name: String,
    #[wire(versions = "1+", default = "3")]
    pub resource_pattern_type: i8,
    #[wire(versions = "0+")]
    pub principal: String,
    #[wire(versions = "0+")]
    pub host: String,
    #[wire(versions = "0+")]
    pub operation: i8,
    #[wire(versions = "0+")]
    pub permission_type: i8,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 30, versions = "1-3", flexible = "2+")]
pub struct CreateAclsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub results: Vec<AclCreationResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AclCreationResult {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
}
