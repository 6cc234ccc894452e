//! Bad input at a running cluster: what is refused says why and what to do, nothing that was acknowledged is lost, and
//! the processes stay up. Real processes, real disks, own ports.

#[path = "cluster/lab.rs"]
#[allow(dead_code, reason = "the tests of a cluster use the rest")]
mod lab;

use std::{
    fs::{self, OpenOptions},
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::{FileExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use lab::{Cluster, alive, free_ports, lab, run, signal, stderr, until};

const ONE_EACH: &[&str] = &["--brokers", "1", "--controllers", "1"];
const THREE_BROKERS: &[&str] = &["--brokers", "3", "--controllers", "1"];

/// It failed with this code, said all these words, and no backtrace.
#[track_caller]
fn refuses(output: &Output, code: i32, words: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    words.iter().for_each(|word| assert!(said.contains(word), "it should say {word:?}: {said}"));
    assert!(!said.contains("panicked") && !said.contains("backtrace"), "{said}");
}

#[track_caller]
fn says(log: &str, words: &[&str]) {
    words.iter().for_each(|word| assert!(log.contains(word), "the log should say {word:?}: {log}"));
}

fn lines(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|n| format!("record-{n:05}")).collect()
}

/// One partition on three brokers, of which two have to be in sync.
fn create_orders(cluster: &Cluster) {
    let topic = ["topics", "create", "orders", "--partitions", "1", "--replication-factor", "3"];
    cluster.client(&[&topic[..], &["--config", "min.insync.replicas=2"]].concat());
    until("all in sync", || cluster.partition("orders").filter(|(leader, isr)| *leader > 0 && *isr == 3));
}

#[test]
fn command_line_and_configuration_name_the_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path().join("x").to_string_lossy().into_owned();
    refuses(&run(&["up", "--borker", "3"]), 2, &["--borker", "--brokers"]);
    refuses(&run(&["stat"]), 2, &["stat", "status"]);
    refuses(&run(&["up", "--port", "70000", "--dir", &at]), 2, &["70000", "65535"]);
    refuses(&run(&["up", "--brokers", "many", "--dir", &at]), 2, &["many", "invalid digit"]);
    refuses(&run(&["up", "--http", "here", "--dir", &at]), 2, &["--http here", "HOST:PORT"]);
    // Kafka's definition of this key has no bounds, that of the other has.
    let value = ["up", "--config", "replica.lag.time.max.ms=soon", "--dir", &at];
    refuses(&run(&value), 2, &["replica.lag.time.max.ms=soon is not allowed: a whole number"]);
    let value = ["up", "--config", "num.partitions=0", "--dir", &at];
    refuses(&run(&value), 2, &["num.partitions=0 is not allowed: a whole number from 1 to 2147483647"]);
    refuses(&run(&["up", "--config", "num.partitions", "--dir", &at]), 2, &["KEY=VALUE"]);
    assert!(!dir.path().join("x").exists(), "wrong usage leaves nothing behind");
    refuses(&run(&["attach", "--bootstrap", "here", "--http", "127.0.0.1:0"]), 2, &["here", "HOST:PORT"]);
    let nobody = format!("127.0.0.1:{}", free_ports());
    refuses(&run(&["attach", "--bootstrap", &nobody, "--http", "127.0.0.1:0"]), 1, &[&nobody, "running there"]);

    // An unknown key is a warning that names the nearest one, and the cluster runs.
    let args = [ONE_EACH, &["--config", "num.partition=6", "--config", "log.retention.hour=1"]].concat();
    let cluster = Cluster::up(&args);
    says(&cluster.log(1), &["unknown key num.partition", "did you mean num.partitions?", "log.retention.hours?"]);
    refuses(&cluster.try_ask(&["kill", "7"]), 1, &["there is no node 7", "1, 101"]);
    refuses(&cluster.try_ask(&["cut", "1", "1"]), 1, &["no link to itself"]);
    refuses(&cluster.try_ask(&["resume", "1"]), 1, &["not paused"]);
    refuses(&cluster.try_ask(&["start", "1"]), 1, &["already running"]);

    // Somebody else wants the same ports, or the same folder.
    let port = cluster.port.to_string();
    let second = run(&["up", "--port", &port, "--http", "127.0.0.1:0", "--dir", &at]);
    refuses(&second, 1, &["of 127.0.0.1 is in use", "choose another port"]);
    refuses(&cluster.try_ask(&["up", "--port", "1"]), 1, &["already running", "--dir"]);
    let node = cluster.dir.path().join("node-1/server.properties");
    refuses(&run(&["node", "--config", &node.to_string_lossy()]), 1, &["used by another process", "log.dirs"]);
    assert_eq!(cluster.status()["nodes"][0]["state"], "alive");
}

