//! BeginQuorumEpoch (key 53): a new quorum leader says so (KIP-595).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 53, versions = "0-1", flexible = "1+")]
pub struct BeginQuorumEpochRequest {
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub cluster_id: Option<String>,
    #[wire(versions = "1+", default = "-1", ignorable)]
    pub voter_id: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<TopicData>,
    #[wire(versions = "1+", ignorable)]
    pub leader_endpoints: Vec<LeaderEndpoint>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicData {
    #[wire(versions = "0+")]
    pub topic_name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<PartitionData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionData {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "1+", ignorable)]
    pub voter_directory_id: Uuid,
    #[wire(versions = "0+")]
    pub leader_id: i32,
    #[wire(versions = "0+")]
    pub leader_epoch: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct LeaderEndpoint {
    #[wire(versions = "1+")]
    pub name: String,
    #[wire(versions = "1+")]
    pub host: String,
    #[wire(versions = "1+")]
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 53, versions = "0-1", flexible = "1+")]
pub struct BeginQuorumEpochResponse {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub topics: Vec<ResponseTopicData>,
    #[wire(versions = "1+", tag = 0)]
    pub node_endpoints: Vec<NodeEndpoint>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ResponseTopicData {
    #[wire(versions = "0+")]
    pub topic_name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<ResponsePartitionData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ResponsePartitionData {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub leader_id: i32,
    #[wire(versions = "0+")]
    pub leader_epoch: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct NodeEndpoint {
    #[wire(versions = "1+")]
    pub node_id: i32,
    #[wire(versions = "1+")]
    pub host: String,
    #[wire(versions = "1+")]
    pub port: u16,
}
