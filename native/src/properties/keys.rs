//! Kafka's configuration keys (4.3.1) that a node of the lab acts on: type, range, and the field each sets.

use lab_core::config::NodeConfig;

/// A key and how to set it.
pub(super) struct Key {
    pub(super) name: &'static str,
    field: Field,
}

enum Field {
    /// Smallest and largest value.
    Number(i64, i64, fn(&mut NodeConfig, i64)),
    Flag(fn(&mut NodeConfig, bool)),
    Text(fn(&mut NodeConfig, &str)),
}

impl Key {
    /// # Errors
    /// A sentence that says what is allowed.
    pub(super) fn set(&self, config: &mut NodeConfig, value: &str) -> Result<(), String> {
        match self.field {
            Field::Number(min, max, set) => match value.parse::<i64>() {
                Ok(number) if (min..=max).contains(&number) => set(config, number),
                _ => return Err(format!("a whole number from {min} to {max}")),
            },
            Field::Flag(set) => match value.to_ascii_lowercase().as_str() {
                "true" => set(config, true),
                "false" => set(config, false),
                _ => return Err("true or false".into()),
            },
            Field::Text(set) => set(config, value),
        }
        Ok(())
    }
}

/// Keys that make sense only together; read by `Reader::finish`.
pub(super) const LISTENER_KEYS: &[&str] = &[
    "process.roles",
    "node.id",
    "broker.id",
    "listeners",
    "advertised.listeners",
    "controller.listener.names",
    "controller.quorum.voters",
    "controller.quorum.bootstrap.servers",
    "listener.security.protocol.map",
    "inter.broker.listener.name",
    "log.dirs",
    "log.dir",
    "log.retention.minutes",
    "log.retention.hours",
    "log.roll.hours",
];

