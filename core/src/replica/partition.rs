//! One replica of a partition on this broker: its log, what the controller last said of it, and its high watermark.

use std::collections::VecDeque;

use super::{
    PartitionKey,
    leader::{ActiveEpoch, FollowerFetch, Leadership, PendingIsr},
    settings::Settings,
};
use crate::{
    disk::DiskError,
    id::{NodeId, TopicPartition, Uuid},
    log::Log,
    metadata::registration::PartitionRegistration,
    seam::{Ctx, Time},
    trace::EventKind,
    view::{FollowerView, RecordView, ReplicaView},
    wire::error::ErrorCode,
};

/// How many records that were cut off are remembered for people to see.
const CUT_KEPT: usize = 16;
const TAIL_KEPT: usize = 64;

#[derive(Clone, Debug)]
pub struct Partition {
    pub key: PartitionKey,
    pub name: TopicPartition,
    pub log: Log,
    /// What the controller last decided, as far as this broker knows.
    pub registration: PartitionRegistration,
    pub role: Role,
    pub settings: Settings,
    /// Why its disk cannot be trusted any more; then it serves nothing (`LogDirFailureChannel`).
    pub offline: Option<String>,
    /// Where its files are, relative to the node's data.
    pub dir: String,
    high_watermark: i64,
    cut: VecDeque<RecordView>,
}

#[derive(Clone, Debug)]
pub enum Role {
    Leader(Leadership),
    /// Follows `registration.leader`, if there is one.
    Follower,
}

/// What another word from the controller changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Nothing, or old news.
    None,
    /// Same leader, same leader epoch: the ISR or the assignment is another.
    IsrChanged,
    BecameLeader,
    BecameFollower,
}

impl Partition {
    /// `high_watermark` as the checkpoint has it; it may be older than the truth, never newer than the log.
    pub fn new(
        key: PartitionKey,
        name: TopicPartition,
        dir: String,
        log: Log,
        high_watermark: i64,
        settings: Settings,
    ) -> Self {
        let high_watermark = high_watermark.clamp(log.log_start_offset(), log.log_end_offset());
        // Epoch -1: whatever the controller says is news.
        let registration = PartitionRegistration {
            replicas: Vec::new(),
            directories: Vec::new(),
            isr: Vec::new(),
            elr: Vec::new(),
            last_known_elr: Vec::new(),
            removing_replicas: Vec::new(),
            adding_replicas: Vec::new(),
            leader: -1,
            leader_recovery_state: 0,
            leader_epoch: -1,
            partition_epoch: -1,
        };
        Self {
            key,
            name,
            log,
            registration,
            role: Role::Follower,
            settings,
            offline: None,
            dir,
            high_watermark,
            cut: VecDeque::new(),
        }
    }

    pub fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    pub fn leader_epoch(&self) -> i32 {
        self.registration.leader_epoch
    }

    pub fn leadership(&self) -> Option<&Leadership> {
        match &self.role {
            Role::Leader(leadership) => Some(leadership),
            Role::Follower => None,
        }
    }

    pub fn leadership_mut(&mut self) -> Option<&mut Leadership> {
        match &mut self.role {
            Role::Leader(leadership) => Some(leadership),
            Role::Follower => None,
        }
    }

    pub fn effective_min_isr(&self) -> usize {
        self.settings.effective_min_isr(self.registration.replicas.len())
    }

    /// `Partition.checkCurrentLeaderEpoch`; -1 is from clients that do not know epochs.
    pub fn check_epoch(&self, current_leader_epoch: i32) -> Result<(), ErrorCode> {
        match current_leader_epoch {
            -1 => Ok(()),
            e if e < self.leader_epoch() => Err(ErrorCode::FencedLeaderEpoch),
            e if e > self.leader_epoch() => Err(ErrorCode::UnknownLeaderEpoch),
            _ => Ok(()),
        }
    }

    /// The leader of the asked epoch, or why not, in the order in which Kafka looks (`Partition.localLogWithEpochOrThrow`).
    pub fn check_leader(&self, current_leader_epoch: i32) -> Result<&Leadership, ErrorCode> {
        self.check_local(current_leader_epoch)?;
        self.leadership().ok_or(ErrorCode::NotLeaderOrFollower)
    }

