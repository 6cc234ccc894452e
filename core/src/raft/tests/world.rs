//! A small world for the quorum alone: voters and observers on disks in memory, TCP connections with latency, cuts,
//! crashes and power losses. Everything is drawn from one seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::{Bytes, BytesMut};

use super::check::Checker;
use crate::{
    config::{NodeConfig, Voter},
    disk::{Disk, MemDisk},
    id::{ConnId, Endpoint, NodeId, Uuid},
    raft::{Raft, RaftEvent},
    seam::{Ctx, Input, Listener, Now, Outbox, Output, Part, Time},
    trace::EventKind,
    wire::frame,
};

pub(super) const DIR: &str = "__cluster_metadata-0";
const WALL_MS: i64 = 1_700_000_000_000;

pub(super) struct Node {
    pub(super) config: NodeConfig,
    pub(super) is_voter: bool,
    pub(super) disk: MemDisk,
    pub(super) out: Outbox,
    pub(super) raft: Option<Raft>,
    pub(super) has_exited: bool,
    /// Grows with every start: what was meant for an earlier life is dropped.
    life: u32,
    pub(super) state: BTreeMap<i64, Bytes>,
    pub(super) leads: Option<i32>,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct End {
    node: NodeId,
    conn: ConnId,
}

enum Happening {
    Wake {
        node: NodeId,
    },
    Synced {
        node: NodeId,
        life: u32,
        token: crate::id::Token,
        target: crate::disk::SyncTarget,
    },
    Connect {
        from: End,
        life: u32,
        to: NodeId,
    },
    Opened {
        to: End,
    },
    Frame {
        from: End,
        to: End,
        bytes: Bytes,
    },
    Closed {
        from: NodeId,
        to: End,
    },
    /// The power fails at a bad moment, and is back at once.
    Ambush {
        node: NodeId,
        life: u32,
    },
}

pub(super) struct World {
    pub(super) now: Time,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    queue: BTreeMap<(Time, u64), Happening>,
    sequence: u64,
    /// Each end's other end.
    links: BTreeMap<End, End>,
    muted: BTreeMap<End, VecDeque<Bytes>>,
    /// Arrival of the last frame towards an end: TCP keeps the order.
    arrivals: BTreeMap<End, Time>,
    next_conn: u64,
    pub(super) cut: BTreeSet<(NodeId, NodeId)>,
    /// What a cut link holds back until it heals.
    stalled: Vec<Happening>,
    pub(super) rng: fastrand::Rng,
    pub(super) latency_us: (u64, u64),
    pub(super) sync_us: (u64, u64),
    /// The power likes to fail while a vote is on its way to the disk.
    pub(super) ambushes: bool,
    pub(super) log: Vec<(Time, NodeId, EventKind)>,
    pub(super) checker: Checker,
    appended: u64,
}

impl World {
    pub(super) fn new(voters: &[i32], observers: &[i32], seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let endpoint = |id: i32| Endpoint { host: format!("controller-{id}"), port: 9093 };
        let quorum: Vec<Voter> = voters.iter().map(|&id| Voter { id: NodeId(id), endpoint: endpoint(id) }).collect();
        let nodes = voters.iter().chain(observers).map(|&id| {
            let config = NodeConfig {
                cluster_id: "raft-test".into(),
                node_id: NodeId(id),
                directory_id: Uuid::random(&mut rng),
                seed: rng.u64(..),
                voters: quorum.clone(),
                ..NodeConfig::default()
            };
            let node = Node {
                config,
                is_voter: voters.contains(&id),
                disk: MemDisk::new(),
                out: Outbox::new(NodeId(id), 0, true),
                raft: None,
                has_exited: false,
                life: 0,
                state: BTreeMap::new(),
                leads: None,
            };
            (NodeId(id), node)
        });
        let nodes: BTreeMap<_, _> = nodes.collect();
        let checker = Checker::new(voters.iter().map(|&id| NodeId(id)).collect());
        Self {
            now: Time::ZERO,
            nodes,
            queue: BTreeMap::new(),
            sequence: 0,
            links: BTreeMap::new(),
            muted: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            next_conn: 0,
            cut: BTreeSet::new(),
            stalled: Vec::new(),
            rng,
            latency_us: (500, 1500),
            sync_us: (1000, 3000),
            ambushes: false,
            log: Vec::new(),
            checker,
            appended: 0,
        }
    }

    pub(super) fn start_all(&mut self) {
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        ids.into_iter().for_each(|id| self.start(id));
    }

    pub(super) fn ids(&self) -> Vec<NodeId> {
        self.nodes.keys().copied().collect()
    }

