//! The one table of configuration keys: what Apache Kafka 4.3.1 defines for topics, brokers, groups and client metrics,
//! in `keys.txt`, which a Java program writes from Kafka's own jars, and what each key is for, in `docs.txt`
//! (Kafka: `LogConfig`, `AbstractKafkaConfig`, `GroupConfig`, `ClientMetricsConfigs`, `DynamicBrokerConfig`).

use std::sync::OnceLock;

use super::{fields, value::Limit};

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Topic,
    Broker,
    /// Quotas of replication, which a broker takes only while it runs (Kafka: `QuotaConfig.brokerQuotaConfigs`).
    Quota,
    Group,
    ClientMetrics,
}

/// Type of a value; numbers are those of `DescribeConfigs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum Kind {
    /// Of a key that Kafka does not know.
    Unknown = 0,
    Boolean = 1,
    String = 2,
    Int = 3,
    Short = 4,
    Long = 5,
    Double = 6,
    List = 7,
    Class = 8,
    Password = 9,
}

impl Kind {
    /// As Kafka writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }

    /// What Kafka does not know may be a secret (Kafka: `KafkaConfig.maybeSensitive`).
    pub const fn is_sensitive(self) -> bool {
        matches!(self, Self::Unknown | Self::Password)
    }
}

/// When a running broker may be given another value (Kafka: `DynamicBrokerConfig`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Only in `server.properties`, read at the start.
    ReadOnly,
    /// On one broker or as the default of all.
    ClusterWide,
    /// On one broker.
    PerBroker,
    /// On one broker, and only with the name of a listener before it.
    PerListener,
}

/// Another key that gives the value where this one is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synonym {
    pub name: &'static str,
    /// By how much its unit is larger.
    pub times: i64,
}

#[derive(Clone, Debug)]
pub struct ConfigKey {
    pub scope: Scope,
    pub name: &'static str,
    pub kind: Kind,
    /// `None`: there is no value, or one has to be given.
    pub default: Option<&'static str>,
    /// There is no default, not even none.
    pub required: bool,
    pub limit: Limit,
    pub update: Update,
    /// Kafka neither documents nor shows it.
    pub internal: bool,
    /// The strongest first. Of a broker's key these include itself.
    pub synonyms: Vec<Synonym>,
    /// What the lab says about it, in a sentence.
    pub documentation: &'static str,
}

impl ConfigKey {
    /// Whether the lab does anything with it.
    pub fn is_acted_on(&self) -> bool {
        match self.scope {
            Scope::Topic => fields::TOPIC_ACTED_ON.contains(&self.name),
            Scope::Broker => {
                fields::field(self.name).is_some()
                    || fields::NODE_ACTED_ON.contains(&self.name)
                    // The default of a topic's key.
                    || keys(Scope::Topic)
                        .iter()
                        .any(|topic| topic.synonyms.iter().any(|s| s.name == self.name) && topic.is_acted_on())
            }
            Scope::Quota | Scope::Group | Scope::ClientMetrics => false,
        }
    }

    /// For people, and for `DescribeConfigs`.
    pub fn describe(&self) -> String {
        let effect = if self.is_acted_on() { "" } else { " The lab does not act on it yet: it has no effect." };
        format!("{}{effect}", self.documentation)
    }
}

/// All keys of a scope, sorted by name.
pub fn keys(scope: Scope) -> &'static [ConfigKey] {
    &table()[scope as usize]
}

pub fn key(scope: Scope, name: &str) -> Option<&'static ConfigKey> {
    let keys = keys(scope);
    keys.binary_search_by(|key| key.name.cmp(name)).ok().map(|at| &keys[at])
}

/// A key that brokers take while they run.
pub fn broker_key(name: &str) -> Option<&'static ConfigKey> {
    key(Scope::Broker, name).or_else(|| key(Scope::Quota, name))
}

/// The key behind `listener.name.NAME.` (Kafka: `DynamicBrokerConfig.LISTENER_CONFIG_REGEX`).
pub fn listener_key(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("listener.name.")?;
    rest.split_once('.').map(|(_, key)| key)
}

/// The names under which a broker's value may be given, the strongest first
/// (Kafka: `DynamicBrokerConfig.brokerConfigSynonyms`).
pub fn broker_synonyms(name: &str) -> Vec<&str> {
    if let Some(key) = key(Scope::Broker, name).filter(|key| !key.synonyms.is_empty()) {
        return key.synonyms.iter().map(|synonym| synonym.name).collect();
    }
    match listener_key(name) {
        // A mechanism's name may stand between listener and key.
        Some(behind) => vec![name, MECHANISM_KEYS.into_iter().find(|key| behind.ends_with(key)).unwrap_or(behind)],
        None => vec![name],
    }
}

