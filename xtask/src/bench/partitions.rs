//! Many partitions: what it costs to create and to delete them, to have them and do nothing, to tell a client of all, and how
//! long a node takes to come back to them after `kill -9`. CPU time is told beside the clock: it hardly depends on what
//! else the machine does.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    cluster::{Ours, wait_port},
    usage::{cpu_seconds, rss_mib},
};
use crate::{
    lab,
    peer::{self, Peer},
};

const SIZES: [usize; 3] = [100, 1000, 10_000];
/// More than Apache Kafka's open files and memory maps allow on this kind of machine.
const ALONE: usize = 50_000;
/// A topic has at most so many.
const PER_TOPIC: usize = 1000;
const IDLE: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(900);

/// One node at every size, then three nodes at the size whose members come back.
pub fn partitions(binary: &Path) -> Result<()> {
    println!("partitions: {}", load()?);
    let libs = peer::jars()?;
    for (nodes, sizes) in [(1, &SIZES[..]), (3, &[1000, 10_000])] {
        for &size in sizes {
            let ours = measure("kafka-lab", binary, &mut Ours::up(binary, nodes)?, nodes, size)?;
            let Some(libs) = &libs else { continue };
            let theirs = measure("Apache Kafka", binary, &mut Peer::up(libs, nodes)?, nodes, size)?;
            for ((what, ours), (_, theirs)) in ours.iter().zip(&theirs) {
                println!("partitions: {size} on {nodes} node(s): {what} {:.2}x of Apache Kafka's", ours / theirs);
            }
        }
    }
    measure("kafka-lab", binary, &mut Ours::up(binary, 1)?, 1, ALONE)?;
    println!("partitions: {}", load()?);
    Ok(())
}

/// A cluster whose nodes can be killed.
trait Cluster {
    fn bootstrap(&self) -> String;
    fn pids(&self) -> Result<Vec<u32>>;
    /// Ends the first node at once, and starts it again.
    fn kill_and_start(&mut self) -> Result<()>;
}

impl Cluster for Ours {
    fn bootstrap(&self) -> String {
        self.bootstrap.clone()
    }

    fn pids(&self) -> Result<Vec<u32>> {
        Self::pids(self)
    }

    fn kill_and_start(&mut self) -> Result<()> {
        self.order(&["kill", "1"])?;
        self.order(&["start", "1"])
    }
}

impl Cluster for Peer {
    fn bootstrap(&self) -> String {
        self.bootstrap.clone()
    }

    fn pids(&self) -> Result<Vec<u32>> {
        Ok(Self::pids(self))
    }

    fn kill_and_start(&mut self) -> Result<()> {
        self.kill_and_start(0)
    }
}

