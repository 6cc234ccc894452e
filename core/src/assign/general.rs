//! The sticky assignors where members subscribe to different topics (`AbstractStickyAssignor.GeneralAssignmentBuilder`):
//! keep what is owned, give the rest to whoever has the least, then move partitions as long as that makes it more even.

use std::collections::{BTreeMap, BTreeSet};

use super::{Assignment, Member};
use crate::{hash::java_hash, id::TopicPartition};

pub(super) struct General<'a> {
    topics: &'a BTreeMap<String, i32>,
    /// Who may read each topic, and what each may read.
    takers: BTreeMap<&'a str, Vec<&'a str>>,
    wanted: BTreeMap<&'a str, Vec<&'a str>>,
    /// By consumer; those that cannot take part in moves are set aside meanwhile.
    current: BTreeMap<&'a str, Vec<TopicPartition>>,
    owner: BTreeMap<TopicPartition, &'a str>,
    /// Who had a partition before its present owner claimed it in a newer generation.
    previous: BTreeMap<TopicPartition, &'a str>,
    moves: Moves<'a>,
}

impl<'a> General<'a> {
    /// `members` in the order in which Java walks them; `owned` after contradicting claims are settled.
    pub(super) fn assign(
        topics: &'a BTreeMap<String, i32>,
        members: &[&'a Member],
        owned: &BTreeMap<String, Vec<TopicPartition>>,
    ) -> Assignment {
        let mut general = Self {
            topics,
            takers: topics.keys().map(|t| (t.as_str(), Vec::new())).collect(),
            wanted: BTreeMap::new(),
            current: BTreeMap::new(),
            owner: BTreeMap::new(),
            previous: previous(members),
            moves: Moves::default(),
        };
        let mut revoked = false;
        for member in members {
            let wanted: Vec<&str> =
                member.topics.iter().map(String::as_str).filter(|t| topics.contains_key(*t)).collect();
            for topic in &wanted {
                general.takers.get_mut(topic).expect("it was filtered").push(&member.id);
            }
            let mut kept = owned.get(&member.id).cloned().unwrap_or_default();
            let before = kept.len();
            kept.retain(|p| wanted.contains(&p.topic.as_str()));
            revoked |= kept.len() < before;
            general.owner.extend(kept.iter().map(|p| (p.clone(), member.id.as_str())));
            general.wanted.insert(&member.id, wanted);
            general.current.insert(&member.id, kept);
        }
        general.balance(!revoked);
        general.current.into_iter().map(|(id, partitions)| (id.to_owned(), partitions)).collect()
    }

    /// Topics that fewest may read come first.
    fn all_partitions(&self) -> Vec<TopicPartition> {
        let mut topics: Vec<(&str, usize)> = self.takers.iter().map(|(t, takers)| (*t, takers.len())).collect();
        topics.sort_by_key(|&(topic, takers)| (takers, topic));
        topics.iter().flat_map(|&(t, _)| (0..self.topics[t]).map(move |p| TopicPartition::new(t, p))).collect()
    }

    /// Those with the least come first.
    fn by_load(&self) -> Vec<&'a str> {
        let mut consumers: Vec<&str> = self.current.keys().copied().collect();
        consumers.sort_by_key(|c| (self.current[c].len(), *c));
        consumers
    }

    fn balance(&mut self, nothing_revoked: bool) {
        let mut all = self.all_partitions();
        let mut left: Vec<TopicPartition> = all.iter().filter(|p| !self.owner.contains_key(*p)).cloned().collect();
        let fresh = self.by_load().last().is_none_or(|c| self.current[c].is_empty());
        for partition in &left {
            let taker = self.by_load().into_iter().find(|c| self.wanted[c].contains(&partition.topic.as_str()));
            if let Some(taker) = taker {
                self.current.get_mut(taker).expect("it is listed").push(partition.clone());
                self.owner.insert(partition.clone(), taker);
            }
        }
        let movable = |p: &TopicPartition| self.takers[p.topic.as_str()].len() >= 2;
        all.retain(&movable);
        left.retain(&movable);
        let fixed: Vec<&str> = self.current.keys().copied().filter(|c| !self.takes_part(c)).collect();
        let fixed: Vec<(&str, Vec<TopicPartition>)> =
            fixed.into_iter().filter_map(|c| self.current.remove_entry(c)).collect();
        let before = self.current.clone();
        if nothing_revoked {
            self.reassign_all(&left);
        }
        let moved = self.reassign_all(&all);
        if !fresh && moved && score(&self.current) >= score(&before) {
            self.current = before;
        }
        self.current.extend(fixed);
    }

    fn most(&self, consumer: &str) -> usize {
        self.wanted[consumer].iter().map(|t| usize::try_from(self.topics[*t]).unwrap_or(0)).sum()
    }

    fn takes_part(&self, consumer: &str) -> bool {
        let has = &self.current[consumer];
        has.len() < self.most(consumer) || has.iter().any(|p| self.takers[p.topic.as_str()].len() >= 2)
    }

