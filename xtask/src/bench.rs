//! `cargo xtask bench`: prints figures and ratios; gates nothing.
//!
//! Each figure of ours stands beside Apache Kafka's from the same run where Java is present. Runs repeat until two in a
//! row agree within 5 % (at most eight), so that a JVM is compared warm.

mod client;
pub mod cluster;
mod groups;
mod page;
mod partitions;
mod simulator;
mod size;
mod startup;
mod throughput;
mod usage;

use anyhow::{Result, bail};

use crate::lab::{self, Build};

/// `names`: which benchmarks, else all; after `--binary PATH` with that kafka-lab instead of one built for it.
pub fn bench(names: &[String]) -> Result<()> {
    let (names, binary) = match names.iter().position(|name| name == "--binary") {
        Some(at) => (&[&names[..at], &names[names.len().min(at + 2)..]].concat(), names.get(at + 1)),
        None => (&names.to_vec(), None),
    };
    let known = ["sim", "chromium", "startup", "one", "three", "size", "groups", "partitions"];
    if let Some(unknown) = names.iter().find(|n| !known.contains(&n.as_str())) {
        bail!("no benchmark {unknown}; there are {}", known.join(", "));
    }
    let wants = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    // Only two look at the page.
    let binary = if let Some(binary) = binary {
        binary.into()
    } else if wants("size") || wants("chromium") {
        lab::build(Build::Dist)?
    } else {
        lab::build_for_clients(Build::Dist)?
    };
    if wants("size") {
        size::size()?;
    }
    if wants("sim") {
        simulator::simulator(&binary)?;
    }
    if wants("chromium") {
        page::chromium(&binary)?;
    }
    if wants("startup") {
        startup::startup(&binary)?;
    }
    for (name, nodes) in [("one", 1), ("three", 3)] {
        if wants(name) {
            throughput::throughput(&binary, nodes)?;
        }
    }
    if wants("groups") {
        groups::groups(&binary)?;
    }
    if wants("partitions") {
        partitions::partitions(&binary)?;
    }
    Ok(())
}
