//! All replicas of this broker: opened at the start, led or followed as the controller says, looked after by timers
//! (Kafka: `ReplicaManager`, `LogManager`).

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use super::{
    PartitionKey,
    durability::Flushes,
    fetcher::Fetcher,
    isr::IsrQuestions,
    partition::{Partition, Transition},
    purgatory::{Expired, Purgatory},
    session::Sessions,
    settings::Settings,
    walk::{STEP, Walk},
};
use crate::{
    broker::Reply,
    config::NodeConfig,
    disk::{Disk, DiskError, DiskResult},
    id::{ConnId, EventId, NodeId, TopicPartition, Uuid},
    log::{Log, OpenFrom, checkpoint},
    metadata::image::MetadataImage,
    seam::{Ctx, Time},
    trace::EventKind,
    wire::{delete_records::DeleteRecordsResponse, error::ErrorCode, fetch::FetchResponse, produce::ProduceResponse},
};

/// `log.flush.offset.checkpoint.interval.ms` and its kin.
const LOG_CHECKPOINT_INTERVAL_MS: u64 = 60_000;
/// How the folder of a deleted replica ends until it is gone.
const DELETED: &str = "-delete";

#[derive(Clone, Debug)]
pub struct ReplicaManager {
    pub(super) local: NodeId,
    pub(super) config: Arc<NodeConfig>,
    pub(super) partitions: BTreeMap<PartitionKey, Partition>,
    /// Logs that were there at the start and that the controller has not spoken of yet.
    unclaimed: BTreeMap<PartitionKey, Unclaimed>,
    /// By folder.
    unclaimed_dirs: BTreeMap<String, PartitionKey>,
    /// Replicas whose log could not be opened, and why. They answer KAFKA_STORAGE_ERROR.
    broken: BTreeMap<PartitionKey, String>,
    /// Those that the disk failed under later.
    offline: BTreeSet<PartitionKey>,
    /// What the checkpoints said of logs that nobody has claimed.
    pub(super) checkpointed: Checkpoints,
    pub(super) flushes: Flushes,

    pub(super) purgatory: Purgatory,
    pub(super) sessions: Sessions,
    pub(super) fetchers: BTreeMap<NodeId, Fetcher>,
    pub(super) isr_questions: IsrQuestions,
    /// This broker's registration; fetches and questions carry it.
    pub broker_epoch: i64,

    /// Partitions whose parked requests may be ready, and the event that made them so: looked at once, at the end of
    /// each input.
    dirty: BTreeMap<PartitionKey, Option<EventId>>,
    pub(super) answers: Vec<Answer>,

    /// Partitions whose log changed since the last checkpoint of logs.
    pub(super) changed: BTreeSet<PartitionKey>,
    /// What the checkpoint files hold is not what they would hold now.
    pub(super) high_watermarks_changed: bool,
    pub(super) logs_changed: bool,

    isr_check: Walk,
    next_high_watermark_checkpoint: Time,
    next_log_checkpoint: Time,
    retention: Walk,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Checkpoints {
    pub high_watermark: BTreeMap<TopicPartition, i64>,
    pub recovery_point: BTreeMap<TopicPartition, i64>,
    pub log_start: BTreeMap<TopicPartition, i64>,
}

#[derive(Clone, Debug)]
struct Unclaimed {
    dir: String,
    log: Log,
}

/// An answer that is ready to be sent.
#[derive(Clone, Debug)]
pub enum Answer {
    Produce(Reply, ProduceResponse),
    Fetch(Reply, FetchResponse),
    DeleteRecords(Reply, DeleteRecordsResponse),
}

impl ReplicaManager {
    /// Opens every log in the data folder. After an unclean stop each is checked and cut where it is damaged.
    ///
    /// # Errors
    /// When the data folder itself cannot be read; a single log that cannot be opened is set aside.
    pub fn open(config: Arc<NodeConfig>, ctx: &mut Ctx, clean_shutdown: bool) -> DiskResult<Self> {
        let now = ctx.now.mono;
        let mut manager = Self {
            local: config.node_id,
            partitions: BTreeMap::new(),
            unclaimed: BTreeMap::new(),
            unclaimed_dirs: BTreeMap::new(),
            broken: BTreeMap::new(),
            offline: BTreeSet::new(),
            checkpointed: Checkpoints::read(ctx.disk)?,
            flushes: Flushes::default(),
            purgatory: Purgatory::default(),
            sessions: Sessions::new(config.seed ^ 0x5e55),
            fetchers: BTreeMap::new(),
            isr_questions: IsrQuestions::default(),
            broker_epoch: -1,
            dirty: BTreeMap::new(),
            answers: Vec::new(),
            changed: BTreeSet::new(),
            high_watermarks_changed: true,
            logs_changed: true,
            isr_check: Walk::new(now.plus_ms(config.replica_lag_time_max_ms / 2)),
            next_high_watermark_checkpoint: now.plus_ms(config.replica_high_watermark_checkpoint_interval_ms),
            next_log_checkpoint: now.plus_ms(LOG_CHECKPOINT_INTERVAL_MS),
            retention: Walk::new(now.plus_ms(config.log_retention_check_interval_ms)),
            config,
        };
        for dir in ctx.disk.list("")? {
            if dir.ends_with(DELETED) {
                ctx.disk.remove(&dir)?;
            } else if let Some((name, topic_id)) = replica_of(ctx.disk, &dir) {
                manager.open_found(ctx, dir, name, topic_id, clean_shutdown);
            }
        }
        Ok(manager)
    }

