//! What a leader checks of a client's batch before its log takes it, and what it computes anew (`LogValidator`, and
//! `UnifiedLog.analyzeAndValidateRecords`).
//!
//! Every record is parsed as Kafka parses it, because one that no consumer can read stops a partition for good. The checks
//! run in Kafka's order: of several things that are wrong, the client hears of the same one.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{LogConfig, error::AppendError};
use crate::wire::batch::{
    BatchBuilder, BatchError, BatchHeader, BorrowedRecord, Codec, Compression, DEFAULT_DECOMPRESSED_LIMIT, HEADER_LEN,
    NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, RecordStream,
};

/// Kafka's answer lists every bad record. A small batch can unfold to millions of them, so here there is an end.
const RECORD_ERRORS_MAX: usize = 10_000;

/// What the topic demands of a batch, and the broker's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRules {
    /// The topic is compacted.
    pub keys_required: bool,
    pub log_append_time: bool,
    pub timestamp_before_max_ms: i64,
    pub timestamp_after_max_ms: i64,
    pub max_message_bytes: u32,
    /// `compression.type`; `None`: as the producer packed them.
    pub compression: Option<Compression>,
    /// Unix milliseconds.
    pub now_ms: i64,
}

impl RecordRules {
    pub fn new(config: &LogConfig, now_ms: i64) -> Self {
        Self {
            keys_required: config.compacted,
            log_append_time: config.log_append_time,
            timestamp_before_max_ms: config.message_timestamp_before_max_ms,
            timestamp_after_max_ms: config.message_timestamp_after_max_ms,
            max_message_bytes: config.max_message_bytes,
            compression: config.compression,
            now_ms,
        }
    }

    /// Whether checking the batch takes longer than a pass over its bytes: it has to be unpacked or packed.
    pub fn is_long_work(&self, batch: &[u8]) -> bool {
        let packed = BatchHeader::decode(batch).is_ok_and(|header| header.is_compressed());
        packed || self.compression.is_some_and(|compression| compression.codec != Codec::None)
    }
}

/// A batch that may be appended: only [`validate`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidBatch {
    header: BatchHeader,
    records: Bytes,
}

impl ValidBatch {
    /// With the maximum timestamp, attributes and checksum that it is stored with.
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The records, packed as the topic wants them.
    pub fn records(&self) -> &Bytes {
        &self.records
    }
}

/// What is wrong with single records of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecords {
    /// At least one has a time that the topic does not allow, which makes it the error of the batch.
    pub untimely: bool,
    /// Index in the batch, and what is wrong with it.
    pub records: Vec<(i32, String)>,
}

/// Checks the one batch that `bytes` are: its frame, its header, and every record in it.
pub fn validate(bytes: &Bytes, rules: &RecordRules) -> Result<ValidBatch, AppendError> {
    let header = check_header(bytes, rules)?;
    let source = header.codec()?;
    check_counts(&header)?;
    let target = rules.compression.unwrap_or(Compression { codec: source, level: -1 });
    let batch = Unchecked { header, records: bytes.slice(HEADER_LEN..), source, rules };
    let valid = match (source, target.codec) {
        (Codec::None, Codec::None) => batch.keep_plain()?,
        (source, target) if source == target => batch.keep_packed()?,
        _ => batch.pack_anew(target)?,
    };
    let size = valid.header.total_len();
    if size > rules.max_message_bytes as usize {
        return Err(AppendError::TooLarge { size, limit: rules.max_message_bytes });
    }
    Ok(valid)
}

/// Base offset, size, then checksum (`UnifiedLog.analyzeAndValidateRecords`).
fn check_header(bytes: &[u8], rules: &RecordRules) -> Result<BatchHeader, AppendError> {
    if let Some(base_offset) = bytes.first_chunk::<8>()
        && *base_offset != [0; 8]
    {
        return Err(AppendError::Invalid(BatchError::Invalid("the base offset of what a client sends is 0")));
    }
    if bytes.len() > rules.max_message_bytes as usize {
        return Err(AppendError::TooLarge { size: bytes.len(), limit: rules.max_message_bytes });
    }
    let header = BatchHeader::decode(bytes)?;
    if header.total_len() != bytes.len() {
        return Err(BatchError::Incomplete { have: bytes.len(), need: header.total_len() }.into());
    }
    header.check_crc(bytes)?;
    Ok(header)
}

