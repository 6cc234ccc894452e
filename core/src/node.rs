//! A node's data folder: formatting it, and refusing to start on one that belongs to somebody else
//! (Kafka: `StorageTool`, `Formatter`, `MetaPropertiesEnsemble`, `BootstrapDirectory`).

use std::fmt::Write;

use bytes::Bytes;
use thiserror::Error;

use crate::{
    config::NodeConfig,
    disk::{Disk, DiskError},
    id::{NodeId, Uuid},
    metadata::{configs, record::MetadataRecord},
    wire::{
        batch::{BatchBuilder, ControlType, batches},
        control_records::{SnapshotFooterRecord, SnapshotHeaderRecord},
        message::Message,
        metadata_records::FeatureLevelRecord,
    },
};

pub const META_PROPERTIES: &str = "meta.properties";
pub const BOOTSTRAP_CHECKPOINT: &str = "bootstrap.checkpoint";

/// Kafka 4.3's metadata version (`MetadataVersion.IBP_4_3_IV0`).
pub const METADATA_VERSION_LEVEL: i16 = 30;

/// Why a node does not start. Each names the cause and the next step.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartError {
    #[error(
        "the data folder is not formatted (it has no {META_PROPERTIES}). Run `kafka-lab format --config FILE` on it first"
    )]
    NotFormatted,
    #[error(
        "the data folder is already formatted, for node {node} of cluster {cluster_id}. \
         Start the node as it is, or choose an empty folder"
    )]
    AlreadyFormatted { node: String, cluster_id: String },
    #[error(
        "the data folder belongs to cluster {found}, and this node is configured for cluster {wanted}. \
         Give it the folder of its own cluster, or set the cluster id to {found}"
    )]
    WrongCluster { found: String, wanted: String },
    #[error(
        "the data folder belongs to node {found}, and this node is configured as node.id={wanted}. \
         Give it its own folder, or set node.id={found}"
    )]
    WrongNode { found: String, wanted: NodeId },
    #[error(
        "{META_PROPERTIES} cannot be read: {what}. Restore the file, or format an empty folder and let the node replicate"
    )]
    BadMetaProperties { what: String },
    #[error("configuration {key}={value} is not allowed: {why}")]
    BadConfig { key: String, value: String, why: String },
    #[error("{file} is damaged: {what}. Restore it from a copy; a voter with an intact majority may be formatted anew")]
    Damaged { file: String, what: String },
    #[error("disk: {0}. Free or repair the disk and start again")]
    Disk(#[from] DiskError),
}

/// What `meta.properties` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    pub cluster_id: String,
    pub node_id: String,
    pub directory_id: Uuid,
}

