//! Client configuration: Kafka's keys and defaults (`ProducerConfig`, `ConsumerConfig` of 4.3.1), milliseconds and bytes.

use serde::{Deserialize, Serialize};

use super::ApplicationConfig;
use crate::{
    assign::Assignor,
    id::{Endpoint, NodeId, TopicPartition},
};

/// How many replicas must have a record before the leader answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acks {
    /// Nobody answers; the record may be lost without notice.
    None,
    /// The leader alone.
    Leader,
    /// All in-sync replicas.
    #[default]
    All,
}

impl Acks {
    /// As in the Produce request.
    pub const fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }

    /// As in `acks=` of the producer's configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Leader => "1",
            Self::All => "all",
        }
    }

    /// Reads `0`, `1`, `all` or `-1`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Self::None),
            "1" => Some(Self::Leader),
            "all" | "-1" => Some(Self::All),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProducerConfig {
    /// Who it is in events and views; never sent.
    pub id: NodeId,
    /// Its name in views, and its `client.id`.
    pub name: String,
    pub bootstrap: Vec<Endpoint>,
    /// Seed of the partitioner and of back-off jitter.
    pub seed: u64,
    pub acks: Acks,
    pub enable_idempotence: bool,
    pub batch_size: usize,
    pub linger_ms: u64,
    pub buffer_memory: usize,
    pub max_request_size: usize,
    pub max_in_flight_requests_per_connection: usize,
    pub request_timeout_ms: u64,
    pub delivery_timeout_ms: u64,
    pub retry_backoff_ms: u64,
    pub retry_backoff_max_ms: u64,
    pub reconnect_backoff_ms: u64,
    pub reconnect_backoff_max_ms: u64,
    pub socket_connection_setup_timeout_ms: u64,
    pub metadata_max_age_ms: u64,
    /// Whether its metadata requests create missing topics, as Kafka's producer always asks. The simulator's do not:
    /// its topics are created by the admin, and a race between the two would decide their partitions.
    pub allow_auto_topic_creation: bool,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            id: NodeId(1001),
            name: "producer".into(),
            bootstrap: Vec::new(),
            seed: 0,
            acks: Acks::All,
            enable_idempotence: true,
            batch_size: 16_384,
            linger_ms: 5,
            buffer_memory: 32 << 20,
            max_request_size: 1 << 20,
            max_in_flight_requests_per_connection: 5,
            request_timeout_ms: 30_000,
            delivery_timeout_ms: 120_000,
            retry_backoff_ms: 100,
            retry_backoff_max_ms: 1000,
            reconnect_backoff_ms: 50,
            reconnect_backoff_max_ms: 1000,
            socket_connection_setup_timeout_ms: 10_000,
            metadata_max_age_ms: 300_000,
            allow_auto_topic_creation: true,
        }
    }
}

/// Where a consumer starts when it has no position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffsetReset {
    Earliest,
    #[default]
    Latest,
    /// Nowhere: whoever needs it fails.
    None,
    /// The first record that is no older than so many milliseconds (KIP-1106).
    ByDuration(u64),
    /// This offset, and where it does not exist, the earliest.
    Offset(i64),
    /// The first record at or after this timestamp (Unix milliseconds), or the end.
    Timestamp(i64),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsumerConfig {
    pub id: NodeId,
    /// Its name in views, and its `client.id`.
    pub name: String,
    pub bootstrap: Vec<Endpoint>,
    /// Seed of back-off jitter.
    pub seed: u64,
    /// The group by which it shares `topics` with others; without one all their partitions are its own.
    pub group_id: Option<String>,
    /// Makes it a static member (KIP-345).
    pub group_instance_id: Option<String>,
    /// The one it likes best first.
    pub partition_assignment_strategy: Vec<Assignor>,
    pub session_timeout_ms: u64,
    pub heartbeat_interval_ms: u64,
    pub max_poll_interval_ms: u64,
    pub max_poll_records: usize,
    pub enable_auto_commit: bool,
    pub auto_commit_interval_ms: u64,
    /// How long `commitSync` waits.
    pub default_api_timeout_ms: u64,
    /// All partitions of these topics are assigned to it, or its share of them in the group.
    pub topics: Vec<String>,
    /// These partitions too.
    pub partitions: Vec<TopicPartition>,
    pub auto_offset_reset: OffsetReset,
    pub fetch_min_bytes: i32,
    pub fetch_max_bytes: i32,
    pub fetch_max_wait_ms: u64,
    pub max_partition_fetch_bytes: i32,
    pub request_timeout_ms: u64,
    pub retry_backoff_ms: u64,
    pub retry_backoff_max_ms: u64,
    pub reconnect_backoff_ms: u64,
    pub reconnect_backoff_max_ms: u64,
    pub socket_connection_setup_timeout_ms: u64,
    pub metadata_max_age_ms: u64,
    pub allow_auto_topic_creation: bool,
    /// Fetching pauses while this many records wait to be polled for.
    pub max_buffered_records: usize,
    /// The application, where it is simulated. `None`: whoever drives the consumer calls [`super::Consumer::poll`].
    pub application: Option<ApplicationConfig>,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            id: NodeId(1101),
            name: "consumer".into(),
            bootstrap: Vec::new(),
            seed: 0,
            group_id: None,
            group_instance_id: None,
            partition_assignment_strategy: vec![Assignor::Range, Assignor::CooperativeSticky],
            session_timeout_ms: 45_000,
            heartbeat_interval_ms: 3000,
            max_poll_interval_ms: 300_000,
            max_poll_records: 500,
            enable_auto_commit: true,
            auto_commit_interval_ms: 5000,
            default_api_timeout_ms: 60_000,
            topics: Vec::new(),
            partitions: Vec::new(),
            auto_offset_reset: OffsetReset::Latest,
            fetch_min_bytes: 1,
            fetch_max_bytes: 50 << 20,
            fetch_max_wait_ms: 500,
            max_partition_fetch_bytes: 1 << 20,
            request_timeout_ms: 30_000,
            retry_backoff_ms: 100,
            retry_backoff_max_ms: 1000,
            reconnect_backoff_ms: 50,
            reconnect_backoff_max_ms: 1000,
            socket_connection_setup_timeout_ms: 10_000,
            metadata_max_age_ms: 300_000,
            allow_auto_topic_creation: true,
            max_buffered_records: 100_000,
            application: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdminConfig {
    pub id: NodeId,
    pub name: String,
    pub bootstrap: Vec<Endpoint>,
    pub seed: u64,
    pub request_timeout_ms: u64,
    pub retry_backoff_ms: u64,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self {
            id: NodeId(1000),
            name: "admin".into(),
            bootstrap: Vec::new(),
            seed: 0,
            request_timeout_ms: 30_000,
            retry_backoff_ms: 100,
        }
    }
}
