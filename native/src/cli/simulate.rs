//! `sim` and `fuzz`: the simulator without a page.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs::File,
    io::Write,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use lab_core::{
    id::NodeId,
    recording::Recording,
    sim::{Scenario, World, fuzz},
};
use serde_json::json;

use super::{duration_ms, print};
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
    /// Write a recording of each life of each node into this folder, for `kafka-lab replay`
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
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

pub(super) fn sim(args: &SimArgs) -> Outcome {
    let mut scenario = Scenario::parse(&args.scenario).map_err(Failure::usage)?;
    if let Some(linger_ms) = args.linger {
        scenario = scenario.with_linger(linger_ms);
    }
    let began = Instant::now();
    let recording = args.record.is_some();
    let mut world = if recording { World::recorded(scenario, args.seed) } else { World::new(scenario, args.seed) };
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
    if let Some(dir) = &args.record {
        save_recordings(&world, dir)?;
    }
    report(&world, &args.scenario, wall_ms, args.json);
    broken(&world)
}

/// `node-1.recording`, and for later lives `node-1.recording.2` and so on.
fn save_recordings(world: &World, dir: &Path) -> Outcome {
    let what = || format!("cannot write recordings into {}", dir.display());
    std::fs::create_dir_all(dir).doing(what)?;
    let mut lives: BTreeMap<NodeId, u32> = BTreeMap::new();
    for bytes in world.recordings() {
        let header = Recording::open(bytes.clone()).expect("just recorded").header;
        let life = lives.entry(header.program.node()).or_default();
        *life += 1;
        let suffix = if *life > 1 { format!(".{life}") } else { String::new() };
        std::fs::write(dir.join(format!("node-{}.recording{suffix}", header.program.node())), bytes).doing(what)?;
    }
    Ok(())
}

pub(super) fn report(world: &World, scenario: &str, wall_ms: u64, as_json: bool) {
    let (sim_ms, hash) = (world.now().as_ms(), format!("{:016x}", world.hash()));
    if as_json {
        print::json(&json!({
            "scenario": scenario, "seed": world.seed(), "frames": world.frames_delivered(),
            "batches": world.acknowledged(), "events": world.events().len(), "hash": hash,
            "sim_ms": sim_ms, "wall_ms": wall_ms, "violations": world.violations(),
        }));
    } else {
        let speed = sim_ms as f64 / wall_ms.max(1) as f64;
        println!(
            "{scenario}, seed {}: {sim_ms} simulated ms in {wall_ms} ms ({speed:.0} times real time)",
            world.seed()
        );
        println!("{} frames, {} batches, hash {hash}", world.frames_delivered(), world.acknowledged());
    }
}

pub(super) fn broken(world: &World) -> Outcome {
    match world.violations() {
        [] => Ok(()),
        broken => Err(Failure::new(format!("promises were broken:\n  {}", broken.join("\n  ")))),
    }
}

pub(super) fn fuzz(args: &FuzzArgs) -> Outcome {
    Scenario::parse(&args.scenario).map_err(Failure::usage)?;
    name_seed_of_panics(&args.scenario);
    let bar = if args.json { ProgressBar::hidden() } else { ProgressBar::new(args.seeds) };
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {msg}").expect("a template that is fixed"));
    let began = Instant::now();
    let next = AtomicU64::new(args.start);
    let end = args.start.saturating_add(args.seeds);
    let outcomes: Mutex<Vec<fuzz::Outcome>> = Mutex::new(Vec::new());
    let panics = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < end) {
                    SEED.set(seed);
                    // A panic inside core is a broken promise too; the hook has said so.
                    let run = || fuzz::run(seed, &args.scenario).expect("the name is good");
                    let Ok(outcome) = std::panic::catch_unwind(run) else {
                        panics.fetch_add(1, Ordering::Relaxed);
                        continue;
                    };
                    let mut outcomes = outcomes.lock().expect("no thread panics with it");
                    if !outcome.violations.is_empty() {
                        bar.suspend(|| complain(&outcome, args.json));
                    }
                    outcomes.push(outcome);
                    let broken = outcomes.iter().filter(|outcome| !outcome.violations.is_empty()).count();
                    bar.set_message(format!("{broken} broke a promise"));
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    let outcomes = outcomes.into_inner().expect("no thread panics with it");
    let broken = outcomes.iter().filter(|outcome| !outcome.violations.is_empty()).count();
    let broken = broken + panics.into_inner();
    let total = |get: fn(&fuzz::Outcome) -> u64| outcomes.iter().map(get).sum::<u64>();
    let (sim_ms, frames, faults) = (total(|o| o.sim_ms), total(|o| o.frames), total(|o| o.faults as u64));
    let acknowledged = total(|o| o.acknowledged as u64);
    let wall_ms = began.elapsed().as_millis() as u64;
    if args.json {
        print::json(&json!({
            "scenario": args.scenario, "seeds": args.seeds, "start": args.start, "sim_ms": sim_ms, "frames": frames,
            "faults": faults, "acknowledged": acknowledged, "wall_ms": wall_ms, "broken": broken,
        }));
    } else {
        let seconds = (sim_ms / 1000, wall_ms / 1000);
        println!(
            "{} seeds, {} simulated s in {} s: {faults} faults, {frames} frames, {acknowledged} batches acknowledged, \
             {broken} seed(s) broke a promise",
            args.seeds, seconds.0, seconds.1
        );
    }
    if broken > 0 { Err(Failure::new(format!("{broken} seed(s) broke a promise"))) } else { Ok(()) }
}

thread_local! {
    /// What this thread is running.
    static SEED: Cell<u64> = const { Cell::new(0) };
}

/// A panic says which seed finds it again.
fn name_seed_of_panics(scenario: &str) {
    let scenario = scenario.to_owned();
    std::panic::set_hook(Box::new(move |panic| {
        let seed = SEED.get();
        println!(
            "seed {seed} broke a promise:\n  a machine panicked: {panic}\n  `kafka-lab fuzz --scenario {scenario} --seeds 1 --start {seed}` repeats it"
        );
        if cfg!(panic = "abort") {
            std::process::exit(1);
        }
    }));
}

fn complain(outcome: &fuzz::Outcome, as_json: bool) {
    let (seed, link, hash) = (outcome.seed, &outcome.link, format!("{:016x}", outcome.hash));
    if as_json {
        print::json(
            &json!({ "seed": seed, "violations": outcome.violations, "link": format!("/#s={link}"), "hash": hash }),
        );
        return;
    }
    println!("seed {seed} broke a promise:");
    outcome.violations.iter().for_each(|violation| println!("  {violation}"));
    println!("  open /#s={link}");
}
