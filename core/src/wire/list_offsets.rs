//! ListOffsets (key 2): first, last, or by timestamp.

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 2, versions = "1-11", flexible = "6+")]
pub struct ListOffsetsRequest {
    #[wire(versions = "0+")]
    pub replica_id: i32,
    #[wire(versions = "2+")]
    pub isolation_level: i8,
    #[wire(versions = "0+")]
    pub topics: Vec<ListOffsetsTopic>,
    #[wire(versions = "10+", ignorable)]
    pub timeout_ms: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ListOffsetsTopic {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<ListOffsetsPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ListOffsetsPartition {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "4+", default = "-1", ignorable)]
    pub current_leader_epoch: i32,
    #[wire(versions = "0+")]
    pub timestamp: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 2, versions = "1-11", flexible = "6+")]
pub struct ListOffsetsResponse {
    #[wire(versions = "2+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<ListOffsetsTopicResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ListOffsetsTopicResponse {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<ListOffsetsPartitionResponse>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ListOffsetsPartitionResponse {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "1+", default = "-1")]
    pub timestamp: i64,
    #[wire(versions = "1+", default = "-1")]
    pub offset: i64,
    #[wire(versions = "4+", default = "-1")]
    pub leader_epoch: i32,
}
