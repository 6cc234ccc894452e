//! ListTransactions (key 66, KIP-664, KIP-994).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 66, versions = "0-2", flexible = "0+")]
pub struct ListTransactionsRequest {
    #[wire(versions = "0+")]
    pub state_filters: Vec<String>,
    #[wire(versions = "0+")]
    pub producer_id_filters: Vec<i64>,
    #[wire(versions = "1+", default = "-1")]
    pub duration_filter: i64,
    #[wire(versions = "2+", nullable = "2+", default = "null")]
    pub transactional_id_pattern: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 66, versions = "0-2", flexible = "0+")]
pub struct ListTransactionsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub unknown_state_filters: Vec<String>,
    #[wire(versions = "0+")]
    pub transaction_states: Vec<TransactionState>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TransactionState {
    #[wire(versions = "0+")]
    pub transactional_id: String,
    #[wire(versions = "0+")]
    pub producer_id: i64,
    #[wire(versions = "0+")]
    pub transaction_state: String,
}
