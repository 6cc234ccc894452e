//! Committed records never change: what any replica has below its high watermark is the same on every replica for ever
//! (log matching, leader completeness, nothing committed is lost), and in it the sequences of each producer follow
//! each other without a gap or a repetition (KIP-98).

use std::collections::BTreeMap;

use super::Findings;
use crate::{
    broker::Broker,
    disk::MemDisk,
    id::NodeId,
    replica::{PartitionKey, partition::Partition},
    wire::batch::BatchHeader,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Committed {
    logs: BTreeMap<PartitionKey, CommittedLog>,
    /// How far each replica's log was compared, and with which end.
    compared: BTreeMap<(NodeId, PartitionKey), i64>,
}

/// The one history of a partition.
#[derive(Clone, Debug, Default)]
struct CommittedLog {
    /// By base offset: what identifies a batch.
    batches: BTreeMap<i64, Identity>,
    end: i64,
    /// By producer id and epoch: the last sequence.
    sequences: BTreeMap<(i64, i16), i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    last_offset: i64,
    leader_epoch: i32,
    crc: u32,
    producer_id: i64,
    base_sequence: i32,
}

impl Committed {
    pub(super) fn check(&mut self, id: NodeId, broker: &Broker, disk: &MemDisk, found: &mut Findings) {
        for partition in broker.replicas().partitions().filter(|p| p.offline.is_none()) {
            let high_watermark = partition.high_watermark();
            let compared = self.compared.entry((id, partition.key)).or_insert(partition.log.log_start_offset());
            if *compared >= high_watermark {
                // A restarted replica may know less; what it compared before still holds, if it still has it.
                *compared = (*compared).min(partition.log.log_end_offset());
                continue;
            }
            let from = *compared;
            *compared = high_watermark;
            let log = self.logs.entry(partition.key).or_default();
            log.compare(id, partition, disk, from, high_watermark, found);
        }
    }

    pub(super) fn ended(&mut self, id: NodeId) {
        self.compared.retain(|(node, _), _| *node != id);
    }
}

impl CommittedLog {
    fn compare(&mut self, id: NodeId, partition: &Partition, disk: &MemDisk, from: i64, to: i64, found: &mut Findings) {
        let name = &partition.name;
        let mut next = from;
        while next < to {
            let batches = match partition.log.read_batches(disk, next, 1 << 20) {
                Ok(batches) if !batches.is_empty() => batches,
                Ok(_) => {
                    let detail = format!("{name} on {id}: nothing at {next}, high watermark {to}");
                    found.add("committed records stay", detail);
                    return;
                }
                // A disk that cannot be read is no broken promise of the log.
                Err(_) => return,
            };
            for batch in batches {
                let header = batch.header;
                if header.base_offset >= to {
                    return;
                }
                next = header.next_offset();
                self.one(id, partition, &header, found);
            }
        }
    }

    fn one(&mut self, id: NodeId, partition: &Partition, header: &BatchHeader, found: &mut Findings) {
        let name = &partition.name;
        let identity = Identity {
            last_offset: header.last_offset(),
            leader_epoch: header.partition_leader_epoch,
            crc: header.crc,
            producer_id: header.producer_id,
            base_sequence: header.base_sequence,
        };
        let at = header.base_offset;
        if at < self.end {
            match self.batches.get(&at) {
                Some(known) if *known == identity => {}
                known => {
                    let detail = format!("{name} on {id} has {identity:?} at {at}, where {known:?} was committed");
                    found.add("committed records never change", detail);
                }
            }
            return;
        }
        if at > self.end {
            found.add("offsets are dense", format!("{name} on {id}: {at} follows {}", self.end));
        }
        self.batches.insert(at, identity);
        self.end = header.next_offset();
        if header.has_producer_id() {
            self.sequence(id, partition, header, found);
        }
    }

    fn sequence(&mut self, id: NodeId, partition: &Partition, header: &BatchHeader, found: &mut Findings) {
        let producer = (header.producer_id, header.producer_epoch);
        let before = self.sequences.insert(producer, header.last_sequence());
        let expected = before.map_or(0, |last| last.wrapping_add(1) & i32::MAX);
        if header.base_sequence != expected {
            let at = header.base_offset;
            let detail = format!(
                "{} on {id}: producer {producer:?} has sequence {} at offset {at}, {expected} was next",
                partition.name, header.base_sequence
            );
            found.add("no duplicate and no missing sequence", detail);
        }
    }
}
