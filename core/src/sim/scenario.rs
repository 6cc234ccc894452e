//! What a world is made of: nodes, clients, topics, traffic, delays. Scenarios have names; a session refers to them.

mod library;

use crate::{
    client::{ApplicationConfig, CONSUMER_SETTINGS, ConsumerConfig, OffsetReset, ProducerConfig},
    config::{NodeConfig, Voter},
    id::{Endpoint, NodeId},
    seam::Time,
    view::Preset,
};

/// Names of the scenarios, with a sentence each.
pub const SCENARIOS: [(&str, &str); 6] = [
    ("sandbox", "three controllers, three brokers, topic orders, two producers with slow traffic, one consumer"),
    ("three-brokers", "the same cluster under 1,000 records/s of 100 bytes over 3 partitions, RF 3, one consumer"),
    ("one-broker", "one controller, one broker, topic orders with one partition, one producer, one consumer"),
    ("groups", "three brokers, topic orders with 6 partitions, group billing with two members and two more to add"),
    (
        "fan-out",
        "topic orders with 4 partitions, group billing with one member and four more to add, group audit to add",
    ),
    ("nine-brokers", "three controllers, nine brokers, topic orders with 24 partitions, RF 3, for those who draw it"),
];

#[derive(Clone, Debug, PartialEq)]
pub struct TopicSpec {
    pub name: String,
    pub partitions: i32,
    pub replication_factor: i16,
    pub configs: Vec<(String, String)>,
}

/// Records that the world produces by itself, slowly enough to watch: one every `every_ms`, by each producer in turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    pub from: Time,
    pub every_ms: u64,
    pub producers: Vec<NodeId>,
    pub topic: String,
    /// Drawn from the world's seed.
    pub keys: Vec<String>,
}

/// A stream for one producer to generate ([`crate::id::Command::Load`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    pub from: Time,
    pub producer: NodeId,
    pub topic: String,
    pub records_per_second: u32,
    pub size_bytes: u32,
    pub keys: u32,
}

/// All that a world starts from, besides its seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Text that [`Scenario::parse`] reads back.
    pub name: String,
    pub controllers: Vec<NodeId>,
    pub brokers: Vec<NodeId>,
    /// Identity, addresses, seeds and voters are filled in for each node.
    pub node_config: NodeConfig,
    pub topics: Vec<TopicSpec>,
    pub producers: Vec<ProducerConfig>,
    pub consumers: Vec<ConsumerConfig>,
    /// Consumers that do not run before somebody adds them.
    pub spare: Vec<NodeId>,
    pub traffic: Vec<Traffic>,
    pub loads: Vec<Load>,
    /// One way, between any two nodes.
    pub latency_us: u64,
    /// Up to this much more, drawn for each frame.
    pub jitter_us: u64,
    /// From `Sync` to `Synced`.
    pub fsync_us: u64,
    /// From `Job` to `JobDone`.
    pub job_us: u64,
    /// When there is something to see: the cluster is up, its topics are made, traffic flows. A page opens here.
    pub opens_at: Time,
    pub presets: Vec<Preset>,
}

