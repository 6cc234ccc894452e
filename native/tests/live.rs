//! `/api/live` of a running cluster, as a page uses it: what is sent, how much, and what is refused.

#[path = "cluster/lab.rs"]
#[allow(dead_code, reason = "the tests of a cluster use the rest")]
mod lab;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use lab::{Cluster, lab};
use lab_core::{
    id::EventId,
    live::{Assembly, ServerMessage, SessionInfo, from_hex},
    trace::{EventKind, FrameFacts},
    view::{ClientView, ClusterView},
    wire::{
        annotate::{What, annotate},
        api::ApiKey,
    },
};

/// A program that goes on until the test ends, however it ends.
struct Running(std::process::Child);

impl Running {
    fn start(args: &[&str]) -> Self {
        Self(lab(args).stdout(std::process::Stdio::piped()).spawn().expect("the binary runs"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The page's end of the socket.
struct Page {
    stream: BufReader<TcpStream>,
    view: Assembly,
    sent: Vec<(EventId, Option<EventId>, FrameFacts)>,
    /// What else happened.
    happened: Vec<EventKind>,
    answers: Vec<ServerMessage>,
    bytes: usize,
}

fn get(port: u16, path: &str, headers: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n").unwrap();
    BufReader::new(stream)
}

fn body(port: u16, path: &str) -> String {
    let mut text = String::new();
    get(port, path, "Connection: close\r\n").read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    text.split_once("\r\n\r\n").unwrap().1.to_owned()
}

impl Page {
    fn open(port: u16) -> Self {
        let session: SessionInfo = serde_json::from_str(&body(port, "/api/session")).unwrap();
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let mut stream = get(port, &format!("/api/live?token={}", session.token), upgrade);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).unwrap();
            assert!(!line.is_empty(), "the server ended the connection");
        }
        Self {
            stream,
            view: Assembly::default(),
            sent: Vec::new(),
            happened: Vec::new(),
            answers: Vec::new(),
            bytes: 0,
        }
    }

    /// Takes one message in (RFC 6455: text, unmasked, unfragmented).
    fn take(&mut self) {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).unwrap();
        assert_eq!(head[0], 0x81, "a text message");
        let len = match head[1] {
            126 => u64::from(u16::from_be_bytes(self.read())),
            127 => u64::from_be_bytes(self.read()),
            len => u64::from(len),
        };
        let mut text = vec![0; len as usize];
        self.stream.read_exact(&mut text).unwrap();
        self.bytes += text.len();
        match serde_json::from_slice(&text).unwrap() {
            ServerMessage::Update(update) => self.view.apply(*update).unwrap(),
            ServerMessage::Events { events, .. } => {
                for event in events {
                    match event.kind {
                        EventKind::Sent(facts) => self.sent.push((event.id, event.cause, *facts)),
                        kind => self.happened.push(kind),
                    }
                }
            }
            answer => self.answers.push(answer),
        }
    }

    fn read<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    fn say(&mut self, text: &str) {
        assert!(text.len() < 126);
        // Masked with zeros, which is a mask too.
        let frame = [&[0x81, 0x80 | text.len() as u8, 0, 0, 0, 0], text.as_bytes()].concat();
        self.stream.get_mut().write_all(&frame).unwrap();
    }

    #[track_caller]
    fn until<T>(&mut self, what: &str, ready: impl Fn(&Self) -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(value) = ready(self) {
                return value;
            }
            assert!(began.elapsed() < lab::DEADLINE, "waited in vain for {what}");
            self.take();
        }
    }

    /// How this was answered: an error says why it was not done.
    fn answer(&self, id: u64) -> Option<Option<String>> {
        self.answers.iter().find_map(|answer| match answer {
            ServerMessage::Done { id: answered, error } if *answered == id => Some(error.clone()),
            _ => None,
        })
    }

    fn view(&self) -> &ClusterView {
        self.view.view()
    }
}

