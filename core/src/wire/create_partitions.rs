//! CreatePartitions (key 37).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 37, versions = "0-3", flexible = "2+")]
pub struct CreatePartitionsRequest {
    #[wire(versions = "0+")]
    pub topics: Vec<CreatePartitionsTopic>,
    #[wire(versions = "0+")]
    pub timeout_ms: i32,
    #[wire(versions = "0+")]
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatePartitionsTopic {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub count: i32,
    #[wire(versions = "0+", nullable = "0+")]
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatePartitionsAssignment {
    #[wire(versions = "0+")]
    pub broker_ids: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 37, versions = "0-3", flexible = "2+")]
pub struct CreatePartitionsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub results: Vec<CreatePartitionsTopicResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct CreatePartitionsTopicResult {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+", default = "null")]
    pub error_message: Option<String>,
}
