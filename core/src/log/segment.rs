//! One segment: a file of batches that begins at its base offset, and two indexes into it.

use super::{
    offset_index::{OffsetEntry, OffsetIndex},
    scan::{LONG, SHORT, Scan, ScanError},
    tail::Tail,
    time_index::{TimeEntry, TimeIndex},
};
use crate::{
    disk::{Disk, DiskResult, FileId},
    wire::batch::{Batch, BatchError, BatchHeader},
};

/// Twenty digits, so that names sort like offsets.
pub(super) fn stem(dir: &str, base_offset: i64) -> String {
    format!("{dir}/{base_offset:020}")
}

#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) base_offset: i64,
    /// The offset after its last record.
    pub(super) next_offset: i64,
    pub(super) file: FileId,
    pub(super) size: u64,
    pub(super) offsets: OffsetIndex,
    pub(super) times: TimeIndex,
    pub(super) tail: Tail,
    /// Newest timestamp, and the last offset of the first batch that has it. -1: no record has a timestamp.
    pub(super) max_timestamp: i64,
    pub(super) offset_of_max_timestamp: i64,
    /// Of the first batch: the age of the segment counts from here.
    pub(super) first_timestamp: Option<i64>,
    bytes_since_index: u64,
    /// The directory is durable as far as this segment is concerned: its name is there, and what was removed when the log
    /// was truncated here is not.
    pub(super) name_synced: bool,
    /// The indexes were complete when they were last synced.
    pub(super) indexes_synced: bool,
}

impl Segment {
    /// Opens the files of the segment at `base_offset`, made when missing. What is inside is not looked at:
    /// [`Self::load`] or [`Self::recover`] come next.
    pub(super) fn open(disk: &mut dyn Disk, dir: &str, base_offset: i64) -> DiskResult<Self> {
        let stem = stem(dir, base_offset);
        let file = disk.open(&format!("{stem}.log"))?;
        Ok(Self {
            base_offset,
            next_offset: base_offset,
            file,
            size: disk.len(file)?,
            offsets: OffsetIndex::open(disk, format!("{stem}.index"))?,
            times: TimeIndex::open(disk, format!("{stem}.timeindex"))?,
            tail: Tail::default(),
            max_timestamp: -1,
            offset_of_max_timestamp: -1,
            first_timestamp: None,
            bytes_since_index: 0,
            name_synced: false,
            indexes_synced: false,
        })
    }

    /// A new segment, in place of whatever bears its name. Nothing is left behind when it fails.
    pub(super) fn create(disk: &mut dyn Disk, dir: &str, base_offset: i64) -> DiskResult<Self> {
        let stem = stem(dir, base_offset);
        let remove = |disk: &mut dyn Disk| {
            ["log", "index", "timeindex"].iter().try_for_each(|suffix| disk.remove(&format!("{stem}.{suffix}")))
        };
        remove(disk)?;
        let segment = Self::open(disk, dir, base_offset);
        if segment.is_err() {
            let _ = remove(disk);
        }
        segment
    }

    pub(super) fn close(&self, disk: &mut dyn Disk) {
        [self.file, self.offsets.file(), self.times.file()].into_iter().for_each(|file| disk.close(file));
    }

    /// Closes and removes its files.
    pub(super) fn delete(&self, disk: &mut dyn Disk, dir: &str) -> DiskResult<()> {
        self.close(disk);
        let stem = stem(dir, self.base_offset);
        ["log", "index", "timeindex"].iter().try_for_each(|suffix| disk.remove(&format!("{stem}.{suffix}")))
    }

    /// `offset` as the indexes count it.
    pub(super) fn relative(&self, offset: i64) -> u32 {
        (offset - self.base_offset).clamp(0, i64::from(i32::MAX)) as u32
    }

