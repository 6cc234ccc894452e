//! The replicated log with what the quorum adds to it: how far the disk has confirmed it, and snapshots.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::snapshot::{self, Snapshot, SnapshotKey};
use crate::{
    config::NodeConfig,
    disk::{Disk, DiskError, DiskResult, FileSlice, SyncTarget},
    id::Token,
    node::StartError,
    seam::{Outbox, Part},
    wire::{
        batch::{Batch, batches},
        error::ErrorCode,
    },
};

/// The disk refused; the log is as it was.
#[derive(Clone, Debug)]
pub(super) struct AppendFailed(#[allow(dead_code)] pub(super) String);

#[derive(Clone, Debug)]
pub(super) struct MetadataLog {
    dir: String,
    batches: Vec<Batch>,
    start_offset: i64,
    durable_end: i64,
    snapshots: Vec<SnapshotKey>,
    pending: BTreeMap<Token, (SnapshotKey, Option<Vec<Bytes>>)>,
    durable: Vec<(SnapshotKey, Option<Vec<Bytes>>)>,
    tokens: BTreeSet<Token>,
}

impl MetadataLog {
    pub(super) fn open(
        disk: &mut dyn Disk,
        dir: &str,
        _config: &NodeConfig,
    ) -> Result<(Self, Option<Snapshot>), StartError> {
        let _ = snapshot::list(disk, dir)?;
        let log = Self {
            dir: dir.into(),
            batches: Vec::new(),
            start_offset: 0,
            durable_end: 0,
            snapshots: Vec::new(),
            pending: BTreeMap::new(),
            durable: Vec::new(),
            tokens: BTreeSet::new(),
        };
        Ok((log, None))
    }

    pub(super) fn start_offset(&self) -> i64 {
        self.start_offset
    }

    pub(super) fn end_offset(&self) -> i64 {
        self.batches.last().map_or(self.start_offset, |b| b.header.next_offset())
    }

    pub(super) fn durable_end(&self) -> i64 {
        self.durable_end
    }

    pub(super) fn last_epoch(&self) -> i32 {
        self.batches.last().map_or(self.oldest_epoch(), |b| b.header.partition_leader_epoch)
    }

    pub(super) fn oldest_epoch(&self) -> i32 {
        self.snapshots.first().map_or(0, |key| key.epoch)
    }

    pub(super) fn end_offset_for(&self, epoch: i32) -> (i32, i64) {
        let _ = epoch;
        (self.last_epoch(), self.end_offset())
    }

    pub(super) fn append(&mut self, _disk: &mut dyn Disk, bytes: &Bytes) -> Result<(), AppendFailed> {
        self.batches.extend(batches(bytes).map_while(Result::ok));
        Ok(())
    }

    pub(super) fn truncate_to(&mut self, _disk: &mut dyn Disk, offset: i64) -> DiskResult<()> {
        self.batches.retain(|b| b.header.last_offset() < offset);
        self.durable_end = self.durable_end.min(offset);
        Ok(())
    }

    pub(super) fn restart_at(&mut self, _disk: &mut dyn Disk, key: SnapshotKey) -> DiskResult<()> {
        self.batches.clear();
        self.start_offset = key.end_offset;
        self.snapshots = vec![key];
        Ok(())
    }

    pub(super) fn forget_before(&mut self, _disk: &mut dyn Disk, key: SnapshotKey) {
        self.start_offset = key.end_offset;
        self.snapshots = vec![key];
    }

    pub(super) fn read(&self, disk: &dyn Disk, offset: i64, max_bytes: i32) -> DiskResult<Vec<Part>> {
        Ok(self.batches(disk, offset, max_bytes.max(0) as usize).into_iter().map(|b| Part::Bytes(b.bytes)).collect())
    }

    pub(super) fn batches(&self, _disk: &dyn Disk, offset: i64, _max_bytes: usize) -> Vec<Batch> {
        self.batches.iter().filter(|b| b.header.last_offset() >= offset).cloned().collect()
    }

    pub(super) fn flush(&mut self, _out: &mut Outbox) {
        self.durable_end = self.end_offset();
    }

    pub(super) fn owns(&self, token: Token) -> bool {
        self.tokens.contains(&token) || self.pending.contains_key(&token)
    }

    pub(super) fn synced(&mut self, token: Token, result: &DiskResult<()>) -> Result<(), String> {
        if let Some(snapshot) = self.pending.remove(&token)
            && result.is_ok()
        {
            self.durable.push(snapshot);
        }
        Ok(())
    }

    pub(super) fn latest_snapshot(&self) -> Option<SnapshotKey> {
        self.snapshots.last().copied()
    }

    pub(super) fn is_installing(&self) -> bool {
        self.pending.values().any(|(_, install)| install.is_some())
    }

    pub(super) fn write_snapshot(
        &mut self,
        disk: &mut dyn Disk,
        out: &mut Outbox,
        key: SnapshotKey,
        file: &Bytes,
        install: Option<Vec<Bytes>>,
    ) -> DiskResult<()> {
        let path = format!("{}/{}", self.dir, key.file_name());
        disk.replace(&path, file, true)?;
        self.pending.insert(out.sync(SyncTarget::Path(path)), (key, install));
        Ok(())
    }

    pub(super) fn take_durable_snapshots(&mut self) -> Vec<(SnapshotKey, Option<Vec<Bytes>>)> {
        std::mem::take(&mut self.durable)
    }

    pub(super) fn snapshot_chunk(
        &self,
        disk: &mut dyn Disk,
        key: SnapshotKey,
        position: i64,
        max_bytes: i32,
    ) -> Result<(i64, FileSlice), ErrorCode> {
        if !self.snapshots.contains(&key) {
            return Err(ErrorCode::SnapshotNotFound);
        }
        let path = format!("{}/{}", self.dir, key.file_name());
        let failed = |_: DiskError| ErrorCode::UnknownServerError;
        let file = disk.open(&path).map_err(failed)?;
        let size = disk.len(file).map_err(failed)? as i64;
        if position < 0 || position >= size {
            return Err(ErrorCode::PositionOutOfRange);
        }
        let len = (size - position).min(i64::from(max_bytes.max(0))) as u32;
        let slice = FileSlice { file, generation: disk.generation(file), position: position as u64, len };
        Ok((size, slice))
    }
}