type Set = fn(&mut NodeConfig, i64);
/// Finer key, coarser keys with their unit in milliseconds, and the field.
type Coarse = (&'static str, &'static [(&'static str, i64)], Set);

/// Keys that exist in several units.
pub(super) const COARSE: &[Coarse] = &[
    ("log.retention.ms", &[("log.retention.minutes", 60_000), ("log.retention.hours", 3_600_000)], |config, ms| {
        config.log_retention_ms = ms
    }),
    ("log.roll.ms", &[("log.roll.hours", 3_600_000)], |config, ms| config.log_roll_ms = ms.max(1) as u64),
];

/// The other keys of Kafka 4.3.1: accepted, without effect.
pub(super) const ACCEPTED: &str = include_str!("accepted.txt");

const INT: i64 = i32::MAX as i64;
const SHORT: i64 = i16::MAX as i64;
const LONG: i64 = i64::MAX;

macro_rules! keys {
    ($($name:literal $field:ident: $kind:ident $($min:literal ..= $max:expr)?;)*) => {
        &[$(Key { name: $name, field: keys!(@ $field $kind $($min, $max)?) },)*]
    };
    (@ $field:ident number $min:literal, $max:expr) => {
        Field::Number($min, $max, |config, value| config.$field = value as _)
    };
    (@ $field:ident flag) => { Field::Flag(|config, value| config.$field = value) };
    (@ $field:ident optional) => { Field::Text(|config, value| config.$field = Some(value.to_owned())) };
}

pub(super) const KEYS: &[Key] = keys! {
    "auto.create.topics.enable" auto_create_topics_enable: flag;
    "auto.leader.rebalance.enable" auto_leader_rebalance_enable: flag;
    "broker.heartbeat.interval.ms" broker_heartbeat_interval_ms: number 1..=INT;
    "broker.rack" rack: optional;
    "broker.session.timeout.ms" broker_session_timeout_ms: number 1..=INT;
    "connections.max.idle.ms" connections_max_idle_ms: number 1..=LONG;
    "controlled.shutdown.enable" controlled_shutdown_enable: flag;
    "controller.quorum.append.linger.ms" controller_quorum_append_linger_ms: number 0..=INT;
    "controller.quorum.election.backoff.max.ms" controller_quorum_election_backoff_max_ms: number 0..=INT;
    "controller.quorum.election.timeout.ms" controller_quorum_election_timeout_ms: number 1..=INT;
    "controller.quorum.fetch.timeout.ms" controller_quorum_fetch_timeout_ms: number 1..=INT;
    "controller.quorum.request.timeout.ms" controller_quorum_request_timeout_ms: number 1..=INT;
    "controller.quorum.retry.backoff.ms" controller_quorum_retry_backoff_ms: number 0..=INT;
    "default.replication.factor" default_replication_factor: number 1..=SHORT;
    "delete.topic.enable" delete_topic_enable: flag;
    "fetch.max.bytes" fetch_max_bytes: number 1024..=INT;
    "group.initial.rebalance.delay.ms" group_initial_rebalance_delay_ms: number 0..=INT;
    "group.max.session.timeout.ms" group_max_session_timeout_ms: number 1..=INT;
    "group.max.size" group_max_size: number 1..=INT;
    "group.min.session.timeout.ms" group_min_session_timeout_ms: number 1..=INT;
    "leader.imbalance.check.interval.seconds" leader_imbalance_check_interval_seconds: number 1..=LONG;
    "leader.imbalance.per.broker.percentage" leader_imbalance_per_broker_percentage: number 0..=INT;
    "log.index.interval.bytes" log_index_interval_bytes: number 0..=INT;
    "log.index.size.max.bytes" log_index_size_max_bytes: number 4..=INT;
    "log.retention.bytes" log_retention_bytes: number -1..=LONG;
    "log.retention.check.interval.ms" log_retention_check_interval_ms: number 1..=LONG;
    "log.retention.ms" log_retention_ms: number -1..=LONG;
    "log.roll.ms" log_roll_ms: number 1..=LONG;
    "log.segment.bytes" log_segment_bytes: number 1_048_576..=INT;
    "log.segment.delete.delay.ms" log_segment_delete_delay_ms: number 0..=LONG;
    "message.max.bytes" message_max_bytes: number 0..=INT;
    "metadata.log.max.record.bytes.between.snapshots" metadata_log_max_record_bytes_between_snapshots: number 1..=LONG;
    "metadata.log.max.snapshot.interval.ms" metadata_log_max_snapshot_interval_ms: number 0..=LONG;
    "metadata.max.idle.interval.ms" metadata_max_idle_interval_ms: number 0..=INT;
    "min.insync.replicas" min_insync_replicas: number 1..=INT;
    "num.partitions" num_partitions: number 1..=INT;
    "offset.metadata.max.bytes" offset_metadata_max_bytes: number 0..=INT;
    "offsets.commit.timeout.ms" offsets_commit_timeout_ms: number 1..=INT;
    "offsets.retention.check.interval.ms" offsets_retention_check_interval_ms: number 1..=LONG;
    "offsets.retention.minutes" offsets_retention_minutes: number 1..=INT;
    "offsets.topic.num.partitions" offsets_topic_num_partitions: number 1..=INT;
    "offsets.topic.replication.factor" offsets_topic_replication_factor: number 1..=SHORT;
    "offsets.topic.segment.bytes" offsets_topic_segment_bytes: number 1..=INT;
    "producer.id.expiration.ms" producer_id_expiration_ms: number 1..=INT;
    "replica.fetch.backoff.ms" replica_fetch_backoff_ms: number 0..=INT;
    "replica.fetch.max.bytes" replica_fetch_max_bytes: number 0..=INT;
    "replica.fetch.min.bytes" replica_fetch_min_bytes: number 1..=INT;
    "replica.fetch.response.max.bytes" replica_fetch_response_max_bytes: number 0..=INT;
    "replica.fetch.wait.max.ms" replica_fetch_wait_max_ms: number 1..=INT;
    "replica.high.watermark.checkpoint.interval.ms" replica_high_watermark_checkpoint_interval_ms: number 1..=LONG;
    "replica.lag.time.max.ms" replica_lag_time_max_ms: number 1..=LONG;
    "request.timeout.ms" request_timeout_ms: number 1..=INT;
    "socket.request.max.bytes" socket_request_max_bytes: number 1..=INT;
    "unclean.leader.election.enable" unclean_leader_election_enable: flag;
};
