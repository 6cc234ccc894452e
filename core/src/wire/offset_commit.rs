//! OffsetCommit (key 8): a group stores how far it has read.

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 8, versions = "2-10", flexible = "8+")]
pub struct OffsetCommitRequest {
    #[wire(versions = "0+")]
    pub group_id: String,
    #[wire(versions = "1+", default = "-1", ignorable)]
    pub generation_id_or_member_epoch: i32,
    #[wire(versions = "1+", ignorable)]
    pub member_id: String,
    #[wire(versions = "7+", nullable = "7+", default = "null")]
    pub group_instance_id: Option<String>,
    #[wire(versions = "2-4", default = "-1", ignorable)]
    pub retention_time_ms: i64,
    #[wire(versions = "0+")]
    pub topics: Vec<OffsetCommitRequestTopic>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetCommitRequestTopic {
    #[wire(versions = "0-9", ignorable)]
    pub name: String,
    #[wire(versions = "10+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+")]
    pub partitions: Vec<OffsetCommitRequestPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetCommitRequestPartition {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub committed_offset: i64,
    #[wire(versions = "6+", default = "-1", ignorable)]
    pub committed_leader_epoch: i32,
    #[wire(versions = "0+", nullable = "0+")]
    pub committed_metadata: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 8, versions = "2-10", flexible = "8+")]
pub struct OffsetCommitResponse {
    #[wire(versions = "3+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<OffsetCommitResponseTopic>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetCommitResponseTopic {
    #[wire(versions = "0-9", ignorable)]
    pub name: String,
    #[wire(versions = "10+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+")]
    pub partitions: Vec<OffsetCommitResponsePartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetCommitResponsePartition {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
}
