//! Values of configuration in force, and where each comes from: set on a topic or a group, on a broker, on all brokers,
//! in a node's file, or Kafka's default (KIP-226; Kafka: `ConfigHelper`, `DynamicBrokerConfig`, `LogConfig`).

use std::collections::BTreeMap;

use super::image::{ConfigResource, MetadataImage};
use crate::config::{
    NodeConfig,
    table::{self, ConfigKey, Kind, Scope, Synonym},
    value,
};

pub const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";
pub const UNCLEAN_LEADER_ELECTION_ENABLE: &str = "unclean.leader.election.enable";
pub const METADATA_VERSION: &str = "metadata.version";
pub const ELR_VERSION: &str = "eligible.leader.replicas.version";
pub const KRAFT_VERSION: &str = "kraft.version";

/// Kafka's default of a key of brokers or topics; of what it derives from a coarser unit, that of the topic's key.
pub fn default_value(key: &str) -> Option<String> {
    let of_broker = table::key(Scope::Broker, key).and_then(|key| key.default);
    let of_topic = || table::key(Scope::Topic, key).and_then(|key| key.default);
    let derived = || {
        let same = |topic: &&ConfigKey| topic.synonyms.first().is_some_and(|synonym| synonym.name == key);
        table::keys(Scope::Topic).iter().find(same).and_then(|topic| topic.default)
    };
    of_broker.or_else(of_topic).or_else(derived).map(str::to_owned)
}

/// Where a value comes from; numbers are those of `DescribeConfigs` (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum Source {
    Topic = 1,
    Broker = 2,
    DefaultBroker = 3,
    /// The node's `server.properties`.
    Static = 4,
    Default = 5,
    BrokerLogger = 6,
    ClientMetrics = 7,
    Group = 8,
}

/// A value that could be in force, under the name by which it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub name: String,
    pub value: String,
    pub source: Source,
}

/// A value in force, and all that it could have been, the strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub value: Option<String>,
    pub synonyms: Vec<Candidate>,
}

impl Value {
    pub fn source(&self) -> Source {
        self.synonyms.first().map_or(Source::Default, |first| first.source)
    }
}

/// The value of a topic's key as `node` has to use it, or nothing when there is no such key.
pub fn topic_value(image: &MetadataImage, topic: &str, key: &str, node: &NodeConfig) -> Option<String> {
    let key = table::key(Scope::Topic, key)?;
    image
        .config(&ConfigResource::topic(topic), key.name)
        .map(|value| read(key, value))
        .or_else(|| inherited(image, key, node))
}

/// What a topic or a group has of its broker where nothing is set on itself (Kafka: `extractLogConfigMap`,
/// `GroupCoordinatorConfig.extractGroupConfigMap`). `None`: there is no value at all.
pub fn inherited(image: &MetadataImage, key: &ConfigKey, node: &NodeConfig) -> Option<String> {
    match inherited_raw(image, key, node) {
        (Some(value), Source::Default) => Some(value),
        (value, _) => value.map(|value| read(key, &value)),
    }
}

/// As it was given, in the key's own unit, and where.
pub fn inherited_raw(image: &MetadataImage, key: &ConfigKey, node: &NodeConfig) -> (Option<String>, Source) {
    let (broker, cluster) = (ConfigResource::broker(node.node_id), ConfigResource::cluster());
    for (resource, source) in [(broker, Source::Broker), (cluster, Source::DefaultBroker)] {
        let set = image.all_configs(&resource);
        for synonym in key.synonyms.iter().filter(|_| !set.is_empty()) {
            if let Some(value) = set.get(synonym.name) {
                return (Some(converted(synonym, value)), source);
            }
        }
    }
    for synonym in &key.synonyms {
        if let Some(value) = node.static_value(synonym.name) {
            return (Some(converted(synonym, &value)), Source::Static);
        }
    }
    (key.default.map(str::to_owned), Source::Default)
}

