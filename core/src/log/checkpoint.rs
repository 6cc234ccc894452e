//! The small files beside the logs: offset checkpoints, the topic id of a partition, the marker of a clean stop.

use std::{collections::BTreeMap, fmt::Write};

use crate::{
    disk::{Disk, DiskError, DiskResult},
    id::{TopicPartition, Uuid},
};

/// High watermarks of all partitions of a data directory.
pub const REPLICATION_OFFSET: &str = "replication-offset-checkpoint";
/// Recovery points: everything before them is on the platter.
pub const RECOVERY_POINT: &str = "recovery-point-offset-checkpoint";
/// Log starts that do not coincide with a segment.
pub const LOG_START_OFFSET: &str = "log-start-offset-checkpoint";
/// Written last in a clean stop, removed first in a start.
pub const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";

/// Reads an offset checkpoint (`OffsetCheckpointFile`). A missing file is empty, a damaged one an error.
pub fn read_offsets(disk: &dyn Disk, path: &str) -> DiskResult<BTreeMap<TopicPartition, i64>> {
    match disk.read(path) {
        Ok(bytes) => parse_offsets(&bytes).ok_or_else(|| DiskError::Broken(format!("{path} is damaged"))),
        Err(DiskError::NotFound(_)) => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

/// Writes an offset checkpoint: version 0, number of lines, then `topic partition offset`. Not `durable`, a loss of power
/// may damage it.
pub fn write_offsets(
    disk: &mut dyn Disk,
    path: &str,
    offsets: &BTreeMap<TopicPartition, i64>,
    durable: bool,
) -> DiskResult<()> {
    let mut text = format!("0\n{}\n", offsets.len());
    for (partition, offset) in offsets {
        writeln!(text, "{} {} {offset}", partition.topic, partition.partition).expect("writing to a string");
    }
    disk.replace(path, text.as_bytes(), durable)
}

fn parse_offsets(bytes: &[u8]) -> Option<BTreeMap<TopicPartition, i64>> {
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    if lines.next()? != "0" {
        return None;
    }
    let count: usize = lines.next()?.parse().ok()?;
    let offsets: BTreeMap<_, _> = lines
        .map(|line| {
            let mut words = line.split(' ');
            let partition = TopicPartition::new(words.next()?, words.next()?.parse().ok()?);
            let offset = words.next()?.parse().ok()?;
            words.next().is_none().then_some((partition, offset))
        })
        .collect::<Option<_>>()?;
    (offsets.len() == count).then_some(offsets)
}

/// Writes `<dir>/partition.metadata`: which topic the directory belongs to, whatever the topic's name means by now.
pub fn write_partition_metadata(disk: &mut dyn Disk, dir: &str, topic_id: Uuid) -> DiskResult<()> {
    disk.replace(&format!("{dir}/partition.metadata"), format!("version: 0\ntopic_id: {topic_id}").as_bytes(), true)
}

/// The topic id in `<dir>/partition.metadata`. `None`: missing or damaged.
pub fn read_partition_metadata(disk: &dyn Disk, dir: &str) -> Option<Uuid> {
    let bytes = disk.read(&format!("{dir}/partition.metadata")).ok()?;
    let mut lines = std::str::from_utf8(&bytes).ok()?.lines();
    if lines.next()? != "version: 0" {
        return None;
    }
    Uuid::parse(lines.next()?.strip_prefix("topic_id: ")?)
}

/// Marks a clean stop. `broker_epoch` goes into the next registration, so that the controller knows (KIP-966).
pub fn write_clean_shutdown(disk: &mut dyn Disk, broker_epoch: i64) -> DiskResult<()> {
    disk.replace(CLEAN_SHUTDOWN, format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}").as_bytes(), true)
}

/// Was the last stop clean? Then the broker epoch it had (-1 when the marker does not tell). Removes the marker: until
/// the next clean stop, a stop is not clean.
pub fn take_clean_shutdown(disk: &mut dyn Disk) -> DiskResult<Option<i64>> {
    let bytes = match disk.read(CLEAN_SHUTDOWN) {
        Ok(bytes) => bytes,
        Err(DiskError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    disk.remove(CLEAN_SHUTDOWN)?;
    let epoch = serde_json::from_slice::<serde_json::Value>(&bytes).ok().and_then(|v| v["brokerEpoch"].as_i64());
    Ok(Some(epoch.unwrap_or(-1)))
}