impl MetaProperties {
    /// Java's property file as Kafka writes it: version 1 (KRaft), order free.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value = |key: &str| {
            let lines = text.lines().map(str::trim).filter(|l| !l.starts_with(['#', '!']));
            let mut pairs = lines.filter_map(|l| l.split_once('='));
            pairs.find(|(k, _)| k.trim() == key).map(|(_, v)| v.trim().replace('\\', ""))
        };
        let need = |key: &str| value(key).ok_or_else(|| format!("it has no {key}"));
        let version = need("version")?;
        if version != "1" {
            return Err(format!("it has version {version}, and only version 1 (KRaft) is understood"));
        }
        let directory = need("directory.id")?;
        let directory_id =
            Uuid::parse(&directory).ok_or_else(|| format!("directory.id {directory} is not a Kafka UUID"))?;
        Ok(Self { cluster_id: need("cluster.id")?, node_id: need("node.id")?, directory_id })
    }

    pub fn text(&self) -> String {
        let mut text = String::from("#\n");
        let _ = writeln!(text, "node.id={}", self.node_id);
        let _ = writeln!(text, "directory.id={}", self.directory_id);
        let _ = writeln!(text, "version=1");
        let _ = writeln!(text, "cluster.id={}", self.cluster_id);
        text
    }

    /// `None`: the folder was never formatted.
    pub fn read(disk: &dyn Disk) -> Result<Option<Self>, StartError> {
        let bytes = match disk.read(META_PROPERTIES) {
            Ok(bytes) => bytes,
            Err(DiskError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let bad = |what: String| StartError::BadMetaProperties { what };
        let text = std::str::from_utf8(&bytes).map_err(|_| bad("it is not text".into()))?;
        Self::parse(text).map(Some).map_err(bad)
    }
}

/// Writes `meta.properties` (durably, last) and the bootstrap checkpoint. The directory id is the configured one, or a
/// new one drawn from the node's seed.
pub fn format(disk: &mut dyn Disk, config: &NodeConfig) -> Result<MetaProperties, StartError> {
    if let Some(there) = MetaProperties::read(disk)? {
        return Err(StartError::AlreadyFormatted { node: there.node_id, cluster_id: there.cluster_id });
    }
    check_config(config)?;
    let mut rng = fastrand::Rng::with_seed(config.seed ^ (config.node_id.0 as u64).rotate_left(32));
    let directory_id = if config.directory_id.is_zero() { Uuid::random(&mut rng) } else { config.directory_id };
    let meta =
        MetaProperties { cluster_id: config.cluster_id.clone(), node_id: config.node_id.to_string(), directory_id };
    disk.replace(BOOTSTRAP_CHECKPOINT, &bootstrap_checkpoint(&bootstrap_records()), true)?;
    disk.replace(META_PROPERTIES, meta.text().as_bytes(), true)?;
    Ok(meta)
}

/// Makes sure that the folder is this node's, and takes the directory id from it (and the cluster id, when the
/// configuration names none).
pub fn check_formatted(disk: &dyn Disk, config: &mut NodeConfig) -> Result<(), StartError> {
    let meta = MetaProperties::read(disk)?.ok_or(StartError::NotFormatted)?;
    if config.cluster_id.is_empty() {
        config.cluster_id.clone_from(&meta.cluster_id);
    }
    if meta.cluster_id != config.cluster_id {
        return Err(StartError::WrongCluster { found: meta.cluster_id, wanted: config.cluster_id.clone() });
    }
    if meta.node_id != config.node_id.to_string() {
        return Err(StartError::WrongNode { found: meta.node_id, wanted: config.node_id });
    }
    config.directory_id = meta.directory_id;
    Ok(())
}

fn check_config(config: &NodeConfig) -> Result<(), StartError> {
    let bad =
        |key: &str, value: String, why: &str| Err(StartError::BadConfig { key: key.into(), value, why: why.into() });
    if config.cluster_id.is_empty() {
        return bad("cluster.id", String::new(), "a cluster needs an id; any text of letters, digits, - and _ will do");
    }
    if config.node_id.0 < 0 {
        return bad("node.id", config.node_id.to_string(), "it must be 0 or more");
    }
    Ok(())
}

/// The features that a new cluster begins with: those of Kafka 4.3 that the lab has built. Kafka's own checkpoint
/// also finalizes group, share, streams and transaction versions.
pub fn bootstrap_records() -> Vec<MetadataRecord> {
    let level = |name: &str, feature_level| FeatureLevelRecord { name: name.into(), feature_level }.into();
    vec![level(configs::METADATA_VERSION, METADATA_VERSION_LEVEL), level(configs::ELR_VERSION, 1)]
}

/// A snapshot of an empty log: header, records, footer (Kafka: `BatchFileWriter`).
fn bootstrap_checkpoint(records: &[MetadataRecord]) -> Bytes {
    let control = |kind: ControlType, value: Bytes, offset: i64| {
        let mut batch = BatchBuilder::new().control().at(offset, 0);
        batch.push(0, Some(&kind.key()), Some(&value), &[]);
        batch.build()
    };
    let encoded = "both records are at their only version";
    let header = SnapshotHeaderRecord::default().to_bytes(0).expect(encoded);
    let footer = SnapshotFooterRecord::default().to_bytes(0).expect(encoded);
    let mut data = BatchBuilder::new().at(1, 0);
    for record in records {
        data.push(0, None, Some(&record.encode()), &[]);
    }
    let mut file = control(ControlType::SnapshotHeader, header, 0).to_vec();
    file.extend_from_slice(&data.build());
    file.extend_from_slice(&control(ControlType::SnapshotFooter, footer, 1 + records.len() as i64));
    file.into()
}

/// The records of the folder's bootstrap checkpoint, or the lab's own when it has none, as Kafka falls back to its
/// defaults (`BootstrapDirectory`).
pub fn read_bootstrap(disk: &dyn Disk) -> Result<Vec<MetadataRecord>, StartError> {
    let bytes = match disk.read(BOOTSTRAP_CHECKPOINT) {
        Ok(bytes) => bytes,
        Err(DiskError::NotFound(_)) => return Ok(bootstrap_records()),
        Err(error) => return Err(error.into()),
    };
    let damaged = |what: String| StartError::Damaged { file: BOOTSTRAP_CHECKPOINT.into(), what };
    let mut records = Vec::new();
    for batch in batches(&bytes) {
        let batch = batch.map_err(|e| damaged(e.to_string()))?;
        batch.check_crc().map_err(|e| damaged(e.to_string()))?;
        if batch.header.is_control() {
            continue;
        }
        for record in batch.records() {
            let record = record.map_err(|e| damaged(e.to_string()))?;
            let value = record.value.ok_or_else(|| damaged("a record has no value".into()))?;
            records.push(MetadataRecord::decode(&value).map_err(|e| damaged(e.to_string()))?);
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemDisk;

    fn config() -> NodeConfig {
        NodeConfig { cluster_id: "lab".into(), node_id: NodeId(101), seed: 5, ..Default::default() }
    }

    #[test]
    fn a_formatted_folder_knows_its_owner() {
        let mut disk = MemDisk::default();
        let mut mine = config();
        assert_eq!(check_formatted(&disk, &mut mine), Err(StartError::NotFormatted));
        let meta = format(&mut disk, &mine).unwrap();
        assert_eq!(check_formatted(&disk, &mut mine), Ok(()));
        assert_eq!(mine.directory_id, meta.directory_id);
        assert!(!meta.directory_id.is_zero());
        assert!(matches!(format(&mut disk, &mine), Err(StartError::AlreadyFormatted { .. })));

        let mut other = NodeConfig { cluster_id: "other".into(), ..config() };
        let error = check_formatted(&disk, &mut other).unwrap_err().to_string();
        assert!(error.contains("cluster lab") && error.contains("cluster other"), "{error}");
        let mut other = NodeConfig { node_id: NodeId(102), ..config() };
        let error = check_formatted(&disk, &mut other).unwrap_err().to_string();
        assert!(error.contains("node 101") && error.contains("node.id=102"), "{error}");

        assert_eq!(read_bootstrap(&disk), Ok(bootstrap_records()));
        disk.replace(META_PROPERTIES, b"version=0\n", false).unwrap();
        assert!(matches!(check_formatted(&disk, &mut mine), Err(StartError::BadMetaProperties { .. })));
        disk.replace(BOOTSTRAP_CHECKPOINT, &[7; 80], false).unwrap();
        assert!(matches!(read_bootstrap(&disk), Err(StartError::Damaged { .. })));
    }

    /// Written by `kafka-storage format` of Kafka 4.3.1.
    #[test]
    fn kafkas_own_file_is_read() {
        let text = "#\n#Sat Nov 21 08:52:35 UTC 2026\nnode.id=1\ndirectory.id=T8NU0swS8KGDkArwk9_g0Q\nversion=1\n\
                    cluster.id=6o5GeV_nRLmwA5jC7qxJ5g\n";
        let meta = MetaProperties::parse(text).unwrap();
        assert_eq!((meta.node_id.as_str(), meta.cluster_id.as_str()), ("1", "6o5GeV_nRLmwA5jC7qxJ5g"));
        assert_eq!(meta.directory_id.to_string(), "T8NU0swS8KGDkArwk9_g0Q");
        assert_eq!(MetaProperties::parse(&meta.text()), Ok(meta));
    }
}