impl Scenario {
    /// Reads a name, optionally with options: `three-brokers`, `three-brokers,linger=100`. The error says what is known.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let name = parts.next().unwrap_or_default();
        let mut scenario = match name {
            "sandbox" => Self::sandbox(),
            "three-brokers" => Self::three_brokers(),
            "one-broker" => Self::one_broker(),
            "groups" => Self::groups(),
            "fan-out" => Self::fan_out(),
            "nine-brokers" => Self::nine_brokers(),
            _ => {
                let known: Vec<_> = SCENARIOS.iter().map(|(name, _)| *name).collect();
                return Err(format!("there is no scenario {name:?}; known are {}", known.join(", ")));
            }
        };
        for option in parts {
            scenario = match option {
                "quiet" => scenario.quiet(),
                "static" => scenario.with_static_members(),
                _ => scenario.with_option(option)?,
            };
        }
        Ok(scenario)
    }

    /// One option of the form `KEY=VALUE`.
    fn with_option(mut self, option: &str) -> Result<Self, String> {
        const KNOWN: &str = "quiet, static (members) and linger=MILLISECONDS, topics=off, consumers=off, partitions=N, rf=N, min=N (of topic orders)";
        let unknown = || {
            let consumers = CONSUMER_SETTINGS.join(", ");
            format!("a scenario has no option {option:?}; known are {KNOWN}, and of all consumers {consumers}")
        };
        let (key, value) = option.split_once('=').ok_or_else(unknown)?;
        let number = |what: &str| value.parse::<u64>().map_err(|_| format!("{key}={value} is not a number of {what}"));
        match (key, value) {
            ("linger", _) => return Ok(self.with_linger(number("milliseconds")?)),
            ("topics", "off") => self.topics.clear(),
            ("consumers", "off") => self.consumers.clear(),
            ("partitions", _) => {
                let partitions = number("partitions")?.clamp(1, 100) as i32;
                self.topics.iter_mut().for_each(|t| t.partitions = partitions);
            }
            ("rf", _) => {
                let replication_factor = number("replicas")?.clamp(1, self.brokers.len() as u64) as i16;
                self.topics.iter_mut().for_each(|t| t.replication_factor = replication_factor);
            }
            ("min", _) => {
                let min = number("replicas")?.to_string();
                self.topics.iter_mut().for_each(|t| t.configs = vec![("min.insync.replicas".into(), min.clone())]);
            }
            _ if CONSUMER_SETTINGS.contains(&key) => {
                self.consumers.iter_mut().try_for_each(|consumer| consumer.set(key, value))?;
            }
            _ => return Err(unknown()),
        }
        self.set_option(&format!("{key}="), option);
        Ok(self)
    }

    /// Without traffic of its own: only what somebody asks for is produced.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.traffic.clear();
        self.loads.clear();
        self.set_option("quiet", "quiet");
        self
    }

    /// Every consumer gets its name for a `group.instance.id` (KIP-345).
    #[must_use]
    fn with_static_members(mut self) -> Self {
        for consumer in &mut self.consumers {
            consumer.group_instance_id = Some(consumer.name.clone());
        }
        self.set_option("static", "static");
        self
    }

    /// Sets `linger.ms` of every producer.
    #[must_use]
    pub fn with_linger(mut self, linger_ms: u64) -> Self {
        for producer in &mut self.producers {
            producer.linger_ms = linger_ms;
        }
        self.set_option("linger=", &format!("linger={linger_ms}"));
        self
    }

    /// Writes an option into the name, in place of an earlier one of its kind.
    fn set_option(&mut self, kind: &str, option: &str) {
        let mut parts: Vec<&str> = self.name.split(',').filter(|part| !part.starts_with(kind)).collect();
        parts.push(option);
        self.name = parts.join(",");
    }

    /// A cluster without topics and clients: controllers 101.., brokers 1... Its settings are Kafka's own.
    pub fn cluster(name: &str, controllers: i32, brokers: i32) -> Self {
        let controllers: Vec<_> = (101..101 + controllers).map(NodeId).collect();
        let brokers: Vec<_> = (1..=brokers).map(NodeId).collect();
        let voters = controllers.iter().map(|&id| Voter { id, endpoint: controller_endpoint(id) }).collect();
        let replication_factor = brokers.len().min(3) as i16;
        let node_config = NodeConfig {
            cluster_id: "c2ltdWxhdGVkLWxhYi0wMQ".into(),
            voters,
            default_replication_factor: replication_factor,
            offsets_topic_replication_factor: replication_factor,
            ..NodeConfig::default()
        };
        Self {
            name: name.into(),
            controllers,
            brokers,
            node_config,
            topics: Vec::new(),
            producers: Vec::new(),
            consumers: Vec::new(),
            spare: Vec::new(),
            traffic: Vec::new(),
            loads: Vec::new(),
            latency_us: 4000,
            jitter_us: 500,
            fsync_us: 2000,
            job_us: 100,
            opens_at: Time::from_ms(5000),
            presets: vec![Preset {
                key: "default.replication.factor".into(),
                value: replication_factor.to_string(),
                kafka_default: "1".into(),
            }],
        }
    }

    /// A producer with Kafka's defaults that knows every broker.
    pub fn producer(&self, id: i32, name: &str) -> ProducerConfig {
        let bootstrap = self.bootstrap();
        let id = NodeId(id);
        ProducerConfig { id, name: name.into(), bootstrap, allow_auto_topic_creation: false, ..Default::default() }
    }

    /// A consumer of `orders` from its beginning.
    pub fn consumer(&self, id: i32, name: &str) -> ConsumerConfig {
        ConsumerConfig {
            id: NodeId(id),
            name: name.into(),
            bootstrap: self.bootstrap(),
            topics: vec!["orders".into()],
            auto_offset_reset: OffsetReset::Earliest,
            allow_auto_topic_creation: false,
            // As in Java, nothing more is fetched while something waits for a poll.
            max_buffered_records: 1,
            application: Some(ApplicationConfig::default()),
            ..Default::default()
        }
    }

    pub fn bootstrap(&self) -> Vec<Endpoint> {
        self.brokers.iter().map(|&id| broker_endpoint(id)).collect()
    }
}

pub fn broker_endpoint(id: NodeId) -> Endpoint {
    Endpoint { host: format!("broker-{id}"), port: 9092 }
}

pub fn controller_endpoint(id: NodeId) -> Endpoint {
    Endpoint { host: format!("controller-{id}"), port: 9093 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for (name, _) in SCENARIOS {
            assert_eq!(Scenario::parse(name).expect(name).name, name);
        }
        let slow = Scenario::parse("three-brokers,linger=100").unwrap();
        assert_eq!(slow.producers[0].linger_ms, 100);
        assert_eq!(Scenario::parse(&slow.name), Ok(slow.clone()));
        let quiet = slow.with_linger(5).quiet();
        assert_eq!((quiet.name.as_str(), quiet.loads.len()), ("three-brokers,linger=5,quiet", 0));
        assert_eq!(Scenario::parse(&quiet.name), Ok(quiet));
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        assert!(Scenario::parse("sandbx").unwrap_err().contains("sandbox, three-brokers, one-broker"));
        assert!(Scenario::parse("sandbox,lingr=3").unwrap_err().contains("linger=MILLISECONDS"));
        let slow = Scenario::parse("groups,static,commit=after,processing=200,max.poll.interval.ms=9000").unwrap();
        assert_eq!(slow.consumers[1].group_instance_id.as_deref(), Some("B"));
        assert_eq!((slow.consumers[0].enable_auto_commit, slow.consumers[0].max_poll_interval_ms), (false, 9000));
        assert_eq!(Scenario::parse(&slow.name), Ok(slow));
        assert!(Scenario::parse("sandbox,linger=x").unwrap_err().contains("not a number"));
        let small = Scenario::parse("sandbox,quiet,partitions=1,rf=2,min=1").unwrap();
        assert!(small.traffic.is_empty() && small.topics[0].replication_factor == 2);
        assert_eq!(Scenario::parse(&small.name), Ok(small));
    }
}
