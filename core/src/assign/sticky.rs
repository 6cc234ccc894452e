//! Sticky and cooperative-sticky: everybody keeps what they have as far as that is fair, and only the rest is dealt out
//! (`AbstractStickyAssignor`, KIP-54, KIP-429).
//!
//! Where all members subscribe to the same topics quotas do it; where they do not, see `general`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Assignment, Member, general::General, nothing_yet};
use crate::{hash::java_hash, id::TopicPartition};

/// A member that owns nothing of any generation.
const NO_GENERATION: i32 = -1;

struct Computed {
    assignment: Assignment,
    /// What changes hands: its old owner may still read it.
    moving: BTreeMap<TopicPartition, String>,
}

/// Gives what changes hands to nobody yet: its owner revokes it first, and the next rebalance assigns it.
pub(super) fn assign_cooperatively(topics: &BTreeMap<String, i32>, members: &[Member]) -> Assignment {
    let Computed { mut assignment, moving } = compute(topics, members, false);
    for (partition, to) in moving {
        if let Some(given) = assignment.get_mut(&to) {
            given.retain(|p| *p != partition);
        }
    }
    assignment
}

pub(super) fn assign(topics: &BTreeMap<String, i32>, members: &[Member]) -> Assignment {
    compute(topics, members, true).assignment
}

fn compute(topics: &BTreeMap<String, i32>, members: &[Member], eager: bool) -> Computed {
    // Kafka counts the topics that anybody subscribes to.
    let wanted = |topic: &String| members.iter().any(|m| m.topics.contains(topic));
    let topics: BTreeMap<String, i32> =
        topics.iter().filter(|(t, _)| wanted(t)).map(|(t, &n)| (t.clone(), n)).collect();
    let claims = Claims::of(&topics, members, eager);
    let sets: Vec<BTreeSet<&String>> = members.iter().map(|m| m.topics.iter().collect()).collect();
    if sets.windows(2).all(|pair| pair[0] == pair[1]) {
        Constrained::new(&topics, members, &claims).build(&topics, &claims)
    } else {
        unequal(&topics, members, &claims)
    }
}

/// Who owns what, after claims that contradict each other are settled (`allSubscriptionsEqual`).
#[derive(Default)]
struct Claims {
    owned: BTreeMap<String, Vec<TopicPartition>>,
    /// Two members of one generation claim it: neither can be right.
    disputed: BTreeSet<TopicPartition>,
}

impl Claims {
    /// Java looks for the generation of the earlier claim where an eager member has none, so that the later claim wins.
    fn of(topics: &BTreeMap<String, i32>, members: &[Member], eager: bool) -> Self {
        let mut claims = Self::default();
        let mut owners: BTreeMap<TopicPartition, (String, i32)> = BTreeMap::new();
        for member in in_java_order(members) {
            let generation = member.generation.unwrap_or(NO_GENERATION);
            claims.owned.insert(member.id.clone(), Vec::new());
            for partition in member.owned.iter().filter(|p| topics.contains_key(&p.topic)) {
                let claim = (member.id.clone(), generation);
                let known = owners.get(partition).cloned();
                match known.map(|(id, of)| (id, if eager { NO_GENERATION } else { of })) {
                    None => {}
                    Some((_, other)) if generation < other => continue,
                    Some((before, other)) => {
                        claims.take(&before, partition);
                        if generation == other {
                            claims.disputed.insert(partition.clone());
                            owners.insert(partition.clone(), claim);
                            continue;
                        }
                    }
                }
                owners.insert(partition.clone(), claim);
                claims.owned.get_mut(&member.id).expect("it was just inserted").push(partition.clone());
            }
        }
        claims
    }

    fn take(&mut self, member: &str, partition: &TopicPartition) {
        if let Some(owned) = self.owned.get_mut(member) {
            owned.retain(|p| p != partition);
        }
    }
}

/// All subscribe to the same: everybody gets the quota, some one more (`ConstrainedAssignmentBuilder`).
struct Constrained {
    min_quota: usize,
    max_quota: usize,
    /// So many members get more than the smaller quota, and so many do already.
    over_min_expected: usize,
    over_min: usize,
    assignment: Assignment,
    /// Taken from a member that had more than its quota.
    revoked: BTreeMap<TopicPartition, String>,
    under_min: Vec<String>,
    exactly_min: VecDeque<String>,
    moving: BTreeMap<TopicPartition, String>,
}

