//! Snapshots of the metadata log (KIP-630): checkpoint files, serving them in chunks, and taking them over.
//!
//! A checkpoint is a little log of its own: a control batch with a header, the records, a control batch with a footer.
//! Its name says where in the big log it belongs: `<end offset, 20 digits>-<epoch, 10 digits>.checkpoint`.

use bytes::{Bytes, BytesMut};

use super::{
    Raft, RaftEvent,
    respond::{ReplyTo, TOPIC},
};
use crate::{
    disk::{Disk, DiskResult},
    id::NodeId,
    seam::{Ctx, Part},
    wire::{
        batch::{BatchBuilder, ControlType, batches},
        control_records::{SnapshotFooterRecord, SnapshotHeaderRecord},
        error::ErrorCode,
        fetch_snapshot::{
            FetchSnapshotRequest, FetchSnapshotResponse, LeaderIdAndEpoch, NodeEndpoint, ResponsePartitionSnapshot,
            ResponseTopicSnapshot, SnapshotId, TopicSnapshot,
        },
        message::Message,
        records::Records,
    },
};

/// Records of a checkpoint come in batches of about this size.
const BATCH_BYTES: usize = 1 << 20;

/// Which state: everything below `end_offset`, the last of it written in `epoch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotKey {
    pub end_offset: i64,
    pub epoch: i32,
}

impl SnapshotKey {
    /// The checkpoint that formatting a node writes; never served to others.
    pub const BOOTSTRAP: Self = Self { end_offset: 0, epoch: 0 };

    pub fn file_name(self) -> String {
        format!("{:020}-{:010}.checkpoint", self.end_offset, self.epoch)
    }

    fn parse(name: &str) -> Option<Self> {
        let (end_offset, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
        Some(Self { end_offset: end_offset.parse().ok()?, epoch: epoch.parse().ok()? })
    }
}

/// A snapshot in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub end_offset: i64,
    pub epoch: i32,
    /// Values of the records.
    pub records: Vec<Bytes>,
}

/// The bytes of a checkpoint file. `timestamp`: append time of the last record in it, Unix milliseconds.
pub fn encode(epoch: i32, timestamp: i64, records: &[Bytes]) -> Bytes {
    let mut file = BytesMut::new();
    let mut offset = 0;
    let control = |file: &mut BytesMut, offset: &mut i64, kind: ControlType, value: Bytes| {
        let mut batch = BatchBuilder::new().control().at(*offset, epoch);
        batch.push(timestamp, Some(&kind.key()), Some(&value), &[]);
        *offset += 1;
        file.extend_from_slice(&batch.build());
    };
    let header = SnapshotHeaderRecord { version: 0, last_contained_log_timestamp: timestamp };
    let header = header.to_bytes(0).expect("a snapshot header fits its schema");
    control(&mut file, &mut offset, ControlType::SnapshotHeader, header);
    let mut batch = BatchBuilder::new().at(offset, epoch);
    for record in records {
        batch.push(timestamp, None, Some(record), &[]);
        offset += 1;
        if batch.size() >= BATCH_BYTES {
            let full = std::mem::replace(&mut batch, BatchBuilder::new().at(offset, epoch));
            file.extend_from_slice(&full.build());
        }
    }
    if !batch.is_empty() {
        file.extend_from_slice(&batch.build());
    }
    let footer = SnapshotFooterRecord { version: 0 }.to_bytes(0).expect("a snapshot footer fits its schema");
    control(&mut file, &mut offset, ControlType::SnapshotFooter, footer);
    file.freeze()
}

/// The records in a checkpoint file.
///
/// # Errors
/// A sentence that says what is wrong: a checksum, a missing header or footer.
pub fn decode(file: &Bytes) -> Result<Vec<Bytes>, String> {
    let mut records = Vec::new();
    let mut seen: Vec<ControlType> = Vec::new();
    for batch in batches(file) {
        let batch = batch.map_err(|error| error.to_string())?;
        batch.check_crc().map_err(|error| error.to_string())?;
        for record in batch.records() {
            let record = record.map_err(|error| error.to_string())?;
            if batch.header.is_control() {
                seen.extend(record.key.as_deref().and_then(ControlType::from_key));
            } else {
                records.push(record.value.unwrap_or_default());
            }
        }
    }
    if seen.first() != Some(&ControlType::SnapshotHeader) {
        return Err("it has no header".into());
    }
    if seen.last() != Some(&ControlType::SnapshotFooter) {
        return Err("it has no footer: it was not finished".into());
    }
    Ok(records)
}

/// Snapshots in `dir`, oldest first, without the bootstrap checkpoint.
pub(super) fn list(disk: &dyn Disk, dir: &str) -> DiskResult<Vec<SnapshotKey>> {
    let mut keys: Vec<_> = disk.list(dir)?.iter().filter_map(|name| SnapshotKey::parse(name)).collect();
    keys.retain(|key| *key != SnapshotKey::BOOTSTRAP);
    keys.sort_unstable();
    Ok(keys)
}

