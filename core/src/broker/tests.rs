//! One broker driven by hand, with nobody else there: what it owes its clients in any case. Clusters are in `sim`.

use bytes::Bytes;

use super::Broker;
use crate::{
    config::{NodeConfig, Voter},
    disk::MemDisk,
    id::{ConnId, Endpoint, NodeId, Uuid},
    node,
    seam::{Ctx, Input, Listener, Machine, Now, Outbox, Output, Part, Time},
    wire::{
        api::{ApiKey, Request},
        api_versions::{ApiVersionsRequest, ApiVersionsResponse},
        create_topics::{CreatableTopic, CreateTopicsRequest},
        error::ErrorCode,
        frame,
        metadata::MetadataRequest,
        produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
    },
};

const CONN: ConnId = ConnId(1);

struct Bench {
    broker: Broker,
    disk: MemDisk,
    out: Outbox,
    now: Time,
}

impl Bench {
    fn new() -> Self {
        let config = NodeConfig {
            cluster_id: "bench".into(),
            node_id: NodeId(1),
            directory_id: Uuid([7; 16]),
            incarnation_id: Uuid([8; 16]),
            voters: vec![Voter { id: NodeId(101), endpoint: Endpoint { host: "controller-101".into(), port: 9093 } }],
            ..NodeConfig::default()
        };
        let (mut disk, mut out) = (MemDisk::new(), Outbox::new(NodeId(1), 0, false));
        node::format(&mut disk, &config).unwrap();
        let mut ctx = Ctx { now: Now::default(), disk: &mut disk, out: &mut out };
        let broker = Broker::start(config, &mut ctx).unwrap();
        let mut bench = Self { broker, disk, out, now: Time::ZERO };
        let opened = Input::Opened {
            conn: CONN,
            listener: Some(Listener::Broker),
            peer: "[::1]:5".into(),
            principal: "User:ANONYMOUS".into(),
        };
        bench.handle(opened);
        bench
    }

    fn handle(&mut self, input: Input) -> Vec<Output> {
        let now = Now { mono: self.now, wall_ms: self.now.as_ms() as i64 };
        self.broker.handle(&mut Ctx { now, disk: &mut self.disk, out: &mut self.out }, input);
        let mut outputs: Vec<Output> = self.out.drain().collect();
        // Nobody is at home: whatever it opens is refused.
        let opens = |o: &Output| if let Output::Open { conn, .. } = o { Some(*conn) } else { None };
        let refused: Vec<ConnId> = outputs.iter().filter_map(opens).collect();
        for conn in refused {
            outputs.extend(self.handle(Input::Closed { conn }));
        }
        outputs
    }

    fn frame(&mut self, bytes: impl Into<Bytes>) -> Vec<Output> {
        self.handle(Input::Frame { conn: CONN, bytes: bytes.into(), cause: None })
    }

    fn ask<R: Request>(&mut self, version: i16, correlation_id: i32, request: &R) -> Vec<Output> {
        self.frame(whole(&frame::request_parts(version, correlation_id, "bench", request)))
    }

    /// Lets time pass, waking the broker whenever it wants.
    fn run_for(&mut self, ms: u64) -> Vec<Output> {
        let (end, mut outputs, mut wakes) = (self.now.plus_ms(ms), Vec::new(), 0);
        while let Some(at) = self.broker.deadline().filter(|&at| at <= end) {
            wakes = if at > self.now { 0 } else { wakes + 1 };
            assert!(wakes < 10, "it wants to be woken at {at:?} for ever");
            self.now = self.now.max(at);
            outputs.extend(self.handle(Input::Wake));
        }
        self.now = end;
        outputs
    }
}

fn whole(parts: &[Part]) -> Bytes {
    let mut bytes = Vec::new();
    for part in parts {
        match part {
            Part::Bytes(b) => bytes.extend_from_slice(b),
            Part::File(_) => panic!("nothing was read from a file here"),
        }
    }
    bytes.into()
}

/// Frames sent to the client, in order.
fn sent(outputs: &[Output]) -> Vec<Bytes> {
    let to_client = |o: &Output| match o {
        Output::Send { conn: CONN, parts, .. } => Some(whole(parts)),
        _ => None,
    };
    outputs.iter().filter_map(to_client).collect()
}

fn has(outputs: &[Output], wanted: &Output) -> bool {
    outputs.contains(wanted)
}

fn create_topics() -> CreateTopicsRequest {
    let topic = CreatableTopic { name: "t".into(), num_partitions: 1, replication_factor: 1, ..Default::default() };
    CreateTopicsRequest { topics: vec![topic], ..Default::default() }
}

