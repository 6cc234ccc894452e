//! AllocateProducerIds (key 67): a block of producer ids for one broker (KIP-730).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 67, versions = "0", flexible = "0+")]
pub struct AllocateProducerIdsRequest {
    #[wire(versions = "0+")]
    pub broker_id: i32,
    #[wire(versions = "0+", default = "-1")]
    pub broker_epoch: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 67, versions = "0", flexible = "0+")]
pub struct AllocateProducerIdsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub producer_id_start: i64,
    #[wire(versions = "0+")]
    pub producer_id_len: i32,
}
