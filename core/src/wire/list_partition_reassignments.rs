//! ListPartitionReassignments (key 46): which moves are under way (KIP-455).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 46, versions = "0", flexible = "0+")]
pub struct ListPartitionReassignmentsRequest {
    #[wire(versions = "0+", default = "60000")]
    pub timeout_ms: i32,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub topics: Option<Vec<ListPartitionReassignmentsTopics>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ListPartitionReassignmentsTopics {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partition_indexes: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 46, versions = "0", flexible = "0+")]
pub struct ListPartitionReassignmentsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
    #[wire(versions = "0+")]
    pub topics: Vec<OngoingTopicReassignment>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OngoingTopicReassignment {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<OngoingPartitionReassignment>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OngoingPartitionReassignment {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub replicas: Vec<i32>,
    #[wire(versions = "0+")]
    pub adding_replicas: Vec<i32>,
    #[wire(versions = "0+")]
    pub removing_replicas: Vec<i32>,
}
