//! All groups that this broker coordinates: requests go to the group's partition, answers and records come out as effects
//! (`GroupCoordinatorService`).

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Answer, Caller, Effect, Env, Part, Then, UNKNOWN_MEMBER_ID,
    classic::ClassicGroup,
    leave::leave_response,
    offset_fetch, placement,
    rebalance::{answer_join, refuse_join},
    record::GroupRecord,
    shard::Shard,
    timers::{Timers, What},
};
use crate::{
    broker::Reply,
    config::NodeConfig,
    id::{EventId, Uuid},
    seam::{Ctx, Time},
    wire::{
        batch::Batch,
        delete_groups::{DeletableGroupResult, DeleteGroupsResponse},
        describe_groups::DescribedGroup,
        error::ErrorCode,
        heartbeat::{HeartbeatRequest, HeartbeatResponse},
        join_group::{JoinGroupRequest, JoinGroupResponse},
        leave_group::{LeaveGroupRequest, LeaveGroupResponse, MemberIdentity},
        list_groups::{ListGroupsRequest, ListGroupsResponse},
        offset_commit::{OffsetCommitRequest, OffsetCommitResponse},
        offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse},
        offset_fetch::{OffsetFetchRequestGroup, OffsetFetchResponseGroup},
        sync_group::{SyncGroupRequest, SyncGroupResponse},
    },
};

#[derive(Clone, Debug)]
pub struct GroupCoordinator {
    config: Arc<NodeConfig>,
    rng: fastrand::Rng,
    /// Partitions of `__consumer_offsets`.
    partitions: i32,
    shards: BTreeMap<i32, Shard>,
    timers: Timers,
    effects: Vec<Effect>,
    gathers: BTreeMap<u64, Gather>,
    last_gather: u64,
    next_expiry: Time,
}

/// An answer about several groups that is being put together.
#[derive(Clone, Debug)]
struct Gather {
    reply: Reply,
    /// In the order in which they were asked for.
    groups: Vec<String>,
    parts: Vec<Part>,
}

/// Everything that is known about the groups of an answer about several.
#[derive(Clone, Debug)]
pub enum Gathered {
    Deleted(Reply, DeleteGroupsResponse),
    Fetched(Reply, Vec<OffsetFetchResponseGroup>),
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
                match &key.what {
                    What::Join => group.complete_join(env),
                    What::InitialJoin { delay_ms, remaining_ms } => {
                        group.initial_delay_over(env, *delay_ms, *remaining_ms);
                    }
                    What::Sync { generation } => group.sync_timed_out(env, *generation),
                    What::Session { member } => group.session_timed_out(env, member),
                }
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

    // --- Requests ---

    pub fn join(&mut self, ctx: &mut Ctx, caller: Caller, request: &JoinGroupRequest) {
        let config = Arc::clone(&self.config);
        let timeouts = config.group_min_session_timeout_ms..=config.group_max_session_timeout_ms;
        let refused = if request.group_id.is_empty() {
            Some(ErrorCode::InvalidGroupId)
        } else if !timeouts.contains(&i64::from(request.session_timeout_ms)) {
            Some(ErrorCode::InvalidSessionTimeout)
        } else {
            None
        };
        let partition = self.partition_for(&request.group_id);
        if let Some(error) = refused {
            let refusal = refuse_join(&request.member_id, error);
            return answer_join(&mut self.env(ctx, partition), caller.reply, refusal);
        }
        let reply = caller.reply.clone();
        let served = self.serve(ctx, partition, |shard, env| shard.join(env, caller, request));
        if let Err(error) = served {
            let refusal = JoinGroupResponse { error_code: error.code(), ..Default::default() };
            answer_join(&mut self.env(ctx, partition), reply, refusal);
        }
    }

    pub fn sync(&mut self, ctx: &mut Ctx, reply: Reply, request: SyncGroupRequest) {
        let partition = self.partition_for(&request.group_id);
        let refusal = |error: ErrorCode| SyncGroupResponse { error_code: error.code(), ..Default::default() };
        if request.group_id.is_empty() {
            return self.answer(ctx, reply, refusal(ErrorCode::InvalidGroupId));
        }
        let again = reply.clone();
        let served = self.serve(ctx, partition, |shard, env| match shard.groups.get_mut(&request.group_id) {
            Some(group) => group.sync(env, reply, request),
            None => env.answer(reply, refusal(ErrorCode::UnknownMemberId)),
        });
        if let Err(error) = served {
            self.answer(ctx, again, refusal(error));
        }
    }

