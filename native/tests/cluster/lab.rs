//! A cluster of the binary under test, in a folder and on ports of its own, ended when dropped.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

#[path = "ports.rs"]
mod ports;

pub use ports::free_ports;

/// The page of a cluster under test, behind its brokers.
const HTTP_AFTER: u16 = 4;

pub const DEADLINE: Duration = Duration::from_secs(90);

/// The program under test with arguments.
pub fn lab(args: &[&str]) -> Command {
    // `cargo xtask test` names the release binary: it is what people run.
    let built = env!("CARGO_BIN_EXE_kafka-lab").into();
    let mut command = Command::new(std::env::var_os("KAFKA_LAB").unwrap_or(built));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs to the end.
pub fn run(args: &[&str]) -> Output {
    lab(args).output().expect("the binary runs")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asks until `ready` gives something.
pub fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(began.elapsed() < DEADLINE, "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

pub struct Cluster {
    pub dir: tempfile::TempDir,
    pub port: u16,
    args: Vec<String>,
    supervisor: Child,
}

impl Cluster {
    /// `up` with these arguments, until it says that it is ready.
    pub fn up(args: &[&str]) -> Self {
        Self::prepared(args, |_| {})
    }

    /// As [`Self::up`], in a folder that `prepare` has changed.
    pub fn prepared(args: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        prepare(dir.path());
        let port = free_ports();
        let args = args.iter().map(ToString::to_string).collect();
        let supervisor = start(dir.path(), port, &args);
        Self { dir, port, args, supervisor }
    }

    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{0},127.0.0.1:{1},127.0.0.1:{2}", self.port, self.port + 1, self.port + 2)
    }

    /// Where its page is served.
    pub fn http_port(&self) -> u16 {
        self.port + HTTP_AFTER
    }

    /// Ends the supervisor with this signal and starts the cluster again.
    pub fn again(&mut self) {
        until("the old nodes to end", || self.pids().iter().all(|pid| !alive(*pid)).then_some(()));
        let _ = self.supervisor.wait();
        self.supervisor = start(self.dir.path(), self.port, &self.args);
    }

    pub fn supervisor_pid(&self) -> u32 {
        self.supervisor.id()
    }

    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.supervisor.wait().expect("waited once")
    }

    /// `kafka-lab VERB ... --dir DIR`, which must succeed.
    pub fn ask(&self, args: &[&str]) -> String {
        let output = self.try_ask(args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    pub fn try_ask(&self, args: &[&str]) -> Output {
        let dir = self.dir.path().to_string_lossy().into_owned();
        run(&[args, &["--dir", &dir]].concat())
    }

    /// A command for any Kafka cluster, which must succeed.
    pub fn client(&self, args: &[&str]) -> String {
        let output = self.try_client(args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    pub fn try_client(&self, args: &[&str]) -> Output {
        run(&[args, &["--bootstrap", &self.bootstrap()]].concat())
    }

    /// Writes `lines` with core's own producer: all are acknowledged when it returns.
    pub fn produce(&self, topic: &str, lines: &[String]) {
        let output = self.try_produce(topic, lines);
        assert!(output.status.success(), "produce: {}", stderr(&output));
    }

    /// As [`Self::produce`], given up after five seconds. If it fails, some of the lines may have been stored.
    pub fn try_produce(&self, topic: &str, lines: &[String]) -> Output {
        let mut child = lab(&["produce", topic, "--timeout", "5s", "--bootstrap", &self.bootstrap()])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        // It ends early when something cannot be stored.
        let _ = child.stdin.take().expect("piped").write_all((lines.join("\n") + "\n").as_bytes());
        child.wait_with_output().expect("it ends")
    }

    /// All values of a topic, sorted.
    pub fn consume(&self, topic: &str) -> Vec<String> {
        let text = self.client(&["consume", topic, "--exit"]);
        let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
        lines.sort();
        lines
    }

    /// The records of a topic once there are so many: the high watermark of a new leader waits for the next fetch of its
    /// followers, and one that asked before the leader knew of its office asks again after `replica.fetch.backoff.ms`.
    pub fn consume_all(&self, topic: &str, records: usize) -> Vec<String> {
        until("all records", || Some(self.consume(topic)).filter(|found| found.len() >= records))
    }

    pub fn status(&self) -> Value {
        serde_json::from_str(&self.ask(&["status", "--json"])).expect("json")
    }

    /// Leader and in-sync replicas of partition 0, as a broker says.
    pub fn partition(&self, topic: &str) -> Option<(i64, usize)> {
        let output = self.try_client(&["topics", "describe", topic, "--json"]);
        let value: Value = serde_json::from_slice(&output.stdout).ok()?;
        let partition = value.as_array()?.iter().find(|p| p["partition"] == 0)?.clone();
        Some((partition["leader"].as_i64()?, partition["isr"].as_array()?.len()))
    }

    pub fn pids(&self) -> Vec<u32> {
        let text = std::fs::read_to_string(self.dir.path().join("cluster.json")).unwrap_or_default();
        let file: Value = serde_json::from_str(&text).unwrap_or_default();
        let nodes = file["nodes"].as_array().cloned().unwrap_or_default();
        nodes.iter().filter_map(|node| node["pid"].as_u64()).map(|pid| pid as u32).collect()
    }

    pub fn log(&self, node: u32) -> String {
        let path: PathBuf = self.dir.path().join(format!("node-{node}")).join("node.log");
        std::fs::read_to_string(path).unwrap_or_default()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let pids = self.pids();
        if alive(self.supervisor.id()) && !matches!(self.supervisor.try_wait(), Ok(Some(_))) {
            signal(self.supervisor.id(), "TERM");
            let _ = self.supervisor.wait();
        }
        pids.into_iter().filter(|pid| alive(*pid)).for_each(|pid| signal(pid, "KILL"));
    }
}

fn start(dir: &Path, port: u16, args: &Vec<String>) -> Child {
    let http = format!("127.0.0.1:{}", port + HTTP_AFTER);
    let mut child = lab(&["up", "--port", &port.to_string(), "--http", &http])
        .arg("--dir")
        .arg(dir)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the binary runs");
    let out = child.stdout.take().expect("piped");
    let (tell, told) = std::sync::mpsc::channel();
    // Reads on after the line, so that the supervisor never writes into a closed pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if line.starts_with("ready bootstrap=") {
                let _ = tell.send(());
            }
        }
    });
    if told.recv_timeout(DEADLINE).is_err() {
        signal(child.id(), "TERM");
        panic!("the cluster did not become ready");
    }
    child
}

/// Whether a process of ours runs (a zombie does not). While any of its threads does, its ports are in use.
pub fn alive(pid: u32) -> bool {
    let runs = |thread: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        state.is_some_and(|state| state != 'Z')
    };
    let process = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let threads = std::fs::read_dir(format!("/proc/{pid}/task"));
    process.contains("kafka-lab") && threads.is_ok_and(|threads| threads.flatten().any(runs))
}

/// Sends a signal to one process of ours, by its id.
pub fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args([format!("-{name}"), pid.to_string()]).stderr(Stdio::null()).status();
}
