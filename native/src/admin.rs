//! A plain blocking client of any Kafka cluster, for one question at a time: what the command line's tables come from.

use std::{
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use bytes::Bytes;
use lab_core::{
    id::Endpoint,
    seam::Part,
    view::Action,
    wire::{
        api::{ApiKey, Request},
        api_versions::{ApiVersion, ApiVersionsRequest},
        create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
        error::ErrorCode,
        frame,
        metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse},
    },
};

use crate::{
    failure::{Failure, Outcome, While},
    properties,
};

const CLIENT_ID: &str = "kafka-lab";
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(65);
/// More than any answer of a sane cluster.
const ANSWER_MAX: usize = 256 << 20;

/// A connection to one broker that knows which versions it speaks.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    versions: Vec<ApiVersion>,
    correlation_id: i32,
    to: Endpoint,
}

/// `HOST:PORT,HOST:PORT`.
pub fn endpoints(bootstrap: &str) -> Outcome<Vec<Endpoint>> {
    let all = bootstrap.split(',').map(|text| {
        let endpoint = properties::address_of(text).filter(|endpoint| !endpoint.host.is_empty());
        endpoint.ok_or_else(|| {
            Failure::usage(format!("--bootstrap {bootstrap}: HOST:PORT is wanted, as in 127.0.0.1:9092"))
        })
    });
    all.collect()
}

/// Kafka's error code as a failure; `text` is the server's own sentence.
pub fn refused(what: &str, code: i16, text: Option<&str>) -> Failure {
    let code = ErrorCode::from_code(code);
    let text = text.filter(|text| !text.is_empty()).unwrap_or_else(|| code.message());
    Failure::new(format!("{what}: {} ({text})", code.name()))
}

impl Client {
    /// Connects to the first of the addresses that answers.
    pub fn connect(bootstrap: &str) -> Outcome<Self> {
        let mut last = String::new();
        for endpoint in endpoints(bootstrap)? {
            match Self::connect_to(&endpoint) {
                Ok(client) => return Ok(client),
                Err(failure) => last = failure.to_string(),
            }
        }
        Err(Failure::new(last)
            .next("Is the cluster running there? `kafka-lab status` shows one that `kafka-lab up` started."))
    }

    pub fn connect_to(to: &Endpoint) -> Outcome<Self> {
        let addresses = (to.host.as_str(), to.port).to_socket_addrs().doing(|| format!("cannot find {to}"))?;
        let mut result = Err(std::io::Error::other("it has no address"));
        for address in addresses {
            result = TcpStream::connect_timeout(&address, CONNECT_WITHIN);
            if result.is_ok() {
                break;
            }
        }
        let stream = result.doing(|| format!("cannot connect to {to}"))?;
        stream.set_read_timeout(Some(ANSWER_WITHIN)).doing(|| format!("cannot talk to {to}"))?;
        stream.set_nodelay(true).doing(|| format!("cannot talk to {to}"))?;
        let mut client = Self { stream, versions: Vec::new(), correlation_id: 0, to: to.clone() };
        let hello = ApiVersionsRequest {
            client_software_name: CLIENT_ID.into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
        };
        let answer = client.call_version(3, &hello)?;
        if answer.error_code != 0 {
            return Err(refused(&format!("{to} does not tell its versions"), answer.error_code, None));
        }
        client.versions = answer.api_keys;
        Ok(client)
    }

    /// The same, that waits for answers no longer than this.
    pub fn patient(self, within: Duration) -> Outcome<Self> {
        self.stream.set_read_timeout(Some(within)).doing(|| format!("cannot talk to {}", self.to))?;
        Ok(self)
    }

    /// Asks and waits for the answer, in the newest version that both sides speak.
    pub fn call<R: Request>(&mut self, request: &R) -> Outcome<R::Response> {
        let version = self.version(R::KEY, *R::versions().start(), *R::versions().end())?;
        self.call_version(version, request)
    }

    /// As [`Self::call`], in no newer version than `max`.
    pub fn call_up_to<R: Request>(&mut self, max: i16, request: &R) -> Outcome<R::Response> {
        let version = self.version(R::KEY, *R::versions().start(), max.min(*R::versions().end()))?;
        self.call_version(version, request)
    }

