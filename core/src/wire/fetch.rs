//! Fetch (key 1): consumers, follower replicas and quorum observers read logs with it.

use lab_derive::Message;

use super::records::Records;
use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 1, versions = "4-18", flexible = "12+")]
pub struct FetchRequest {
    #[wire(versions = "12+", nullable = "12+", default = "null", tag = 0, ignorable)]
    pub cluster_id: Option<String>,
    #[wire(versions = "0-14", default = "-1")]
    pub replica_id: i32,
    #[wire(versions = "15+", tag = 1)]
    pub replica_state: ReplicaState,
    #[wire(versions = "0+")]
    pub max_wait_ms: i32,
    #[wire(versions = "0+")]
    pub min_bytes: i32,
    #[wire(versions = "3+", default = "0x7fffffff", ignorable)]
    pub max_bytes: i32,
    #[wire(versions = "4+", default = "0", ignorable)]
    pub isolation_level: i8,
    #[wire(versions = "7+", default = "0", ignorable)]
    pub session_id: i32,
    #[wire(versions = "7+", default = "-1", ignorable)]
    pub session_epoch: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<FetchTopic>,
    #[wire(versions = "7+")]
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    #[wire(versions = "11+", default = "", ignorable)]
    pub rack_id: String,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ReplicaState {
    #[wire(versions = "15+", default = "-1")]
    pub replica_id: i32,
    #[wire(versions = "15+", default = "-1")]
    pub replica_epoch: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct FetchTopic {
    #[wire(versions = "0-12", ignorable)]
    pub topic: String,
    #[wire(versions = "13+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+")]
    pub partitions: Vec<FetchPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct FetchPartition {
    #[wire(versions = "0+")]
    pub partition: i32,
    #[wire(versions = "9+", default = "-1", ignorable)]
    pub current_leader_epoch: i32,
    #[wire(versions = "0+")]
    pub fetch_offset: i64,
    #[wire(versions = "12+", default = "-1")]
    pub last_fetched_epoch: i32,
    #[wire(versions = "5+", default = "-1", ignorable)]
    pub log_start_offset: i64,
    #[wire(versions = "0+")]
    pub partition_max_bytes: i32,
    #[wire(versions = "17+", tag = 0, ignorable)]
    pub replica_directory_id: Uuid,
    #[wire(versions = "18+", default = "9223372036854775807", tag = 1, ignorable)]
    pub high_watermark: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ForgottenTopic {
    #[wire(versions = "7-12", ignorable)]
    pub topic: String,
    #[wire(versions = "13+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "7+")]
    pub partitions: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 1, versions = "4-18", flexible = "12+")]
pub struct FetchResponse {
    #[wire(versions = "1+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "7+", ignorable)]
    pub error_code: i16,
    #[wire(versions = "7+", default = "0")]
    pub session_id: i32,
    #[wire(versions = "0+")]
    pub responses: Vec<FetchableTopicResponse>,
    #[wire(versions = "16+", tag = 0)]
    pub node_endpoints: Vec<NodeEndpoint>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct FetchableTopicResponse {
    #[wire(versions = "0-12", ignorable)]
    pub topic: String,
    #[wire(versions = "13+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+")]
    pub partitions: Vec<PartitionData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionData {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub high_watermark: i64,
    #[wire(versions = "4+", default = "-1", ignorable)]
    pub last_stable_offset: i64,
    #[wire(versions = "5+", default = "-1", ignorable)]
    pub log_start_offset: i64,
    #[wire(versions = "12+", tag = 0)]
    pub diverging_epoch: EpochEndOffset,
    #[wire(versions = "12+", tag = 1)]
    pub current_leader: LeaderIdAndEpoch,
    #[wire(versions = "12+", tag = 2)]
    pub snapshot_id: SnapshotId,
    #[wire(versions = "4+", nullable = "4+", ignorable)]
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    #[wire(versions = "11+", default = "-1")]
    pub preferred_read_replica: i32,
    #[wire(versions = "0+", nullable = "0+")]
    pub records: Records,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct EpochEndOffset {
    #[wire(versions = "12+", default = "-1")]
    pub epoch: i32,
    #[wire(versions = "12+", default = "-1")]
    pub end_offset: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct LeaderIdAndEpoch {
    #[wire(versions = "12+", default = "-1")]
    pub leader_id: i32,
    #[wire(versions = "12+", default = "-1")]
    pub leader_epoch: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct SnapshotId {
    #[wire(versions = "0+", default = "-1")]
    pub end_offset: i64,
    #[wire(versions = "0+", default = "-1")]
    pub epoch: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct AbortedTransaction {
    #[wire(versions = "4+")]
    pub producer_id: i64,
    #[wire(versions = "4+")]
    pub first_offset: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct NodeEndpoint {
    #[wire(versions = "16+")]
    pub node_id: i32,
    #[wire(versions = "16+")]
    pub host: String,
    #[wire(versions = "16+")]
    pub port: i32,
    #[wire(versions = "16+", nullable = "16+", default = "null")]
    pub rack: Option<String>,
}
