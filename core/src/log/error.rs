//! Why a log refuses, with Kafka's error codes.

use thiserror::Error;

use super::validator::BadRecords;
use crate::{disk::DiskError, wire::batch::BatchError};

/// Bad records that the message of their batch names.
const NAMED_IN_MESSAGE: usize = 3;

/// Why a batch was not appended. After any of these the log is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// One of the producer's last five batches came again (KIP-98). It is answered as a success, with the offsets it
    /// got the first time.
    #[error("duplicate of the batch at offsets {base_offset} to {last_offset}")]
    Duplicate { base_offset: i64, last_offset: i64, timestamp: i64 },
    #[error("producer {producer_id} sent sequence {found}, the next one is {expected}")]
    OutOfOrderSequence { producer_id: i64, expected: i32, found: i32 },
    #[error("producer {producer_id} has epoch {current}, the batch says {found}")]
    InvalidProducerEpoch { producer_id: i64, current: i16, found: i16 },
    #[error("producer {producer_id} has a transaction open since offset {since}; the batch is not part of one")]
    InvalidTxnState { producer_id: i64, since: i64 },
    #[error("the marker's coordinator epoch {found} is older than {current}")]
    TransactionCoordinatorFenced { current: i32, found: i32 },
    #[error("the batch has {size} bytes, max.message.bytes is {limit}")]
    TooLarge { size: usize, limit: u32 },
    #[error("the batch has {size} bytes, segment.bytes is {limit}")]
    LargerThanSegment { size: usize, limit: u32 },
    #[error("the records unpack to more than {limit} bytes")]
    UnpacksTooLarge { limit: usize },
    #[error("{}", describe(.0))]
    BadRecords(BadRecords),
    /// What Kafka has no error of its own for: its reader throws.
    #[error("unreadable batch: {0}")]
    Unreadable(BatchError),
    /// Wrong bytes: checksum, length, header.
    #[error("corrupt batch: {0}")]
    Corrupt(BatchError),
    /// Right bytes that break a rule.
    #[error("invalid batch: {0}")]
    Invalid(BatchError),
    #[error("expected one record batch, found {0}")]
    NotOneBatch(usize),
    /// Followers: the fetched batch does not continue the log.
    #[error("batch at offset {found} does not follow the log end {log_end_offset}")]
    OffsetsOutOfOrder { log_end_offset: i64, found: i64 },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl AppendError {
    /// The error code that a client gets.
    pub fn code(&self) -> i16 {
        match self {
            Self::Duplicate { .. } => 0,
            Self::OutOfOrderSequence { .. } => 45,
            Self::InvalidProducerEpoch { .. } => 47,
            Self::InvalidTxnState { .. } => 48,
            Self::TransactionCoordinatorFenced { .. } => 52,
            Self::TooLarge { .. } | Self::UnpacksTooLarge { .. } => 10,
            Self::LargerThanSegment { .. } => 18,
            Self::BadRecords(bad) => {
                if bad.untimely {
                    32
                } else {
                    87
                }
            }
            Self::Corrupt(_) => 2,
            Self::Invalid(_) | Self::NotOneBatch(_) => 87,
            Self::OffsetsOutOfOrder { .. } | Self::Unreadable(_) => -1,
            Self::Disk(_) => 56,
        }
    }
}

/// One message for all that is wrong with single records (`LogValidator.processRecordErrors`).
fn describe(bad: &BadRecords) -> String {
    let named = bad.records.iter().take(NAMED_IN_MESSAGE);
    let named: Vec<String> = named.map(|(index, why)| format!("record {index}: {why}")).collect();
    format!("the batch is rejected because of single records, first these: {}", named.join("; "))
}

impl From<BatchError> for AppendError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Crc { .. } | BatchError::Length(_) | BatchError::Incomplete { .. } => Self::Corrupt(error),
            BatchError::Magic(magic) if !(0..=1).contains(&magic) => Self::Corrupt(error),
            BatchError::UnknownCodec(_) | BatchError::Decompress { .. } | BatchError::EndlessLength => {
                Self::Unreadable(error)
            }
            BatchError::TooLarge { limit } => Self::UnpacksTooLarge { limit },
            BatchError::Magic(_) | BatchError::Record(_) | BatchError::Invalid(_) => Self::Invalid(error),
        }
    }
}

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// `OFFSET_OUT_OF_RANGE` (1).
    #[error("offset {offset} is outside of {log_start_offset} to {log_end_offset}")]
    OffsetOutOfRange { offset: i64, log_start_offset: i64, log_end_offset: i64 },
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl ReadError {
    pub fn code(&self) -> i16 {
        match self {
            Self::OffsetOutOfRange { .. } => 1,
            Self::Disk(_) => 56,
        }
    }
}

/// Why no offset was found for a time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LookupError {
    /// Of packed records Kafka skips what it need not know when they are written, and reads it when it looks for a time.
    #[error("unreadable batch: {0}")]
    Unreadable(#[from] BatchError),
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl LookupError {
    pub fn code(&self) -> i16 {
        match self {
            Self::Unreadable(error) => AppendError::from(error.clone()).code(),
            Self::Disk(_) => 56,
        }
    }
}