    pub fn heartbeat(&mut self, ctx: &mut Ctx, reply: Reply, request: &HeartbeatRequest) {
        let partition = self.partition_for(&request.group_id);
        let response = |error: ErrorCode| HeartbeatResponse { error_code: error.code(), ..Default::default() };
        if request.group_id.is_empty() {
            return self.answer(ctx, reply, response(ErrorCode::InvalidGroupId));
        }
        let again = reply.clone();
        let served = self.serve(ctx, partition, |shard, env| {
            let error = match shard.groups.get_mut(&request.group_id) {
                Some(group) => group.heartbeat(env, request),
                None => ErrorCode::UnknownMemberId,
            };
            match error {
                ErrorCode::None | ErrorCode::RebalanceInProgress => {
                    env.append(Vec::new(), Then::Answer(reply, response(error).into()));
                }
                error => env.answer(reply, response(error)),
            }
        });
        match served {
            Ok(()) => {}
            // While the groups are being loaded nobody loses their membership.
            Err(ErrorCode::CoordinatorLoadInProgress) => self.answer(ctx, again, response(ErrorCode::None)),
            Err(error) => self.answer(ctx, again, response(error)),
        }
    }

    pub fn leave(&mut self, ctx: &mut Ctx, reply: Reply, request: LeaveGroupRequest) {
        let partition = self.partition_for(&request.group_id);
        let refusal = |error: ErrorCode| LeaveGroupResponse { error_code: error.code(), ..Default::default() };
        if request.group_id.is_empty() {
            return self.answer(ctx, reply, refusal(ErrorCode::InvalidGroupId));
        }
        let (again, version) = (reply.clone(), reply.version);
        let members = if version < 3 {
            vec![MemberIdentity { member_id: request.member_id, ..Default::default() }]
        } else {
            request.members
        };
        let group_id = request.group_id;
        let served = self.serve(ctx, partition, |shard, env| match shard.groups.get_mut(&group_id) {
            Some(group) => {
                let response = group.leave(env, version, members);
                // What the group wrote because of it goes before.
                env.append(Vec::new(), Then::Answer(reply, response.into()));
            }
            None => {
                let unknown = members.into_iter().map(|m| (m, ErrorCode::UnknownMemberId)).collect();
                env.answer(reply, leave_response(version, unknown));
            }
        });
        if let Err(error) = served {
            self.answer(ctx, again, refusal(error));
        }
    }

    /// `response`: the same partitions in the same order; what has an error was refused before.
    pub fn offset_commit(
        &mut self,
        ctx: &mut Ctx,
        reply: Reply,
        request: &OffsetCommitRequest,
        response: OffsetCommitResponse,
    ) {
        let partition = self.partition_for(&request.group_id);
        let (again, refused) = (reply.clone(), Answer::from(response.clone()));
        let served = self.serve(ctx, partition, |shard, env| shard.offset_commit(env, reply, request, response));
        if let Err(error) = served {
            self.answer(ctx, again, refused.with_error(error));
        }
    }

    pub fn offset_delete(
        &mut self,
        ctx: &mut Ctx,
        reply: Reply,
        request: &OffsetDeleteRequest,
        response: OffsetDeleteResponse,
    ) {
        let partition = self.partition_for(&request.group_id);
        let again = reply.clone();
        let refusal = |error: ErrorCode| OffsetDeleteResponse { error_code: error.code(), ..Default::default() };
        if request.group_id.is_empty() {
            return self.answer(ctx, reply, refusal(ErrorCode::InvalidGroupId));
        }
        let served = self.serve(ctx, partition, |shard, env| shard.offset_delete(env, reply, request, response));
        if let Err(error) = served {
            self.answer(ctx, again, refusal(error));
        }
    }

    /// The offsets of several groups. `stable`: also what was written just now, once it is safe.
    pub fn offset_fetch(&mut self, ctx: &mut Ctx, reply: Reply, groups: &[OffsetFetchRequestGroup], stable: bool) {
        let ids = groups.iter().map(|g| g.group_id.clone()).collect();
        let gather = self.gather(reply, ids);
        for group in groups {
            let partition = self.partition_for(&group.group_id);
            let topics = group.topics.as_deref();
            let served = self.serve(ctx, partition, |shard, env| {
                let part = Part::Fetched(shard.offset_fetch(&group.group_id, topics, stable));
                if stable {
                    env.append(Vec::new(), Then::Part { gather, part });
                } else {
                    env.effects.push(Effect::Gathered(gather, part));
                }
            });
            if let Err(error) = served {
                let part = Part::Fetched(offset_fetch::refused(group, error));
                self.effects.push(Effect::Gathered(gather, part));
            }
        }
    }

