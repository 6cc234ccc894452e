//! Throughput, broker CPU, latency and memory under a producer in C.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    client,
    cluster::{Ours, wait_port},
    usage::{cpu_seconds, rss_mib},
};
use crate::{
    lab,
    peer::{self, Peer},
};

const RECORD_SIZE_BYTES: u64 = 100;
const PARTITIONS: u32 = 6;

/// Produce with the C client, acks=all, to ours and to Apache Kafka.
pub fn throughput(binary: &Path, nodes: usize) -> Result<()> {
    let Some(client) = client::compiled("produce")? else { return Ok(()) };
    let ours = {
        let cluster = Ours::up(binary, nodes)?;
        measure("kafka-lab", &client, &cluster.bootstrap, &cluster.pids()?, nodes)?
    };
    let Some(libs) = peer::jars()? else { return Ok(()) };
    let peer = Peer::up(&libs, nodes)?;
    wait_port(&peer.bootstrap)?;
    let theirs = measure("Apache Kafka", &client, &peer.bootstrap, &peer.pids(), nodes)?;
    println!(
        "{nodes} node(s): throughput {:.2}x of Apache Kafka's, CPU {:.2}x, memory {:.2}x",
        ours.rate / theirs.rate,
        ours.cpu / theirs.cpu,
        ours.rss / theirs.rss
    );
    Ok(())
}

struct Figures {
    rate: f64,
    cpu: f64,
    rss: f64,
}

fn measure(who: &str, client: &Path, bootstrap: &str, pids: &[u32], nodes: usize) -> Result<Figures> {
    let topic = "bench";
    create_topic(client, bootstrap, topic, nodes)?;
    let records = if nodes == 1 { 5_000_000 } else { 2_000_000 };
    let mut previous: Option<(f64, f64)> = None;
    let mut result = None;
    for run in 1..=8 {
        let before = cpu_seconds(pids);
        let out = produce(client, bootstrap, topic, records, None)?;
        let rate = out["records"].as_f64().unwrap_or(0.0) / out["seconds"].as_f64().unwrap_or(1.0);
        let cpu = (cpu_seconds(pids) - before) / (records as f64 / 1e6);
        println!(
            "  {who}, {nodes} node(s), run {run}: {:.2} million records/s, {cpu:.2} s of broker CPU per million",
            rate / 1e6
        );
        let agrees = previous.is_some_and(|(r, _): (f64, f64)| (rate / r - 1.0).abs() < 0.05);
        previous = Some((rate, cpu));
        result = previous;
        if agrees {
            break;
        }
    }
    let (rate, cpu) = result.context("no run")?;
    let paced = produce(client, bootstrap, topic, 10_000, Some(1000))?;
    let rss = rss_mib(pids);
    println!(
        "{who}, {nodes} node(s): {:.2} million records/s, {cpu:.2} s CPU per million, at 1,000/s p50 {} us p99 {} us, RSS {rss:.0} MiB in all",
        rate / 1e6,
        paced["p50_us"],
        paced["p99_us"]
    );
    Ok(Figures { rate, cpu, rss })
}

fn produce(client: &Path, bootstrap: &str, topic: &str, records: u64, rate: Option<u64>) -> Result<Value> {
    let mut command = Command::new(client);
    command.args([bootstrap, topic, &records.to_string(), &RECORD_SIZE_BYTES.to_string()]);
    command.args(rate.map(|r| r.to_string()));
    let out = command.output()?;
    ensure!(
        out.status.success(),
        "the C client failed: {}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(serde_json::from_slice(&out.stdout)?)
}

/// With our own command line, which speaks to either cluster.
fn create_topic(client: &Path, bootstrap: &str, topic: &str, nodes: usize) -> Result<()> {
    // Any binary will do: it is not what is measured.
    let binary = crate::root().join("target/dist/kafka-lab");
    let first = bootstrap.split(',').next().unwrap_or(bootstrap);
    let made = lab::poll(Duration::from_secs(60), || {
        let out = Command::new(&binary)
            .args(["topics", "create", topic, "--bootstrap", first, "--partitions", &PARTITIONS.to_string()])
            .args(["--replication-factor", &nodes.min(3).to_string()])
            .output()
            .ok()?;
        out.status.success().then_some(())
    });
    made.context("the topic could not be created within 60 s")?;
    // One record to each side first: leaders are known and connections open before the clock runs.
    produce(client, bootstrap, topic, 1000, None).map(drop)
}
