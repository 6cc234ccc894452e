//! AddRaftVoter (key 80): one more voter of the quorum (KIP-853).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 80, versions = "0-1", flexible = "0+")]
pub struct AddRaftVoterRequest {
    #[wire(versions = "0+", nullable = "0+")]
    pub cluster_id: Option<String>,
    #[wire(versions = "0+")]
    pub timeout_ms: i32,
    #[wire(versions = "0+")]
    pub voter_id: i32,
    #[wire(versions = "0+")]
    pub voter_directory_id: Uuid,
    #[wire(versions = "0+")]
    pub listeners: Vec<Listener>,
    #[wire(versions = "1+", default = "true")]
    pub ack_when_committed: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct Listener {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub host: String,
    #[wire(versions = "0+")]
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 80, versions = "0-1", flexible = "0+")]
pub struct AddRaftVoterResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+", ignorable)]
    pub error_message: Option<String>,
}
