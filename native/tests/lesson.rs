//! A lesson passed on real processes, by its own right scripts.

#[path = "cluster/lab.rs"]
#[allow(dead_code, reason = "the tests of a cluster use the rest")]
mod lab;

use lab::{run, stderr};

#[test]
fn kill_the_leader_is_passed_on_a_real_cluster() {
    let output = run(&["lesson", "check", "kill-the-leader", "--native"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", stderr(&output));
    assert!(said.contains("whole on a real cluster: 4 goals, 2 right scripts"), "{said}");
}

/// Members join and leave for real, and one that is killed is missed only when its session ends.
#[test]
fn groups_share_partitions_is_passed_on_a_real_cluster() {
    let output = run(&["lesson", "check", "groups-share-partitions", "--native"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", stderr(&output));
    assert!(said.contains("whole on a real cluster: 4 goals, 2 right scripts"), "{said}");
}

#[test]
fn a_lesson_for_the_simulator_says_so() {
    let output = run(&["lesson", "check", "followers-pull", "--native"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("in the simulator only"), "{}", stderr(&output));
}
