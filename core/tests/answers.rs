//! What a broker answers to requests that are wrong, old or unusual: `core/testdata/answers/*.txt`, in which every answer
//! was given by Apache Kafka 4.3.1. Here a simulated broker must answer the same.
//!
//! To ask Kafka again: start one broker on loopback, then `KAFKA_PEER=127.0.0.1:9092 ANSWERS_REWRITE=1 cargo test -p lab-core
//! --test answers`. Without `ANSWERS_REWRITE` it compares Kafka with the files; `ANSWERS_FILE=bad-requests` takes one
//! of them. A file that begins with `brokers N` is asked of N brokers: start those (node ids 1, 2, ...) and give all their
//! addresses, `127.0.0.1:9092,127.0.0.1:9093`. Where a file asks the controller itself, its address is in
//! `KAFKA_PEER_CONTROLLER`.
//!
//! | command | what is asked |
//! |---|---|
//! | `create T [partitions=N] [rf=N] [CONFIG=VALUE...]`, `delete T`, `partitions T count=N` | of the controller |
//! | `config T CONFIG=VALUE` | IncrementalAlterConfigs |
//! | `init NAME [txn=ID] [pid=P] [epoch=E] [timeout=MS] [version=V]` | InitProducerId; NAME stands for the id from then on |
//! | `produce T-P [acks=N] [version=V] BATCH...` | see below |
//! | `fetch T-P offset=N [epoch=E] [fetched=E] [version=V]` | Fetch |
//! | `stored T-P offset=N` | Fetch, of which the first batch is shown |
//! | `offsets T-P timestamp=N [epoch=E] [version=V]` | ListOffsets |
//! | `epoch-end T-P of=E [epoch=E]` | OffsetForLeaderEpoch |
//! | `delete-records T-P offset=N` | DeleteRecords |
//! | `cluster [endpoint=N]` | DescribeCluster |
//! | `quorum [T-P]` | DescribeQuorum, of that partition or of none |
//! | `metadata T [version=V] [trailing=N]` | Metadata, without creating the topic; N bytes more than the request has |
//! | `coordinator G` | FindCoordinator, until the group's coordinator serves it; it is asked from then on |
//! | `other` | another broker is asked from then on |
//! | `wait MS` | lets time pass |
//! | `elect`, `reassign`, `feature`, `unregister`, ... | of the controller: see `answers/reassignments.rs` |
//! | `join`, `sync`, `heartbeat`, `leave`, `commit`, ... | of the coordinator of a group: see `answers/groups.rs` |
//! | `ask API VERSIONS {field: value, ...}`, `ask-controller ...` | any request, with bytes that no client would write too, and the whole answer: see `answers/ask.rs` |
//! | `key N vN` | whether a request with that key and version is answered at all; its body is zeros |
//!
//! A batch is `null`, `empty`, `garbage` or `records=N` with `,pid=NAME,seq=N,producer-epoch=N,at=OFFSET`, `,crc=wrong`, `,count=N` (what its header
//! says), `,magic=N`, `,transactional`, `,control`, `,time=MS`; or `hex=` and all its bytes.
//!
//! With the word `whole` every field of the response is shown.

use std::{collections::BTreeMap, fs, path::PathBuf};

use bytes::Bytes;
use lab_core::{
    id::{NodeId, Uuid},
    sim::{Answer, Scenario, World},
    wire::{api::Request, error::ErrorCode, frame, records::Records},
};

#[path = "answers/ask.rs"]
mod ask;
#[path = "answers/fields.rs"]
mod fields;
#[path = "answers/groups.rs"]
mod groups;
#[path = "answers/logs.rs"]
mod logs;
#[path = "answers/peer.rs"]
mod peer;
#[path = "answers/reassignments.rs"]
mod reassignments;
#[path = "answers/request.rs"]
mod request;
#[path = "answers/response.rs"]
mod response;

/// Its id in the simulated cluster.
const CONTROLLER: NodeId = NodeId(101);

