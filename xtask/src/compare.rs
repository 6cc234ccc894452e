//! `cargo xtask compare`: the same requests and record batches to Apache Kafka and to the lab, over the same state, and
//! where the answers differ.
//!
//! A seed is a round: what is prepared, what is asked and in which order depend on it alone. A round ends at its first
//! difference that no row of `core/src/known_differences.txt` explains; that is repeated in rounds of its own, made
//! smaller, and printed with both answers. Rounds run on several connections at once, each with names of its own.

mod batch;
mod blank;
mod codec;
mod decode;
mod diff;
mod draw;
mod draw_batch;
mod draw_config;
mod encode;
mod errors;
mod known;
mod mutate;
mod names;
mod pair;
mod report;
mod request;
mod round;
mod schema;
mod seeds;
mod shrink;
mod side;
mod value;
mod worker;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    bench::cluster::{Ours, wait_port},
    lab,
    peer::{self, Peer},
    schemas,
    tools::say,
};
use report::Report;
use worker::{BothServed, Worker};

/// What both nodes are told: small and quick, and nothing that would come of itself in the middle of a round.
const CONFIG: [(&str, &str); 10] = [
    ("transaction.state.log.replication.factor", "3"),
    ("transaction.state.log.min.isr", "2"),
    ("log.retention.check.interval.ms", "86400000000"),
    ("controller.quorum.append.linger.ms", "0"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("offsets.topic.num.partitions", "5"),
    ("log.retention.ms", "-1"),
    ("log.segment.delete.delay.ms", "1000"),
    ("log.index.size.max.bytes", "65536"),
    ("log.cleaner.enable", "false"),
];

struct Options {
    seeds: u64,
    start: u64,
    json: bool,
    workers: usize,
    /// Only this API.
    api: Option<String>,
    binary: Option<PathBuf>,
    /// Only APIs that the lab advertises.
    built: bool,
    /// Also how often each API was asked, and each kind of difference met.
    verbose: bool,
}

pub fn compare(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let Some(libs) = peer::jars()? else { return Ok(()) };
    let schemas = schemas::read_jars(&schemas::in_folder(&libs))?;
    let apis = schema::apis(&schemas)?;
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => lab::build_for_clients(lab::Build::Quick)?,
    };
    say("starting Apache Kafka and the lab, one node each");
    let (kafka, ours) = pair_up(&libs, &binary)?;
    let theirs = pair::served(&apis, &kafka.bootstrap)?;
    let ours_serve = pair::served(&apis, &ours.bootstrap)?;
    let (built, mut unbuilt): (seeds::Served, seeds::Served) =
        theirs.into_iter().partition(|(key, _)| ours_serve.contains_key(key));
    if options.built {
        unbuilt.clear();
    }
    let served = BothServed { built, unbuilt };
    let begun = Instant::now();
    let report = Report::new(options.verbose);
    let next = AtomicU64::new(options.start);
    let end = options.start + options.seeds;
    let failed = std::thread::scope(|scope| {
        let work = |number: usize| {
            let (report, next, apis, served, options) = (&report, &next, &apis, &served, &options);
            let (kafka, ours) = (&kafka.bootstrap, &ours.bootstrap);
            move || -> Result<()> {
                let mut worker = Worker::new(number, apis, served, report, kafka, ours)?;
                worker.only = options.api.clone();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return Ok(());
                    }
                    worker.seed(seed).with_context(|| format!("seed {seed}"))?;
                }
            }
        };
        let threads: Vec<_> = (0..options.workers).map(|number| scope.spawn(work(number))).collect();
        threads.into_iter().filter_map(|thread| thread.join().expect("a worker does not panic").err()).next()
    });
    drop((kafka, ours));
    let failed = failed.map_or(Ok(()), Err).and_then(|()| {
        // So few, since each has clusters of its own, and Java takes long to start.
        let count = if options.api.is_some() { 0 } else { options.seeds.div_ceil(100) };
        for seed in options.start..options.start + count {
            let (kafka, ours) = pair_up(&libs, &binary)?;
            let mut worker = Worker::new(0, &apis, &served, &report, &kafka.bootstrap, &ours.bootstrap)?;
            worker.ending(seed).with_context(|| format!("seed {seed}, on clusters of its own"))?;
        }
        Ok(())
    });
    report.print(begun.elapsed(), options.json);
    failed?;
    ensure!(report.unexplained() == 0, "{} differences that no row explains", report.unexplained());
    Ok(())
}

/// A node of each, which listens.
fn pair_up(libs: &Path, binary: &Path) -> Result<(Peer, Ours)> {
    let kafka = Peer::up_with(libs, 1, &CONFIG)?;
    let ours = Ours::up_with(binary, 1, &CONFIG)?;
    wait_port(&kafka.bootstrap)?;
    Ok((kafka, ours))
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self {
            seeds: 100,
            start: 0,
            json: false,
            workers: 4,
            api: None,
            binary: None,
            built: false,
            verbose: false,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--seeds" => options.seeds = value()?.parse().context("--seeds needs a number")?,
                "--start" => options.start = value()?.parse().context("--start needs a number")?,
                "--workers" => options.workers = value()?.parse().context("--workers needs a number")?,
                "--api" => options.api = Some(value()?.clone()),
                "--binary" => options.binary = Some(value()?.into()),
                "--built" => options.built = true,
                "--json" => options.json = true,
                "--verbose" => options.verbose = true,
                other => bail!(
                    "compare does not know {other}; it takes --seeds N, --start N, --workers N, --api NAME, --binary PATH, \
                     --built, --verbose and --json"
                ),
            }
        }
        Ok(options)
    }
}