    /// The same for those whom any replica of the asked epoch may answer.
    pub fn check_local(&self, current_leader_epoch: i32) -> Result<(), ErrorCode> {
        if self.offline.is_some() {
            return Err(ErrorCode::KafkaStorageError);
        }
        self.check_epoch(current_leader_epoch)
    }

    /// Takes over what the controller decided (`Partition.makeLeader`, `makeFollower`).
    pub fn apply(
        &mut self,
        ctx: &mut Ctx,
        local: NodeId,
        new: &PartitionRegistration,
    ) -> Result<Transition, DiskError> {
        let old = &self.registration;
        let same_epoch = new.leader_epoch == old.leader_epoch;
        // An AlterPartition answer may have told us already, and another question may be in flight since.
        if new.partition_epoch <= old.partition_epoch && same_epoch {
            return Ok(Transition::None);
        }
        let leads = new.leader == local.0;
        self.registration = new.clone();
        if same_epoch && leads == self.leadership().is_some() {
            if let Role::Leader(leadership) = &mut self.role {
                leadership.confirm(local, &new.replicas, new.isr.clone());
            }
            return Ok(Transition::IsrChanged);
        }
        if !leads {
            self.role = Role::Follower;
            let (partition, leader, leader_epoch) = (&self.name, new.leader, new.leader_epoch);
            ctx.out.note(|| EventKind::BecameFollower { partition: partition.clone(), leader, leader_epoch });
            return Ok(Transition::BecameFollower);
        }
        let start_offset = self.log.log_end_offset();
        // The epoch begins here even if nothing is ever appended in it (KAFKA-7415): followers may ask where it starts.
        self.log.assign_epoch(ctx.disk, new.leader_epoch, start_offset)?;
        let before = match std::mem::replace(&mut self.role, Role::Follower) {
            Role::Leader(leadership) => Some(leadership),
            Role::Follower => None,
        };
        let now = ctx.now.mono;
        self.role = Role::Leader(Leadership::begin(before, local, &new.replicas, new.isr.clone(), start_offset, now));
        let (partition, leader_epoch) = (&self.name, new.leader_epoch);
        ctx.out.note(|| EventKind::BecameLeader { partition: partition.clone(), leader_epoch, start_offset });
        Ok(Transition::BecameLeader)
    }

    /// Moves a leader's high watermark as far as its in-sync replicas have come. Returns whether it moved.
    pub fn advance_as_leader(&mut self, ctx: &mut Ctx, lag_max_ms: u64, active: ActiveEpoch) -> bool {
        let (leader_end, min_isr) = (self.log.log_end_offset(), self.effective_min_isr());
        let Role::Leader(leadership) = &self.role else { return false };
        match leadership.replicated_to(leader_end, min_isr, ctx.now.mono, lag_max_ms, active) {
            Some(offset) => self.raise_high_watermark(ctx, offset, true),
            None => false,
        }
    }

    /// A follower knows of the high watermark what its leader said, and has no more than its own log
    /// (`ReplicaFetcherThread.processPartitionData`).
    pub fn advance_as_follower(&mut self, ctx: &mut Ctx, leader_high_watermark: i64) -> bool {
        self.raise_high_watermark(ctx, leader_high_watermark.min(self.log.log_end_offset()), false)
    }

    fn raise_high_watermark(&mut self, ctx: &mut Ctx, to: i64, as_leader: bool) -> bool {
        let from = self.high_watermark;
        let to = to.min(self.log.log_end_offset());
        if to <= from {
            return false;
        }
        self.high_watermark = to;
        let partition = &self.name;
        ctx.out.trace(|| EventKind::HighWatermark { partition: partition.clone(), from, to, as_leader });
        true
    }

    /// Notes a follower's fetch. `None`: the fetcher is no replica of ours. Otherwise whether its end moved.
    pub fn note_follower_fetch(&mut self, ctx: &mut Ctx, fetch: FollowerFetch) -> Option<bool> {
        let leader_end = self.log.log_end_offset();
        let leadership = self.leadership_mut()?;
        let was = leadership.follower(fetch.follower)?.log_end_offset;
        let moved = leadership.fetched(fetch, leader_end, ctx.now.mono)?;
        if fetch.fetch_offset >= leader_end && was.is_none_or(|was| was < leader_end) {
            let partition = &self.name;
            let FollowerFetch { follower, fetch_offset: end_offset, .. } = fetch;
            ctx.out.trace(|| EventKind::FollowerCaughtUp { partition: partition.clone(), follower, end_offset });
        }
        Some(moved)
    }

