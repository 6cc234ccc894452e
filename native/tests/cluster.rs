//! The real cluster: processes, sockets, files, signals. Own ports, own processes, no waiting for luck.

#[path = "cluster/lab.rs"]
mod lab;

use std::{
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use lab::{Cluster, alive, free_ports, run, signal, stderr, until};

const TEN_SECONDS: Duration = Duration::from_secs(10);

/// The whole topic is what was acknowledged, neither more nor less.
#[track_caller]
fn holds(cluster: &Cluster, topic: &str, expected: &[String]) {
    let found = cluster.consume_all(topic, expected.len());
    let missing = expected.iter().filter(|line| !found.contains(line)).count();
    assert!(found == expected, "{} records instead of {}, {missing} of them missing", found.len(), expected.len());
}

fn lines(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|n| format!("record-{n:05}")).collect()
}

#[test]
fn acknowledged_records_survive_the_leader_and_then_everybody() {
    let mut cluster = Cluster::up(&[]);
    cluster.client(&[
        "topics",
        "create",
        "orders",
        "--partitions",
        "1",
        "--replication-factor",
        "3",
        "--config",
        "min.insync.replicas=2",
    ]);
    until("all in sync", || cluster.partition("orders").filter(|(leader, isr)| *leader > 0 && *isr == 3));
    cluster.produce("orders", &lines(0, 500));

    // kill -9 of the leader: another one leads, and writes go on.
    let (leader, _) = cluster.partition("orders").unwrap();
    let told: Value = serde_json::from_str(&cluster.ask(&["kill", &leader.to_string(), "--json"])).expect("json");
    assert_eq!((&told["asked"]["action"], &told["now"]["state"]), (&"kill".into(), &"down".into()), "{told}");
    let next =
        until("another leader", || cluster.partition("orders").map(|(l, _)| l).filter(|l| *l > 0 && *l != leader));
    assert_ne!(next, leader);
    cluster.produce("orders", &lines(500, 1000));
    holds(&cluster, "orders", &lines(0, 1000));
    cluster.ask(&["start", &leader.to_string()]);
    until("the old leader in sync again", || cluster.partition("orders").filter(|(_, isr)| *isr == 3));

    // kill -9 of all processes at once, the supervisor first.
    let pids = cluster.pids();
    assert_eq!(pids.len(), 6);
    signal(cluster.supervisor_pid(), "KILL");
    pids.iter().for_each(|pid| signal(*pid, "KILL"));
    cluster.again();
    holds(&cluster, "orders", &lines(0, 1000));
    cluster.produce("orders", &lines(1000, 1100));
    holds(&cluster, "orders", &lines(0, 1100));

    // SIGTERM ends all within ten seconds.
    let (pids, began) = (cluster.pids(), Instant::now());
    signal(cluster.supervisor_pid(), "TERM");
    assert!(cluster.wait().success());
    assert!(pids.iter().all(|pid| !alive(*pid)), "no orphans");
    assert!(began.elapsed() < TEN_SECONDS, "it took {:?}", began.elapsed());
}

#[test]
fn kcat_lists_produces_and_consumes() {
    if Command::new("kcat").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        eprintln!("SKIPPED: kcat is not installed (Debian: apt install kcat)");
        return;
    }
    let cluster = Cluster::up(&["--combined"]);
    cluster.client(&["topics", "create", "clicks", "--partitions", "2", "--replication-factor", "3"]);
    let kcat = |args: &[&str], input: &str| {
        let mut child = Command::new("kcat")
            .args(["-b", &cluster.bootstrap()])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("kcat runs");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("kcat ends");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("text")
    };
    until("kcat to see the topic", || {
        kcat(&["-L", "-t", "clicks"], "").contains("topic \"clicks\" with 2 partitions").then_some(())
    });
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        kcat(
            &["-P", "-t", "clicks", "-p", "0", "-K:", "-z", codec, "-X", "acks=all", "-H", "h=1"],
            &format!("{codec}:with {codec}\n"),
        );
    }
    let read = kcat(&["-C", "-t", "clicks", "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%o %k %s %h\n"], "");
    let expected = "0 none with none h=1\n1 gzip with gzip h=1\n2 snappy with snappy h=1\n3 lz4 with lz4 h=1\n4 zstd with zstd h=1\n";
    assert_eq!(read, expected);
}

#[test]
fn combined_nodes_stop_within_ten_seconds_one_after_another() {
    let cluster = Cluster::up(&["--combined"]);
    for node in ["1", "2", "3"] {
        let began = Instant::now();
        cluster.ask(&["stop", node]);
        assert!(began.elapsed() < TEN_SECONDS, "node {node} took {:?}", began.elapsed());
        assert!(!cluster.log(node.parse().unwrap()).contains("BUG"), "{}", cluster.log(node.parse().unwrap()));
    }
    assert!(cluster.status()["nodes"].as_array().unwrap().iter().all(|node| node["state"] == "down"));
}