#[test]
fn says_what_it_speaks_in_any_version() {
    let mut bench = Bench::new();
    let outputs = bench.ask(0, 7, &ApiVersionsRequest::default());
    let (id, response) = frame::parse_response::<ApiVersionsRequest>(0, &sent(&outputs)[0]).unwrap();
    assert_eq!((id, response.error_code), (7, 0));
    let produce = response.api_keys.iter().find(|k| k.api_key == ApiKey::Produce.code()).unwrap();
    assert_eq!((produce.min_version, produce.max_version), (0, 13), "librdkafka looks for version 0");

    // Key 18, version 99, correlation 8, and a body nobody can read: answered in version 0 (KIP-511).
    let outputs = bench.frame(vec![0, 18, 0, 99, 0, 0, 0, 8, 0xff, 0xff, 0, 9, 9, 9]);
    let (id, response) = frame::parse_response::<ApiVersionsRequest>(0, &sent(&outputs)[0]).unwrap();
    let ApiVersionsResponse { error_code, api_keys, .. } = response;
    assert_eq!((id, error_code, api_keys.len()), (8, ErrorCode::UnsupportedVersion.code(), 1));
}

#[test]
fn closes_what_it_does_not_understand_and_lives() {
    let produce_2 = vec![0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xff, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let unknown_key = vec![0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff];
    // Metadata 12 with an array of two thousand million topics.
    let liar = vec![0, 3, 0, 12, 0, 0, 0, 1, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0x07];
    for hostile in [produce_2, unknown_key, liar, vec![], vec![0], vec![0xff; 1000]] {
        let mut bench = Bench::new();
        let outputs = bench.frame(hostile.clone());
        assert!(has(&outputs, &Output::Close { conn: CONN }), "{hostile:?}");
        assert!(sent(&outputs).is_empty(), "{hostile:?}");
        assert!(sent(&bench.ask(0, 1, &ApiVersionsRequest::default())).is_empty(), "the connection is forgotten");
    }
    let mut rng = fastrand::Rng::with_seed(5);
    for _ in 0..3000 {
        let mut bytes: Vec<u8> = (0..rng.usize(0..60)).map(|_| rng.u8(..)).collect();
        if let [a, b, c, d, ..] = &mut bytes[..] {
            (*a, *b, *c, *d) = (0, rng.u8(0..80), 0, rng.u8(0..14));
        }
        Bench::new().frame(bytes);
    }
}

#[test]
fn one_request_at_a_time() {
    let mut bench = Bench::new();
    // Needs the controller, and there is none: the connection is not read until there is an answer.
    let outputs = bench.ask(7, 1, &create_topics());
    assert!(has(&outputs, &Output::Mute { conn: CONN }) && sent(&outputs).is_empty());
    // What the driver had already read waits.
    assert!(sent(&bench.ask(12, 2, &MetadataRequest { topics: None, ..Default::default() })).is_empty());
    let outputs = bench.run_for(31_000);
    assert!(has(&outputs, &Output::Unmute { conn: CONN }));
    let answers = sent(&outputs);
    assert_eq!(answers.len(), 2, "each is answered once, in order");
    let (id, response) = frame::parse_response::<CreateTopicsRequest>(7, &answers[0]).unwrap();
    assert_eq!((id, response.topics[0].error_code), (1, ErrorCode::RequestTimedOut.code()));
    let (id, response) = frame::parse_response::<MetadataRequest>(12, &answers[1]).unwrap();
    assert_eq!((id, response.cluster_id.as_deref()), (2, Some("bench")));
}

#[test]
fn a_flood_behind_a_parked_request_ends_the_connection() {
    let mut bench = Bench::new();
    bench.ask(7, 1, &create_topics());
    let closed =
        (0..1000).any(|id| has(&bench.ask(0, id, &ApiVersionsRequest::default()), &Output::Close { conn: CONN }));
    assert!(closed);
}

#[test]
fn acks_0_is_never_answered_and_an_error_closes() {
    let mut bench = Bench::new();
    let data = PartitionProduceData { index: 0, records: Bytes::new().into() };
    let topic = TopicProduceData { name: "t".into(), partition_data: vec![data], ..Default::default() };
    let request = ProduceRequest { acks: 0, timeout_ms: 1000, topic_data: vec![topic], transactional_id: None };
    let outputs = bench.ask(9, 1, &request);
    assert!(sent(&outputs).is_empty() && has(&outputs, &Output::Close { conn: CONN }));

    let mut bench = Bench::new();
    let outputs = bench.ask(9, 1, &ProduceRequest { acks: 1, ..request });
    let (_, response) = frame::parse_response::<ProduceRequest>(9, &sent(&outputs)[0]).unwrap();
    let error = response.responses[0].partition_responses[0].error_code;
    assert_eq!(error, ErrorCode::UnknownTopicOrPartition.code());
}

#[test]
fn ends_in_time_without_a_controller() {
    let mut bench = Bench::new();
    bench.run_for(5000);
    assert!(!has(&bench.run_for(100), &Output::Exit));
    let mut outputs = bench.handle(Input::Shutdown);
    outputs.extend(bench.run_for(8000));
    assert_eq!(outputs.iter().filter(|o| **o == Output::Exit).count(), 1);
    assert_eq!(bench.broker.deadline(), None);
}
