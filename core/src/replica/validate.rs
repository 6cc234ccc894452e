//! What a leader checks of a produce request's records before its log looks at them (`ProduceRequest.validateRecords`): that
//! they are one batch. All else is [`crate::log::validator`]'s.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    log::AppendError,
    wire::{
        batch::{Codec, LOG_OVERHEAD, MAGIC},
        error::ErrorCode,
    },
};

/// First Produce version that may carry zstd (KIP-110).
const ZSTD_SINCE: i16 = 7;

/// Why nothing was appended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub error: i16,
    pub message: String,
    /// Index in the batch, and what is wrong with that record.
    pub records: Vec<(i32, String)>,
    /// The log refused, so the answer says where it starts. What is refused before, or for its bytes or size, does not
    /// (`ReplicaManager.appendRecordsToLeader`).
    #[serde(default)]
    pub by_log: bool,
    /// The whole request failed, which is answered in words (`ProduceRequest.getErrorResponse`).
    #[serde(default)]
    pub whole: bool,
}

impl Refusal {
    pub fn new(error: ErrorCode, message: impl Into<String>) -> Self {
        Self { error: error.code(), message: message.into(), records: Vec::new(), by_log: false, whole: false }
    }

    /// Kafka has an exception for it and no error code.
    fn unknown(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::UnknownServerError, message)
    }

    /// As the log gives it.
    #[must_use]
    pub fn by_log(self) -> Self {
        let without = [
            ErrorCode::CorruptMessage,
            ErrorCode::MessageTooLarge,
            ErrorCode::RecordListTooLarge,
            ErrorCode::KafkaStorageError,
            ErrorCode::NotLeaderOrFollower,
            ErrorCode::UnknownTopicOrPartition,
        ];
        Self { by_log: !without.iter().any(|error| error.code() == self.error), ..self }
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        let (code, message) = (error.code(), error.to_string());
        let records = if let AppendError::BadRecords(bad) = error { bad.records } else { Vec::new() };
        Self { error: code, message, records, by_log: false, whole: false }.by_log()
    }
}

/// The length of the batch with which `bytes` begin. `None`: they end before it does (`ByteBufferLogInputStream`).
pub fn batch_len(bytes: &[u8]) -> Result<Option<usize>, Refusal> {
    /// Of formats 0 and 1, which were a record each.
    const LEAST: i32 = 14;
    let corrupt = |why: String| Err(Refusal::new(ErrorCode::CorruptMessage, why));
    let Some(len) = bytes.get(8..LOG_OVERHEAD) else { return Ok(None) };
    let len = i32::from_be_bytes(len.try_into().expect("four bytes"));
    if len < LEAST {
        return corrupt(format!("batch length {len} is less than a batch can have"));
    }
    let Some(&magic) = bytes.get(16) else { return Ok(None) };
    if !(0..=MAGIC).contains(&(magic as i8)) {
        return corrupt(format!("record batch format {} is unknown", magic as i8));
    }
    if len > i32::MAX - LOG_OVERHEAD as i32 {
        return Err(Refusal::unknown("the batch length does not fit 32 bits with what it does not count"));
    }
    let len = LOG_OVERHEAD + len as usize;
    Ok((len <= bytes.len()).then_some(len))
}

/// Takes the one batch of a partition's produce data. What follows it and is no whole batch is left out.
pub fn the_batch(records: &Bytes, version: i16) -> Result<Bytes, Refusal> {
    let invalid = |why: &str| Err(Refusal::new(ErrorCode::InvalidRecord, why));
    let Some(len) = batch_len(records)? else {
        return invalid("Produce requests must have exactly one record batch per partition, and this one has none");
    };
    if records[16] as i8 != MAGIC {
        return invalid("record batches of the formats 0 and 1 are not supported, only 2");
    }
    if version < ZSTD_SINCE && attributes(records) & 0x07 == Codec::Zstd as u8 {
        let why = "zstd needs Produce version 7 or newer (KIP-110)";
        return Err(Refusal::new(ErrorCode::UnsupportedCompressionType, why));
    }
    if batch_len(&records[len..])?.is_some() {
        return invalid("Produce requests must have exactly one record batch per partition, and this one has more");
    }
    Ok(records.slice(..len))
}

/// What is looked at of all partitions before anything else. `Ok(true)`: the batch is part of a transaction
/// (`RequestUtils.hasTransactionalRecords`).
pub fn is_transactional(records: &Bytes) -> Result<bool, Refusal> {
    const TRANSACTIONAL: u8 = 0x10;
    Ok(batch_len(records)?.is_some() && records[16] as i8 == MAGIC && attributes(records) & TRANSACTIONAL != 0)
}

/// What Kafka reads of a batch before anybody knows whether it is there, so that the whole request fails: until version 7 the
/// codec (`ProduceRequest.validateRecords`), and the producer id (`ReplicaManager.handleProduceAppend`).
pub fn throws_early(records: &Bytes, version: i16) -> Option<Refusal> {
    const PRODUCER_ID_END: usize = 51;
    let is_batch = matches!(batch_len(records), Ok(Some(_))) && records[16] as i8 == MAGIC;
    if is_batch && version < ZSTD_SINCE && attributes(records) & 0x07 > Codec::Zstd as u8 {
        return Some(Refusal::unknown("there is no such compression codec"));
    }
    let short = the_batch(records, version).is_ok_and(|batch| batch.len() < PRODUCER_ID_END);
    short.then(|| Refusal::unknown("the batch ends before its producer id does"))
}

/// The lower byte, which has all of them. The least length of a batch reaches to it.
fn attributes(batch: &[u8]) -> u8 {
    batch[22]
}
