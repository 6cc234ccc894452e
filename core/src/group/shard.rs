//! The groups of one partition of `__consumer_offsets`: their state, and what waits for the log
//! (`GroupCoordinatorShard`, `CoordinatorRuntime`).

use std::collections::{BTreeMap, VecDeque};

use super::{
    Env, Then,
    classic::ClassicGroup,
    client_error,
    effect::{Effect, Part},
    offsets::Offsets,
    record::GroupRecord,
};
use crate::{
    id::EventId,
    seam::Time,
    wire::{batch::Batch, error::ErrorCode},
};

#[derive(Clone, Debug)]
pub struct Shard {
    pub leader_epoch: i32,
    pub(super) loading: Option<Loading>,
    pub(super) groups: BTreeMap<String, ClassicGroup>,
    pub(super) offsets: Offsets,
    writes: VecDeque<Write>,
    /// End of the log after the last write.
    last_written: i64,
    high_watermark: i64,
}

/// How far the log has been replayed.
#[derive(Clone, Copy, Debug)]
pub struct Loading {
    pub next_offset: i64,
    pub records: u64,
    pub since: Time,
}

/// What goes on when the high watermark gets there.
#[derive(Clone, Debug)]
struct Write {
    required_offset: i64,
    deadline: Time,
    then: Then,
    cause: Option<EventId>,
}

impl Shard {
    pub fn new(leader_epoch: i32, start_offset: i64, now: Time) -> Self {
        Self {
            leader_epoch,
            loading: Some(Loading { next_offset: start_offset, records: 0, since: now }),
            groups: BTreeMap::new(),
            offsets: Offsets::default(),
            writes: VecDeque::new(),
            last_written: 0,
            high_watermark: 0,
        }
    }

    /// The groups as a log has them, all of it safe: what a coordinator that takes over would know.
    pub fn of_log(batches: &[Batch]) -> Self {
        let mut shard = Self::new(0, 0, Time::ZERO);
        shard.replay(batches, -1);
        shard.offsets.commit(i64::MAX);
        shard.loading = None;
        shard
    }

    pub fn groups(&self) -> impl Iterator<Item = &ClassicGroup> {
        self.groups.values()
    }

    pub fn group(&self, id: &str) -> Option<&ClassicGroup> {
        self.groups.get(id)
    }

    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }

    pub fn loading(&self) -> Option<Loading> {
        self.loading
    }

    /// Whether somebody waits for the high watermark.
    pub fn is_waiting(&self) -> bool {
        !self.writes.is_empty() || self.offsets.is_pending()
    }

    pub fn deadline(&self) -> Option<Time> {
        self.writes.front().map(|w| w.deadline)
    }

    pub(super) fn last_written_is(&mut self, end: i64) {
        self.last_written = end;
    }

    /// Records were appended and end at `end`; or there were none, and what came before is to be waited for.
    pub(super) fn appended(&mut self, env: &mut Env, records: &[GroupRecord], end: Option<i64>, then: Then) {
        if let Some(end) = end {
            self.last_written = end;
            let first = end - records.len() as i64;
            for (at, record) in (first..).zip(records) {
                self.replay_own(at, record, env);
            }
        }
        let cause = env.ctx.out.cause();
        let deadline = env.now().plus_ms(env.config.offsets_commit_timeout_ms);
        self.writes.push_back(Write { required_offset: self.last_written, deadline, then, cause });
        self.settle(env);
    }

    /// A group's state is ahead of its own records; offsets and removals take effect by being written.
    fn replay_own(&mut self, at: i64, record: &GroupRecord, env: &mut Env) {
        match record {
            GroupRecord::Group(_, Some(_)) | GroupRecord::Unknown(_) => {}
            GroupRecord::Group(key, None) => {
                self.groups.remove(&key.group);
                env.timers.cancel_all(env.partition, Some(&key.group));
            }
            GroupRecord::Offset(..) => self.replay_offset(at, record, env.ctx.now.wall_ms),
        }
    }

    pub(super) fn replay_offset(&mut self, at: i64, record: &GroupRecord, now_ms: i64) {
        let GroupRecord::Offset(key, value) = record else { return };
        if value.is_some() {
            // Whoever only commits offsets makes a simple group by that.
            self.groups.entry(key.group.clone()).or_insert_with(|| ClassicGroup::new(&key.group, now_ms));
        }
        self.offsets.replay(at, key, value.as_ref());
    }

    /// The log's high watermark, as it is or has become.
    pub(super) fn reached(&mut self, env: &mut Env, high_watermark: i64) {
        self.high_watermark = self.high_watermark.max(high_watermark);
        self.settle(env);
    }

    fn settle(&mut self, env: &mut Env) {
        self.offsets.commit(self.high_watermark);
        let high_watermark = self.high_watermark;
        while let Some(write) = self.writes.pop_front_if(|w| w.required_offset <= high_watermark) {
            self.go_on(env, write.then, Ok(()));
        }
    }

    /// Gives up writes that the in-sync replicas did not take in time (`offsets.commit.timeout.ms`).
    pub(super) fn expire_writes(&mut self, env: &mut Env) {
        let now = env.now();
        while let Some(write) = self.writes.pop_front_if(|w| w.deadline <= now) {
            env.ctx.out.because(write.cause);
            self.go_on(env, write.then, Err(ErrorCode::RequestTimedOut));
        }
    }

    /// A write is safe, or failed with an error of the log.
    pub(super) fn go_on(&mut self, env: &mut Env, then: Then, result: Result<(), ErrorCode>) {
        let result = result.map_err(client_error);
        match then {
            Then::Nothing => {}
            Then::Answer(reply, answer) => {
                let answer = match result {
                    Ok(()) => answer,
                    Err(error) => answer.with_error(error),
                };
                env.answer(reply, answer);
            }
            Then::NewGroup { group } => {
                if let Err(error) = result
                    && let Some(mut group) = self.groups.remove(&group)
                {
                    group.unload(env, error);
                    env.timers.cancel_all(env.partition, Some(&group.id));
                }
            }
            Then::Assignment { group, generation, assignments } => {
                if let Some(group) = self.groups.get_mut(&group) {
                    group.assignment_stored(env, generation, &assignments, result);
                }
            }
            Then::StaticRejoin(rejoin) => {
                if let Some(group) = self.groups.get_mut(&rejoin.group) {
                    group.static_rejoined(env, &rejoin, result);
                }
            }
            Then::Part { gather, part } => {
                let part = match result {
                    Ok(()) => part,
                    Err(error) => part.with_error(error),
                };
                env.effects.push(Effect::Gathered(gather, part));
            }
        }
    }

    /// This broker no longer leads the partition: whoever waits is sent elsewhere.
    pub(super) fn unload(&mut self, env: &mut Env) {
        self.groups.values_mut().for_each(|group| group.unload(env, ErrorCode::NotCoordinator));
        while let Some(write) = self.writes.pop_front() {
            env.ctx.out.because(write.cause);
            self.go_on(env, write.then, Err(ErrorCode::NotCoordinator));
        }
        env.timers.cancel_all(env.partition, None);
    }
}

impl Part {
    pub(super) fn groups(&self) -> usize {
        match self {
            Self::Deleted(results) => results.len(),
            Self::Fetched(_) => 1,
        }
    }
}