/// Kafka: `DynamicBrokerConfig.LISTENER_MECHANISM_CONFIGS`.
const MECHANISM_KEYS: [&str; 5] = [
    "sasl.jaas.config",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "sasl.server.callback.handler.class",
    "connections.max.reauth.ms",
];

/// Type of a broker's value; that of the key behind a listener's name, too (Kafka: `KafkaConfig.configType`).
pub fn broker_kind(name: &str) -> Kind {
    let of = |name: &str| key(Scope::Broker, name).or_else(|| key(Scope::Quota, name)).map(|key| key.kind);
    of(name).or_else(|| broker_synonyms(name).into_iter().find_map(of)).unwrap_or(Kind::Unknown)
}

fn table() -> &'static [Vec<ConfigKey>; 5] {
    static TABLE: OnceLock<[Vec<ConfigKey>; 5]> = OnceLock::new();
    TABLE.get_or_init(|| read(include_str!("keys.txt"), include_str!("docs.txt")))
}

/// # Panics
/// When the files that are part of the program are not as they should be.
fn read(keys: &'static str, docs: &'static str) -> [Vec<ConfigKey>; 5] {
    let rows = |text: &'static str| text.lines().filter(|line| !line.starts_with('#'));
    let mut sentences: Vec<(&str, &str)> = rows(docs).map(|row| row.split_once(" | ").expect("name | text")).collect();
    sentences.sort_unstable();
    let sentence =
        |name: &str| sentences.binary_search_by(|(known, _)| (*known).cmp(name)).ok().map(|at| sentences[at].1);
    let mut table: [Vec<ConfigKey>; 5] = Default::default();
    for row in rows(keys) {
        let mut fields = row.split('|').map(str::trim);
        let mut field = || fields.next().expect("seven fields");
        let scope = match field() {
            "topic" => Scope::Topic,
            "broker" => Scope::Broker,
            "quota" => Scope::Quota,
            "group" => Scope::Group,
            "client-metrics" => Scope::ClientMetrics,
            other => panic!("no scope {other}"),
        };
        let name = field();
        let kind = kind(field());
        let default = field();
        let required = default == "(required)";
        let default = Some(default).filter(|text| !["(null)", "(required)"].contains(text));
        let limit = Limit::parse(field());
        let update = field();
        let synonyms: Vec<Synonym> = field().split(", ").filter(|s| !s.is_empty()).map(synonym).collect();
        let documentation = sentence(name).or_else(|| sentence(synonyms.first()?.name));
        table[scope as usize].push(ConfigKey {
            scope,
            name,
            kind,
            default,
            required,
            limit,
            internal: update.starts_with("internal"),
            update: match update.trim_start_matches("internal").trim() {
                "read-only" => Update::ReadOnly,
                "per-broker" => Update::PerBroker,
                "per-listener" => Update::PerListener,
                _ => Update::ClusterWide,
            },
            synonyms,
            documentation: documentation.unwrap_or_default(),
        });
    }
    table.iter_mut().for_each(|keys| keys.sort_unstable_by_key(|key| key.name));
    table
}

fn kind(text: &str) -> Kind {
    use Kind::{Boolean, Class, Double, Int, List, Long, Password, Short, String};
    let all = [Boolean, String, Int, Short, Long, Double, List, Class, Password];
    all.into_iter().find(|kind| kind.name() == text).unwrap_or_else(|| panic!("no type {text}"))
}

fn synonym(text: &'static str) -> Synonym {
    match text.split_once('*') {
        Some((name, times)) => Synonym { name, times: times.parse().expect("a number") },
        None => Synonym { name: text, times: 1 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Scope; 5] = [Scope::Topic, Scope::Broker, Scope::Quota, Scope::Group, Scope::ClientMetrics];

    #[test]
    fn every_key_has_a_sentence_and_a_default_that_it_allows() {
        for key in ALL.into_iter().flat_map(keys) {
            assert!(!key.documentation.is_empty(), "{} has no sentence in docs.txt", key.name);
            if let Some(default) = key.default {
                assert_eq!(key.parse(default).as_deref(), Ok(default), "{}", key.name);
            }
        }
        assert_eq!(ALL.map(|scope| keys(scope).len()), [34, 360, 3, 17, 3]);
    }

    #[test]
    fn a_listener_may_stand_before_a_key() {
        assert_eq!(broker_kind("listener.name.a.ssl.key.password"), Kind::Password);
        assert_eq!(broker_kind("listener.name.a.plain.sasl.jaas.config"), Kind::Password);
        assert_eq!(broker_kind("listener.name.a"), Kind::Unknown);
        assert_eq!(broker_synonyms("log.retention.hours")[0], "log.retention.ms");
    }
}