#[test]
fn a_page_sees_processes_frames_bytes_and_clients() {
    let cluster = Cluster::up(&["--brokers", "3", "--controllers", "1"]);
    cluster.client(&["topics", "create", "orders", "--partitions", "3", "--replication-factor", "3"]);
    let records: Vec<String> = (0..50).map(|n| format!("record-{n}")).collect();
    cluster.produce("orders", &records);
    let mut page = Page::open(cluster.http_port());

    // Whole at first: every node, every replica, the records.
    page.until("the whole view", |page| {
        let view = page.view();
        let tail = |b: &lab_core::view::BrokerView| b.replicas.iter().map(|r| r.tail.len()).sum::<usize>() == 50;
        (view.nodes.len() == 4 && view.nodes.iter().filter_map(|n| n.broker.as_ref()).filter(|b| tail(b)).count() == 3)
            .then_some(())
    });
    assert_eq!(page.view().headline().len(), 3);

    // Then only what changes. An idle cluster changes little: heartbeats and the quorum's own records.
    let (began, before) = (Instant::now(), page.bytes);
    while began.elapsed() < Duration::from_secs(3) {
        page.take();
    }
    let rate = (page.bytes - before) as f64 / began.elapsed().as_secs_f64();
    println!("an idle cluster is watched with {:.1} KB/s", rate / 1000.0);

    // A consumer that stays: its name, its version and how far it has read, as the brokers see it.
    let _consumer = Running::start(&["consume", "orders", "--bootstrap", &cluster.bootstrap()]);
    let client = page.until("the consumer with its positions", |page| {
        let read = |client: &ClientView| client.positions.iter().map(|p| p.position).sum::<i64>() == 50;
        page.view().clients().into_iter().find(|client| client.client_id == "kafka-lab-consume" && read(client))
    });
    assert_eq!(client.positions.len(), 3);
    assert!(client.versions.iter().any(|(api, version)| api == "Fetch" && *version >= 12), "{client:?}");

    // A produce request on its way, its answer, and the bytes of both.
    cluster.produce("orders", &records[..1]);
    let produce = ApiKey::Produce.code();
    let (request, facts) = page.until("a Produce request", |page| {
        let sent = page.sent.iter().find(|(_, _, f)| f.api_key == produce && !f.response && f.records == 1);
        sent.map(|(id, _, facts)| (*id, facts.clone()))
    });
    assert!(facts.label.contains("orders-"), "{}", facts.label);
    assert_eq!(facts.from, ClientView::id_of("kafka-lab-produce", "127.0.0.1:1"));
    let answer = page.until("its answer", |page| {
        page.sent.iter().find(|(_, cause, f)| *cause == Some(request) && f.response).map(|(_, _, facts)| facts.clone())
    });
    assert_eq!((answer.to, answer.correlation_id), (facts.from, facts.correlation_id));
    page.say(&format!(r#"{{"id":1,"frame":{}}}"#, request.0));
    let bytes = page.until("its bytes", |page| {
        page.answers.iter().find_map(|answer| match answer {
            ServerMessage::Frame { id: 1, hex, len, .. } => Some((from_hex(hex).unwrap(), *len)),
            _ => None,
        })
    });
    assert_eq!((bytes.0.len(), bytes.1), (facts.bytes as usize, facts.bytes));
    let notes = annotate(&bytes.0.into(), What::Request);
    assert!(notes.iter().any(|note| note.value.contains("record-0")), "{notes:?}");

    // What cannot be done says why; bytes that nobody keeps are said to be gone.
    page.say(r#"{"id":2,"action":"kill","node":9}"#);
    page.say(r#"{"id":3,"action":"power_loss","node":1}"#);
    page.say(r#"{"id":4,"frame":12345}"#);
    page.say(r#"{"id":5,"action":"dance"}"#);
    page.say(r#"{"id":6,"action":"pause","node":2}"#);
    for (id, words) in [(2, "there is no node 9"), (3, "cut the power"), (4, "no longer kept"), (5, "not understood")] {
        let error = page.until("a refusal", |page| page.answer(id)).expect("it is refused");
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(page.until("the pause", |page| page.answer(6)), None);
    page.until("broker 2 to be paused", |page| {
        let node = page.view().nodes.iter().find(|node| node.id.0 == 2)?;
        (node.process == lab_core::view::ProcessState::Paused).then_some(())
    });
}

/// `attach` knows no more than any client, and shows what a client may ask: each replica's own log, groups, and a death.
#[test]
fn attach_shows_a_cluster_by_asking() {
    let mut cluster = Cluster::up(&["--brokers", "3", "--controllers", "1"]);
    cluster.client(&["topics", "create", "orders", "--partitions", "1", "--replication-factor", "3"]);
    cluster.produce("orders", &["one".into(), "two".into()]);
    let http = cluster.port + 3;
    let address = format!("127.0.0.1:{http}");
    let mut attached = Running::start(&["attach", "--bootstrap", &cluster.bootstrap(), "--http", &address]);
    let mut says = BufReader::new(attached.0.stdout.take().expect("it is piped")).lines();
    assert!(says.any(|line| line.is_ok_and(|line| line.starts_with("ready "))), "it ended before it was ready");
    let mut page = Page::open(http);

    // Every replica tells of itself: its log end, its high watermark, its records.
    let replicas = |page: &Page, end: i64| {
        let brokers = page.view().nodes.iter().filter_map(|node| node.broker.as_ref());
        let all = brokers.flat_map(|broker| &broker.replicas);
        let whole = all.filter(|r| r.topic == "orders" && (r.log_end_offset, r.high_watermark) == (end, end));
        whole.filter(|r| r.tail.iter().map(|record| record.offset).eq(0..end)).count()
    };
    page.until("three whole replicas", |page| (replicas(page, 2) == 3).then_some(()));
    assert_eq!(page.view().active_controller().map(|node| node.id.0), Some(101));
    let leader = page.view().headline().iter().find(|h| h.partition.topic == "orders").map(|h| h.partition.leader);
    let leader = leader.expect("orders-0 has a leader");

    // A client may produce; nobody stops processes of somebody else from here.
    page.say(r#"{"id":1,"action":"produce","topic":"orders","value":"three"}"#);
    page.say(&format!(r#"{{"id":2,"action":"kill","node":{leader}}}"#));
    page.say(r#"{"id":3,"lesson":"kill-the-leader"}"#);
    assert_eq!(page.until("the record", |page| page.answer(1)), None);
    for (id, words) in [(2, "only looks"), (3, "simulator")] {
        let error = page.until("a refusal", |page| page.answer(id)).expect("it is refused");
        assert!(error.contains(words), "{error}");
    }
    page.until("the third record everywhere", |page| (replicas(page, 3) == 3).then_some(()));

    // A group with its member, and what it committed.
    let group = ["consume", "orders", "--group", "billing", "--from", "earliest", "--bootstrap"];
    let consumer = Running::start(&[&group[..], &[&cluster.bootstrap()]].concat());
    page.until("the group", |page| {
        let group = page.view().groups().into_iter().find(|group| group.id == "billing")?;
        let reads = group.members.first()?.partitions.first()?.clone();
        (group.state == "Stable" && reads.committed == 3 && group.lag == 0).then_some(())
    });
    drop(consumer);

    // A death, and the election that follows.
    cluster.ask(&["kill", &leader.to_string()]);
    page.until("the election", |page| {
        let elected = |kind: &EventKind| match kind {
            EventKind::PartitionChanged { partition, leader: new, previous_leader, .. } => {
                partition.topic == "orders" && *previous_leader == leader && *new > 0 && *new != leader
            }
            _ => false,
        };
        page.happened.iter().any(elected).then_some(())
    });
    let fenced = |kind: &EventKind| matches!(kind, EventKind::BrokerFenced { broker, .. } if broker.0 == leader);
    page.until("its fencing", |page| page.happened.iter().any(fenced).then_some(()));
    page.until("the dead broker", |page| {
        let node = page.view().nodes.iter().find(|node| node.id.0 == leader)?;
        (node.process == lab_core::view::ProcessState::Down).then_some(())
    });

    // With nobody left to ask, it stays and shows nobody.
    lab::signal(cluster.supervisor_pid(), "TERM");
    cluster.wait();
    page.until("nobody", |page| {
        let down = |node: &lab_core::view::NodeView| node.process == lab_core::view::ProcessState::Down;
        page.view().nodes.iter().all(down).then_some(())
    });
    lab::signal(attached.0.id(), "TERM");
    assert!(attached.0.wait().expect("waited once").success());
}
