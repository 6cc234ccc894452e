//! Configuration keys of topics and brokers: types, limits, defaults, and where a value in force comes from
//! (Kafka: `LogConfig`, `AbstractKafkaConfig`, `ConfigDef`, `KafkaConfigSchema`).

pub use super::config_keys::{BROKER_KEYS, TOPIC_KEYS};
use super::image::{ConfigResource, MetadataImage};
use crate::config::NodeConfig;

pub const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";
pub const UNCLEAN_LEADER_ELECTION_ENABLE: &str = "unclean.leader.election.enable";
pub const METADATA_VERSION: &str = "metadata.version";
pub const ELR_VERSION: &str = "eligible.leader.replicas.version";
pub const KRAFT_VERSION: &str = "kraft.version";

/// Kafka's default of a key of brokers or topics, as far as the lab knows the key.
pub fn default_value(key: &str) -> Option<String> {
    let broker = || BROKER_KEYS.iter().find(|k| k.name == key).map(|k| (k.get)(&NodeConfig::default()));
    broker().or_else(|| TOPIC_KEYS.iter().find(|k| k.name == key).map(|k| k.default.to_string()))
}

/// Type of a value; numbers are those of `DescribeConfigs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum Kind {
    Boolean = 1,
    String = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
        }
    }
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
}

/// When a running cluster may change a key (Kafka: `DynamicBrokerConfig`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    ReadOnly,
    /// On one broker, or on all.
    ClusterWide,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    Any,
    AtLeast(i64),
    Between(i64, i64),
    Fraction,
    OneOf(&'static [&'static str]),
    ListOf(&'static [&'static str]),
    ThrottledReplicas,
}

/// A key that topics may set.
#[derive(Clone, Copy, Debug)]
pub struct TopicKey {
    pub name: &'static str,
    /// The broker's name of the same setting.
    pub synonym: Option<&'static str>,
    pub kind: Kind,
    /// Kafka's default where the node's own configuration has none.
    pub(super) default: &'static str,
    pub(super) node: Option<fn(&NodeConfig) -> String>,
    pub(super) limit: Limit,
}

/// A key of a broker.
#[derive(Clone, Copy, Debug)]
pub struct BrokerKey {
    pub name: &'static str,
    pub kind: Kind,
    pub update: Update,
    pub(super) get: fn(&NodeConfig) -> String,
    pub(super) limit: Limit,
}

/// A value in force, and all that it could have been, strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub value: String,
    pub source: Source,
    pub synonyms: Vec<(String, String, Source)>,
}

pub fn topic_key(name: &str) -> Option<&'static TopicKey> {
    TOPIC_KEYS.iter().find(|key| key.name == name)
}

pub fn broker_key(name: &str) -> Option<&'static BrokerKey> {
    BROKER_KEYS.iter().find(|key| key.name == name)
}

impl TopicKey {
    /// `Err` holds Kafka's sentence about the bad value.
    pub fn check(&self, value: &str) -> Result<(), String> {
        check(self.name, self.kind, self.limit, value)
    }

    fn node_value(&self, node: &NodeConfig) -> String {
        self.node.map_or_else(|| self.default.to_owned(), |get| get(node))
    }

    /// What the key is when nobody set it on the topic or on running brokers.
    fn below_dynamic(&self, node: &NodeConfig) -> (String, Source) {
        let value = self.node_value(node);
        let default = self.node_value(&NodeConfig::default());
        if value == default { (value, Source::Default) } else { (value, Source::Static) }
    }

    /// The value in force for a topic as `node` has it.
    pub fn value(&self, image: &MetadataImage, topic: &str, node: &NodeConfig) -> Value {
        let mut synonyms = Vec::new();
        if let Some(value) = image.config(&ConfigResource::topic(topic), self.name) {
            synonyms.push((self.name.to_owned(), value.to_owned(), Source::Topic));
        }
        let below = self.below_dynamic(node);
        if let Some(synonym) = self.synonym {
            broker_synonyms(image, synonym, node, &below, &mut synonyms);
        }
        in_force(synonyms, below)
    }
}

impl BrokerKey {
    /// `Err` holds Kafka's sentence about the bad value.
    pub fn check(&self, value: &str) -> Result<(), String> {
        check(self.name, self.kind, self.limit, value)
    }

    /// The value in force on `node`.
    pub fn value(&self, image: &MetadataImage, node: &NodeConfig) -> Value {
        let (value, default) = ((self.get)(node), (self.get)(&NodeConfig::default()));
        let source = if value == default { Source::Default } else { Source::Static };
        let (below, mut synonyms) = ((value, source), Vec::new());
        broker_synonyms(image, self.name, node, &below, &mut synonyms);
        in_force(synonyms, below)
    }
}

