//! FindCoordinator (key 10): which broker coordinates a group or transaction.

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 10, versions = "0-6", flexible = "3+")]
pub struct FindCoordinatorRequest {
    #[wire(versions = "0-3")]
    pub key: String,
    #[wire(versions = "1+", default = "0")]
    pub key_type: i8,
    #[wire(versions = "4+")]
    pub coordinator_keys: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 10, versions = "0-6", flexible = "3+")]
pub struct FindCoordinatorResponse {
    #[wire(versions = "1+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0-3")]
    pub error_code: i16,
    #[wire(versions = "1-3", nullable = "1-3", ignorable)]
    pub error_message: Option<String>,
    #[wire(versions = "0-3")]
    pub node_id: i32,
    #[wire(versions = "0-3")]
    pub host: String,
    #[wire(versions = "0-3")]
    pub port: i32,
    #[wire(versions = "4+")]
    pub coordinators: Vec<Coordinator>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct Coordinator {
    #[wire(versions = "4+")]
    pub key: String,
    #[wire(versions = "4+")]
    pub node_id: i32,
    #[wire(versions = "4+")]
    pub host: String,
    #[wire(versions = "4+")]
    pub port: i32,
    #[wire(versions = "4+")]
    pub error_code: i16,
    #[wire(versions = "4+", nullable = "4+", ignorable)]
    pub error_message: Option<String>,
}
