//! Configuration: the table of Kafka's keys, and of a node what the lab acts on, as one typed struct with Kafka's defaults
//! (4.3.1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::{Endpoint, NodeId, Uuid};

pub mod fields;
pub mod table;
pub mod value;

/// One entry of `controller.quorum.voters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voter {
    pub id: NodeId,
    pub endpoint: Endpoint,
}

/// All that a broker or a controller needs to know. Field names are Kafka's keys with underscores; milliseconds and
/// bytes unless the name says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeConfig {
    pub cluster_id: String,
    pub node_id: NodeId,
    /// From `meta.properties`; part of the replica's identity in votes and fetches (KIP-853).
    pub directory_id: Uuid,
    /// New for each start of the process, from the seed or the system: KIP-631's incarnation id.
    pub incarnation_id: Uuid,
    /// `log.dirs`, of which the lab has one: the absolute path of what a node's paths are relative to. Only shown.
    pub log_dir: String,
    /// Seed of all randomness inside the node.
    pub seed: u64,
    pub rack: Option<String>,
    /// Where clients and other brokers reach this broker.
    pub advertised: Endpoint,
    pub voters: Vec<Voter>,
    /// Every key of the node's file as it stands there, for whoever asks what the node was started with.
    pub properties: BTreeMap<String, String>,

    pub controller_quorum_election_timeout_ms: u64,
    pub controller_quorum_fetch_timeout_ms: u64,
    pub controller_quorum_election_backoff_max_ms: u64,
    pub controller_quorum_request_timeout_ms: u64,
    pub controller_quorum_retry_backoff_ms: u64,
    pub metadata_max_idle_interval_ms: u64,
    pub metadata_log_max_record_bytes_between_snapshots: u64,
    pub metadata_log_max_snapshot_interval_ms: u64,

    pub broker_heartbeat_interval_ms: u64,
    pub broker_session_timeout_ms: u64,
    pub controlled_shutdown_enable: bool,

    pub num_partitions: i32,
    pub default_replication_factor: i16,
    pub min_insync_replicas: i32,
    pub auto_create_topics_enable: bool,
    pub delete_topic_enable: bool,
    pub unclean_leader_election_enable: bool,
    pub auto_leader_rebalance_enable: bool,
    pub leader_imbalance_check_interval_seconds: u64,
    pub message_max_bytes: u32,
    pub socket_request_max_bytes: u32,
    pub connections_max_idle_ms: u64,
    pub request_timeout_ms: u64,
    pub log_segment_bytes: u32,
    pub log_roll_ms: u64,
    pub log_retention_ms: i64,
    pub log_retention_bytes: i64,
    pub log_retention_check_interval_ms: u64,
    pub log_index_interval_bytes: u32,
    pub log_index_size_max_bytes: u32,
    pub log_segment_delete_delay_ms: u64,
    pub producer_id_expiration_ms: u64,

    pub replica_lag_time_max_ms: u64,
    pub replica_fetch_wait_max_ms: u64,
    pub replica_fetch_min_bytes: i32,
    pub replica_fetch_max_bytes: i32,
    pub replica_fetch_response_max_bytes: i32,
    pub replica_fetch_backoff_ms: u64,
    pub replica_high_watermark_checkpoint_interval_ms: u64,
    pub fetch_max_bytes: i32,
    pub offsets_topic_num_partitions: i32,
    pub offsets_topic_replication_factor: i16,
    pub offsets_topic_segment_bytes: u32,
    pub offsets_commit_timeout_ms: u64,
    pub offsets_retention_minutes: i64,
    pub offsets_retention_check_interval_ms: u64,
    pub offset_metadata_max_bytes: u64,
    pub group_initial_rebalance_delay_ms: u64,
    pub group_min_session_timeout_ms: i64,
    pub group_max_session_timeout_ms: i64,
    pub group_max_size: i32,
}

impl Default for NodeConfig {
    fn default() -> Self {
        const HOUR_MS: u64 = 3_600_000;
        Self {
            cluster_id: String::new(),
            node_id: NodeId(-1),
            directory_id: Uuid::ZERO,
            incarnation_id: Uuid::ZERO,
            log_dir: "/tmp/kafka-logs".into(),
            seed: 0,
            rack: None,
            advertised: Endpoint { host: "localhost".into(), port: 9092 },
            voters: Vec::new(),
            properties: BTreeMap::new(),
            controller_quorum_election_timeout_ms: 1000,
            controller_quorum_fetch_timeout_ms: 2000,
            controller_quorum_election_backoff_max_ms: 1000,
            controller_quorum_request_timeout_ms: 2000,
            controller_quorum_retry_backoff_ms: 20,
            metadata_max_idle_interval_ms: 500,
            metadata_log_max_record_bytes_between_snapshots: 20 << 20,
            metadata_log_max_snapshot_interval_ms: HOUR_MS,
            broker_heartbeat_interval_ms: 2000,
            broker_session_timeout_ms: 9000,
            controlled_shutdown_enable: true,
            num_partitions: 1,
            default_replication_factor: 1,
            min_insync_replicas: 1,
            auto_create_topics_enable: true,
            delete_topic_enable: true,
            unclean_leader_election_enable: false,
            auto_leader_rebalance_enable: true,
            leader_imbalance_check_interval_seconds: 300,
            message_max_bytes: 1_048_588,
            socket_request_max_bytes: 100 << 20,
            connections_max_idle_ms: 600_000,
            request_timeout_ms: 30_000,
            log_segment_bytes: 1 << 30,
            log_roll_ms: 168 * HOUR_MS,
            log_retention_ms: 168 * HOUR_MS as i64,
            log_retention_bytes: -1,
            log_retention_check_interval_ms: 300_000,
            log_index_interval_bytes: 4096,
            log_index_size_max_bytes: 10 << 20,
            log_segment_delete_delay_ms: 60_000,
            producer_id_expiration_ms: 24 * HOUR_MS,
            replica_lag_time_max_ms: 30_000,
            replica_fetch_wait_max_ms: 500,
            replica_fetch_min_bytes: 1,
            replica_fetch_max_bytes: 1 << 20,
            replica_fetch_response_max_bytes: 10 << 20,
            replica_fetch_backoff_ms: 1000,
            replica_high_watermark_checkpoint_interval_ms: 5000,
            fetch_max_bytes: 55 << 20,
            offsets_topic_num_partitions: 50,
            offsets_topic_replication_factor: 3,
            offsets_topic_segment_bytes: 100 << 20,
            offsets_commit_timeout_ms: 5000,
            offsets_retention_minutes: 7 * 24 * 60,
            offsets_retention_check_interval_ms: 600_000,
            offset_metadata_max_bytes: 4096,
            group_initial_rebalance_delay_ms: 3000,
            group_min_session_timeout_ms: 6000,
            group_max_session_timeout_ms: 1_800_000,
            group_max_size: i32::MAX,
        }
    }
}
