//! DescribeQuorum (key 55, KIP-595).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 55, versions = "0-2", flexible = "0+")]
pub struct DescribeQuorumRequest {
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
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 55, versions = "0-2", flexible = "0+")]
pub struct DescribeQuorumResponse {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "2+", nullable = "2+", ignorable)]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub topics: Vec<ResponseTopicData>,
    #[wire(versions = "2+")]
    pub nodes: Vec<Node>,
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
    #[wire(versions = "2+", nullable = "2+", ignorable)]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub leader_id: i32,
    #[wire(versions = "0+")]
    pub leader_epoch: i32,
    #[wire(versions = "0+")]
    pub high_watermark: i64,
    #[wire(versions = "0+")]
    pub current_voters: Vec<ReplicaState>,
    #[wire(versions = "0+")]
    pub observers: Vec<ReplicaState>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct Node {
    #[wire(versions = "2+")]
    pub node_id: i32,
    #[wire(versions = "2+")]
    pub listeners: Vec<Listener>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct Listener {
    #[wire(versions = "2+")]
    pub name: String,
    #[wire(versions = "2+")]
    pub host: String,
    #[wire(versions = "2+")]
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ReplicaState {
    #[wire(versions = "0+")]
    pub replica_id: i32,
    #[wire(versions = "2+")]
    pub replica_directory_id: Uuid,
    #[wire(versions = "0+")]
    pub log_end_offset: i64,
    #[wire(versions = "1+", default = "-1", ignorable)]
    pub last_fetch_timestamp: i64,
    #[wire(versions = "1+", default = "-1", ignorable)]
    pub last_caught_up_timestamp: i64,
}
