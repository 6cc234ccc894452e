//! The world: nodes, links, disks and time. One queue of things to come, in a total order of time and number.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::{
    History, Scenario, Session,
    check::{Checks, Findings},
    facts::{self, Sent, TopicNames},
    hash::{Fold, child_seed},
    network::{ConnKey, InFlight, Item, Network, NodeIndex, SYN_RETRY_MS, TCP_TIMEOUT_MS},
    node::Node,
    process::{ADMIN, Process, Role},
};
use crate::{
    disk::{Disk, SyncTarget},
    id::{Command, ConnId, EventId, NodeId, Token},
    job::JobResult,
    seam::{Ctx, Input, Listener, Now, Output, Part, Time},
    trace::{Event, EventKind, FrameFacts},
    view::{Action, ProcessState},
};

/// Unix milliseconds at the beginning of every world: 2026-01-01 00:00 UTC.
const EPOCH_WALL_MS: i64 = 1_767_225_600_000;
const KEPT_EVENTS: usize = 50_000;
const KEPT_FRAMES: usize = 20_000;
/// One gigabit a second.
const BYTES_PER_US: u64 = 125;

/// One simulated cluster. `Clone` forks it; what is old is shared.
#[derive(Clone)]
pub struct World {
    pub(super) scenario: Arc<Scenario>,
    pub(super) seed: u64,
    pub(super) now: Time,
    queue: BinaryHeap<Reverse<Entry>>,
    next_entry: u64,
    /// Sorted by id.
    pub(super) nodes: Vec<Node>,
    pub(super) net: Network,
    /// Jitter, drawn once for each frame.
    rng: fastrand::Rng,
    pub(super) fault_rng: fastrand::Rng,
    traffic_rng: fastrand::Rng,
    traffic_count: u64,
    pub(super) events: History<Event>,
    frames: History<(EventId, Bytes)>,
    pub(super) tracing: bool,
    hash: Fold,
    recorded: Option<Vec<(Now, NodeId, Input)>>,
    pub(super) actions: Vec<(Time, Action)>,
    pub(super) violations: Vec<String>,
    frames_delivered: u64,
    pub(super) topic_names: TopicNames,
    /// `None`: nobody checks.
    checks: Option<Box<Checks>>,
    /// Reused between steps.
    outputs: Vec<Output>,
}

/// Something that will happen.
#[derive(Clone, Debug)]
struct Entry {
    at: Time,
    /// Breaks ties: what was planned first happens first.
    number: u64,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Wake {
        node: NodeIndex,
        incarnation: u32,
    },
    /// The front of a flow reaches the other end.
    Arrive {
        conn: ConnKey,
        side: usize,
    },
    Connect {
        conn: ConnKey,
    },
    Synced {
        node: NodeIndex,
        incarnation: u32,
        token: Token,
        target: SyncTarget,
    },
    JobDone {
        node: NodeIndex,
        incarnation: u32,
        token: Token,
        result: Box<JobResult>,
    },
    HeldTooLong {
        conn: ConnKey,
        side: usize,
        since: Time,
    },
    Traffic(usize),
    Load(usize),
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl World {
    /// A cluster at the moment its processes start, on formatted disks.
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        let mut nodes = Vec::new();
        let mut add = |id, role| nodes.push((id, role));
        scenario.controllers.iter().for_each(|&id| add(id, Role::Controller));
        scenario.brokers.iter().for_each(|&id| add(id, Role::Broker));
        scenario.producers.iter().enumerate().for_each(|(i, c)| add(c.id, Role::Producer(i)));
        scenario.consumers.iter().enumerate().for_each(|(i, c)| add(c.id, Role::Consumer(i)));
        add(ADMIN, Role::Admin);
        Self::with_nodes(scenario, seed, nodes)
    }