    fn version(&self, key: ApiKey, min: i16, max: i16) -> Outcome<i16> {
        let theirs = self.versions.iter().find(|version| version.api_key == key.code());
        let theirs = theirs.ok_or_else(|| Failure::new(format!("{} does not know {}", self.to, key.name())))?;
        let version = theirs.max_version.min(max);
        if version < theirs.min_version.max(min) {
            let (low, high) = (theirs.min_version, theirs.max_version);
            return Err(Failure::new(format!(
                "{} speaks {} {low}-{high}, and this program {min}-{max}",
                self.to,
                key.name()
            )));
        }
        Ok(version)
    }

    fn call_version<R: Request>(&mut self, version: i16, request: &R) -> Outcome<R::Response> {
        self.correlation_id += 1;
        let what = || format!("{} does not answer {}", self.to, R::KEY.name());
        let parts = frame::request_parts(version, self.correlation_id, CLIENT_ID, request);
        let len: usize = parts.iter().map(Part::len).sum();
        let mut bytes = Vec::with_capacity(len + 4);
        bytes.extend((len as i32).to_be_bytes());
        for part in &parts {
            match part {
                Part::Bytes(part) => bytes.extend_from_slice(part),
                Part::File(_) => unreachable!("a request of the command line is in memory"),
            }
        }
        let mut stream = &self.stream;
        stream.write_all(&bytes).doing(what)?;
        let mut prefix = [0; 4];
        stream.read_exact(&mut prefix).doing(what)?;
        let len = usize::try_from(i32::from_be_bytes(prefix)).ok().filter(|len| *len <= ANSWER_MAX);
        let len =
            len.ok_or_else(|| Failure::new(format!("{} is no Kafka broker: its answer makes no sense", self.to)))?;
        // Grows with what comes, not with what is announced.
        let mut answer = Vec::new();
        stream.take(len as u64).read_to_end(&mut answer).doing(what)?;
        let (correlation_id, response) = frame::parse_response::<R>(version, &Bytes::from(answer))
            .doing(|| format!("the answer of {} cannot be read", self.to))?;
        if correlation_id != self.correlation_id {
            return Err(Failure::new(format!("{} answered another question", self.to)));
        }
        Ok(response)
    }

    /// Metadata of `topics`, or of all.
    pub fn metadata(&mut self, topics: Option<&[String]>) -> Outcome<MetadataResponse> {
        let topics = topics.map(|names| {
            names.iter().map(|name| MetadataRequestTopic { name: Some(name.clone()), ..Default::default() }).collect()
        });
        self.call(&MetadataRequest { topics, allow_auto_topic_creation: false, ..Default::default() })
    }
}

/// Creates a topic.
pub fn create_topic(
    bootstrap: &str,
    topic: &str,
    partitions: i32,
    replication_factor: i16,
    configs: &[(String, String)],
) -> Outcome {
    let configs =
        configs.iter().map(|(name, value)| CreatableTopicConfig { name: name.clone(), value: Some(value.clone()) });
    let wanted = CreatableTopic {
        name: topic.into(),
        num_partitions: partitions,
        replication_factor,
        configs: configs.collect(),
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![wanted], timeout_ms: 30_000, ..Default::default() };
    let answer = Client::connect(bootstrap)?.call(&request)?;
    match answer.topics.first() {
        Some(result) if result.error_code == 0 => Ok(()),
        Some(result) => {
            Err(refused(&format!("cannot create topic {topic}"), result.error_code, result.error_message.as_deref()))
        }
        None => Err(Failure::new("the broker did not answer for the topic")),
    }
}

/// What a person at the page asks of a cluster's clients.
pub fn perform(bootstrap: &str, action: Action) -> Outcome {
    match action {
        Action::CreateTopic { topic, partitions, replication_factor, configs } => {
            create_topic(bootstrap, &topic, partitions, replication_factor, &configs)
        }
        Action::Produce { producer: _, topic, partition, key, value } => {
            crate::clients::produce_one(bootstrap, &topic, partition, key, value)
        }
        _ => Err(Failure::new("no client can do this")),
    }
}
