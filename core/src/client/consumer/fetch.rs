//! Fetches: one in flight to each leader, for every partition that it leads (`Fetcher`).

use bytes::Bytes;

use super::{Consumer, FetchedRecord, Tag, position::Position};
use crate::{
    client::producer::is_stale_metadata,
    id::{Endpoint, TopicPartition},
    seam::Ctx,
    trace::EventKind,
    wire::{
        batch::{self, Batch, BatchError},
        error::ErrorCode,
        fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, PartitionData},
        frame,
    },
};

impl Consumer {
    pub(super) fn fetch(&mut self, ctx: &mut Ctx<'_>) {
        let waiting: usize = self.positions.values().map(|p| p.records.len()).sum();
        if waiting >= self.config.max_buffered_records {
            return;
        }
        for (leader, partitions) in
            self.by_leader(ctx.ms(), |p| p.fetch_offset.is_some() && !p.paused && p.unreadable.is_none())
        {
            if self.fetching.contains(&leader) || !self.links.ready(ctx, leader) {
                continue;
            }
            let by_id = partitions.iter().all(|p| self.metadata.topic(&p.topic).is_some_and(|t| !t.id.is_zero()));
            let Some(version) = self.links.version::<FetchRequest>(leader, if by_id { i16::MAX } else { 12 }) else {
                continue;
            };
            let mut request = FetchRequest {
                max_wait_ms: self.config.fetch_max_wait_ms as i32,
                min_bytes: self.config.fetch_min_bytes,
                max_bytes: self.config.fetch_max_bytes,
                ..FetchRequest::default()
            };
            for partition in &partitions {
                let position = self.positions.get_mut(partition).expect("listed from it");
                (position.busy, position.asked) = (true, position.fetch_offset);
                let known = self.metadata.leader(&partition.topic, partition.partition);
                let asked = FetchPartition {
                    partition: partition.partition,
                    current_leader_epoch: known.map_or(-1, |l| l.epoch),
                    fetch_offset: position.fetch_offset.expect("wanted"),
                    last_fetched_epoch: position.last_epoch,
                    log_start_offset: -1,
                    partition_max_bytes: self.config.max_partition_fetch_bytes,
                    ..FetchPartition::default()
                };
                match request.topics.iter_mut().find(|t| t.topic == partition.topic) {
                    Some(topic) => topic.partitions.push(asked),
                    None => {
                        let topic_id = self.metadata.topic(&partition.topic).map_or_else(Default::default, |t| t.id);
                        let topic = partition.topic.clone();
                        request.topics.push(FetchTopic { topic, topic_id, partitions: vec![asked] });
                    }
                }
            }
            self.fetching.insert(leader);
            self.links.send(ctx, leader, version, &request, Tag::Fetch(partitions));
        }
    }

    pub(super) fn fetch_answer(
        &mut self,
        ctx: &mut Ctx<'_>,
        partitions: &[TopicPartition],
        version: i16,
        frame: &Bytes,
    ) {
        let response = match frame::parse_response::<FetchRequest>(version, frame) {
            Ok((_, response)) if response.error_code == 0 => response,
            Ok((_, response)) => {
                let error = ErrorCode::from_code(response.error_code);
                partitions.iter().for_each(|p| self.retry_later(ctx, p, error));
                return;
            }
            Err(_) => {
                partitions.iter().for_each(|p| self.retry_later(ctx, p, ErrorCode::CorruptMessage));
                return;
            }
        };
        for endpoint in &response.node_endpoints {
            let address = Endpoint { host: endpoint.host.clone(), port: endpoint.port as u16 };
            self.links.add_broker(endpoint.node_id, address);
        }
        for partition in partitions {
            match self.find_answer(&response, partition) {
                Some(answer) => self.partition_answer(ctx, partition, answer),
                None => self.retry_later(ctx, partition, ErrorCode::UnknownServerError),
            }
        }
    }

