//! Appending: leaders assign offsets and check producers, followers copy.

use bytes::Bytes;

use super::{
    error::AppendError,
    partition_log::Log,
    validator::{RecordRules, ValidBatch, validate},
};
use crate::{
    disk::{Disk, DiskResult},
    wire::batch::{Batch, BatchError, BatchHeader, HEADER_LEN, batches},
};

/// What was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub base_offset: i64,
    pub last_offset: i64,
    /// Leader epoch of the (last) batch.
    pub leader_epoch: i32,
    /// The broker's time if `message.timestamp.type` is `LogAppendTime`, otherwise -1: the answer's field.
    pub log_append_time_ms: i64,
    pub records: i64,
    pub bytes: usize,
}

impl Log {
    /// A leader appends the one batch that a client sent for this partition: it gets the next offsets and the leader's
    /// epoch. A duplicate of one of the producer's last five batches is [`AppendError::Duplicate`] and not appended.
    /// After any error the log is as it was.
    pub fn append_as_leader(
        &mut self,
        disk: &mut dyn Disk,
        batch: &ValidBatch,
        leader_epoch: i32,
    ) -> Result<Appended, AppendError> {
        self.append_stamped(disk, *batch.header(), batch.records(), leader_epoch)
    }

    /// Checks the batch and appends it as [`Self::append_as_leader`] does.
    pub fn validate_and_append(
        &mut self,
        disk: &mut dyn Disk,
        batch: &Bytes,
        leader_epoch: i32,
        now_ms: i64,
    ) -> Result<Appended, AppendError> {
        let valid = validate(&one_batch(batch)?.bytes, &RecordRules::new(&self.config, now_ms))?;
        self.append_as_leader(disk, &valid, leader_epoch)
    }

    /// A leader appends a batch of its own making: the quorum's records and control records, markers of transactions.
    pub fn append_internal(
        &mut self,
        disk: &mut dyn Disk,
        batch: &Bytes,
        leader_epoch: i32,
    ) -> Result<Appended, AppendError> {
        let batch = one_batch(batch)?;
        batch.check_crc()?;
        self.append_stamped(disk, batch.header, &batch.bytes.slice(HEADER_LEN..), leader_epoch)
    }

    /// A follower appends what it fetched: offsets and epochs stay as the leader made them. A batch cut short at the end
    /// is left out (KIP-74). `None`: there was no whole batch. After an error, whole batches before it may have been kept.
    pub fn append_as_follower(
        &mut self,
        disk: &mut dyn Disk,
        fetched: &Bytes,
    ) -> Result<Option<Appended>, AppendError> {
        let mut found = Vec::new();
        let mut next = self.log_end_offset();
        for batch in batches(fetched) {
            let batch = match batch {
                Err(BatchError::Incomplete { .. }) => break,
                batch => batch?,
            };
            // A hole wider than an index can count is no hole that compaction leaves.
            let too_far = batch.header.last_offset() - self.log_end_offset() > i64::from(i32::MAX);
            if batch.header.base_offset < next || too_far {
                return Err(AppendError::OffsetsOutOfOrder { log_end_offset: next, found: batch.header.base_offset });
            }
            batch.check_crc()?;
            next = batch.header.next_offset();
            found.push(batch);
        }
        let (Some(first), Some(last)) = (found.first(), found.last()) else { return Ok(None) };
        let appended = Appended {
            base_offset: first.header.base_offset,
            last_offset: last.header.last_offset(),
            leader_epoch: last.header.partition_leader_epoch,
            log_append_time_ms: -1,
            records: found.iter().map(|batch| i64::from(batch.header.record_count)).sum(),
            bytes: found.iter().map(|batch| batch.bytes.len()).sum(),
        };
        // One write for as many batches as fit the segment: nearly always all.
        let (mut rest, mut bytes) = (&found[..], &fetched[..appended.bytes]);
        while let Some(first) = rest.first() {
            self.maybe_roll(disk, &first.header)?;
            let room = u64::from(self.config.segment_bytes).saturating_sub(self.active().size) as usize;
            let mut run = 1;
            let mut run_bytes = first.bytes.len();
            while let Some(batch) = rest.get(run)
                && run_bytes + batch.bytes.len() <= room
            {
                run_bytes += batch.bytes.len();
                run += 1;
            }
            let headers: Vec<BatchHeader> = rest[..run].iter().map(|batch| batch.header).collect();
            for header in &headers {
                if self.last_epoch().is_none_or(|last| header.partition_leader_epoch > last) {
                    self.epochs.assign(disk, header.partition_leader_epoch, header.base_offset)?;
                }
            }
            let interval = self.config.index_interval_bytes;
            self.active_mut().append(disk, &[&bytes[..run_bytes]], &headers, interval)?;
            rest[..run].iter().for_each(|batch| self.producers.update(&batch.header, &batch.records_bytes()));
            (rest, bytes) = (&rest[run..], &bytes[run_bytes..]);
        }
        Ok(Some(appended))
    }

