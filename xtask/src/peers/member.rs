//! One process in the group, by one library, and what it says.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{
    group::{GROUP, TOPIC},
    install::{self, Program},
};
use crate::{lab, tools::say};

/// A client library that is here.
pub struct Library {
    pub name: &'static str,
    /// `BOOTSTRAP TOPIC GROUP` follow.
    program: Program,
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

/// What the members need is installed. What cannot be had is left out and named.
pub fn prepare() -> Vec<Library> {
    let mut libraries = Vec::new();
    let mut add = |name, made: Result<Program>| match made {
        Ok(program) => libraries.push(Library { name, program }),
        Err(why) => say(&format!("{name} is left out: {why:#}")),
    };
    add("kcat", install::kcat().map(|path| Program { path, args: Vec::new() }));
    add("librdkafka", install::python("confluent_member.py"));
    add("kafka-python", install::python("kafka_python_member.py"));
    add("KafkaJS", install::node("node", "kafkajs_member.mjs"));
    add("franz-go", install::go("member"));
    add("Java", install::java("Member"));
    libraries
}

impl Library {
    pub fn start(&self, bootstrap: &str) -> Result<Member> {
        let mut command = Command::new(&self.program.path);
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
            command.args(&self.program.args).args([bootstrap, TOPIC, GROUP]);
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
