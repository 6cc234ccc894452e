//! InitProducerId (key 22): an id and epoch for an idempotent producer (KIP-98).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 22, versions = "0-6", flexible = "2+")]
pub struct InitProducerIdRequest {
    #[wire(versions = "0+", nullable = "0+")]
    pub transactional_id: Option<String>,
    #[wire(versions = "0+")]
    pub transaction_timeout_ms: i32,
    #[wire(versions = "3+", default = "-1")]
    pub producer_id: i64,
    #[wire(versions = "3+", default = "-1")]
    pub producer_epoch: i16,
    #[wire(versions = "6+", default = "false")]
    pub enable2_pc: bool,
    #[wire(versions = "6+", default = "false")]
    pub keep_prepared_txn: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 22, versions = "0-6", flexible = "2+")]
pub struct InitProducerIdResponse {
    #[wire(versions = "0+", ignorable)]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+", default = "-1")]
    pub producer_id: i64,
    #[wire(versions = "0+")]
    pub producer_epoch: i16,
    #[wire(versions = "6+", default = "-1")]
    pub ongoing_txn_producer_id: i64,
    #[wire(versions = "6+", default = "-1")]
    pub ongoing_txn_producer_epoch: i16,
}