#[test]
fn topics_that_kafka_refuses() {
    let cluster = Cluster::up(ONE_EACH);
    let create = |args: &[&str]| cluster.try_client(&[&["topics", "create"], args].concat());
    let long = "x".repeat(250);
    let invalid = "INVALID_TOPIC_EXCEPTION";
    refuses(&create(&["a/b"]), 1, &["a/b", invalid, "ASCII alphanumerics"]);
    refuses(&create(&[".."]), 1, &[invalid, "'..'"]);
    refuses(&create(&[&long]), 1, &[invalid, "249"]);
    refuses(&create(&["t", "--replication-factor", "4"]), 1, &["INVALID_REPLICATION_FACTOR", "4", "1 broker"]);
    refuses(&create(&["t", "--partitions", "0"]), 1, &["INVALID_PARTITIONS"]);
    refuses(&create(&["t", "--config", "cleanup.policy=eat"]), 1, &["INVALID_CONFIG", "eat"]);
    refuses(&create(&["t", "--config", "no.such.key=1"]), 1, &["INVALID_CONFIG", "no.such.key"]);
    refuses(&cluster.try_client(&["topics", "delete", "t"]), 1, &["UNKNOWN_TOPIC_OR_PARTITION"]);
    refuses(&cluster.try_client(&["consume", "t", "--exit"]), 1, &["UNKNOWN_TOPIC_OR_PARTITION", "topics list"]);
    assert_eq!(cluster.client(&["topics", "list"]), "", "nothing was left behind");
    create(&["t"]);
    refuses(&create(&["t"]), 1, &["TOPIC_ALREADY_EXISTS"]);
    refuses(&cluster.try_client(&["consume", "t", "--partition", "9", "--exit"]), 1, &["no partition 9"]);
}

#[test]
fn a_data_folder_of_somebody_else() {
    let cluster = Cluster::up(THREE_BROKERS);
    create_orders(&cluster);
    cluster.produce("orders", &lines(0, 100));
    let data = cluster.dir.path().join("node-3/data");
    let meta = data.join("meta.properties");
    let text = fs::read_to_string(&meta).unwrap();
    cluster.ask(&["stop", "3"]);
    let start_with = |text: Option<String>| {
        match text {
            Some(text) => fs::write(&meta, text).unwrap(),
            None => fs::remove_file(&meta).unwrap(),
        }
        cluster.try_ask(&["start", "3"])
    };
    let cluster_id = text.lines().find_map(|line| line.strip_prefix("cluster.id=")).unwrap();
    let foreign = text.replace(cluster_id, "QUFBQUFBQUFBQUFBQUFBQQ");
    let output = start_with(Some(foreign));
    refuses(&output, 1, &["belongs to cluster QUFBQUFBQUFBQUFBQUFBQQ", cluster_id, "folder of its own cluster"]);
    let output = start_with(Some(text.replace("node.id=3", "node.id=9")));
    refuses(&output, 1, &["belongs to node 9", "node.id=3", "its own folder"]);
    refuses(&start_with(Some("version=7\n".into())), 1, &["meta.properties", "version 7", "Restore the file"]);
    refuses(&start_with(None), 1, &["not formatted", "kafka-lab format --config"]);
    // The cluster went on without it, and takes it back with its own folder.
    cluster.produce("orders", &lines(100, 200));
    let output = start_with(Some(text));
    assert!(output.status.success(), "{}", stderr(&output));
    until("node 3 in sync again", || cluster.partition("orders").filter(|(_, isr)| *isr == 3));
    assert_eq!(cluster.consume_all("orders", 200), lines(0, 200));
}

/// Nobody told this node which cluster it is to be of: the quorum turns it away, and its log says so.
#[test]
fn a_lone_node_of_another_cluster_is_turned_away() {
    let cluster = Cluster::up(ONE_EACH);
    let dir = tempfile::tempdir().unwrap();
    let (data, port) = (dir.path().join("data"), free_ports());
    let config = dir.path().join("server.properties").to_string_lossy().into_owned();
    let text = format!(
        "process.roles=broker\nnode.id=5\ncontroller.quorum.voters=101@127.0.0.1:{}\n\
         listeners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={}\n",
        cluster.port + 100,
        data.display()
    );
    fs::write(&config, text).unwrap();
    let formatted = run(&["format", "--config", &config]);
    assert!(formatted.status.success(), "{}", stderr(&formatted));
    let log = dir.path().join("log");
    let mut node =
        lab(&["node", "--config", &config]).stderr(fs::File::create(&log).unwrap()).spawn().expect("the binary runs");
    until("node 5 to say that it was turned away", || {
        let said = fs::read_to_string(&log).unwrap_or_default();
        said.contains("turned away by controller 101 with INCONSISTENT_CLUSTER_ID").then_some(())
    });
    assert!(alive(node.id()), "it waits for a quorum of its own");
    signal(node.id(), "TERM");
    assert!(node.wait().unwrap().success());
    assert_eq!(cluster.status()["nodes"].as_array().unwrap().len(), 2);
}

