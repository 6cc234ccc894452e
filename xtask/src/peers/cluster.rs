//! The cluster under the group: three nodes of ours or of Apache Kafka, and the tools that look at groups.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::member::Member;
use crate::{
    bench::cluster::{Ours, wait_port},
    lab,
    peer::{self, Peer},
};

pub struct Cluster {
    bootstrap: String,
    _nodes: Nodes,
}

#[expect(dead_code, reason = "held so that the nodes end when the cluster is dropped")]
enum Nodes {
    Ours(Ours),
    Kafka(Peer),
}

impl Cluster {
    pub fn ours(binary: &Path) -> Result<Self> {
        let nodes = Ours::up(binary, 3)?;
        Ok(Self { bootstrap: nodes.bootstrap.clone(), _nodes: Nodes::Ours(nodes) })
    }

    pub fn kafka() -> Result<Option<Self>> {
        let Some(libs) = peer::jars()? else { return Ok(None) };
        // As `kafka-lab up` has it, so that the times can be compared.
        let nodes = Peer::up_with(&libs, 3, &[("group.initial.rebalance.delay.ms", "0")])?;
        wait_port(&nodes.bootstrap)?;
        Ok(Some(Self { bootstrap: nodes.bootstrap.clone(), _nodes: Nodes::Kafka(nodes) }))
    }

    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// One of its addresses.
    pub fn first(&self) -> &str {
        self.bootstrap.split(',').next().unwrap_or_default()
    }

    fn lab(&self, binary: &Path, args: &[&str]) -> Command {
        lab_at(self.first(), binary, args)
    }

    pub fn create_topic(&self, binary: &Path, topic: &str, partitions: usize) -> Result<()> {
        let partitions = partitions.to_string();
        let args = ["topics", "create", topic, "--partitions", &partitions, "--replication-factor", "3"];
        lab::poll(Duration::from_secs(60), || self.lab(binary, &args).output().ok().filter(|out| out.status.success()))
            .context("the topic could not be created within 60 s")?;
        // A broker hears of it a little later than the controller has made it, and a library asks any of them.
        for broker in self.bootstrap.split(',') {
            let known = || topics(broker, binary).ok()?.iter().any(|found| found == topic).then_some(());
            lab::poll(Duration::from_secs(60), known)
                .with_context(|| format!("{broker} has not heard of the topic"))?;
        }
        Ok(())
    }

    pub fn topics(&self, binary: &Path) -> Result<Vec<String>> {
        topics(self.first(), binary)
    }

    /// Records with keys, so that every partition gets some.
    pub fn produce(&self, binary: &Path, topic: &str, records: usize) -> Result<()> {
        let mut child = self.lab(binary, &["produce", topic, "--key-separator", ":"]).stdin(Stdio::piped()).spawn()?;
        let mut input = child.stdin.take().context("stdin is piped")?;
        for i in 0..records {
            writeln!(input, "key-{i}:value-{i}")?;
        }
        drop(input);
        ensure!(child.wait()?.success(), "kafka-lab produce failed");
        Ok(())
    }

    /// Sum over the group's partitions.
    pub fn lag(&self, binary: &Path, group: &str) -> Result<i64> {
        let out = self.lab(binary, &["groups", "describe", group, "--json"]).output()?;
        ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let group: serde_json::Value = serde_json::from_slice(&out.stdout)?;
        let partitions = group["partitions"].as_array().context("groups describe --json has no partitions")?;
        let lag = |partition: &serde_json::Value| {
            partition["lag"].as_i64().with_context(|| format!("no lag of partition {}", partition["partition"]))
        };
        partitions.iter().map(lag).sum()
    }

    /// Kafka's own tool: describes the group with its lag, is refused a reset while members are there, and resets when
    /// they have gone. Says what is not so.
    pub fn tools(&self, group: &str, topic: &str, members: &mut Vec<Member>) -> Result<Vec<String>> {
        let Some(libs) = peer::jars()? else { return Ok(Vec::new()) };
        let tool = |args: &[&str]| -> Result<String> {
            let class = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
            let mut command = peer::java(&libs, class);
            let out = command.args(["--bootstrap-server", &self.bootstrap, "--group", group]).args(args).output()?;
            Ok(format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)))
        };
        let mut wrong = Vec::new();
        let mut expect = |what: &str, said: &str, holds: bool| {
            if !holds {
                wrong.push(format!("{what}: {}", said.trim()));
            }
        };
        let described = tool(&["--describe"])?;
        let rows = described.lines().filter(|line| line.split_whitespace().nth(1) == Some(topic));
        let lags: Vec<&str> = rows.filter_map(|line| line.split_whitespace().nth(5)).collect();
        expect("kafka-consumer-groups --describe", &described, !lags.is_empty() && lags.iter().all(|lag| *lag == "0"));
        let reset = ["--reset-offsets", "--to-earliest", "--topic", topic, "--execute"];
        let refused = tool(&reset)?;
        expect("a reset while members are there", &refused, refused.contains("inactive"));
        for member in members.iter_mut() {
            member.leave()?;
        }
        members.clear();
        let done = tool(&reset)?;
        let zeros = done.lines().filter(|line| line.split_whitespace().last() == Some("0")).count();
        expect("a reset of an empty group", &done, zeros == super::group::PARTITIONS);
        let deleted = tool(&["--delete"])?;
        expect("deleting the group", &deleted, deleted.contains("successful"));
        Ok(wrong)
    }
}

fn lab_at(broker: &str, binary: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(args).args(["--bootstrap", broker]);
    command
}

/// The names of all topics that this broker knows. Asking for one by its name could make it.
fn topics(broker: &str, binary: &Path) -> Result<Vec<String>> {
    let out = lab_at(broker, binary, &["topics", "list", "--json"]).output()?;
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let topics: serde_json::Value = serde_json::from_slice(&out.stdout)?;
    let topics = topics.as_array().context("topics list --json is a list")?;
    Ok(topics.iter().filter_map(|topic| topic["name"].as_str().or(topic.as_str()).map(str::to_owned)).collect())
}
