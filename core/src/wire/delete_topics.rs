//! DeleteTopics (key 20).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 20, versions = "1-6", flexible = "4+")]
pub struct DeleteTopicsRequest {
    #[wire(versions = "6+")]
    pub topics: Vec<DeleteTopicState>,
    #[wire(versions = "0-5", ignorable)]
    pub topic_names: Vec<String>,
    #[wire(versions = "0+")]
    pub timeout_ms: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeleteTopicState {
    #[wire(versions = "6+", nullable = "6+", default = "null")]
    pub name: Option<String>,
    #[wire(versions = "6+")]
    pub topic_id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 20, versions = "1-6", flexible = "4+")]
pub struct DeleteTopicsResponse {
    #[wire(versions = "1+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub responses: Vec<DeletableTopicResult>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct DeletableTopicResult {
    #[wire(versions = "0+", nullable = "6+")]
    pub name: Option<String>,
    #[wire(versions = "6+", ignorable)]
    pub topic_id: Uuid,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "5+", nullable = "5+", default = "null", ignorable)]
    pub error_message: Option<String>,
}
