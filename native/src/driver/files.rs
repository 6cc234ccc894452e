//! What a driver needs of a disk beyond reading and appending: handles to send from, and work that makes bytes durable.

use std::{fs::File, sync::Arc};

use bytes::{Bytes, BytesMut};
use lab_core::{
    disk::{Disk, DiskError, DiskResult, FileId, FileSlice, SyncTarget},
    seam::Part,
};

/// A disk whose files can be handed to the kernel.
pub trait Files: Disk {
    /// The file of a slice, kept readable even when it is deleted meanwhile. `None`: it is closed.
    fn pin(&self, slice: &FileSlice) -> Option<Arc<File>>;

    /// Work that makes `target` durable; it blocks, so the driver runs it on another thread.
    fn durability(&self, target: &SyncTarget) -> Box<dyn FnOnce() -> DiskResult<()> + Send>;
}

/// The first `most` bytes of a frame in parts, as far as the disk gives them.
pub(super) fn gather(disk: &impl Disk, parts: &[Part], most: usize) -> Bytes {
    let mut all = BytesMut::new();
    for part in parts {
        let room = most - all.len();
        match part {
            Part::Bytes(bytes) => all.extend_from_slice(&bytes[..bytes.len().min(room)]),
            Part::File(slice) => {
                let Ok(bytes) = disk.read_at(slice.file, slice.position, (slice.len as usize).min(room)) else { break };
                all.extend_from_slice(&bytes);
            }
        }
        if all.len() >= most {
            break;
        }
    }
    all.freeze()
}

/// The disk of a machine that has none: client machines.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl NoFiles {
    fn refuse<T>() -> DiskResult<T> {
        Err(DiskError::Broken("a client has no disk".into()))
    }
}

impl Disk for NoFiles {
    fn open(&mut self, _: &str) -> DiskResult<FileId> {
        Self::refuse()
    }
    fn close(&mut self, _: FileId) {}
    fn len(&self, _: FileId) -> DiskResult<u64> {
        Self::refuse()
    }
    fn append(&mut self, _: FileId, _: &[&[u8]]) -> DiskResult<u64> {
        Self::refuse()
    }
    fn read_at(&self, _: FileId, _: u64, _: usize) -> DiskResult<Bytes> {
        Self::refuse()
    }
    fn truncate(&mut self, _: FileId, _: u64) -> DiskResult<()> {
        Self::refuse()
    }
    fn generation(&self, _: FileId) -> u32 {
        0
    }
    fn read(&self, _: &str) -> DiskResult<Bytes> {
        Self::refuse()
    }
    fn replace(&mut self, _: &str, _: &[u8], _: bool) -> DiskResult<()> {
        Self::refuse()
    }
    fn rename(&mut self, _: &str, _: &str) -> DiskResult<()> {
        Self::refuse()
    }
    fn remove(&mut self, _: &str) -> DiskResult<()> {
        Self::refuse()
    }
    fn list(&self, _: &str) -> DiskResult<Vec<String>> {
        Ok(Vec::new())
    }
}

impl Files for NoFiles {
    fn pin(&self, _: &FileSlice) -> Option<Arc<File>> {
        None
    }

    fn durability(&self, _: &SyncTarget) -> Box<dyn FnOnce() -> DiskResult<()> + Send> {
        Box::new(Self::refuse)
    }
}

impl Files for crate::disk::FileDisk {
    fn pin(&self, slice: &FileSlice) -> Option<Arc<File>> {
        Self::pin(self, slice)
    }

    fn durability(&self, target: &SyncTarget) -> Box<dyn FnOnce() -> DiskResult<()> + Send> {
        let handle = self.sync_handle(target);
        Box::new(move || handle.run())
    }
}
