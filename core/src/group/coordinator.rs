//! All groups that this broker coordinates: the partitions that they are in, and time. Requests go to the group's
//! partition (`requests`, `several`), answers and records come out as effects (`GroupCoordinatorService`).

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Answer, Effect, Env, Then, placement,
    record::GroupRecord,
    several::Gather,
    shard::Shard,
    timers::{Timers, What},
};
use crate::{
    broker::Reply,
    config::NodeConfig,
    id::Uuid,
    seam::{Ctx, Time},
    wire::{batch::Batch, error::ErrorCode},
};

#[derive(Clone, Debug)]
pub struct GroupCoordinator {
    pub(super) config: Arc<NodeConfig>,
    rng: fastrand::Rng,
    /// Partitions of `__consumer_offsets`.
    partitions: i32,
    pub(super) shards: BTreeMap<i32, Shard>,
    timers: Timers,
    pub(super) effects: Vec<Effect>,
    pub(super) gathers: BTreeMap<u64, Gather>,
    pub(super) last_gather: u64,
    next_expiry: Time,
}

impl GroupCoordinator {
    pub fn new(config: Arc<NodeConfig>, now: Time) -> Self {
        let start = u64::from_be_bytes(*config.incarnation_id.0.first_chunk().expect("an id has 16 bytes"));
        Self {
            rng: fastrand::Rng::with_seed(config.seed ^ start ^ 0x6709),
            partitions: config.offsets_topic_num_partitions,
            shards: BTreeMap::new(),
            timers: Timers::default(),
            effects: Vec::new(),
            gathers: BTreeMap::new(),
            last_gather: 0,
            next_expiry: now.plus_ms(config.offsets_retention_check_interval_ms),
            config,
        }
    }

    /// How many partitions `__consumer_offsets` really has.
    pub fn set_partitions(&mut self, partitions: i32) {
        self.partitions = partitions;
    }

    pub fn partition_for(&self, group_id: &str) -> i32 {
        placement::partition_for(group_id, self.partitions)
    }

    pub fn shards(&self) -> impl Iterator<Item = (i32, &Shard)> {
        self.shards.iter().map(|(&partition, shard)| (partition, shard))
    }

    pub fn shard(&self, partition: i32) -> Option<&Shard> {
        self.shards.get(&partition)
    }

    /// What is to be done now, in order.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// When the session of a member ends if nothing is heard of it.
    pub fn session_ends(&self, partition: i32, group: &str, member: &str) -> Option<Time> {
        self.timers.session_ends(partition, group, member)
    }

    // --- The partitions of this broker ---

    /// This broker leads the partition from now on: its log is to be replayed from `start_offset`.
    pub fn elected(&mut self, ctx: &Ctx, partition: i32, leader_epoch: i32, start_offset: i64) {
        match self.shards.get_mut(&partition) {
            // It led before, in an older epoch: nothing was lost.
            Some(shard) => shard.leader_epoch = leader_epoch,
            None => {
                self.shards.insert(partition, Shard::new(leader_epoch, start_offset, ctx.now.mono));
            }
        }
    }

    /// Another broker leads it, or nobody.
    pub fn resigned(&mut self, ctx: &mut Ctx, partition: i32) {
        if let Some(mut shard) = self.shards.remove(&partition) {
            shard.unload(&mut self.env(ctx, partition));
        }
    }

    /// Partitions that are being replayed.
    pub fn loading(&self) -> Vec<(i32, i64)> {
        let loading = |(&p, shard): (&i32, &Shard)| Some((p, shard.loading()?.next_offset));
        self.shards.iter().filter_map(loading).collect()
    }

    /// The next batches of the log; `end`: there are no more.
    pub fn replay(&mut self, ctx: &mut Ctx, partition: i32, batches: &[Batch], end: bool) {
        self.at(ctx, partition, |shard, env| {
            shard.replay(batches, env.ctx.now.wall_ms);
            if end {
                shard.loaded(env);
            }
        });
    }

    /// The records of an [`Effect::Append`] are in this broker's log and end at `end`; `None`: there were none.
    pub fn appended(&mut self, ctx: &mut Ctx, partition: i32, records: &[GroupRecord], end: Option<i64>, then: Then) {
        self.at(ctx, partition, |shard, env| shard.appended(env, records, end, then));
    }

    /// They could not be appended.
    pub fn append_failed(&mut self, ctx: &mut Ctx, partition: i32, then: Then, error: ErrorCode) {
        self.at(ctx, partition, |shard, env| shard.go_on(env, then, Err(error)));
    }

