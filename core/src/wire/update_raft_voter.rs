//! UpdateRaftVoter (key 82): a voter's new address (KIP-853).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 82, versions = "0", flexible = "0+")]
pub struct UpdateRaftVoterRequest {
    #[wire(versions = "0+", nullable = "0+")]
    pub cluster_id: Option<String>,
    #[wire(versions = "0+")]
    pub current_leader_epoch: i32,
    #[wire(versions = "0+")]
    pub voter_id: i32,
    #[wire(versions = "0+")]
    pub voter_directory_id: Uuid,
    #[wire(versions = "0+")]
    pub listeners: Vec<Listener>,
    #[wire(versions = "0+")]
    pub k_raft_version_feature: KRaftVersionFeature,
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
pub struct KRaftVersionFeature {
    #[wire(versions = "0+")]
    pub min_supported_version: i16,
    #[wire(versions = "0+")]
    pub max_supported_version: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 82, versions = "0", flexible = "0+")]
pub struct UpdateRaftVoterResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", tag = 0)]
    pub current_leader: CurrentLeader,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CurrentLeader {
    #[wire(versions = "0+", default = "-1")]
    pub leader_id: i32,
    #[wire(versions = "0+", default = "-1")]
    pub leader_epoch: i32,
    #[wire(versions = "0+")]
    pub host: String,
    #[wire(versions = "0+")]
    pub port: i32,
}
