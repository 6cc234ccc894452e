//! DescribeTopicPartitions (key 75): topics page by page (KIP-966).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 75, versions = "0", flexible = "0+")]
pub struct DescribeTopicPartitionsRequest {
    #[wire(versions = "0+")]
    pub topics: Vec<TopicRequest>,
    #[wire(versions = "0+", default = "2000")]
    pub response_partition_limit: i32,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub cursor: Option<Cursor>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicRequest {
    #[wire(versions = "0+")]
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct Cursor {
    #[wire(versions = "0+")]
    pub topic_name: String,
    #[wire(versions = "0+")]
    pub partition_index: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 75, versions = "0", flexible = "0+")]
pub struct DescribeTopicPartitionsResponse {
    #[wire(versions = "0+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub next_cursor: Option<Cursor>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeTopicPartitionsResponseTopic {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub name: Option<String>,
    #[wire(versions = "0+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+", default = "false", ignorable)]
    pub is_internal: bool,
    #[wire(versions = "0+")]
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    #[wire(versions = "0+", default = "-2147483648")]
    pub topic_authorized_operations: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DescribeTopicPartitionsResponsePartition {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub leader_id: i32,
    #[wire(versions = "0+", default = "-1", ignorable)]
    pub leader_epoch: i32,
    #[wire(versions = "0+")]
    pub replica_nodes: Vec<i32>,
    #[wire(versions = "0+")]
    pub isr_nodes: Vec<i32>,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub eligible_leader_replicas: Option<Vec<i32>>,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub last_known_elr: Option<Vec<i32>>,
    #[wire(versions = "0+", ignorable)]
    pub offline_replicas: Vec<i32>,
}
