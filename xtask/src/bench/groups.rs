//! Consumer groups: how long nobody reads a crashed member's partitions, and what a rebalance of 100 members costs the
//! brokers. The members are librdkafka's with its defaults, the same for both clusters.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use super::{
    client,
    cluster::{Ours, wait_port},
    usage::cpu_seconds,
};
use crate::{
    lab,
    peer::{self, Peer},
    tools::{self, say},
};

const NODES: usize = 3;
/// Ours has it as a preset, so Apache Kafka gets it too.
const CONFIG: [(&str, &str); 1] = [("group.initial.rebalance.delay.ms", "0")];
/// As many groups lose a member at the same time; the median is told.
const GROUPS: usize = 5;
const MEMBERS: usize = 100;
const REBALANCES: usize = 5;
const PATIENCE: Duration = Duration::from_secs(120);

pub fn groups(binary: &Path) -> Result<()> {
    let ours = {
        let nodes = Ours::up_with(binary, NODES, &CONFIG)?;
        measure("kafka-lab", binary, &nodes.bootstrap, &nodes.pids()?)?
    };
    let Some(libs) = peer::jars()? else { return Ok(()) };
    let nodes = Peer::up_with(&libs, NODES, &CONFIG)?;
    wait_port(&nodes.bootstrap)?;
    let theirs = measure("Apache Kafka", binary, &nodes.bootstrap, &nodes.pids())?;
    let ratio = |what: &str, ours: Option<f64>, theirs: Option<f64>| {
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            println!("groups: {what} {:.2}x of Apache Kafka's", ours / theirs);
        }
    };
    ratio("silence after a crash", ours.silence, theirs.silence);
    ratio("duration of a rebalance", ours.seconds, theirs.seconds);
    ratio("broker CPU of a rebalance", ours.cpu, theirs.cpu);
    Ok(())
}

/// Seconds.
#[derive(Default)]
struct Figures {
    silence: Option<f64>,
    seconds: Option<f64>,
    cpu: Option<f64>,
}

fn measure(who: &str, binary: &Path, bootstrap: &str, pids: &[u32]) -> Result<Figures> {
    let mut figures = Figures { silence: silence(who, binary, bootstrap)?, ..Figures::default() };
    if let Some(members) = client::compiled("members")? {
        let (seconds, cpu) = rebalances(who, binary, &members, bootstrap, pids)?;
        (figures.seconds, figures.cpu) = (Some(seconds), Some(cpu));
    }
    Ok(figures)
}

fn create_topic(binary: &Path, bootstrap: &str, topic: &str, partitions: usize) -> Result<()> {
    let (first, partitions) = (bootstrap.split(',').next().unwrap_or(bootstrap), partitions.to_string());
    let made = lab::poll(Duration::from_secs(60), || {
        let args = ["topics", "create", topic, "--partitions", &partitions, "--replication-factor", "3"];
        let out = Command::new(binary).args(args).args(["--bootstrap", first]).output().ok()?;
        out.status.success().then_some(())
    });
    made.with_context(|| format!("topic {topic} could not be created within 60 s"))
}

/// A child that is ended by pid however the benchmark ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lines(out: ChildStdout) -> Receiver<(Instant, String)> {
    let (tell, told) = channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if tell.send((Instant::now(), line)).is_err() {
                break;
            }
        }
    });
    told
}

/// A kcat in a group; says the partition of each record that it reads.
struct Reader {
    process: Process,
    read: Receiver<(Instant, String)>,
}