    pub(super) fn with_nodes(scenario: Scenario, seed: u64, mut roles: Vec<(NodeId, Role)>) -> Self {
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
            recorded: None,
            actions: Vec::new(),
            violations: Vec::new(),
            frames_delivered: 0,
            topic_names: TopicNames::new(),
            checks: Some(Box::default()),
            outputs: Vec::new(),
            scenario: Arc::new(scenario),
        };
        for node in 0..world.nodes.len() {
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

    /// Handles the next thing that happens. False: nothing ever will.
    pub fn step(&mut self) -> bool {
        let Some(Reverse(Entry { at, what, .. })) = self.queue.pop() else { return false };
        debug_assert!(at >= self.now, "nothing happens in the past");
        self.now = self.now.max(at);
        match what {
            What::Wake { node, incarnation } => self.wake(node, incarnation),
            What::Arrive { conn, side } => self.arrive(conn, side),
            What::Connect { conn } => self.connect_arrives(conn),
            What::Synced { node, incarnation, token, target } => {
                if self.nodes[node].incarnation == incarnation && self.nodes[node].process.is_some() {
                    let result = self.nodes[node].disk.sync(&target);
                    self.answer(node, Input::Synced { token, result });
                }
            }
            What::JobDone { node, incarnation, token, result } => {
                if self.nodes[node].incarnation == incarnation && self.nodes[node].process.is_some() {
                    self.answer(node, Input::JobDone { token, result: *result });
                }
            }
            What::HeldTooLong { conn, side, since } => {
                let held = self.net.conns.get(&conn).is_some_and(|c| c.flows[side].held_since == Some(since));
                if held {
                    self.break_conn(conn, None);
                }
            }
            What::Traffic(i) => self.traffic(i),
            What::Load(i) => {
                let load = &self.scenario.loads[i];
                let command = Command::Load {
                    topic: load.topic.clone(),
                    records_per_second: load.records_per_second,
                    size_bytes: load.size_bytes,
                    keys: load.keys,
                };
                if let Some(node) = self.index(load.producer) {
                    self.answer(node, Input::Command(command));
                }
            }
        }
        true
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<Time> {
        self.queue.peek().map(|Reverse(entry)| entry.at)
    }

    /// Everything up to and including `to` happens.
    pub fn run_until(&mut self, to: Time) {
        while self.next_at().is_some_and(|at| at <= to) {
            self.step();
        }
        self.now = self.now.max(to);
    }

    pub fn run_for(&mut self, ms: u64) {
        self.run_until(self.now.plus_ms(ms));
    }

    /// Runs until an event for which `wanted` holds, and all else of that instant, or until `limit`.
    pub fn run_until_event(&mut self, mut wanted: impl FnMut(&Event) -> bool, limit: Time) -> Option<Event> {
        let mut seen = self.events.len();
        while self.next_at().is_some_and(|at| at <= limit) {
            self.step();
            let found = self.events.since(seen).find(|event| wanted(event)).cloned();
            if found.is_some() {
                self.run_until(self.now);
                return found;
            }
            seen = self.events.len();
        }
        self.now = self.now.max(limit);
        None
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

    /// From now on keeps every input, for [`Self::recorded`].
    pub fn record(&mut self) {
        self.recorded.get_or_insert_default();
    }

    pub fn recorded(&self) -> &[(Now, NodeId, Input)] {
        self.recorded.as_deref().unwrap_or_default()
    }

    /// Promises that the checkers found broken. Empty, or there is a bug.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Frames delivered so far.
    pub fn frames_delivered(&self) -> u64 {
        self.frames_delivered
    }

    pub(super) fn index(&self, id: NodeId) -> Option<NodeIndex> {
        self.nodes.binary_search_by_key(&id, |node| node.id).ok()
    }

    pub(super) fn clock(&self) -> Now {
        Now { mono: self.now, wall_ms: EPOCH_WALL_MS + self.now.as_ms() as i64 }
    }

    fn plan(&mut self, at: Time, what: What) {
        self.next_entry += 1;
        self.queue.push(Reverse(Entry { at, number: self.next_entry, what }));
    }

    /// Records an event in the name of `node`. The id advances whether or not somebody watches.
    pub(super) fn record_event(
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

    // Processes.

    pub(super) fn start_process(&mut self, ix: NodeIndex) -> Result<(), String> {
        let now = self.clock();
        let node = &mut self.nodes[ix];
        node.incarnation += 1;
        node.wake_at = None;
        node.parked.clear();
        node.out.drain();
        node.out.begin(node.ended_by);
        let mut ctx = Ctx { now, disk: &mut node.disk, out: &mut node.out };
        let started = Process::start(&self.scenario, self.seed, node.id, node.role, node.incarnation, &mut ctx);
        node.process = Some(started?);
        node.state = ProcessState::Alive;
        if node.incarnation == 1 {
            // It was just formatted, and formatting ends when all of it is safe.
            let paths: Vec<String> = node.disk.files().map(|(path, _)| path.to_string()).collect();
            for path in paths {
                node.disk.sync(&SyncTarget::Path(path)).map_err(|error| error.to_string())?;
            }
        }
        self.perform_outputs(ix);
        Ok(())
    }

    /// Gives one input to a process that runs, and does what it asks for.
    pub(super) fn dispatch(&mut self, ix: NodeIndex, input: Input, cause: Option<EventId>) {
        let now = self.clock();
        self.fold_input(ix, &input);
        if let Some(recorded) = &mut self.recorded {
            recorded.push((now, self.nodes[ix].id, input.clone()));
        }
        let node = &mut self.nodes[ix];
        let Some(process) = &mut node.process else { return };
        node.out.begin(cause);
        process.handle(&mut Ctx { now, disk: &mut node.disk, out: &mut node.out }, input);
        self.perform_outputs(ix);
    }

    /// As [`Self::dispatch`], for inputs that a paused process finds when it wakes up.
    pub(super) fn answer(&mut self, ix: NodeIndex, input: Input) {
        let node = &mut self.nodes[ix];
        if node.state == ProcessState::Paused {
            node.parked.push_back(input);
        } else if node.process.is_some() {
            self.dispatch(ix, input, None);
        }
    }

    fn wake(&mut self, ix: NodeIndex, incarnation: u32) {
        let node = &mut self.nodes[ix];
        if node.incarnation != incarnation || node.wake_at != Some(self.now) {
            return;
        }
        node.wake_at = None;
        let Some(deadline) = node.process.as_ref().filter(|_| node.runs()).and_then(Process::deadline) else { return };
        if deadline > self.now {
            self.arm(ix);
            return;
        }
        self.dispatch(ix, Input::Wake, None);
    }

    /// Plans the wake that the process wants, unless an earlier one is planned.
    fn arm(&mut self, ix: NodeIndex) {
        let now = self.now;
        let node = &mut self.nodes[ix];
        let Some(deadline) = node.process.as_ref().and_then(Process::deadline) else { return };
        if deadline <= now {
            node.idle_wakes += 1;
            let ms = now.as_ms();
            assert!(node.idle_wakes < 10_000, "node {} wants to be woken in the past for ever at {ms} ms", node.id);
        } else {
            node.idle_wakes = 0;
        }
        let at = deadline.max(now);
        if node.wake_at.is_none_or(|planned| at < planned) && at < Time::MAX {
            node.wake_at = Some(at);
            let incarnation = node.incarnation;
            self.plan(at, What::Wake { node: ix, incarnation });
        }
    }

    /// Wakes a process that was paused: first what happened meanwhile, then its connections and its timers.
    pub(super) fn resume_process(&mut self, ix: NodeIndex) {
        while let Some(input) = self.nodes[ix].parked.pop_front() {
            self.dispatch(ix, input, None);
        }
        self.nodes[ix].wake_at = None;
        self.arm(ix);
        for key in self.net.of_node(ix) {
            (0..2).for_each(|side| self.schedule(key, side));
        }
    }

    fn traffic(&mut self, i: usize) {
        let scenario = self.scenario.clone();
        let traffic = &scenario.traffic[i];
        let count = self.traffic_count;
        self.traffic_count += 1;
        let keys = &traffic.keys;
        let key = (!keys.is_empty()).then(|| keys[crate::random::index(&mut self.traffic_rng, keys.len())].clone());
        let producer = traffic.producers[count as usize % traffic.producers.len()];
        if let Some(node) = self.index(producer) {
            let topic = traffic.topic.clone();
            let value = format!("order {}", count + 1);
            self.answer(node, Input::Command(Command::Produce { topic, partition: None, key, value }));
        }
        self.plan(self.now.plus_ms(traffic.every_ms), What::Traffic(i));
    }

    // What machines ask for.

    fn perform_outputs(&mut self, ix: NodeIndex) {
        let mut outputs = std::mem::take(&mut self.outputs);
        outputs.extend(self.nodes[ix].out.drain());
        for output in outputs.drain(..) {
            self.perform(ix, output);
        }
        self.outputs = outputs;
        self.check(ix);
        self.arm(ix);
    }

    /// Hands the checkers what this node did. The results of clients are collected whether or not somebody checks.
    fn check(&mut self, ix: NodeIndex) {
        let node = &mut self.nodes[ix];
        let Some(process) = &mut node.process else { return };
        let (deliveries, records) = (process.take_deliveries(), process.take_records());
        let Some(checks) = &mut self.checks else { return };
        let mut found = Findings::default();
        match process {
            Process::Controller(controller) => checks.controller(node.id, controller, &mut found),
            Process::Broker(broker) => checks.broker(node.id, broker, &node.disk, &mut found),
            Process::Producer(producer) => {
                let acks_all = producer.acks_all();
                deliveries.iter().for_each(|d| checks.delivered(node.id, d, acks_all, &mut found));
            }
            Process::Consumer(_) => records.iter().for_each(|r| checks.read(r, &mut found)),
            Process::Admin(_) => {}
            #[cfg(test)]
            Process::Toy(_) => {}
        }
        for broken in found.0 {
            self.break_promise(ix, None, broken.promise, broken.detail);
        }
    }

    /// Looks at everything that is cheap to look at only now and then: every leader has all that was acknowledged, and
    /// no request has waited for its answer for more than `limit_ms`.
    pub fn check_at_rest(&mut self, limit_ms: u64) {
        let Some(mut checks) = self.checks.take() else { return };
        let mut broken = Vec::new();
        for (ix, node) in self.nodes.iter().enumerate() {
            if let Some(Process::Broker(broker)) = &node.process {
                let mut found = Findings::default();
                checks.at_rest(node.id, broker, &node.disk, &mut found);
                broken.extend(found.0.into_iter().map(|b| (ix, b.promise, b.detail)));
            }
        }
        self.checks = Some(checks);
        for conn in self.net.conns.values().filter(|c| c.ends.iter().all(|e| e.open && self.nodes[e.node].runs())) {
            let Some(oldest) = conn.facts.pending.front() else { continue };
            if self.now.ms_since(oldest.arrives_at) > limit_ms {
                let [from, to] = [0, 1].map(|i| self.nodes[conn.ends[i].node].id);
                let key = crate::wire::api::ApiKey::from_code(oldest.api_key).map_or("a request", |k| k.name());
                let detail = format!("{to} has not answered {key} of {from} since {} ms", oldest.arrives_at.as_ms());
                broken.push((conn.ends[1].node, "every request is answered once", detail));
            }
        }
        for (ix, promise, detail) in broken {
            self.break_promise(ix, None, promise, detail);
        }
    }

    /// Whether promises are checked after every step. On unless turned off, for speed.
    pub fn set_checking(&mut self, checking: bool) {
        if !checking {
            self.checks = None;
        } else if self.checks.is_none() {
            self.checks = Some(Box::default());
        }
    }

    /// Batches acknowledged to producers with acks=all, as far as they were counted.
    pub fn acknowledged(&self) -> usize {
        self.checks.as_ref().map_or(0, |checks| checks.acknowledged())
    }

    fn perform(&mut self, ix: NodeIndex, output: Output) {
        self.fold_output(&output);
        match output {
            Output::Open { conn, to } => {
                let listener = if to.port == 9093 { Listener::Controller } else { Listener::Broker };
                let target = to.host.rsplit('-').next().and_then(|id| id.parse().ok());
                match target.and_then(|id| self.index(NodeId(id))) {
                    Some(target) => {
                        let key = self.net.connect(ix, conn, target, listener);
                        self.nodes[ix].conns.insert(conn, key);
                        let at = self.now_plus_latency(ix, target, 0);
                        self.plan(at, What::Connect { conn: key });
                    }
                    // No such host: the name cannot be resolved, which a client learns as a closed connection.
                    None => {
                        let key = self.net.connect(ix, conn, ix, listener);
                        self.nodes[ix].conns.insert(conn, key);
                        self.push(key, 1, Item::Closed { cause: None }, 0);
                    }
                }
            }
            Output::Close { conn } => self.close(ix, conn, None),
            Output::Send { conn, parts, cause } => self.send(ix, conn, parts, cause),
            Output::Mute { conn } => self.set_muted(ix, conn, true),
            Output::Unmute { conn } => self.set_muted(ix, conn, false),
            Output::Sync { token, target } => {
                let incarnation = self.nodes[ix].incarnation;
                let at = Time(self.now.0 + self.scenario.fsync_us);
                self.plan(at, What::Synced { node: ix, incarnation, token, target });
            }
            Output::Job { token, job } => {
                let result = Box::new(job.run());
                let incarnation = self.nodes[ix].incarnation;
                let at = Time(self.now.0 + self.scenario.job_us);
                self.plan(at, What::JobDone { node: ix, incarnation, token, result });
            }
            // Links know their nodes anyway.
            Output::Identified { .. } => {}
            Output::Exit => self.exited(ix),
            Output::Trace { id, cause, kind } => {
                let node = self.nodes[ix].id;
                self.events.push(Event { id, at: self.now, node, cause, kind: *kind });
            }
        }
    }

    fn exited(&mut self, ix: NodeIndex) {
        let cause = self.nodes[ix].ended_by;
        let stopped = self.record_event(ix, cause, || EventKind::Stopped);
        self.end_process(ix, stopped);
    }

    /// The process is gone: its files are closed, its connections end, its beliefs become its last ones.
    pub(super) fn end_process(&mut self, ix: NodeIndex, cause: EventId) {
        self.remember_view(ix);
        let node = &mut self.nodes[ix];
        if let Some(checks) = &mut self.checks {
            checks.ended(node.id);
        }
        node.process = None;
        node.state = ProcessState::Down;
        node.disk.process_crash();
        node.ended_by = Some(cause);
        for conn in node.conns.keys().copied().collect::<Vec<_>>() {
            self.close(ix, conn, Some(cause));
        }
    }

    // Connections.

    fn now_plus_latency(&mut self, from: NodeIndex, to: NodeIndex, bytes: usize) -> Time {
        let link = self.net.link(from, to);
        let jitter = if self.scenario.jitter_us == 0 { 0 } else { self.rng.u64(..self.scenario.jitter_us) };
        Time(self.now.0 + self.scenario.latency_us + jitter + link.extra_us + bytes as u64 / BYTES_PER_US)
    }

    fn send(&mut self, ix: NodeIndex, conn: ConnId, parts: Vec<Part>, cause: Option<EventId>) {
        let Some(&key) = self.nodes[ix].conns.get(&conn) else { return };
        let Some(bytes) = self.whole_frame(ix, parts) else {
            self.close(ix, conn, None);
            return;
        };
        let Some(side) = self.side_of(key, ix, conn) else { return };
        let (from, to) = self.net.conns[&key].path(side);
        let latency = self.now_plus_latency(from, to, bytes.len());
        let c = self.net.conns.get_mut(&key).expect("looked up above");
        let arrives_at = latency.max(c.flows[side].last_arrival);
        let info = Sent { from: self.nodes[from].id, to: self.nodes[to].id, response: side == 1, arrives_at };
        let described = facts::describe(&mut c.facts, &mut self.topic_names, &info, &bytes, self.tracing);
        if let Some((epoch, candidate)) = c.facts.granted.take()
            && let Some(checks) = &mut self.checks
        {
            let mut found = Findings::default();
            checks.vote_granted(self.nodes[from].id, epoch, candidate, &mut found);
            for broken in found.0 {
                self.break_promise(from, cause, broken.promise, broken.detail);
            }
        }
        let sent = match described {
            Ok(facts) => self.record_event(ix, cause, || EventKind::Sent(Box::new(facts.expect("tracing")))),
            Err(broken) => {
                self.break_promise(ix, cause, "every request is answered once", broken);
                self.record_event(ix, cause, || EventKind::Sent(Box::new(facts::unknown(&info, bytes.len()))))
            }
        };
        if self.tracing {
            self.frames.push((sent, bytes.clone()));
        }
        self.push_at(key, side, Item::Frame { bytes, sent }, arrives_at);
    }

    /// Puts the parts of a frame together. `None`: a file changed under its slice, and what is left is torn.
    fn whole_frame(&self, ix: NodeIndex, parts: Vec<Part>) -> Option<Bytes> {
        if let [Part::Bytes(bytes)] = &parts[..] {
            return Some(bytes.clone());
        }
        let disk = &self.nodes[ix].disk;
        let mut frame = BytesMut::with_capacity(parts.iter().map(Part::len).sum());
        for part in parts {
            match part {
                Part::Bytes(bytes) => frame.extend_from_slice(&bytes),
                Part::File(slice) => {
                    if disk.generation(slice.file) != slice.generation {
                        return None;
                    }
                    let bytes = disk.read_at(slice.file, slice.position, slice.len as usize).ok()?;
                    if bytes.len() != slice.len as usize {
                        return None;
                    }
                    frame.extend_from_slice(&bytes);
                }
            }
        }
        Some(frame.freeze())
    }

    fn side_of(&self, key: ConnKey, node: NodeIndex, id: ConnId) -> Option<usize> {
        self.net.conns.get(&key)?.ends.iter().position(|end| end.node == node && end.id == id)
    }

    /// Sends `item` from end `side` of the connection.
    fn push(&mut self, key: ConnKey, side: usize, item: Item, extra_bytes: usize) {
        let Some(conn) = self.net.conns.get(&key) else { return };
        let (from, to) = conn.path(side);
        let at = self.now_plus_latency(from, to, extra_bytes);
        self.push_at(key, side, item, at);
    }

    fn push_at(&mut self, key: ConnKey, side: usize, item: Item, at: Time) {
        let sent_at = self.now;
        let Some(conn) = self.net.conns.get_mut(&key) else { return };
        let flow = &mut conn.flows[side];
        let arrives_at = at.max(flow.last_arrival);
        flow.last_arrival = arrives_at;
        flow.queue.push_back(InFlight { sent_at, arrives_at, item });
        self.schedule(key, side);
    }

    /// Plans the arrival of the front of a flow, unless it is planned.
    pub(super) fn schedule(&mut self, key: ConnKey, side: usize) {
        let now = self.now;
        let Some(conn) = self.net.conns.get_mut(&key) else { return };
        let flow = &mut conn.flows[side];
        if flow.scheduled {
            return;
        }
        if let Some(front) = flow.queue.front() {
            flow.scheduled = true;
            let at = front.arrives_at.max(now);
            self.plan(at, What::Arrive { conn: key, side });
        }
    }

    fn arrive(&mut self, key: ConnKey, side: usize) {
        let now = self.now;
        let Some((from, to)) = self.net.conns.get(&key).map(|c| c.path(side)) else { return };
        let cut = self.net.link(from, to).cut;
        let conn = self.net.conns.get_mut(&key).expect("looked up above");
        conn.flows[side].scheduled = false;
        let receiver = conn.ends[1 - side].clone();
        let flow = &mut conn.flows[side];
        let Some(front) = flow.queue.front() else { return };
        if front.arrives_at > now {
            self.schedule(key, side);
            return;
        }
        if cut {
            if flow.held_since.is_none() {
                flow.held_since = Some(now);
                self.plan(now.plus_ms(TCP_TIMEOUT_MS), What::HeldTooLong { conn: key, side, since: now });
            }
            return;
        }
        let muted = receiver.muted && matches!(front.item, Item::Frame { .. });
        if receiver.open && (muted || self.nodes[receiver.node].state == ProcessState::Paused) {
            return;
        }
        let InFlight { item, .. } = flow.queue.pop_front().expect("looked at above");
        flow.held_since = None;
        if receiver.open {
            self.deliver(key, side, receiver.node, receiver.id, item);
        }
        self.schedule(key, side);
    }

    fn deliver(&mut self, key: ConnKey, side: usize, to: NodeIndex, conn: ConnId, item: Item) {
        match item {
            Item::Opened => {
                let c = &self.net.conns[&key];
                let peer =
                    super::process::endpoint(self.nodes[c.ends[side].node].id, self.nodes[c.ends[side].node].role);
                let listener = (side == 0).then_some(c.listener);
                let principal = "User:ANONYMOUS".into();
                self.dispatch(to, Input::Opened { conn, listener, peer: peer.to_string(), principal }, None);
            }
            Item::Frame { bytes, sent } => {
                self.frames_delivered += 1;
                self.dispatch(to, Input::Frame { conn, bytes, cause: Some(sent) }, Some(sent));
            }
            Item::Closed { cause } => {
                self.nodes[to].conns.remove(&conn);
                let c = self.net.conns.get_mut(&key).expect("its queue was just read");
                c.ends[1 - side].open = false;
                if !c.ends[side].open {
                    self.net.conns.remove(&key);
                }
                self.dispatch(to, Input::Closed { conn }, cause);
            }
        }
    }

    /// A SYN arrives: the kernel accepts it even for a paused process, and refuses it for a dead one.
    fn connect_arrives(&mut self, key: ConnKey) {
        let Some((from, to)) = self.net.conns.get(&key).map(|c| c.path(0)) else { return };
        let cut = self.net.link(from, to).cut || self.net.link(to, from).cut;
        let conn = self.net.conns.get_mut(&key).expect("looked up above");
        if !conn.ends[0].open {
            self.net.conns.remove(&key);
            return;
        }
        if cut {
            let Some(&delay) = SYN_RETRY_MS.get(conn.syn_tries) else {
                let id = conn.ends[0].id;
                self.net.conns.remove(&key);
                self.nodes[from].conns.remove(&id);
                self.answer(from, Input::Closed { conn: id });
                return;
            };
            conn.syn_tries += 1;
            self.plan(self.now.plus_ms(delay), What::Connect { conn: key });
            return;
        }
        if self.nodes[to].process.is_none() {
            let cause = self.nodes[to].ended_by;
            self.push(key, 1, Item::Closed { cause }, 0);
            return;
        }
        conn.ends[1].open = true;
        let id = conn.ends[1].id;
        self.nodes[to].conns.insert(id, key);
        self.push_at(key, 0, Item::Opened, self.now);
        self.push(key, 1, Item::Opened, 0);
    }

    fn set_muted(&mut self, ix: NodeIndex, conn: ConnId, muted: bool) {
        let Some(&key) = self.nodes[ix].conns.get(&conn) else { return };
        let Some(side) = self.side_of(key, ix, conn) else { return };
        self.net.conns.get_mut(&key).expect("looked up above").ends[side].muted = muted;
        if !muted {
            self.schedule(key, 1 - side);
        }
    }

    /// One end closes: it hears nothing more; the other end learns when what was sent before has arrived.
    pub(super) fn close(&mut self, ix: NodeIndex, conn: ConnId, cause: Option<EventId>) {
        let Some(key) = self.nodes[ix].conns.remove(&conn) else { return };
        let Some(side) = self.net.conns[&key].ends.iter().position(|e| e.node == ix && e.id == conn) else { return };
        let c = self.net.conns.get_mut(&key).expect("looked up above");
        c.ends[side].open = false;
        c.flows[1 - side].queue.clear();
        if c.ends[1 - side].open {
            self.push(key, side, Item::Closed { cause }, 0);
        } else {
            self.net.conns.remove(&key);
        }
    }

    /// Breaks a connection for both ends at once.
    pub(super) fn break_conn(&mut self, key: ConnKey, cause: Option<EventId>) {
        let Some(conn) = self.net.conns.remove(&key) else { return };
        for end in conn.ends {
            if end.open {
                self.nodes[end.node].conns.remove(&end.id);
                if self.nodes[end.node].state == ProcessState::Paused {
                    self.nodes[end.node].parked.push_back(Input::Closed { conn: end.id });
                } else {
                    self.dispatch(end.node, Input::Closed { conn: end.id }, cause);
                }
            }
        }
    }

    // The hash.

    fn fold_input(&mut self, ix: NodeIndex, input: &Input) {
        let node = self.nodes[ix].id.0 as u64;
        let at = self.now.0;
        let hash = &mut self.hash;
        let mut words = |words: &[u64]| words.iter().for_each(|&w| hash.word(w));
        words(&[at, node]);
        match input {
            Input::Wake => words(&[1]),
            Input::Opened { conn, listener, peer, .. } => {
                words(&[2, conn.0, listener.map_or(0, |l| l as u64 + 1)]);
                hash.bytes(peer.as_bytes());
            }
            // The bytes were folded when they were sent.
            Input::Frame { conn, bytes, .. } => words(&[3, conn.0, bytes.len() as u64]),
            Input::Writable { conn } => words(&[4, conn.0]),
            Input::Closed { conn } => words(&[5, conn.0]),
            Input::Synced { token, result } => words(&[6, token.0, result.is_ok().into()]),
            Input::JobDone { token, .. } => words(&[7, token.0]),
            Input::Shutdown => words(&[8]),
            Input::Command(_) => words(&[9]),
        }
    }

    fn fold_output(&mut self, output: &Output) {
        let hash = &mut self.hash;
        let mut words = |words: &[u64]| words.iter().for_each(|&w| hash.word(w));
        match output {
            Output::Open { conn, to } => {
                words(&[1, conn.0, to.port.into()]);
                hash.bytes(to.host.as_bytes());
            }
            Output::Close { conn } => words(&[2, conn.0]),
            Output::Send { conn, parts, .. } => {
                words(&[3, conn.0]);
                for part in parts {
                    match part {
                        Part::Bytes(bytes) => hash.bytes(bytes),
                        Part::File(slice) => {
                            hash.word(slice.position);
                            hash.word(slice.len.into());
                        }
                    }
                }
            }
            Output::Mute { conn } => words(&[4, conn.0]),
            Output::Unmute { conn } => words(&[5, conn.0]),
            Output::Sync { token, .. } => words(&[6, token.0]),
            Output::Job { token, .. } => words(&[7, token.0]),
            Output::Identified { conn, peer } => words(&[8, conn.0, peer.0 as u64]),
            Output::Exit => words(&[9]),
            Output::Trace { .. } => {}
        }
    }

    pub(super) fn break_promise(&mut self, ix: NodeIndex, cause: Option<EventId>, promise: &str, detail: String) {
        // A broken promise is found again and again; the first few tell all.
        if self.violations.len() < 20 {
            self.violations.push(format!("{promise}: {detail}"));
        }
        let promise = promise.to_string();
        self.record_event(ix, cause, || EventKind::PromiseBroken { promise, detail });
    }
}

#[cfg(test)]
mod tests {
    use super::{super::toy::Toy, *};

    /// Two toys that ping each other; node 1 is ahead by its place in the queue only.
    fn toys(seed: u64) -> World {
        let scenario = Scenario::cluster("toys", 0, 2);
        World::with_nodes(scenario, seed, vec![(NodeId(1), Role::Toy), (NodeId(2), Role::Toy)])
    }

    fn toy(world: &World, id: i32) -> &Toy {
        match &world.nodes[world.index(NodeId(id)).unwrap()].process {
            Some(Process::Toy(toy)) => toy,
            _ => panic!("node {id} runs no toy"),
        }
    }

    fn do_all(world: &mut World, actions: &[(u64, Action)]) {
        for (ms, action) in actions {
            world.run_until(Time::from_ms(*ms));
            world.act(action).unwrap();
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_hash_and_another_does_not() {
        let run = |seed, tracing| {
            let mut world = toys(seed);
            world.set_tracing(tracing);
            world.run_for(30_000);
            world.hash()
        };
        assert_eq!(run(1, true), run(1, true));
        assert_eq!(run(1, true), run(1, false), "tracing changes nothing");
        assert_ne!(run(1, true), run(2, true));
    }

    #[test]
    fn a_fork_goes_its_own_way_and_leaves_the_first_alone() {
        let mut world = toys(1);
        world.run_for(5000);
        let mut fork = world.clone();
        fork.act(&Action::Kill { node: NodeId(2) }).unwrap();
        fork.run_for(5000);
        world.run_for(5000);
        let mut straight = toys(1);
        straight.run_for(10_000);
        assert_eq!(world.hash(), straight.hash());
        assert_ne!(fork.hash(), straight.hash());
    }

    #[test]
    fn pings_are_answered_after_two_latencies() {
        let mut world = toys(1);
        world.run_for(2500);
        assert_eq!(toy(&world, 1).answers, [1]);
        let sent: Vec<_> = world.events().iter().filter(|e| matches!(e.kind, EventKind::Sent(_))).collect();
        assert_eq!(sent[0].at, Time::from_ms(2000));
        let took = sent[2].at.0 - sent[0].at.0;
        assert!((4000..4500).contains(&took), "{took} us, one latency of 4 ms and a jitter below 0.5 ms");
        assert_eq!(sent[2].cause, Some(sent[0].id).filter(|_| sent[2].node == NodeId(2)).or(Some(sent[1].id)));
    }

    #[test]
    fn a_cut_holds_frames_back_in_order_and_heals() {
        let mut world = toys(1);
        let (a, b) = (NodeId(1), NodeId(2));
        do_all(&mut world, &[(2500, Action::Cut { a, b, one_way: true })]);
        world.run_until(Time::from_ms(6500));
        assert_eq!(toy(&world, 1).answers, [1], "requests of 1 are held");
        assert_eq!(toy(&world, 2).answers, [1], "so are its answers");
        world.act(&Action::Heal).unwrap();
        world.run_for(100);
        assert_eq!(toy(&world, 1).answers, [1, 2, 3, 4, 5]);
        assert_eq!(toy(&world, 2).answers, [1, 2, 3, 4, 5]);
        assert_eq!((toy(&world, 1).closed, toy(&world, 2).closed), (0, 0));
        assert_eq!(world.violations(), &[] as &[String]);
    }

    #[test]
    fn a_long_cut_breaks_connections_and_connects_time_out_until_it_heals() {
        let mut world = toys(1);
        let (a, b) = (NodeId(1), NodeId(2));
        do_all(&mut world, &[(2500, Action::Cut { a, b, one_way: false })]);
        world.run_for(120_000);
        assert!(toy(&world, 1).closed >= 2, "its connection broke, and connecting again failed");
        do_all(&mut world, &[(122_500, Action::Heal)]);
        let before = toy(&world, 1).answers.len();
        world.run_for(20_000);
        assert!(toy(&world, 1).answers.len() > before + 5);
    }

    #[test]
    fn a_killed_node_resets_its_connections_and_refuses_new_ones() {
        let mut world = toys(1);
        do_all(&mut world, &[(2500, Action::Kill { node: NodeId(2) })]);
        world.run_for(10);
        assert_eq!(toy(&world, 1).closed, 2, "the one it opened and the one it accepted");
        world.run_for(5000);
        assert!(toy(&world, 1).closed > 4, "refused about once a second");
        assert!(world.act(&Action::Kill { node: NodeId(2) }).unwrap_err().contains("down already"));
        world.act(&Action::Start { node: NodeId(2) }).unwrap();
        world.run_for(5000);
        assert!(toy(&world, 1).answers.len() > 2);
        assert!(world.net.conns.len() <= 2, "dead connections are forgotten: {:?}", world.net.conns.keys());
    }

    #[test]
    fn a_paused_node_is_silent_and_then_hears_everything() {
        let mut world = toys(1);
        do_all(&mut world, &[(2500, Action::Pause { node: NodeId(2) })]);
        world.run_until(Time::from_ms(5500));
        assert_eq!(toy(&world, 1).answers, [1]);
        assert_eq!(toy(&world, 2).sent, 1);
        world.act(&Action::Resume { node: NodeId(2) }).unwrap();
        world.run_for(100);
        assert_eq!(toy(&world, 1).answers, [1, 2, 3, 4]);
        assert_eq!(toy(&world, 2).sent, 4, "its timers are late, not lost");
    }

    #[test]
    fn a_stop_waits_for_the_machine_and_a_reset_breaks_both_ends() {
        let mut world = toys(1);
        do_all(&mut world, &[(2500, Action::Reset { a: NodeId(1), b: NodeId(2) })]);
        assert_eq!((toy(&world, 1).closed, toy(&world, 2).closed), (2, 2));
        world.act(&Action::Stop { node: NodeId(1) }).unwrap();
        assert_eq!(world.view().nodes[0].process, ProcessState::Down);
        let kinds: Vec<_> =
            world.events().iter().map(|e| &e.kind).filter(|k| !matches!(k, EventKind::Sent(_))).collect();
        assert!(
            matches!(kinds[..], [EventKind::LinkReset { .. }, EventKind::StopAsked, EventKind::Stopped]),
            "{kinds:?}"
        );
    }

    #[test]
    fn a_slow_link_delays_frames() {
        let mut world = toys(1);
        do_all(&mut world, &[(2500, Action::Slow { a: NodeId(1), b: NodeId(2), ms: 700 })]);
        world.run_until(Time::from_ms(4300));
        assert_eq!(toy(&world, 1).answers, [1]);
        world.run_until(Time::from_ms(4500));
        assert_eq!(toy(&world, 1).answers, [1, 2]);
        assert_eq!(world.view().in_flight.len(), 2, "each toy's third ping or its answer");
    }
}
