//! Configuration keys of topics and brokers: types, limits, defaults, and where a value in force comes from
//! (Kafka: `LogConfig`, `AbstractKafkaConfig`, `ConfigDef`, `KafkaConfigSchema`).

use super::image::{ConfigResource, MetadataImage};
use crate::config::NodeConfig;

pub const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";
pub const UNCLEAN_LEADER_ELECTION_ENABLE: &str = "unclean.leader.election.enable";
pub const METADATA_VERSION: &str = "metadata.version";
pub const ELR_VERSION: &str = "eligible.leader.replicas.version";

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
enum Limit {
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
    default: &'static str,
    node: Option<fn(&NodeConfig) -> String>,
    limit: Limit,
}

/// A key of a broker.
#[derive(Clone, Copy, Debug)]
pub struct BrokerKey {
    pub name: &'static str,
    pub kind: Kind,
    pub update: Update,
    get: fn(&NodeConfig) -> String,
    limit: Limit,
}

/// A value in force, and all that it could have been, strongest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub value: String,
    pub source: Source,
    pub synonyms: Vec<(String, String, Source)>,
}

const COMPRESSION: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
const MAX: &str = "9223372036854775807";

macro_rules! topic_keys {
    ($($name:literal $synonym:tt $kind:ident $default:literal $limit:expr $(, $node:expr)?;)*) => {
        &[$(TopicKey {
            name: $name,
            synonym: topic_keys!(@synonym $synonym),
            kind: Kind::$kind,
            default: $default,
            node: topic_keys!(@node $($node)?),
            limit: $limit,
        },)*]
    };
    (@synonym -) => { None };
    (@synonym $name:literal) => { Some($name) };
    (@node) => { None };
    (@node $node:expr) => { Some($node) };
}

/// Every key of Kafka 4.3.1's topics, sorted. Those that the lab does not act on yet (compaction, compression by the
/// broker, flushing, tiered storage, throttling) are kept and shown, and the fidelity page says so.
pub const TOPIC_KEYS: &[TopicKey] = topic_keys! {
    "cleanup.policy" "log.cleanup.policy" List "delete" Limit::ListOf(&["compact", "delete"]);
    "compression.gzip.level" "compression.gzip.level" Int "-1" Limit::Between(-1, 9);
    "compression.lz4.level" "compression.lz4.level" Int "9" Limit::Between(1, 17);
    "compression.type" "compression.type" String "producer" Limit::OneOf(COMPRESSION);
    "compression.zstd.level" "compression.zstd.level" Int "3" Limit::Between(-131_072, 22);
    "delete.retention.ms" "log.cleaner.delete.retention.ms" Long "86400000" Limit::AtLeast(0);
    "file.delete.delay.ms" "log.segment.delete.delay.ms" Long "60000" Limit::AtLeast(0), |c| c.log_segment_delete_delay_ms.to_string();
    "flush.messages" "log.flush.interval.messages" Long "9223372036854775807" Limit::AtLeast(1);
    "flush.ms" "log.flush.interval.ms" Long "9223372036854775807" Limit::AtLeast(0);
    "follower.replication.throttled.replicas" - List "" Limit::ThrottledReplicas;
    "index.interval.bytes" "log.index.interval.bytes" Int "4096" Limit::AtLeast(0), |c| c.log_index_interval_bytes.to_string();
    "leader.replication.throttled.replicas" - List "" Limit::ThrottledReplicas;
    "local.retention.bytes" "log.local.retention.bytes" Long "-2" Limit::AtLeast(-2);
    "local.retention.ms" "log.local.retention.ms" Long "-2" Limit::AtLeast(-2);
    "max.compaction.lag.ms" "log.cleaner.max.compaction.lag.ms" Long "9223372036854775807" Limit::AtLeast(1);
    "max.message.bytes" "message.max.bytes" Int "1048588" Limit::AtLeast(0), |c| c.message_max_bytes.to_string();
    "message.timestamp.after.max.ms" "log.message.timestamp.after.max.ms" Long "3600000" Limit::AtLeast(0);
    "message.timestamp.before.max.ms" "log.message.timestamp.before.max.ms" Long "9223372036854775807" Limit::AtLeast(0);
    "message.timestamp.type" "log.message.timestamp.type" String "CreateTime" Limit::OneOf(&["CreateTime", "LogAppendTime"]);
    "min.cleanable.dirty.ratio" "log.cleaner.min.cleanable.ratio" Double "0.5" Limit::Fraction;
    "min.compaction.lag.ms" "log.cleaner.min.compaction.lag.ms" Long "0" Limit::AtLeast(0);
    "min.insync.replicas" "min.insync.replicas" Int "1" Limit::AtLeast(1), |c| c.min_insync_replicas.to_string();
    "preallocate" "log.preallocate" Boolean "false" Limit::Any;
    "remote.log.copy.disable" - Boolean "false" Limit::Any;
    "remote.log.delete.on.disable" - Boolean "false" Limit::Any;
    "remote.storage.enable" - Boolean "false" Limit::Any;
    "retention.bytes" "log.retention.bytes" Long "-1" Limit::AtLeast(-1), |c| c.log_retention_bytes.to_string();
    "retention.ms" "log.retention.ms" Long "604800000" Limit::AtLeast(-1), |c| c.log_retention_ms.to_string();
    "segment.bytes" "log.segment.bytes" Int "1073741824" Limit::AtLeast(1 << 20), |c| c.log_segment_bytes.to_string();
    "segment.index.bytes" "log.index.size.max.bytes" Int "10485760" Limit::AtLeast(4), |c| c.log_index_size_max_bytes.to_string();
    "segment.jitter.ms" "log.roll.jitter.ms" Long "0" Limit::AtLeast(0);
    "segment.ms" "log.roll.ms" Long "604800000" Limit::AtLeast(1), |c| c.log_roll_ms.to_string();
    "unclean.leader.election.enable" "unclean.leader.election.enable" Boolean "false" Limit::Any, |c| c.unclean_leader_election_enable.to_string();
};

