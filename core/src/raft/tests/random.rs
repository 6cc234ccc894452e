//! Safety under random faults, and liveness after they stop.

use super::world::World;
use crate::id::NodeId;

/// Kills, power losses, cuts and healing for a while, with appends and snapshots all the time. The checkers run after
/// every input. Then everything is healed, and the quorum must elect a leader and commit a new record everywhere.
fn survive(seed: u64, voters: &[i32], observers: &[i32], ms: u64) {
    let mut world = World::new(voters, observers, seed);
    let mut rng = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9));
    // Whole classes of faults are left out of some runs, so that each also gets runs to itself.
    let (kills, cuts, losses) = (rng.bool(), rng.bool(), rng.bool());
    world.ambushes = rng.bool();
    if rng.bool() {
        world.latency_us = (500, 100_000);
    }
    if rng.bool() {
        world.sync_us = (1000, 400_000);
    }
    world.start_all();
    let end = ms;
    let mut at = 0;
    while at < end {
        let pause_ms = rng.u64(1..800);
        at += pause_ms;
        world.run_ms(pause_ms);
        let ids = world.ids();
        let any = ids[rng.usize(0..ids.len())];
        let other = ids[rng.usize(0..ids.len())];
        match rng.u32(0..10) {
            0 if kills && world.is_up(any) => world.crash(any, false),
            1 if losses && world.is_up(any) => world.crash(any, true),
            2 if kills && world.is_up(any) && !world.nodes[&any].has_exited => world.shutdown(any),
            3 | 4 if !world.is_up(any) => world.start(any),
            5 if cuts => {
                world.cut.insert((any, other));
                if rng.bool() {
                    world.cut.insert((other, any));
                }
            }
            6 => world.heal(),
            7 if world.is_up(any) && rng.u32(0..4) == 0 => world.snapshot(any),
            _ => {
                for id in ids {
                    if world.is_up(id) && world.nodes[&id].leads.is_some() {
                        world.append(id);
                    }
                }
            }
        }
    }
    converge(&mut world, seed);
}

fn converge(world: &mut World, seed: u64) {
    world.heal();
    world.ambushes = false;
    // Who was stopping may still be waiting for a successor.
    world.run_ms(5000);
    for id in world.ids() {
        if !world.is_up(id) {
            world.start(id);
        }
    }
    assert!(world.run_while(30_000, |world| world.leader().is_some()), "seed {seed}: no leader after the faults");
    let last = loop {
        if let Some(last) = world.leader().and_then(|leader| world.append(leader)) {
            break last;
        }
        world.run_ms(100);
    };
    let everywhere = |world: &World| {
        world.nodes.values().all(|node| node.raft.as_ref().is_some_and(|raft| raft.delivered_offset() > last))
    };
    assert!(world.run_while(30_000, everywhere), "seed {seed}: offset {last} is not everywhere");
    world.checker.check_logs(&world.nodes);
    // What is parked is answered in its time: each request at most once (checked always), and none never.
    let waiting = |world: &World| world.checker.unanswered() <= world.nodes.len();
    assert!(world.run_while(2000, waiting), "seed {seed}: {} requests wait", world.checker.unanswered());
    let sane: Vec<NodeId> = world.ids();
    assert!(sane.iter().all(|id| world.is_up(*id)));
    assert!(world.checker.highest() > last);
}

#[test]
fn three_voters_survive_random_faults() {
    for seed in 0..60 {
        survive(seed, &[101, 102, 103], &[1], 30_000);
    }
}

#[test]
fn five_voters_survive_random_faults() {
    for seed in 1000..1015 {
        survive(seed, &[101, 102, 103, 104, 105], &[1, 2], 30_000);
    }
}

#[test]
fn one_voter_survives_random_faults() {
    for seed in 2000..2010 {
        survive(seed, &[101], &[1], 20_000);
    }
}

#[test]
fn the_same_seed_is_the_same_story() {
    let story = || {
        let mut world = World::new(&[101, 102, 103], &[1], 42);
        world.start_all();
        world.run_ms(5000);
        world.crash(world.leader().unwrap(), true);
        world.run_ms(5000);
        world.log
    };
    assert_eq!(story(), story());
}