impl Constrained {
    fn new(topics: &BTreeMap<String, i32>, members: &[Member], claims: &Claims) -> Self {
        let total = topics.values().map(|&n| usize::try_from(n).unwrap_or(0)).sum::<usize>();
        let consumers = members.len().max(1);
        let mut builder = Self {
            min_quota: total / consumers,
            max_quota: total.div_ceil(consumers),
            over_min_expected: total % consumers,
            over_min: 0,
            assignment: nothing_yet(members),
            revoked: BTreeMap::new(),
            under_min: Vec::new(),
            exactly_min: VecDeque::new(),
            moving: BTreeMap::new(),
        };
        for member in in_java_order(members) {
            builder.keep_owned(&member.id, claims);
        }
        builder
    }

    fn keep_owned(&mut self, member: &str, claims: &Claims) {
        let mut owned = claims.owned[member].clone();
        owned.retain(|p| !claims.disputed.contains(p));
        owned.sort_by_key(|p| (p.partition, p.topic.clone()));
        let keep = if owned.len() < self.min_quota {
            self.under_min.push(member.to_owned());
            owned.len()
        } else if owned.len() >= self.max_quota && self.over_min < self.over_min_expected {
            self.over_min += 1;
            if self.over_min == self.over_min_expected {
                self.exactly_min.clear();
            }
            self.max_quota
        } else {
            if self.over_min < self.over_min_expected {
                self.exactly_min.push_back(member.to_owned());
            }
            self.min_quota
        };
        for partition in owned.split_off(keep) {
            self.revoked.insert(partition, member.to_owned());
        }
        self.assignment.insert(member.to_owned(), owned);
    }

    fn build(mut self, topics: &BTreeMap<String, i32>, claims: &Claims) -> Computed {
        let kept: BTreeSet<TopicPartition> = self.assignment.values().flatten().cloned().collect();
        let all = topics.iter().flat_map(|(t, &n)| (0..n).map(|p| TopicPartition::new(t.as_str(), p)));
        let left: Vec<TopicPartition> = all.filter(|p| !kept.contains(p)).collect();
        self.under_min.sort();
        self.exactly_min.make_contiguous().sort();
        let mut at = 0;
        for partition in left {
            let from_under = !self.under_min.is_empty();
            let member = if from_under {
                if at >= self.under_min.len() {
                    at = 0;
                }
                self.under_min[at].clone()
            } else {
                self.exactly_min.pop_front().expect("as many places are left as partitions")
            };
            let given = self.assignment.get_mut(&member).expect("every member is in it");
            given.push(partition.clone());
            let count = given.len();
            let taken = self.revoked.get(&partition).is_some_and(|from| *from != member);
            if taken || claims.disputed.contains(&partition) {
                self.moving.insert(partition, member.clone());
            }
            if !from_under {
                continue;
            }
            if count == self.min_quota {
                self.under_min.remove(at);
                self.exactly_min.push_back(member);
            } else {
                at += 1;
            }
        }
        Computed { assignment: self.assignment, moving: self.moving }
    }
}

fn unequal(topics: &BTreeMap<String, i32>, members: &[Member], claims: &Claims) -> Computed {
    let assignment = General::assign(topics, &in_java_order(members), &claims.owned);
    // `computePartitionsTransferringOwnership`: added to one and taken from another.
    let revoked = members.iter().flat_map(|m| m.owned.iter().filter(|p| !assignment[&m.id].contains(p)));
    let revoked: BTreeSet<&TopicPartition> = revoked.collect();
    let mut moving = BTreeMap::new();
    for member in members {
        for partition in assignment[&member.id].iter().filter(|p| !member.owned.contains(p) && revoked.contains(p)) {
            moving.insert(partition.clone(), member.id.clone());
        }
    }
    Computed { assignment, moving }
}

/// Java walks its members as a `HashMap` does: by the bucket of the id's hash, and who keeps one more depends on it.
fn in_java_order(members: &[Member]) -> Vec<&Member> {
    let mut buckets = 16_usize;
    while members.len() * 4 > buckets * 3 {
        buckets *= 2;
    }
    let bucket = |id: &str| {
        let hash = java_hash(id) as u32;
        (hash ^ (hash >> 16)) as usize & (buckets - 1)
    };
    let mut sorted: Vec<&Member> = members.iter().collect();
    sorted.sort_by_key(|m| bucket(&m.id));
    sorted
}