macro_rules! broker_keys {
    ($($name:literal $kind:ident $update:ident $limit:expr, $get:expr;)*) => {
        &[$(BrokerKey { name: $name, kind: Kind::$kind, update: Update::$update, get: $get, limit: $limit },)*]
    };
}

fn voters(config: &NodeConfig) -> String {
    let voters = config.voters.iter().map(|v| format!("{}@{}", v.id, v.endpoint));
    voters.collect::<Vec<_>>().join(",")
}

/// Keys that a node of the lab reads, and those by which topics get their defaults, sorted.
pub const BROKER_KEYS: &[BrokerKey] = broker_keys! {
    "advertised.listeners" String ReadOnly Limit::Any, |c| format!("PLAINTEXT://{}", c.advertised);
    "auto.create.topics.enable" Boolean ReadOnly Limit::Any, |c| c.auto_create_topics_enable.to_string();
    "auto.leader.rebalance.enable" Boolean ReadOnly Limit::Any, |c| c.auto_leader_rebalance_enable.to_string();
    "broker.heartbeat.interval.ms" Int ReadOnly Limit::Any, |c| c.broker_heartbeat_interval_ms.to_string();
    "broker.rack" String ReadOnly Limit::Any, |c| c.rack.clone().unwrap_or_default();
    "broker.session.timeout.ms" Int ReadOnly Limit::Any, |c| c.broker_session_timeout_ms.to_string();
    "compression.gzip.level" Int ClusterWide Limit::Between(-1, 9), |_| "-1".into();
    "compression.lz4.level" Int ClusterWide Limit::Between(1, 17), |_| "9".into();
    "compression.type" String ClusterWide Limit::OneOf(COMPRESSION), |_| "producer".into();
    "compression.zstd.level" Int ClusterWide Limit::Between(-131_072, 22), |_| "3".into();
    "connections.max.idle.ms" Long ReadOnly Limit::Any, |c| c.connections_max_idle_ms.to_string();
    "controlled.shutdown.enable" Boolean ReadOnly Limit::Any, |c| c.controlled_shutdown_enable.to_string();
    "controller.quorum.append.linger.ms" Int ReadOnly Limit::Any, |c| c.controller_quorum_append_linger_ms.to_string();
    "controller.quorum.election.backoff.max.ms" Int ReadOnly Limit::Any, |c| c.controller_quorum_election_backoff_max_ms.to_string();
    "controller.quorum.election.timeout.ms" Int ReadOnly Limit::Any, |c| c.controller_quorum_election_timeout_ms.to_string();
    "controller.quorum.fetch.timeout.ms" Int ReadOnly Limit::Any, |c| c.controller_quorum_fetch_timeout_ms.to_string();
    "controller.quorum.request.timeout.ms" Int ReadOnly Limit::Any, |c| c.controller_quorum_request_timeout_ms.to_string();
    "controller.quorum.retry.backoff.ms" Int ReadOnly Limit::Any, |c| c.controller_quorum_retry_backoff_ms.to_string();
    "controller.quorum.voters" List ReadOnly Limit::Any, voters;
    "default.replication.factor" Int ReadOnly Limit::Any, |c| c.default_replication_factor.to_string();
    "delete.topic.enable" Boolean ReadOnly Limit::Any, |c| c.delete_topic_enable.to_string();
    "fetch.max.bytes" Int ReadOnly Limit::Any, |c| c.fetch_max_bytes.to_string();
    "group.initial.rebalance.delay.ms" Int ReadOnly Limit::Any, |c| c.group_initial_rebalance_delay_ms.to_string();
    "leader.imbalance.check.interval.seconds" Long ReadOnly Limit::Any, |c| c.leader_imbalance_check_interval_seconds.to_string();
    "log.cleaner.delete.retention.ms" Long ClusterWide Limit::AtLeast(0), |_| "86400000".into();
    "log.cleaner.max.compaction.lag.ms" Long ClusterWide Limit::AtLeast(1), |_| MAX.into();
    "log.cleaner.min.cleanable.ratio" Double ClusterWide Limit::Fraction, |_| "0.5".into();
    "log.cleaner.min.compaction.lag.ms" Long ClusterWide Limit::AtLeast(0), |_| "0".into();
    "log.cleanup.policy" List ClusterWide Limit::ListOf(&["compact", "delete"]), |_| "delete".into();
    "log.flush.interval.messages" Long ClusterWide Limit::AtLeast(1), |_| MAX.into();
    "log.index.interval.bytes" Int ClusterWide Limit::AtLeast(0), |c| c.log_index_interval_bytes.to_string();
    "log.index.size.max.bytes" Int ClusterWide Limit::AtLeast(4), |c| c.log_index_size_max_bytes.to_string();
    "log.message.timestamp.after.max.ms" Long ClusterWide Limit::AtLeast(0), |_| "3600000".into();
    "log.message.timestamp.before.max.ms" Long ClusterWide Limit::AtLeast(0), |_| MAX.into();
    "log.message.timestamp.type" String ClusterWide Limit::OneOf(&["CreateTime", "LogAppendTime"]), |_| "CreateTime".into();
    "log.preallocate" Boolean ClusterWide Limit::Any, |_| "false".into();
    "log.retention.bytes" Long ClusterWide Limit::Any, |c| c.log_retention_bytes.to_string();
    "log.retention.check.interval.ms" Long ReadOnly Limit::AtLeast(1), |c| c.log_retention_check_interval_ms.to_string();
    "log.retention.ms" Long ClusterWide Limit::Any, |c| c.log_retention_ms.to_string();
    "log.roll.ms" Long ClusterWide Limit::Any, |c| c.log_roll_ms.to_string();
    "log.segment.bytes" Int ClusterWide Limit::AtLeast(1 << 20), |c| c.log_segment_bytes.to_string();
    "log.segment.delete.delay.ms" Long ClusterWide Limit::AtLeast(0), |c| c.log_segment_delete_delay_ms.to_string();
    "message.max.bytes" Int ClusterWide Limit::AtLeast(0), |c| c.message_max_bytes.to_string();
    "metadata.log.max.record.bytes.between.snapshots" Long ReadOnly Limit::Any, |c| c.metadata_log_max_record_bytes_between_snapshots.to_string();
    "metadata.log.max.snapshot.interval.ms" Long ReadOnly Limit::Any, |c| c.metadata_log_max_snapshot_interval_ms.to_string();
    "metadata.max.idle.interval.ms" Int ReadOnly Limit::Any, |c| c.metadata_max_idle_interval_ms.to_string();
    "min.insync.replicas" Int ClusterWide Limit::AtLeast(1), |c| c.min_insync_replicas.to_string();
    "node.id" Int ReadOnly Limit::Any, |c| c.node_id.to_string();
    "num.partitions" Int ReadOnly Limit::AtLeast(1), |c| c.num_partitions.to_string();
    "offsets.topic.num.partitions" Int ReadOnly Limit::AtLeast(1), |c| c.offsets_topic_num_partitions.to_string();
    "offsets.topic.replication.factor" Int ReadOnly Limit::AtLeast(1), |c| c.offsets_topic_replication_factor.to_string();
    "producer.id.expiration.ms" Int ClusterWide Limit::AtLeast(1), |c| c.producer_id_expiration_ms.to_string();
    "replica.fetch.backoff.ms" Int ReadOnly Limit::AtLeast(0), |c| c.replica_fetch_backoff_ms.to_string();
    "replica.fetch.max.bytes" Int ReadOnly Limit::AtLeast(0), |c| c.replica_fetch_max_bytes.to_string();
    "replica.fetch.min.bytes" Int ReadOnly Limit::Any, |c| c.replica_fetch_min_bytes.to_string();
    "replica.fetch.response.max.bytes" Int ReadOnly Limit::AtLeast(0), |c| c.replica_fetch_response_max_bytes.to_string();
    "replica.fetch.wait.max.ms" Int ReadOnly Limit::Any, |c| c.replica_fetch_wait_max_ms.to_string();
    "replica.high.watermark.checkpoint.interval.ms" Long ReadOnly Limit::Any, |c| c.replica_high_watermark_checkpoint_interval_ms.to_string();
    "replica.lag.time.max.ms" Long ReadOnly Limit::Any, |c| c.replica_lag_time_max_ms.to_string();
    "request.timeout.ms" Int ReadOnly Limit::Any, |c| c.request_timeout_ms.to_string();
    "socket.request.max.bytes" Int ReadOnly Limit::AtLeast(1), |c| c.socket_request_max_bytes.to_string();
    "unclean.leader.election.enable" Boolean ClusterWide Limit::Any, |c| c.unclean_leader_election_enable.to_string();
};

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
        match self.synonym {
            Some(synonym) => broker_synonyms(image, synonym, node, below, &mut synonyms),
            None => synonyms.push((self.name.to_owned(), below.0, below.1)),
        }
        in_force(synonyms)
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
        let mut synonyms = Vec::new();
        broker_synonyms(image, self.name, node, (value, source), &mut synonyms);
        in_force(synonyms)
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
    below: (String, Source),
    synonyms: &mut Vec<(String, String, Source)>,
) {
    for (resource, source) in
        [(ConfigResource::broker(node.node_id), Source::Broker), (ConfigResource::cluster(), Source::DefaultBroker)]
    {
        if let Some(value) = image.config(&resource, name) {
            synonyms.push((name.to_owned(), value.to_owned(), source));
        }
    }
    synonyms.push((name.to_owned(), below.0, below.1));
}

fn in_force(synonyms: Vec<(String, String, Source)>) -> Value {
    let (_, value, source) = synonyms[0].clone();
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
