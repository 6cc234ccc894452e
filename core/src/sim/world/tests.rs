//! Faults of the world's own, shown on toys that ping each other.

use super::*;
use crate::program::Process;
use crate::sim::toy::Toy;
use crate::view::ProcessState;

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
    let kinds: Vec<_> = world.events().iter().map(|e| &e.kind).filter(|k| !matches!(k, EventKind::Sent(_))).collect();
    assert!(matches!(kinds[..], [EventKind::LinkReset { .. }, EventKind::StopAsked, EventKind::Stopped]), "{kinds:?}");
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
