//! The world: nodes, links, disks and time. One queue of things to come, in a total order of time and number.
//!
//! Here is what a world is made of and what can be asked of it. `queue` moves it, `processes` and `connections` are what
//! moves, `traffic` is what its clients are told to do, `outputs` what machines ask for, `promises` what is checked on
//! the way, and `fold` the hash of it all.

mod queue;

mod processes;

mod connections;
mod outputs;
mod outside;

mod traffic;

mod promises;

mod fold;

#[cfg(test)]
mod tests;

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use bytes::Bytes;

use self::queue::{Entry, What};
pub use outside::Answer;

use super::{
    History, Scenario, Session,
    check::Checks,
    facts::TopicNames,
    network::{Network, NodeIndex},
    node::Node,
    process::{ADMIN, Role},
};
use crate::{
    hash::{Fold, child_seed},
    id::{Command, EventId, NodeId},
    seam::{Input, Now, Output, Time},
    trace::{Event, EventKind, FrameFacts},
    view::Action,
};

/// Unix milliseconds at the beginning of every world: 2026-01-01 00:00 UTC.
const EPOCH_WALL_MS: i64 = 1_767_225_600_000;
const KEPT_EVENTS: usize = 50_000;
const KEPT_FRAMES: usize = 20_000;

/// One simulated cluster. `Clone` forks it; what is old is shared.
#[derive(Clone)]
pub struct World {
    pub(in crate::sim) scenario: Arc<Scenario>,
    pub(in crate::sim) seed: u64,
    pub(in crate::sim) now: Time,
    queue: BinaryHeap<Reverse<Entry>>,
    next_entry: u64,
    /// Sorted by id.
    pub(in crate::sim) nodes: Vec<Node>,
    pub(in crate::sim) net: Network,
    /// Jitter, drawn once for each frame.
    rng: fastrand::Rng,
    pub(in crate::sim) fault_rng: fastrand::Rng,
    traffic_rng: fastrand::Rng,
    traffic_count: u64,
    pub(in crate::sim) events: History<Event>,
    frames: History<(EventId, Bytes)>,
    pub(in crate::sim) tracing: bool,
    hash: Fold,
    /// Whether processes that start are recorded.
    recording: bool,
    /// Of processes that ended.
    recordings: Vec<Bytes>,
    pub(in crate::sim) actions: Vec<(Time, Action)>,
    pub(in crate::sim) violations: Vec<String>,
    frames_delivered: u64,
    /// Requests from outside so far, and the one that waits.
    asked: u64,
    outside: Option<outside::Outside>,
    pub(in crate::sim) topic_names: TopicNames,
    /// `None`: nobody checks.
    pub(in crate::sim) checks: Option<Box<Checks>>,
    records_lost: u64,
    /// Reused between steps.
    outputs: Vec<Output>,
}