impl Raft {
    pub(super) fn write_snapshot(&mut self, ctx: &mut Ctx<'_>, end_offset: i64, epoch: i32, records: &[Bytes]) {
        assert!(end_offset <= self.delivered, "a snapshot holds committed records only");
        let key = SnapshotKey { end_offset, epoch };
        let latest = self.log.latest_snapshot();
        if self.log.is_writing_snapshot() || latest.is_some_and(|latest| latest.end_offset >= end_offset) {
            return;
        }
        let file = encode(epoch, self.delivered_timestamp, records);
        // A disk that refuses costs nothing but space: the log is still there, and the next snapshot is tried again.
        let _ = self.log.write_snapshot(ctx.disk, ctx.out, key, &file, None);
    }

    /// The whole of the leader's snapshot is here: it replaces the log once it is durable.
    pub(super) fn install_snapshot(&mut self, ctx: &mut Ctx<'_>, from: NodeId, key: SnapshotKey, file: &[u8]) {
        let file = Bytes::copy_from_slice(file);
        let taken = decode(&file)
            .is_ok_and(|records| self.log.write_snapshot(ctx.disk, ctx.out, key, &file, Some(records)).is_ok());
        if !taken {
            self.back_off(from);
        }
    }

    /// What may be done once a checkpoint is durable.
    pub(super) fn drive_snapshots(&mut self, ctx: &mut Ctx<'_>) {
        for (key, install) in self.log.take_written() {
            let SnapshotKey { end_offset, epoch } = key;
            match install {
                Some(records) if self.high_watermark.is_none_or(|known| end_offset >= known) => {
                    if self.log.restart_at(ctx.disk, key).is_err() {
                        continue;
                    }
                    self.delivered = end_offset;
                    self.events.push(RaftEvent::Snapshot { end_offset, epoch, records });
                    self.raise_high_watermark(ctx, end_offset);
                }
                Some(_) => {}
                None => self.log.forget_before(ctx.disk, key, ctx.now.wall_ms),
            }
        }
    }

    /// `KafkaRaftClient.handleFetchSnapshotRequest`: a stretch of a checkpoint file, as it lies on the disk.
    pub(super) fn handle_fetch_snapshot(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, request: &FetchSnapshotRequest) {
        let partition = match request.topics.as_slice() {
            [TopicSnapshot { name, partitions }] if name == TOPIC => partitions.first().filter(|p| p.partition == 0),
            _ => None,
        };
        let mut response = FetchSnapshotResponse::default();
        match partition {
            _ if !self.is_cluster(request.cluster_id.as_ref()) => {
                response.error_code = ErrorCode::InconsistentClusterId.code();
            }
            None => response.error_code = ErrorCode::UnknownTopicOrPartition.code(),
            Some(partition) => {
                self.identify(ctx, to.conn, request.replica_id);
                let id = &partition.snapshot_id;
                let key = SnapshotKey { end_offset: id.end_offset, epoch: id.epoch };
                let chunk = self.check_leader(partition.current_leader_epoch).and_then(|()| {
                    let replica = super::ReplicaKey {
                        id: NodeId(request.replica_id),
                        directory_id: partition.replica_directory_id,
                    };
                    self.note_fetch(ctx, replica, None);
                    self.log.snapshot_chunk(ctx.disk, key, partition.position, request.max_bytes)
                });
                let (error, size, records) = match chunk {
                    Ok((size, slice)) => (ErrorCode::None, size, Records::Parts(vec![Part::File(slice)])),
                    Err(error) => (error, 0, Records::Bytes(Bytes::new())),
                };
                let partition = ResponsePartitionSnapshot {
                    index: 0,
                    error_code: error.code(),
                    snapshot_id: SnapshotId { end_offset: key.end_offset, epoch: key.epoch },
                    current_leader: LeaderIdAndEpoch {
                        leader_id: self.leader_id_or_none(),
                        leader_epoch: self.election.epoch,
                    },
                    size,
                    position: partition.position,
                    unaligned_records: records,
                };
                response.topics = vec![ResponseTopicSnapshot { name: TOPIC.into(), partitions: vec![partition] }];
                let leader = self.leader().into_iter();
                response.node_endpoints =
                    leader.map(|(id, at)| NodeEndpoint { node_id: id.0, host: at.host, port: at.port }).collect();
            }
        }
        self.respond::<FetchSnapshotRequest>(ctx, to, &response);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_round_trips_and_a_cut_one_is_refused() {
        let records: Vec<Bytes> = (0..3000u32).map(|i| Bytes::from(vec![i as u8; 700])).collect();
        let file = encode(4, 1_700_000_000_000, &records);
        assert_eq!(decode(&file), Ok(records));
        assert!(decode(&file.slice(..file.len() - 1)).is_err());
        let mut torn = file.to_vec();
        torn[100] ^= 1;
        assert!(decode(&torn.into()).is_err());
        assert_eq!(decode(&encode(1, 0, &[])), Ok(vec![]));
        let key = SnapshotKey { end_offset: 42, epoch: 3 };
        assert_eq!(key.file_name(), "00000000000000000042-0000000003.checkpoint");
        assert_eq!(SnapshotKey::parse(&key.file_name()), Some(key));
    }
}
