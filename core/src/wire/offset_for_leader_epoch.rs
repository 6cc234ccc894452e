//! OffsetForLeaderEpoch (key 23): where an epoch ended (KIP-101, KIP-320).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 23, versions = "2-4", flexible = "4+")]
pub struct OffsetForLeaderEpochRequest {
    #[wire(versions = "3+", default = "-2", ignorable)]
    pub replica_id: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<OffsetForLeaderTopic>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetForLeaderTopic {
    #[wire(versions = "0+")]
    pub topic: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<OffsetForLeaderPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetForLeaderPartition {
    #[wire(versions = "0+")]
    pub partition: i32,
    #[wire(versions = "2+", default = "-1", ignorable)]
    pub current_leader_epoch: i32,
    #[wire(versions = "0+")]
    pub leader_epoch: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 23, versions = "2-4", flexible = "4+")]
pub struct OffsetForLeaderEpochResponse {
    #[wire(versions = "2+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<OffsetForLeaderTopicResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetForLeaderTopicResult {
    #[wire(versions = "0+")]
    pub topic: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<EpochEndOffset>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct EpochEndOffset {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub partition: i32,
    #[wire(versions = "1+", default = "-1", ignorable)]
    pub leader_epoch: i32,
    #[wire(versions = "0+", default = "-1")]
    pub end_offset: i64,
}