    fn find_answer<'a>(&self, response: &'a FetchResponse, partition: &TopicPartition) -> Option<&'a PartitionData> {
        let topic = response.responses.iter().find(|t| {
            t.topic == partition.topic || self.metadata.name_of(t.topic_id) == Some(partition.topic.as_str())
        })?;
        topic.partitions.iter().find(|p| p.partition_index == partition.partition)
    }

    fn partition_answer(&mut self, ctx: &mut Ctx<'_>, partition: &TopicPartition, answer: &PartitionData) {
        let error = ErrorCode::from_code(answer.error_code);
        let Some(position) = self.positions.get_mut(partition) else { return };
        let asked = position.asked.take();
        if asked.is_none() || asked != position.fetch_offset {
            // While it was fetched it was sought elsewhere, or taken away and given back.
            position.busy &= asked.is_none();
            return;
        }
        match error {
            ErrorCode::None if answer.diverging_epoch.epoch >= 0 => {
                // What was read is gone from the log (KIP-320): go back to where the logs part.
                let end = answer.diverging_epoch.end_offset;
                position.fetch_offset = position.fetch_offset.map(|o| o.min(end));
                position.records.retain(|record| record.offset < end);
                position.last_epoch = answer.diverging_epoch.epoch;
                position.busy = false;
                self.last_error = Some(format!("the log of {partition} was truncated to {end}"));
            }
            ErrorCode::None => {
                (position.busy, position.failures) = (false, 0);
                position.high_watermark = answer.high_watermark;
                self.take(partition, answer);
            }
            ErrorCode::OffsetOutOfRange => {
                position.out_of_range(self.config.auto_offset_reset, ctx.now.wall_ms);
                self.retry_later(ctx, partition, error);
            }
            _ => {
                let (leader, epoch) = (answer.current_leader.leader_id, answer.current_leader.leader_epoch);
                let moved = self.metadata.hint(ctx, &partition.topic, partition.partition, leader, epoch);
                if moved {
                    self.positions.get_mut(partition).expect("looked up above").busy = false;
                    return;
                }
                if is_stale_metadata(error) {
                    self.metadata.expire();
                }
                self.retry_later(ctx, partition, error);
            }
        }
    }

    /// Takes the records of an answer that lie at or after where the fetch began. Those before an unreadable one are given
    /// to the application first (`CompletedFetch`).
    fn take(&mut self, partition: &TopicPartition, answer: &PartitionData) {
        let position = self.positions.get_mut(partition).expect("its answer is here");
        for batch in batch::batches(&answer.records.bytes()) {
            let taken = match batch {
                // The last batch of an answer may be cut short; the next fetch begins with it.
                Err(BatchError::Incomplete { .. }) => break,
                Err(error) => Err(error),
                Ok(batch) => take_batch(partition, position, &batch),
            };
            if taken.is_err() {
                position.unreadable = taken.err();
                break;
            }
        }
        if !position.records.is_empty() && !self.ready.contains(partition) {
            self.ready.push_back(partition.clone());
        }
    }

    /// The first partition whose next record cannot be read, when all before it was given to the application: `poll()`
    /// throws, in Java with every call until the application seeks past it.
    pub fn unreadable(&self) -> Option<String> {
        self.positions.iter().find_map(|(partition, position)| {
            let why = position.unreadable.as_ref().filter(|_| position.records.is_empty())?;
            let offset = position.fetch_offset?;
            Some(format!("cannot read {partition} at offset {offset}: {why}"))
        })
    }

    /// What waits, at most `max.poll.records`, a partition after the other (`FetchCollector`).
    pub(super) fn hand_out(&mut self, ctx: &mut Ctx<'_>) -> Vec<FetchedRecord> {
        let mut records = Vec::new();
        for _ in 0..self.ready.len() {
            let Some(partition) = self.ready.pop_front() else { break };
            let Some(position) = self.positions.get_mut(&partition) else { continue };
            let room = self.config.max_poll_records - records.len();
            let count = if position.paused { 0 } else { room.min(position.records.len()) };
            if count > 0 {
                let (from, to) = (position.records[0].offset, position.records[count - 1].offset);
                records.extend(position.records.drain(..count));
                let partition = partition.clone();
                ctx.out.trace(|| EventKind::RecordsRead { partition, from, to });
            }
            if !position.records.is_empty() {
                self.ready.push_back(partition);
            }
        }
        self.read += records.len() as u64;
        records
    }
}

/// Moves the position past each record of the batch that can be read, and past the batch if all can.
fn take_batch(partition: &TopicPartition, position: &mut Position, batch: &Batch) -> Result<(), BatchError> {
    let header = &batch.header;
    let mut next = position.fetch_offset.expect("it was fetched");
    if header.next_offset() <= next {
        return Ok(());
    }
    next = next.max(header.base_offset);
    position.fetch_offset = Some(next);
    batch.check_crc()?;
    let records = if header.is_control() { None } else { Some(batch.records()) };
    for record in records.into_iter().flatten() {
        let record = record?;
        if record.offset < next {
            continue;
        }
        next = record.offset + 1;
        position.fetch_offset = Some(next);
        position.records.push_back(FetchedRecord {
            partition: partition.clone(),
            offset: record.offset,
            leader_epoch: header.partition_leader_epoch,
            timestamp: record.timestamp,
            key: record.key,
            value: record.value,
            headers: record.headers.into_iter().map(|h| (h.key, h.value)).collect(),
        });
    }
    position.fetch_offset = Some(header.next_offset());
    position.last_epoch = header.partition_leader_epoch;
    Ok(())
}
