//! The replicated log with what the quorum adds to it: how far the disk has confirmed it, and snapshots.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::snapshot::{self, Snapshot, SnapshotKey};
use crate::{
    config::NodeConfig,
    disk::{Disk, DiskError, DiskResult, FileId, FileSlice, SyncTarget},
    id::Token,
    log::{Flush, Log, LogConfig, OpenFrom},
    node::StartError,
    seam::{Outbox, Part},
    wire::{batch::Batch, error::ErrorCode},
};

/// `metadata.log.segment.bytes`.
const SEGMENT_BYTES: u32 = 1 << 30;

/// The disk refused; the log is as it was.
#[derive(Clone, Debug)]
pub(super) struct AppendFailed;

/// A checkpoint that was written, and, if it came from the leader, the records to replace the log with.
type Written = (SnapshotKey, Option<Vec<Bytes>>);

#[derive(Clone, Debug)]
pub(super) struct MetadataLog {
    dir: String,
    log: Log,
    /// One flush at a time: what is appended meanwhile goes with the next.
    flush: Option<(Flush, BTreeSet<Token>)>,
    /// Oldest first, the bootstrap checkpoint left out. The log begins at or below the end of the newest.
    snapshots: Vec<SnapshotKey>,
    writing: BTreeMap<Token, Written>,
    written: Vec<Written>,
    serving: Option<(SnapshotKey, FileId)>,
}

impl MetadataLog {
    /// Opens the log and reads the newest snapshot. Nothing of either counts as durable: the process may have died
    /// between write and sync.
    pub(super) fn open(
        disk: &mut dyn Disk,
        dir: &str,
        node: &NodeConfig,
    ) -> Result<(Self, Option<Snapshot>), StartError> {
        let mut snapshots = snapshot::list(disk, dir)?;
        let mut newest = None;
        while let Some(key) = snapshots.last().copied() {
            let path = format!("{dir}/{}", key.file_name());
            if let Ok(records) = snapshot::decode(&disk.read(&path)?) {
                newest = Some(Snapshot { end_offset: key.end_offset, epoch: key.epoch, records });
                break;
            }
            // It was being written when the power failed; the log below it is still there, or the check below says so.
            disk.remove(&path)?;
            snapshots.pop();
        }
        let config = LogConfig { segment_bytes: SEGMENT_BYTES, retention_ms: -1, retention_bytes: -1, ..node.into() };
        let start = newest.as_ref().map_or(0, |snapshot| snapshot.end_offset);
        let from = OpenFrom { log_start_offset: start, ..OpenFrom::default() };
        let (mut log, _) = Log::open_from(disk, dir, config, from)?;
        if log.log_end_offset() < start {
            log.truncate_fully_and_start_at(disk, start)?;
        }
        // After a power loss the file of epochs may know of records that the log has lost. Votes are compared by the
        // last epoch, so it must be that of a record (or of the snapshot).
        log.forget_epochs_without_records(disk)?;
        if log.log_start_offset() > start {
            return Err(StartError::Damaged {
                file: dir.into(),
                what: format!(
                    "the metadata log begins at offset {} and there is no snapshot of what came before",
                    log.log_start_offset()
                ),
            });
        }
        let (dir, flush, serving) = (dir.into(), None, None);
        let (writing, written) = (BTreeMap::new(), Vec::new());
        Ok((Self { dir, log, flush, snapshots, writing, written, serving }, newest))
    }

    pub(super) fn start_offset(&self) -> i64 {
        self.log.log_start_offset()
    }

    pub(super) fn end_offset(&self) -> i64 {
        self.log.log_end_offset()
    }

    /// The disk has confirmed everything before it.
    pub(super) fn durable_end(&self) -> i64 {
        self.log.recovery_point()
    }

    /// Epoch of the last record, or of the snapshot when there is none; 0 in the beginning.
    pub(super) fn last_epoch(&self) -> i32 {
        self.log.last_epoch().unwrap_or_else(|| self.snapshots.last().map_or(0, |key| key.epoch))
    }

    /// Where `epoch` ends in this log: the largest epoch not above it, and its end (`ReplicatedLog.endOffsetForEpoch`).
    pub(super) fn end_offset_for(&self, epoch: i32) -> (i32, i64) {
        if epoch >= self.last_epoch() {
            return (self.last_epoch(), self.end_offset());
        }
        if let Some(oldest) = self.snapshots.first()
            && epoch <= oldest.epoch
        {
            return (oldest.epoch, self.log.end_offset_for_epoch(epoch).map_or(oldest.end_offset, |(_, end)| end));
        }
        self.log.end_offset_for_epoch(epoch).unwrap_or_else(|| (epoch, self.start_offset()))
    }

    /// Appends batches that already have their offsets and epochs.
    pub(super) fn append(&mut self, disk: &mut dyn Disk, batches: &Bytes) -> Result<(), AppendFailed> {
        match self.log.append_as_follower(disk, batches) {
            Ok(Some(_)) => Ok(()),
            Ok(None) | Err(_) => Err(AppendFailed),
        }
    }

    pub(super) fn truncate_to(&mut self, disk: &mut dyn Disk, offset: i64) -> DiskResult<()> {
        self.log.truncate_to(disk, offset)
    }

    pub(super) fn read(&self, disk: &dyn Disk, offset: i64, max_bytes: i32) -> DiskResult<Vec<Part>> {
        let max_bytes = usize::try_from(max_bytes).unwrap_or(0);
        match self.log.read(disk, offset, max_bytes, self.end_offset(), true) {
            Ok(fetched) => Ok(fetched.parts),
            Err(error) => Err(DiskError::Broken(error.to_string())),
        }
    }