/// `LogValidator.validateBatch`.
fn check_counts(header: &BatchHeader) -> Result<(), AppendError> {
    let wrong = |why| Err(AppendError::Invalid(BatchError::Invalid(why)));
    if header.last_offset_delta < 0 {
        return wrong("the last offset delta is negative");
    }
    if header.record_count <= 0 {
        return wrong("the record count is not positive");
    }
    if i64::from(header.record_count) != i64::from(header.last_offset_delta) + 1 {
        return wrong("record count and last offset delta do not agree");
    }
    if header.is_control() {
        return wrong("clients may not write control batches");
    }
    // Without a producer id nobody looks at epoch and sequence, and clients leave there what they like.
    if header.has_producer_id() && header.base_sequence < 0 {
        return wrong("a producer id without a sequence");
    }
    Ok(())
}

/// A batch whose records have not been looked at.
struct Unchecked<'a> {
    header: BatchHeader,
    records: Bytes,
    source: Codec,
    rules: &'a RecordRules,
}

impl Unchecked<'_> {
    /// `assignOffsetsNonCompressed`. At the offset deltas of the records nobody looks.
    fn keep_plain(self) -> Result<ValidBatch, AppendError> {
        let mut seen = Seen::new(&self);
        let mut rest = &self.records[..];
        for index in 0..self.header.record_count {
            let record = BorrowedRecord::parse(rest)?;
            seen.record(index, record.timestamp_delta, record.key.is_some());
            rest = &rest[record.len..];
        }
        if !rest.is_empty() {
            return Err(BatchError::Record("bytes behind the last record").into());
        }
        self.keep(seen)
    }

    /// `validateMessagesAndAssignOffsetsCompressed`, in place.
    fn keep_packed(self) -> Result<ValidBatch, AppendError> {
        let mut seen = Seen::new(&self);
        let mut dense = true;
        let mut stream = RecordStream::new(self.source, &self.records, DEFAULT_DECOMPRESSED_LIMIT)?;
        for index in 0..self.header.record_count {
            let record = stream.next_partial()?;
            if index == self.header.record_count - 1 && !stream.is_at_end()? {
                return Err(BatchError::Record("bytes behind the last record").into());
            }
            let good = seen.record(index, record.timestamp_delta, record.has_key);
            dense &= !good || record.offset_delta == index;
        }
        // Kafka would pack the records anew, for which it has skipped too much of them.
        let sparse =
            AppendError::Unreadable(BatchError::Invalid("offset deltas of packed records are not 0, 1, 2, ..."));
        seen.check_records()?;
        if dense { self.keep(seen) } else { Err(sparse) }
    }

    fn keep(self, seen: Seen<'_>) -> Result<ValidBatch, AppendError> {
        let mut header = self.header;
        let max_timestamp = seen.finish()?;
        header.set_max_timestamp(self.rules.log_append_time, max_timestamp, &self.records);
        Ok(ValidBatch { header, records: self.records })
    }

    /// `buildRecordsAndAssignOffsets`: the records are read whole and packed as the topic wants them.
    fn pack_anew(self, target: Compression) -> Result<ValidBatch, AppendError> {
        let header = &self.header;
        let mut seen = Seen::new(&self);
        let mut builder = BatchBuilder::new().codec(target.codec).producer(
            header.producer_id,
            header.producer_epoch,
            header.base_sequence,
        );
        if header.is_transactional() {
            builder = builder.transactional();
        }
        let mut negative_time = false;
        let mut body = Vec::new();
        let mut plain = &self.records[..];
        let mut stream = match self.source {
            Codec::None => None,
            codec => Some(RecordStream::new(codec, &self.records, DEFAULT_DECOMPRESSED_LIMIT)?),
        };
        for index in 0..header.record_count {
            let last = index == header.record_count - 1;
            let (record, more) = match &mut stream {
                Some(stream) => {
                    let record = stream.next_whole(&mut body)?;
                    (record, last && !stream.is_at_end()?)
                }
                None => {
                    let record = BorrowedRecord::parse(plain)?;
                    plain = &plain[record.len..];
                    (record, last && !plain.is_empty())
                }
            };
            if more {
                return Err(BatchError::Record("bytes behind the last record").into());
            }
            if seen.record(index, record.timestamp_delta, record.key.is_some()) && seen.wrong.records.is_empty() {
                let timestamp = seen.timestamp(record.timestamp_delta);
                negative_time |= timestamp < NO_TIMESTAMP;
                builder.push_borrowed(timestamp, &record);
                if builder.size() > DEFAULT_DECOMPRESSED_LIMIT {
                    return Err(BatchError::TooLarge { limit: DEFAULT_DECOMPRESSED_LIMIT }.into());
                }
            }
        }
        let max_timestamp = seen.finish()?;
        let unreadable = |why| Err(AppendError::Unreadable(BatchError::Invalid(why)));
        if negative_time {
            return unreadable("a record's timestamp is before 1970");
        }
        // What nobody looks at in a batch that stays as it is, a new one may not have (`MemoryRecordsBuilder`).
        let unsound = header.producer_epoch == NO_PRODUCER_EPOCH || header.base_sequence <= NO_SEQUENCE;
        if header.producer_id != NO_PRODUCER_ID && unsound {
            return unreadable("a producer id without epoch or sequence");
        }
        let (mut header, records) = builder.pack(|records| target.compress(records));
        header.set_max_timestamp(self.rules.log_append_time, max_timestamp, &records);
        Ok(ValidBatch { header, records })
    }
}

