//! Which partitions a broker matters to, so that nothing that happens to one broker walks the partitions of all
//! (Kafka: `BrokersToIsrs`, `ReplicationControlManager.imbalancedPartitions` and `topicsWithCollisionChars`).
//!
//! It follows from the image of the active controller, and is kept beside it record by record.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    id::{NodeId, Uuid},
    metadata::{
        image::{Change, MetadataImage, TopicImage},
        registration::{NO_LEADER, PartitionRegistration},
    },
};

/// Topic and partition.
pub(super) type Key = (Uuid, i32);

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Index {
    /// By broker: it is in the ISR, or it is eligible.
    members: BTreeMap<NodeId, BTreeSet<Key>>,
    /// By leader; [`NO_LEADER`]: nobody leads.
    led: BTreeMap<i32, BTreeSet<Key>>,
    /// Somebody else than the first replica leads, or nobody.
    imbalanced: BTreeSet<Key>,
    /// Names with a character that metrics do not tell apart, by what metrics make of them.
    alike: BTreeMap<String, BTreeSet<String>>,
}

impl Index {
    /// Of a controller that has just become active.
    pub(super) fn of(image: &MetadataImage) -> Self {
        let mut index = Self::default();
        for topic in image.topics() {
            index.add_topic(topic);
        }
        index
    }

    /// Partitions that have the broker in their ISR or among the eligible.
    pub(super) fn with_member(&self, broker: NodeId) -> impl Iterator<Item = Key> {
        self.members.get(&broker).into_iter().flatten().copied()
    }

    pub(super) fn leaderless(&self) -> impl Iterator<Item = Key> {
        self.led.get(&NO_LEADER).into_iter().flatten().copied()
    }

    pub(super) fn leads_any(&self, broker: NodeId) -> bool {
        self.led.contains_key(&broker.0)
    }

    pub(super) fn imbalanced(&self) -> impl Iterator<Item = Key> {
        self.imbalanced.iter().copied()
    }

    /// Another topic whose metrics would have the same name (Kafka: `Topic.hasCollisionChars`, `unifyCollisionChars`).
    pub(super) fn colliding(&self, name: &str) -> Option<&str> {
        self.alike.get(&unified(name)?)?.iter().map(String::as_str).find(|other| *other != name)
    }

    /// The image has changed; `image` is how it is now.
    pub(super) fn follow(&mut self, change: &Change, image: &MetadataImage) {
        match change {
            Change::TopicCreated(id) => self.add_topic(image.topic_by_id(*id).expect("it was just created")),
            Change::TopicDeleted(topic) => {
                for (&partition, registration) in &topic.partitions {
                    self.remove((topic.id, partition), registration);
                }
                if let Some(unified) = unified(&topic.name)
                    && let Some(names) = self.alike.get_mut(&unified)
                {
                    names.remove(&topic.name);
                    if names.is_empty() {
                        self.alike.remove(&unified);
                    }
                }
            }
            Change::Partition { topic_id, partition, before } => {
                let key = (*topic_id, *partition);
                if let Some(before) = before {
                    self.remove(key, before);
                }
                let now = image.partition_by_id(*topic_id, *partition).expect("it was just changed");
                self.add(key, now);
            }
            // Who was eligible is not told, and it is seldom cleared: all members of the topic are looked for anew.
            Change::ElrCleared(topics) => {
                for id in topics {
                    self.members.values_mut().for_each(|set| set.retain(|(topic_id, _)| topic_id != id));
                    let topic = image.topic_by_id(*id).expect("it was just changed");
                    topic.partitions.iter().for_each(|(&partition, now)| self.add((*id, partition), now));
                }
                self.members.retain(|_, set| !set.is_empty());
            }
            Change::Nothing
            | Change::Broker { .. }
            | Change::BrokerRemoved(_)
            | Change::Config { .. }
            | Change::Feature(_)
            | Change::ProducerIds
            | Change::Quota { .. } => {}
        }
    }

    fn add_topic(&mut self, topic: &TopicImage) {
        if let Some(unified) = unified(&topic.name) {
            self.alike.entry(unified).or_default().insert(topic.name.clone());
        }
        for (&partition, registration) in &topic.partitions {
            self.add((topic.id, partition), registration);
        }
    }

    fn add(&mut self, key: Key, partition: &PartitionRegistration) {
        for &member in partition.isr.iter().chain(&partition.elr) {
            self.members.entry(member).or_default().insert(key);
        }
        self.led.entry(partition.leader).or_default().insert(key);
        if !partition.has_preferred_leader() {
            self.imbalanced.insert(key);
        }
    }

    fn remove(&mut self, key: Key, partition: &PartitionRegistration) {
        for member in partition.isr.iter().chain(&partition.elr) {
            take(&mut self.members, member, key);
        }
        take(&mut self.led, &partition.leader, key);
        self.imbalanced.remove(&key);
    }
}

fn take<K: Ord>(sets: &mut BTreeMap<K, BTreeSet<Key>>, of: &K, key: Key) {
    if let Some(set) = sets.get_mut(of) {
        set.remove(&key);
        if set.is_empty() {
            sets.remove(of);
        }
    }
}

/// What metrics make of a name; `None` when they make nothing else of it.
fn unified(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}
