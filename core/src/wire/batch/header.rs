//! The 61 bytes in front of every batch.

use serde::{Deserialize, Serialize};

use super::{BatchError, Codec};

/// Length of the header: everything before the records.
pub const HEADER_LEN: usize = 61;
/// Base offset and batch length: the part of the header that `batch_length` does not count.
pub const LOG_OVERHEAD: usize = 12;
/// The only record format that Kafka 4 accepts.
pub const MAGIC: i8 = 2;
pub const NO_PRODUCER_ID: i64 = -1;
pub const NO_PRODUCER_EPOCH: i16 = -1;
pub const NO_SEQUENCE: i32 = -1;
pub const NO_TIMESTAMP: i64 = -1;

pub(super) const CRC_AT: usize = 17;
/// The checksum covers everything from the attributes on. Base offset and leader epoch lie before it, so that a
/// broker can stamp them without hashing again.
pub(super) const CRC_FROM: usize = 21;

const CODEC_MASK: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
pub(super) const TRANSACTIONAL: i16 = 0x10;
pub(super) const CONTROL: i16 = 0x20;
const DELETE_HORIZON: i16 = 0x40;

/// The header, decoded. Offsets and sequences are those of the first record; `last_offset_delta` and `base_sequence`
/// survive compaction even when records do not, so `record_count` may be smaller than `last_offset_delta + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchHeader {
    pub base_offset: i64,
    /// Bytes after this field; [`Self::total_len`] is what the batch takes.
    pub batch_length: i32,
    pub partition_leader_epoch: i32,
    pub crc: u32,
    pub attributes: i16,
    pub last_offset_delta: i32,
    /// Milliseconds; the delete horizon instead when [`Self::has_delete_horizon`].
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    /// -1: not idempotent.
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub record_count: i32,
}

impl BatchHeader {
    /// Decodes the first 61 bytes. Checks format, length and signs, so that arithmetic on what it returns is safe.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let header = Self::decode(bytes)?;
        if header.last_offset_delta < 0 || header.record_count < 0 {
            return Err(BatchError::Invalid("negative offset delta or record count"));
        }
        if header.base_offset < 0 || header.base_offset.checked_add(i64::from(header.last_offset_delta) + 1).is_none() {
            return Err(BatchError::Invalid("offsets out of range"));
        }
        Ok(header)
    }

    /// As [`Self::parse`], and leaves the signs to the caller.
    pub fn decode(bytes: &[u8]) -> Result<Self, BatchError> {
        // The length stands before the format, and older formats may be shorter than 61 bytes: look at both first.
        if bytes.len() > 16 && bytes[16] as i8 != MAGIC {
            return Err(BatchError::Magic(bytes[16] as i8));
        }
        let Some(bytes) = bytes.first_chunk::<HEADER_LEN>() else {
            return Err(BatchError::Incomplete { have: bytes.len(), need: HEADER_LEN });
        };
        let header = Self {
            base_offset: i64::from_be_bytes(field(bytes, 0)),
            batch_length: i32::from_be_bytes(field(bytes, 8)),
            partition_leader_epoch: i32::from_be_bytes(field(bytes, 12)),
            crc: u32::from_be_bytes(field(bytes, CRC_AT)),
            attributes: i16::from_be_bytes(field(bytes, 21)),
            last_offset_delta: i32::from_be_bytes(field(bytes, 23)),
            base_timestamp: i64::from_be_bytes(field(bytes, 27)),
            max_timestamp: i64::from_be_bytes(field(bytes, 35)),
            producer_id: i64::from_be_bytes(field(bytes, 43)),
            producer_epoch: i16::from_be_bytes(field(bytes, 51)),
            base_sequence: i32::from_be_bytes(field(bytes, 53)),
            record_count: i32::from_be_bytes(field(bytes, 57)),
        };
        if header.batch_length < (HEADER_LEN - LOG_OVERHEAD) as i32 {
            return Err(BatchError::Length(header.batch_length));
        }
        Ok(header)
    }

    /// The 61 bytes that [`Self::decode`] reads.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, &self.base_offset.to_be_bytes());
        put(8, &self.batch_length.to_be_bytes());
        put(12, &self.partition_leader_epoch.to_be_bytes());
        put(16, &MAGIC.to_be_bytes());
        put(CRC_AT, &self.crc.to_be_bytes());
        put(21, &self.attributes.to_be_bytes());
        put(23, &self.last_offset_delta.to_be_bytes());
        put(27, &self.base_timestamp.to_be_bytes());
        put(35, &self.max_timestamp.to_be_bytes());
        put(43, &self.producer_id.to_be_bytes());
        put(51, &self.producer_epoch.to_be_bytes());
        put(53, &self.base_sequence.to_be_bytes());
        put(57, &self.record_count.to_be_bytes());
        bytes
    }

    /// Bytes of the whole batch.
    pub fn total_len(&self) -> usize {
        LOG_OVERHEAD + self.batch_length as usize
    }

    pub fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// The offset after the batch.
    pub fn next_offset(&self) -> i64 {
        self.last_offset() + 1
    }

    pub fn codec(&self) -> Result<Codec, BatchError> {
        Codec::from_id((self.attributes & CODEC_MASK) as u8)
    }

    pub fn is_compressed(&self) -> bool {
        self.attributes & CODEC_MASK != 0
    }

    /// Timestamps are the broker's (`message.timestamp.type=LogAppendTime`), all equal to `max_timestamp`.
    pub fn is_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    pub fn has_delete_horizon(&self) -> bool {
        self.attributes & DELETE_HORIZON != 0
    }

    pub fn has_producer_id(&self) -> bool {
        self.producer_id >= 0
    }

    /// Sequence of the last record; sequences wrap from `i32::MAX` to 0.
    pub fn last_sequence(&self) -> i32 {
        if self.base_sequence == NO_SEQUENCE {
            return NO_SEQUENCE;
        }
        let last = i64::from(self.base_sequence) + i64::from(self.last_offset_delta);
        (last % (i64::from(i32::MAX) + 1)) as i32
    }

    /// Hashes `batch` (all its bytes) and compares with the stored checksum.
    pub fn check_crc(&self, batch: &[u8]) -> Result<(), BatchError> {
        let computed = crc32c::crc32c(&batch[CRC_FROM..self.total_len()]);
        if computed == self.crc { Ok(()) } else { Err(BatchError::Crc { stored: self.crc, computed }) }
    }

    /// Sets the maximum timestamp and whose it is, and if either changed computes the checksum anew
    /// (`DefaultRecordBatch.setMaxTimestamp`, which then drops attributes that have no meaning).
    pub fn set_max_timestamp(&mut self, log_append_time: bool, max_timestamp: i64, records: &[u8]) {
        if self.is_log_append_time() == log_append_time && self.max_timestamp == max_timestamp {
            return;
        }
        self.attributes &= CODEC_MASK | TRANSACTIONAL | CONTROL | DELETE_HORIZON;
        if log_append_time {
            self.attributes |= LOG_APPEND_TIME;
        }
        self.max_timestamp = max_timestamp;
        self.set_crc(records);
    }

    pub(super) fn set_crc(&mut self, records: &[u8]) {
        self.crc = crc32c::crc32c_append(crc32c::crc32c(&self.encode()[CRC_FROM..]), records);
    }
}

fn field<const N: usize>(bytes: &[u8; HEADER_LEN], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("fields lie inside the header")
}