#[test]
fn a_killed_supervisor_leaves_no_orphans_not_even_a_paused_one() {
    let mut cluster = Cluster::up(&[]);
    cluster.ask(&["pause", "2"]);
    assert_eq!(cluster.status()["nodes"][1]["state"], "paused");
    let pids = cluster.pids();
    signal(cluster.supervisor_pid(), "KILL");
    cluster.wait();
    until("all nodes to end", || pids.iter().all(|pid| !alive(*pid)).then_some(()));
}

#[test]
fn wrong_usage_and_wrong_folders_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let fails = |code: i32, args: &[&str], words: &[&str]| {
        let output = run(args);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        words.iter().for_each(|word| assert!(said.contains(word), "{args:?} should say {word:?}: {said}"));
        assert!(!said.contains("backtrace") && !said.contains("panicked"), "{said}");
    };
    fails(2, &["up", "--borkers", "3"], &["--brokers"]);
    fails(
        2,
        &["up", "--config", "num.partitions=none", "--dir", &path("x")],
        &["num.partitions=none", "a whole number from 1"],
    );
    fails(2, &["up", "--brokers", "0", "--dir", &path("x")], &["at least one broker"]);
    fails(1, &["status", "--dir", &path("x")], &["no cluster is running", "kafka-lab up"]);
    fails(1, &["lesson", "check", "nowhere"], &["nowhere", "kill-the-leader"]);
    fails(1, &["topics", "list", "--bootstrap", "127.0.0.1:1"], &["cannot connect to 127.0.0.1:1"]);
    fails(2, &["topics", "list", "--bootstrap", "nowhere"], &["HOST:PORT"]);

    let port = free_ports();
    let write = |name: &str, extra: &str| {
        let text = format!(
            "process.roles=broker\nnode.id=1\ncontroller.quorum.voters=101@127.0.0.1:{0}\n\
             listeners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={1}\n{extra}",
            port + 100,
            path("data")
        );
        std::fs::write(dir.path().join(name), text).unwrap();
        path(name)
    };
    let good = write("good.properties", "");
    fails(1, &["node", "--config", &path("none.properties")], &["cannot read"]);
    fails(1, &["node", "--config", &good], &["not formatted", "kafka-lab format"]);
    fails(2, &["format", "--config", &good, "--cluster-id", "short"], &["22 characters"]);
    assert!(run(&["format", "--config", &good]).status.success());
    fails(1, &["format", "--config", &good], &["already formatted"]);
    let other = write("other.properties", "node.id=2\n");
    fails(1, &["node", "--config", &other], &["belongs to node 1", "node.id=2"]);
    let bad = write("bad.properties", "min.insync.replicas=many\n");
    fails(1, &["node", "--config", &bad], &["min.insync.replicas=many", "a whole number"]);
    let blocker = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    fails(1, &["node", "--config", &good], &[&format!("port {port}"), "in use"]);
    let port_text = port.to_string();
    fails(1, &["up", "--port", &port_text, "--dir", &path("c"), "--http", "127.0.0.1:0"], &["in use", "another port"]);
    drop(blocker);
    fails(2, &["up", "--fresh", "--port", &port_text, "--dir", &path("c")], &["--yes"]);
    fails(1, &["up", "--brokers", "5", "--port", &port_text, "--dir", &path("c")], &["another shape", "--fresh"]);
}

/// What real processes were told replays to the same outcome, also of one that was killed in the middle of it.
#[test]
fn recorded_nodes_replay() {
    let mut cluster = Cluster::up(&["--brokers", "1", "--controllers", "1", "--record"]);
    cluster.produce("orders", &lines(0, 300));
    cluster.ask(&["kill", "1"]);
    cluster.ask(&["start", "1"]);
    // The controller takes it back when the session of its former life is over.
    until("the broker to serve again", || cluster.try_produce("again", &lines(0, 1)).status.success().then_some(()));
    cluster.produce("orders", &lines(300, 400));
    holds(&cluster, "orders", &lines(0, 400));
    signal(cluster.supervisor_pid(), "TERM");
    assert!(cluster.wait().success());
    for (name, program, ended) in [
        ("node-1/recording", "broker", false),
        ("node-1/recording.2", "broker", true),
        ("node-101/recording", "controller", true),
    ] {
        let file = cluster.dir.path().join(name);
        let output = run(&["replay", "--json", &file.to_string_lossy()]);
        assert!(output.status.success(), "{name}: {}", stderr(&output));
        let replayed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&replayed["program"], &replayed["ended"]), (&Value::from(program), &Value::from(ended)), "{name}");
        assert!(replayed["inputs"].as_u64().is_some_and(|inputs| inputs > 20), "{name}: {replayed}");

        let mut bytes = std::fs::read(&file).unwrap();
        let inside = bytes.windows(6).rposition(|window| window == b"orders").expect("it was spoken of");
        bytes[inside] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        let output = run(&["replay", &file.to_string_lossy()]);
        let complaint = stderr(&output);
        assert!(output.status.code() == Some(1) && complaint.contains("damaged at byte"), "{name}: {complaint}");
    }
}