    pub(super) fn is_up(&self, id: NodeId) -> bool {
        self.nodes[&id].raft.is_some()
    }

    pub(super) fn start(&mut self, id: NodeId) {
        let (now, incarnation) = (self.clock(), Uuid::random(&mut self.rng));
        let node = self.nodes.get_mut(&id).unwrap();
        assert!(node.raft.is_none(), "{id} runs already");
        node.life += 1;
        node.has_exited = false;
        node.config.incarnation_id = incarnation;
        node.state.clear();
        node.leads = None;
        node.out = Outbox::new(id, 0, true);
        // Ids of connections must not repeat in this world.
        (0..node.life * 100_000).for_each(|_| {
            node.out.new_conn();
        });
        let ctx = &mut Ctx { now, disk: &mut node.disk, out: &mut node.out };
        let raft =
            if node.is_voter { Raft::voter(&node.config, DIR, ctx) } else { Raft::observer(&node.config, DIR, ctx) };
        node.raft = Some(raft.unwrap_or_else(|error| panic!("{id} does not start: {error}")));
        self.after(id);
    }

    /// SIGKILL; with `power_loss`, what was not synced may be lost too.
    pub(super) fn crash(&mut self, id: NodeId, power_loss: bool) {
        let seed = self.rng.u64(..);
        let node = self.nodes.get_mut(&id).unwrap();
        node.raft = None;
        node.leads = None;
        if power_loss {
            node.disk.power_loss(&mut fastrand::Rng::with_seed(seed));
        } else {
            node.disk.process_crash();
        }
        let ends: Vec<End> = self.links.keys().filter(|end| end.node == id).copied().collect();
        ends.into_iter().for_each(|end| self.hang_up(end));
        self.checker.crashed(id);
    }

    pub(super) fn shutdown(&mut self, id: NodeId) {
        self.with(id, |raft, ctx| raft.shutdown(ctx));
    }

    pub(super) fn heal(&mut self) {
        self.cut.clear();
        for happening in std::mem::take(&mut self.stalled) {
            // In order, as they were sent.
            self.sequence += 1;
            self.queue.insert((self.now, self.sequence), happening);
        }
    }

    /// Appends a record at whoever believes it leads and has been told so; `None` when nobody does.
    pub(super) fn append(&mut self, id: NodeId) -> Option<i64> {
        let epoch = self.nodes[&id].leads?;
        self.appended += 1;
        let value = Bytes::from(format!("record {} of {id} in epoch {epoch}", self.appended));
        self.with(id, |raft, ctx| raft.append(ctx, epoch, vec![value]).ok())
    }

    pub(super) fn snapshot(&mut self, id: NodeId) {
        let node = &self.nodes[&id];
        let records: Vec<Bytes> = node.state.values().cloned().collect();
        let raft = node.raft.as_ref().unwrap();
        let end = raft.delivered_offset();
        let epoch = self.checker.epoch_before(end);
        self.with(id, |raft, ctx| raft.create_snapshot(ctx, end, epoch, &records));
    }

    pub(super) fn leader(&self) -> Option<NodeId> {
        let leaders = self.nodes.iter().filter(|(_, node)| node.leads.is_some());
        leaders.max_by_key(|(_, node)| node.leads).map(|(id, _)| *id)
    }

    pub(super) fn clock(&self) -> Now {
        Now { mono: self.now, wall_ms: WALL_MS + self.now.as_ms() as i64 }
    }

    pub(super) fn run_until(&mut self, until: Time) {
        while let Some((&(at, _), _)) = self.queue.first_key_value()
            && at <= until
        {
            self.step();
        }
        self.now = self.now.max(until);
    }

    pub(super) fn run_ms(&mut self, ms: u64) {
        self.run_until(self.now.plus_ms(ms));
    }

    /// Runs until `done`, at most `ms`; whether it came to be.
    pub(super) fn run_while(&mut self, ms: u64, mut done: impl FnMut(&Self) -> bool) -> bool {
        let until = self.now.plus_ms(ms);
        while !done(self) {
            match self.queue.first_key_value() {
                Some((&(at, _), _)) if at <= until => self.step(),
                _ => {
                    self.now = until;
                    return done(self);
                }
            }
        }
        true
    }

