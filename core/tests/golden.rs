//! One core, two homes: the same stories and the same session on native and on wasm32.
//!
//! `cargo xtask test wasm` replays the session with the native binary first and hands the hash to this test through
//! `LAB_GOLDEN_HASH` when it compiles it for wasm32. It also records real nodes, and `LAB_RECORDINGS` names the file.

use lab_core::{
    recording::Recording,
    sim::{Scenario, Session, World, script},
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A cluster that loses a leader, an isolated follower and its quorum leader, and mends.
const SESSION: &str = include_str!("../testdata/golden/session.txt");

/// Recordings of real nodes, each after its length in 8 bytes, little-endian. None, outside of `cargo xtask test wasm`.
const RECORDINGS: &[u8] = include_bytes!(env!("LAB_RECORDINGS"));

const STORIES: &[(&str, &str)] = &[
    ("divergence", include_str!("../testdata/sim/divergence.txt")),
    ("election", include_str!("../testdata/sim/election.txt")),
    ("idempotence", include_str!("../testdata/sim/idempotence.txt")),
    ("isr", include_str!("../testdata/sim/isr.txt")),
    ("min-insync", include_str!("../testdata/sim/min-insync.txt")),
    ("quorum", include_str!("../testdata/sim/quorum.txt")),
];

#[test]
fn stories_are_told_the_same() {
    for (name, expected) in STORIES {
        let printed = script::run(expected).unwrap_or_else(|why| panic!("{name}: {why}"));
        let line = printed.lines().zip(expected.lines()).position(|(p, e)| p != e);
        let around = |text: &str| text.lines().skip(line.unwrap_or(0)).take(3).collect::<Vec<_>>().join("\n");
        assert!(printed == *expected, "{name}: got\n{}\nexpected\n{}", around(&printed), around(expected));
    }
}

#[test]
fn a_session_ends_in_the_same_hash() {
    let session = Session::from_link(SESSION.trim()).expect("the session can be read");
    let replay = || World::from_session(&session).expect("the session can be replayed");
    let world = replay();
    assert_eq!(world.hash(), replay().hash(), "two replays differ");
    assert_eq!(world.violations(), &[] as &[String]);
    if let Some(native) = option_env!("LAB_GOLDEN_HASH") {
        assert_eq!(format!("{:016x}", world.hash()), native, "wasm32 and native differ");
    }
}

#[test]
fn what_real_nodes_did_is_done_again() {
    let mut rest = RECORDINGS;
    let mut inputs = 0;
    while let Some((len, bytes)) = rest.split_first_chunk() {
        let (recording, after) = bytes.split_at(u64::from_le_bytes(*len) as usize);
        let recording = Recording::open(recording).expect("a recording of this version");
        // Compares the hash after each input.
        let replayed =
            recording.replay().unwrap_or_else(|error| panic!("{}: {error}", recording.header.program.name()));
        inputs += replayed.inputs;
        rest = after;
    }
    assert!(inputs > 300 || option_env!("LAB_GOLDEN_HASH").is_none(), "real nodes have more to do: {inputs} inputs");
}

#[test]
fn what_simulated_nodes_did_is_done_again() {
    let mut world = World::recorded(Scenario::parse("one-broker").expect("it exists"), 3);
    world.run_for(8000);
    for recording in world.recordings() {
        Recording::open(recording).and_then(|recording| recording.replay()).expect("the same again");
    }
}
