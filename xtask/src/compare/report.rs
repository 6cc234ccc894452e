//! What was found: counted while the workers run, printed at the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::Duration,
};

use serde_json::json;

use super::{
    diff::Difference,
    known::{self, Row},
    request::Request,
    schema::Api,
};

/// A difference that no row explains, repeated and made small.
pub struct Finding {
    pub seed: u64,
    pub api: String,
    /// What had to come before it.
    pub before: Vec<String>,
    pub request: String,
    /// As `core/testdata/answers` asks it.
    pub test: Option<String>,
    pub kafka: String,
    pub lab: String,
    pub differences: Vec<Difference>,
}

pub struct Report {
    rows: Vec<Row>,
    counts: Mutex<Counts>,
    verbose: bool,
}

#[derive(Default)]
struct Counts {
    requests: u64,
    batches: u64,
    by_api: BTreeMap<String, u64>,
    /// Where the time went: what was done, how often, how long.
    spent: BTreeMap<String, (u64, Duration)>,
    /// How often each row was met.
    known: BTreeMap<usize, u64>,
    /// Kinds of differences that were seen, so that each is made small once.
    kinds: BTreeMap<String, u64>,
    unexplained: u64,
    /// Differences that did not come again in a fresh round.
    unrepeated: BTreeSet<String>,
}

impl Report {
    pub fn new(verbose: bool) -> Self {
        Self { rows: known::rows(), counts: Mutex::default(), verbose }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        self.counts.lock().expect("no worker panics")
    }

    pub fn asked(&self, api: &str, batches: usize) {
        let mut counts = self.counts();
        counts.requests += 1;
        counts.batches += batches as u64;
        *counts.by_api.entry(api.to_owned()).or_default() += 1;
    }

    /// So long was spent on this.
    pub fn spent(&self, on: &str, took: Duration) {
        let mut counts = self.counts();
        let (times, whole) = counts.spent.entry(on.to_owned()).or_default();
        (*times, *whole) = (*times + 1, *whole + took);
    }

    /// Whether rows explain all of these; counts the rows if so.
    pub fn explained(&self, api: &Api, request: &Request, differences: &[Difference]) -> bool {
        let row = |difference: &Difference| self.rows.iter().position(|row| row.covers(api, request, difference));
        let rows: Option<Vec<usize>> = differences.iter().map(row).collect();
        let mut counts = self.counts();
        rows.iter().flatten().for_each(|row| *counts.known.entry(*row).or_default() += 1);
        rows.is_some()
    }

    /// The differences that no row explains.
    pub fn unknown(&self, api: &Api, request: &Request, differences: &[Difference]) -> Vec<Difference> {
        let is_known = |one: &&Difference| self.rows.iter().any(|row| row.covers(api, request, one));
        differences.iter().filter(|one| !is_known(one)).cloned().collect()
    }

    /// Whether this kind is met for the first time.
    pub fn is_new(&self, kind: &str) -> bool {
        let mut counts = self.counts();
        let seen = counts.kinds.entry(kind.to_owned()).or_default();
        *seen += 1;
        *seen == 1
    }

    pub fn unrepeated(&self, what: String) {
        self.counts().unrepeated.insert(what);
    }

    pub fn found(&self, finding: &Finding) {
        let mut counts = self.counts();
        counts.unexplained += 1;
        println!("\n## seed {}: {}", finding.seed, finding.api);
        finding.before.iter().for_each(|request| println!("- before: {request}"));
        finding.test.iter().for_each(|test| println!("- as a test: {test}"));
        println!("- request: {}\n- Kafka: {}\n- lab: {}", finding.request, finding.kafka, finding.lab);
        for Difference { path, kafka, lab } in finding.differences.iter().take(8) {
            println!("- at {path}: Kafka {kafka}, lab {lab}");
        }
    }

    pub fn unexplained(&self) -> u64 {
        self.counts().unexplained
    }

    pub fn print(&self, took: Duration, as_json: bool) {
        let counts = self.counts();
        if self.verbose {
            let by_api: Vec<String> = counts.by_api.iter().map(|(api, count)| format!("{api} {count}")).collect();
            println!("\nasked: {}", by_api.join(", "));
            let mut spent: Vec<_> = counts.spent.iter().collect();
            spent.sort_by_key(|(_, (_, took))| std::cmp::Reverse(*took));
            spent.iter().for_each(|(on, (times, took))| println!("{:>8.1} s in {times} {on}", took.as_secs_f64()));
            counts.kinds.iter().for_each(|(kind, count)| println!("{count:>6} times {kind}"));
        }
        for what in &counts.unrepeated {
            println!("did not come again: {what}");
        }
        for (row, count) in &counts.known {
            println!("known, {count} times: {}", self.rows[*row].reason);
        }
        let known: u64 = counts.known.values().sum();
        println!(
            "{} requests, {} batches in {:.0} s; {known} known differences, {} unexplained, {} that did not come again",
            counts.requests,
            counts.batches,
            took.as_secs_f64(),
            counts.unexplained,
            counts.unrepeated.len(),
        );
        if as_json {
            let of = json!({ "requests": counts.requests, "batches": counts.batches, "known": known,
                "unexplained": counts.unexplained });
            println!("{of}");
        }
    }
}
