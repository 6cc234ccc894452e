//! AlterPartitionReassignments (key 45): other replicas for partitions, or the end of such a move (KIP-455).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 45, versions = "0-1", flexible = "0+")]
pub struct AlterPartitionReassignmentsRequest {
    #[wire(versions = "0+", default = "60000")]
    pub timeout_ms: i32,
    #[wire(versions = "1+", default = "true")]
    pub allow_replication_factor_change: bool,
    #[wire(versions = "0+")]
    pub topics: Vec<ReassignableTopic>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ReassignableTopic {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<ReassignablePartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ReassignablePartition {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub replicas: Option<Vec<i32>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 45, versions = "0-1", flexible = "0+")]
pub struct AlterPartitionReassignmentsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "1+", default = "true", ignorable)]
    pub allow_replication_factor_change: bool,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub responses: Vec<ReassignableTopicResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ReassignableTopicResponse {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<ReassignablePartitionResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ReassignablePartitionResponse {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
}
