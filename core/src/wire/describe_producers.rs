//! DescribeProducers (key 61, KIP-664): what a partition remembers of its idempotent producers.

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 61, versions = "0", flexible = "0+")]
pub struct DescribeProducersRequest {
    #[wire(versions = "0+")]
    pub topics: Vec<TopicRequest>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicRequest {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partition_indexes: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 61, versions = "0", flexible = "0+")]
pub struct DescribeProducersResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<TopicResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicResponse {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<PartitionResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionResponse {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub active_producers: Vec<ProducerState>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ProducerState {
    #[wire(versions = "0+")]
    pub producer_id: i64,
    #[wire(versions = "0+")]
    pub producer_epoch: i32,
    #[wire(versions = "0+", default = "-1")]
    pub last_sequence: i32,
    #[wire(versions = "0+", default = "-1")]
    pub last_timestamp: i64,
    #[wire(versions = "0+")]
    pub coordinator_epoch: i32,
    #[wire(versions = "0+", default = "-1")]
    pub current_txn_start_offset: i64,
}
