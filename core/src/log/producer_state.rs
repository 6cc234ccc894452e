//! What each idempotent producer last wrote to this partition (KIP-98, `ProducerStateManager`).
//!
//! The last five batches a producer wrote are remembered, so that a retry is recognized and answered with the offsets
//! of the first time. Followers remember too: the promise survives a failover.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::{error::AppendError, segment::stem};
use crate::{
    disk::{Disk, DiskResult},
    wire::batch::{BatchHeader, ControlType, NO_PRODUCER_EPOCH, NO_SEQUENCE, Records},
};

/// A client may have five requests in flight; so many batches may come again.
const BATCHES_KEPT: usize = 5;
const SNAPSHOT_VERSION: i16 = 1;

/// One batch a producer wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMetadata {
    pub last_sequence: i32,
    pub last_offset: i64,
    /// Last offset minus first.
    pub offset_delta: i32,
    pub timestamp: i64,
}

impl BatchMetadata {
    pub fn first_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }

    /// Sequences wrap from `i32::MAX` to 0.
    pub fn first_sequence(&self) -> i32 {
        let first = i64::from(self.last_sequence) - i64::from(self.offset_delta);
        (if first < 0 { first + i64::from(i32::MAX) + 1 } else { first }) as i32
    }
}

/// What is known of one producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    pub producer_epoch: i16,
    /// At most five, oldest first.
    pub batches: VecDeque<BatchMetadata>,
    /// Of the last coordinator that ended one of its transactions here; -1: none.
    pub coordinator_epoch: i32,
    pub last_timestamp: i64,
    /// First offset of the transaction that is open here.
    pub current_txn_first_offset: Option<i64>,
}

impl ProducerEntry {
    fn new(producer_epoch: i16) -> Self {
        Self {
            producer_epoch,
            batches: VecDeque::new(),
            coordinator_epoch: -1,
            last_timestamp: -1,
            current_txn_first_offset: None,
        }
    }

    pub fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(NO_SEQUENCE, |batch| batch.last_sequence)
    }

    fn set_epoch(&mut self, epoch: i16) {
        if self.producer_epoch != epoch {
            self.producer_epoch = epoch;
            self.batches.clear();
        }
    }
}

/// All producers of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerStates {
    entries: BTreeMap<i64, ProducerEntry>,
}

impl ProducerStates {
    pub fn get(&self, producer_id: i64) -> Option<&ProducerEntry> {
        self.entries.get(&producer_id)
    }

