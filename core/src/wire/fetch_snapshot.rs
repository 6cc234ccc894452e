//! FetchSnapshot (key 59): chunks of a metadata snapshot (KIP-630).

use lab_derive::Message;

use super::records::Records;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 59, versions = "0-1", flexible = "0+")]
pub struct FetchSnapshotRequest {
    #[wire(versions = "0+", nullable = "0+", default = "null", tag = 0)]
    pub cluster_id: Option<String>,
    #[wire(versions = "0+", default = "-1")]
    pub replica_id: i32,
    #[wire(versions = "0+", default = "0x7fffffff")]
    pub max_bytes: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<TopicSnapshot>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicSnapshot {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<PartitionSnapshot>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionSnapshot {
    #[wire(versions = "0+")]
    pub partition: i32,
    #[wire(versions = "0+")]
    pub current_leader_epoch: i32,
    #[wire(versions = "0+")]
    pub snapshot_id: SnapshotId,
    #[wire(versions = "0+")]
    pub position: i64,
    #[wire(versions = "1+", tag = 0, ignorable)]
    pub replica_directory_id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct SnapshotId {
    #[wire(versions = "0+")]
    pub end_offset: i64,
    #[wire(versions = "0+")]
    pub epoch: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 59, versions = "0-1", flexible = "0+")]
pub struct FetchSnapshotResponse {
    #[wire(versions = "0+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub topics: Vec<ResponseTopicSnapshot>,
    #[wire(versions = "1+", tag = 0)]
    pub node_endpoints: Vec<NodeEndpoint>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ResponseTopicSnapshot {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<ResponsePartitionSnapshot>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ResponsePartitionSnapshot {
    #[wire(versions = "0+")]
    pub index: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub snapshot_id: SnapshotId,
    #[wire(versions = "0+", tag = 0)]
    pub current_leader: LeaderIdAndEpoch,
    #[wire(versions = "0+")]
    pub size: i64,
    #[wire(versions = "0+")]
    pub position: i64,
    #[wire(versions = "0+")]
    pub unaligned_records: Records,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct LeaderIdAndEpoch {
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
