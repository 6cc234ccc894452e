//! Record batches, format 2 (KIP-98): bytes behind a header view.
//!
//! A broker keeps a batch as the bytes its producer made. It reads the 61-byte header, stamps the base offset and the
//! leader epoch (both outside the checksum) and stores the rest untouched. Only clients, and the broker's own topics,
//! open the records inside. Facts: `DefaultRecordBatch` and `DefaultRecord` of Apache Kafka.

mod builder;
mod codec;
mod header;
mod record;
mod validate;
mod varint;

use bytes::{Buf, Bytes};
use thiserror::Error;

pub use self::{
    builder::{BatchBuilder, ControlType, control_batch},
    codec::Codec,
    header::{BatchHeader, HEADER_LEN, LOG_OVERHEAD, MAGIC, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, stamp},
    record::{Record, RecordHeader, Records},
    validate::{validate_client_batch, validate_records},
};

/// Records of one batch may unfold to this many bytes unless the caller says otherwise. Kafka has no such bound; a
/// kilobyte of zeros packed a thousandfold must not take the memory of a node.
pub const DEFAULT_DECOMPRESSED_LIMIT: usize = 128 << 20;

/// What is wrong with a batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// The bytes end before the batch does. Normal for the last batch of a fetch from Apache Kafka (KIP-74).
    #[error("the batch is cut short: {have} of {need} bytes")]
    Incomplete { have: usize, need: usize },
    #[error("record batch format {0} is not supported, only 2")]
    Magic(i8),
    #[error("batch length {0} is impossible")]
    Length(i32),
    #[error("checksum mismatch: stored {stored:08x}, computed {computed:08x}")]
    Crc { stored: u32, computed: u32 },
    #[error("unknown compression codec {0}")]
    UnknownCodec(u8),
    #[error("{codec} data cannot be decompressed: {why}")]
    Decompress { codec: &'static str, why: String },
    #[error("the records unfold to more than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("malformed record: {0}")]
    Record(&'static str),
    #[error("malformed batch: {0}")]
    Invalid(&'static str),
}

/// One whole batch: its decoded header and all its bytes, header included.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub header: BatchHeader,
    pub bytes: Bytes,
}

impl Batch {
    /// Takes the first batch of `bytes`, which must hold it whole; what follows it is left out.
    pub fn parse(bytes: &Bytes) -> Result<Self, BatchError> {
        let header = BatchHeader::parse(bytes)?;
        let need = header.total_len();
        if bytes.len() < need {
            return Err(BatchError::Incomplete { have: bytes.len(), need });
        }
        Ok(Self { header, bytes: bytes.slice(..need) })
    }

    /// Compares the stored CRC-32C with the bytes it covers.
    pub fn check_crc(&self) -> Result<(), BatchError> {
        self.header.check_crc(&self.bytes)
    }

    /// The records, decompressed when needed, at most [`DEFAULT_DECOMPRESSED_LIMIT`] bytes. Errors come as items, and
    /// an error is the last item.
    pub fn records(&self) -> Records {
        self.records_within(DEFAULT_DECOMPRESSED_LIMIT)
    }

    /// As [`Self::records`], refusing batches that unfold to more than `limit` bytes.
    pub fn records_within(&self, limit: usize) -> Records {
        Records::new(&self.header, self.bytes.slice(HEADER_LEN..), limit)
    }
}

/// The batches in `bytes`, one after another. Ends after the first error; a cut-short tail is [`BatchError::Incomplete`].
pub fn batches(bytes: &Bytes) -> Batches {
    Batches { rest: bytes.clone() }
}

/// Iterator made by [`batches`].
#[derive(Clone, Debug)]
pub struct Batches {
    rest: Bytes,
}

impl Iterator for Batches {
    type Item = Result<Batch, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let batch = Batch::parse(&self.rest);
        match &batch {
            Ok(batch) => self.rest.advance(batch.bytes.len()),
            Err(_) => self.rest.clear(),
        }
        Some(batch)
    }
}
