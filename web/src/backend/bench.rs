//! The simulator against the clock, in this page and without drawing: what `window.lab.bench` runs.

use lab_core::sim::{Scenario, World};
use serde::{Deserialize, Serialize};

/// What to run. Everything has a default, so that `lab.bench({})` means something.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Run {
    scenario: String,
    seed: u64,
    /// Simulated time.
    seconds: u64,
    /// The producers' `linger.ms`; the client's default when absent.
    linger: Option<u64>,
}

impl Default for Run {
    fn default() -> Self {
        Self { scenario: "three-brokers".into(), seed: 1, seconds: 60, linger: None }
    }
}

/// The same figures as `kafka-lab sim --json`, so that the two can be compared, hash included.
#[derive(Debug, Serialize)]
pub struct Outcome {
    scenario: String,
    seed: u64,
    sim_ms: u64,
    wall_ms: f64,
    frames: u64,
    batches: usize,
    hash: String,
    violations: Vec<String>,
}

/// Runs it in one go: the page stands still meanwhile. `clock_ms` is the browser's clock.
pub fn bench(run: &Run, clock_ms: impl Fn() -> f64) -> Result<Outcome, String> {
    let mut scenario = Scenario::parse(&run.scenario)?;
    if let Some(linger_ms) = run.linger {
        scenario = scenario.with_linger(linger_ms);
    }
    let name = scenario.name.clone();
    let began = clock_ms();
    let mut world = World::new(scenario, run.seed);
    world.set_tracing(false);
    world.run_for(run.seconds.saturating_mul(1000));
    Ok(Outcome {
        scenario: name,
        seed: run.seed,
        sim_ms: world.now().as_ms(),
        wall_ms: clock_ms() - began,
        frames: world.frames_delivered(),
        batches: world.acknowledged(),
        hash: format!("{:016x}", world.hash()),
        violations: world.violations().to_vec(),
    })
}
