//! Makes batches: what producers, the quorum and the coordinators write.

use bytes::{Bytes, BytesMut};

use super::{
    BatchHeader, BorrowedRecord, Codec,
    header::{CONTROL, HEADER_LEN, LOG_OVERHEAD, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, TRANSACTIONAL},
    record::put_record,
};

/// Collects records and makes one batch of them. Plain and uncompressed unless told otherwise; base offset 0 and no
/// leader epoch, as a producer sends it.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    buffer: BytesMut,
    codec: Codec,
    attributes: i16,
    base_offset: i64,
    leader_epoch: i32,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    base_timestamp: i64,
    max_timestamp: i64,
    count: i32,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// With room for `bytes` of records.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut buffer = BytesMut::with_capacity(HEADER_LEN + bytes);
        buffer.resize(HEADER_LEN, 0);
        Self {
            buffer,
            codec: Codec::None,
            attributes: 0,
            base_offset: 0,
            leader_epoch: -1,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: -1,
            base_sequence: NO_SEQUENCE,
            base_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
            count: 0,
        }
    }

    #[must_use]
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Marks the batch idempotent (KIP-98): `base_sequence` numbers its first record.
    #[must_use]
    pub fn producer(mut self, producer_id: i64, producer_epoch: i16, base_sequence: i32) -> Self {
        self.set_producer(producer_id, producer_epoch, base_sequence);
        self
    }

    /// As [`Self::producer`], for a builder that lives in a queue: sequences are drawn when the batch is drained.
    pub fn set_producer(&mut self, producer_id: i64, producer_epoch: i16, base_sequence: i32) {
        (self.producer_id, self.producer_epoch, self.base_sequence) = (producer_id, producer_epoch, base_sequence);
    }

    #[must_use]
    pub fn transactional(mut self) -> Self {
        self.attributes |= TRANSACTIONAL;
        self
    }

    #[must_use]
    pub fn control(mut self) -> Self {
        self.attributes |= CONTROL;
        self
    }

    /// Where the batch stands in the log, for whoever writes it without a leader's stamp (snapshots, tests).
    #[must_use]
    pub fn at(mut self, base_offset: i64, leader_epoch: i32) -> Self {
        (self.base_offset, self.leader_epoch) = (base_offset, leader_epoch);
        self
    }

    /// Adds a record. The first one's timestamp is the base of the others.
    pub fn push(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, Option<&[u8]>)],
    ) {
        if self.count == 0 {
            self.base_timestamp = timestamp;
        }
        self.max_timestamp = self.max_timestamp.max(timestamp);
        put_record(&mut self.buffer, timestamp.wrapping_sub(self.base_timestamp), self.count, key, value, headers);
        self.count += 1;
    }

    /// Adds a record of another batch.
    pub fn push_borrowed(&mut self, timestamp: i64, record: &BorrowedRecord<'_>) {
        let headers: Vec<_> = record.headers().map(|(key, value)| (String::from_utf8_lossy(key), value)).collect();
        let headers: Vec<_> = headers.iter().map(|(key, value)| (key.as_ref(), *value)).collect();
        self.push(timestamp, record.key, record.value, &headers);
    }

    /// Records so far.
    pub fn record_count(&self) -> i32 {
        self.count
    }

    /// Bytes of the batch so far, before compression.
    pub fn size(&self) -> usize {
        self.buffer.len()
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The finished batch.
    pub fn build(self) -> Bytes {
        let codec = self.codec;
        if codec != Codec::None {
            let (header, packed) = self.pack(|records| codec.compress(records));
            return [&header.encode()[..], &packed].concat().into();
        }
        let mut header = self.header(Codec::None, self.buffer.len() - HEADER_LEN);
        header.set_crc(&self.buffer[HEADER_LEN..]);
        let mut batch = self.buffer;
        batch[..HEADER_LEN].copy_from_slice(&header.encode());
        batch.freeze()
    }

    /// The header of the batch, and its records packed by `pack` as the codec says.
    pub fn pack(self, pack: impl FnOnce(&[u8]) -> Vec<u8>) -> (BatchHeader, Bytes) {
        let packed = pack(&self.buffer[HEADER_LEN..]);
        let mut header = self.header(self.codec, packed.len());
        header.set_crc(&packed);
        (header, packed.into())
    }

    fn header(&self, codec: Codec, records_len: usize) -> BatchHeader {
        BatchHeader {
            base_offset: self.base_offset,
            batch_length: (HEADER_LEN - LOG_OVERHEAD + records_len) as i32,
            partition_leader_epoch: self.leader_epoch,
            crc: 0,
            attributes: self.attributes | codec as i16,
            last_offset_delta: (self.count - 1).max(0),
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: self.producer_id,
            producer_epoch: self.producer_epoch,
            base_sequence: self.base_sequence,
            record_count: self.count,
        }
    }
}

/// What a control record says: the `type` in its key (`ControlRecordType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlType {
    Abort = 0,
    /// The end marker of a transaction that was committed.
    Commit = 1,
    LeaderChange = 2,
    SnapshotHeader = 3,
    SnapshotFooter = 4,
    KRaftVersion = 5,
    KRaftVoters = 6,
}

impl ControlType {
    /// The key of a control record of this type.
    pub fn key(self) -> [u8; 4] {
        let [high, low] = (self as i16).to_be_bytes();
        [0, 0, high, low]
    }

    /// Reads the key of a control record. `None`: a type this program does not know, to be skipped.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        const ALL: [ControlType; 7] = [
            ControlType::Abort,
            ControlType::Commit,
            ControlType::LeaderChange,
            ControlType::SnapshotHeader,
            ControlType::SnapshotFooter,
            ControlType::KRaftVersion,
            ControlType::KRaftVoters,
        ];
        let key: [u8; 4] = key.get(..4)?.try_into().ok()?;
        let number = i16::from_be_bytes([key[2], key[3]]);
        ALL.get(usize::try_from(number).ok()?).copied()
    }
}

/// A control batch of the quorum: each value is an encoded message (`LeaderChangeMessage`, ...).
pub fn control_batch(timestamp: i64, records: &[(ControlType, Bytes)]) -> Bytes {
    let mut builder = BatchBuilder::new().control();
    for (kind, value) in records {
        builder.push(timestamp, Some(&kind.key()), Some(value), &[]);
    }
    builder.build()
}
