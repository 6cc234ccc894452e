//! A record to send, and what became of it.

use bytes::Bytes;

use crate::id::TopicPartition;

/// One record to send. Key and value are bytes; `None` is Kafka's null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub topic: String,
    /// Chosen by the partitioner when missing.
    pub partition: Option<i32>,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Unix milliseconds; the time of the call when missing.
    pub timestamp: Option<i64>,
}

/// Why a record was not taken into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("the producer's buffer (buffer.memory) is full: wait until something was acknowledged")]
    BufferFull,
    #[error("the record is larger than max.request.size")]
    RecordTooLarge,
}

/// What became of a batch: one is reported for every batch, exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub partition: TopicPartition,
    /// Of each record in order: the number that [`Producer::send`](super::Producer::send) returned.
    pub handles: Vec<u64>,
    /// The offset of the first record (-1: stored, offset unknown), or Kafka's error code.
    pub result: Result<i64, i16>,
    /// -1 when not idempotent.
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
}
