//! Metadata (key 3): brokers, topics, leaders.

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 3, versions = "0-13", flexible = "9+")]
pub struct MetadataRequest {
    #[wire(versions = "0+", nullable = "1+")]
    pub topics: Option<Vec<MetadataRequestTopic>>,
    #[wire(versions = "4+", default = "true")]
    pub allow_auto_topic_creation: bool,
    #[wire(versions = "8-10")]
    pub include_cluster_authorized_operations: bool,
    #[wire(versions = "8+")]
    pub include_topic_authorized_operations: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MetadataRequestTopic {
    #[wire(versions = "10+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+", nullable = "10+")]
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 3, versions = "0-13", flexible = "9+")]
pub struct MetadataResponse {
    #[wire(versions = "3+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub brokers: Vec<MetadataResponseBroker>,
    #[wire(versions = "2+", nullable = "2+", default = "null", ignorable)]
    pub cluster_id: Option<String>,
    #[wire(versions = "1+", default = "-1", ignorable)]
    pub controller_id: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<MetadataResponseTopic>,
    #[wire(versions = "8-10", default = "-2147483648")]
    pub cluster_authorized_operations: i32,
    #[wire(versions = "13+", ignorable)]
    pub error_code: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MetadataResponseBroker {
    #[wire(versions = "0+")]
    pub node_id: i32,
    #[wire(versions = "0+")]
    pub host: String,
    #[wire(versions = "0+")]
    pub port: i32,
    #[wire(versions = "1+", nullable = "1+", default = "null", ignorable)]
    pub rack: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MetadataResponseTopic {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "12+")]
    pub name: Option<String>,
    #[wire(versions = "10+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "1+", default = "false", ignorable)]
    pub is_internal: bool,
    #[wire(versions = "0+")]
    pub partitions: Vec<MetadataResponsePartition>,
    #[wire(versions = "8+", default = "-2147483648")]
    pub topic_authorized_operations: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct MetadataResponsePartition {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub leader_id: i32,
    #[wire(versions = "7+", default = "-1", ignorable)]
    pub leader_epoch: i32,
    #[wire(versions = "0+")]
    pub replica_nodes: Vec<i32>,
    #[wire(versions = "0+")]
    pub isr_nodes: Vec<i32>,
    #[wire(versions = "5+", ignorable)]
    pub offline_replicas: Vec<i32>,
}
