//! One of several that run rounds at once: asks, and looks into what differs.

use std::time::Instant;

use anyhow::Result;
use serde_json::json;

use super::{
    diff::Difference,
    pair::{Apis, Outcome, Pair, Said},
    report::{Finding, Report},
    request::Request,
    round::{self, Barrier},
    seeds::{self, Served, Sort},
    shrink,
    value::Value,
};

/// Rounds that may be spent on finding out what has to come before a difference, and requests on making it small.
const ROUNDS: usize = 16;
const ASKS: usize = 300;

pub struct Worker<'a> {
    pair: Pair<'a>,
    served: &'a BothServed,
    report: &'a Report,
    barrier: Barrier,
    /// Names the rounds: workers count in steps, so that no two use one.
    round: u64,
    pub only: Option<String>,
}

/// The versions of the APIs that both have, and of those that only Kafka has.
pub struct BothServed {
    pub built: Served,
    pub unbuilt: Served,
}

/// Where a round ended before its last request.
struct Stop {
    at: usize,
    outcome: Outcome,
    unknown: Vec<Difference>,
}

impl<'a> Worker<'a> {
    pub fn new(
        number: usize,
        apis: &'a Apis,
        served: &'a BothServed,
        report: &'a Report,
        kafka: &str,
        lab: &str,
    ) -> Result<Self> {
        let mut pair = Pair::new(apis, kafka, lab);
        pair.begin(number as u64);
        // The first who asks for a coordinator has the topic of offsets made.
        pair.must(&pair.request(10, 2, &json!({ "Key": "compare" })))?;
        let barrier = Barrier::new(&mut pair, number)?;
        Ok(Self { pair, served, report, barrier, round: 1000 + number as u64, only: None })
    }

    pub fn seed(&mut self, seed: u64) -> Result<()> {
        let sort = if self.only.is_some() { Sort::Mixed } else { Sort::of(seed) };
        let requests = match sort {
            Sort::Unbuilt => seeds::requests(&self.pair, &self.served.unbuilt, seed, sort),
            _ => {
                let mut built = self.served.built.clone();
                built.retain(|key, _| self.only.as_ref().is_none_or(|name| self.pair.apis[key].name() == name));
                let mut requests = seeds::requests(&self.pair, &built, seed, sort);
                requests.extend(round::look(&self.pair));
                requests
            }
        };
        let Some(stop) = self.run(&requests, true)? else { return Ok(()) };
        let kind = self.kind(&requests[stop.at], &stop.unknown);
        if !self.report.is_new(&kind) {
            return Ok(());
        }
        let began = Instant::now();
        let shrunk = self.shrink(&requests[..=stop.at], &kind)?;
        self.report.spent("differences made small", began.elapsed());
        let Some((small, stop)) = shrunk else {
            self.report.unrepeated(format!("seed {seed}: {kind}"));
            return Ok(());
        };
        let text = |request: &Request| request.text(&self.pair.apis[&request.key]);
        let (last, before) = small.split_last().expect("at least the one that differs");
        let api = &self.pair.apis[&last.key];
        self.report.found(&Finding {
            seed,
            api: api.name().to_owned(),
            before: before.iter().map(text).collect(),
            request: text(last),
            test: last.as_test(api),
            kafka: stop.outcome.kafka.text(api, last.version),
            lab: stop.outcome.lab.text(api, last.version),
            differences: stop.unknown,
        });
        Ok(())
    }