/// What has been learned of the records so far.
struct Seen<'a> {
    rules: &'a RecordRules,
    base_timestamp: i64,
    /// The client says that the broker has set the time.
    append_time: Option<i64>,
    max_timestamp: i64,
    wrong: BadRecords,
}

impl<'a> Seen<'a> {
    fn new(batch: &Unchecked<'a>) -> Self {
        let header = &batch.header;
        Self {
            rules: batch.rules,
            base_timestamp: header.base_timestamp,
            append_time: header.is_log_append_time().then_some(header.max_timestamp),
            max_timestamp: NO_TIMESTAMP,
            wrong: BadRecords { untimely: false, records: Vec::new() },
        }
    }

    fn timestamp(&self, delta: i64) -> i64 {
        self.append_time.unwrap_or(self.base_timestamp.wrapping_add(delta))
    }

    /// Whether the topic allows this record (`LogValidator.validateRecord`).
    fn record(&mut self, index: i32, timestamp_delta: i64, has_key: bool) -> bool {
        let timestamp = self.timestamp(timestamp_delta);
        self.max_timestamp = self.max_timestamp.max(timestamp);
        let Some((untimely, why)) = self.fault(timestamp, has_key) else { return true };
        self.wrong.untimely |= untimely;
        if self.wrong.records.len() < RECORD_ERRORS_MAX {
            self.wrong.records.push((index, why));
        }
        false
    }

    fn fault(&self, timestamp: i64, has_key: bool) -> Option<(bool, String)> {
        let rules = self.rules;
        if rules.keys_required && !has_key {
            return Some((false, "a compacted topic takes no record without a key".to_owned()));
        }
        if !rules.log_append_time && timestamp != NO_TIMESTAMP {
            let age_ms = rules.now_ms.wrapping_sub(timestamp);
            let (before, after) = (rules.timestamp_before_max_ms, rules.timestamp_after_max_ms);
            return (age_ms > before || age_ms.wrapping_neg() > after).then(|| {
                let earliest = rules.now_ms.wrapping_sub(before);
                let latest = rules.now_ms.wrapping_add(after);
                (
                    true,
                    format!("the timestamp {timestamp} is not within {earliest} and {latest}, which the topic allows"),
                )
            });
        }
        self.append_time.map(|_| (true, "only a broker may set the timestamp type to LogAppendTime".to_owned()))
    }

    fn check_records(&mut self) -> Result<(), AppendError> {
        if self.wrong.records.is_empty() {
            return Ok(());
        }
        let none = BadRecords { untimely: false, records: Vec::new() };
        Err(AppendError::BadRecords(std::mem::replace(&mut self.wrong, none)))
    }

    /// The maximum timestamp that the batch is stored with.
    fn finish(mut self) -> Result<i64, AppendError> {
        self.check_records()?;
        Ok(if self.rules.log_append_time { self.rules.now_ms } else { self.max_timestamp })
    }
}
