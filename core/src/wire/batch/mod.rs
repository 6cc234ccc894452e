//! Record batches, format 2 (KIP-98): bytes behind a header view.
//!
//! A broker keeps a batch as the bytes its producer made. It reads the 61-byte header, stamps the base offset and the
//! leader epoch (both outside the checksum) and stores the rest untouched. Only clients, and the broker's own topics,
//! open the records inside. Facts: `DefaultRecordBatch` and `DefaultRecord` of Apache Kafka.

mod builder;
mod codec;
mod decoder;
mod header;
mod record;
mod stream;
mod varint;

use bytes::{Buf, Bytes};
use thiserror::Error;

pub use self::{
    builder::{BatchBuilder, ControlType, control_batch},
    codec::{Codec, Compression},
    header::{
        BatchHeader, HEADER_LEN, LOG_OVERHEAD, MAGIC, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP,
    },
    record::{BorrowedRecord, Record, RecordHeader, Records},
    stream::{PartialRecord, RecordStream},
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
    /// The number does not end within five bytes. Kafka has no error for it.
    #[error("a record's length does not end")]
    EndlessLength,
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
        Records::new(&self.header, self.records_bytes(), limit)
    }

    /// What follows the header.
    pub fn records_bytes(&self) -> Bytes {
        self.bytes.slice(HEADER_LEN..)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(codec: Codec) -> Bytes {
        let mut batch = BatchBuilder::new().codec(codec).producer(7, 2, 40);
        batch.push(1_700_000_000_000, Some(b"k"), Some(b"v"), &[("h", Some(b"1")), ("h", None), ("", Some(b""))]);
        // Further apart than 32 bits of milliseconds, and backwards.
        batch.push(1_700_000_000_000 + (1 << 40), None, Some(b""), &[]);
        batch.push(-5, Some(b""), None, &[]);
        batch.build()
    }

    #[test]
    fn what_was_built_is_read_again() {
        for codec in Codec::ALL {
            let batch = Batch::parse(&sample(codec)).unwrap();
            batch.check_crc().unwrap();
            let header = &batch.header;
            assert_eq!((header.codec(), header.record_count, header.last_offset_delta), (Ok(codec), 3, 2));
            assert_eq!((header.producer_id, header.producer_epoch, header.last_sequence()), (7, 2, 42));
            assert_eq!(header.max_timestamp, 1_700_000_000_000 + (1 << 40));
            let records: Vec<Record> = batch.records().map(Result::unwrap).collect();
            assert_eq!(records[0].key.as_deref(), Some(&b"k"[..]));
            let headers: Vec<_> = records[0].headers.iter().map(|h| (h.key.as_str(), h.value.as_deref())).collect();
            assert_eq!(headers, [("h", Some(&b"1"[..])), ("h", None), ("", Some(&b""[..]))], "order and repeats stay");
            assert_eq!(records[1].timestamp, 1_700_000_000_000 + (1 << 40));
            assert_eq!((records[1].key.as_deref(), records[1].value.as_deref()), (None, Some(&b""[..])));
            assert_eq!((records[2].timestamp, records[2].offset), (-5, 2));
        }
    }

    #[test]
    fn a_header_is_written_as_it_was_read() {
        let bytes = sample(Codec::None);
        let batch = Batch::parse(&bytes).unwrap();
        assert_eq!(batch.header.encode(), bytes[..HEADER_LEN]);
        let moved = BatchHeader { base_offset: 1 << 40, partition_leader_epoch: 9, ..batch.header };
        let moved = Batch::parse(&[&moved.encode()[..], &batch.records_bytes()].concat().into()).unwrap();
        moved.check_crc().unwrap();
        assert_eq!(moved.records().next().unwrap().unwrap().offset, 1 << 40);
    }

    #[test]
    fn append_time_is_under_the_checksum_and_of_every_record() {
        let before = Batch::parse(&sample(Codec::Gzip)).unwrap();
        let mut header = before.header;
        header.set_max_timestamp(true, 77, &before.records_bytes());
        let batch = Batch::parse(&[&header.encode()[..], &before.records_bytes()].concat().into()).unwrap();
        batch.check_crc().unwrap();
        assert!(batch.records().all(|record| record.unwrap().timestamp == 77));
    }

    #[test]
    fn batches_follow_each_other_up_to_a_cut_one() {
        let one = sample(Codec::None);
        let bytes = Bytes::from([&one[..], &one[..], &one[..50]].concat());
        let found: Vec<_> = batches(&bytes).collect();
        assert_eq!(found.len(), 3);
        assert!(found[0].is_ok() && found[1].is_ok());
        assert_eq!(found[2], Err(BatchError::Incomplete { have: 50, need: HEADER_LEN }));
    }

    /// A few bytes that claim much: the claim is refused, not believed.
    #[test]
    fn hostile_counts_take_no_memory() {
        let mut body = bytes::BytesMut::new();
        // One record: attributes, deltas, no key, no value, two billion headers.
        varint::put_varint(&mut body, 10);
        body.extend_from_slice(&[0, 0, 0, 1, 1]);
        varint::put_varint(&mut body, i32::MAX);
        let mut bytes = sample(Codec::None)[..HEADER_LEN].to_vec();
        bytes.extend_from_slice(&body);
        let length = (bytes.len() - LOG_OVERHEAD) as i32;
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        let batch = Batch::parse(&bytes.into()).unwrap();
        assert_eq!(batch.records().next(), Some(Err(BatchError::Record("cut short"))));
        assert_eq!(batch.records().count(), 1, "an error is the last item");
    }
}
