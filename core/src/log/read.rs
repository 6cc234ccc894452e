//! Reading: slices of files for fetches, batches in memory for replays and views, offsets by time.

use super::{
    error::{LookupError, ReadError},
    partition_log::Log,
    scan::Scan,
    segment::Segment,
};
use crate::{
    disk::{Disk, DiskResult, FileSlice},
    seam::Part,
    wire::batch::{Batch, BatchError, Codec, DEFAULT_DECOMPRESSED_LIMIT, RecordStream},
};

/// What a fetch got: batches, the first of which is whole and holds the offset asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Nothing was read from the disk for these.
    pub parts: Vec<Part>,
    pub bytes: usize,
    /// Where the next fetch continues, behind the last whole batch; the offset asked for when nothing was found.
    pub next_offset: i64,
}

/// An answer of ListOffsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    pub timestamp: i64,
    pub offset: i64,
    pub leader_epoch: i32,
}

impl Log {
    /// From the batch that holds `offset`, as slices of one segment file: at most `max_bytes`, cut there and not between
    /// batches, as Kafka does; nothing at or after `upper_bound_offset` (high watermark for consumers, log end for
    /// followers). With `min_one` the first batch comes whole even when it is larger than `max_bytes` (KIP-74).
    pub fn read(
        &self,
        disk: &dyn Disk,
        offset: i64,
        max_bytes: usize,
        upper_bound_offset: i64,
        min_one: bool,
    ) -> Result<Fetched, ReadError> {
        let (log_start_offset, log_end_offset) = (self.log_start_offset, self.log_end_offset());
        if offset < log_start_offset || offset > log_end_offset {
            return Err(ReadError::OffsetOutOfRange { offset, log_start_offset, log_end_offset });
        }
        let nothing = Fetched { next_offset: offset, ..Fetched::default() };
        if offset >= upper_bound_offset || offset == log_end_offset {
            return Ok(nothing);
        }
        let Some((segment, start)) = self.find(disk, offset)? else { return Ok(nothing) };
        let bound = match segment.position_of(disk, upper_bound_offset)? {
            Some(position) => position,
            None => segment.size,
        };
        let limit = bound.min(start.saturating_add(max_bytes as u64));
        // What fits goes out to the last byte, so that the batch after it may begin; but less than one batch does not.
        let (boundary, mut next_offset) = segment.boundary_before(disk, start, limit)?;
        let mut end = if boundary > start { limit } else { start };
        if end == start && min_one && start < bound {
            (end, next_offset) = segment.end_of_batch(disk, start)?;
        }
        if end <= start {
            return Ok(nothing);
        }
        let len = (end - start) as u32;
        let slice = FileSlice { file: segment.file, generation: disk.generation(segment.file), position: start, len };
        Ok(Fetched { parts: vec![Part::File(slice)], bytes: len as usize, next_offset })
    }

    /// Batches in memory from the one that holds `offset` to the log end, at least one and then at most `max_bytes`.
    /// Empty when `offset` is outside of the log.
    pub fn read_batches(&self, disk: &dyn Disk, offset: i64, max_bytes: usize) -> DiskResult<Vec<Batch>> {
        let mut found = Vec::new();
        let mut left = max_bytes;
        let Some((segment, mut position)) = self.find(disk, offset.max(self.log_start_offset))? else {
            return Ok(found);
        };
        let first = self.segment_at(segment.base_offset);
        for segment in &self.segments[first..] {
            let window = left.min(1 << 20);
            let mut scan = Scan::new(segment.file, position, segment.size, window);
            while let Some((_, batch)) = scan.batch(disk).map_err(|error| error.broken(&self.dir))? {
                if batch.bytes.len() > left && !found.is_empty() {
                    return Ok(found);
                }
                left = left.saturating_sub(batch.bytes.len());
                found.push(batch);
            }
            position = 0;
        }
        Ok(found)
    }

