//! The machine around the decisions: who may decide, when answers are given, how it ends.

use super::{Bench, config, heartbeat, registration};
use crate::{
    config::Voter,
    id::{ConnId, Endpoint, NodeId},
    seam::Input,
    wire::{
        api_versions::ApiVersionsRequest,
        broker_heartbeat::BrokerHeartbeatRequest,
        broker_registration::BrokerRegistrationRequest,
        create_topics::{CreatableTopic, CreateTopicsRequest, CreateTopicsResponse},
        envelope::{EnvelopeRequest, EnvelopeResponse},
        error::ErrorCode,
        frame::{parse_response, request_parts},
        records::Records,
    },
};

fn create(name: &str) -> CreateTopicsRequest {
    let topic = CreatableTopic { name: name.into(), num_partitions: 1, replication_factor: 1, ..Default::default() };
    CreateTopicsRequest { topics: vec![topic], ..Default::default() }
}

fn enveloped(request: &CreateTopicsRequest) -> EnvelopeRequest {
    EnvelopeRequest {
        request_data: Records::Parts(request_parts(7, 99, "client", request)).bytes(),
        request_principal: None,
        client_host_address: vec![127, 0, 0, 1].into(),
    }
}

fn opened(response: &EnvelopeResponse) -> (i32, CreateTopicsResponse) {
    parse_response::<CreateTopicsRequest>(7, response.response_data.as_ref().unwrap()).unwrap()
}

#[test]
fn an_answer_waits_until_its_records_are_committed() {
    let mut bench = Bench::new(config());
    bench.join(&[1]);
    bench.hold_syncs = true;
    let conn = bench.connect();
    bench.send(conn, 7, &create("orders"));
    assert!(bench.sent.is_empty(), "nothing is promised before the disk has it");
    assert_eq!(bench.muted, [conn]);
    // A request that only reads waits for what it was decided from.
    let other = bench.connect();
    bench.send(other, 7, &create("orders"));
    assert!(bench.sent.is_empty());

    bench.release_syncs();
    let codes: Vec<(ConnId, i16)> = bench
        .sent
        .drain(..)
        .map(|(to, frame)| (to, parse_response::<CreateTopicsRequest>(7, &frame).unwrap().1.topics[0].error_code))
        .collect();
    assert_eq!(codes, [(conn, 0), (other, ErrorCode::TopicAlreadyExists.code())]);
    assert!(bench.muted.is_empty());
}

#[test]
fn who_waits_when_leadership_is_lost_hears_not_controller_once() {
    let mut bench = Bench::new(config());
    bench.join(&[1]);
    bench.hold_syncs = true;
    let (conn, forwarding) = (bench.connect(), bench.connect());
    bench.send(conn, 7, &create("orders"));
    bench.send(forwarding, 0, &enveloped(&create("other")));
    assert!(bench.sent.is_empty());
    bench.handle(Input::Shutdown);

    let (to, frame) = bench.sent.pop_front().unwrap();
    let response = parse_response::<CreateTopicsRequest>(7, &frame).unwrap().1;
    assert_eq!((to, response.topics[0].error_code), (conn, ErrorCode::NotController.code()));
    let (to, frame) = bench.sent.pop_front().unwrap();
    let response = parse_response::<EnvelopeRequest>(0, &frame).unwrap().1;
    assert_eq!((to, response.error_code, response.response_data), (forwarding, ErrorCode::NotController.code(), None));
    assert!(bench.controller.active.is_none() && bench.muted.is_empty());

    bench.release_syncs();
    bench.wait_ms(5000);
    assert!(bench.sent.is_empty(), "nobody hears twice");
    assert!(bench.exited);
}

#[test]
fn a_controller_that_does_not_lead_decides_nothing_and_still_ends_at_once() {
    let mut alone = config();
    for id in [102, 103] {
        let endpoint = Endpoint { host: format!("controller-{id}"), port: 9093 };
        alone.voters.push(Voter { id: NodeId(id), endpoint });
    }
    let mut bench = Bench::started(alone);
    bench.wait_ms(10_000);
    let not_controller = ErrorCode::NotController.code();
    assert_eq!(bench.ask(&registration(1, 1)).error_code, not_controller);
    assert_eq!(bench.ask(&heartbeat(1, 5, 5)).error_code, not_controller);
    assert_eq!(bench.ask(&enveloped(&create("orders"))).error_code, not_controller);
    assert_eq!(bench.ask(&ApiVersionsRequest::default()).error_code, ErrorCode::InvalidRequest.code());

    bench.handle(Input::Shutdown);
    bench.wait_ms(3000);
    assert!(bench.exited, "the quorum it would wait for is gone");
}

