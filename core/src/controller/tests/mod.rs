//! A controller with a quorum of one on a disk in memory, and a clock that jumps from deadline to deadline.

mod machine;
mod script;

use std::collections::VecDeque;

use bytes::Bytes;

use super::Controller;
use crate::{
    config::{NodeConfig, Voter},
    disk::MemDisk,
    id::{ConnId, Endpoint, NodeId, Token, Uuid},
    node,
    seam::{Ctx, Input, Listener, Machine, Now, Outbox, Output, Time},
    trace::EventKind,
    wire::{
        api::Request,
        broker_heartbeat::BrokerHeartbeatRequest,
        broker_registration::{
            BrokerRegistrationRequest, BrokerRegistrationResponse, Feature, Listener as BrokerListener,
        },
        frame::{parse_response, request_parts},
        records::Records,
    },
};

const ME: NodeId = NodeId(101);

pub(super) struct Bench {
    pub disk: MemDisk,
    pub controller: Controller,
    out: Outbox,
    pub now: Time,
    /// What the controller sent, oldest first.
    pub sent: VecDeque<(ConnId, Bytes)>,
    /// Connections that it keeps unread.
    pub muted: Vec<ConnId>,
    pub closed: Vec<ConnId>,
    pub events: Vec<EventKind>,
    pub exited: bool,
    /// Durability is confirmed at once, unless a test holds it back.
    pub hold_syncs: bool,
    held: Vec<(Token, crate::disk::SyncTarget)>,
    next_conn: u64,
}

pub(super) fn config() -> NodeConfig {
    NodeConfig {
        cluster_id: "lab".into(),
        node_id: ME,
        seed: 1,
        voters: vec![Voter { id: ME, endpoint: Endpoint { host: "controller-101".into(), port: 9093 } }],
        num_partitions: 2,
        default_replication_factor: 3,
        ..Default::default()
    }
}

impl Bench {
    /// A new cluster whose controller has just become active.
    pub fn new(config: NodeConfig) -> Self {
        let mut bench = Self::started(config);
        bench.until(|bench| bench.controller.active.is_some());
        bench.wait_ms(100);
        bench
    }

    pub fn started(config: NodeConfig) -> Self {
        let mut disk = MemDisk::new();
        node::format(&mut disk, &config).unwrap();
        let mut out = Outbox::new(config.node_id, 1, true);
        let now = Time::from_ms(1000);
        let ctx_now = Now { mono: now, wall_ms: 1_000 };
        let controller = Controller::start(config, &mut Ctx { now: ctx_now, disk: &mut disk, out: &mut out }).unwrap();
        let mut bench = Self {
            disk,
            controller,
            out,
            now,
            sent: VecDeque::new(),
            muted: Vec::new(),
            closed: Vec::new(),
            events: Vec::new(),
            exited: false,
            hold_syncs: false,
            held: Vec::new(),
            next_conn: 0,
        };
        bench.perform();
        bench
    }

    /// The process dies, and another one starts on its disk.
    pub fn restart(&mut self) {
        self.disk.process_crash();
        let config = (*self.controller.config).clone();
        let now = self.clock();
        let mut ctx = Ctx { now, disk: &mut self.disk, out: &mut self.out };
        self.controller = Controller::start(config, &mut ctx).unwrap();
        self.perform();
        self.until(|bench| bench.controller.active.is_some());
    }

    fn clock(&self) -> Now {
        Now { mono: self.now, wall_ms: self.now.as_ms() as i64 }
    }

    pub fn handle(&mut self, input: Input) {
        self.out.begin(None);
        let now = self.clock();
        self.controller.handle(&mut Ctx { now, disk: &mut self.disk, out: &mut self.out }, input);
        self.perform();
    }

    fn perform(&mut self) {
        let outputs: Vec<Output> = self.out.drain().collect();
        for output in outputs {
            match output {
                Output::Send { conn, parts, .. } => self.sent.push_back((conn, Records::Parts(parts).bytes())),
                Output::Sync { token, target } => self.held.push((token, target)),
                Output::Mute { conn } => self.muted.push(conn),
                Output::Unmute { conn } => self.muted.retain(|c| *c != conn),
                Output::Close { conn } => self.closed.push(conn),
                Output::Trace { kind, .. } => self.events.push(*kind),
                Output::Exit => self.exited = true,
                Output::Open { .. } | Output::Job { .. } | Output::Identified { .. } | Output::Listen => {}
            }
        }
        if !self.hold_syncs {
            self.release_syncs();
        }
    }

