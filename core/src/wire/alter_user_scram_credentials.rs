//! AlterUserScramCredentials (key 51, KIP-554).

use bytes::Bytes;
use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 51, versions = "0", flexible = "0+")]
pub struct AlterUserScramCredentialsRequest {
    #[wire(versions = "0+")]
    pub deletions: Vec<ScramCredentialDeletion>,
    #[wire(versions = "0+")]
    pub upsertions: Vec<ScramCredentialUpsertion>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ScramCredentialDeletion {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub mechanism: i8,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ScramCredentialUpsertion {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub mechanism: i8,
    #[wire(versions = "0+")]
    pub iterations: i32,
    #[wire(versions = "0+")]
    pub salt: Bytes,
    #[wire(versions = "0+")]
    pub salted_password: Bytes,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 51, versions = "0", flexible = "0+")]
pub struct AlterUserScramCredentialsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub results: Vec<AlterUserScramCredentialsResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AlterUserScramCredentialsResult {
    #[wire(versions = "0+")]
    pub user: String,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
}
