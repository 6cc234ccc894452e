//! Batches of one partition: filling, waiting, in flight (`RecordAccumulator`, and the part of `TransactionManager` that
//! numbers batches).

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::producer::Record;
use crate::{id::EventId, wire::batch::BatchBuilder};

/// Overhead of a record beside key, value and headers, estimated from above as Kafka does.
const RECORD_OVERHEAD: usize = 21;

#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// Names it in answers.
    pub(super) serial: u64,
    content: Content,
    pub(super) handles: Vec<u64>,
    /// What its records were counted for in `buffer.memory`.
    pub(super) counted_bytes: usize,
    pub(super) created_ms: u64,
    pub(super) attempts: u32,
    /// Not sent again before.
    pub(super) not_before_ms: u64,
    /// Producer id, epoch and first sequence: drawn when it is first sent.
    pub(super) numbered: Option<(i64, i16, i32)>,
    /// The event of its first record, or of what last happened to it.
    pub(super) cause: Option<EventId>,
}

#[derive(Clone, Debug)]
enum Content {
    Filling(BatchBuilder),
    Sealed(Bytes),
}

impl Batch {
    pub(super) fn records(&self) -> i32 {
        self.handles.len() as i32
    }

    pub(super) fn size(&self) -> usize {
        match &self.content {
            Content::Filling(builder) => builder.size(),
            Content::Sealed(bytes) => bytes.len(),
        }
    }

    /// The bytes to send, with these numbers in them.
    pub(super) fn seal(&mut self, numbered: Option<(i64, i16, i32)>) -> Bytes {
        if let Content::Filling(builder) = &mut self.content {
            let mut builder = std::mem::take(builder);
            if let Some((id, epoch, sequence)) = numbered {
                builder.set_producer(id, epoch, sequence);
            }
            self.content = Content::Sealed(builder.build());
        } else if self.numbered != numbered {
            self.renumber(numbered);
        }
        self.numbered = numbered;
        match &self.content {
            Content::Sealed(bytes) => bytes.clone(),
            Content::Filling(_) => unreachable!("sealed above"),
        }
    }

    /// Writes new numbers over the old ones, for a batch that is sure not to have been stored (KIP-360).
    fn renumber(&mut self, numbered: Option<(i64, i16, i32)>) {
        let Content::Sealed(bytes) = &mut self.content else { return };
        let (id, epoch, sequence) = numbered.unwrap_or((-1, -1, -1));
        let mut batch = BytesMut::from(&bytes[..]);
        batch[43..51].copy_from_slice(&id.to_be_bytes());
        batch[51..53].copy_from_slice(&epoch.to_be_bytes());
        batch[53..57].copy_from_slice(&sequence.to_be_bytes());
        let crc = crc32c::crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        *bytes = batch.freeze();
    }

    pub(super) fn sequence(&self) -> i32 {
        self.numbered.map_or(-1, |(_, _, sequence)| sequence)
    }
}

/// `sequence + count`; sequences wrap from `i32::MAX` to 0.
pub(super) fn advance(sequence: i32, count: i32) -> i32 {
    ((i64::from(sequence) + i64::from(count)) & i64::from(i32::MAX)) as i32
}

/// All of one partition's batches.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    /// To be sent, oldest first; those that were sent before come first, in order of their sequences.
    pub(super) pending: VecDeque<Batch>,
    /// Sent and not answered, in order of their sequences.
    pub(super) in_flight: VecDeque<Batch>,
    /// Producer id and epoch that its numbers belong to.
    pub(super) producer: Option<(i64, i16)>,
    pub(super) next_sequence: i32,
    /// Last sequence that was acknowledged.
    pub(super) acked_sequence: Option<i32>,
    /// A batch was given up and nobody knows whether it was stored: no new numbers until the old ones are resolved.
    pub(super) unresolved: bool,
    /// Numbers have a gap that the broker will not take: begin again at 0 with the next epoch.
    pub(super) renumber: bool,
    pub(super) acked_offset: Option<i64>,
}

impl Queue {
    /// Adds a record to the last batch, or to a new one when that is full or was sent.
    pub(super) fn push(
        &mut self,
        record: &Record,
        handle: u64,
        now_ms: u64,
        timestamp: i64,
        limit: usize,
        serial: u64,
    ) {
        let size = record_size(record);
        let fits = |b: &Batch| b.attempts == 0 && matches!(b.content, Content::Filling(_)) && b.size() + size <= limit;
        if !self.pending.back().is_some_and(fits) {
            self.pending.push_back(Batch {
                serial,
                content: Content::Filling(BatchBuilder::new()),
                handles: Vec::new(),
                counted_bytes: 0,
                created_ms: now_ms,
                attempts: 0,
                not_before_ms: 0,
                numbered: None,
                cause: None,
            });
        }
        let batch = self.pending.back_mut().expect("just made");
        let Content::Filling(builder) = &mut batch.content else { unreachable!("a fitting batch is being filled") };
        let headers: Vec<_> = record.headers.iter().map(|(k, v)| (k.as_str(), v.as_deref())).collect();
        builder.push(timestamp, record.key.as_deref(), record.value.as_deref(), &headers);
        batch.handles.push(handle);
        batch.counted_bytes += size;
    }

    /// Puts a batch back, in order of its sequence.
    pub(super) fn requeue(&mut self, batch: Batch) {
        let before = |b: &Batch| match (b.numbered, batch.numbered) {
            // Sequences wrap: compare by distance.
            (Some((_, _, theirs)), Some((_, _, ours))) => ours.wrapping_sub(theirs) & i32::MAX < i32::MAX / 2,
            (None, None) => b.attempts > 0 && b.serial < batch.serial,
            (numbered, _) => numbered.is_some(),
        };
        let at = self.pending.iter().take_while(|b| before(b)).count();
        self.pending.insert(at, batch);
    }

    pub(super) fn take_in_flight(&mut self, serial: u64) -> Option<Batch> {
        let at = self.in_flight.iter().position(|b| b.serial == serial)?;
        self.in_flight.remove(at)
    }

    /// Batches that carry numbers and are not done.
    pub(super) fn has_numbered(&self) -> bool {
        !self.in_flight.is_empty() || self.pending.front().is_some_and(|b| b.numbered.is_some())
    }

    /// Whether `sequence` is the one the broker waits for, as far as is known here.
    pub(super) fn is_next(&self, sequence: i32) -> bool {
        sequence == self.acked_sequence.map_or(0, |acked| advance(acked, 1))
    }

    /// Whether the first pending batch may be sent without overtaking one before it: what was sent before goes again
    /// one at a time, and new ones wait for it.
    pub(super) fn in_order(&self) -> bool {
        let Some(first) = self.pending.front() else { return false };
        if self.renumber {
            return false;
        }
        match first.numbered {
            Some(_) => self.in_flight.is_empty(),
            None => !self.unresolved && self.in_flight.iter().all(|b| b.attempts == 1),
        }
    }
}

/// What a record may take in a batch.
pub(super) fn record_size(record: &Record) -> usize {
    let len = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
    let headers: usize = record.headers.iter().map(|(k, v)| k.len() + len(v) + 10).sum();
    RECORD_OVERHEAD + len(&record.key) + len(&record.value) + headers
}