    /// Requests that may end the clusters, which are this round's alone: the first difference is reported as it comes.
    pub fn ending(&mut self, seed: u64) -> Result<()> {
        let requests = seeds::ending(&self.pair, &self.served.built, seed);
        self.prepare()?;
        for (at, request) in requests.iter().enumerate() {
            // A broker that is gone answers nothing more, on either side.
            let Ok(outcome) = self.pair.ask(request) else { return Ok(()) };
            let api = &self.pair.apis[&request.key];
            self.report.asked(api.name(), 0);
            let unknown = self.report.unknown(api, request, &outcome.differences);
            if unknown.is_empty() {
                self.report.explained(api, request, &outcome.differences);
            } else {
                if !self.report.is_new(&self.kind(request, &unknown)) {
                    return Ok(());
                }
                let text = |request: &Request| request.text(&self.pair.apis[&request.key]);
                self.report.found(&Finding {
                    seed,
                    api: api.name().to_owned(),
                    before: requests[..at].iter().map(text).collect(),
                    request: text(request),
                    test: request.as_test(api),
                    kafka: outcome.kafka.text(api, request.version),
                    lab: outcome.lab.text(api, request.version),
                    differences: unknown,
                });
                return Ok(());
            }
            if round::settles_later(request) && self.barrier.pass(&mut self.pair).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Runs a round up to its first difference that no row explains.
    fn run(&mut self, requests: &[Request], counts: bool) -> Result<Option<Stop>> {
        self.prepare()?;
        let mut stopped = None;
        for (at, request) in requests.iter().enumerate() {
            let outcome = self.ask(request)?;
            let api = &self.pair.apis[&request.key];
            if counts {
                self.report.asked(api.name(), batches(&request.body));
            }
            let unknown = self.report.unknown(api, request, &outcome.differences);
            if !unknown.is_empty() {
                stopped = Some(Stop { at, outcome, unknown });
                break;
            }
            if counts && !outcome.differences.is_empty() {
                self.report.explained(api, request, &outcome.differences);
            }
        }
        let began = Instant::now();
        round::put_away(&mut self.pair)?;
        self.report.spent("rounds put away", began.elapsed());
        Ok(stopped)
    }

    /// A fresh round, again when something else than a difference came in between: a machine that stood still for
    /// seconds, say, and a group whose member was lost meanwhile.
    fn prepare(&mut self) -> Result<()> {
        let began = Instant::now();
        let mut outcome = Ok(());
        for _ in 0..3 {
            self.round += 64;
            self.pair.begin(self.round);
            outcome = round::prepare(&mut self.pair, &mut self.barrier);
            if outcome.is_ok() {
                break;
            }
        }
        self.report.spent("rounds prepared", began.elapsed());
        outcome
    }

    fn ask(&mut self, request: &Request) -> Result<Outcome> {
        let began = Instant::now();
        let outcome = self.pair.ask(request)?;
        self.report.spent(self.pair.apis[&request.key].name(), began.elapsed());
        if round::settles_later(request) {
            let began = Instant::now();
            self.barrier.pass(&mut self.pair)?;
            self.report.spent("barriers", began.elapsed());
        }
        Ok(outcome)
    }

    /// What a difference is called, so that others like it are not looked into again.
    fn kind(&self, request: &Request, unknown: &[Difference]) -> String {
        let api = self.pair.apis[&request.key].name();
        let first = &unknown[0];
        let short = |text: &str| match text.starts_with(|c: char| c.is_ascii_uppercase()) {
            true => text.to_owned(),
            false => text.chars().take(12).filter(|c| c.is_alphabetic()).collect(),
        };
        format!("{api} {}: Kafka {}, lab {}", first.kind(), short(&first.kafka), short(&first.lab))
    }

    /// The fewest and simplest requests that still end in a difference of this kind; `None` if it does not come again.
    fn shrink(&mut self, requests: &[Request], kind: &str) -> Result<Option<(Vec<Request>, Stop)>> {
        let alone = &requests[requests.len() - 1..];
        let mut best = match self.repeats(alone, kind)? {
            Some(stop) => (alone.to_vec(), stop),
            None => match self.repeats(requests, kind)? {
                Some(stop) => (requests.to_vec(), stop),
                None => return Ok(None),
            },
        };
        // Fewer requests before it, in halves, quarters, ...
        let mut left = ROUNDS;
        let mut size = best.0.len().div_ceil(2);
        while best.0.len() > 1 && left > 0 && size > 0 {
            let mut at = 0;
            while at + 1 < best.0.len() && left > 0 {
                let mut fewer = best.0.clone();
                fewer.drain(at..(at + size).min(best.0.len() - 1));
                left -= 1;
                match self.repeats(&fewer, kind)? {
                    Some(stop) => best = (fewer, stop),
                    None => at += size,
                }
            }
            size /= 2;
        }
        let small = self.simplest(&best.0, kind)?;
        match self.repeats(&small, kind)? {
            Some(stop) => Ok(Some((small, stop))),
            None => Ok(Some(best)),
        }
    }

    /// Makes the last request smaller, all in one round: what it leaves behind may disturb that, so whoever calls tries
    /// the outcome in a round of its own.
    fn simplest(&mut self, requests: &[Request], kind: &str) -> Result<Vec<Request>> {
        let (last, before) = requests.split_last().expect("at least the one that differs");
        self.prepare()?;
        for request in before {
            self.ask(request)?;
        }
        let mut best = last.clone();
        let mut left = ASKS;
        'smaller: loop {
            let api = &self.pair.apis[&best.key];
            let served = self.served.built.get(&best.key).or(self.served.unbuilt.get(&best.key));
            let lowest = served.map_or(best.version, |(lowest, _)| *lowest);
            for simpler in shrink::simpler(api, &best, lowest) {
                let outcome = self.ask(&simpler)?;
                let waited = outcome.kafka == Said::Silence || outcome.lab == Said::Silence;
                left = left.saturating_sub(if waited { ASKS / 8 } else { 1 });
                let unknown = self.report.unknown(api, &simpler, &outcome.differences);
                if !unknown.is_empty() && self.kind(&simpler, &unknown) == kind {
                    best = simpler;
                    continue 'smaller;
                }
                if left == 0 {
                    break 'smaller;
                }
            }
            break;
        }
        round::put_away(&mut self.pair)?;
        Ok([before, &[best]].concat())
    }

    fn repeats(&mut self, requests: &[Request], kind: &str) -> Result<Option<Stop>> {
        let stop = self.run(requests, false)?;
        Ok(stop.filter(|stop| stop.at + 1 == requests.len() && self.kind(&requests[stop.at], &stop.unknown) == kind))
    }
}

fn batches(value: &Value) -> usize {
    match value {
        Value::Batches(batches) => batches.len(),
        Value::Array(items) | Value::Struct(items) => items.iter().map(batches).sum(),
        _ => 0,
    }
}
