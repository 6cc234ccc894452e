//! Vote (key 52): candidates and pre-candidates ask voters (KIP-595, KIP-996).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 52, versions = "0-2", flexible = "0+")]
pub struct VoteRequest {
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub cluster_id: Option<String>,
    #[wire(versions = "1+", default = "-1", ignorable)]
    pub voter_id: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<TopicData>,
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
    #[wire(versions = "0+")]
    pub replica_epoch: i32,
    #[wire(versions = "0+")]
    pub replica_id: i32,
    #[wire(versions = "1+", ignorable)]
    pub replica_directory_id: Uuid,
    #[wire(versions = "1+", ignorable)]
    pub voter_directory_id: Uuid,
    #[wire(versions = "0+")]
    pub last_offset_epoch: i32,
    #[wire(versions = "0+")]
    pub last_offset: i64,
    #[wire(versions = "2+")]
    pub pre_vote: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 52, versions = "0-2", flexible = "0+")]
pub struct VoteResponse {
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
    #[wire(versions = "0+")]
    pub vote_granted: bool,
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