    /// Writes `parts`, which hold `batches` one after another, in one go.
    pub(super) fn append(
        &mut self,
        disk: &mut dyn Disk,
        parts: &[&[u8]],
        batches: &[BatchHeader],
        index_interval: u32,
    ) -> DiskResult<()> {
        let mut position = disk.append(self.file, parts)?;
        assert_eq!(position, self.size, "nobody else writes to a segment");
        for header in batches {
            self.note(disk, header, position, Some(index_interval));
            position += header.total_len() as u64;
        }
        self.size = position;
        Ok(())
    }

    /// Takes a batch that lies at `position` into account; with an interval, indexes it when that is due (as
    /// `LogSegment.append` does: the entry points at the batch that came after more than so many bytes).
    fn note(&mut self, disk: &mut dyn Disk, header: &BatchHeader, position: u64, index_interval: Option<u32>) {
        let entry = OffsetEntry { last_offset: self.relative(header.last_offset()), position: position as u32 };
        self.first_timestamp.get_or_insert(header.max_timestamp);
        if header.max_timestamp > self.max_timestamp {
            self.max_timestamp = header.max_timestamp;
            self.offset_of_max_timestamp = header.last_offset();
        }
        if let Some(interval) = index_interval
            && self.bytes_since_index > u64::from(interval)
        {
            self.offsets.push(disk, entry);
            self.index_time(disk);
            self.bytes_since_index = 0;
        }
        self.bytes_since_index += header.total_len() as u64;
        self.tail.push(entry);
        self.next_offset = header.next_offset();
    }

    fn index_time(&mut self, disk: &mut dyn Disk) {
        let offset = self.relative(self.offset_of_max_timestamp);
        self.times.maybe_push(disk, TimeEntry { timestamp: self.max_timestamp, offset });
    }

    /// Completes and writes the indexes: the segment is rolled or the log closed.
    pub(super) fn seal(&mut self, disk: &mut dyn Disk) -> DiskResult<()> {
        self.indexes_synced = false;
        self.index_time(disk);
        self.offsets.write(disk)?;
        self.times.write(disk)
    }

    /// Trusts the indexes and walks the headers behind the last entry. An error names the first bad batch.
    pub(super) fn load(&mut self, disk: &mut dyn Disk) -> Result<(), ScanError> {
        if let Some(last) = self.times.last() {
            self.max_timestamp = last.timestamp;
            self.offset_of_max_timestamp = self.base_offset + i64::from(last.offset);
        }
        let first = Scan::new(self.file, 0, self.size, 0).header(disk)?;
        self.first_timestamp = first.map(|(_, header)| header.max_timestamp);
        self.tail.clear();
        self.bytes_since_index = 0;
        self.next_offset = self.base_offset;
        let from = self.offsets.last().map_or(0, |last| u64::from(last.position));
        let mut scan = Scan::new(self.file, from, self.size, SHORT);
        while let Some((position, header)) = scan.header(disk)? {
            self.check_order(&header).map_err(ScanError::Batch)?;
            self.note(disk, &header, position, None);
        }
        Ok(())
    }

    /// Trusts nothing: reads every batch, checks its checksum and its place, cuts the file at the first bad one and
    /// makes the indexes anew. Calls `visit` for each good batch; returns the bytes cut and why.
    pub(super) fn recover(
        &mut self,
        disk: &mut dyn Disk,
        index_interval: u32,
        mut visit: impl FnMut(&mut dyn Disk, &Batch) -> DiskResult<()>,
    ) -> DiskResult<Option<(u64, BatchError)>> {
        self.offsets.truncate(disk, 0)?;
        self.times.truncate(disk, 0)?;
        self.tail.clear();
        (self.max_timestamp, self.offset_of_max_timestamp, self.first_timestamp) = (-1, -1, None);
        self.bytes_since_index = 0;
        self.next_offset = self.base_offset;
        let mut scan = Scan::new(self.file, 0, self.size, LONG);
        loop {
            let at = scan.position();
            let error = match scan.batch(disk) {
                Ok(None) => return Ok(None),
                Ok(Some((_, batch))) => match self.check_order(&batch.header).and_then(|()| batch.check_crc()) {
                    Ok(()) => {
                        visit(disk, &batch)?;
                        self.note(disk, &batch.header, at, Some(index_interval));
                        continue;
                    }
                    Err(error) => error,
                },
                Err(ScanError::Batch(error)) => error,
                Err(ScanError::Disk(error)) => return Err(error),
            };
            let cut = self.size - at;
            disk.truncate(self.file, at)?;
            self.size = at;
            return Ok(Some((cut, error)));
        }
    }