    fn open_found(&mut self, ctx: &mut Ctx, dir: String, name: TopicPartition, topic_id: Uuid, clean_shutdown: bool) {
        let key = PartitionKey { topic_id, partition: name.partition };
        // The topic's own configuration is not known before the metadata log is read; it is set when the log is claimed.
        let settings = Settings::of_topic(&name.topic, &MetadataImage::default(), &self.config);
        let known = |of: &BTreeMap<TopicPartition, i64>| of.get(&name).copied().unwrap_or(0);
        let from = OpenFrom {
            clean_shutdown,
            recovery_point: known(&self.checkpointed.recovery_point),
            log_start_offset: known(&self.checkpointed.log_start),
        };
        match Log::open_from(ctx.disk, &dir, settings.log, from) {
            Ok((log, recovery)) => {
                if !clean_shutdown {
                    let (end_offset, cut_bytes) = (log.log_end_offset(), recovery.cut_bytes);
                    ctx.out.note(|| EventKind::Recovered { partition: name.clone(), end_offset, cut_bytes });
                }
                self.unclaimed_dirs.insert(dir.clone(), key);
                self.unclaimed.insert(key, Unclaimed { dir, log });
            }
            Err(error) => self.set_aside(ctx, key, &name, &error),
        }
    }

    fn set_aside(&mut self, ctx: &mut Ctx, key: PartitionKey, name: &TopicPartition, error: &DiskError) {
        ctx.out.note(|| refused_by_disk(name, error));
        self.broken.insert(key, error.to_string());
    }

    /// The controller spoke of this partition, or its topic is gone.
    pub fn apply(&mut self, ctx: &mut Ctx, image: &MetadataImage, key: PartitionKey) {
        let topic = image.topic_by_id(key.topic_id);
        let registration = topic.and_then(|t| t.partitions.get(&key.partition));
        let (Some(topic), Some(registration)) = (topic, registration) else {
            return self.remove(ctx, key);
        };
        if !registration.replicas.contains(&self.local) {
            return self.remove(ctx, key);
        }
        if self.broken.contains_key(&key) {
            return;
        }
        if !self.partitions.contains_key(&key) {
            let name = TopicPartition::new(topic.name.as_str(), key.partition);
            match self.claim_or_create(ctx, image, key, &name) {
                Ok(partition) => {
                    self.partitions.insert(key, partition);
                }
                Err(error) => return self.set_aside(ctx, key, &name, &error),
            }
        }
        let partition = self.partitions.get_mut(&key).expect("it was just inserted");
        match partition.apply(ctx, self.local, registration) {
            Ok(Transition::None) => return,
            Ok(Transition::BecameLeader) => {
                self.unfollow(key);
                self.advance_high_watermark(ctx, image, key);
            }
            Ok(Transition::IsrChanged) => self.advance_high_watermark(ctx, image, key),
            Ok(Transition::BecameFollower) => self.follow(key),
            Err(error) => self.take_offline(ctx, key, &error),
        }
        self.isr_questions.forget(key);
        self.touch(ctx, key);
    }

