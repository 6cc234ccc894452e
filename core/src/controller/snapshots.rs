//! When the state is written down as a snapshot, so that the log below it can go (KIP-630; Kafka: `SnapshotGenerator`).

use bytes::Bytes;

use super::Controller;
use crate::{
    config::NodeConfig,
    seam::{Ctx, Time},
};

/// What a record costs in the log beside its value, about.
const RECORD_OVERHEAD: u64 = 20;

#[derive(Clone, Debug)]
pub(super) struct Snapshots {
    bytes_since: u64,
    last: Time,
}

impl Snapshots {
    pub(super) fn new(now: Time) -> Self {
        Self { bytes_since: 0, last: now }
    }

    pub(super) fn committed(&mut self, records: &[Bytes]) {
        self.bytes_since += records.iter().map(|r| r.len() as u64 + RECORD_OVERHEAD).sum::<u64>();
    }

    /// The state came from a snapshot, so there is one.
    pub(super) fn loaded(&mut self, now: Time) {
        *self = Self::new(now);
    }

    fn due_at(&self, config: &NodeConfig) -> Time {
        self.last.plus_ms(config.metadata_log_max_snapshot_interval_ms)
    }

    /// An interval of 0 means never; without records there is nothing new to keep.
    pub(super) fn deadline(&self, config: &NodeConfig) -> Option<Time> {
        (config.metadata_log_max_snapshot_interval_ms > 0 && self.bytes_since > 0).then(|| self.due_at(config))
    }
}

impl Controller {
    pub(super) fn maybe_snapshot(&mut self, ctx: &mut Ctx<'_>) {
        let snapshots = &self.snapshots;
        let large = snapshots.bytes_since >= self.config.metadata_log_max_record_bytes_between_snapshots;
        let old = snapshots.deadline(&self.config).is_some_and(|at| at <= ctx.now.mono);
        if !(large || old) || self.failure.is_some() {
            return;
        }
        self.snapshots = Snapshots::new(ctx.now.mono);
        let records: Vec<Bytes> = self.committed.to_records().iter().map(|record| record.encode()).collect();
        let end_offset = self.committed.offset() + 1;
        self.raft.create_snapshot(ctx, end_offset, self.committed_epoch, &records);
    }
}