    pub fn delete_groups(&mut self, ctx: &mut Ctx, reply: Reply, groups: Vec<String>) {
        let mut by_partition: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        for group in &groups {
            by_partition.entry(self.partition_for(group)).or_default().push(group.clone());
        }
        let gather = self.gather(reply, groups);
        for (partition, groups) in by_partition {
            let asked = groups.clone();
            let served = self.serve(ctx, partition, |shard, env| shard.delete_groups(env, groups, gather));
            if let Err(error) = served {
                let error_code = error.code();
                let refused = asked.into_iter().map(|group_id| DeletableGroupResult { group_id, error_code });
                self.effects.push(Effect::Gathered(gather, Part::Deleted(refused.collect())));
            }
        }
    }

    pub fn describe(&self, version: i16, group_id: &str) -> DescribedGroup {
        match self.active(self.partition_for(group_id)) {
            Ok(shard) => shard.describe(version, group_id),
            Err(error) => {
                DescribedGroup { group_id: group_id.to_owned(), error_code: error.code(), ..Default::default() }
            }
        }
    }

    /// Refused while any of them is being loaded: the list would not be whole.
    pub fn list(&self, request: &ListGroupsRequest) -> ListGroupsResponse {
        let mut groups = Vec::new();
        for &partition in self.shards.keys() {
            match self.active(partition) {
                Ok(shard) => groups.extend(shard.list(request)),
                Err(error) => return ListGroupsResponse { error_code: error.code(), ..Default::default() },
            }
        }
        ListGroupsResponse { groups, ..Default::default() }
    }

    // --- Answers about several groups ---

    fn gather(&mut self, reply: Reply, groups: Vec<String>) -> u64 {
        self.last_gather += 1;
        self.gathers.insert(self.last_gather, Gather { reply, groups, parts: Vec::new() });
        self.last_gather
    }

    /// A part is there. When it was the last one, the whole.
    pub fn gathered(&mut self, id: u64, part: Part, cause: Option<EventId>) -> Option<Gathered> {
        let gather = self.gathers.get_mut(&id)?;
        gather.parts.push(part);
        if gather.parts.iter().map(Part::groups).sum::<usize>() < gather.groups.len() {
            return None;
        }
        let Gather { mut reply, groups, parts } = self.gathers.remove(&id)?;
        reply.cause = cause;
        let place = |id: &String| groups.iter().position(|g| g == id);
        let (mut deleted, mut fetched) = (None, Vec::new());
        for part in parts {
            match part {
                Part::Deleted(results) => deleted.get_or_insert_with(Vec::new).extend(results),
                Part::Fetched(group) => fetched.push(group),
            }
        }
        Some(match deleted {
            Some(mut results) => {
                results.sort_by_key(|r| place(&r.group_id));
                Gathered::Deleted(reply, DeleteGroupsResponse { results, ..Default::default() })
            }
            None => {
                fetched.sort_by_key(|g| place(&g.group_id));
                Gathered::Fetched(reply, fetched)
            }
        })
    }

    // --- Plumbing ---

    fn env<'a, 'c>(&'a mut self, ctx: &'a mut Ctx<'c>, partition: i32) -> Env<'a, 'c> {
        Env {
            ctx,
            config: &self.config,
            rng: &mut self.rng,
            timers: &mut self.timers,
            effects: &mut self.effects,
            partition,
        }
    }

    fn answer(&mut self, ctx: &mut Ctx, reply: Reply, answer: impl Into<Answer>) {
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
    fn serve(&mut self, ctx: &mut Ctx, partition: i32, f: impl FnOnce(&mut Shard, &mut Env)) -> Result<(), ErrorCode> {
        self.active(partition)?;
        self.at(ctx, partition, f);
        Ok(())
    }

    fn active(&self, partition: i32) -> Result<&Shard, ErrorCode> {
        match self.shards.get(&partition) {
            None => Err(ErrorCode::NotCoordinator),
            Some(shard) if shard.loading().is_some() => Err(ErrorCode::CoordinatorLoadInProgress),
            Some(shard) => Ok(shard),
        }
    }
}

impl Shard {
    /// A join may make the group it is for.
    fn join(&mut self, env: &mut Env, caller: Caller, request: &JoinGroupRequest) {
        let id = request.group_id.as_str();
        if let Some(group) = self.groups.get_mut(id) {
            return group.join(env, caller, request);
        }
        // Only who has no id yet can be the first.
        if request.member_id != UNKNOWN_MEMBER_ID {
            return answer_join(env, caller.reply, refuse_join(&request.member_id, ErrorCode::UnknownMemberId));
        }
        let mut group = ClassicGroup::new(id, env.ctx.now.wall_ms);
        group.join(env, caller, request);
        let (key, value) = ClassicGroup::new(id, env.ctx.now.wall_ms).to_record(&BTreeMap::new());
        self.groups.insert(id.to_owned(), group);
        env.append(vec![GroupRecord::Group(key, Some(value))], Then::NewGroup { group: id.to_owned() });
    }
}
