//! Requests about several groups, which may live in several partitions: each gives its part of the answer, and the last
//! one makes it whole.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Effect, GroupCoordinator, Part, Then, offset_fetch};
use crate::{
    broker::Reply,
    id::EventId,
    seam::Ctx,
    wire::{
        delete_groups::{DeletableGroupResult, DeleteGroupsResponse},
        describe_groups::DescribedGroup,
        list_groups::{ListGroupsRequest, ListGroupsResponse},
        offset_fetch::{OffsetFetchRequestGroup, OffsetFetchResponseGroup},
    },
};

/// An answer about several groups that is being put together.
#[derive(Clone, Debug)]
pub(super) struct Gather {
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

    /// Of a group that is named twice there is one answer.
    pub fn delete_groups(&mut self, ctx: &mut Ctx, reply: Reply, mut groups: Vec<String>) {
        let mut seen = BTreeSet::new();
        groups.retain(|group| seen.insert(group.clone()));
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
        // A group that was asked for twice has two places, and its parts come in that order.
        let mut places: BTreeMap<&String, VecDeque<usize>> = BTreeMap::new();
        groups.iter().enumerate().for_each(|(at, group)| places.entry(group).or_default().push_back(at));
        let mut place = |id: &String| places.get_mut(id).and_then(VecDeque::pop_front);
        let (mut deleted, mut fetched) = (None, Vec::new());
        for part in parts {
            match part {
                Part::Deleted(results) => deleted.get_or_insert_with(Vec::new).extend(results),
                Part::Fetched(group) => fetched.push(group),
            }
        }
        Some(match deleted {
            Some(mut results) => {
                results.sort_by_cached_key(|r| place(&r.group_id));
                Gathered::Deleted(reply, DeleteGroupsResponse { results, ..Default::default() })
            }
            None => {
                fetched.sort_by_cached_key(|g| place(&g.group_id));
                Gathered::Fetched(reply, fetched)
            }
        })
    }
}