/// A file system of its own, so that it can be full.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(mebibytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={mebibytes}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(dir.path()).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(dir))
    }

    fn grow(&self, mebibytes: u32) {
        let options = format!("remount,size={mebibytes}m");
        let mount = Command::new("mount").args(["-o", &options]).arg(self.0.path()).status();
        assert!(mount.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    let Some(disk) = SmallDisk::mount(8) else {
        eprintln!("SKIPPED: a small tmpfs cannot be mounted here (it takes root)");
        return;
    };
    let cluster = Cluster::prepared(THREE_BROKERS, |dir| {
        fs::create_dir_all(dir.join("node-1")).unwrap();
        symlink(disk.0.path(), dir.join("node-1/data")).unwrap();
    });
    let pids = cluster.pids();
    // Six partitions: broker 1 leads some and follows others.
    cluster.client(&["topics", "create", "orders", "--partitions", "6", "--replication-factor", "3"]);
    let big: Vec<String> = (0..1600).map(|n| format!("{n:05}-{}", "x".repeat(10_000))).collect();
    let mut stored: Vec<String> = Vec::new();
    for some in big.chunks(50) {
        let output = cluster.try_produce("orders", some);
        if !output.status.success() {
            // Led by broker 1: it says why. Led by another: broker 1 is in the ISR until it lags for too long.
            refuses(&output, 1, &["were not stored", "The last error was"]);
            break;
        }
        stored.extend_from_slice(some);
    }
    assert!(stored.len() >= 100, "{} records were stored", stored.len());
    let log = until("broker 1 to say that its disk is full", || {
        Some(cluster.log(1)).filter(|log| log.contains("the disk is full"))
    });
    says(&log, &["KAFKA_STORAGE_ERROR", "orders-", "Free space"]);
    assert!(pids.iter().all(|pid| alive(*pid)), "every process stays up: {log}");
    // With room again it goes on by itself and catches up.
    disk.grow(256);
    until("everything in sync again", || {
        let status = cluster.status();
        (status["under_replicated"] == 0 && status["offline"] == 0).then_some(())
    });
    let found = cluster.consume_all("orders", stored.len());
    let lost = stored.iter().filter(|line| found.binary_search(line).is_err()).count();
    assert_eq!(lost, 0, "of {} acknowledged records", stored.len());
    cluster.produce("orders", &big[..50]);
}

/// The newest segment of `orders-0` on a node.
fn segment(cluster: &Cluster, node: i64) -> PathBuf {
    let folder = cluster.dir.path().join(format!("node-{node}/data/orders-0"));
    let mut segments: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    segments.sort();
    segments.pop().expect("a log has a segment")
}

fn flip_byte_before_end(path: &Path, from_end: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let at = file.metadata().unwrap().len() - from_end;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0xff], at).unwrap();
}

fn cut_end(path: &Path, bytes: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
}

fn add_zeros(path: &Path, bytes: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() + bytes).unwrap();
}