    fn step(&mut self) {
        let Some(((at, _), happening)) = self.queue.pop_first() else { return };
        assert!(at >= self.now, "time goes forward");
        self.now = at;
        match happening {
            Happening::Wake { node } => {
                let due = |raft: &Raft| raft.deadline().is_some_and(|deadline| deadline <= at);
                if self.nodes[&node].raft.as_ref().is_some_and(due) {
                    self.give(node, Input::Wake);
                }
            }
            Happening::Synced { node, life, token, target } => {
                let there = self.nodes.get_mut(&node).unwrap();
                if there.life == life && there.raft.is_some() {
                    let result = there.disk.sync(&target);
                    self.give(node, Input::Synced { token, result });
                }
            }
            Happening::Connect { from, life, to } => {
                if !self.is_up(from.node) || self.nodes[&from.node].life != life {
                    return;
                }
                if self.is_cut(from.node, to) || self.is_cut(to, from.node) {
                    return; // Nobody answers; the caller gives up by itself.
                }
                if !self.is_up(to) {
                    self.later(to, Happening::Closed { from: to, to: from });
                    return;
                }
                self.next_conn += 1;
                let accepted = End { node: to, conn: ConnId(self.next_conn) };
                self.links.insert(from, accepted);
                self.links.insert(accepted, from);
                self.give(to, opened(accepted.conn, Some(Listener::Controller)));
                self.later(to, Happening::Opened { to: from });
            }
            Happening::Opened { to } => {
                if self.links.contains_key(&to) && self.is_up(to.node) {
                    self.give(to.node, opened(to.conn, None));
                }
            }
            Happening::Frame { from, to, bytes } => {
                if self.is_cut(from.node, to.node) {
                    self.stalled.push(Happening::Frame { from, to, bytes });
                } else if self.links.contains_key(&to) && self.is_up(to.node) {
                    match self.muted.get_mut(&to) {
                        Some(waiting) => waiting.push_back(bytes),
                        None => self.deliver(to, bytes),
                    }
                }
            }
            Happening::Ambush { node, life } => {
                if self.is_up(node) && self.nodes[&node].life == life {
                    self.crash(node, true);
                    self.start(node);
                }
            }
            Happening::Closed { from, to } => {
                if self.is_cut(from, to.node) {
                    self.stalled.push(Happening::Closed { from, to });
                } else if self.is_up(to.node) {
                    self.muted.remove(&to);
                    self.give(to.node, Input::Closed { conn: to.conn });
                }
            }
        }
    }

    fn deliver(&mut self, to: End, bytes: Bytes) {
        if to.conn.is_outbound() {
            self.give(to.node, Input::Frame { conn: to.conn, bytes, cause: None });
        } else {
            let (head, body) = frame::parse_request(&bytes).expect("nodes send whole requests");
            self.checker.asked(to.node, to.conn, &head, &body);
            self.with(to.node, |raft, ctx| raft.handle_request(ctx, to.conn, &head, &body));
        }
    }

    fn give(&mut self, id: NodeId, input: Input) {
        self.with(id, |raft, ctx| raft.handle_input(ctx, &input));
    }

