//! DescribeUserScramCredentials (key 50, KIP-554).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 50, versions = "0", flexible = "0+")]
pub struct DescribeUserScramCredentialsRequest {
    #[wire(versions = "0+", nullable = "0+")]
    pub users: Option<Vec<UserName>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct UserName {
    #[wire(versions = "0+")]
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 50, versions = "0", flexible = "0+")]
pub struct DescribeUserScramCredentialsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub results: Vec<DescribeUserScramCredentialsResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeUserScramCredentialsResult {
    #[wire(versions = "0+")]
    pub user: String,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub credential_infos: Vec<CredentialInfo>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CredentialInfo {
    #[wire(versions = "0+")]
    pub mechanism: i8,
    #[wire(versions = "0+")]
    pub iterations: i32,
}
