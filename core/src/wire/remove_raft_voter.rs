//! RemoveRaftVoter (key 81): one voter less (KIP-853).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 81, versions = "0", flexible = "0+")]
pub struct RemoveRaftVoterRequest {
    #[wire(versions = "0+", nullable = "0+")]
    pub cluster_id: Option<String>,
    #[wire(versions = "0+")]
    pub voter_id: i32,
    #[wire(versions = "0+")]
    pub voter_directory_id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 81, versions = "0", flexible = "0+")]
pub struct RemoveRaftVoterResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+", ignorable)]
    pub error_message: Option<String>,
}