    pub fn iter(&self) -> impl Iterator<Item = (i64, &ProducerEntry)> {
        self.entries.iter().map(|(&id, entry)| (id, entry))
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// May a leader append this batch? The rules of `ProducerAppendInfo` and `UnifiedLog.analyzeAndValidateProducerState`
    /// of 4.3.1: a batch older than the five is out of order there, not a `DUPLICATE_SEQUENCE_NUMBER` as it once was.
    pub(super) fn check(&self, header: &BatchHeader, records: &Bytes) -> Result<(), AppendError> {
        if !header.has_producer_id() {
            return Ok(());
        }
        let (producer_id, found) = (header.producer_id, header.producer_epoch);
        let Some(entry) = self.entries.get(&producer_id) else {
            let current = NO_PRODUCER_EPOCH;
            let too_old = found < current;
            return if too_old {
                Err(AppendError::InvalidProducerEpoch { producer_id, current, found })
            } else {
                Ok(())
            };
        };
        let current = entry.producer_epoch;
        if header.is_control() {
            if found < current {
                return Err(AppendError::InvalidProducerEpoch { producer_id, current, found });
            }
            return match marker(header, records) {
                Some((_, epoch)) if epoch < entry.coordinator_epoch => {
                    Err(AppendError::TransactionCoordinatorFenced { current: entry.coordinator_epoch, found: epoch })
                }
                _ => Ok(()),
            };
        }
        if found == current {
            let same = |known: &&BatchMetadata| {
                known.first_sequence() == header.base_sequence && known.last_sequence == header.last_sequence()
            };
            if let Some(known) = entry.batches.iter().find(same) {
                let (base_offset, last_offset) = (known.first_offset(), known.last_offset);
                return Err(AppendError::Duplicate { base_offset, last_offset, timestamp: known.timestamp });
            }
        } else if found < current {
            return Err(AppendError::InvalidProducerEpoch { producer_id, current, found });
        }
        // A new epoch begins at 0; so does an epoch that a marker brought and that has written nothing.
        let last = if found == current { entry.last_sequence() } else { NO_SEQUENCE };
        let expected = if last == i32::MAX { 0 } else { last + 1 };
        // Of a producer that has written without an epoch nothing is expected.
        if current != NO_PRODUCER_EPOCH && header.base_sequence != expected {
            return Err(AppendError::OutOfOrderSequence { producer_id, expected, found: header.base_sequence });
        }
        match entry.current_txn_first_offset {
            Some(since) if !header.is_transactional() => Err(AppendError::InvalidTxnState { producer_id, since }),
            _ => Ok(()),
        }
    }

    /// Takes an appended batch into account. Followers and replays come here without a check: the leader made it.
    pub(super) fn update(&mut self, header: &BatchHeader, records: &Bytes) {
        if !header.has_producer_id() {
            return;
        }
        if header.is_control() {
            self.update_marker(header, records);
            return;
        }
        let entry = self.entries.entry(header.producer_id).or_insert_with(|| ProducerEntry::new(header.producer_epoch));
        entry.set_epoch(header.producer_epoch);
        if entry.batches.len() == BATCHES_KEPT {
            entry.batches.pop_front();
        }
        entry.batches.push_back(BatchMetadata {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
        entry.last_timestamp = header.max_timestamp;
        if header.is_transactional() {
            entry.current_txn_first_offset.get_or_insert(header.base_offset);
        }
    }

    fn update_marker(&mut self, header: &BatchHeader, records: &Bytes) {
        let Some((_, coordinator_epoch)) = marker(header, records) else { return };
        let entry = self.entries.entry(header.producer_id).or_insert_with(|| ProducerEntry::new(header.producer_epoch));
        entry.set_epoch(header.producer_epoch);
        entry.coordinator_epoch = coordinator_epoch;
        entry.last_timestamp = header.max_timestamp;
        entry.current_txn_first_offset = None;
    }

    /// Needs the records to be understood, not only the header.
    pub(super) fn wants_body(header: &BatchHeader) -> bool {
        header.has_producer_id() && header.is_control()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Forgets producers that have been silent for `expiration_ms` and have no transaction open.
    pub(super) fn remove_expired(&mut self, now_ms: i64, expiration_ms: u64) {
        let expiration_ms = i64::try_from(expiration_ms).unwrap_or(i64::MAX);
        self.entries.retain(|_, entry| {
            entry.current_txn_first_offset.is_some() || now_ms.saturating_sub(entry.last_timestamp) < expiration_ms
        });
    }

    /// Writes `<offset>.snapshot`: the state after all records before `offset`.
    pub(super) fn write_snapshot(&self, disk: &mut dyn Disk, dir: &str, offset: i64) -> DiskResult<()> {
        disk.replace(&snapshot_path(dir, offset), &self.encode(), false)
    }

    /// Reads `<offset>.snapshot`. `None`: it is missing, torn or of another version.
    pub(super) fn read_snapshot(disk: &dyn Disk, dir: &str, offset: i64) -> Option<Self> {
        Self::decode(&disk.read(&snapshot_path(dir, offset)).ok()?)
    }

    /// The fields of Kafka's `ProducerSnapshot` schema, version 1. The checksum covers what follows it.
    fn encode(&self) -> Vec<u8> {
        let mut body = (self.entries.len() as i32).to_be_bytes().to_vec();
        for (producer_id, entry) in &self.entries {
            let last = entry.batches.back();
            body.extend_from_slice(&producer_id.to_be_bytes());
            body.extend_from_slice(&entry.producer_epoch.to_be_bytes());
            body.extend_from_slice(&last.map_or(NO_SEQUENCE, |b| b.last_sequence).to_be_bytes());
            body.extend_from_slice(&last.map_or(-1, |b| b.last_offset).to_be_bytes());
            body.extend_from_slice(&last.map_or(0, |b| b.offset_delta).to_be_bytes());
            body.extend_from_slice(&entry.last_timestamp.to_be_bytes());
            body.extend_from_slice(&entry.coordinator_epoch.to_be_bytes());
            body.extend_from_slice(&entry.current_txn_first_offset.unwrap_or(-1).to_be_bytes());
        }
        let mut snapshot = SNAPSHOT_VERSION.to_be_bytes().to_vec();
        snapshot.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
        snapshot.extend_from_slice(&body);
        snapshot
    }

    fn decode(bytes: &Bytes) -> Option<Self> {
        const ENTRY: usize = 46;
        let (version, rest) = bytes.split_first_chunk::<2>()?;
        let (crc, body) = rest.split_first_chunk::<4>()?;
        if i16::from_be_bytes(*version) != SNAPSHOT_VERSION || u32::from_be_bytes(*crc) != crc32c::crc32c(body) {
            return None;
        }
        let (count, entries) = body.split_first_chunk::<4>()?;
        if entries.len() != usize::try_from(i32::from_be_bytes(*count)).ok()?.checked_mul(ENTRY)? {
            return None;
        }
        let entries = entries.chunks_exact(ENTRY).map(|bytes| {
            let long = |at: usize| i64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
            let int = |at: usize| i32::from_be_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
            let mut entry = ProducerEntry::new(i16::from_be_bytes([bytes[8], bytes[9]]));
            entry.last_timestamp = long(26);
            entry.coordinator_epoch = int(34);
            entry.current_txn_first_offset = Some(long(38)).filter(|&offset| offset >= 0);
            if long(14) >= 0 && int(22) >= 0 {
                entry.batches.push_back(BatchMetadata {
                    last_sequence: int(10),
                    last_offset: long(14),
                    offset_delta: int(22),
                    timestamp: entry.last_timestamp,
                });
            }
            (long(0), entry)
        });
        Some(Self { entries: entries.collect() })
    }
}

/// What an end-of-transaction marker says, and the epoch of the coordinator that wrote it.
fn marker(header: &BatchHeader, records: &Bytes) -> Option<(ControlType, i32)> {
    let record = Records::new(header, records.clone(), records.len()).next()?.ok()?;
    let kind = ControlType::from_key(&record.key?)?;
    if !matches!(kind, ControlType::Abort | ControlType::Commit) {
        return None;
    }
    let value = record.value?;
    let epoch = value.get(2..6)?.try_into().ok()?;
    Some((kind, i32::from_be_bytes(epoch)))
}

pub(super) fn snapshot_path(dir: &str, offset: i64) -> String {
    format!("{}.snapshot", stem(dir, offset))
}

/// Offsets of the snapshots in `dir`, smallest first.
pub(super) fn snapshots(disk: &dyn Disk, dir: &str) -> DiskResult<Vec<i64>> {
    let names = disk.list(dir)?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(".snapshot")?.parse().ok()).collect())
}