    /// In memory, for delivery and for people; empty when the disk cannot be read.
    pub(super) fn batches(&self, disk: &dyn Disk, offset: i64, max_bytes: usize) -> Vec<Batch> {
        self.log.read_batches(disk, offset, max_bytes).unwrap_or_default()
    }

    /// Asks the disk to confirm what it has not confirmed.
    pub(super) fn flush(&mut self, out: &mut Outbox) {
        if self.flush.is_some() || self.durable_end() >= self.end_offset() {
            return;
        }
        let flush = self.log.flush();
        let tokens: BTreeSet<Token> = flush.targets.iter().map(|target| out.sync(target.clone())).collect();
        if tokens.is_empty() {
            self.log.flushed(&flush);
        } else {
            self.flush = Some((flush, tokens));
        }
    }

    pub(super) fn owns(&self, token: Token) -> bool {
        self.writing.contains_key(&token) || self.flush.as_ref().is_some_and(|(_, tokens)| tokens.contains(&token))
    }

    /// The answer for a token of this log. An error is for good: what the disk took and failed to keep may read back
    /// as if it were there, so nothing can be promised on it any more.
    pub(super) fn synced(&mut self, token: Token, result: &DiskResult<()>) -> Result<(), String> {
        if let Some(written) = self.writing.remove(&token) {
            // A lost checkpoint costs nothing: the log is still there.
            self.written.extend(result.is_ok().then_some(written));
            return Ok(());
        }
        let Some((flush, tokens)) = &mut self.flush else { return Ok(()) };
        if tokens.remove(&token) {
            result
                .clone()
                .map_err(|error| format!("the metadata log in {} cannot be made durable: {error}", self.dir))?;
            if tokens.is_empty() {
                self.log.flushed(flush);
                self.flush = None;
            }
        }
        Ok(())
    }

    pub(super) fn latest_snapshot(&self) -> Option<SnapshotKey> {
        self.snapshots.last().copied()
    }

    pub(super) fn oldest_snapshot(&self) -> Option<SnapshotKey> {
        self.snapshots.first().copied()
    }

    pub(super) fn is_writing_snapshot(&self) -> bool {
        !self.writing.is_empty() || !self.written.is_empty()
    }

    pub(super) fn is_installing(&self) -> bool {
        self.writing.values().chain(&self.written).any(|(_, install)| install.is_some())
    }

    /// Writes a checkpoint; [`Self::take_written`] gives it back once it is durable.
    pub(super) fn write_snapshot(
        &mut self,
        disk: &mut dyn Disk,
        out: &mut Outbox,
        key: SnapshotKey,
        file: &Bytes,
        install: Option<Vec<Bytes>>,
    ) -> DiskResult<()> {
        let path = self.path_of(key);
        disk.replace(&path, file, true)?;
        self.writing.insert(out.sync(SyncTarget::Path(path)), (key, install));
        Ok(())
    }

    pub(super) fn take_written(&mut self) -> Vec<Written> {
        std::mem::take(&mut self.written)
    }

    /// The leader's snapshot takes the place of everything.
    pub(super) fn restart_at(&mut self, disk: &mut dyn Disk, key: SnapshotKey) -> DiskResult<()> {
        self.log.truncate_fully_and_start_at(disk, key.end_offset)?;
        self.keep_only(disk, key);
        Ok(())
    }

    /// The log before `key` is in its snapshot.
    pub(super) fn forget_before(&mut self, disk: &mut dyn Disk, key: SnapshotKey, now_ms: i64) {
        // Refusals leave more than is needed, and the next snapshot tries again.
        let _ = self.log.increment_log_start_offset(disk, key.end_offset);
        let _ = self.log.delete_old_segments(disk, key.end_offset, now_ms);
        let _ = self.log.remove_deleted(disk, now_ms);
        self.keep_only(disk, key);
    }

    fn keep_only(&mut self, disk: &mut dyn Disk, key: SnapshotKey) {
        for old in std::mem::replace(&mut self.snapshots, vec![key]) {
            if old != key {
                let _ = disk.remove(&self.path_of(old));
            }
        }
    }

    fn path_of(&self, key: SnapshotKey) -> String {
        format!("{}/{}", self.dir, key.file_name())
    }

    /// A stretch of a checkpoint, and its whole size.
    pub(super) fn snapshot_chunk(
        &mut self,
        disk: &mut dyn Disk,
        key: SnapshotKey,
        position: i64,
        max_bytes: i32,
    ) -> Result<(i64, FileSlice), ErrorCode> {
        if !self.snapshots.contains(&key) {
            return Err(ErrorCode::SnapshotNotFound);
        }
        let failed = |_: DiskError| ErrorCode::UnknownServerError;
        let file = match self.serving {
            Some((served, file)) if served == key => file,
            _ => {
                if let Some((_, old)) = self.serving.take() {
                    disk.close(old);
                }
                disk.open(&self.path_of(key)).map_err(failed)?
            }
        };
        self.serving = Some((key, file));
        let size = i64::try_from(disk.len(file).map_err(failed)?).unwrap_or(i64::MAX);
        if position < 0 || position >= size {
            return Err(ErrorCode::PositionOutOfRange);
        }
        let len = (size - position).min(i64::from(max_bytes.max(0))) as u32;
        Ok((size, FileSlice { file, generation: disk.generation(file), position: position as u64, len }))
    }
}