    /// Stamps and writes one batch: one write, and nothing but the header is copied.
    fn append_stamped(
        &mut self,
        disk: &mut dyn Disk,
        mut header: BatchHeader,
        records: &Bytes,
        leader_epoch: i32,
    ) -> Result<Appended, AppendError> {
        let size = header.total_len();
        assert_eq!(size, HEADER_LEN + records.len(), "a header and its records");
        if size > self.config.segment_bytes as usize {
            return Err(AppendError::LargerThanSegment { size, limit: self.config.segment_bytes });
        }
        let base_offset = self.log_end_offset();
        (header.base_offset, header.partition_leader_epoch) = (base_offset, leader_epoch);
        self.producers.check(&header, records)?;
        self.maybe_roll(disk, &header)?;
        self.epochs.assign(disk, leader_epoch, base_offset)?;
        let interval = self.config.index_interval_bytes;
        self.active_mut().append(disk, &[&header.encode(), records], &[header], interval)?;
        self.producers.update(&header, records);
        Ok(Appended {
            base_offset,
            last_offset: header.last_offset(),
            leader_epoch,
            log_append_time_ms: if header.is_log_append_time() { header.max_timestamp } else { -1 },
            records: i64::from(header.record_count),
            bytes: size,
        })
    }

    /// Rolls when the batch does not fit: by size, by age (counted in the records' own time), because an index is full,
    /// or because its offset is too far from the base (`LogSegment.shouldRoll`).
    fn maybe_roll(&mut self, disk: &mut dyn Disk, batch: &BatchHeader) -> DiskResult<()> {
        let config = &self.config;
        let segment = self.active();
        let too_large = segment.size + batch.total_len() as u64 > u64::from(config.segment_bytes);
        let segment_ms = i64::try_from(config.segment_ms).unwrap_or(i64::MAX);
        let too_old =
            segment.first_timestamp.is_some_and(|first| batch.max_timestamp.saturating_sub(first) > segment_ms);
        let index_full = segment.offsets.bytes() + 8 > config.segment_index_bytes as usize
            || segment.times.bytes() + 12 > config.segment_index_bytes as usize;
        let too_far = batch.last_offset() - segment.base_offset > i64::from(i32::MAX);
        if too_large || too_old || index_full || too_far { self.roll(disk) } else { Ok(()) }
    }
}

/// Exactly one batch (a rule of Produce since version 3).
fn one_batch(bytes: &Bytes) -> Result<Batch, AppendError> {
    if bytes.is_empty() {
        return Err(AppendError::NotOneBatch(0));
    }
    let batch = Batch::parse(bytes)?;
    if batch.bytes.len() != bytes.len() {
        return Err(AppendError::NotOneBatch(batches(bytes).count()));
    }
    Ok(batch)
}
