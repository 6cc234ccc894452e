//! AlterPartition (key 56): a leader asks the controller for another ISR (KIP-497).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 56, versions = "2-3", flexible = "0+")]
pub struct AlterPartitionRequest {
    #[wire(versions = "0+")]
    pub broker_id: i32,
    #[wire(versions = "0+", default = "-1")]
    pub broker_epoch: i64,
    #[wire(versions = "0+")]
    pub topics: Vec<TopicData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicData {
    #[wire(versions = "2+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+")]
    pub partitions: Vec<PartitionData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct PartitionData {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub leader_epoch: i32,
    #[wire(versions = "0-2")]
    pub new_isr: Vec<i32>,
    #[wire(versions = "3+")]
    pub new_isr_with_epochs: Vec<BrokerState>,
    #[wire(versions = "1+", default = "0")]
    pub leader_recovery_state: i8,
    #[wire(versions = "0+")]
    pub partition_epoch: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct BrokerState {
    #[wire(versions = "3+")]
    pub broker_id: i32,
    #[wire(versions = "3+", default = "-1")]
    pub broker_epoch: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 56, versions = "2-3", flexible = "0+")]
pub struct AlterPartitionResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub topics: Vec<ResponseTopicData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ResponseTopicData {
    #[wire(versions = "2+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+")]
    pub partitions: Vec<ResponsePartitionData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ResponsePartitionData {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub leader_id: i32,
    #[wire(versions = "0+")]
    pub leader_epoch: i32,
    #[wire(versions = "0+")]
    pub isr: Vec<i32>,
    #[wire(versions = "1+", default = "0", ignorable)]
    pub leader_recovery_state: i8,
    #[wire(versions = "0+")]
    pub partition_epoch: i32,
}