#[test]
fn envelopes_carry_the_answer_of_what_is_in_them() {
    let mut bench = Bench::new(config());
    bench.join(&[1]);
    let response = bench.ask(&enveloped(&create("orders")));
    assert_eq!(response.error_code, 0);
    let (correlation_id, inner) = opened(&response);
    assert_eq!((correlation_id, inner.topics[0].error_code), (99, 0));
    let (_, again) = opened(&bench.ask(&enveloped(&create("orders"))));
    assert_eq!(again.topics[0].error_code, ErrorCode::TopicAlreadyExists.code());

    // Only what brokers may forward, and only what can be read.
    let mut request = enveloped(&create("x"));
    request.request_data = Records::Parts(request_parts(2, 1, "client", &heartbeat(1, 1, 1))).bytes();
    assert_eq!(bench.ask(&request).error_code, ErrorCode::InvalidRequest.code());
    request.request_data = vec![0, 19, 0, 7, 0, 0, 0, 9, 255, 255, 0, 99].into();
    assert_eq!(bench.ask(&request).error_code, ErrorCode::InvalidRequest.code());
}

#[test]
fn what_cannot_be_read_or_is_not_served_closes_the_connection() {
    let mut bench = Bench::new(config());
    for bytes in [&b"GET / HTTP/1.1"[..], &[0, 0, 0, 13, 0, 0, 0, 1, 255, 255, 0, 0], &[0, 62, 0, 4, 0, 0, 0, 1, 9]] {
        let conn = bench.connect();
        bench.handle(Input::Frame { conn, bytes: bytes.to_vec().into(), cause: None });
        assert_eq!(bench.closed.pop(), Some(conn));
    }
    assert!(bench.sent.is_empty());
}

#[test]
fn api_versions_tells_features_and_answers_what_it_does_not_serve() {
    let mut bench = Bench::new(config());
    let request = ApiVersionsRequest { client_software_name: "t".into(), client_software_version: "1.0".into() };
    let response = bench.ask(&request);
    assert_eq!(response.error_code, 0);
    let levels: Vec<(&str, i16)> =
        response.finalized_features.iter().map(|f| (f.name.as_str(), f.max_version_level)).collect();
    assert_eq!(levels, [("eligible.leader.replicas.version", 1), ("metadata.version", 30)]);
    assert!(response.supported_features.iter().any(|f| f.min_version == 0));
    let older = bench.ask_at(3, &request);
    assert!(older.supported_features.iter().all(|f| f.min_version > 0), "clients of version 3 cannot read a 0");

    let conn = bench.connect();
    bench.handle(Input::Frame { conn, bytes: vec![0, 18, 0, 99, 0, 0, 0, 5, 255, 255, 0].into(), cause: None });
    let (_, frame) = bench.sent.pop_front().unwrap();
    let (correlation_id, response) = parse_response::<ApiVersionsRequest>(0, &frame).unwrap();
    assert_eq!((correlation_id, response.error_code), (5, ErrorCode::UnsupportedVersion.code()));
    assert_eq!(response.api_keys.len(), 1);
}

#[test]
fn snapshots_are_taken_by_size_and_hold_the_whole_state() {
    let mut small = config();
    small.metadata_log_max_record_bytes_between_snapshots = 2000;
    let mut bench = Bench::new(small);
    bench.join(&[1, 2, 3]);
    for i in 0..20 {
        assert_eq!(bench.ask(&create(&format!("topic{i}"))).topics[0].error_code, 0);
    }
    bench.wait_ms(1000);
    let before = bench.controller.committed.to_records();
    assert!(bench.disk.files().any(|(path, _)| path.ends_with(".checkpoint") && path.contains("__cluster_metadata")));
    bench.restart();
    assert_eq!(bench.controller.committed.to_records(), before);
    assert_eq!(bench.controller.committed.topic_count(), 20);
}

#[test]
fn snapshots_are_taken_by_age_even_when_nothing_happens() {
    let hour = 3_600_000;
    let mut quiet = config();
    quiet.metadata_max_idle_interval_ms = 24 * hour;
    quiet.metadata_log_max_snapshot_interval_ms = 1000;
    let mut bench = Bench::new(quiet);
    bench.wait_ms(2000);
    let snapshots = |bench: &Bench| {
        let is_snapshot = |path: &str| path.contains("__cluster_metadata") && path.ends_with(".checkpoint");
        bench.disk.files().filter(|(path, _)| is_snapshot(path)).map(|(path, _)| path.to_owned()).collect::<Vec<_>>()
    };
    let first = snapshots(&bench);
    assert_eq!(first.len(), 1, "{first:?}");
    bench.wait_ms(hour);
    assert_eq!(snapshots(&bench), first, "without new records there is nothing new to keep");
}

#[test]
fn a_registration_of_an_older_version_is_understood() {
    let mut bench = Bench::new(config());
    let conn = bench.connect();
    bench.send::<BrokerRegistrationRequest>(conn, 3, &registration(1, 1));
    let (_, frame) = bench.sent.pop_front().unwrap();
    let response = parse_response::<BrokerRegistrationRequest>(3, &frame).unwrap().1;
    assert_eq!(response.error_code, 0);
    let heartbeat = heartbeat(1, response.broker_epoch, response.broker_epoch);
    assert!(!bench.ask_at::<BrokerHeartbeatRequest>(0, &heartbeat).is_fenced);
}
