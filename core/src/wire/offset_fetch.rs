//! OffsetFetch (key 9): how far a group has read; whole groups at a time since version 8 (KIP-709).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 9, versions = "1-10", flexible = "6+")]
pub struct OffsetFetchRequest {
    #[wire(versions = "0-7")]
    pub group_id: String,
    #[wire(versions = "0-7", nullable = "2-7")]
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    #[wire(versions = "8+")]
    pub groups: Vec<OffsetFetchRequestGroup>,
    #[wire(versions = "7+", default = "false")]
    pub require_stable: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchRequestTopic {
    #[wire(versions = "0-7")]
    pub name: String,
    #[wire(versions = "0-7")]
    pub partition_indexes: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchRequestGroup {
    #[wire(versions = "8+")]
    pub group_id: String,
    #[wire(versions = "9+", nullable = "9+", default = "null", ignorable)]
    pub member_id: Option<String>,
    #[wire(versions = "9+", default = "-1", ignorable)]
    pub member_epoch: i32,
    #[wire(versions = "8+", nullable = "8+")]
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchRequestTopics {
    #[wire(versions = "8-9", ignorable)]
    pub name: String,
    #[wire(versions = "10+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "8+")]
    pub partition_indexes: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 9, versions = "1-10", flexible = "6+")]
pub struct OffsetFetchResponse {
    #[wire(versions = "3+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0-7")]
    pub topics: Vec<OffsetFetchResponseTopic>,
    #[wire(versions = "2-7", default = "0", ignorable)]
    pub error_code: i16,
    #[wire(versions = "8+")]
    pub groups: Vec<OffsetFetchResponseGroup>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchResponseTopic {
    #[wire(versions = "0-7")]
    pub name: String,
    #[wire(versions = "0-7")]
    pub partitions: Vec<OffsetFetchResponsePartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchResponsePartition {
    #[wire(versions = "0-7")]
    pub partition_index: i32,
    #[wire(versions = "0-7")]
    pub committed_offset: i64,
    #[wire(versions = "5-7", default = "-1", ignorable)]
    pub committed_leader_epoch: i32,
    #[wire(versions = "0-7", nullable = "0-7")]
    pub metadata: Option<String>,
    #[wire(versions = "0-7")]
    pub error_code: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchResponseGroup {
    #[wire(versions = "8+")]
    pub group_id: String,
    #[wire(versions = "8+")]
    pub topics: Vec<OffsetFetchResponseTopics>,
    #[wire(versions = "8+", default = "0")]
    pub error_code: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchResponseTopics {
    #[wire(versions = "8-9", ignorable)]
    pub name: String,
    #[wire(versions = "10+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "8+")]
    pub partitions: Vec<OffsetFetchResponsePartitions>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetFetchResponsePartitions {
    #[wire(versions = "8+")]
    pub partition_index: i32,
    #[wire(versions = "8+")]
    pub committed_offset: i64,
    #[wire(versions = "8+", default = "-1", ignorable)]
    pub committed_leader_epoch: i32,
    #[wire(versions = "8+", nullable = "8+")]
    pub metadata: Option<String>,
    #[wire(versions = "8+")]
    pub error_code: i16,
}
