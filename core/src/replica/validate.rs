//! What a leader checks of records before its log takes them (`ProduceRequest.validateRecords`, `LogValidator`).
//!
//! The log itself checks the header, the checksum and, when they are not compressed, how the records follow each other.
//! What is left is here: rules of the request, and what needs records to be opened. That takes as long as it likes when
//! they are compressed, so it is a [`crate::job::Job`].

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::settings::Settings;
use crate::{
    log::LogConfig,
    wire::{
        batch::{self, Batch, BatchError, Codec, DEFAULT_DECOMPRESSED_LIMIT, NO_TIMESTAMP},
        error::ErrorCode,
    },
};

/// Kafka's answer lists every bad record. A small batch can unfold to millions of them, so here there is an end.
const RECORD_ERRORS_MAX: usize = 10_000;
/// As many are in the message too.
const RECORD_ERRORS_IN_MESSAGE: usize = 3;
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
}

impl Refusal {
    pub fn new(error: ErrorCode, message: impl Into<String>) -> Self {
        Self { error: error.code(), message: message.into(), records: Vec::new(), by_log: false }
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

/// What the topic demands of each record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRules {
    pub keys_required: bool,
    /// Earliest timestamp allowed, if that needs looking at each record. (The latest stands in the header.)
    pub earliest_ms: Option<i64>,
}

impl RecordRules {
    pub fn new(settings: &Settings, now_wall_ms: i64) -> Self {
        let before_max_ms = settings.log.message_timestamp_before_max_ms;
        let unchecked = settings.log.log_append_time || before_max_ms == i64::MAX;
        Self {
            keys_required: settings.compacted,
            earliest_ms: (!unchecked).then(|| now_wall_ms.saturating_sub(before_max_ms)),
        }
    }

    /// Whether the records of this batch have to be opened.
    pub fn open(&self, batch: &Batch) -> bool {
        batch.header.is_compressed() || self.keys_required || self.earliest_ms.is_some()
    }
}

/// Takes the one batch of a partition's produce data and checks its frame. Its records are not opened.
pub fn the_batch(records: &Bytes, version: i16) -> Result<Batch, Refusal> {
    if records.is_empty() {
        let why = "Produce requests must have exactly one record batch per partition, and this one has none";
        return Err(Refusal::new(ErrorCode::InvalidRecord, why));
    }
    let batch = Batch::parse(records).map_err(refusal)?;
    if batch.bytes.len() != records.len() {
        let why = "Produce requests must have exactly one record batch per partition, and this one has more";
        return Err(Refusal::new(ErrorCode::InvalidRecord, why));
    }
    if batch.header.base_offset != 0 {
        let why = format!(
            "The base offset of the record batch in the append is {}, and should be 0",
            batch.header.base_offset
        );
        return Err(Refusal::new(ErrorCode::InvalidRecord, why).by_log());
    }
    if batch.header.codec().map_err(refusal)? == Codec::Zstd && version < ZSTD_SINCE {
        let why = "zstd needs Produce version 7 or newer (KIP-110)";
        return Err(Refusal::new(ErrorCode::UnsupportedCompressionType, why));
    }
    if batch.header.is_transactional() {
        return Err(Refusal::new(ErrorCode::InvalidTxnState, "Transactions are not built yet in the lab"));
    }
    Ok(batch)
}

/// Opens the records and checks each. Takes time in proportion to what the batch unfolds to.
pub fn validate_records(batch: &Batch, rules: &RecordRules) -> Result<(), Refusal> {
    open_records(batch, rules).map_err(Refusal::by_log)
}

fn open_records(batch: &Batch, rules: &RecordRules) -> Result<(), Refusal> {
    batch::validate_client_batch(batch).map_err(refusal)?;
    let header = &batch.header;
    let (mut expected, mut error, mut wrong) = (header.base_offset, ErrorCode::InvalidRecord, Vec::new());
    let mut add = |index: i32, why: String| {
        if wrong.len() < RECORD_ERRORS_MAX {
            wrong.push((index, why));
        }
    };
    for (index, record) in (0..).zip(batch.records_within(DEFAULT_DECOMPRESSED_LIMIT)) {
        let record = record.map_err(refusal)?;
        // The deltas of a plain batch nobody looks at (`LogValidator`).
        if header.is_compressed() && record.offset != expected {
            return Err(Refusal::new(ErrorCode::InvalidRecord, "record offsets are not dense"));
        }
        expected += 1;
        let at = record.timestamp;
        if rules.keys_required && record.key.is_none() {
            add(index, "Compacted topic cannot accept message without key".to_owned());
        } else if let Some(earliest) = rules.earliest_ms
            && (NO_TIMESTAMP + 1..earliest).contains(&at)
        {
            let why = format!("Timestamp {at} of message is out of range: it should be at least {earliest}");
            // One record of a wrong time makes it the error of the batch.
            error = ErrorCode::InvalidTimestamp;
            add(index, why);
        }
    }
    if expected != header.next_offset() {
        return Err(Refusal::new(ErrorCode::InvalidRecord, "the batch does not hold as many records as it says"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(of_records(error, wrong)) }
}

/// One error for all that is wrong with single records (`LogValidator.processRecordErrors`). Clients find those that they
/// may send again by the list.
fn of_records(error: ErrorCode, records: Vec<(i32, String)>) -> Refusal {
    let first = records.iter().take(RECORD_ERRORS_IN_MESSAGE);
    let first: Vec<String> = first.map(|(index, why)| format!("record {index}: {why}")).collect();
    let message = format!("The batch is rejected because of single records, first these: {}", first.join("; "));
    Refusal { error: error.code(), message, records, by_log: false }
}

/// The records of a batch whose time the topic does not allow (`LogValidator.validateTimestamp`).
pub fn untimely(batch: &Batch, log: &LogConfig, now_ms: i64) -> Refusal {
    let earliest = now_ms.saturating_sub(log.message_timestamp_before_max_ms);
    let latest = now_ms.saturating_add(log.message_timestamp_after_max_ms);
    let records = (0..).zip(batch.records_within(DEFAULT_DECOMPRESSED_LIMIT).map_while(Result::ok));
    let wrong = records.filter(|(_, record)| record.timestamp >= 0 && !(earliest..=latest).contains(&record.timestamp));
    let wrong = wrong.map(|(index, record)| {
        let at = record.timestamp;
        (index, format!("Timestamp {at} of message is out of range: it should be within {earliest} and {latest}"))
    });
    of_records(ErrorCode::InvalidTimestamp, wrong.take(RECORD_ERRORS_MAX).collect())
}

/// Kafka's code for what is wrong with a batch.
fn refusal(error: BatchError) -> Refusal {
    let code = match error {
        BatchError::Crc { .. } | BatchError::Incomplete { .. } | BatchError::Length(_) => ErrorCode::CorruptMessage,
        // Formats 0 and 1 were something once (`ByteBufferLogInputStream`).
        BatchError::Magic(magic) if !(0..=1).contains(&magic) => ErrorCode::CorruptMessage,
        BatchError::UnknownCodec(_) => ErrorCode::UnsupportedCompressionType,
        BatchError::TooLarge { .. } => ErrorCode::MessageTooLarge,
        _ => ErrorCode::InvalidRecord,
    };
    Refusal::new(code, error.to_string())
}
