//! `cargo xtask librdkafka`: the broker tests of librdkafka's own test suite, one by one, on three nodes of ours, and
//! (`--kafka`) on Apache Kafka. What each is known to do stands in `docs/librdkafka.md`; a test that passed and does not
//! any more makes the command fail.

mod source;
mod suite;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use self::suite::{Outcome, Scenario, Suite};
use crate::{
    bench::cluster::{Ours, wait_port},
    lab,
    peer::{self, Peer},
    tools::say,
};

/// What the suite's scenarios ask of a cluster (`tests/scenarios/*.json`).
const CONFIG: [(&str, &str); 2] = [("num.partitions", "4"), ("default.replication.factor", "3")];
const NODES: usize = 3;
/// Tests set themselves limits, at most 300 s with what they wait for at their end.
const LIMIT: Duration = Duration::from_secs(300);

pub fn librdkafka(args: &[String]) -> Result<()> {
    let mut kafka = false;
    let mut only = Vec::new();
    for arg in args {
        match arg.as_str() {
            "--kafka" => kafka = true,
            number if number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()) => only.push(number.to_owned()),
            other => bail!("librdkafka does not know {other}; it takes --kafka and numbers of tests, as in 0012"),
        }
    }
    let suite = source::prepare()?;
    let known = known()?;
    let ours = if kafka { None } else { Some(lab::build_for_clients(lab::Build::Quick)?) };
    let mut worse = Vec::new();
    for scenario in Scenario::ALL {
        let tests: Vec<_> = suite.tests(scenario).filter(|t| only.is_empty() || only.contains(&t.number())).collect();
        if tests.is_empty() {
            continue;
        }
        let outcomes = match &ours {
            Some(binary) => on_ours(binary, &suite, scenario, &tests)?,
            None => on_kafka(&suite, scenario, &tests)?,
        };
        for (test, outcome) in &outcomes {
            if !kafka && known.get(test).is_some_and(|known| known == "passes") && *outcome != Outcome::Passed {
                worse.push(format!("{test}: {outcome}"));
            }
        }
    }
    ensure!(worse.is_empty(), "docs/librdkafka.md says that these pass:\n  {}", worse.join("\n  "));
    Ok(())
}

type Outcomes = BTreeMap<String, Outcome>;

fn on_ours(binary: &Path, suite: &Suite, scenario: Scenario, tests: &[suite::Test]) -> Result<Outcomes> {
    let nodes = Ours::up_with(binary, NODES, &config(scenario))?;
    run("kafka-lab", suite, scenario, tests, &nodes.bootstrap)
}

fn on_kafka(suite: &Suite, scenario: Scenario, tests: &[suite::Test]) -> Result<Outcomes> {
    let libs = peer::jars()?.context("Apache Kafka needs Java")?;
    let nodes = Peer::up_with(&libs, NODES, &config(scenario))?;
    wait_port(&nodes.bootstrap)?;
    run("Apache Kafka", suite, scenario, tests, &nodes.bootstrap)
}

fn config(scenario: Scenario) -> Vec<(&'static str, &'static str)> {
    let auto_create = if scenario == Scenario::NoAutoCreate { "false" } else { "true" };
    CONFIG.into_iter().chain([("auto.create.topics.enable", auto_create)]).collect()
}

/// Runs the tests, and prints each as it ends.
fn run(who: &str, suite: &Suite, scenario: Scenario, tests: &[suite::Test], bootstrap: &str) -> Result<Outcomes> {
    say(&format!("librdkafka's tests on {NODES} nodes of {who}, scenario {}", scenario.name()));
    let mut outcomes = Outcomes::new();
    // Tests that share a number run together: the suite selects by number.
    let numbers: BTreeSet<String> = tests.iter().map(suite::Test::number).collect();
    for number in numbers {
        let begun = Instant::now();
        let ended = suite.run(&number, scenario, bootstrap, LIMIT)?;
        let seconds = begun.elapsed().as_secs_f64();
        for (test, outcome) in ended {
            println!("{test:<42} {seconds:>6.1} s  {outcome}");
            outcomes.insert(test, outcome);
        }
    }
    let passed = outcomes.values().filter(|o| **o == Outcome::Passed).count();
    let skipped = outcomes.values().filter(|o| matches!(o, Outcome::Skipped(_))).count();
    println!("\n{who}, scenario {}: {passed} of {} pass, {skipped} skip themselves\n", scenario.name(), outcomes.len());
    Ok(outcomes)
}

/// The table of `docs/librdkafka.md`: test, what it does on our cluster.
fn known() -> Result<BTreeMap<String, String>> {
    let path = crate::root().join("docs/librdkafka.md");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let row = |line: &str| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        Some((cells.next()?.to_owned(), cells.next()?.to_owned()))
    };
    Ok(text.lines().filter_map(row).collect())
}
