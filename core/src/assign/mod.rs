//! Who reads which partition: the assignors of Kafka's Java client, by which the leader of a group shares out
//! (`ConsumerPartitionAssignor`). Given the same members they give the same partitions to each.
//!
//! Racks are not looked at: without racks of members the Java client does not either.

mod range;
mod round_robin;
mod sticky;

mod general;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    id::TopicPartition,
    wire::{
        consumer_protocol::{ConsumerProtocolSubscription, TopicPartitions},
        primitive::{Format, Reader, Value, Writer},
    },
};

/// What a member is given.
pub type Assignment = BTreeMap<String, Vec<TopicPartition>>;

/// One entry of `partition.assignment.strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assignor {
    Range,
    RoundRobin,
    Sticky,
    CooperativeSticky,
}

/// A member of the group, as its leader knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Member {
    pub id: String,
    pub instance_id: Option<String>,
    pub topics: Vec<String>,
    pub owned: Vec<TopicPartition>,
    /// Of what it says it owns.
    pub generation: Option<i32>,
}

impl Assignor {
    pub const ALL: [Self; 4] = [Self::Range, Self::RoundRobin, Self::Sticky, Self::CooperativeSticky];

    /// By this name members agree on it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
            Self::Sticky => "sticky",
            Self::CooperativeSticky => "cooperative-sticky",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }

    /// Members keep what they own through a rebalance and give up only what moves (KIP-429).
    pub const fn is_cooperative(self) -> bool {
        matches!(self, Self::CooperativeSticky)
    }

    /// Shares the partitions of `topics` (name to count) out to `members`. Topics that are not there are left out.
    pub fn assign(self, topics: &BTreeMap<String, i32>, members: &[Member]) -> Assignment {
        match self {
            Self::Range => range::assign(topics, members),
            Self::RoundRobin => round_robin::assign(topics, members),
            Self::Sticky => sticky::assign(topics, members),
            Self::CooperativeSticky => sticky::assign_cooperatively(topics, members),
        }
    }

    /// What a member that owns `owned` since `generation` says of itself.
    pub fn subscription(
        self,
        topics: &[String],
        owned: &[TopicPartition],
        generation: i32,
    ) -> ConsumerProtocolSubscription {
        let mut subscription = ConsumerProtocolSubscription {
            topics: topics.to_vec(),
            generation_id: generation,
            owned_partitions: by_topic(owned),
            ..Default::default()
        };
        // An eager member has given everything up when it joins; what it had goes where only this assignor looks.
        if self == Self::Sticky && !owned.is_empty() {
            subscription.user_data = Some(sticky_user_data(owned, generation));
            subscription.owned_partitions.clear();
        }
        subscription
    }

    /// Reads back what [`Self::subscription`] or a Java client made.
    pub fn member(self, id: &str, instance_id: Option<&str>, subscription: &ConsumerProtocolSubscription) -> Member {
        let (owned, generation) = if self == Self::Sticky {
            subscription.user_data.as_ref().and_then(read_sticky_user_data).unwrap_or_default()
        } else {
            let generation = Some(subscription.generation_id).filter(|&g| g >= 0);
            (flat(&subscription.owned_partitions), generation)
        };
        Member {
            id: id.to_owned(),
            instance_id: instance_id.map(str::to_owned),
            topics: subscription.topics.clone(),
            owned,
            generation,
        }
    }
}

/// Static members come first, by their instance ids, then the others by their ids (`MemberInfo.compareTo`).
fn in_order(members: &[Member]) -> Vec<&Member> {
    let mut sorted: Vec<&Member> = members.iter().collect();
    sorted.sort_by_key(|m| (m.instance_id.is_none(), m.instance_id.clone().unwrap_or_default(), m.id.clone()));
    sorted
}

fn nothing_yet(members: &[Member]) -> Assignment {
    members.iter().map(|m| (m.id.clone(), Vec::new())).collect()
}

pub fn by_topic(partitions: &[TopicPartition]) -> Vec<TopicPartitions> {
    let mut topics: Vec<TopicPartitions> = Vec::new();
    for p in partitions {
        match topics.iter_mut().find(|t| t.topic == p.topic) {
            Some(topic) => topic.partitions.push(p.partition),
            None => topics.push(TopicPartitions { topic: p.topic.clone(), partitions: vec![p.partition] }),
        }
    }
    topics
}

pub fn flat(topics: &[TopicPartitions]) -> Vec<TopicPartition> {
    let of = |t: &TopicPartitions| {
        t.partitions.iter().map(|&p| TopicPartition::new(t.topic.as_str(), p)).collect::<Vec<_>>()
    };
    topics.iter().flat_map(of).collect()
}

const PLAIN: Format = Format { version: 0, flexible: false };

/// `StickyAssignor`'s own format, version 1.
fn sticky_user_data(owned: &[TopicPartition], generation: i32) -> bytes::Bytes {
    let mut writer = Writer::new();
    let written = by_topic(owned).write(&mut writer, PLAIN);
    written.expect("names of topics that exist are short enough");
    writer.i32(generation);
    writer.into_bytes()
}

fn read_sticky_user_data(bytes: &bytes::Bytes) -> Option<(Vec<TopicPartition>, Option<i32>)> {
    let mut reader = Reader::new(bytes);
    let topics = Vec::<TopicPartitions>::read(&mut reader, PLAIN).ok()?;
    Some((flat(&topics), reader.i32().ok()))
}
