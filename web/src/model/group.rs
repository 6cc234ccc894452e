//! What is drawn of a consumer group: its members with what each reads, where a rebalance stands, and since when.

use std::collections::{BTreeMap, BTreeSet};

use lab_core::{
    id::{NodeId, TopicPartition},
    seam::Time,
    trace::{Event, EventKind},
    view::{ClientView, ClusterView, ConsumerView, GroupView, MemberView, ProcessState},
};

/// A group as its coordinator has it, with what its consumers say of themselves where they can be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub id: String,
    /// Kafka's word; `Unknown` while nobody coordinates it.
    pub state: String,
    pub generation: i32,
    pub lag: i64,
    /// What it waits for, and how long it has: empty while there is nothing to wait for.
    pub step: String,
    pub protocol: String,
    pub coordinator: Option<NodeId>,
    pub members: Vec<Member>,
    /// What it has shared out or committed and nobody reads now.
    pub unread: Vec<Share>,
    /// A consumer that could join. Of a real cluster's nobody knows.
    pub spare: Option<NodeId>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// `A`
    pub name: String,
    /// Whom to stop, kill or start. Somebody else's client is not ours to end.
    pub consumer: Option<NodeId>,
    pub process: ProcessState,
    /// It shares out for all.
    pub leads: bool,
    pub shares: Vec<Share>,
    /// What it does beside reading: `idle`, `joined, waits for the others`.
    pub words: String,
}

/// A partition that a group reads, and how far it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    pub partition: TopicPartition,
    /// -1: not known.
    pub position: i64,
    /// -1: none.
    pub committed: i64,
    pub high_watermark: i64,
    /// `not read for 1.2 s`; empty while somebody reads it.
    pub words: String,
}

impl Share {
    /// From the committed offset, as Kafka's own tools count it.
    pub fn lag(&self) -> i64 {
        (self.high_watermark - self.committed.max(0)).max(0)
    }
}

/// Every group of the view. `events` are those up to now: they tell since when something is as it is.
pub fn groups(view: &ClusterView, events: &[Event]) -> Vec<Group> {
    let coordinated = view.groups();
    let running = view.consumers.iter().filter(|c| c.process != ProcessState::Down);
    let mut ids: Vec<&str> = running.filter_map(|c| c.group_id.as_deref()).collect();
    ids.extend(coordinated.iter().map(|group| group.id.as_str()));
    ids.sort_by_key(|id| place(view, id));
    ids.dedup();
    let high_watermarks = view
        .headline()
        .into_iter()
        .map(|h| (TopicPartition::new(h.partition.topic, h.partition.partition), h.high_watermark))
        .collect();
    let of = |id| {
        let coordinator_has = coordinated.iter().find(|group| group.id == id);
        Reader { view, events, group: coordinator_has, high_watermarks: &high_watermarks }.group(id)
    };
    ids.into_iter().map(of).collect()
}

/// Groups stand in the order of their first consumers, so that none changes place when another begins.
fn place<'a>(view: &ClusterView, id: &'a str) -> (usize, &'a str) {
    let first = view.consumers.iter().position(|c| c.group_id.as_deref() == Some(id));
    (first.unwrap_or(usize::MAX), id)
}

/// The group that stands first, and its generation.
pub fn first(view: &ClusterView) -> Option<(String, i32)> {
    let groups = view.groups();
    let first = groups.iter().min_by_key(|group| place(view, &group.id))?;
    Some((first.id.clone(), first.generation))
}

/// The groups that a broker coordinates.
pub fn coordinated_by(view: &ClusterView, broker: NodeId) -> Vec<String> {
    view.groups().into_iter().filter(|group| group.coordinator == broker).map(|group| group.id).collect()
}

struct Reader<'a> {
    view: &'a ClusterView,
    events: &'a [Event],
    group: Option<&'a GroupView>,
    high_watermarks: &'a BTreeMap<TopicPartition, i64>,
}

