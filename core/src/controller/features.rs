//! Feature levels (KIP-584): whether a broker can do what the cluster has finalized, and what a new cluster begins with.

use std::ops::RangeInclusive;

use super::write::Batch;
use crate::{
    config::NodeConfig,
    metadata::{
        configs,
        image::{ConfigResource, MetadataImage, ResourceType},
        record::MetadataRecord,
    },
    wire::{
        error::ErrorCode,
        metadata_records::{BeginTransactionRecord, ConfigRecord, EndTransactionRecord},
    },
};

/// Each finalized level must lie in what a node supports; what it does not mention it supports at level 0
/// (Kafka: `ClusterControlManager.processRegistrationFeature`).
pub(super) fn check_supported(
    image: &MetadataImage,
    supported: impl Fn(&str) -> Option<RangeInclusive<i16>>,
) -> Result<(), ErrorCode> {
    let fits = |(name, level): (&str, i16)| level == 0 || supported(name).is_some_and(|range| range.contains(&level));
    if image.features().all(fits) { Ok(()) } else { Err(ErrorCode::UnsupportedVersion) }
}

/// What ELR needs when it is switched on: one `min.insync.replicas` for the whole cluster, since a value of one broker
/// alone would break its promise (Kafka: `ConfigurationControlManager.maybeGenerateElrSafetyRecords`).
pub(super) fn elr_safety(image: &MetadataImage, config: &NodeConfig) -> Batch {
    let mut batch = Batch::default();
    let record = |resource_name: String, value: Option<String>| ConfigRecord {
        resource_type: ResourceType::Broker as i8,
        resource_name,
        name: configs::MIN_INSYNC_REPLICAS.into(),
        value,
    };
    if image.config(&ConfigResource::cluster(), configs::MIN_INSYNC_REPLICAS).is_none() {
        batch.push(record(String::new(), Some(config.min_insync_replicas.to_string())));
    }
    for broker in image.brokers() {
        if image.config(&ConfigResource::broker(broker.id), configs::MIN_INSYNC_REPLICAS).is_some() {
            batch.push(record(broker.id.to_string(), None));
        }
    }
    batch
}

/// The first records of a new cluster, all or none: those of the bootstrap checkpoint, and what ELR needs
/// (Kafka: `ActivationRecordsGenerator`).
pub(super) fn bootstrap(image: &MetadataImage, records: &[MetadataRecord], config: &NodeConfig) -> Batch {
    let mut batch = Batch::default();
    if image.feature_level(configs::METADATA_VERSION) > 0 {
        return batch;
    }
    batch.push(BeginTransactionRecord { name: Some("Bootstrap records".into()) });
    for record in records {
        batch.push(record.clone());
    }
    let elr = |r: &MetadataRecord| matches!(r, MetadataRecord::FeatureLevel(f) if f.name == configs::ELR_VERSION);
    if records.iter().any(elr) {
        batch.append(elr_safety(image, config));
    }
    batch.push(EndTransactionRecord {});
    batch
}
