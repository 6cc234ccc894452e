//! Random faults under checkers: `FUZZ_SEEDS` seeds from `FUZZ_START` (300 from 1) in the sandbox, and as many with a
//! consumer group. `FUZZ_PRINT=SEED` prints what happened in one seed instead, up to `FUZZ_UNTIL` milliseconds.

use lab_core::{seam::Time, sim};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|v| v.parse().ok())
}

/// Each seed takes one: as Kafka's console consumer, and as people write applications.
const GROUPS: [&str; 4] = [
    "groups",
    "groups,commit=after,processing=10,max.poll.records=20,max.poll.interval.ms=8000",
    "groups,partition.assignment.strategy=range,commit=on-revoke",
    "groups,static,commit=async,processing=5,session.timeout.ms=10000",
];

#[test]
fn no_seed_breaks_a_promise() {
    keep_promises(&["sandbox"]);
}

#[test]
fn no_seed_breaks_a_promise_to_a_group() {
    keep_promises(&GROUPS);
}

/// A leader that had slept acted on an ISR that was out of date, and took for safe what one replica had.
#[test]
fn a_leader_that_slept_keeps_its_high_watermark() {
    let outcome = sim::fuzz::run(880_009, "sandbox").expect("the scenario has a name");
    assert!(outcome.violations.is_empty(), "{:?}", outcome.violations);
}

fn keep_promises(scenarios: &[&str]) {
    let scenario = |seed: u64| scenarios[(seed % scenarios.len() as u64) as usize];
    if let Some(seed) = number("FUZZ_PRINT") {
        return print(seed, scenario(seed));
    }
    let (seeds, start) = (number("FUZZ_SEEDS").unwrap_or(300), number("FUZZ_START").unwrap_or(1));
    let mut broken = Vec::new();
    let (mut acknowledged, mut losses) = (0, Vec::new());
    for seed in start..start + seeds {
        // A broken assertion is a broken promise like any other: say whose seed it was and go on.
        let Ok(outcome) =
            std::panic::catch_unwind(|| sim::fuzz::run(seed, scenario(seed)).expect("the scenario has a name"))
        else {
            broken.push(format!("seed {seed}: panicked, see above"));
            continue;
        };
        assert!(outcome.sim_ms >= 90_000, "{outcome:?}");
        assert!(outcome.faults >= 3, "{outcome:?}");
        acknowledged += outcome.acknowledged;
        if outcome.records_lost > 0 {
            losses.push((seed, outcome.records_lost));
        }
        if !outcome.violations.is_empty() {
            broken.push(format!("seed {seed}:\n  {}\n  /#s={}", outcome.violations.join("\n  "), outcome.link));
        }
    }
    println!("{acknowledged} batches acknowledged; records lost by unclean elections, by seed: {losses:?}");
    assert!(broken.is_empty(), "{} of {seeds} seeds broke a promise\n{}", broken.len(), broken.join("\n"));
    assert!(acknowledged as u64 > seeds * 100, "the seeds hardly produced anything: {acknowledged} batches");
}

fn print(seed: u64, scenario: &str) {
    let until = number("FUZZ_UNTIL").map_or(Time::MAX, Time::from_ms);
    let world = sim::fuzz::world_at(seed, scenario, until).expect("the scenario has a name");
    for event in world.events().iter().filter(|e| !e.kind.is_background()) {
        println!("{:>10} {:<4} {:?} {}", event.at.0, event.node, event.id.0, event.text());
    }
    println!("{:#?}", world.violations());
}
