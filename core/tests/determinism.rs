//! One seed, one run: whoever watches, checks, forks, rewinds or replays, the hash is the same.

use lab_core::{
    id::NodeId,
    seam::Time,
    sim::{Scenario, Session, World, timeline::Timeline, visible},
    view::Action,
};

fn ms(ms: u64) -> Time {
    Time::from_ms(ms)
}

/// A session with a bit of everything, played to 30 s.
fn session(seed: u64) -> Session {
    let actions = vec![
        (ms(6000), Action::Kill { node: NodeId(1) }),
        (ms(9000), Action::Cut { a: NodeId(2), b: NodeId(101), one_way: true }),
        (ms(17_000), Action::Start { node: NodeId(1) }),
        (ms(18_000), Action::Heal),
        (ms(20_000), Action::PowerLoss { node: NodeId(102) }),
        (ms(22_000), Action::Start { node: NodeId(102) }),
    ];
    Session { actions, cursor: ms(30_000), ..Session::new("sandbox", seed) }
}

#[test]
fn a_link_replays_to_the_same_hash_whoever_watches() {
    let session = session(7);
    let first = World::from_session(&session).unwrap();
    let link = Session::from_link(&session.to_link()).unwrap();
    assert_eq!(World::from_session(&link).unwrap().hash(), first.hash());

    let mut unseen = World::new(Scenario::parse("sandbox").unwrap(), 7);
    unseen.set_tracing(false);
    unseen.set_checking(false);
    for (at, action) in &session.actions {
        unseen.run_until(*at);
        unseen.act(action).unwrap();
    }
    unseen.run_until(session.cursor);
    assert_eq!(unseen.hash(), first.hash());
    assert_ne!(World::from_session(&self::session(8)).unwrap().hash(), first.hash());
    assert_eq!(first.violations(), &[] as &[String]);
}

#[test]
fn the_real_cluster_rewinds_exactly() {
    let mut timeline = Timeline::new(&session(7)).unwrap();
    let times = [0, 3000, 5999, 6000, 6001, 12_345, 18_000, 25_000, 30_000];
    let hashes = times.map(|at| {
        timeline.seek(ms(at));
        timeline.world().hash()
    });
    for i in [8, 2, 5, 0, 7, 1, 4, 3, 6, 8, 0] {
        timeline.seek(ms(times[i]));
        assert_eq!(timeline.world().hash(), hashes[i], "at {} ms", times[i]);
    }
    timeline.seek(ms(6000));
    let next = timeline.next_event(visible, 10_000).expect("something happens after a kill");
    assert!(next.at > ms(6000) && timeline.now() == next.at);
    let back = timeline.previous_event(visible).expect("the kill is before it");
    assert!(back.at <= ms(6000) && timeline.now() == back.at, "{back:?}");
}

#[test]
fn acting_in_the_past_of_the_real_cluster_forks() {
    let mut timeline = Timeline::new(&session(7)).unwrap();
    let end = timeline.world().hash();
    timeline.seek(ms(7000));
    timeline.act(&Action::Kill { node: NodeId(2) }).unwrap();
    timeline.seek(ms(30_000));
    assert_ne!(timeline.world().hash(), end);
    assert_eq!(timeline.branches().len(), 2);
    timeline.switch(0, ms(30_000)).unwrap();
    assert_eq!(timeline.world().hash(), end);
}

#[test]
fn the_same_recordings_are_made_twice() {
    let recorded = || {
        let mut world = World::recorded(Scenario::parse("one-broker").unwrap(), 3);
        world.run_until(ms(8000));
        world.recordings()
    };
    let first = recorded();
    assert!(first.len() > 2 && first.iter().all(|recording| recording.len() > 1000));
    assert!(first == recorded(), "the bytes of two recordings of one world differ");
}
