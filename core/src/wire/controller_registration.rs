//! ControllerRegistration (key 70): a controller says where it is and what it can do (KIP-919).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 70, versions = "0", flexible = "0+")]
pub struct ControllerRegistrationRequest {
    #[wire(versions = "0+")]
    pub controller_id: i32,
    #[wire(versions = "0+")]
    pub incarnation_id: Uuid,
    #[wire(versions = "0+")]
    pub zk_migration_ready: bool,
    #[wire(versions = "0+")]
    pub listeners: Vec<Listener>,
    #[wire(versions = "0+")]
    pub features: Vec<Feature>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct Listener {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub host: String,
    #[wire(versions = "0+")]
    pub port: u16,
    #[wire(versions = "0+")]
    pub security_protocol: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct Feature {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub min_supported_version: i16,
    #[wire(versions = "0+")]
    pub max_supported_version: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 70, versions = "0", flexible = "0+")]
pub struct ControllerRegistrationResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
}
