//! Produce (key 0): record batches to the leaders of their partitions.

use lab_derive::Message;

use super::records::Records;
use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 0, versions = "3-13", flexible = "9+")]
pub struct ProduceRequest {
    #[wire(versions = "3+", nullable = "3+", default = "null")]
    pub transactional_id: Option<String>,
    #[wire(versions = "0+")]
    pub acks: i16,
    #[wire(versions = "0+")]
    pub timeout_ms: i32,
    #[wire(versions = "0+")]
    pub topic_data: Vec<TopicProduceData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicProduceData {
    #[wire(versions = "0-12", ignorable)]
    pub name: String,
    #[wire(versions = "13+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+")]
    pub partition_data: Vec<PartitionProduceData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionProduceData {
    #[wire(versions = "0+")]
    pub index: i32,
    #[wire(versions = "0+", nullable = "0+")]
    pub records: Records,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 0, versions = "3-13", flexible = "9+")]
pub struct ProduceResponse {
    #[wire(versions = "0+")]
    pub responses: Vec<TopicProduceResponse>,
    #[wire(versions = "1+", default = "0", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "10+", tag = 0)]
    pub node_endpoints: Vec<NodeEndpoint>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicProduceResponse {
    #[wire(versions = "0-12", ignorable)]
    pub name: String,
    #[wire(versions = "13+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+")]
    pub partition_responses: Vec<PartitionProduceResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionProduceResponse {
    #[wire(versions = "0+")]
    pub index: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub base_offset: i64,
    #[wire(versions = "2+", default = "-1", ignorable)]
    pub log_append_time_ms: i64,
    #[wire(versions = "5+", default = "-1", ignorable)]
    pub log_start_offset: i64,
    #[wire(versions = "8+", ignorable)]
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    #[wire(versions = "8+", nullable = "8+", default = "null", ignorable)]
    pub error_message: Option<String>,
    #[wire(versions = "10+", tag = 0)]
    pub current_leader: LeaderIdAndEpoch,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct BatchIndexAndErrorMessage {
    #[wire(versions = "8+")]
    pub batch_index: i32,
    #[wire(versions = "8+", nullable = "8+", default = "null")]
    pub batch_index_error_message: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct LeaderIdAndEpoch {
    #[wire(versions = "10+", default = "-1")]
    pub leader_id: i32,
    #[wire(versions = "10+", default = "-1")]
    pub leader_epoch: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct NodeEndpoint {
    #[wire(versions = "10+")]
    pub node_id: i32,
    #[wire(versions = "10+")]
    pub host: String,
    #[wire(versions = "10+")]
    pub port: i32,
    #[wire(versions = "10+", nullable = "10+", default = "null")]
    pub rack: Option<String>,
}