/// Whoever is asked.
enum Cluster {
    Simulated(Box<World>),
    Real(Vec<peer::Peer>),
}

impl Cluster {
    /// `None`: Kafka is to be asked, and not so many brokers of it are there.
    fn new(brokers: usize) -> Option<Self> {
        if let Ok(addresses) = std::env::var("KAFKA_PEER") {
            let peers: Vec<_> = addresses.split(',').map(|address| peer::Peer::new(address.into())).collect();
            return (peers.len() == brokers).then_some(Self::Real(peers));
        }
        let mut scenario = Scenario::cluster("answers", 1, brokers as i32);
        scenario.node_config.group_initial_rebalance_delay_ms = 0;
        let mut world = World::new(scenario, 1);
        world.run_for(5000);
        Some(Self::Simulated(Box::new(world)))
    }

    fn ask(&mut self, broker: NodeId, frame: Bytes) -> Answer {
        match self {
            Self::Simulated(world) => world.ask(broker, frame, 3000),
            Self::Real(_) if broker == CONTROLLER => {
                let address = std::env::var("KAFKA_PEER_CONTROLLER").expect("the address of Kafka's controller");
                peer::Peer::new(address).ask(&frame)
            }
            Self::Real(peers) => peers[broker.0 as usize - 1].ask(&frame),
        }
    }

    fn wait_ms(&mut self, ms: u64) {
        match self {
            Self::Simulated(world) => world.run_for(ms),
            Self::Real(peers) => peers[0].wait_ms(ms),
        }
    }
}

#[test]
fn a_broker_answers_as_kafka_did() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/answers");
    let rewrite = std::env::var("ANSWERS_REWRITE").is_ok();
    let mut files: Vec<PathBuf> = fs::read_dir(&dir).expect("testdata/answers").map(|f| f.unwrap().path()).collect();
    files.sort();
    if let Ok(name) = std::env::var("ANSWERS_FILE") {
        files.retain(|file| file.file_stem().is_some_and(|stem| stem == name.as_str()));
        assert!(!files.is_empty(), "there is no answers/{name}.txt");
    }
    let mut different = Vec::new();
    for file in files {
        let expected = fs::read_to_string(&file).unwrap();
        let Some(printed) = run(&expected) else { continue };
        if rewrite {
            fs::write(&file, &printed).unwrap();
            continue;
        }
        let mut command = "";
        for (got, wanted) in printed.lines().zip(expected.lines()) {
            if got != wanted {
                different.push(format!("{command}\n    got      {got}\n    Kafka's  {wanted}"));
            } else if got != "----" && !got.is_empty() {
                command = got;
            }
        }
        assert_eq!(printed.lines().count(), expected.lines().count(), "{}", file.display());
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Each command, then what is answered to it. `None`: there is nobody to ask.
fn run(text: &str) -> Option<String> {
    let brokers =
        text.lines().find_map(|line| line.strip_prefix("brokers ")).map_or(1, |n| n.parse().expect("a number"));
    let mut asker = Asker {
        brokers,
        cluster: Cluster::new(brokers)?,
        asked: NodeId(1),
        last: String::new(),
        producers: BTreeMap::new(),
        members: BTreeMap::new(),
        topic_ids: Vec::new(),
        drawn: Vec::new(),
    };
    let mut printed = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        printed += line;
        printed.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let answer = asker.command(line);
        printed += "----\n";
        printed += &answer;
        printed.push('\n');
        if lines.next_if_eq(&"----").is_some() {
            while lines.next_if(|line| !line.is_empty()).is_some() {}
        }
    }
    Some(printed)
}

struct Asker {
    brokers: usize,
    cluster: Cluster,
    /// The broker that is asked now.
    asked: NodeId,
    /// All of the last response.
    last: String,
    /// Id and epoch, by the name that the text gives it.
    producers: BTreeMap<String, (i64, i16)>,
    /// Member id and generation, by the name that the text gives it.
    members: BTreeMap<String, (String, i32)>,
    /// Ids of topics that requests named.
    topic_ids: Vec<(String, Uuid)>,
    /// What the cluster drew, by the name that it has here.
    drawn: Vec<(String, String)>,
}