impl World {
    /// A cluster at the moment its processes start, on formatted disks.
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        Self::begin(scenario, seed, false)
    }

    /// As [`Self::new`], and every process is recorded from its start to its end: see [`Self::recordings`].
    pub fn recorded(scenario: Scenario, seed: u64) -> Self {
        Self::begin(scenario, seed, true)
    }

    fn begin(scenario: Scenario, seed: u64, recording: bool) -> Self {
        let mut nodes = Vec::new();
        let mut add = |id, role| nodes.push((id, role));
        scenario.controllers.iter().for_each(|&id| add(id, Role::Controller));
        scenario.brokers.iter().for_each(|&id| add(id, Role::Broker));
        scenario.producers.iter().enumerate().for_each(|(i, c)| add(c.id, Role::Producer(i)));
        scenario.consumers.iter().enumerate().for_each(|(i, c)| add(c.id, Role::Consumer(i)));
        add(ADMIN, Role::Admin);
        Self::build(scenario, seed, nodes, recording)
    }

    #[cfg(test)]
    pub(in crate::sim) fn with_nodes(scenario: Scenario, seed: u64, roles: Vec<(NodeId, Role)>) -> Self {
        Self::build(scenario, seed, roles, false)
    }

    fn build(scenario: Scenario, seed: u64, mut roles: Vec<(NodeId, Role)>, recording: bool) -> Self {
        roles.sort_by_key(|&(id, _)| id);
        let rng = |what| fastrand::Rng::with_seed(child_seed(seed, what));
        let mut world = Self {
            seed,
            now: Time::ZERO,
            queue: BinaryHeap::new(),
            next_entry: 0,
            net: Network::new(roles.len()),
            nodes: roles.into_iter().map(|(id, role)| Node::new(id, role, true)).collect(),
            rng: rng(u64::MAX),
            fault_rng: rng(u64::MAX - 1),
            traffic_rng: rng(u64::MAX - 2),
            traffic_count: 0,
            events: History::new(KEPT_EVENTS),
            frames: History::new(KEPT_FRAMES),
            tracing: true,
            hash: Fold::default(),
            recording,
            recordings: Vec::new(),
            actions: Vec::new(),
            violations: Vec::new(),
            frames_delivered: 0,
            asked: 0,
            outside: None,
            topic_names: TopicNames::new(),
            checks: Some(Box::default()),
            records_lost: 0,
            outputs: Vec::new(),
            scenario: Arc::new(scenario),
        };
        for node in 0..world.nodes.len() {
            if world.scenario.spare.contains(&world.nodes[node].id) {
                continue;
            }
            world.start_process(node).expect("a new node starts");
        }
        let scenario = world.scenario.clone();
        for topic in &scenario.topics {
            let create = Command::CreateTopic {
                topic: topic.name.clone(),
                partitions: topic.partitions,
                replication_factor: topic.replication_factor,
                configs: topic.configs.clone(),
            };
            let admin = world.index(ADMIN).expect("a scenario with topics has an admin");
            world.dispatch(admin, Input::Command(create), None);
        }
        scenario.traffic.iter().enumerate().for_each(|(i, t)| world.plan(t.from, What::Traffic(i)));
        scenario.loads.iter().enumerate().for_each(|(i, l)| world.plan(l.from, What::Load(i)));
        world
    }

    /// A world at the session's cursor, its actions done up to there.
    pub fn from_session(session: &Session) -> Result<Self, String> {
        let mut world = Self::new(Scenario::parse(&session.scenario)?, session.seed);
        for (at, action) in session.actions.iter().filter(|(at, _)| *at <= session.cursor) {
            world.run_until(*at);
            // An action that could not be done then cannot be done now: the same sentence came back.
            let _ = world.act(action);
        }
        world.run_until(session.cursor);
        Ok(world)
    }

    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn now(&self) -> Time {
        self.now
    }

    /// Actions done so far and when.
    pub fn actions(&self) -> &[(Time, Action)] {
        &self.actions
    }

    /// The newest 50,000 events, numbered from the beginning of the world.
    pub fn events(&self) -> &History<Event> {
        &self.events
    }

    /// Events from number `index` on.
    pub fn events_since(&self, index: usize) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.since(index)
    }

    pub fn event(&self, id: EventId) -> Option<&Event> {
        self.events.iter().rev().find(|event| event.id == id)
    }

    /// Facts and bytes of a recently sent frame, by its `Sent` event.
    pub fn frame(&self, event: EventId) -> Option<(FrameFacts, Bytes)> {
        let (_, bytes) = self.frames.iter().rev().find(|(id, _)| *id == event)?;
        match &self.event(event)?.kind {
            EventKind::Sent(facts) => Some(((**facts).clone(), bytes.clone())),
            _ => None,
        }
    }

    /// Folds everything that machines were told and asked for since the beginning. Traces are left out.
    pub fn hash(&self) -> u64 {
        self.hash.finish()
    }

    /// Whether events are recorded. Off, a run is several times faster; its hash is the same.
    pub fn set_tracing(&mut self, tracing: bool) {
        self.tracing = tracing;
        self.nodes.iter_mut().for_each(|node| node.out.set_tracing(tracing));
    }

    /// The recordings of a world that was made by [`Self::recorded`], one for each life of each process: first those
    /// that ended, in that order, then those that still run, which end where the world is now.
    pub fn recordings(&self) -> Vec<Bytes> {
        let running = self.nodes.iter().filter_map(|node| node.recorder.as_ref());
        let running = running.map(|recorder| Bytes::copy_from_slice(recorder.sink()));
        self.recordings.iter().cloned().chain(running).collect()
    }

    /// Promises that the checkers found broken. Empty, or there is a bug.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Frames delivered so far.
    pub fn frames_delivered(&self) -> u64 {
        self.frames_delivered
    }

    pub(in crate::sim) fn index(&self, id: NodeId) -> Option<NodeIndex> {
        self.nodes.binary_search_by_key(&id, |node| node.id).ok()
    }

    pub(in crate::sim) fn clock(&self) -> Now {
        Now { mono: self.now, wall_ms: EPOCH_WALL_MS + self.now.as_ms() as i64 }
    }

    /// Records an event in the name of `node`. The id advances whether or not somebody watches.
    pub(in crate::sim) fn record_event(
        &mut self,
        node: NodeIndex,
        cause: Option<EventId>,
        kind: impl FnOnce() -> EventKind,
    ) -> EventId {
        let id = self.nodes[node].next_world_event();
        if self.tracing {
            self.events.push(Event { id, at: self.now, node: self.nodes[node].id, cause, kind: kind() });
        }
        id
    }
}