/// In the unit of the finer key. Times below zero mean that there is no limit (Kafka: `logRetentionTimeMillis`).
fn converted(synonym: &Synonym, text: &str) -> String {
    let number = value::integer(value::trim(text));
    match number {
        Some(number)
            if number < -1 && synonym.name.starts_with("log.retention.") && synonym.name != "log.retention.bytes" =>
        {
            "-1".into()
        }
        Some(number) if synonym.times != 1 => {
            if number < 0 {
                "-1".into()
            } else {
                number.saturating_mul(synonym.times).to_string()
            }
        }
        _ => text.to_owned(),
    }
}

/// As it is used. What is no value of the key, which nobody could set, stays as it is.
fn read(key: &ConfigKey, value: &str) -> String {
    key.parse(value).unwrap_or_else(|_| value.to_owned())
}

/// A topic's key, for whoever asks where its value comes from (Kafka: `ConfigHelper.createTopicConfigEntry`).
pub fn describe_topic(image: &MetadataImage, topic: &str, key: &ConfigKey, node: &NodeConfig) -> Value {
    let mut synonyms = key.synonyms.first().map_or_else(Vec::new, |s| Layers::of(image, node).candidates(s.name));
    let set = image.config(&ConfigResource::topic(topic), key.name);
    // Of a key that Kafka does not show by itself it shows the text.
    let set = set.map(|value| if key.internal { value.to_owned() } else { read(key, value) });
    if let Some(value) = set.clone() {
        synonyms.insert(0, Candidate { name: key.name.into(), value, source: Source::Topic });
    }
    Value { value: set.or_else(|| inherited(image, key, node)), synonyms }
}

/// A group's key (Kafka: `ConfigHelper.createGroupConfigEntry`).
pub fn describe_group(image: &MetadataImage, group: &str, key: &ConfigKey, node: &NodeConfig) -> Value {
    let mut synonyms = match key.synonyms.first() {
        Some(synonym) => Layers::of(image, node).candidates(synonym.name),
        None => key.default.map_or_else(Vec::new, |value| vec![of_default(key.name, value)]),
    };
    let set = image.config(&ConfigResource::group(group), key.name).map(|value| read(key, value));
    if let Some(value) = set.clone() {
        synonyms.insert(0, Candidate { name: key.name.into(), value, source: Source::Group });
    }
    Value { value: set.or_else(|| inherited(image, key, node)), synonyms }
}

/// A key of client metrics (Kafka: `ConfigHelper.createClientMetricsConfigEntry`).
pub fn describe_client_metrics(image: &MetadataImage, name: &str, key: &ConfigKey) -> Value {
    let set = image.config(&ConfigResource::client_metrics(name), key.name).map(|value| read(key, value));
    let of = |value: &String| Candidate { name: key.name.into(), value: value.clone(), source: Source::ClientMetrics };
    Value { synonyms: set.iter().map(of).collect(), value: set.or_else(|| key.default.map(str::to_owned)) }
}

/// What a broker's configuration is made of, the strongest first.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    pub broker: &'a BTreeMap<String, String>,
    /// The default of all brokers.
    pub cluster: &'a BTreeMap<String, String>,
    pub node: &'a NodeConfig,
}

impl<'a> Layers<'a> {
    pub fn of(image: &'a MetadataImage, node: &'a NodeConfig) -> Self {
        let of = |resource: ConfigResource| image.all_configs(&resource);
        Self { broker: of(ConfigResource::broker(node.node_id)), cluster: of(ConfigResource::cluster()), node }
    }

    /// A broker's key (Kafka: `ConfigHelper.createBrokerConfigEntry`), also one that Kafka does not know.
    pub fn describe(&self, name: &str) -> Value {
        Value { value: self.value(name), synonyms: self.candidates(name) }
    }

