//! The keys themselves: every key of a topic, and those of a broker that the lab knows, with Kafka 4.3.1's limits and
//! defaults (Kafka: `LogConfig`, `AbstractKafkaConfig`).

use super::configs::{BrokerKey, Kind, Limit, TopicKey, Update};
use crate::config::NodeConfig;

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
    "group.max.session.timeout.ms" Int ReadOnly Limit::Any, |c| c.group_max_session_timeout_ms.to_string();
    "group.max.size" Int ReadOnly Limit::AtLeast(1), |c| c.group_max_size.to_string();
    "group.min.session.timeout.ms" Int ReadOnly Limit::Any, |c| c.group_min_session_timeout_ms.to_string();
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
    "offset.metadata.max.bytes" Int ReadOnly Limit::Any, |c| c.offset_metadata_max_bytes.to_string();
    "offsets.commit.timeout.ms" Int ReadOnly Limit::AtLeast(1), |c| c.offsets_commit_timeout_ms.to_string();
    "offsets.retention.check.interval.ms" Long ReadOnly Limit::AtLeast(1), |c| c.offsets_retention_check_interval_ms.to_string();
    "offsets.retention.minutes" Int ReadOnly Limit::AtLeast(1), |c| c.offsets_retention_minutes.to_string();
    "offsets.topic.num.partitions" Int ReadOnly Limit::AtLeast(1), |c| c.offsets_topic_num_partitions.to_string();
    "offsets.topic.replication.factor" Int ReadOnly Limit::AtLeast(1), |c| c.offsets_topic_replication_factor.to_string();
    "offsets.topic.segment.bytes" Int ReadOnly Limit::AtLeast(1), |c| c.offsets_topic_segment_bytes.to_string();
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