impl Reader {
    fn start(bootstrap: &str, group: &str, topic: &str) -> Result<Self> {
        let mut command = Command::new("kcat");
        command.args(["-b", bootstrap, "-u", "-q", "-f", "%p\\n", "-G", group, topic]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let read = lines(child.stdout.take().context("stdout is piped")?);
        Ok(Self { process: Process(child), read })
    }

    /// The partitions of what it reads for a second.
    fn partitions(&self) -> BTreeSet<String> {
        self.read.try_iter().for_each(drop);
        thread::sleep(Duration::from_secs(1));
        self.read.try_iter().map(|(_, partition)| partition).collect()
    }
}

/// Median time from a member's crash to the first record that another one reads of its partitions.
fn silence(who: &str, binary: &Path, bootstrap: &str) -> Result<Option<f64>> {
    if tools::which("kcat").is_none() {
        say("no kcat: the silence after a member's crash is skipped");
        return Ok(None);
    }
    let topic = "crash";
    create_topic(binary, bootstrap, topic, 4)?;
    let mut producer = Command::new("kcat");
    producer.args(["-b", bootstrap, "-P", "-t", topic, "-K:", "-X", "linger.ms=1"]);
    let mut producer = Process(producer.stdin(Stdio::piped()).stderr(Stdio::null()).spawn()?);
    let mut input = producer.0.stdin.take().context("stdin is piped")?;
    thread::spawn(move || {
        for i in 0.. {
            if writeln!(input, "key-{i}:value").is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
    });
    let names: Vec<String> = (1..=GROUPS).map(|i| format!("crash-{i}")).collect();
    let start = |group: &String| Ok([Reader::start(bootstrap, group, topic)?, Reader::start(bootstrap, group, topic)?]);
    let groups: Vec<[Reader; 2]> = names.iter().map(start).collect::<Result<_>>()?;
    let mut crashes = Vec::new();
    for [first, second] in groups {
        let lost = lab::poll(PATIENCE, || {
            let (one, other) = (first.partitions(), second.partitions());
            (one.len() == 2 && other.len() == 2 && one.is_disjoint(&other)).then_some(one)
        });
        crashes.push((lost.context("a group of two did not share four partitions")?, first, second));
    }
    let mut silences = Vec::new();
    let crashed: Vec<_> = crashes
        .into_iter()
        .map(|(lost, first, second)| {
            drop(first.process);
            (Instant::now(), lost, second)
        })
        .collect();
    for (crash, lost, survivor) in crashed {
        let taken_over = loop {
            let left = PATIENCE.saturating_sub(crash.elapsed());
            let (at, partition) = survivor.read.recv_timeout(left).context("nobody took the partitions over")?;
            if at > crash && lost.contains(&partition) {
                break at;
            }
        };
        silences.push((taken_over - crash).as_secs_f64());
    }
    silences.sort_by(f64::total_cmp);
    println!(
        "{who}: a crashed member's partitions are read again after {:.1} s (median of {GROUPS}; {:.1} to {:.1}; \
         librdkafka's session timeout is 45 s)",
        silences[GROUPS / 2],
        silences[0],
        silences[GROUPS - 1]
    );
    Ok(Some(silences[GROUPS / 2]))
}

/// How long a rebalance takes when one more joins 100 members, and the broker CPU beyond what the group costs at rest.
fn rebalances(who: &str, binary: &Path, members: &Path, bootstrap: &str, pids: &[u32]) -> Result<(f64, f64)> {
    let partitions = MEMBERS + 2 * REBALANCES;
    create_topic(binary, bootstrap, "many", partitions)?;
    let mut command = Command::new(members);
    command.args([bootstrap, "many", "many", &MEMBERS.to_string(), &partitions.to_string()]);
    let mut group = Process(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?);
    let mut input = group.0.stdin.take().context("stdin is piped")?;
    let said = lines(group.0.stdout.take().context("stdout is piped")?);
    let settled = || said.recv_timeout(PATIENCE).context("the group did not come to rest");
    settled()?;
    // Those who came last may still be joining.
    while said.recv_timeout(Duration::from_secs(10)).is_ok() {}
    let (before, rest) = (cpu_seconds(pids), Duration::from_secs(10));
    thread::sleep(rest);
    let at_rest = (cpu_seconds(pids) - before) / rest.as_secs_f64();
    let (mut seconds, mut cpu) = (0.0, 0.0);
    for _ in 0..REBALANCES {
        let (begun, before) = (Instant::now(), cpu_seconds(pids));
        writeln!(input)?;
        let (end, _) = settled()?;
        let took = (end - begun).as_secs_f64();
        seconds += took;
        // A moment longer, for what the last answers still cause.
        thread::sleep(Duration::from_secs(1));
        cpu += cpu_seconds(pids) - before - at_rest * begun.elapsed().as_secs_f64();
    }
    let (seconds, cpu) = (seconds / REBALANCES as f64, cpu / REBALANCES as f64);
    println!(
        "{who}: one more joins {MEMBERS} members: {seconds:.2} s until all have partitions, {:.0} ms of broker CPU \
         (mean of {REBALANCES}); at rest the group costs {:.0} ms of it a second",
        cpu * 1000.0,
        at_rest * 1000.0
    );
    Ok((seconds, cpu))
}
