//! The configuration of one partition in force: set on its topic, or on brokers, or Kafka's default.

use crate::{
    config::NodeConfig,
    log::LogConfig,
    metadata::{configs, image::MetadataImage},
    wire::batch::{Codec, Compression},
};

/// What a leader checks records against, and when its log forgets them (Kafka: `LogConfig`).
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub min_insync_replicas: usize,
    /// Records may be deleted by their age, the size of the log, or DeleteRecords.
    pub deletes: bool,
    pub log: LogConfig,
}

impl Settings {
    pub fn of_topic(topic: &str, image: &MetadataImage, node: &NodeConfig) -> Self {
        let text = |key: &str| configs::topic_value(image, topic, key, node).unwrap_or_default();
        // The controller refuses values that are no numbers, so the fallback never speaks.
        let number = |key: &str, fallback: i64| text(key).trim().parse::<i64>().unwrap_or(fallback);
        let size = |key: &str, fallback: u32| u32::try_from(number(key, i64::from(fallback))).unwrap_or(fallback);
        let time = |key: &str, fallback: u64| u64::try_from(number(key, fallback as i64)).unwrap_or(fallback);
        let policies = text("cleanup.policy");
        let deletes = policies.split(',').any(|p| p.trim() == "delete");
        let base = LogConfig::from(node);
        Self {
            min_insync_replicas: number(configs::MIN_INSYNC_REPLICAS, 1).max(1) as usize,
            deletes,
            log: LogConfig {
                compacted: policies.split(',').any(|p| p.trim() == "compact"),
                compression: compression(&text("compression.type"), |codec| {
                    number(&format!("compression.{}.level", codec.name()), -1) as i32
                }),
                segment_bytes: size("internal.segment.bytes", size("segment.bytes", base.segment_bytes)),
                segment_ms: time("segment.ms", base.segment_ms),
                // A topic that is only compacted keeps its old segments.
                retention_ms: if deletes { number("retention.ms", base.retention_ms) } else { -1 },
                retention_bytes: if deletes { number("retention.bytes", base.retention_bytes) } else { -1 },
                index_interval_bytes: size("index.interval.bytes", base.index_interval_bytes),
                segment_index_bytes: size("segment.index.bytes", base.segment_index_bytes),
                max_message_bytes: size("max.message.bytes", base.max_message_bytes),
                file_delete_delay_ms: time("file.delete.delay.ms", base.file_delete_delay_ms),
                producer_id_expiration_ms: configs::Layers::of(image, node)
                    .number("producer.id.expiration.ms")
                    .and_then(|ms| u64::try_from(ms).ok())
                    .unwrap_or(base.producer_id_expiration_ms),
                log_append_time: text("message.timestamp.type") == "LogAppendTime",
                message_timestamp_before_max_ms: number("message.timestamp.before.max.ms", i64::MAX),
                message_timestamp_after_max_ms: number("message.timestamp.after.max.ms", 3_600_000),
            },
        }
    }

    /// `min.insync.replicas`, never more than there are replicas.
    pub fn effective_min_isr(&self, replicas: usize) -> usize {
        self.min_insync_replicas.min(replicas)
    }
}

/// `compression.type` names what records are packed in, or leaves that to their producer (`BrokerCompressionType`).
fn compression(name: &str, level: impl Fn(Codec) -> i32) -> Option<Compression> {
    if name == "uncompressed" {
        return Some(Compression { codec: Codec::None, level: -1 });
    }
    let codec = Codec::from_name(name).filter(|&codec| codec != Codec::None)?;
    Some(Compression { codec, level: level(codec) })
}
