//! ElectLeaders (key 43): moves leadership to preferred replicas, or to any that live (KIP-460).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 43, versions = "0-2", flexible = "2+")]
pub struct ElectLeadersRequest {
    #[wire(versions = "1+")]
    pub election_type: i8,
    #[wire(versions = "0+", nullable = "0+")]
    pub topic_partitions: Option<Vec<TopicPartitions>>,
    #[wire(versions = "0+", default = "60000")]
    pub timeout_ms: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicPartitions {
    #[wire(versions = "0+")]
    pub topic: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 43, versions = "0-2", flexible = "2+")]
pub struct ElectLeadersResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "1+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub replica_election_results: Vec<ReplicaElectionResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ReplicaElectionResult {
    #[wire(versions = "0+")]
    pub topic: String,
    #[wire(versions = "0+")]
    pub partition_result: Vec<PartitionResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionResult {
    #[wire(versions = "0+")]
    pub partition_id: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
}