/// The value of a topic's key, or nothing when there is no such key.
pub fn topic_value(image: &MetadataImage, topic: &str, key: &str, node: &NodeConfig) -> Option<Value> {
    topic_key(key).map(|key| key.value(image, topic, node))
}

fn broker_synonyms(
    image: &MetadataImage,
    name: &str,
    node: &NodeConfig,
    below: &(String, Source),
    synonyms: &mut Vec<(String, String, Source)>,
) {
    for (resource, source) in
        [(ConfigResource::broker(node.node_id), Source::Broker), (ConfigResource::cluster(), Source::DefaultBroker)]
    {
        if let Some(value) = image.config(&resource, name) {
            synonyms.push((name.to_owned(), value.to_owned(), source));
        }
    }
    if below.1 != Source::Default || !NULL_BY_DEFAULT.contains(&name) {
        synonyms.push((name.to_owned(), below.0.clone(), below.1));
    }
}

/// Kafka leaves these null and derives them from a key with another unit (`log.retention.hours`), so they are no synonym
/// of a default.
const NULL_BY_DEFAULT: [&str; 4] = ["log.flush.interval.ms", "log.retention.ms", "log.roll.jitter.ms", "log.roll.ms"];

fn in_force(synonyms: Vec<(String, String, Source)>, below: (String, Source)) -> Value {
    let (value, source) = synonyms.first().map_or(below, |(_, value, source)| (value.clone(), *source));
    Value { value, source, synonyms }
}

/// As Kafka's `ConfigDef` and its validators say it.
fn check(name: &str, kind: Kind, limit: Limit, value: &str) -> Result<(), String> {
    let bad = |why: String| Err(format!("Invalid value {value} for configuration {name}: {why}"));
    let trimmed = value.trim();
    let not_a_number = || bad(format!("Not a number of type {}", kind.name()));
    match kind {
        Kind::Boolean => {
            if !trimmed.eq_ignore_ascii_case("true") && !trimmed.eq_ignore_ascii_case("false") {
                return bad("Expected value to be either true or false".into());
            }
        }
        Kind::Int | Kind::Long => {
            let Ok(number) = trimmed.parse::<i64>() else { return not_a_number() };
            if kind == Kind::Int && i32::try_from(number).is_err() {
                return not_a_number();
            }
            let (least, most) = match limit {
                Limit::AtLeast(least) => (least, i64::MAX),
                Limit::Between(least, most) => (least, most),
                _ => (i64::MIN, i64::MAX),
            };
            if number < least {
                return bad(format!("Value must be at least {least}"));
            }
            if number > most {
                return bad(format!("Value must be no more than {most}"));
            }
        }
        Kind::Double => {
            let Ok(number) = trimmed.parse::<f64>() else { return not_a_number() };
            if matches!(limit, Limit::Fraction) && !(0.0..=1.0).contains(&number) {
                let side = if number < 0.0 { "at least 0" } else { "no more than 1" };
                return bad(format!("Value must be {side}"));
            }
        }
        Kind::String | Kind::List => return check_words(name, kind, limit, value),
    }
    Ok(())
}

fn check_words(name: &str, kind: Kind, limit: Limit, value: &str) -> Result<(), String> {
    let bad = |what: &str, why: String| Err(format!("Invalid value {what} for configuration {name}: {why}"));
    let words = || value.split(',').map(str::trim).filter(|w| !w.is_empty());
    debug_assert!(matches!(kind, Kind::String | Kind::List));
    match limit {
        Limit::OneOf(allowed) if !allowed.contains(&value) => {
            bad(value, format!("String must be one of: {}", allowed.join(", ")))
        }
        Limit::ListOf(allowed) => match words().find(|w| !allowed.contains(w)) {
            Some(word) => bad(word, format!("String must be one of: {}", allowed.join(", "))),
            None => Ok(()),
        },
        Limit::ThrottledReplicas => {
            let pair =
                |w: &str| w.split_once(':').is_some_and(|(p, b)| p.parse::<u32>().is_ok() && b.parse::<u32>().is_ok());
            if words().all(|w| w == "*" || pair(w)) {
                Ok(())
            } else {
                bad(
                    value,
                    "must be the literal '*' or a list of replicas in the following format: \
                            [partitionId]:[brokerId],[partitionId]:[brokerId],..."
                        .into(),
                )
            }
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_defaults_pass_their_own_checks() {
        assert!(TOPIC_KEYS.is_sorted_by_key(|k| k.name));
        assert!(BROKER_KEYS.is_sorted_by_key(|k| k.name));
        let node = NodeConfig::default();
        for key in TOPIC_KEYS {
            assert_eq!(key.check(key.default), Ok(()), "{}", key.name);
            assert_eq!(key.node_value(&node), key.default, "{}: the node's default is Kafka's", key.name);
        }
        for key in BROKER_KEYS {
            assert_eq!(key.check(&(key.get)(&node)), Ok(()), "{}", key.name);
        }
    }
}
