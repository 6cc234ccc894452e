//! Which keys the lab acts on: those of [`NodeConfig`] with the field that each sets, and those of topics.

use super::{
    NodeConfig,
    table::{self, Scope},
};

/// A key and the field it sets.
pub struct Field {
    pub name: &'static str,
    get: fn(&NodeConfig) -> String,
    set: fn(&mut NodeConfig, &str),
}

impl Field {
    /// As Kafka writes it.
    pub fn get(&self, config: &NodeConfig) -> String {
        (self.get)(config)
    }

    /// `value` has passed the key's checks. What the lab's field cannot hold becomes its nearest: where Kafka allows
    /// -1 for "never", that is the longest time there is.
    pub fn set(&self, config: &mut NodeConfig, value: &str) {
        (self.set)(config, value);
    }
}

/// Keys of topics that a partition or the controller looks at.
pub const TOPIC_ACTED_ON: &[&str] = &[
    "cleanup.policy",
    "compression.gzip.level",
    "compression.type",
    "file.delete.delay.ms",
    "index.interval.bytes",
    "internal.segment.bytes",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.type",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
    "segment.bytes",
    "segment.index.bytes",
    "segment.ms",
    "unclean.leader.election.enable",
];

/// Keys of a node that are read together where it starts: they make its addresses, roles and folders.
pub const NODE_ACTED_ON: &[&str] = &[
    "advertised.listeners",
    "broker.id",
    "controller.listener.names",
    "controller.quorum.bootstrap.servers",
    "controller.quorum.voters",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "listeners",
    "log.dir",
    "log.dirs",
    "node.id",
    "process.roles",
];

pub fn field(name: &str) -> Option<&'static Field> {
    FIELDS.binary_search_by(|field| field.name.cmp(name)).ok().map(|at| &FIELDS[at])
}

/// A number of a checked value, as near as the field's type allows.
fn number<T: TryFrom<i64>>(value: &str, otherwise: T) -> T {
    let number = value.parse::<i64>().unwrap_or(i64::MAX);
    // A negative time means that it never comes.
    let number = if T::try_from(number).is_err() { i64::MAX } else { number };
    T::try_from(number).unwrap_or(otherwise)
}

macro_rules! fields {
    ($($name:literal $field:ident $kind:ident;)*) => {
        &[$(fields!(@ $name $field $kind),)*]
    };
    (@ $name:literal $field:ident number) => {
        Field {
            name: $name,
            get: |config| config.$field.to_string(),
            set: |config, value| config.$field = number(value, config.$field),
        }
    };
    (@ $name:literal $field:ident flag) => {
        Field {
            name: $name,
            get: |config| config.$field.to_string(),
            set: |config, value| config.$field = value == "true",
        }
    };
    (@ $name:literal $field:ident optional) => {
        Field {
            name: $name,
            get: |config| config.$field.clone().unwrap_or_default(),
            set: |config, value| config.$field = Some(value.to_owned()),
        }
    };
}

/// Sorted by name.
pub static FIELDS: &[Field] = fields! {
    "auto.create.topics.enable" auto_create_topics_enable flag;
    "auto.leader.rebalance.enable" auto_leader_rebalance_enable flag;
    "broker.heartbeat.interval.ms" broker_heartbeat_interval_ms number;
    "broker.rack" rack optional;
    "broker.session.timeout.ms" broker_session_timeout_ms number;
    "connections.max.idle.ms" connections_max_idle_ms number;
    "controlled.shutdown.enable" controlled_shutdown_enable flag;
    "controller.quorum.election.backoff.max.ms" controller_quorum_election_backoff_max_ms number;
    "controller.quorum.election.timeout.ms" controller_quorum_election_timeout_ms number;
    "controller.quorum.fetch.timeout.ms" controller_quorum_fetch_timeout_ms number;
    "controller.quorum.request.timeout.ms" controller_quorum_request_timeout_ms number;
    "controller.quorum.retry.backoff.ms" controller_quorum_retry_backoff_ms number;
    "default.replication.factor" default_replication_factor number;
    "delete.topic.enable" delete_topic_enable flag;
    "fetch.max.bytes" fetch_max_bytes number;
    "group.initial.rebalance.delay.ms" group_initial_rebalance_delay_ms number;
    "group.max.session.timeout.ms" group_max_session_timeout_ms number;
    "group.max.size" group_max_size number;
    "group.min.session.timeout.ms" group_min_session_timeout_ms number;
    "leader.imbalance.check.interval.seconds" leader_imbalance_check_interval_seconds number;
    "log.index.interval.bytes" log_index_interval_bytes number;
    "log.index.size.max.bytes" log_index_size_max_bytes number;
    "log.retention.bytes" log_retention_bytes number;
    "log.retention.check.interval.ms" log_retention_check_interval_ms number;
    "log.retention.ms" log_retention_ms number;
    "log.roll.ms" log_roll_ms number;
    "log.segment.bytes" log_segment_bytes number;
    "log.segment.delete.delay.ms" log_segment_delete_delay_ms number;
    "message.max.bytes" message_max_bytes number;
    "metadata.log.max.record.bytes.between.snapshots" metadata_log_max_record_bytes_between_snapshots number;
    "metadata.log.max.snapshot.interval.ms" metadata_log_max_snapshot_interval_ms number;
    "metadata.max.idle.interval.ms" metadata_max_idle_interval_ms number;
    "min.insync.replicas" min_insync_replicas number;
    "num.partitions" num_partitions number;
    "offset.metadata.max.bytes" offset_metadata_max_bytes number;
    "offsets.commit.timeout.ms" offsets_commit_timeout_ms number;
    "offsets.retention.check.interval.ms" offsets_retention_check_interval_ms number;
    "offsets.retention.minutes" offsets_retention_minutes number;
    "offsets.topic.num.partitions" offsets_topic_num_partitions number;
    "offsets.topic.replication.factor" offsets_topic_replication_factor number;
    "offsets.topic.segment.bytes" offsets_topic_segment_bytes number;
    "producer.id.expiration.ms" producer_id_expiration_ms number;
    "replica.fetch.backoff.ms" replica_fetch_backoff_ms number;
    "replica.fetch.max.bytes" replica_fetch_max_bytes number;
    "replica.fetch.min.bytes" replica_fetch_min_bytes number;
    "replica.fetch.response.max.bytes" replica_fetch_response_max_bytes number;
    "replica.fetch.wait.max.ms" replica_fetch_wait_max_ms number;
    "replica.high.watermark.checkpoint.interval.ms" replica_high_watermark_checkpoint_interval_ms number;
    "replica.lag.time.max.ms" replica_lag_time_max_ms number;
    "request.timeout.ms" request_timeout_ms number;
    "socket.request.max.bytes" socket_request_max_bytes number;
    "unclean.leader.election.enable" unclean_leader_election_enable flag;
};