type Figures = Vec<(&'static str, f64)>;

fn measure(who: &str, binary: &Path, cluster: &mut impl Cluster, nodes: usize, size: usize) -> Result<Figures> {
    let bootstrap = cluster.bootstrap();
    let addresses: Vec<&str> = bootstrap.split(',').collect();
    // The first is the one that is killed.
    let (first, last) = (addresses[0].to_owned(), addresses[addresses.len() - 1].to_owned());
    wait_port(&bootstrap)?;
    let pids = cluster.pids()?;
    let registered = lab::poll(PATIENCE, || (metadata(&last).ok()?.brokers == nodes).then_some(()));
    registered.context("not every broker came up")?;
    rest(&pids);
    let rss = rss_mib(&pids);
    let topics: Vec<(String, usize)> =
        (0..size.div_ceil(PER_TOPIC)).map(|i| (format!("many-{i}"), PER_TOPIC.min(size - i * PER_TOPIC))).collect();

    let (begun, cpu) = (Instant::now(), cpu_seconds(&pids));
    for (topic, partitions) in &topics {
        let (partitions, factor) = (partitions.to_string(), nodes.to_string());
        ask(binary, &bootstrap, &["create", topic, "--partitions", &partitions, "--replication-factor", &factor])?;
    }
    until(&last, size, nodes)?;
    let create_s = begun.elapsed().as_secs_f64();
    rest(&pids);
    let create_cpu_s = cpu_seconds(&pids) - cpu;

    let cpu = cpu_seconds(&pids);
    std::thread::sleep(IDLE);
    let idle = (cpu_seconds(&pids) - cpu) / IDLE.as_secs_f64() / nodes as f64;
    let kib_each = (rss_mib(&pids) - rss) * 1024.0 / size as f64 / nodes as f64;
    let metadata_s = (0..5).map(|_| timed_metadata(&last)).collect::<Result<Vec<_>>>()?;
    let metadata_s = metadata_s.into_iter().fold(f64::MAX, f64::min);

    let begun = Instant::now();
    cluster.kill_and_start()?;
    // Itself is asked: the others believe for a session that nothing has happened to it.
    until(&first, size, nodes)?;
    let back_s = begun.elapsed().as_secs_f64();

    let pids = cluster.pids()?;
    rest(&pids);
    let (begun, cpu) = (Instant::now(), cpu_seconds(&pids));
    for (topic, _) in &topics {
        ask(binary, &bootstrap, &["delete", topic])?;
    }
    until(&last, 0, nodes)?;
    let delete_s = begun.elapsed().as_secs_f64();
    rest(&pids);
    let delete_cpu_s = cpu_seconds(&pids) - cpu;
    println!(
        "{who}: {size} partitions on {nodes} node(s): created in {create_s:.1} s ({create_cpu_s:.1} s of CPU), idle \
         {:.2} % of a CPU and {kib_each:.1} KiB of memory each a node, Metadata of all {:.0} ms, back {back_s:.1} s after \
         kill -9, deleted in {delete_s:.1} s ({delete_cpu_s:.1} s of CPU)",
        idle * 100.0,
        metadata_s * 1000.0
    );
    Ok(vec![
        ("time to create", create_s),
        ("CPU to create", create_cpu_s),
        ("idle CPU", idle),
        ("memory", kib_each),
        ("Metadata of all", metadata_s),
        ("return after kill -9", back_s),
        ("time to delete", delete_s),
        ("CPU to delete", delete_cpu_s),
    ])
}

fn ask(binary: &Path, bootstrap: &str, words: &[&str]) -> Result<()> {
    let first = bootstrap.split(',').next_back().unwrap_or(bootstrap);
    let out = Command::new(binary).arg("topics").args(words).args(["--bootstrap", first]).output()?;
    ensure!(out.status.success(), "topics {}: {}", words.join(" "), String::from_utf8_lossy(&out.stderr));
    Ok(())
}

/// Waits until as many partitions have a leader and all their replicas in sync, and no other is there.
fn until(address: &str, partitions: usize, factor: usize) -> Result<()> {
    let done = lab::poll(PATIENCE, || {
        let told = metadata(address).ok()?;
        (told.brokers == factor && told.whole == partitions && told.partitions == partitions).then_some(())
    });
    done.with_context(|| format!("no {partitions} whole partitions within {} s", PATIENCE.as_secs()))
}

/// Waits until the processes do next to nothing for two seconds, or half a minute.
fn rest(pids: &[u32]) {
    for _ in 0..30 {
        let before = cpu_seconds(pids);
        std::thread::sleep(Duration::from_secs(2));
        if cpu_seconds(pids) - before < 0.06 * pids.len() as f64 {
            return;
        }
    }
}

#[derive(Default)]
struct Told {
    brokers: usize,
    partitions: usize,
    /// With a leader, and all replicas in sync.
    whole: usize,
}

fn timed_metadata(address: &str) -> Result<f64> {
    let begun = Instant::now();
    metadata(address)?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Metadata v1 of all topics that are not internal.
fn metadata(address: &str) -> Result<Told> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    // Length, key, version, correlation id, client id "b", all topics.
    stream.write_all(&[0, 0, 0, 15, 0, 3, 0, 1, 0, 0, 0, 1, 0, 1, b'b', 0xff, 0xff, 0xff, 0xff])?;
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    let mut bytes = Vec::new();
    stream.take(u32::from_be_bytes(len).into()).read_to_end(&mut bytes)?;
    let mut answer = Answer(bytes.get(4..).context("an answer begins with its number")?);
    let mut told = Told { brokers: answer.count()?, ..Told::default() };
    for _ in 0..told.brokers {
        answer.skip(4)?;
        answer.string()?;
        answer.skip(4)?;
        answer.string()?;
    }
    answer.skip(4)?;
    for _ in 0..answer.count()? {
        answer.skip(2)?;
        answer.string()?;
        let internal = answer.skip(1)?[0] != 0;
        for _ in 0..answer.count()? {
            answer.skip(6)?;
            let leader = answer.count()?;
            let replicas = answer.count()?;
            answer.skip(4 * replicas)?;
            let isr = answer.count()?;
            answer.skip(4 * isr)?;
            if !internal {
                told.partitions += 1;
                told.whole += usize::from(leader != usize::MAX && isr == replicas);
            }
        }
    }
    Ok(told)
}

struct Answer<'a>(&'a [u8]);

impl<'a> Answer<'a> {
    fn skip(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len).context("the answer ends early")?;
        self.0 = rest;
        Ok(head)
    }

    /// A number of four bytes; -1 is as large as can be.
    fn count(&mut self) -> Result<usize> {
        let number = i32::from_be_bytes(self.skip(4)?.try_into()?);
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    }

    fn string(&mut self) -> Result<()> {
        let len = i16::from_be_bytes(self.skip(2)?.try_into()?);
        self.skip(usize::try_from(len).unwrap_or(0))?;
        Ok(())
    }
}

fn load() -> Result<String> {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let average = load.split_whitespace().next().unwrap_or("?");
    Ok(format!("{} CPUs, load average {average}", std::thread::available_parallelism()?))
}
