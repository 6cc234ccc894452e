//! Members of a group in a simulated cluster: who reads what when members come, go and die.

use crate::{
    id::NodeId,
    seam::Time,
    sim::{Scenario, World},
    view::{Action, GroupView},
};

const A: NodeId = NodeId(1101);
const C: NodeId = NodeId(1103);

fn world() -> World {
    let mut world = World::new(Scenario::parse("groups").unwrap(), 7);
    world.run_until(Time::from_ms(20_000));
    world
}

fn group(world: &World) -> GroupView {
    let groups = world.view().groups();
    assert_eq!(groups.len(), 1, "{groups:#?}");
    groups.into_iter().next().unwrap()
}

/// How many partitions each member has, by its client's name; all together they must be the six of the topic.
fn shares(group: &GroupView) -> Vec<(&str, usize)> {
    assert_eq!(group.state, "Stable", "{group:#?}");
    let mut all: Vec<i32> = group.members.iter().flat_map(|m| m.partitions.iter().map(|p| p.partition)).collect();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4, 5]);
    let mut shares: Vec<(&str, usize)> =
        group.members.iter().map(|m| (m.client_id.as_str(), m.partitions.len())).collect();
    shares.sort_unstable();
    shares
}

#[test]
fn partitions_follow_the_members() {
    let mut world = world();
    assert_eq!(shares(&group(&world)), [("A", 3), ("B", 3)]);
    world.act(&Action::AddConsumer { consumer: None }).unwrap();
    world.run_until(Time::from_ms(30_000));
    assert_eq!(shares(&group(&world)), [("A", 2), ("B", 2), ("C", 2)]);
    // Who leaves is missed at once.
    world.act(&Action::RemoveConsumer { consumer: A }).unwrap();
    world.run_until(Time::from_ms(36_000));
    assert_eq!(shares(&group(&world)), [("B", 3), ("C", 3)]);
    // Who dies is missed when its session ends.
    world.act(&Action::Kill { node: C }).unwrap();
    world.run_until(Time::from_ms(70_000));
    assert_eq!(shares(&group(&world)), [("B", 3), ("C", 3)]);
    world.run_until(Time::from_ms(90_000));
    assert_eq!(shares(&group(&world)), [("B", 6)]);
    assert_eq!(world.violations(), [""; 0]);
}

#[test]
fn a_group_survives_its_coordinator() {
    let mut world = world();
    let before = group(&world);
    let lag_before = before.lag;
    world.act(&Action::Kill { node: before.coordinator }).unwrap();
    world.run_until(Time::from_ms(60_000));
    let after = group(&world);
    assert_ne!(after.coordinator, before.coordinator);
    assert_eq!(shares(&after), [("A", 3), ("B", 3)]);
    assert_eq!(after.generation, before.generation, "nobody had to join again");
    assert!(after.committed.iter().zip(&before.committed).all(|(now, then)| now.1 > then.1), "{after:#?}");
    assert!(after.lag < lag_before + 60, "they read on: {} behind", after.lag);
    assert_eq!(world.violations(), [""; 0]);
}

#[test]
fn promises_to_groups_hold_under_faults() {
    for seed in 0..3 {
        let outcome = crate::sim::fuzz::run(seed, "groups").unwrap();
        assert_eq!(outcome.violations, [""; 0], "seed {seed}: {}", outcome.link);
    }
}