/// One target for all nodes, one of each node that was asked for, and one of a node that runs by itself.
#[test]
fn figures_for_prometheus() {
    let get = |port: u16, path: &str| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        std::io::Read::read_to_string(&mut stream, &mut text).ok()?;
        Some(text)
    };
    let own = free_ports();
    let cluster = Cluster::up(&["--brokers", "2", "--controllers", "1", "--metrics-port", &own.to_string()]);
    cluster.client(&["topics", "create", "orders", "--partitions", "4", "--replication-factor", "2"]);
    cluster.produce("orders", &lines(0, 10));
    let has = |text: &str, lines: &[&str]| lines.iter().all(|line| text.lines().any(|found| found == *line));
    until("the figures of all nodes", || {
        let text = get(cluster.http_port(), "/metrics")?;
        has(
            &text,
            &[
                "kafka_lab_node_up{node=\"2\"} 1",
                "kafka_server_replicamanager_partitioncount{node=\"1\"} 4",
                "kafka_server_replicamanager_leadercount{node=\"1\"} 2",
                "kafka_server_replicamanager_underreplicatedpartitions{node=\"2\"} 0",
                "kafka_controller_kafkacontroller_activecontrollercount{node=\"101\"} 1",
                "kafka_controller_kafkacontroller_globalpartitioncount{node=\"101\"} 4",
            ],
        )
        .then_some(text)
        .filter(|text| text.contains("requestmetrics_requests_total{node=\"101\",request=\"BrokerHeartbeat\"}"))
    });
    assert!(get(cluster.http_port(), "/healthz").unwrap().starts_with("HTTP/1.1 200"));
    for (port, own, other) in [(own + 1, "node=\"2\"", "node=\"1\""), (own + 100, "node=\"101\"", "node=\"2\"")] {
        let text = until("a node's own figures", || get(port, "/metrics"));
        assert!(text.contains(own) && !text.contains(other), "{text}");
    }

    // A third broker by hand, with a port of its own for its figures.
    let (dir, port) = (tempfile::tempdir().unwrap(), free_ports());
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let text = format!(
        "process.roles=broker\nnode.id=3\ncontroller.quorum.voters=101@127.0.0.1:{}\n\
         listeners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={}\n",
        cluster.port + 100,
        path("data")
    );
    std::fs::write(path("server.properties"), text).unwrap();
    let id = cluster.status()["cluster_id"].as_str().unwrap().to_owned();
    let formatted = run(&["format", "--config", &path("server.properties"), "--cluster-id", &id]);
    assert!(formatted.status.success(), "{}", stderr(&formatted));
    let metrics = port + 1;
    let mut node = lab::lab(&["node", "--config", &path("server.properties"), "--metrics-port", &metrics.to_string()])
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    until("node 3 to be healthy", || get(metrics, "/healthz").filter(|text| text.starts_with("HTTP/1.1 200")));
    let text = get(metrics, "/metrics").unwrap();
    assert!(has(&text, &["kafka_server_kafkaserver_brokerstate{node=\"3\"} 3"]), "{text}");
    assert!(!text.contains("node=\"1\""), "it serves its own: {text}");
    signal(node.id(), "TERM");
    assert!(node.wait().unwrap().success());
}

/// The latencies of a run that does one thing at a time add up to its time.
#[test]
fn load_is_measured() {
    let cluster = Cluster::up(&["--brokers", "1", "--controllers", "1"]);
    cluster.client(&["topics", "create", "load", "--partitions", "2"]);
    let perf = |args: &[&str]| -> Value {
        let text = cluster.client(&[&["perf"], args, &["--json"]].concat());
        serde_json::from_str::<Value>(text.lines().last().expect("it ends with an object")).expect("json")
    };
    let produced = perf(&["produce", "load", "--records", "5000", "--keys", "7"]);
    assert_eq!((produced["records"].as_u64(), produced["bytes"].as_u64()), (Some(5000), Some(500_000)));
    assert!(produced["latency_ms"]["max"].as_f64() >= produced["latency_ms"]["p50"].as_f64(), "{produced}");
    assert_eq!(perf(&["consume", "load", "--records", "5000"])["records"], 5000);
    let e2e = perf(&["e2e", "load", "--records", "100"]);
    let (mean_ms, seconds) = (e2e["latency_ms"]["mean"].as_f64().unwrap(), e2e["seconds"].as_f64().unwrap());
    let share = mean_ms * 100.0 / (seconds * 1000.0);
    assert!((0.5..1.01).contains(&share), "the latencies are {share} of the time: {e2e}");
}
