//! What survives: offset checkpoints every few seconds, and syncing the segments that are complete.
//!
//! Ordinary appends are not synced, as in Kafka: replicas on other machines are what makes them durable.

use std::collections::BTreeMap;

use super::{PartitionKey, manager::ReplicaManager, partition::Partition};
use crate::{
    disk::{Disk, DiskError, DiskResult},
    id::{Token, TopicPartition},
    log::{Flush, checkpoint},
    seam::Ctx,
};

/// Flushes that the disk has not confirmed.
#[derive(Clone, Debug, Default)]
pub struct Flushes {
    tokens: BTreeMap<Token, PartitionKey>,
    open: BTreeMap<PartitionKey, Open>,
}

#[derive(Clone, Debug)]
struct Open {
    flush: Flush,
    unconfirmed: usize,
    failed: Option<DiskError>,
}

impl ReplicaManager {
    /// High watermarks (`replication-offset-checkpoint`), every 5 s. An old one after a crash is safe: a high watermark
    /// that is too low grows again with the first fetches.
    ///
    /// Kafka syncs these files on a scheduler's thread. Here nobody waits for a slow disk, except for `durable` ones at a
    /// clean end: all of them can be found out again when power fails and one is damaged.
    pub(super) fn checkpoint_high_watermarks(&mut self, disk: &mut dyn Disk, durable: bool) -> DiskResult<()> {
        // The files hold all partitions, as Kafka's do: they are written when one of them has something new to say.
        if !self.high_watermarks_changed && !durable {
            return Ok(());
        }
        let kept = &self.checkpointed.high_watermark;
        self.write_checkpoint(disk, checkpoint::REPLICATION_OFFSET, Partition::high_watermark, kept, durable)?;
        self.high_watermarks_changed = false;
        Ok(())
    }

    /// Where recovery begins after a crash, and where logs start.
    pub(super) fn checkpoint_logs(&mut self, disk: &mut dyn Disk, durable: bool) -> DiskResult<()> {
        if !self.logs_changed && !durable {
            return Ok(());
        }
        let recovery_point = |p: &Partition| p.log.recovery_point();
        let kept = &self.checkpointed.recovery_point;
        self.write_checkpoint(disk, checkpoint::RECOVERY_POINT, recovery_point, kept, durable)?;
        let log_start = |p: &Partition| p.log.log_start_offset();
        let kept = &self.checkpointed.log_start;
        self.write_checkpoint(disk, checkpoint::LOG_START_OFFSET, log_start, kept, durable)?;
        self.logs_changed = false;
        Ok(())
    }

    /// Live partitions as they are; those the controller has not spoken of yet keep what was read at the start.
    fn write_checkpoint(
        &self,
        disk: &mut dyn Disk,
        path: &str,
        live: impl Fn(&Partition) -> i64,
        kept: &BTreeMap<TopicPartition, i64>,
        durable: bool,
    ) -> DiskResult<()> {
        let mut offsets = kept.clone();
        offsets.extend(self.partitions.values().map(|p| (p.name.clone(), live(p))));
        checkpoint::write_offsets(disk, path, &offsets, durable)
    }

    /// Syncs logs that have complete segments beyond their recovery point (`UnifiedLog.roll` flushes them).
    pub(super) fn flush_complete_segments(&mut self, ctx: &mut Ctx) {
        let due = |p: &&Partition| {
            p.offline.is_none() && p.log.segment_base_offsets().last().is_some_and(|base| base > p.log.recovery_point())
        };
        let changed = std::mem::take(&mut self.changed);
        let changed = changed.iter().filter_map(|key| self.partitions.get(key));
        let keys: Vec<PartitionKey> = changed.filter(due).map(|p| p.key).collect();
        keys.into_iter().for_each(|key| self.flush(ctx, key));
    }

    /// Syncs every log: the broker is about to end.
    pub fn flush_all(&mut self, ctx: &mut Ctx) {
        let keys: Vec<PartitionKey> = self.partitions.values().filter(|p| p.offline.is_none()).map(|p| p.key).collect();
        keys.into_iter().for_each(|key| self.flush(ctx, key));
    }

    pub fn is_flushing(&self) -> bool {
        !self.flushes.open.is_empty()
    }

    fn flush(&mut self, ctx: &mut Ctx, key: PartitionKey) {
        if self.flushes.open.contains_key(&key) {
            return;
        }
        let flush = self.partitions[&key].log.flush();
        if flush.targets.is_empty() {
            return;
        }
        for target in &flush.targets {
            self.flushes.tokens.insert(ctx.out.sync(target.clone()), key);
        }
        let unconfirmed = flush.targets.len();
        self.flushes.open.insert(key, Open { flush, unconfirmed, failed: None });
    }

    pub fn owns_token(&self, token: Token) -> bool {
        self.flushes.tokens.contains_key(&token)
    }

    /// The disk answered a sync.
    pub fn synced(&mut self, ctx: &mut Ctx, token: Token, result: Result<(), DiskError>) {
        let Some(key) = self.flushes.tokens.remove(&token) else { return };
        let Some(open) = self.flushes.open.get_mut(&key) else { return };
        open.unconfirmed -= 1;
        open.failed = open.failed.take().or(result.err());
        if open.unconfirmed > 0 {
            return;
        }
        let Some(open) = self.flushes.open.remove(&key) else { return };
        match (open.failed, self.partitions.get_mut(&key)) {
            (None, Some(partition)) => {
                partition.log.flushed(&open.flush);
                self.logs_changed = true;
            }
            // A failed sync says nothing of what is on the platter: never believe this log again before a recovery.
            (Some(error), Some(_)) => self.take_offline(ctx, key, &error),
            (_, None) => {}
        }
    }

    /// Writes what a clean end leaves behind. Returns whether everything is in order: only then may the next start
    /// trust the logs without looking.
    pub fn close(&mut self, disk: &mut dyn Disk) -> bool {
        let mut healthy = self.is_healthy();
        for partition in self.partitions.values_mut() {
            match &partition.offline {
                None => healthy &= partition.log.close(disk).is_ok(),
                Some(_) => partition.log.close_files(disk),
            }
        }
        healthy & self.checkpoint_high_watermarks(disk, true).is_ok() & self.checkpoint_logs(disk, true).is_ok()
    }
}