    fn with<R>(&mut self, id: NodeId, act: impl FnOnce(&mut Raft, &mut Ctx<'_>) -> R) -> R {
        let now = self.clock();
        let node = self.nodes.get_mut(&id).unwrap();
        let raft = node.raft.as_mut().unwrap_or_else(|| panic!("{id} is down"));
        node.out.begin(None);
        let result = act(raft, &mut Ctx { now, disk: &mut node.disk, out: &mut node.out });
        self.after(id);
        result
    }

    /// Performs what a node wrote, takes its events, checks the world.
    fn after(&mut self, id: NodeId) {
        let node = self.nodes.get_mut(&id).unwrap();
        let (life, outputs) = (node.life, node.out.drain().collect::<Vec<_>>());
        for output in outputs {
            self.perform(id, life, output);
        }
        let node = self.nodes.get_mut(&id).unwrap();
        let raft = node.raft.as_mut().unwrap();
        for event in raft.take_events() {
            match event {
                RaftEvent::BecameLeader { epoch } => node.leads = Some(epoch),
                RaftEvent::LostLeadership { .. } => node.leads = None,
                RaftEvent::LeaderChanged { .. } => {}
                RaftEvent::Committed { base_offset, last_offset, epoch, records, .. } => {
                    self.checker.committed(id, base_offset, last_offset, epoch, &records);
                    node.state.extend((base_offset..).zip(records));
                }
                RaftEvent::Snapshot { end_offset, records, .. } => {
                    self.checker.loaded(id, end_offset, &records);
                    // The records keep no offsets in a snapshot; what matters is their order.
                    node.state = (-(records.len() as i64)..).zip(records).collect();
                }
            }
        }
        if raft.shutdown_complete() {
            node.has_exited = true;
        }
        if let Some(deadline) = raft.deadline() {
            assert!(deadline > self.now || raft.has_more_to_deliver, "{id} wants to be woken in the past");
            self.sequence += 1;
            self.queue.insert((deadline.max(self.now), self.sequence), Happening::Wake { node: id });
        }
        self.checker.check(&self.nodes, self.now);
        if self.nodes[&id].has_exited {
            self.crash(id, false);
        }
    }

    fn perform(&mut self, id: NodeId, life: u32, output: Output) {
        match output {
            Output::Open { conn, to } => {
                let peer =
                    self.nodes.values().find(|node| host(node.config.node_id) == to.host).unwrap().config.node_id;
                let from = End { node: id, conn };
                self.later(peer, Happening::Connect { from, life, to: peer });
            }
            Output::Close { conn } => self.hang_up(End { node: id, conn }),
            Output::Send { conn, parts, .. } => {
                let from = End { node: id, conn };
                let Some(&to) = self.links.get(&from) else { return };
                let bytes = self.gather(id, &parts);
                self.checker.sent(id, conn, &bytes);
                if self.is_cut(id, to.node) {
                    self.stalled.push(Happening::Frame { from, to, bytes });
                    return;
                }
                let at = self.after_latency().max(*self.arrivals.get(&to).unwrap_or(&Time::ZERO));
                self.arrivals.insert(to, at);
                self.sequence += 1;
                self.queue.insert((at, self.sequence), Happening::Frame { from, to, bytes });
            }
            Output::Mute { conn } => {
                self.muted.entry(End { node: id, conn }).or_default();
            }
            Output::Unmute { conn } => {
                let end = End { node: id, conn };
                if let (Some(waiting), Some(&from)) = (self.muted.remove(&end), self.links.get(&end)) {
                    for bytes in waiting {
                        self.sequence += 1;
                        self.queue.insert((self.now, self.sequence), Happening::Frame { from, to: end, bytes });
                    }
                }
            }
            Output::Sync { token, target } => {
                let at = Time(self.now.0 + self.rng.u64(self.sync_us.0..=self.sync_us.1));
                self.sequence += 1;
                self.queue.insert((at, self.sequence), Happening::Synced { node: id, life, token, target });
            }
            Output::Identified { .. } | Output::Listen => {}
            Output::Trace { kind, .. } => {
                let votes = match &*kind {
                    EventKind::VoteGranted { pre_vote, .. } => !pre_vote,
                    EventKind::RaftRole { role, .. } => role == "candidate",
                    _ => false,
                };
                if votes && self.ambushes && self.rng.u32(0..4) == 0 {
                    let at = Time(self.now.0 + self.rng.u64(0..=2 * self.sync_us.1));
                    self.sequence += 1;
                    self.queue.insert((at, self.sequence), Happening::Ambush { node: id, life });
                }
                self.log.push((self.now, id, *kind));
            }
            other => panic!("the quorum has no business with {other:?}"),
        }
    }

    /// Both ends are gone; the other one hears of it.
    fn hang_up(&mut self, end: End) {
        self.muted.remove(&end);
        self.checker.forget(end.node, end.conn);
        if let Some(other) = self.links.remove(&end) {
            self.links.remove(&other);
            self.checker.forget(other.node, other.conn);
            self.muted.remove(&other);
            let closed = Happening::Closed { from: end.node, to: other };
            if self.is_cut(end.node, other.node) { self.stalled.push(closed) } else { self.later(other.node, closed) }
        }
    }

    fn gather(&self, id: NodeId, parts: &[Part]) -> Bytes {
        let mut bytes = BytesMut::new();
        for part in parts {
            match part {
                Part::Bytes(piece) => bytes.extend_from_slice(piece),
                Part::File(slice) => {
                    let disk = &self.nodes[&id].disk;
                    assert_eq!(disk.generation(slice.file), slice.generation, "a slice outlived its file");
                    bytes.extend_from_slice(&disk.read_at(slice.file, slice.position, slice.len as usize).unwrap());
                }
            }
        }
        bytes.freeze()
    }

    fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cut.contains(&(from, to))
    }

    fn after_latency(&mut self) -> Time {
        Time(self.now.0 + self.rng.u64(self.latency_us.0..=self.latency_us.1))
    }

    fn later(&mut self, _to: NodeId, happening: Happening) {
        let mut at = self.after_latency();
        if let Happening::Closed { to, .. } | Happening::Opened { to } = &happening {
            at = at.max(*self.arrivals.get(to).unwrap_or(&Time::ZERO));
        }
        self.sequence += 1;
        self.queue.insert((at, self.sequence), happening);
    }
}

fn host(id: NodeId) -> String {
    format!("controller-{id}")
}

fn opened(conn: ConnId, listener: Option<Listener>) -> Input {
    Input::Opened { conn, listener, peer: "test".into(), principal: "User:ANONYMOUS".into() }
}