    fn claim_or_create(
        &mut self,
        ctx: &mut Ctx,
        image: &MetadataImage,
        key: PartitionKey,
        name: &TopicPartition,
    ) -> DiskResult<Partition> {
        let settings = Settings::of_topic(&name.topic, image, &self.config);
        if let Some(Unclaimed { dir, mut log }) = self.unclaimed.remove(&key) {
            self.unclaimed_dirs.remove(&dir);
            log.set_config(settings.log.clone());
            let high_watermark = self.checkpointed.take(name).unwrap_or(0);
            return Ok(Partition::new(key, name.clone(), dir, log, high_watermark, settings));
        }
        // A folder of that name belongs to a topic that was deleted while this broker was away.
        let dir = name.to_string();
        if let Some(&stale) = self.unclaimed_dirs.get(&dir) {
            self.drop_unclaimed(ctx.disk, stale);
        }
        ctx.disk.remove(&dir)?;
        self.checkpointed.take(name);
        let (log, _) = Log::open(ctx.disk, &dir, settings.log.clone(), true)?;
        checkpoint::write_partition_metadata(ctx.disk, &dir, key.topic_id)?;
        Ok(Partition::new(key, name.clone(), dir, log, 0, settings))
    }

    /// Deletes the replica with its files.
    fn remove(&mut self, ctx: &mut Ctx, key: PartitionKey) {
        self.unfollow(key);
        self.isr_questions.forget(key);
        self.broken.remove(&key);
        self.offline.remove(&key);
        if self.unclaimed.contains_key(&key) {
            self.drop_unclaimed(ctx.disk, key);
        }
        if let Some(mut partition) = self.partitions.remove(&key) {
            partition.log.close_files(ctx.disk);
            // Out of the way at once, so that a new topic may have the name. What cannot be removed goes with the next
            // start, as a stray.
            let doomed = format!("{}.{}{DELETED}", partition.dir, key.topic_id);
            if ctx.disk.rename(&partition.dir, &doomed).is_ok() {
                let _ = ctx.disk.remove(&doomed);
            }
            self.touch(ctx, key);
        }
    }

    fn drop_unclaimed(&mut self, disk: &mut dyn Disk, key: PartitionKey) {
        if let Some(mut unclaimed) = self.unclaimed.remove(&key) {
            self.unclaimed_dirs.remove(&unclaimed.dir);
            unclaimed.log.close_files(disk);
            let _ = disk.remove(&unclaimed.dir);
        }
    }

    /// Removes what the controller does not know of, once the whole metadata log was read (Kafka: stray replicas).
    pub fn remove_strays(&mut self, ctx: &mut Ctx, image: &MetadataImage) {
        let strays: Vec<PartitionKey> = self.unclaimed.keys().copied().collect();
        for key in strays {
            let mine =
                image.partition_by_id(key.topic_id, key.partition).is_some_and(|p| p.replicas.contains(&self.local));
            if !mine {
                self.drop_unclaimed(ctx.disk, key);
            }
        }
    }

    /// The replicas held here of a topic, in order.
    pub fn of_topic(&self, topic_id: Uuid) -> impl Iterator<Item = &Partition> {
        let key = |partition| PartitionKey { topic_id, partition };
        self.partitions.range(key(i32::MIN)..=key(i32::MAX)).map(|(_, partition)| partition)
    }

    /// The configuration of that topic, or of every topic, changed.
    pub fn reconfigure(&mut self, ctx: &mut Ctx, image: &MetadataImage, topic: Option<&str>) {
        let keys: Vec<PartitionKey> = match topic {
            Some(name) => image.topic_id(name).into_iter().flat_map(|id| self.of_topic(id)).map(|p| p.key).collect(),
            None => self.partitions.keys().copied().collect(),
        };
        for key in keys {
            let partition = self.partitions.get_mut(&key).expect("its key was just listed");
            let settings = Settings::of_topic(&partition.name.topic, image, &self.config);
            if settings == partition.settings {
                continue;
            }
            partition.log.set_config(settings.log.clone());
            partition.settings = settings;
            self.advance_high_watermark(ctx, image, key);
            self.touch(ctx, key);
        }
    }

    /// A replica of this broker, or why there is none (`ReplicaManager.getPartitionOrError`).
    pub fn find(&self, image: &MetadataImage, key: PartitionKey) -> Result<&Partition, ErrorCode> {
        match self.partitions.get(&key) {
            Some(partition) if partition.offline.is_some() => Err(ErrorCode::KafkaStorageError),
            Some(partition) => Ok(partition),
            None if self.broken.contains_key(&key) => Err(ErrorCode::KafkaStorageError),
            None if image.partition_by_id(key.topic_id, key.partition).is_some() => Err(ErrorCode::NotLeaderOrFollower),
            None => Err(ErrorCode::UnknownTopicOrPartition),
        }
    }

    /// Leader and leader epoch by the newest this broker knows, be it from the log of metadata or its own role.
    pub fn current_leader(&self, image: &MetadataImage, key: PartitionKey) -> Option<(i32, i32)> {
        let known = image.partition_by_id(key.topic_id, key.partition)?;
        Some((known.leader, known.leader_epoch))
    }

