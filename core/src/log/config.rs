//! What a log needs to know of the configuration of its topic and broker.

use crate::{config::NodeConfig, wire::batch::Compression};

/// Settings of one log, by Kafka's topic-level names. A change takes effect at the next append, roll or check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    pub segment_bytes: u32,
    /// `segment.ms`: a segment older than this is rolled at the next append.
    pub segment_ms: u64,
    /// -1: no limit.
    pub retention_ms: i64,
    /// -1: no limit.
    pub retention_bytes: i64,
    pub index_interval_bytes: u32,
    pub segment_index_bytes: u32,
    pub max_message_bytes: u32,
    pub file_delete_delay_ms: u64,
    pub producer_id_expiration_ms: u64,
    /// Records need keys.
    pub compacted: bool,
    /// `compression.type`, with its level; `None` is `producer`.
    pub compression: Option<Compression>,
    /// `message.timestamp.type=LogAppendTime`.
    pub log_append_time: bool,
    pub message_timestamp_before_max_ms: i64,
    pub message_timestamp_after_max_ms: i64,
}

impl From<&NodeConfig> for LogConfig {
    fn from(node: &NodeConfig) -> Self {
        Self {
            segment_bytes: node.log_segment_bytes,
            segment_ms: node.log_roll_ms,
            retention_ms: node.log_retention_ms,
            retention_bytes: node.log_retention_bytes,
            index_interval_bytes: node.log_index_interval_bytes,
            segment_index_bytes: node.log_index_size_max_bytes,
            max_message_bytes: node.message_max_bytes,
            file_delete_delay_ms: node.log_segment_delete_delay_ms,
            producer_id_expiration_ms: node.producer_id_expiration_ms,
            compacted: false,
            compression: None,
            log_append_time: false,
            message_timestamp_before_max_ms: i64::MAX,
            message_timestamp_after_max_ms: 3_600_000,
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self::from(&NodeConfig::default())
    }
}
