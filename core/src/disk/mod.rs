//! The disk as logic sees it: a page cache that is readable at once, and durability that is asked for.

mod mem;
pub mod suite;

pub use self::mem::MemDisk;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A file opened through [`Disk::open`]; the number holds while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// A stretch of a file as it was when the slice was taken. `generation` changes with every truncation of the file: a
/// driver that finds another generation when it comes to send must close the connection rather than send torn batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSlice {
    pub file: FileId,
    pub generation: u32,
    pub position: u64,
    pub len: u32,
}

/// What [`crate::seam::Output::Sync`] makes durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncTarget {
    /// The bytes of an open file.
    File(FileId),
    /// A file written by [`Disk::replace`] and its name: file, then directory.
    Path(String),
}

/// What a disk refuses. It is part of a recording, so it is data.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum DiskError {
    #[error("no such file: {0}")]
    NotFound(String),
    #[error("the disk is full")]
    Full,
    #[error("disk failure: {0}")]
    Broken(String),
}

pub type DiskResult<T> = Result<T, DiskError>;

/// Paths are relative, `/`-separated and never contain `..`. What was written is readable at once. A process crash
/// loses nothing that was written; a power loss drops or tears what was not synced.
pub trait Disk {
    /// Opens a file for reading and appending; creates it (and its directories) when missing.
    fn open(&mut self, path: &str) -> DiskResult<FileId>;
    fn close(&mut self, file: FileId);
    fn len(&self, file: FileId) -> DiskResult<u64>;
    /// Appends the parts as one write and returns the position where it starts. A failed append leaves the length as it was.
    fn append(&mut self, file: FileId, parts: &[&[u8]]) -> DiskResult<u64>;
    /// Up to `len` bytes from `position`; fewer at the end of the file.
    fn read_at(&self, file: FileId, position: u64, len: usize) -> DiskResult<Bytes>;
    /// Shortens the file and begins a new generation.
    fn truncate(&mut self, file: FileId, len: u64) -> DiskResult<()>;
    fn generation(&self, file: FileId) -> u32;
    /// Whole content of a small file.
    fn read(&self, path: &str) -> DiskResult<Bytes>;
    /// Replaces a small file in one step (write aside, rename). With `durable`, the bytes reach the platter before the
    /// rename does, so that after a power loss the file is either old or new; the rename itself needs a `Sync`.
    fn replace(&mut self, path: &str, bytes: &[u8], durable: bool) -> DiskResult<()>;
    fn rename(&mut self, from: &str, to: &str) -> DiskResult<()>;
    /// Removes a file or a directory with all in it. Missing is fine.
    fn remove(&mut self, path: &str) -> DiskResult<()>;
    /// Names (not paths) directly in `dir`, sorted; empty when it does not exist. A directory exists as long as a file
    /// lies in it or below: an empty one is listed by no disk.
    fn list(&self, dir: &str) -> DiskResult<Vec<String>>;
}