    pub(super) fn advance_high_watermark(&mut self, ctx: &mut Ctx, image: &MetadataImage, key: PartitionKey) {
        let lag_max_ms = self.config.replica_lag_time_max_ms;
        if let Some(partition) = self.partitions.get_mut(&key)
            && partition.advance_as_leader(ctx, lag_max_ms, &active_epoch(image))
        {
            self.touch(ctx, key);
        }
    }

    /// The disk failed under a partition. It serves nothing more until the broker is started again: what it would
    /// read or promise can no longer be trusted (`ReplicaManager.handleLogDirFailure`, for one partition instead of all).
    pub(super) fn take_offline(&mut self, ctx: &mut Ctx, key: PartitionKey, error: &DiskError) {
        self.unfollow(key);
        self.isr_questions.forget(key);
        if let Some(partition) = self.partitions.get_mut(&key) {
            ctx.out.note(|| refused_by_disk(&partition.name, error));
            partition.offline = Some(error.to_string());
            self.offline.insert(key);
        }
        self.touch(ctx, key);
    }

    /// An append failed. A full disk leaves the log as it was: it goes on being read, and takes records again when there
    /// is room. Anything else takes the partition offline.
    pub(super) fn disk_refused(&mut self, ctx: &mut Ctx, key: PartitionKey, error: &DiskError) {
        match error {
            DiskError::Full => {
                if let Some(leader) = self.partitions.get(&key).and_then(|p| p.registration.leader()) {
                    self.delay(ctx, leader, key);
                }
            }
            _ => self.take_offline(ctx, key, error),
        }
    }

    /// Answers what need wait no longer: call at the end of each input.
    pub fn settle(&mut self, ctx: &mut Ctx, image: &MetadataImage) {
        while let Some((key, cause)) = self.dirty.pop_first() {
            ctx.out.because(cause);
            self.settle_produces(ctx, image, key);
            self.settle_deletions(image, key);
            for id in self.purgatory.waiting_for_data(key) {
                let ready = self.purgatory.fetch(id).is_some_and(|f| self.fetch_is_ready(ctx.disk, image, &f.plan));
                if ready && let Some(parked) = self.purgatory.take_fetch(id) {
                    self.answer_parked_fetch(ctx, image, parked);
                }
            }
        }
    }

    /// Requests waiting for this partition may be ready: because of the event just traced.
    pub(super) fn touch(&mut self, ctx: &Ctx, key: PartitionKey) {
        self.dirty.insert(key, ctx.out.cause());
        self.changed(key);
    }

    /// Its log or its high watermark is another now.
    pub(super) fn changed(&mut self, key: PartitionKey) {
        self.changed.insert(key);
        self.ask_anew(key);
        self.high_watermarks_changed = true;
        self.logs_changed = true;
    }

    /// What is ready to be sent, in order.
    pub fn take_answers(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.answers)
    }

    /// Does what is due.
    pub fn tick(&mut self, ctx: &mut Ctx, image: &MetadataImage) {
        let now = ctx.now.mono;
        while let Some(expired) = self.purgatory.expire(now) {
            match expired {
                Expired::Produce(parked) => self.time_out(ctx, image, parked),
                Expired::Deletion(parked) => self.deletion_timed_out(parked),
                Expired::Fetch(parked) => {
                    ctx.out.because(parked.reply.cause);
                    self.answer_parked_fetch(ctx, image, parked);
                }
            }
        }
        if now >= self.isr_check.next {
            let keys = self.next_of(&self.isr_check);
            keys.iter().for_each(|&key| self.shrink_isr(ctx, key));
            let interval_ms = (self.config.replica_lag_time_max_ms / 2).max(1);
            self.isr_check.stepped(keys.last().copied(), keys.len(), now, interval_ms);
        }
        if now >= self.next_high_watermark_checkpoint {
            self.next_high_watermark_checkpoint =
                now.plus_ms(self.config.replica_high_watermark_checkpoint_interval_ms.max(1));
            // If it fails, it is tried again in a few seconds, and the old one is safe.
            let _ = self.checkpoint_high_watermarks(ctx.disk, false);
        }
        if now >= self.next_log_checkpoint {
            self.next_log_checkpoint = now.plus_ms(LOG_CHECKPOINT_INTERVAL_MS);
            let _ = self.checkpoint_logs(ctx.disk, false);
            self.flush_complete_segments(ctx);
        }
        if now >= self.retention.next {
            let keys = self.next_of(&self.retention);
            keys.iter().for_each(|&key| self.delete_old_segments(ctx, key));
            let interval_ms = self.config.log_retention_check_interval_ms.max(1);
            self.retention.stepped(keys.last().copied(), keys.len(), now, interval_ms);
        }
    }