    /// The value in force.
    pub fn value(&self, name: &str) -> Option<String> {
        let key = table::key(Scope::Broker, name);
        let default = || key.and_then(|key| key.default).map(str::to_owned);
        let read = |value: &str| match key {
            Some(key) if !key.internal => Some(self.clamped(key, read(key, value))),
            _ => Some(value.to_owned()),
        };
        for layer in [self.broker, self.cluster] {
            if let Some(value) = layer.get(name) {
                return read(value);
            }
            // A finer unit takes the coarser ones away (Kafka: `DynamicBrokerConfig.overrideProps`).
            if overriding(name).any(|finer| layer.contains_key(finer)) {
                return default();
            }
        }
        self.node.static_value(name).map_or_else(default, |value| read(&value))
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.value(name)?.parse().ok()
    }

    /// Everything that the value could be, by its synonyms (Kafka: `ConfigHelper.configSynonyms`).
    fn candidates(&self, name: &str) -> Vec<Candidate> {
        let names = table::broker_synonyms(name);
        let mut all = Vec::new();
        let mut add = |source, get: &dyn Fn(&str) -> Option<String>| {
            all.extend(
                names.iter().filter_map(|&name| Some(Candidate { name: name.into(), value: get(name)?, source })),
            );
        };
        add(Source::Broker, &|name| self.broker.get(name).cloned());
        add(Source::DefaultBroker, &|name| self.cluster.get(name).cloned());
        add(Source::Static, &|name| self.node.static_value(name));
        add(Source::Default, &|name| table::key(Scope::Broker, name)?.default.map(str::to_owned));
        all.into_iter().skip_while(|candidate| candidate.name != name).collect()
    }

    /// Intervals of assignments stay within the bounds of the node's file
    /// (Kafka: `GroupCoordinatorConfig.clampDynamicConfigs`).
    fn clamped(&self, key: &ConfigKey, value: String) -> String {
        let kind = key.name.strip_prefix("group.").and_then(|name| name.strip_suffix(".assignment.interval.ms"));
        let Some(kind) = kind.filter(|kind| !kind.contains('.')) else { return value };
        let bound = |which: &str| self.number(&format!("group.{kind}.{which}.assignment.interval.ms"));
        match (value.parse::<i64>(), bound("min"), bound("max")) {
            (Ok(number), Some(min), Some(max)) if min <= max => number.clamp(min, max).to_string(),
            _ => value,
        }
    }
}

/// Keys that can be set while a broker runs and then count instead of `name`.
fn overriding(name: &str) -> impl Iterator<Item = &'static str> {
    const FINER: [&str; 4] = ["log.flush.interval.ms", "log.retention.ms", "log.roll.jitter.ms", "log.roll.ms"];
    FINER.into_iter().filter(move |finer| *finer != name && table::broker_synonyms(finer).contains(&name))
}

fn of_default(name: &str, value: &str) -> Candidate {
    Candidate { name: name.into(), value: value.into(), source: Source::Default }
}

/// Whether anybody may see the value of a key of that resource.
pub fn is_sensitive(scope: Scope, name: &str) -> bool {
    match scope {
        Scope::Broker | Scope::Quota => table::broker_kind(name).is_sensitive(),
        _ => table::key(scope, name).map_or(Kind::Unknown, |key| key.kind).is_sensitive(),
    }
}

/// Why a key that was just set changes nothing, as a sentence; `None`: it does.
pub fn without_effect(scope: Scope, name: &str) -> Option<&'static str> {
    let key = match scope {
        Scope::Broker | Scope::Quota => table::broker_key(name).or_else(|| {
            let behind = table::listener_key(name)?;
            table::key(Scope::Broker, behind)
        }),
        _ => table::key(scope, name),
    };
    match key {
        None => Some("Kafka has no such key, so it has no effect"),
        Some(key) if key.is_acted_on() => None,
        Some(_) => Some("the lab does not act on this key, so it has no effect"),
    }
}