    /// Cuts the log off at `to`, remembering what was cut. The high watermark never points behind the log's end.
    pub fn truncate(&mut self, ctx: &mut Ctx, to: i64, why: impl FnOnce() -> String) -> Result<(), DiskError> {
        let from = self.log.log_end_offset();
        if to >= from {
            // Nothing to cut but perhaps the epoch that this replica began as leader and never wrote in. Left there, it
            // would send the leader the same question for ever.
            return self.log.truncate_to(ctx.disk, to);
        }
        let lost = self.records(ctx.disk, to, from, CUT_KEPT);
        self.log.truncate_to(ctx.disk, to)?;
        self.high_watermark = self.high_watermark.min(to);
        self.cut.extend(lost);
        while self.cut.len() > CUT_KEPT {
            self.cut.pop_front();
        }
        let partition = &self.name;
        ctx.out.note(|| EventKind::Truncated { partition: partition.clone(), from, to, why: why() });
        Ok(())
    }

    /// Begins anew at `offset`: the leader no longer has what should come next.
    pub fn start_over_at(&mut self, ctx: &mut Ctx, offset: i64, why: impl FnOnce() -> String) -> Result<(), DiskError> {
        let from = self.log.log_end_offset();
        self.log.truncate_fully_and_start_at(ctx.disk, offset)?;
        self.high_watermark = offset;
        let partition = &self.name;
        ctx.out.note(|| EventKind::Truncated { partition: partition.clone(), from, to: offset, why: why() });
        Ok(())
    }

    /// The log's head was deleted (retention, or the leader did): nothing below its start is committed any more.
    pub fn log_start_moved(&mut self) {
        self.high_watermark = self.high_watermark.max(self.log.log_start_offset());
    }

    pub fn view(&self, disk: &dyn crate::disk::Disk, now: Time) -> ReplicaView {
        let end = self.log.log_end_offset();
        ReplicaView {
            tail: self.records(disk, end.saturating_sub(TAIL_KEPT as i64), end, TAIL_KEPT),
            cut: self.cut.iter().cloned().collect(),
            ..self.brief_view(now)
        }
    }

    /// The same without records.
    pub fn brief_view(&self, now: Time) -> ReplicaView {
        let end = self.log.log_end_offset();
        let leadership = self.leadership();
        let followers = leadership.into_iter().flat_map(Leadership::followers).map(|(id, f)| FollowerView {
            id,
            end_offset: f.log_end_offset.unwrap_or(-1),
            in_sync: self.registration.isr.contains(&id),
            lag_ms: f.lag_ms(end, now),
        });
        ReplicaView {
            topic: self.name.topic.clone(),
            partition: self.name.partition,
            is_leader: leadership.is_some(),
            leader: self.registration.leader,
            leader_epoch: self.registration.leader_epoch,
            isr: leadership.map_or_else(Vec::new, |l| l.isr.clone()),
            pending_isr: leadership.and_then(|l| l.pending.as_ref()).map(|p: &PendingIsr| p.isr.clone()),
            log_start_offset: self.log.log_start_offset(),
            high_watermark: self.high_watermark,
            log_end_offset: end,
            epochs: self.log.epochs().entries().to_vec(),
            followers: followers.collect(),
            ..ReplicaView::default()
        }
    }

    /// The newest records of `from..to`, at most `limit`, as people see them. What cannot be read is left out.
    fn records(&self, disk: &dyn crate::disk::Disk, from: i64, to: i64, limit: usize) -> Vec<RecordView> {
        let from = from.max(to.saturating_sub(limit as i64)).max(self.log.log_start_offset());
        if from >= to {
            return Vec::new();
        }
        let batches = self.log.read_batches(disk, from, 1 << 20).unwrap_or_default();
        batches.iter().flat_map(RecordView::of).filter(|record| (from..to).contains(&record.offset)).collect()
    }

    pub fn topic_id(&self) -> Uuid {
        self.key.topic_id
    }
}
