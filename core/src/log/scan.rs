//! Reads a segment batch by batch.

use bytes::Bytes;

use crate::{
    disk::{Disk, DiskError, FileId},
    wire::batch::{Batch, BatchError, BatchHeader, HEADER_LEN},
};

/// Window for walks over a few headers.
pub(super) const SHORT: usize = 8 << 10;
/// Window for reading everything.
pub(super) const LONG: usize = 1 << 20;

/// Why a walk ended before the end of the file.
#[derive(Debug)]
pub(super) enum ScanError {
    Disk(DiskError),
    /// The bytes at the current position are no batch.
    Batch(BatchError),
}

impl ScanError {
    /// For segments that were found whole when they were opened: damage since then is the disk's.
    pub(super) fn broken(self, what: &str) -> DiskError {
        match self {
            Self::Disk(error) => error,
            Self::Batch(error) => DiskError::Broken(format!("{what}: {error}")),
        }
    }
}

impl From<DiskError> for ScanError {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

/// A walk over `file` from `position`, which is a batch boundary, to `end`.
pub(super) struct Scan {
    file: FileId,
    end: u64,
    position: u64,
    window: Bytes,
    window_at: u64,
    window_len: usize,
}

impl Scan {
    pub(super) fn new(file: FileId, position: u64, end: u64, window_len: usize) -> Self {
        Self { file, end, position, window: Bytes::new(), window_at: position, window_len }
    }

    /// Where the next batch begins.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The header of the next batch and where it begins; moves past the batch. `None`: the end.
    pub(super) fn header(&mut self, disk: &dyn Disk) -> Result<Option<(u64, BatchHeader)>, ScanError> {
        let Some(header) = self.peek(disk)? else { return Ok(None) };
        let at = self.position;
        self.position += header.total_len() as u64;
        Ok(Some((at, header)))
    }

    /// The next batch whole; moves past it.
    pub(super) fn batch(&mut self, disk: &dyn Disk) -> Result<Option<(u64, Batch)>, ScanError> {
        let Some(header) = self.peek(disk)? else { return Ok(None) };
        let len = header.total_len();
        let bytes = self.bytes(disk, len)?;
        let at = self.position;
        self.position += len as u64;
        Ok(Some((at, Batch { header, bytes })))
    }

    /// The header at the current position, whose batch ends within the file.
    fn peek(&mut self, disk: &dyn Disk) -> Result<Option<BatchHeader>, ScanError> {
        if self.position >= self.end {
            return Ok(None);
        }
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let bytes = self.bytes(disk, HEADER_LEN.min(left))?;
        let header = BatchHeader::parse(&bytes).map_err(ScanError::Batch)?;
        if header.total_len() > left {
            return Err(ScanError::Batch(BatchError::Incomplete { have: left, need: header.total_len() }));
        }
        Ok(Some(header))
    }

    /// `len` bytes from the current position.
    fn bytes(&mut self, disk: &dyn Disk, len: usize) -> Result<Bytes, ScanError> {
        let from = (self.position - self.window_at) as usize;
        if from.checked_add(len).is_none_or(|to| to > self.window.len()) {
            let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
            self.window = disk.read_at(self.file, self.position, len.max(self.window_len).min(left))?;
            self.window_at = self.position;
            if self.window.len() < len {
                return Err(ScanError::Batch(BatchError::Incomplete { have: self.window.len(), need: len }));
            }
            return Ok(self.window.slice(..len));
        }
        Ok(self.window.slice(from..from + len))
    }
}