    /// The partitions of the next step of a walk.
    fn next_of(&self, walk: &Walk) -> Vec<PartitionKey> {
        let from = walk.after.map_or(Bound::Unbounded, Bound::Excluded);
        self.partitions.range((from, Bound::Unbounded)).take(STEP).map(|(&key, _)| key).collect()
    }

    pub fn deadline(&self) -> Time {
        let checkpoints = self.next_high_watermark_checkpoint.min(self.next_log_checkpoint);
        let mut deadline = self.isr_check.next.min(checkpoints).min(self.retention.next);
        for at in
            [self.purgatory.deadline(), self.fetchers_deadline(), self.isr_questions.deadline()].into_iter().flatten()
        {
            deadline = deadline.min(at);
        }
        deadline
    }

    /// A connection of a client is gone.
    pub fn forget_conn(&mut self, conn: ConnId) {
        self.purgatory.forget(conn);
    }

    fn delete_old_segments(&mut self, ctx: &mut Ctx, key: PartitionKey) {
        let Some(partition) = self.partitions.get_mut(&key).filter(|p| p.offline.is_none()) else { return };
        let high_watermark = partition.high_watermark();
        let deleted = partition.log.delete_old_segments(ctx.disk, high_watermark, ctx.now.wall_ms);
        match deleted.and_then(|n| partition.log.remove_deleted(ctx.disk, ctx.now.wall_ms).map(|()| n)) {
            Ok(0) => {}
            Ok(_) => {
                partition.log_start_moved();
                self.changed(key);
            }
            Err(error) => self.take_offline(ctx, key, &error),
        }
    }

    /// Every log could be opened and written.
    pub fn is_healthy(&self) -> bool {
        self.broken.is_empty() && self.offline.is_empty()
    }

    pub fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.values()
    }

    pub fn get(&self, key: PartitionKey) -> Option<&Partition> {
        self.partitions.get(&key)
    }

    pub fn purgatory(&self) -> &Purgatory {
        &self.purgatory
    }

    pub fn sessions_mut(&mut self) -> &mut Sessions {
        &mut self.sessions
    }
}

/// The epoch of a broker that may be in an ISR.
pub(super) fn active_epoch(image: &MetadataImage) -> impl Fn(NodeId) -> Option<i64> + '_ {
    |id| image.broker(id).filter(|b| b.is_active()).map(|b| b.epoch)
}

pub(super) fn refused_by_disk(name: &TopicPartition, error: &DiskError) -> EventKind {
    let why = match error {
        DiskError::Full => "the disk is full. Free space: it goes on by itself".into(),
        error => format!("offline: {error} (LogDirFailureChannel). Repair the disk and start the broker again"),
    };
    EventKind::AppendRefused { partition: name.clone(), error: ErrorCode::KafkaStorageError.code(), why }
}

impl Checkpoints {
    /// A damaged file is as good as none: everything in it can be found out again.
    fn read(disk: &dyn Disk) -> DiskResult<Self> {
        let read = |path| match checkpoint::read_offsets(disk, path) {
            Err(DiskError::Broken(_)) => Ok(BTreeMap::new()),
            other => other,
        };
        Ok(Self {
            high_watermark: read(checkpoint::REPLICATION_OFFSET)?,
            recovery_point: read(checkpoint::RECOVERY_POINT)?,
            log_start: read(checkpoint::LOG_START_OFFSET)?,
        })
    }

    /// Forgets a partition, whose log speaks for itself from now on, and gives its high watermark.
    fn take(&mut self, name: &TopicPartition) -> Option<i64> {
        self.recovery_point.remove(name);
        self.log_start.remove(name);
        self.high_watermark.remove(name)
    }
}

/// The partition whose replica lies in this folder, if one does.
fn replica_of(disk: &dyn Disk, dir: &str) -> Option<(TopicPartition, Uuid)> {
    let (topic, partition) = dir.rsplit_once('-')?;
    // A metadata log is none of a broker's partitions (Kafka: `LogManager.loadLogs`). It may be the controller's, which
    // in a combined node writes to it at this very moment: so it is not even looked at.
    if topic.starts_with("__cluster_metadata") {
        return None;
    }
    let partition = partition.parse().ok()?;
    Some((TopicPartition::new(topic, partition), checkpoint::read_partition_metadata(disk, dir)?))
}
