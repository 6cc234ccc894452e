//! Requests: decoded, annotated, and handed to a running broker or controller, which answers or closes.

use std::ops::RangeInclusive;

use bytes::Bytes;
use fastrand::Rng;
use lab_core::{
    id::{NodeId, Uuid},
    seam::{Listener, Time},
    sim::{Answer, Scenario, World},
    wire::{annotate, api::ApiKey, frame, header::RequestHeader, message::Message},
};

use super::{BLOCK, mutate::mutate, random, within};

/// What a machine may hold for a request beside what the request carries: its answer, of which the list of all
/// configurations is the longest.
const BASE: usize = 4 << 20;
const PER_BYTE: usize = 256;

pub fn blocks() -> Box<dyn FnMut(u64)> {
    let world = running();
    let palette = palette();
    let nodes = [(1, Listener::Broker), (1, Listener::Broker), (101, Listener::Controller)];
    let nodes = nodes.map(|(id, listener)| (NodeId(id), ApiKey::all_advertised(listener).collect::<Vec<_>>()));
    Box::new(move |seed| {
        let mut rng = Rng::with_seed(seed);
        let mut world = world.clone();
        for _ in 0..BLOCK {
            let (node, apis) = &nodes[rng.usize(..nodes.len())];
            let bytes = request(&mut rng, apis, &palette);
            within(bytes.len(), 4096, 128, "annotating", || {
                drop(annotate::annotate(&bytes, annotate::What::Request));
            });
            let len = bytes.len();
            let what = format!("request {:?}", bytes.get(..4));
            within(len, BASE, PER_BYTE, &what, || {
                let _ = frame::parse_request(&bytes);
                let answer = world.ask(*node, bytes, 20);
                assert_ne!(answer, Answer::Refused, "node {node} has ended");
            });
        }
    })
}

/// One controller and one broker with a topic and some records.
pub fn running() -> World {
    let mut scenario = Scenario::parse("one-broker").expect("a scenario");
    scenario.node_config.offsets_topic_num_partitions = 2;
    let mut world = World::new(scenario, 1);
    world.set_checking(false);
    world.set_tracing(false);
    world.run_until(Time::from_ms(9_000));
    world
}

pub fn palette() -> random::Palette {
    random::Palette {
        texts: ["orders", "", "g", "retention.ms", "1", "consumer", "range", "__consumer_offsets"]
            .map(Into::into)
            .to_vec(),
        ids: vec![Uuid::ZERO, Uuid::METADATA_TOPIC],
        numbers: vec![0, 0, 0, 1, 2, 3, -1, 100],
    }
}

fn request(rng: &mut Rng, apis: &[(ApiKey, RangeInclusive<i16>)], palette: &random::Palette) -> Bytes {
    let (key, versions) = &apis[rng.usize(..apis.len())];
    let version = match rng.u8(..50) {
        0 => rng.i16(..),
        _ => rng.i16(versions.clone()),
    };
    let header = RequestHeader {
        request_api_key: if rng.u8(..100) == 0 { rng.i16(-1..100) } else { key.code() },
        request_api_version: version,
        correlation_id: rng.i32(..),
        client_id: Some("hammer".into()),
    };
    let mut frame = header.to_bytes(key.request_header_version(version)).expect("a header").to_vec();
    if let Some(schema) = key.request_schema().filter(|schema| schema.versions.contains(version)) {
        let size = rng.usize(1..4);
        let plain = random::Palette::default();
        let palette = if rng.u8(..4) == 0 { &plain } else { palette };
        frame.extend(random::message_of(rng, schema, version, size, palette));
    }
    if rng.u8(..3) > 0 {
        mutate(rng, &mut frame);
    }
    frame.into()
}