    pub fn release_syncs(&mut self) {
        for (token, target) in std::mem::take(&mut self.held) {
            let result = self.disk.sync(&target);
            self.handle(Input::Synced { token, result });
        }
    }

    /// Lets time pass, waking the controller whenever it asked for it.
    pub fn wait_ms(&mut self, ms: u64) {
        let end = self.now.plus_ms(ms);
        for _ in 0..ms + 1000 {
            if !self.step(end) {
                self.now = end;
                return;
            }
        }
        panic!("the controller wakes again and again without time passing");
    }

    fn step(&mut self, end: Time) -> bool {
        match self.controller.deadline().filter(|at| *at <= end) {
            Some(at) => {
                self.now = at.max(self.now);
                self.handle(Input::Wake);
                true
            }
            None => false,
        }
    }

    pub fn until(&mut self, done: impl Fn(&Self) -> bool) {
        for _ in 0..1000 {
            if done(self) {
                return;
            }
            assert!(self.step(Time::MAX), "the controller sleeps for ever");
        }
        panic!("it did not come to that in 1000 steps");
    }

    pub fn connect(&mut self) -> ConnId {
        self.next_conn += 1;
        let conn = ConnId(self.next_conn);
        let (peer, principal) = ("test".into(), "User:test".into());
        self.handle(Input::Opened { conn, listener: Some(Listener::Controller), peer, principal });
        conn
    }

    pub fn send<R: Request>(&mut self, conn: ConnId, version: i16, request: &R) {
        let bytes = Records::Parts(request_parts(version, 7, "test", request)).bytes();
        self.handle(Input::Frame { conn, bytes, cause: None });
    }

    /// Sends the newest version of a request and returns its answer.
    pub fn ask<R: Request>(&mut self, request: &R) -> R::Response {
        let version = *R::versions().end();
        self.ask_at(version, request)
    }

    pub fn ask_at<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let conn = self.connect();
        self.send(conn, version, request);
        let (to, frame) = self.sent.pop_front().expect("it was answered");
        assert_eq!(to, conn);
        assert!(self.sent.is_empty(), "it was answered once");
        self.handle(Input::Closed { conn });
        let (correlation_id, response) = parse_response::<R>(version, &frame).unwrap();
        assert_eq!(correlation_id, 7);
        response
    }

    pub fn register(&mut self, request: &BrokerRegistrationRequest) -> BrokerRegistrationResponse {
        self.ask(request)
    }

    /// Registers brokers and lets each catch up, so that they are unfenced.
    pub fn join(&mut self, brokers: &[i32]) {
        for &broker in brokers {
            let epoch = self.register(&registration(broker, 1)).broker_epoch;
            let request = heartbeat(broker, epoch, epoch);
            assert!(!self.ask(&request).is_fenced);
        }
    }
}

pub(super) fn heartbeat(broker_id: i32, broker_epoch: i64, current_metadata_offset: i64) -> BrokerHeartbeatRequest {
    BrokerHeartbeatRequest { broker_id, broker_epoch, current_metadata_offset, ..Default::default() }
}

/// The request of one start of a broker.
pub(super) fn registration(broker_id: i32, incarnation: u8) -> BrokerRegistrationRequest {
    let feature =
        |name: &str, min, max| Feature { name: name.into(), min_supported_version: min, max_supported_version: max };
    let mut incarnation_id = [broker_id as u8; 16];
    incarnation_id[0] = incarnation;
    BrokerRegistrationRequest {
        broker_id,
        cluster_id: "lab".into(),
        incarnation_id: Uuid(incarnation_id),
        listeners: vec![BrokerListener {
            name: "PLAINTEXT".into(),
            host: format!("broker-{broker_id}"),
            port: 9092,
            security_protocol: 0,
        }],
        features: vec![feature("metadata.version", 7, 30), feature("eligible.leader.replicas.version", 0, 1)],
        log_dirs: vec![Uuid([broker_id as u8; 16])],
        ..Default::default()
    }
}