/// The words of a line, of which some have a name.
struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    fn number<T: TryFrom<i64>>(&self, name: &str, otherwise: T) -> T {
        self.get(name).map_or(otherwise, |text| {
            let number: i64 = text.parse().unwrap_or_else(|_| panic!("{name}={text}"));
            T::try_from(number).unwrap_or_else(|_| panic!("{name}={text} is too large"))
        })
    }

    fn flag(&self, name: &str) -> bool {
        self.0.contains(&name)
    }

    /// Words with names other than these.
    fn others(&self, names: &[&str]) -> Vec<(String, String)> {
        let pairs = self.0.iter().filter_map(|word| word.split_once('='));
        pairs.filter(|(name, _)| !names.contains(name)).map(|(n, v)| (n.into(), v.into())).collect()
    }
}

fn name_of(code: i16) -> String {
    if code == 0 { "NONE".into() } else { ErrorCode::from_code(code).name().into() }
}

/// `a-topic-0`.
fn split(partition: &str) -> (String, i32) {
    let (topic, index) = partition.rsplit_once('-').expect("topic-partition");
    (topic.into(), index.parse().expect("a number after the topic"))
}

impl Asker {
    fn ask<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response, String> {
        self.ask_trailing(version, request, 0)
    }

    /// As many zeros follow the request in its frame.
    fn ask_trailing<R: Request>(&mut self, version: i16, request: &R, zeros: usize) -> Result<R::Response, String> {
        let mut frame = Records::Parts(frame::request_parts(version, 1, "answers", request)).bytes().to_vec();
        frame.resize(frame.len() + zeros, 0);
        let frame = Bytes::from(frame);
        match self.cluster.ask(self.asked, frame) {
            Answer::Frame(bytes) => {
                let response = frame::parse_response::<R>(version, &bytes).expect("a response").1;
                self.last = format!("{response:?}");
                Ok(response)
            }
            Answer::Closed => Err("the connection is closed".into()),
            Answer::Refused => Err("no connection is accepted".into()),
            Answer::Nothing => Err("no answer".into()),
        }
    }

    fn command(&mut self, line: &str) -> String {
        let words = Words(line.split_whitespace().collect());
        let (verb, what) = (words.0[0], words.0.get(1).copied().unwrap_or_default());
        let answer = match verb {
            "brokers" => Ok(format!("{} of them", self.brokers)),
            "other" => {
                self.asked = NodeId(self.asked.0 % self.brokers as i32 + 1);
                Ok("NONE".into())
            }
            "wait" => {
                self.cluster.wait_ms(what.parse().expect("milliseconds"));
                Ok("NONE".into())
            }
            "create" => self.create(what, &words),
            "delete" => self.delete(what),
            "partitions" => self.partitions(what, &words),
            "config" => self.config(what, &words),
            "init" => self.init(what, &words),
            "produce" => self.produce(what, &words),
            "fetch" => self.fetch(what, &words),
            "stored" => self.stored(what, &words),
            "offsets" => self.offsets(what, &words),
            "epoch-end" => self.epoch_end(what, &words),
            "delete-records" => self.delete_records(what, &words),
            "cluster" => self.describe_cluster(&words),
            "quorum" => self.describe_quorum(what),
            "metadata" => self.metadata(what, &words),
            "ask" | "ask-controller" => Ok(self.ask_fields(line)),
            "key" => Ok(self.key(what, &words)),
            _ => self
                .reassignments(verb, &words)
                .or_else(|| self.group(verb, what, &words))
                .unwrap_or_else(|| panic!("unknown command {line}")),
        };
        answer.unwrap_or_else(|why| why)
    }
}
