//! UnregisterBroker (key 64): a broker that will not come back is forgotten (KIP-746).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 64, versions = "0", flexible = "0+")]
pub struct UnregisterBrokerRequest {
    #[wire(versions = "0+")]
    pub broker_id: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 64, versions = "0", flexible = "0+")]
pub struct UnregisterBrokerResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", nullable = "0+")]
    pub error_message: Option<String>,
}
