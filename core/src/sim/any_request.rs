//! Every advertised API in every version, with contents from plausible to absurd, at a running cluster: nothing that a
//! client sends may end a node.

use bytes::Bytes;
use fastrand::Rng;

use super::{Scenario, World};
use crate::{
    id::{ConnId, NodeId, Uuid},
    seam::{Input, Listener, Time},
    wire::{api::ApiKey, header::RequestHeader, message::Message},
};

// Its other entry serves the tests of the codec.
#[allow(dead_code)]
#[path = "../../tests/wire/random.rs"]
mod random;

const ROUNDS: u64 = 12;

fn running() -> World {
    let mut world = World::new(Scenario::parse("sandbox").expect("a scenario of that name"), 1);
    world.run_until(Time::from_ms(8_000));
    world
}

fn request(rng: &mut Rng, key: ApiKey, version: i16, palette: &random::Palette) -> Bytes {
    let header = RequestHeader {
        request_api_key: key.code(),
        request_api_version: version,
        correlation_id: 1,
        client_id: Some("any".into()),
    };
    let mut frame = header.to_bytes(key.request_header_version(version)).expect("a header").to_vec();
    let schema = key.request_schema().expect("an advertised API");
    let size = rng.usize(1..4);
    frame.extend(random::message_of(rng, schema, version, size, palette));
    frame.into()
}

/// Sends the requests of all versions of `key` on one connection each to `node`, and lets time pass.
fn try_all(base: &World, node: NodeId, listener: Listener, key: ApiKey, palette: &random::Palette) {
    let mut world = base.clone();
    let node = world.index(node).expect("a node of the scenario");
    let versions = key.versions().expect("an advertised API");
    for version in versions {
        for seed in 0..ROUNDS {
            let mut rng = Rng::with_seed(seed);
            let bytes = request(&mut rng, key, version, palette);
            let conn = ConnId(1_000_000 + version as u64 * ROUNDS + seed);
            let (peer, principal) = ("10.0.0.1:4444".into(), "User:ANONYMOUS".into());
            world.dispatch(node, Input::Opened { conn, listener: Some(listener), peer, principal }, None);
            world.dispatch(node, Input::Frame { conn, bytes, cause: None }, None);
            world.run_for(10);
        }
        world.run_for(1_000);
    }
    world.run_for(3_000);
}

#[test]
fn no_request_in_any_version_ends_a_node() {
    let base = running();
    let orders = *base.topic_names.iter().find(|(_, name)| *name == "orders").expect("a topic orders").0;
    let plausible = random::Palette {
        texts: vec!["orders".into(), "".into(), "retention.ms".into(), "1".into()],
        ids: vec![orders, Uuid::ZERO, Uuid::METADATA_TOPIC],
        numbers: vec![0, 1, 2, 3, -1, 100, 101],
    };
    let metadata = random::Palette {
        texts: vec!["__cluster_metadata".into(), "lab".into()],
        ids: vec![Uuid::METADATA_TOPIC],
        numbers: vec![0, 0, 0, 1, -1],
    };
    for palette in [plausible, metadata, random::Palette::default()] {
        for (node, listener) in [(1, Listener::Broker), (101, Listener::Controller), (102, Listener::Controller)] {
            for (key, _) in ApiKey::all_advertised(listener) {
                try_all(&base, NodeId(node), listener, key, &palette);
            }
        }
    }
}
