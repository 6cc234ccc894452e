//! A faulty session of the simulator, recorded: each machine replays to its hash, and what was tampered with does not.

use bytes::Bytes;

use super::{
    Recording, ReplayError, Replayed,
    file::{self, Entry, Reader},
};
use crate::{
    id::NodeId,
    program::Program,
    seam::{Input, Time},
    sim::{Scenario, World},
    view::Action,
};

/// A cluster that loses a leader, stops one node cleanly, and finds a disk full and a machine without power.
fn faulty(mut world: World) -> World {
    let node = NodeId;
    for (ms, action) in [
        (6000, Action::Kill { node: node(1) }),
        (9000, Action::Start { node: node(1) }),
        (12_000, Action::Stop { node: node(2) }),
        (13_000, Action::PowerLoss { node: node(102) }),
        (15_000, Action::Start { node: node(102) }),
        (15_500, Action::Start { node: node(2) }),
        (18_000, Action::DiskFull { node: node(3), full: true }),
    ] {
        world.run_until(Time::from_ms(ms));
        world.act(&action).unwrap();
    }
    world.run_until(Time::from_ms(22_000));
    world
}

fn scenario() -> Scenario {
    Scenario::parse("sandbox").unwrap()
}

fn replayed(bytes: &Bytes) -> Replayed {
    let recording = Recording::open(bytes.clone()).unwrap();
    let node = recording.header.program.node();
    recording.replay().unwrap_or_else(|error| panic!("{} {node}: {error}", recording.header.program.name()))
}

/// The recording of the first life of the first broker that lived to the end.
fn broker() -> Bytes {
    let mut world = World::recorded(scenario(), 7);
    world.run_until(Time::from_ms(9000));
    let is_broker = |bytes: &Bytes| {
        let header = Recording::open(bytes.clone()).unwrap().header;
        matches!(header.program, Program::Broker(config) if config.node_id == NodeId(1))
    };
    world.recordings().into_iter().find(is_broker).unwrap()
}

/// The same recording with its entries changed, checksums and all.
fn rewritten(bytes: &Bytes, mut change: impl FnMut(&mut Entry<Input>)) -> Bytes {
    let (header, mut reader) = Reader::open(bytes.clone()).unwrap();
    let mut out = file::begin(&header);
    while let Some(mut entry) = reader.next().unwrap() {
        change(&mut entry);
        let entry = match &entry {
            Entry::File { path, content } => Entry::File { path: path.clone(), content: content.clone() },
            Entry::Told { now, input } => Entry::Told { now: *now, input: input.as_ref() },
            Entry::Did { errors, hash } => Entry::Did { errors: errors.clone(), hash: *hash },
            Entry::End => Entry::End,
        };
        file::write(&entry, &mut out);
    }
    out.into()
}

#[test]
fn every_machine_of_a_faulty_session_replays() {
    let world = faulty(World::recorded(scenario(), 7));
    assert_eq!(world.hash(), faulty(World::new(scenario(), 7)).hash(), "recording changes nothing");
    let recordings = world.recordings();
    let nodes = scenario().brokers.len() + scenario().controllers.len() + scenario().producers.len();
    assert!(recordings.len() >= nodes + 3, "three nodes lived twice");
    let replays: Vec<Replayed> = recordings.iter().map(replayed).collect();
    assert_eq!(replays.iter().filter(|replay| replay.ended).count(), 1, "one was stopped");
    assert!(replays.iter().all(|replay| replay.inputs > 0 && replay.outputs > 0), "{replays:?}");
    let mut failures = 0;
    for bytes in &recordings {
        let mut reader = Reader::open(bytes.clone()).unwrap().1;
        while let Some(entry) = reader.next().unwrap() {
            failures += usize::from(matches!(entry, Entry::Did { errors, .. } if !errors.is_empty()));
        }
    }
    assert!(failures > 0, "the full disk was felt");
}

#[test]
fn a_changed_input_is_noticed() {
    let bytes = broker();
    let mut found = 0;
    let order = |frame: &Bytes| frame.windows(6).position(|window| window == b"order ");
    let changed = rewritten(&bytes, |entry| {
        if let Entry::Told { input: Some(Input::Frame { bytes, .. }), .. } = entry
            && let Some(at) = order(bytes)
        {
            found += 1;
            if found == 2 {
                let mut frame = bytes.to_vec();
                frame[at] ^= 1;
                *bytes = frame.into();
            }
        }
    });
    assert!(found >= 2, "records were produced");
    let error = Recording::open(changed).unwrap().replay().unwrap_err();
    assert!(matches!(error, ReplayError::Differs { .. }), "{error}");
    assert!(error.to_string().contains("a frame of"), "{error}");

    assert_eq!(replayed(&rewritten(&bytes, |_| {})), replayed(&bytes));
    let late = rewritten(&bytes, |entry| {
        if let Entry::Did { hash, .. } = entry {
            hash[0] ^= 1;
        }
    });
    assert!(matches!(Recording::open(late).unwrap().replay(), Err(ReplayError::Differs { .. })));
}

#[test]
fn a_cut_recording_replays_up_to_its_end() {
    let bytes = broker();
    let whole = replayed(&bytes);
    let mut seen = 0;
    for share in 1..10 {
        let cut = replayed(&bytes.slice(..bytes.len() - bytes.len() * share / 40 - share));
        assert!(!cut.ended && cut.inputs < whole.inputs && cut.inputs > 0);
        seen = seen.max(cut.inputs);
    }
    assert!(seen > whole.inputs / 2);
}

#[test]
fn damaged_and_foreign_bytes_are_told_apart() {
    let bytes = broker();
    let mut rng = fastrand::Rng::with_seed(1);
    let whole = replayed(&bytes);
    for _ in 0..20 {
        let mut damaged = bytes.to_vec();
        damaged[rng.usize(..bytes.len())] ^= 1 << rng.u8(..8);
        match Recording::open(damaged).and_then(|recording| recording.replay()) {
            Err(_) => {}
            // A length that points past the end looks like a recording that was cut there.
            Ok(replay) => assert!(replay.inputs < whole.inputs, "nothing was noticed"),
        }
    }
    assert_eq!(Recording::open("a session").unwrap_err(), ReplayError::NotARecording);
    let error = Recording::open("kafka-lab recording 9\n").unwrap_err();
    assert_eq!(error, ReplayError::OtherForm { found: "9".into() });
    for len in 0..200 {
        assert!(Recording::open(bytes.slice(..len)).is_err());
    }
    for _ in 0..200 {
        let mut hostile = b"kafka-lab recording 1\n".to_vec();
        let len = rng.usize(..300);
        hostile.extend(std::iter::repeat_with(|| rng.u8(..)).take(len));
        assert!(Recording::open(hostile).is_err());
    }
    // Well-formed, but not in an order that a recorder writes.
    let swapped = rewritten(&bytes, |entry| {
        if let Entry::Told { input: input @ None, .. } = entry {
            *input = Some(Input::Wake);
        }
    });
    assert!(matches!(Recording::open(swapped).unwrap().replay(), Err(ReplayError::Damaged { .. })));
}
