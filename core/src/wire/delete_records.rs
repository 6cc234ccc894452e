//! DeleteRecords (key 21): the head of a partition's log goes (KIP-107).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 21, versions = "0-2", flexible = "2+")]
pub struct DeleteRecordsRequest {
    #[wire(versions = "0+")]
    pub topics: Vec<DeleteRecordsTopic>,
    #[wire(versions = "0+")]
    pub timeout_ms: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeleteRecordsTopic {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<DeleteRecordsPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeleteRecordsPartition {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    /// The first offset that stays; -1: all up to the high watermark go.
    #[wire(versions = "0+")]
    pub offset: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 21, versions = "0-2", flexible = "2+")]
pub struct DeleteRecordsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<DeleteRecordsTopicResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeleteRecordsTopicResult {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<DeleteRecordsPartitionResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeleteRecordsPartitionResult {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    /// Where the first of the live replicas begins; -1 with an error.
    #[wire(versions = "0+")]
    pub low_watermark: i64,
    #[wire(versions = "0+")]
    pub error_code: i16,
}
