//! CreateTopics (key 19).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 19, versions = "2-7", flexible = "5+")]
pub struct CreateTopicsRequest {
    #[wire(versions = "0+")]
    pub topics: Vec<CreatableTopic>,
    #[wire(versions = "0+", default = "60000")]
    pub timeout_ms: i32,
    #[wire(versions = "1+", default = "false")]
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatableTopic {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub num_partitions: i32,
    #[wire(versions = "0+")]
    pub replication_factor: i16,
    #[wire(versions = "0+")]
    pub assignments: Vec<CreatableReplicaAssignment>,
    #[wire(versions = "0+")]
    pub configs: Vec<CreatableTopicConfig>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatableReplicaAssignment {
    #[wire(versions = "0+")]
    pub partition_index: i32,
    #[wire(versions = "0+")]
    pub broker_ids: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatableTopicConfig {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+", nullable = "0+")]
    pub value: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 19, versions = "2-7", flexible = "5+")]
pub struct CreateTopicsResponse {
    #[wire(versions = "2+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub topics: Vec<CreatableTopicResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatableTopicResult {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "7+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "1+", nullable = "0+", ignorable)]
    pub error_message: Option<String>,
    #[wire(versions = "5+", tag = 0, ignorable)]
    pub topic_config_error_code: i16,
    #[wire(versions = "5+", default = "-1", ignorable)]
    pub num_partitions: i32,
    #[wire(versions = "5+", default = "-1", ignorable)]
    pub replication_factor: i16,
    #[wire(versions = "5+", nullable = "5+", ignorable)]
    pub configs: Option<Vec<CreatableTopicConfigs>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatableTopicConfigs {
    #[wire(versions = "5+")]
    pub name: String,
    #[wire(versions = "5+", nullable = "5+")]
    pub value: Option<String>,
    #[wire(versions = "5+")]
    pub read_only: bool,
    #[wire(versions = "5+", default = "-1", ignorable)]
    pub config_source: i8,
    #[wire(versions = "5+")]
    pub is_sensitive: bool,
}