impl Reader<'_> {
    fn group(&self, id: &str) -> Group {
        let mine = |c: &&ConsumerView| c.group_id.as_deref() == Some(id);
        let coordinator_has = self.group.map_or(&[][..], |group| &group.members);
        let mut members: Vec<Member> = coordinator_has.iter().map(|member| self.member(member)).collect();
        // Who runs and is not in the group yet is on its way into it.
        let known = |c: &&ConsumerView| members.iter().any(|member| member.consumer == Some(c.id));
        let coming = self.view.consumers.iter().filter(mine).filter(|c| c.process != ProcessState::Down && is_ours(c));
        let coming: Vec<Member> = coming.filter(|c| !known(c)).map(|c| self.coming(c)).collect();
        members.extend(coming);
        members.sort_by(|a, b| a.name.cmp(&b.name));
        // Two clients may have one name.
        for i in 1..members.len() {
            let same =
                members[..i].iter().filter(|m| m.name.split(' ').next() == Some(members[i].name.as_str())).count();
            if same > 0 {
                members[i].name = format!("{} {}", members[i].name, same + 1);
            }
        }
        let state = self.group.map_or("Unknown", |group| &group.state).to_owned();
        let idles = state == "Stable";
        for member in members.iter_mut().filter(|m| m.words.is_empty() && m.shares.is_empty()) {
            member.words = if idles { "idle: no partition is left for it" } else { "has nothing to read" }.into();
        }
        Group {
            step: self.step(id, &state),
            unread: self.unread(&members),
            spare: self.view.consumers.iter().filter(mine).find(|c| c.process == ProcessState::Down).map(|c| c.id),
            id: id.to_owned(),
            generation: self.group.map_or(-1, |group| group.generation),
            lag: self.group.map_or(0, |group| group.lag),
            protocol: self.group.map(|group| group.protocol.clone()).unwrap_or_default(),
            coordinator: self.group.map(|group| group.coordinator),
            state,
            members,
        }
    }

    fn consumer_of(&self, member: &MemberView) -> Option<&ConsumerView> {
        self.view.consumers.iter().find(|c| c.member_id.as_deref() == Some(member.id.as_str()))
    }

    fn name_of(&self, member: &MemberView) -> String {
        let client = || if member.client_id.is_empty() { "unnamed".to_owned() } else { member.client_id.clone() };
        self.consumer_of(member).map_or_else(client, |consumer| consumer.name.clone())
    }

    fn member(&self, member: &MemberView) -> Member {
        let consumer = self.consumer_of(member);
        let process = consumer.map_or(ProcessState::Alive, |c| c.process);
        let gone = process == ProcessState::Down || process == ProcessState::Paused;
        // What it says itself; of somebody else's client, and of one that is gone, what the coordinator gave it.
        let told = consumer.filter(|c| !gone && is_ours(c));
        let shares = told.map_or(&member.partitions, |c| &c.positions);
        let shares = shares.iter().map(|p| {
            let partition = TopicPartition::new(p.topic.clone(), p.partition);
            let words = if gone { self.unread_words(&partition) } else { String::new() };
            self.share(partition, p.position, words)
        });
        let session = || {
            let left = member.session_ends.map_or(0, |ends| ends.ms_since(self.view.at));
            format!("its session ends in {}", seconds(left))
        };
        let preparing = self.group.is_some_and(|group| group.state == "PreparingRebalance");
        let words = match process {
            ProcessState::Down => format!("down; {}", session()),
            ProcessState::Paused => format!("paused; {}", session()),
            ProcessState::Stopping => "leaving".into(),
            ProcessState::Alive if member.awaiting_join => "joined, waits for the others".into(),
            ProcessState::Alive if member.awaiting_sync => "waits for its share".into(),
            ProcessState::Alive if preparing => "has to join again".into(),
            ProcessState::Alive => String::new(),
        };
        Member {
            name: self.name_of(member),
            consumer: consumer.filter(|c| is_ours(c)).map(|c| c.id),
            process,
            leads: self.group.is_some_and(|group| group.leader.as_ref() == Some(&member.id)),
            shares: shares.collect(),
            words,
        }
    }

    /// A consumer that runs, and that the coordinator does not know yet, or any more.
    fn coming(&self, consumer: &ConsumerView) -> Member {
        let share = |p: &lab_core::view::PositionView| {
            self.share(TopicPartition::new(p.topic.clone(), p.partition), p.position, String::new())
        };
        let words = match consumer.process {
            ProcessState::Stopping => "leaving",
            ProcessState::Paused => "paused, and out of the group",
            _ => "asks to join",
        };
        Member {
            name: consumer.name.clone(),
            consumer: Some(consumer.id),
            process: consumer.process,
            leads: false,
            shares: consumer.positions.iter().map(share).collect(),
            words: words.into(),
        }
    }

    fn share(&self, partition: TopicPartition, position: i64, words: String) -> Share {
        let committed = self.group.and_then(|group| group.committed.iter().find(|(p, _)| *p == partition));
        Share {
            position,
            committed: committed.map_or(-1, |(_, offset)| *offset),
            high_watermark: self.high_watermarks.get(&partition).copied().unwrap_or(-1),
            partition,
            words,
        }
    }

    /// Partitions that were shared out or committed, and are nobody's now.
    fn unread(&self, members: &[Member]) -> Vec<Share> {
        let Some(group) = self.group else { return Vec::new() };
        let given = group.members.iter().flat_map(|m| &m.partitions);
        let mut all: BTreeSet<TopicPartition> =
            given.map(|p| TopicPartition::new(p.topic.clone(), p.partition)).collect();
        all.extend(group.committed.iter().map(|(partition, _)| partition.clone()));
        for share in members.iter().flat_map(|m| &m.shares) {
            all.remove(&share.partition);
        }
        let share = |partition: TopicPartition| {
            let words = self.unread_words(&partition);
            self.share(partition, -1, words)
        };
        all.into_iter().map(share).collect()
    }

    /// Since its reader gave it up, or went.
    fn unread_words(&self, partition: &TopicPartition) -> String {
        let ours = |group: &String, partitions: &[TopicPartition]| {
            self.group.is_none_or(|own| own.id == *group) && partitions.contains(partition)
        };
        let since = self.events.iter().enumerate().rev().find_map(|(i, event)| match &event.kind {
            EventKind::PartitionsRevoked { group, partitions, .. } if ours(group, partitions) => Some(Some(event.at)),
            // The last that was given it, and what befell that one.
            EventKind::PartitionsAssigned { group, partitions, .. } if ours(group, partitions) => {
                let befell = |e: &&Event| e.node == event.node && ends(&e.kind);
                Some(self.events[i..].iter().find(befell).map(|e| e.at))
            }
            _ => None,
        });
        match since.flatten() {
            Some(since) => format!("not read for {}", seconds(self.view.at.ms_since(since))),
            None => "not read".into(),
        }
    }

    /// Where a rebalance stands.
    fn step(&self, id: &str, state: &str) -> String {
        let begun = || self.began(id).map(|at| format!(", {}", seconds(self.view.at.ms_since(at)))).unwrap_or_default();
        let Some(group) = self.group else { return "no coordinator answers".into() };
        match state {
            "PreparingRebalance" => {
                let late = group.members.iter().filter(|m| !m.awaiting_join).map(|m| self.name_of(m));
                let late: Vec<String> = late.collect();
                match late.is_empty() {
                    // group.initial.rebalance.delay.ms: an empty group waits for more to come.
                    true => format!("waits for more to join{}", begun()),
                    false => format!("waits for {} to join{}", late.join(", "), begun()),
                }
            }
            "CompletingRebalance" => {
                let leader = group.members.iter().find(|m| Some(&m.id) == group.leader.as_ref());
                let leader = leader.map_or_else(|| "its leader".into(), |m| self.name_of(m));
                format!("{leader} shares out{}", begun())
            }
            "Empty" => "no members".into(),
            _ => String::new(),
        }
    }

    /// When the present step of the group began.
    fn began(&self, id: &str) -> Option<Time> {
        self.events.iter().rev().find_map(|event| match &event.kind {
            EventKind::RebalanceStarted { group, .. } | EventKind::GenerationBegan { group, .. } if group == id => {
                Some(event.at)
            }
            _ => None,
        })
    }
}

/// A consumer of the simulator, and not somebody's client of a real cluster.
fn is_ours(consumer: &ConsumerView) -> bool {
    consumer.id.0 < ClientView::FIRST_ID
}

fn ends(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Killed | EventKind::PowerLost | EventKind::Stopped | EventKind::Paused)
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}
