//! What is due goes to the leaders, at most five requests in flight on a connection.

use std::collections::BTreeMap;

use super::{Producer, Tag};
use crate::{
    client::{
        Acks,
        accumulator::{Queue, advance},
        links::Peer,
    },
    id::TopicPartition,
    seam::Ctx,
    trace::EventKind,
    wire::{
        produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
        records::Records,
    },
};

impl Producer {
    /// Sends what is due: for each leader one request with the first batch of each of its partitions, again and again
    /// until nothing is due or five requests are in flight.
    pub(super) fn drain(&mut self, ctx: &mut Ctx<'_>) {
        if self.idempotent() && self.identity.is_none() {
            return;
        }
        loop {
            let leaders = self.due(ctx.ms());
            let mut sent = false;
            for (leader, partitions) in leaders {
                if !self.links.ready(ctx, leader)
                    || self.links.in_flight(leader) >= self.config.max_in_flight_requests_per_connection
                {
                    continue;
                }
                sent |= self.produce(ctx, leader, partitions);
            }
            if !sent {
                return;
            }
        }
    }

    /// Partitions with a batch to send now, by leader. Asks for metadata where there is no leader.
    fn due(&mut self, now_ms: u64) -> BTreeMap<Peer, Vec<(String, usize)>> {
        let mut leaders: BTreeMap<Peer, Vec<(String, usize)>> = BTreeMap::new();
        let full = self.buffered_bytes * 2 > self.config.buffer_memory;
        for (name, topic) in &self.topics {
            for (partition, queue) in topic.partitions.iter().enumerate() {
                if !queue.in_order() || self.due_at(queue, full) > now_ms {
                    continue;
                }
                match self.metadata.leader(name, partition as i32) {
                    Some(leader) => leaders.entry(leader.id).or_default().push((name.clone(), partition)),
                    None => self.metadata.expire(),
                }
            }
        }
        leaders
    }

    /// When the first batch of the queue should be sent.
    pub(super) fn due_at(&self, queue: &Queue, pressed: bool) -> u64 {
        let Some(first) = queue.pending.front() else { return u64::MAX };
        if first.attempts > 0 {
            return first.not_before_ms;
        }
        let full = queue.pending.len() > 1 || first.size() >= self.config.batch_size;
        if full || pressed || self.flush || self.closing { 0 } else { first.created_ms + self.config.linger_ms }
    }

    fn produce(&mut self, ctx: &mut Ctx<'_>, leader: Peer, partitions: Vec<(String, usize)>) -> bool {
        let by_id = partitions.iter().all(|(t, _)| self.metadata.topic(t).is_some_and(|t| !t.id.is_zero()));
        let Some(version) = self.links.version::<ProduceRequest>(leader, if by_id { i16::MAX } else { 12 }) else {
            return false;
        };
        let mut request = ProduceRequest {
            acks: self.config.acks.code(),
            timeout_ms: self.config.request_timeout_ms as i32,
            ..ProduceRequest::default()
        };
        let mut batches = Vec::new();
        let mut size = 0;
        let idempotent = self.idempotent();
        for (name, partition) in partitions {
            let queue = &mut self.topics.get_mut(&name).expect("it is due").partitions[partition];
            let Some(next) = queue.pending.front() else { continue };
            if size > 0 && size + next.size() > self.config.max_request_size {
                continue;
            }
            let mut batch = queue.pending.pop_front().expect("looked at");
            let numbered = match (batch.numbered, queue.producer) {
                (Some(numbered), _) => Some(numbered),
                (None, Some((id, epoch))) if idempotent => {
                    let sequence = queue.next_sequence;
                    queue.next_sequence = advance(sequence, batch.records());
                    Some((id, epoch, sequence))
                }
                _ => None,
            };
            batch.attempts += 1;
            let bytes = batch.seal(numbered);
            size += bytes.len();
            let (base_sequence, records, attempt) = (batch.sequence(), batch.records(), batch.attempts);
            batch.cause = Some(ctx.out.trace_because(batch.cause, || EventKind::BatchSent {
                partition: TopicPartition::new(&name, partition as i32),
                base_sequence,
                records,
                attempt,
            }));
            let data = PartitionProduceData { index: partition as i32, records: Records::Bytes(bytes) };
            match request.topic_data.iter_mut().find(|t| t.name == name) {
                Some(topic) => topic.partition_data.push(data),
                None => {
                    let topic_id = self.metadata.topic(&name).map_or_else(Default::default, |t| t.id);
                    request.topic_data.push(TopicProduceData {
                        name: name.clone(),
                        topic_id,
                        partition_data: vec![data],
                    });
                }
            }
            batches.push((name, partition as i32, batch.serial));
            queue.in_flight.push_back(batch);
        }
        if batches.is_empty() {
            return false;
        }
        if self.config.acks == Acks::None {
            self.links.send_quietly(ctx, leader, version, &request);
            for (topic, partition, serial) in batches {
                self.stored(ctx, &topic, partition, serial, -1);
            }
        } else {
            self.links.send(ctx, leader, version, &request, Tag::Produce(batches));
        }
        true
    }
}
