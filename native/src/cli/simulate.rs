//! `sim`, `fuzz` and `replay`: the simulator without a page.

use std::{fs::File, io::Write, path::PathBuf, time::Instant};

use clap::Args;
use lab_core::sim::{Scenario, Session, World};
use serde_json::json;

use super::print;
use crate::failure::{Failure, Outcome, While};

#[derive(Debug, Args)]
pub(super) struct SimArgs {
    /// Name of a scenario
    #[arg(long, default_value = "three-brokers", value_name = "NAME")]
    scenario: String,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Simulated time
    #[arg(long = "for", default_value = "60s", value_name = "TIME", value_parser = duration_ms)]
    for_ms: u64,
    /// The producers' linger.ms
    #[arg(long, value_name = "MS")]
    linger: Option<u64>,
    /// Write every event, one JSON object a line
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct FuzzArgs {
    /// How many seeds
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Name of a scenario
    #[arg(long, default_value = "three-brokers", value_name = "NAME")]
    scenario: String,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// A session: a link, its text, or a file that holds it
    session: String,
    #[arg(long)]
    json: bool,
}

/// `60s`, `500ms`, `2m`, or a number of seconds.
fn duration_ms(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit {
        "ms" => 1,
        "s" | "" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a time is wanted, as in 60s, 500ms or 2m".into()),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(|| "a time is wanted, as in 60s".into())
}

pub(super) fn sim(args: &SimArgs) -> Outcome {
    let mut scenario = Scenario::parse(&args.scenario).map_err(Failure::usage)?;
    if let Some(linger_ms) = args.linger {
        scenario = scenario.with_linger(linger_ms);
    }
    let began = Instant::now();
    let mut world = World::new(scenario, args.seed);
    world.set_tracing(args.trace.is_some());
    world.run_for(args.for_ms);
    let wall_ms = began.elapsed().as_millis() as u64;
    if let Some(path) = &args.trace {
        let what = || format!("cannot write {}", path.display());
        let mut file = std::io::BufWriter::new(File::create(path).doing(what)?);
        for event in world.events_since(0) {
            let line = serde_json::to_string(event).expect("plain data");
            writeln!(file, "{line}").doing(what)?;
        }
        file.flush().doing(what)?;
    }
    report(&world, &args.scenario, wall_ms, args.json);
    broken(&world)
}

fn report(world: &World, scenario: &str, wall_ms: u64, as_json: bool) {
    let (sim_ms, hash) = (world.now().as_ms(), format!("{:016x}", world.hash()));
    if as_json {
        print::json(&json!({
            "scenario": scenario, "seed": world.seed(), "frames": world.frames_delivered(),
            "events": world.events().len(), "hash": hash,
            "sim_ms": sim_ms, "wall_ms": wall_ms, "violations": world.violations(),
        }));
    } else {
        let speed = sim_ms as f64 / wall_ms.max(1) as f64;
        println!(
            "{scenario}, seed {}: {sim_ms} simulated ms in {wall_ms} ms ({speed:.0} times real time)",
            world.seed()
        );
        println!("{} frames, hash {hash}", world.frames_delivered());
    }
}

fn broken(world: &World) -> Outcome {
    match world.violations() {
        [] => Ok(()),
        broken => Err(Failure::new(format!("promises were broken:\n  {}", broken.join("\n  ")))),
    }
}

pub(super) fn replay(args: &ReplayArgs) -> Outcome {
    let path = std::path::Path::new(&args.session);
    let text = if path.exists() {
        std::fs::read_to_string(path).doing(|| format!("cannot read {}", path.display()))?
    } else {
        args.session.clone()
    };
    let session = Session::from_link(text.trim()).map_err(|error| {
        Failure::new(format!("this is no session: {error}")).next("A session is what the page's Share button copies.")
    })?;
    let began = Instant::now();
    let run = || -> Outcome<World> {
        let mut world = World::from_session(&session).map_err(Failure::new)?;
        world.run_until(session.cursor);
        Ok(world)
    };
    let world = run()?;
    let wall_ms = began.elapsed().as_millis() as u64;
    report(&world, &session.scenario, wall_ms, args.json);
    broken(&world)
}
