//! One process in the group, by one library, and what it says.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::{GROUP, TOPIC};
use crate::{
    lab, peer,
    tools::{say, which},
};

/// A client library that is here.
pub struct Library {
    pub name: &'static str,
    program: PathBuf,
    /// Before `BOOTSTRAP TOPIC GROUP`.
    args: Vec<String>,
}

/// A running member; killed by pid when dropped.
pub struct Member {
    pub name: &'static str,
    child: Child,
    said: Receiver<String>,
    pub assigned: BTreeSet<usize>,
    /// Partition and offset of each record it read.
    pub records: BTreeSet<(usize, i64)>,
    left: bool,
    running: bool,
}

/// Fetches and builds what the members need, under `target/peers`. What cannot be had is left out and named.
pub fn prepare() -> Result<Vec<Library>> {
    let sources = crate::root().join("xtask/peers");
    let place = crate::root().join("target/peers");
    std::fs::create_dir_all(&place)?;
    let sh = Shell::new()?;
    let mut libraries = Vec::new();
    let mut add = |name, made: Result<Option<(PathBuf, Vec<String>)>>| match made {
        Ok(Some((program, args))) => libraries.push(Library { name, program, args }),
        Ok(None) => say(&format!("{name} is left out: its language is not installed")),
        Err(why) => say(&format!("{name} is left out: {why:#}")),
    };
    add("kcat", Ok(which("kcat").map(|kcat| (kcat, Vec::new()))));
    let python = which("python3").map(|_| python(&sh, &place)).transpose();
    let script = |name: &str| sources.join(name).display().to_string();
    match python {
        Ok(python) => {
            let with = |script| python.clone().map(|python| (python, vec![script]));
            add("librdkafka", Ok(with(script("librdkafka.py"))));
            add("kafka-python", Ok(with(script("kafka_python.py"))));
        }
        Err(why) => add("kafka-python", Err(why)),
    }
    add("KafkaJS", which("npm").map(|_| node(&sh, &place, &sources)).transpose());
    add("franz-go", which("go").map(|_| go(&sh, &place, &sources)).transpose());
    add("Java", java(&sources));
    Ok(libraries)
}

fn python(sh: &Shell, place: &Path) -> Result<PathBuf> {
    let python = place.join("venv/bin/python");
    if !python.exists() {
        let venv = place.join("venv");
        cmd!(sh, "python3 -m venv {venv}").quiet().run()?;
        cmd!(sh, "{python} -m pip install --quiet confluent-kafka kafka-python").quiet().run()?;
    }
    Ok(python)
}

/// The program lies beside its library, where node looks for it.
fn node(sh: &Shell, place: &Path, sources: &Path) -> Result<(PathBuf, Vec<String>)> {
    let node = place.join("node");
    if !node.join("node_modules/kafkajs").exists() {
        std::fs::create_dir_all(&node)?;
        std::fs::write(node.join("package.json"), "{\"private\":true}\n")?;
        cmd!(sh, "npm install --silent --no-audit --no-fund --prefix {node} kafkajs@2").quiet().run()?;
    }
    std::fs::copy(sources.join("kafkajs.mjs"), node.join("kafkajs.mjs"))?;
    Ok((which("node").context("npm without node")?, vec![node.join("kafkajs.mjs").display().to_string()]))
}

fn go(sh: &Shell, place: &Path, sources: &Path) -> Result<(PathBuf, Vec<String>)> {
    let member = place.join("franz-member");
    let _in = sh.push_dir(sources.join("franz"));
    cmd!(sh, "go build -o {member} .").quiet().run()?;
    Ok((member, Vec::new()))
}

fn java(sources: &Path) -> Result<Option<(PathBuf, Vec<String>)>> {
    let (Some(java), Some(libs)) = (which("java"), peer::jars()?) else { return Ok(None) };
    let text = |path: PathBuf| path.display().to_string();
    let quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error".to_owned();
    Ok(Some((java, vec!["-cp".into(), text(libs.join("*")), quiet, text(sources.join("Member.java"))])))
}

impl Library {
    pub fn start(&self, bootstrap: &str) -> Result<Member> {
        let mut command = Command::new(&self.program);
        if self.name == "kcat" {
            command.args(["-b", bootstrap, "-G", GROUP, "-u", "-f", "record %p %o %s\\n"]);
            for property in [
                "partition.assignment.strategy=roundrobin",
                "auto.offset.reset=earliest",
                "session.timeout.ms=6000",
                "heartbeat.interval.ms=500",
                "auto.commit.interval.ms=500",
            ] {
                command.args(["-X", property]);
            }
            command.arg(TOPIC);
        } else {
            command.args(&self.args).args([bootstrap, TOPIC, GROUP]);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start", self.name))?;
        let (tell, said) = channel();
        let out = child.stdout.take().context("stdout is piped")?;
        let err = child.stderr.take().context("stderr is piped")?;
        let tell_too = tell.clone();
        std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|l| tell.send(l)));
        std::thread::spawn(move || {
            BufReader::new(err).lines().map_while(Result::ok).try_for_each(|l| tell_too.send(l))
        });
        let (assigned, records) = Default::default();
        Ok(Member { name: self.name, child, said, assigned, records, left: false, running: true })
    }
}

impl Member {
    pub fn runs(&self) -> bool {
        self.running
    }

    /// Takes in what it has said since the last time.
    pub fn listen(&mut self) {
        while let Ok(line) = self.said.try_recv() {
            self.hear(&line);
        }
    }

    fn hear(&mut self, line: &str) {
        let numbers = |text: &str| text.split(',').filter_map(|n| n.trim().parse().ok()).collect();
        if let Some(partitions) = line.strip_prefix("assigned") {
            self.assigned = numbers(partitions);
        } else if let Some(record) = line.strip_prefix("record ") {
            let mut words = record.split(' ');
            let place = (words.next().and_then(|w| w.parse().ok()), words.next().and_then(|w| w.parse().ok()));
            if let (Some(partition), Some(offset)) = place {
                self.records.insert((partition, offset));
            }
        } else if line.starts_with("left") {
            self.left = true;
        } else if line.starts_with("% Group") {
            // kcat: "% Group G rebalanced (memberid M): assigned: T [0], T [3]", or "revoked: ...".
            let inside = |part: &str| part.split(']').next().and_then(|n| n.parse().ok());
            self.assigned = match line.split_once("assigned: ") {
                Some((_, list)) => list.split('[').skip(1).filter_map(inside).collect(),
                None => BTreeSet::new(),
            };
        }
    }

    /// SIGKILL: the coordinator learns it from the silence.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.running = false;
        self.assigned.clear();
    }

    /// SIGTERM: it says so to the coordinator.
    pub fn leave(&mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        ensure!(Command::new("kill").arg(pid).status()?.success(), "it had ended already");
        let ended = lab::poll(Duration::from_secs(30), || self.child.try_wait().ok().flatten());
        self.listen();
        let left = self.left || self.name == "kcat";
        self.kill();
        ensure!(ended.is_some(), "it does not end within 30 s of SIGTERM");
        ensure!(left, "it ended without leaving");
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}