    fn check_order(&self, header: &BatchHeader) -> Result<(), BatchError> {
        if header.base_offset < self.next_offset && header.base_offset < self.base_offset {
            return Err(BatchError::Invalid("an offset before the segment's first"));
        }
        if header.base_offset < self.next_offset {
            return Err(BatchError::Invalid("offsets that do not grow"));
        }
        if header.last_offset() - self.base_offset > i64::from(i32::MAX) {
            return Err(BatchError::Invalid("an offset too far from the segment's first"));
        }
        Ok(())
    }

    /// Start of the batch that holds `offset`, or of the first one after it. `None`: it is not in this segment.
    pub(super) fn position_of(&self, disk: &dyn Disk, offset: i64) -> DiskResult<Option<u64>> {
        if offset >= self.next_offset {
            return Ok(None);
        }
        let relative = self.relative(offset);
        if let Some(position) = self.tail.position_of(relative) {
            return Ok(Some(position));
        }
        let from = self.offsets.position_before(disk, relative)?;
        let mut scan = Scan::new(self.file, from, self.size, SHORT);
        while let Some((position, header)) = scan.header(disk).map_err(|e| e.broken("segment"))? {
            if header.last_offset() >= offset {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// The last batch boundary at or before `limit` and not before `from` (itself a boundary), and the offset there
    /// (which says nothing when the boundary is `from`).
    pub(super) fn boundary_before(&self, disk: &dyn Disk, from: u64, limit: u64) -> DiskResult<(u64, i64)> {
        if limit >= self.size {
            return Ok((self.size, self.next_offset));
        }
        if let Some((position, before)) = self.tail.boundary_before(limit) {
            return Ok((position.max(from), self.base_offset + i64::from(before) + 1));
        }
        let start = self.offsets.boundary_before(disk, limit)?.max(from);
        let mut scan = Scan::new(self.file, start, self.size, SHORT);
        while let Some((position, header)) = scan.header(disk).map_err(|e| e.broken("segment"))? {
            if position + header.total_len() as u64 > limit {
                return Ok((position, header.base_offset));
            }
        }
        Ok((self.size, self.next_offset))
    }

    /// Where the batch that begins at `start` ends, and the offset there.
    pub(super) fn end_of_batch(&self, disk: &dyn Disk, start: u64) -> DiskResult<(u64, i64)> {
        if let Some((end, last)) = self.tail.end_of_batch(start) {
            return Ok((end.unwrap_or(self.size), self.base_offset + i64::from(last) + 1));
        }
        let mut scan = Scan::new(self.file, start, self.size, 0);
        match scan.header(disk).map_err(|e| e.broken("segment"))? {
            Some((_, header)) => Ok((scan.position(), header.next_offset())),
            None => Ok((start, self.next_offset)),
        }
    }

    /// Cuts everything from `position`, the start of a batch whose first offset is `offset`.
    pub(super) fn truncate(&mut self, disk: &mut dyn Disk, position: u64, offset: i64) -> DiskResult<()> {
        let keep = self.offsets.partition_point(disk, |entry| u64::from(entry.position) < position)?;
        self.offsets.truncate(disk, keep)?;
        let relative = self.relative(offset);
        let keep = self.times.partition_point(disk, |entry| entry.offset < relative)?;
        self.times.truncate(disk, keep)?;
        disk.truncate(self.file, position)?;
        self.size = position;
        (self.max_timestamp, self.offset_of_max_timestamp) = (-1, -1);
        self.load(disk).map_err(|error| error.broken("segment"))?;
        if position == 0 {
            self.first_timestamp = None;
        }
        Ok(())
    }
}