/// A way to damage a file, and its name.
type Damage = (&'static str, fn(&Path));

#[test]
fn a_corrupt_tail_is_cut_and_fetched_again() {
    let cluster = Cluster::up(THREE_BROKERS);
    create_orders(&cluster);
    let damages: [Damage; 3] = [
        ("a flipped byte", |path| flip_byte_before_end(path, 40)),
        ("half a batch", |path| cut_end(path, 17)),
        ("a page of zeros", |path| add_zeros(path, 4096)),
    ];
    for (round, (damage, spoil)) in damages.into_iter().enumerate() {
        cluster.produce("orders", &lines(round * 200, round * 200 + 200));
        let (leader, _) = cluster.partition("orders").unwrap();
        cluster.ask(&["kill", &leader.to_string()]);
        until("another leader", || cluster.partition("orders").filter(|(l, _)| *l > 0 && *l != leader));
        let path = segment(&cluster, leader);
        let whole = fs::metadata(&path).unwrap().len();
        spoil(&path);
        let before = cluster.log(leader as u32).len();
        cluster.ask(&["start", &leader.to_string()]);
        // A broker that starts tells at first what it knew when it died: that it leads, with all in sync.
        let in_sync = |(l, isr): &(i64, usize)| *l != leader && *isr == 3;
        until("the old leader in sync again", || cluster.partition("orders").filter(in_sync));
        let log = cluster.log(leader as u32);
        says(&log[before..], &["recovered orders-0", "torn bytes"]);
        let again = fs::metadata(&path).unwrap().len();
        assert!(again >= whole, "{damage}: {again} bytes after {whole}");
        let dump = run(&["log", "dump", &path.to_string_lossy(), "--json"]);
        assert!(dump.status.success(), "{damage}: the segment is whole: {}", stderr(&dump));
    }
    assert_eq!(cluster.consume_all("orders", 600), lines(0, 600));
}

/// Sends bytes and tells whether the broker closed the connection without an answer.
fn closes(port: u16, bytes: &[u8]) -> bool {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => answer.is_empty(),
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn strangers_at_the_port_get_nothing_and_harm_nobody() {
    let cluster = Cluster::up(ONE_EACH);
    let pids = cluster.pids();
    for port in [cluster.port, cluster.port + 100] {
        assert!(closes(port, &i32::MAX.to_be_bytes()), "a frame of 2 GiB");
        assert!(closes(port, &(-1_i32).to_be_bytes()), "a negative length");
        assert!(closes(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "another protocol");
        assert!(closes(port, &[0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), "random bytes in a frame");
        // Random frames and random bytes, the same in each run: whatever comes, the connection may end and no process.
        let mut random = fastrand::Rng::with_seed(7);
        for round in 0..200_u32 {
            let mut bytes: Vec<u8> = (0..random.usize(4..400)).map(|_| random.u8(..)).collect();
            if round % 2 == 0 {
                // A frame with a sensible length and a known key in front reaches deeper.
                let len = (bytes.len() - 4) as u32;
                bytes[..4].copy_from_slice(&len.to_be_bytes());
                if bytes.len() > 8 {
                    bytes[4..8].copy_from_slice(&[0, random.u8(0..70), 0, random.u8(0..12)]);
                }
            }
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let _ = stream.write_all(&bytes);
        }
    }
    says(&cluster.log(1), &["2147483647 bytes is announced, more than socket.request.max.bytes=104857600"]);
    assert!(pids.iter().all(|pid| alive(*pid)), "{}", cluster.log(1));
    assert_eq!(cluster.client(&["topics", "create", "quiet"]), "created topic quiet\n");
}

/// It asks for everything again and again and takes nothing: it costs one answer, and others are served.
#[test]
fn a_client_that_never_reads_costs_one_answer() {
    let cluster = Cluster::up(ONE_EACH);
    cluster.client(&["topics", "create", "big", "--partitions", "1"]);
    let big: Vec<String> = (0..200).map(|n| format!("{n:05}-{}", "x".repeat(50_000))).collect();
    cluster.produce("big", &big);
    let rss = || cluster.status()["nodes"][0]["rss_bytes"].as_u64().unwrap();
    let before = rss();
    let deaf: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", cluster.port)).unwrap();
            stream.set_nonblocking(true).unwrap();
            let fetch = fetch_everything("big");
            while stream.write(&fetch).is_ok_and(|written| written == fetch.len()) {}
            stream
        })
        .collect();
    // The others are served: all of it is read, and more is written.
    assert_eq!(cluster.consume("big").len(), 200);
    cluster.produce("big", &big[..10]);
    let grown = rss().saturating_sub(before);
    assert!(grown < 64 << 20, "twenty deaf clients cost {} MiB", grown >> 20);
    assert!(cluster.pids().iter().all(|pid| alive(*pid)));
    drop(deaf);
}

/// A Fetch request, version 4, of partition 0 from its beginning, in a frame.
fn fetch_everything(topic: &str) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend([0, 1, 0, 4, 0, 0, 0, 1, 0xff, 0xff]);
    body.extend((-1_i32).to_be_bytes());
    body.extend(500_i32.to_be_bytes());
    body.extend(1_i32.to_be_bytes());
    body.extend(i32::MAX.to_be_bytes());
    body.push(0);
    body.extend(1_i32.to_be_bytes());
    body.extend((topic.len() as u16).to_be_bytes());
    body.extend(topic.as_bytes());
    body.extend(1_i32.to_be_bytes());
    body.extend(0_i32.to_be_bytes());
    body.extend(0_i64.to_be_bytes());
    body.extend(i32::MAX.to_be_bytes());
    [&(body.len() as u32).to_be_bytes()[..], &body].concat()
}