    /// Partitions that wait for their high watermark.
    pub fn waiting(&self) -> Vec<i32> {
        self.shards.iter().filter(|(_, s)| s.is_waiting()).map(|(&p, _)| p).collect()
    }

    pub fn reached(&mut self, ctx: &mut Ctx, partition: i32, high_watermark: i64) {
        self.at(ctx, partition, |shard, env| shard.reached(env, high_watermark));
    }

    pub fn topic_deleted(&mut self, ctx: &mut Ctx, topic: &str, topic_id: Uuid) {
        let partitions: Vec<i32> = self.shards.keys().copied().collect();
        for partition in partitions {
            self.at(ctx, partition, |shard, env| shard.topic_deleted(env, topic, topic_id));
        }
    }

    // --- Time ---

    pub fn deadline(&self) -> Option<Time> {
        let writes = self.shards.values().filter_map(Shard::deadline);
        // A log that is being replayed goes on at once.
        let loading = self.shards.values().filter_map(|s| Some(s.loading()?.since));
        writes.chain(loading).chain(self.timers.deadline()).chain([self.next_expiry]).min()
    }

    pub fn tick(&mut self, ctx: &mut Ctx) {
        let now = ctx.now.mono;
        let cause = ctx.out.cause();
        while let Some((key, set_by)) = self.timers.pop(now) {
            ctx.out.because(set_by);
            self.at(ctx, key.partition, |shard, env| {
                let Some(group) = shard.groups.get_mut(&key.group) else { return };
                // Nobody is there to tell: Kafka logs that no generation could begin.
                let _ = match &key.what {
                    What::Join => group.complete_join(env),
                    What::InitialJoin { delay_ms, remaining_ms } => {
                        group.initial_delay_over(env, *delay_ms, *remaining_ms)
                    }
                    What::Sync { generation } => group.sync_timed_out(env, *generation),
                    What::Session { member } => group.session_timed_out(env, member),
                };
            });
        }
        ctx.out.because(cause);
        let late: Vec<i32> =
            self.shards.iter().filter(|(_, s)| s.deadline().is_some_and(|at| at <= now)).map(|(&p, _)| p).collect();
        for partition in late {
            self.at(ctx, partition, |shard, env| shard.expire_writes(env));
        }
        if now >= self.next_expiry {
            self.next_expiry = now.plus_ms(self.config.offsets_retention_check_interval_ms.max(1));
            let partitions: Vec<i32> = self.shards.keys().copied().collect();
            for partition in partitions {
                self.at(ctx, partition, |shard, env| {
                    if shard.loading.is_none() {
                        shard.expire(env);
                    }
                });
            }
        }
        ctx.out.because(cause);
    }

    // --- Plumbing ---

    pub(super) fn env<'a, 'c>(&'a mut self, ctx: &'a mut Ctx<'c>, partition: i32) -> Env<'a, 'c> {
        Env {
            ctx,
            config: &self.config,
            rng: &mut self.rng,
            timers: &mut self.timers,
            effects: &mut self.effects,
            partition,
        }
    }

    pub(super) fn answer(&mut self, ctx: &mut Ctx, reply: Reply, answer: impl Into<Answer>) {
        self.env(ctx, 0).answer(reply, answer);
    }

    /// Does it to a partition that is served or being loaded, and nothing to others.
    fn at(&mut self, ctx: &mut Ctx, partition: i32, f: impl FnOnce(&mut Shard, &mut Env)) {
        let Self { config, rng, shards, timers, effects, .. } = self;
        if let Some(shard) = shards.get_mut(&partition) {
            f(shard, &mut Env { ctx, config, rng, timers, effects, partition });
        }
    }

    /// As `at`, for requests: while the groups are not known they cannot be answered.
    pub(super) fn serve(
        &mut self,
        ctx: &mut Ctx,
        partition: i32,
        f: impl FnOnce(&mut Shard, &mut Env),
    ) -> Result<(), ErrorCode> {
        self.active(partition)?;
        self.at(ctx, partition, f);
        Ok(())
    }

    pub(super) fn active(&self, partition: i32) -> Result<&Shard, ErrorCode> {
        match self.shards.get(&partition) {
            None => Err(ErrorCode::NotCoordinator),
            Some(shard) if shard.loading().is_some() => Err(ErrorCode::CoordinatorLoadInProgress),
            Some(shard) => Ok(shard),
        }
    }
}