    fn is_balanced(&self) -> bool {
        let order = self.by_load();
        let (Some(first), Some(last)) = (order.first(), order.last()) else { return true };
        if self.current[first].len() + 1 >= self.current[last].len() {
            return true;
        }
        let mut owners: BTreeMap<&TopicPartition, &str> = BTreeMap::new();
        for (consumer, partitions) in &self.current {
            owners.extend(partitions.iter().map(|p| (p, *consumer)));
        }
        // Could somebody take a partition from a member that has at least two more?
        order.iter().all(|consumer| {
            let has = &self.current[consumer];
            has.len() == self.most(consumer)
                || self.wanted[consumer].iter().all(|topic| {
                    (0..self.topics[*topic]).map(|p| TopicPartition::new(*topic, p)).all(|p| {
                        let other = owners.get(&p).filter(|_| !has.contains(&p));
                        other.is_none_or(|other| has.len() + 1 >= self.current[other].len())
                    })
                })
        })
    }

    fn reassign_all(&mut self, partitions: &[TopicPartition]) -> bool {
        let mut moved = false;
        loop {
            let mut moved_now = false;
            for partition in partitions {
                if self.is_balanced() {
                    break;
                }
                let Some(&owner) = self.owner.get(partition) else { continue };
                let has = |c: &str| self.current.get(c).map(Vec::len);
                let Some(count) = has(owner) else { continue };
                let fewer = |c: &str| has(c).is_some_and(|n| count > n + 1);
                let previous = self.previous.get(partition).copied().filter(|c| fewer(c));
                let to = previous.or_else(|| {
                    let anybody = self.takers[partition.topic.as_str()].iter().any(|c| fewer(c));
                    let may = |c: &&str| self.wanted[*c].contains(&partition.topic.as_str());
                    self.by_load().into_iter().find(may).filter(|_| anybody)
                });
                if let Some(to) = to {
                    self.reassign(partition, to);
                    moved_now = true;
                }
            }
            moved |= moved_now;
            if !moved_now {
                return moved;
            }
        }
    }

    /// Moves that partition, or another of the topic by which an earlier move is taken back.
    fn reassign(&mut self, partition: &TopicPartition, to: &'a str) {
        let from = self.owner[partition];
        let partition = self.moves.instead_of(partition, from, to);
        let from = self.owner[&partition];
        self.moves.add(&partition, from, to);
        if let Some(owned) = self.current.get_mut(from) {
            owned.retain(|p| *p != partition);
        }
        self.current.entry(to).or_default().push(partition.clone());
        self.owner.insert(partition, to);
    }
}

/// How uneven it is: the differences between all pairs.
fn score(current: &BTreeMap<&str, Vec<TopicPartition>>) -> usize {
    let sizes: Vec<usize> = current.values().map(Vec::len).collect();
    let pairs = sizes.iter().enumerate().flat_map(|(i, a)| sizes[i + 1..].iter().map(move |b| a.abs_diff(*b)));
    pairs.sum()
}

/// Claims of generations before the newest (`prepopulateCurrentAssignments`).
fn previous<'a>(members: &[&'a Member]) -> BTreeMap<TopicPartition, &'a str> {
    let newest = members.iter().filter_map(|m| m.generation).max().unwrap_or(-1);
    let mut previous: BTreeMap<TopicPartition, (&str, i32)> = BTreeMap::new();
    for member in members {
        let generation = member.generation.unwrap_or(-1);
        if generation >= newest {
            continue;
        }
        for partition in &member.owned {
            let known = previous.get(partition).map(|&(_, known)| known);
            if known.is_none_or(|known| generation > known) {
                previous.insert(partition.clone(), (&member.id, generation));
            }
        }
    }
    previous.into_iter().map(|(p, (id, _))| (p, id)).collect()
}

/// What was moved from whom to whom, so that two partitions of a topic do not change places for nothing
/// (`PartitionMovements`).
#[derive(Default)]
struct Moves<'a> {
    of: BTreeMap<TopicPartition, (&'a str, &'a str)>,
}

impl<'a> Moves<'a> {
    fn add(&mut self, partition: &TopicPartition, from: &'a str, to: &'a str) {
        match self.of.remove(partition) {
            // Back to where it came from: as if it had never moved.
            Some((first, _)) if first == to => {}
            Some((first, _)) => {
                self.of.insert(partition.clone(), (first, to));
            }
            None => {
                self.of.insert(partition.clone(), (from, to));
            }
        }
    }

    fn instead_of(&self, partition: &TopicPartition, from: &'a str, to: &'a str) -> TopicPartition {
        let from = self.of.get(partition).map_or(from, |&(first, _)| first);
        let back = |(p, pair): &(&TopicPartition, &(&str, &str))| p.topic == partition.topic && **pair == (to, from);
        let candidates: BTreeSet<(u32, &TopicPartition)> =
            self.of.iter().filter(back).map(|(p, _)| (bucket(p), p)).collect();
        candidates.first().map_or_else(|| partition.clone(), |(_, p)| (*p).clone())
    }
}

/// Java takes the first of a `HashSet`, which is the one in the lowest bucket.
fn bucket(partition: &TopicPartition) -> u32 {
    let hash = 31_i32.wrapping_mul(31_i32.wrapping_add(partition.partition)).wrapping_add(java_hash(&partition.topic));
    let hash = hash as u32;
    (hash ^ (hash >> 16)) & 15
}
