//! `cargo xtask bench`: prints figures and ratios; gates nothing.
//!
//! Each figure of ours stands beside Apache Kafka's from the same run where Java is present. Runs repeat until two in a
//! row agree within 5 % (at most eight), so that a JVM is compared warm.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::{
    chromium::Chromium,
    lab,
    peer::{self, Peer},
    tools::{self, say},
};

const RECORD_SIZE_BYTES: u64 = 100;
const PARTITIONS: u32 = 6;

pub fn bench(names: &[String]) -> Result<()> {
    let known = ["sim", "chromium", "startup", "one", "three", "size"];
    if let Some(unknown) = names.iter().find(|n| !known.contains(&n.as_str())) {
        bail!("no benchmark {unknown}; there are {}", known.join(", "));
    }
    let wants = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    let binary = lab::build()?;
    if wants("size") {
        size()?;
    }
    if wants("sim") {
        simulator(&binary)?;
    }
    if wants("chromium") {
        chromium(&binary)?;
    }
    if wants("startup") {
        startup(&binary)?;
    }
    for (name, nodes) in [("one", 1), ("three", 3)] {
        if wants(name) {
            throughput(&binary, nodes)?;
        }
    }
    Ok(())
}

/// What the page weighs on the wire.
fn size() -> Result<()> {
    let page = crate::root().join("target/page");
    for entry in std::fs::read_dir(page)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "wasm") {
            let plain = std::fs::metadata(&path)?.len();
            let sh = Shell::new()?;
            let packed = cmd!(sh, "gzip -9 -c {path}").quiet().output()?.stdout.len();
            let sent = std::fs::metadata(path.with_extension("wasm.br"))?.len();
            let [plain, packed, sent] = [plain as f64, packed as f64, sent as f64].map(|bytes| bytes / 1e6);
            println!(
                "page: WASM {plain:.2} MB; as it is sent, with brotli, {sent:.2} MB (aim 1.5); gzip {packed:.2} MB"
            );
        }
    }
    Ok(())
}

/// Simulated seconds a second, at Kafka's client defaults and at linger 100 ms.
fn simulator(binary: &Path) -> Result<()> {
    let sh = Shell::new()?;
    for linger in ["5", "100"] {
        let out =
            cmd!(sh, "{binary} sim --scenario three-brokers --for 120s --linger {linger} --json").quiet().read()?;
        let last: Value = serde_json::from_str(out.lines().last().context("sim printed nothing")?)?;
        let ratio = last["sim_ms"].as_f64().unwrap_or(0.0) / last["wall_ms"].as_f64().unwrap_or(1.0).max(1.0);
        println!(
            "simulator, native, linger {linger} ms: {ratio:.0} times real time ({} frames; aim 250)",
            last["frames"]
        );
    }
    Ok(())
}

/// The same in Chromium, from the page as it is served, and how long a frame of the page takes with a large cluster.
fn chromium(binary: &Path) -> Result<()> {
    let (Some(chromedriver), Some(_)) = (tools::which("chromedriver"), tools::which("chromium")) else {
        say("no chromium or chromedriver: the simulator's speed in the page is skipped");
        return Ok(());
    };
    let (server, address) = lab::serve(binary)?;
    let page = Chromium::open(&chromedriver, &format!("http://{address}/"))?;
    for linger in [5, 100] {
        let run = format!("return window.lab.bench({{scenario: 'three-brokers', seconds: 60, linger: {linger}}})");
        page.eval(&run)?; // warm: the browser compiles WASM twice, the second time for speed
        let out = page.eval(&run)?;
        let ratio = out["sim_ms"].as_f64().unwrap_or(0.0) / out["wall_ms"].as_f64().unwrap_or(1.0).max(1.0);
        println!(
            "simulator, Chromium, linger {linger} ms: {ratio:.1} times real time ({} frames, hash {}; aim 25)",
            out["frames"],
            out["hash"].as_str().unwrap_or_default()
        );
    }
    drop(page);
    let page = Chromium::open(&chromedriver, &format!("http://{address}/#scenario=nine-brokers"))?;
    let out = page.eval(FRAME_TIMES)?;
    println!(
        "page, 9 brokers x 24 partitions x RF 3, playing: a frame takes {} ms of script and layout (median; p95 {}), \
         {} ms from frame to frame (median; p95 {})",
        out["work"][0], out["work"][1], out["between"][0], out["between"][1]
    );
    drop(server);
    Ok(())
}

