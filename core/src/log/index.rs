//! A sorted array of fixed-size entries in a file: what the offset index and the time index have in common.
//!
//! New entries are kept in memory and written a page at a time. An index is a hint: what a crash takes is made again
//! from the segment, so no append waits for one or fails because of one.

use crate::disk::{Disk, DiskResult, FileId};

/// One entry of an index.
pub(super) trait Entry: Copy + std::fmt::Debug {
    const LEN: usize;
    fn encode(&self, out: &mut Vec<u8>);
    /// `bytes` has [`Self::LEN`] bytes.
    fn decode(bytes: &[u8]) -> Self;
}

/// Entries written to the file in one go.
const PAGE: usize = 512;

#[derive(Clone, Debug)]
pub(super) struct Index<E> {
    path: String,
    file: FileId,
    written: usize,
    pending: Vec<E>,
    last: Option<E>,
}

impl<E: Entry> Index<E> {
    /// Opens the index at `path`, made when missing. A last entry that is cut short is cut off.
    pub(super) fn open(disk: &mut dyn Disk, path: String) -> DiskResult<Self> {
        let file = disk.open(&path)?;
        let len = disk.len(file)?;
        let written = len as usize / E::LEN;
        if !len.is_multiple_of(E::LEN as u64) {
            disk.truncate(file, (written * E::LEN) as u64)?;
        }
        let mut index = Self { path, file, written, pending: Vec::new(), last: None };
        index.last = if written == 0 { None } else { Some(index.get(disk, written - 1)?) };
        Ok(index)
    }

    pub(super) fn len(&self) -> usize {
        self.written + self.pending.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.len() * E::LEN
    }

    pub(super) fn last(&self) -> Option<E> {
        self.last
    }

    pub(super) fn file(&self) -> FileId {
        self.file
    }

    pub(super) fn push(&mut self, disk: &mut dyn Disk, entry: E) {
        self.pending.push(entry);
        self.last = Some(entry);
        if self.pending.len() >= PAGE {
            // A full disk stops appends, not lookups: the entries stay here and are tried again later.
            let _ = self.write(disk);
        }
    }

    /// Writes what is pending.
    pub(super) fn write(&mut self, disk: &mut dyn Disk) -> DiskResult<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut page = Vec::with_capacity(self.pending.len() * E::LEN);
        self.pending.iter().for_each(|entry| entry.encode(&mut page));
        disk.append(self.file, &[&page])?;
        self.written += self.pending.len();
        self.pending.clear();
        Ok(())
    }

    pub(super) fn get(&self, disk: &dyn Disk, at: usize) -> DiskResult<E> {
        if let Some(entry) = at.checked_sub(self.written).and_then(|i| self.pending.get(i)) {
            return Ok(*entry);
        }
        let bytes = disk.read_at(self.file, (at * E::LEN) as u64, E::LEN)?;
        if bytes.len() != E::LEN {
            return Err(crate::disk::DiskError::Broken(format!("{} is shorter than it was", self.path)));
        }
        Ok(E::decode(&bytes))
    }

    /// Number of entries, from the first, for which `before` holds; it must hold for a prefix.
    pub(super) fn partition_point(&self, disk: &dyn Disk, before: impl Fn(&E) -> bool) -> DiskResult<usize> {
        if self.last.is_none_or(|last| before(&last)) {
            return Ok(self.len());
        }
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if before(&self.get(disk, middle)?) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The last of the entries for which `before` holds.
    pub(super) fn last_before(&self, disk: &dyn Disk, before: impl Fn(&E) -> bool) -> DiskResult<Option<E>> {
        match self.partition_point(disk, before)? {
            0 => Ok(None),
            n => self.get(disk, n - 1).map(Some),
        }
    }

    /// Keeps the first `len` entries.
    pub(super) fn truncate(&mut self, disk: &mut dyn Disk, len: usize) -> DiskResult<()> {
        if len >= self.len() {
            return Ok(());
        }
        if len < self.written {
            disk.truncate(self.file, (len * E::LEN) as u64)?;
            self.written = len;
            self.pending.clear();
        } else {
            self.pending.truncate(len - self.written);
        }
        self.last = if len == 0 { None } else { Some(self.get(disk, len - 1)?) };
        Ok(())
    }

    /// All entries, in order.
    pub(super) fn entries(&self, disk: &dyn Disk) -> DiskResult<Vec<E>> {
        let bytes = disk.read_at(self.file, 0, self.written * E::LEN)?;
        Ok(bytes.chunks_exact(E::LEN).map(E::decode).chain(self.pending.iter().copied()).collect())
    }
}