impl NodeConfig {
    /// What the node's file says of a key; `None`: it keeps its default. A simulated node has no file: there, a field
    /// with another value than Kafka's default stands for a line of one.
    pub fn static_value(&self, name: &str) -> Option<String> {
        if let Some(value) = self.properties.get(name) {
            return Some(value.clone());
        }
        if let Some(field) = field(name) {
            let key = table::key(Scope::Broker, name)?;
            let said_otherwise = key.synonyms.iter().any(|synonym| self.properties.contains_key(synonym.name));
            let value = field.get(self);
            return (!said_otherwise && value != default_of_field(name)).then_some(value);
        }
        let (host, port) = (&self.advertised.host, self.advertised.port);
        match name {
            "node.id" | "broker.id" => Some(self.node_id.to_string()),
            "controller.quorum.voters" => {
                let voters = self.voters.iter().map(|v| format!("{}@{}", v.id, v.endpoint));
                Some(voters.collect::<Vec<_>>().join(",")).filter(|voters| !voters.is_empty())
            }
            "advertised.listeners" if self.properties.is_empty() => Some(format!("PLAINTEXT://{host}:{port}")),
            _ => None,
        }
    }

    /// Every key that the node's file sets.
    pub fn static_values(&self) -> impl Iterator<Item = (String, String)> {
        let others = ["node.id", "broker.id", "controller.quorum.voters", "advertised.listeners"].into_iter();
        let names = FIELDS.iter().map(|field| field.name).chain(others).map(str::to_owned);
        let mut names: Vec<String> = names.chain(self.properties.keys().cloned()).collect();
        names.sort();
        names.dedup();
        names.into_iter().filter_map(|name| self.static_value(&name).map(|value| (name, value)))
    }
}

/// Kafka's default as the field would have it; of keys that exist in several units, that of the coarsest.
fn default_of_field(name: &str) -> String {
    let key = table::key(Scope::Broker, name).expect("every field is a key of Kafka's");
    if let Some(default) = key.default {
        return default.to_owned();
    }
    let topic = table::keys(Scope::Topic).iter().find(|t| t.synonyms.first().is_some_and(|s| s.name == name));
    topic.and_then(|topic| topic.default).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_keys_of_kafka_with_kafkas_defaults() {
        assert!(FIELDS.is_sorted_by_key(|field| field.name));
        let mut config = NodeConfig::default();
        for field in FIELDS {
            let default = default_of_field(field.name);
            assert_eq!(field.get(&config), default, "{}", field.name);
            field.set(&mut config, &default);
            assert!(table::key(Scope::Broker, field.name).expect(field.name).is_acted_on());
        }
        assert_eq!(NodeConfig { rack: None, ..config }, NodeConfig::default());
        let named = TOPIC_ACTED_ON.iter().all(|name| table::key(Scope::Topic, name).is_some());
        assert!(named && NODE_ACTED_ON.iter().all(|name| table::key(Scope::Broker, name).is_some()));
    }

    #[test]
    fn what_is_set_in_a_file_is_told_even_when_it_is_the_default() {
        let mut config = NodeConfig::default();
        assert_eq!(config.static_value("num.partitions"), None);
        config.num_partitions = 3;
        assert_eq!(config.static_value("num.partitions").as_deref(), Some("3"));
        config.properties.insert("num.partitions".into(), " 1 ".into());
        assert_eq!(config.static_value("num.partitions").as_deref(), Some(" 1 "));
        config.log_retention_ms = 7_200_000;
        config.properties.insert("log.retention.hours".into(), "2".into());
        assert_eq!(config.static_value("log.retention.ms"), None);
    }
}
