//! BrokerRegistration (key 62, KIP-631).

use lab_derive::Message;

use crate::id::Uuid;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 62, versions = "0-4", flexible = "0+")]
pub struct BrokerRegistrationRequest {
    #[wire(versions = "0+")]
    pub broker_id: i32,
    #[wire(versions = "0+")]
    pub cluster_id: String,
    #[wire(versions = "0+")]
    pub incarnation_id: Uuid,
    #[wire(versions = "0+")]
    pub listeners: Vec<Listener>,
    #[wire(versions = "0+")]
    pub features: Vec<Feature>,
    #[wire(versions = "0+", nullable = "0+")]
    pub rack: Option<String>,
    #[wire(versions = "1+", default = "false")]
    pub is_migrating_zk_broker: bool,
    #[wire(versions = "2+", ignorable)]
    pub log_dirs: Vec<Uuid>,
    #[wire(versions = "3+", default = "-1", ignorable)]
    pub previous_broker_epoch: i64,
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
#[message(api_key = 62, versions = "0-4", flexible = "0+")]
pub struct BrokerRegistrationResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", default = "-1")]
    pub broker_epoch: i64,
}
