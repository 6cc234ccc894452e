//! OffsetDelete (key 47, KIP-496): forgets offsets of topics nobody in the group reads.

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 47, versions = "0", flexible = "none")]
pub struct OffsetDeleteRequest {
    #[wire(versions = "0+")]
    pub group_id: String,
    #[wire(versions = "0+")]
    pub topics: Vec<OffsetDeleteRequestTopic>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetDeleteRequestTopic {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<OffsetDeleteRequestPartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetDeleteRequestPartition {
    #[wire(versions = "0+")]
    pub partition_index: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 47, versions = "0", flexible = "none")]
pub struct OffsetDeleteResponse {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<OffsetDeleteResponseTopic>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetDeleteResponseTopic {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<OffsetDeleteResponsePartition>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct OffsetDeleteResponsePartition {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
}
