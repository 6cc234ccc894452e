//! Records into batches, by partition; and out again when `delivery.timeout.ms` is over.

use super::{Producer, Record};
use crate::{
    client::{
        accumulator::{Batch, Queue, record_size},
        metadata::Metadata,
        partitioner::partition_for_key,
    },
    id::TopicPartition,
    seam::Ctx,
    trace::EventKind,
    wire::error::ErrorCode,
};

impl Producer {
    /// Chooses the partition and puts the record into a batch.
    pub(super) fn place(&mut self, ctx: &mut Ctx<'_>, record: Record, handle: u64, count: usize, created_ms: u64) {
        let topic = self.topics.entry(record.topic.clone()).or_default();
        if topic.partitions.len() < count {
            topic.partitions.resize(count, Queue::default());
        }
        let partition = match (record.partition, &record.key) {
            (Some(partition), _) if (0..count as i32).contains(&partition) => partition as usize,
            (Some(partition), _) => {
                let partition = TopicPartition::new(&record.topic, partition);
                self.buffered_bytes -= record_size(&record);
                self.give_up(ctx, partition, vec![handle], None, ErrorCode::UnknownTopicOrPartition);
                return;
            }
            (None, Some(key)) => partition_for_key(key, count),
            (None, None) => {
                let metadata = &self.metadata;
                let has_leader = |p: usize| metadata.leader(&record.topic, p as i32).is_some();
                topic.sticky.choose(count, record_size(&record), self.config.batch_size, &mut self.rng, has_leader)
            }
        };
        let timestamp = record.timestamp.unwrap_or(ctx.now.wall_ms);
        let queue = &mut topic.partitions[partition];
        queue.push(&record, handle, created_ms, timestamp, self.config.batch_size, self.next_serial);
        self.next_serial += 1;
        let event = ctx.out.trace(|| EventKind::RecordBuffered {
            partition: TopicPartition::new(&record.topic, partition as i32),
            key: record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned()),
        });
        queue.pending.back_mut().expect("just pushed").cause = Some(event);
    }

    pub(super) fn place_waiting(&mut self, ctx: &mut Ctx<'_>) {
        let ready = |m: &Metadata, name: &str| m.topic(name).map_or(0, |t| t.partitions.len());
        let names: Vec<String> =
            self.topics.iter().filter(|(_, t)| !t.waiting.is_empty()).map(|(n, _)| n.clone()).collect();
        for name in names {
            let count = ready(&self.metadata, &name);
            if count == 0 {
                continue;
            }
            let waiting = std::mem::take(&mut self.topics.get_mut(&name).expect("listed above").waiting);
            for (record, handle, created_ms) in waiting {
                self.place(ctx, record, handle, count, created_ms);
            }
        }
    }

    /// Gives up what has waited longer than `delivery.timeout.ms`, also what is in flight.
    pub(super) fn expire_batches(&mut self, ctx: &mut Ctx<'_>) {
        let Some(born_before) = ctx.ms().checked_sub(self.config.delivery_timeout_ms) else { return };
        let mut late = Vec::new();
        let mut homeless = Vec::new();
        for (name, topic) in &mut self.topics {
            let kept = topic.waiting.iter().position(|(_, _, created)| *created > born_before);
            let gone = topic.waiting.drain(..kept.unwrap_or(topic.waiting.len()));
            homeless.extend(gone.map(|(record, handle, _)| (record, handle)));
            for (partition, queue) in topic.partitions.iter_mut().enumerate() {
                while queue.in_flight.front().is_some_and(|b| b.created_ms <= born_before) {
                    late.push((name.clone(), partition as i32, queue.in_flight.pop_front().expect("looked at")));
                }
                while queue.pending.front().is_some_and(|b| b.created_ms <= born_before) {
                    late.push((name.clone(), partition as i32, queue.pending.pop_front().expect("looked at")));
                }
                // Whether the last of them was stored is unknown: its numbers may leave a gap.
                let numbered =
                    |l: &(String, i32, Batch)| l.0 == *name && l.1 == partition as i32 && l.2.numbered.is_some();
                queue.unresolved |= late.iter().any(numbered);
            }
        }
        for (topic, partition, batch) in late {
            self.batch_failed(ctx, &topic, partition, batch, ErrorCode::RequestTimedOut, "delivery.timeout.ms is over");
        }
        for (record, handle) in homeless {
            self.buffered_bytes -= record_size(&record);
            let partition = TopicPartition::new(&record.topic, record.partition.unwrap_or(-1));
            let error = match self.metadata.topic_error(&record.topic) {
                0 => ErrorCode::RequestTimedOut,
                code => ErrorCode::from_code(code),
            };
            self.give_up(ctx, partition, vec![handle], None, error);
        }
    }
}