    /// The first record whose timestamp is at least `timestamp`, as ListOffsets answers it. `None`: there is none.
    pub fn offset_for_timestamp(
        &self,
        disk: &dyn Disk,
        timestamp: i64,
    ) -> Result<Option<TimestampOffset>, LookupError> {
        for segment in &self.segments {
            if segment.max_timestamp < timestamp || segment.next_offset <= self.log_start_offset {
                continue;
            }
            let from = segment.base_offset + i64::from(segment.times.offset_before(disk, timestamp)?);
            let from = from.max(self.log_start_offset);
            let found = self.first_record(disk, segment, from, Reading::All, |record_time| record_time >= timestamp)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The first record with the newest timestamp (`MAX_TIMESTAMP`, KIP-734). `None`: there is no record. Kafka looks it up in
    /// the segment that remembers it, so a record that was deleted from the log's head is still named while its segment is
    /// there (`UnifiedLog.fetchOffsetByTimestamp`).
    pub fn offset_of_max_timestamp(&self, disk: &dyn Disk) -> Result<Option<TimestampOffset>, LookupError> {
        let Some(newest) = self.segments.iter().map(|segment| segment.max_timestamp).max() else { return Ok(None) };
        let segment = self.segments.iter().find(|segment| segment.max_timestamp == newest).expect("it was just seen");
        // When no record has a time, Kafka answers the first that says so.
        let before = if newest < 0 { 0 } else { i64::from(segment.times.offset_before(disk, newest)?) };
        self.first_record(disk, segment, segment.base_offset + before, Reading::UpToIt, |time| time == newest)
    }

    /// Segment and position of the batch that holds `offset`, or of the first one after it.
    fn find(&self, disk: &dyn Disk, offset: i64) -> DiskResult<Option<(&Segment, u64)>> {
        for segment in &self.segments[self.segment_at(offset)..] {
            if let Some(position) = segment.position_of(disk, offset)? {
                return Ok(Some((segment, position)));
            }
        }
        Ok(None)
    }

    /// The first record at or after `from` in `segment` whose timestamp is `wanted`. Control records have none to offer.
    fn first_record(
        &self,
        disk: &dyn Disk,
        segment: &Segment,
        from: i64,
        reading: Reading,
        wanted: impl Fn(i64) -> bool,
    ) -> Result<Option<TimestampOffset>, LookupError> {
        let Some(position) = segment.position_of(disk, from)? else { return Ok(None) };
        let mut scan = Scan::new(segment.file, position, segment.size, 64 << 10);
        while let Some((at, header)) = scan.header(disk).map_err(|error| error.broken(&self.dir))? {
            if !wanted(header.max_timestamp) {
                continue;
            }
            let batch = Batch { header, bytes: disk.read_at(segment.file, at, header.total_len())? };
            let is_it = |offset: i64, timestamp: i64| wanted(timestamp) && offset >= from;
            if let Some((offset, timestamp)) = find_in(&batch, reading, is_it)? {
                let leader_epoch = header.partition_leader_epoch;
                return Ok(Some(TimestampOffset { timestamp, offset, leader_epoch }));
            }
        }
        Ok(None)
    }
}

/// How much of a packed batch is read for one of its records, and so whether it is noticed that others cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// `DefaultRecordBatch.iterator`.
    All,
    /// `DefaultRecordBatch.streamingIterator`.
    UpToIt,
}

/// Offset and timestamp of the first record that is wanted.
fn find_in(
    batch: &Batch,
    reading: Reading,
    is_it: impl Fn(i64, i64) -> bool,
) -> Result<Option<(i64, i64)>, BatchError> {
    let header = &batch.header;
    let codec = header.codec()?;
    if codec == Codec::None {
        for record in batch.records() {
            let record = record?;
            if is_it(record.offset, record.timestamp) {
                return Ok(Some((record.offset, record.timestamp)));
            }
        }
        return Ok(None);
    }
    let append_time = header.is_log_append_time().then_some(header.max_timestamp);
    let packed = batch.records_bytes();
    let mut stream = RecordStream::new(codec, &packed, DEFAULT_DECOMPRESSED_LIMIT)?;
    let (mut body, mut found) = (Vec::new(), None);
    for left in (0..header.record_count).rev() {
        let record = stream.next_whole(&mut body)?;
        let offset = header.base_offset.wrapping_add(record.offset_delta.into());
        let timestamp = append_time.unwrap_or(header.base_timestamp.wrapping_add(record.timestamp_delta));
        if left == 0 && !stream.is_at_end()? {
            return Err(BatchError::Record("bytes behind the last record"));
        }
        if found.is_none() && is_it(offset, timestamp) {
            found = Some((offset, timestamp));
            if reading == Reading::UpToIt {
                break;
            }
        }
    }
    Ok(found)
}