/// Plays for five seconds. Work is from the beginning of a frame until the page is idle again: a message posted in a
/// frame's first callback is delivered after script, style and layout of that frame.
const FRAME_TIMES: &str = "
    const button = name => [...document.querySelectorAll('button')].find(b => (b.ariaLabel ?? b.textContent) === name);
    for (let i = 0; i < 200 && !button('Play'); i++) await new Promise(r => setTimeout(r, 50));
    button('Play').click();
    const between = [], work = [], channel = new MessageChannel();
    let last = 0, began = 0;
    channel.port1.onmessage = () => work.push(performance.now() - began);
    const end = performance.now() + 5000;
    await new Promise(done => requestAnimationFrame(function frame(now) {
        if (last) between.push(now - last);
        last = now;
        began = performance.now();
        channel.port2.postMessage(0);
        performance.now() < end ? requestAnimationFrame(frame) : done();
    }));
    const stats = a => { a.sort((x, y) => x - y); return [.5, .95].map(q => +a[Math.floor(a.length * q)].toFixed(1)); };
    return {between: stats(between), work: stats(work)};";

/// From exec to the first answered connection of one combined node.
fn startup(binary: &Path) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let cluster = Ours::up(binary, 1)?;
        times.push(begun.elapsed().as_secs_f64());
        drop(cluster);
    }
    times.sort_by(f64::total_cmp);
    println!("start-up: one node `up` to ready {:.2} s (median of 5; aim: 0.3 s to serving)", times[2]);
    if let Some(libs) = peer::jars()? {
        let begun = Instant::now();
        let peer = Peer::up(&libs, 1)?;
        wait_port(&peer.bootstrap)?;
        println!("start-up: Apache Kafka, one node, format and start {:.2} s", begun.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Produce with the C client, acks=all, to ours and to Apache Kafka.
fn throughput(binary: &Path, nodes: usize) -> Result<()> {
    let Some(client) = c_client()? else { return Ok(()) };
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
    let binary = crate::root().join("target/release/kafka-lab");
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

/// Compiles the C client against Debian's librdkafka.
fn c_client() -> Result<Option<PathBuf>> {
    let source = crate::root().join("xtask/bench/produce.c");
    let output = crate::root().join("target/bench-produce");
    let sh = Shell::new()?;
    let compiled = cmd!(sh, "cc -O2 -o {output} {source} -lrdkafka").quiet().ignore_stderr().run();
    if compiled.is_err() {
        say("no librdkafka to compile against (Debian: apt-get install librdkafka-dev); throughput is skipped");
        return Ok(None);
    }
    Ok(Some(output))
}

/// A cluster of ours, ended with SIGTERM when dropped.
pub struct Ours {
    child: Child,
    dir: tempfile::TempDir,
    pub bootstrap: String,
    binary: PathBuf,
}

impl Ours {
    pub fn up(binary: &Path, nodes: usize) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = free_range()?;
        let mut child = Command::new(binary)
            .args(["up", "--brokers", &nodes.to_string(), "--combined", "--port", &port.to_string(), "--dir"])
            .arg(dir.path())
            .args(["--http", &format!("127.0.0.1:{}", peer::free_port()?)])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("stdout was piped")?).lines();
        let ready =
            lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ready bootstrap=").map(str::to_owned));
        let bootstrap = ready.context("`up` ended before it was ready")?;
        Ok(Self { child, dir, bootstrap, binary: binary.to_owned() })
    }

    fn pids(&self) -> Result<Vec<u32>> {
        let out = Command::new(&self.binary).args(["status", "--json", "--dir"]).arg(self.dir.path()).output()?;
        let status: Value = serde_json::from_slice(&out.stdout)?;
        let nodes = status["nodes"].as_array().context("status lists nodes")?;
        Ok(nodes.iter().filter_map(|n| n["pid"].as_u64().map(|p| p as u32)).collect())
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// A port such that brokers and controllers at their fixed distances are free as well.
pub fn free_range() -> Result<u16> {
    let free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    for _ in 0..200 {
        let port = peer::free_port()?;
        if port < 65_000 && [0, 1, 2, 100, 101, 102].into_iter().all(|i| free(port + i)) {
            return Ok(port);
        }
    }
    bail!("no free range of ports found")
}

pub fn wait_port(bootstrap: &str) -> Result<()> {
    for address in bootstrap.split(',') {
        lab::poll(Duration::from_secs(90), || TcpStream::connect(address).ok())
            .with_context(|| format!("{address} does not listen"))?;
    }
    Ok(())
}

/// User and system time of the processes so far.
fn cpu_seconds(pids: &[u32]) -> f64 {
    let ticks = pids.iter().filter_map(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
    });
    ticks.sum::<f64>() / 100.0
}

fn rss_mib(pids: &[u32]) -> f64 {
    let kib = pids.iter().filter_map(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status.lines().find_map(|l| l.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok())
    });
    kib.sum::<f64>() / 1024.0
}
