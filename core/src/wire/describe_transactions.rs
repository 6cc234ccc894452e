//! DescribeTransactions (key 65, KIP-664).

use lab_derive::Message;

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 65, versions = "0", flexible = "0+")]
pub struct DescribeTransactionsRequest {
    #[wire(versions = "0+")]
    pub transactional_ids: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 65, versions = "0", flexible = "0+")]
pub struct DescribeTransactionsResponse {
    #[wire(versions = "0+")]
    pub throttle_time_ms: i32,
    #[wire(versions = "0+")]
    pub transaction_states: Vec<TransactionState>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TransactionState {
    #[wire(versions = "0+")]
    pub error_code: i16,
    #[wire(versions = "0+")]
    pub transactional_id: String,
    #[wire(versions = "0+")]
    pub transaction_state: String,
    #[wire(versions = "0+")]
    pub transaction_timeout_ms: i32,
    #[wire(versions = "0+")]
    pub transaction_start_time_ms: i64,
    #[wire(versions = "0+")]
    pub producer_id: i64,
    #[wire(versions = "0+")]
    pub producer_epoch: i16,
    #[wire(versions = "0+")]
    pub topics: Vec<TopicData>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct TopicData {
    #[wire(versions = "0+")]
    pub topic: String,
    #[wire(versions = "0+")]
    pub partitions: Vec<i32>,
}
