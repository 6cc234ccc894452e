//! Acknowledged implies not lost: what a producer with acks=all was told is stored is in the log of every leader that
//! comes after, at the offset it was told, and the offsets of one producer's records grow in the order it sent them.

use std::collections::BTreeMap;

use super::Findings;
use crate::{
    broker::Broker,
    client::Delivery,
    disk::MemDisk,
    id::{NodeId, TopicPartition},
    replica::{PartitionKey, partition::Partition},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Acked {
    /// By partition and base offset: producer id, epoch, sequence, number of records.
    batches: BTreeMap<TopicPartition, BTreeMap<i64, Batch>>,
    /// By producer and partition: handle of the last record acknowledged, and its offset.
    order: BTreeMap<(NodeId, TopicPartition), BTreeMap<u64, i64>>,
    /// Leader epochs at whose beginning a leader's log was looked at.
    looked: BTreeMap<(NodeId, PartitionKey), i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Batch {
    producer: (i64, i16, i32),
    records: i64,
}

impl Acked {
    pub(super) fn delivered(&mut self, producer: NodeId, delivery: &Delivery, base_offset: i64, found: &mut Findings) {
        let numbers = (delivery.producer_id, delivery.producer_epoch, delivery.base_sequence);
        let batch = Batch { producer: numbers, records: delivery.handles.len() as i64 };
        let batches = self.batches.entry(delivery.partition.clone()).or_default();
        if let Some(before) = batches.insert(base_offset, batch) {
            let detail = format!("{} offset {base_offset}: {before:?}, then {batch:?}", delivery.partition);
            found.add("an offset is acknowledged once", detail);
        }
        let order = self.order.entry((producer, delivery.partition.clone())).or_default();
        for (handle, offset) in delivery.handles.iter().zip(base_offset..) {
            let before = order.range(..handle).next_back().is_none_or(|(_, before)| *before < offset);
            let after = order.range(handle + 1..).next().is_none_or(|(_, after)| *after > offset);
            if delivery.producer_id >= 0 && !(before && after) {
                let detail = format!("{} of {producer}: record {handle} got offset {offset}", delivery.partition);
                found.add("a producer's order is kept", detail);
            }
            order.insert(*handle, offset);
        }
        // Only neighbours are ever compared: a window is enough.
        while order.len() > 10_000 {
            order.pop_first();
        }
    }

    /// A broker that has just begun to lead must have it all.
    pub(super) fn check(&mut self, id: NodeId, broker: &Broker, disk: &MemDisk, found: &mut Findings) {
        for partition in broker.replicas().partitions().filter(|p| p.leadership().is_some()) {
            let epoch = partition.leader_epoch();
            if self.looked.insert((id, partition.key), epoch) != Some(epoch) {
                self.log_has_all(id, partition, disk, found);
            }
        }
    }

    pub(super) fn all_there(&mut self, id: NodeId, broker: &Broker, disk: &MemDisk, found: &mut Findings) {
        for partition in broker.replicas().partitions().filter(|p| p.leadership().is_some()) {
            self.log_has_all(id, partition, disk, found);
        }
    }

    fn log_has_all(&self, id: NodeId, partition: &Partition, disk: &MemDisk, found: &mut Findings) {
        let Some(acked) = self.batches.get(&partition.name) else { return };
        let mut there = BTreeMap::new();
        let mut next = partition.log.log_start_offset();
        while next < partition.log.log_end_offset() {
            let Ok(batches) = partition.log.read_batches(disk, next, 1 << 20) else { return };
            let Some(last) = batches.last() else { break };
            next = last.header.next_offset();
            there.extend(batches.iter().map(|b| {
                let h = b.header;
                let batch = Batch {
                    producer: (h.producer_id, h.producer_epoch, h.base_sequence),
                    records: i64::from(h.record_count),
                };
                (h.base_offset, batch)
            }));
        }
        for (offset, batch) in acked.range(partition.log.log_start_offset()..) {
            if there.get(offset) != Some(batch) {
                let (name, epoch) = (&partition.name, partition.leader_epoch());
                let has = there.get(offset);
                let detail = format!(
                    "{name}: {batch:?} was acknowledged at offset {offset}; leader {id} of epoch {epoch} has {has:?}"
                );
                found.add("acknowledged records are not lost", detail);
                return;
            }
        }
    }

    /// Forgets what was acknowledged from this offset on.
    pub(super) fn lose(&mut self, partition: &TopicPartition, from: i64) {
        if let Some(batches) = self.batches.get_mut(partition) {
            batches.split_off(&from);
        }
        let orders = self.order.iter_mut().filter(|((_, p), _)| p == partition);
        orders.for_each(|(_, order)| order.retain(|_, offset| *offset < from));
    }

    pub(super) fn ended(&mut self, id: NodeId) {
        self.looked.retain(|(node, _), _| *node != id);
    }

    pub(super) fn len(&self) -> usize {
        self.batches.values().map(BTreeMap::len).sum()
    }
}
