//! Committed records never change: what any replica has below its high watermark is the same on every replica for ever
//! (log matching, leader completeness, nothing committed is lost), and in it the sequences of each producer follow
//! each other without a gap or a repetition (KIP-98).

use std::collections::{BTreeMap, BTreeSet};

use super::{Findings, log_matching::LogMatching, losses::Losses};
use crate::{
    broker::Broker,
    client::Delivery,
    disk::MemDisk,
    id::{NodeId, TopicPartition},
    replica::{PartitionKey, partition::Partition},
    wire::batch::BatchHeader,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Committed {
    logs: BTreeMap<PartitionKey, CommittedLog>,
    /// Clients know partitions by name.
    names: BTreeMap<TopicPartition, PartitionKey>,
    /// How far each replica's log was compared.
    compared: BTreeMap<(NodeId, PartitionKey), i64>,
    /// Who led when it was last looked at: in one step a leader may raise its high watermark and then step down.
    led: BTreeSet<(NodeId, PartitionKey)>,
}

/// The one history of a partition.
#[derive(Clone, Debug, Default)]
struct CommittedLog {
    /// By base offset: what identifies a batch.
    batches: BTreeMap<i64, Identity>,
    end: i64,
    /// By producer id and epoch: the last sequence.
    sequences: BTreeMap<(i64, i16), i32>,
    /// Records were lost by an unclean election. Who lost all of a producer's takes any sequence as its first.
    has_lost: bool,
    matching: LogMatching,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    last_offset: i64,
    leader_epoch: i32,
    crc: u32,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
}

impl Identity {
    fn of(header: &BatchHeader) -> Self {
        Self {
            last_offset: header.last_offset(),
            leader_epoch: header.partition_leader_epoch,
            crc: header.crc,
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            base_sequence: header.base_sequence,
        }
    }

    fn last_sequence(&self, base_offset: i64) -> i32 {
        let records = (self.last_offset - base_offset) as i32;
        self.base_sequence.wrapping_add(records) & i32::MAX
    }
}

impl Committed {
    pub(super) fn check(&mut self, id: NodeId, broker: &Broker, disk: &MemDisk, losses: &Losses, found: &mut Findings) {
        for partition in broker.replicas().partitions().filter(|p| p.offline.is_none()) {
            self.matching(id, partition, disk, found);
            let (at, leads) = ((id, partition.key), partition.leadership().is_some());
            let led = if leads { !self.led.insert(at) } else { self.led.remove(&at) };
            let high_watermark = partition.high_watermark();
            let compared = self.compared.entry((id, partition.key)).or_insert(partition.log.log_start_offset());
            if *compared >= high_watermark {
                // A restarted replica may know less; what it compared before still holds, if it still has it.
                *compared = (*compared).min(partition.log.log_end_offset());
                continue;
            }
            // What lies below the log start was deleted, or never copied by a follower that had to begin there.
            let from = (*compared).max(partition.log.log_start_offset());
            *compared = high_watermark;
            let log = self.logs.get_mut(&partition.key).expect("made when it was met");
            let end = log.end;
            log.compare(id, partition, disk, (from, high_watermark), losses, found);
            if log.end > end && !leads && !led {
                let detail = format!("{} on {id}: {high_watermark}, its leaders know only {end}", partition.name);
                found.add("a follower's high watermark is its leader's", detail);
            }
        }
    }

    /// Takes notice of new partitions. Returns those whose topic was deleted and created again: nothing of the old ones
    /// is promised any more. Producers go on with the sequences that they had.
    pub(super) fn meet(&mut self, broker: &Broker) -> Vec<TopicPartition> {
        let mut again = Vec::new();
        for partition in broker.replicas().partitions() {
            if !self.logs.contains_key(&partition.key) {
                let has_lost = self.names.insert(partition.name.clone(), partition.key).is_some();
                self.logs.insert(partition.key, CommittedLog { has_lost, ..CommittedLog::default() });
                again.extend(has_lost.then(|| partition.name.clone()));
            }
        }
        again
    }

    fn matching(&mut self, id: NodeId, partition: &Partition, disk: &MemDisk, found: &mut Findings) {
        let log = self.logs.get_mut(&partition.key).expect("made when it was met");
        let (start, end) = (partition.log.log_start_offset(), partition.log.log_end_offset());
        let read = |from| partition.log.read_batches(disk, from, 1 << 20).unwrap_or_default();
        log.matching.look(&partition.name.to_string(), id, start, end, read, found);
    }

    /// The whole log is the one history and nothing else: nobody writes any more.
    pub(super) fn at_rest(&self, id: NodeId, broker: &Broker, disk: &MemDisk, found: &mut Findings) {
        for partition in broker.replicas().partitions().filter(|p| p.offline.is_none()) {
            let Some(log) = self.logs.get(&partition.key) else { continue };
            let (name, mut next) = (&partition.name, partition.log.log_start_offset());
            while let Ok(batches) = partition.log.read_batches(disk, next, 1 << 20) {
                let Some(last) = batches.last() else { break };
                next = last.header.next_offset();
                let wrong = batches
                    .iter()
                    .map(|batch| (batch.header.base_offset, Identity::of(&batch.header)))
                    .find(|(at, is)| log.batches.get(at) != Some(is));
                if let Some((at, is)) = wrong {
                    let known = log.batches.get(&at);
                    found.add("logs are equal at rest", format!("{name} on {id}: {is:?} at {at}, not {known:?}"));
                }
            }
            if next != log.end {
                found.add("logs are equal at rest", format!("{name} on {id} ends at {next}, not at {}", log.end));
            }
        }
    }

    pub(super) fn key_of(&self, partition: &TopicPartition) -> Option<PartitionKey> {
        self.names.get(partition).copied()
    }

    /// What a producer is told with acks=all is below the high watermark already (`DelayedProduce`).
    pub(super) fn acknowledged(
        &self,
        delivery: &Delivery,
        base_offset: i64,
        losses: &Losses,
        found: &mut Findings,
    ) -> bool {
        let partition = &delivery.partition;
        let key = self.names.get(partition);
        let is = key.and_then(|key| self.logs[key].batches.get(&base_offset));
        let numbers = (delivery.producer_id, delivery.producer_epoch, delivery.base_sequence);
        if is.is_some_and(|is| (is.producer_id, is.producer_epoch, is.base_sequence) == numbers) {
            return true;
        }
        // The answer was on its way when its records were lost.
        if key.is_none_or(|key| !losses.touch(*key, base_offset)) {
            let detail = format!("{partition}: {numbers:?} at offset {base_offset}, where {is:?} was committed");
            found.add("acknowledged implies committed", detail);
        }
        false
    }

    /// An unclean election made the log of this leader the truth. Returns from where on records were lost, if they were.
    pub(super) fn lose(&mut self, partition: &Partition, disk: &MemDisk) -> Option<(i64, i64)> {
        let log = self.logs.get_mut(&partition.key)?;
        let mut at = partition.log.log_start_offset();
        'log: while let Ok(batches) = partition.log.read_batches(disk, at, 1 << 20) {
            if batches.is_empty() {
                break;
            }
            for header in batches.iter().map(|batch| &batch.header) {
                if log.batches.get(&header.base_offset) != Some(&Identity::of(header)) {
                    break 'log;
                }
                at = header.next_offset();
            }
        }
        let end = log.end;
        (at < end).then(|| {
            log.lose(at);
            (at, end)
        })
    }

    pub(super) fn ended(&mut self, id: NodeId) {
        self.compared.retain(|(node, _), _| *node != id);
        self.led.retain(|(node, _)| *node != id);
        self.logs.values_mut().for_each(|log| log.matching.ended(id));
    }
}

impl CommittedLog {
    fn compare(
        &mut self,
        id: NodeId,
        partition: &Partition,
        disk: &MemDisk,
        (from, to): (i64, i64),
        losses: &Losses,
        found: &mut Findings,
    ) {
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
                if !losses.covers(partition.key, header.partition_leader_epoch, header.base_offset) {
                    self.one(id, partition, &header, found);
                }
            }
        }
    }

    fn one(&mut self, id: NodeId, partition: &Partition, header: &BatchHeader, found: &mut Findings) {
        let name = &partition.name;
        let identity = Identity::of(header);
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

    fn lose(&mut self, from: i64) {
        self.batches.split_off(&from);
        self.end = from;
        self.has_lost = true;
        self.sequences.clear();
        for (at, batch) in self.batches.iter().filter(|(_, batch)| batch.producer_id >= 0) {
            self.sequences.insert((batch.producer_id, batch.producer_epoch), batch.last_sequence(*at));
        }
    }

    fn sequence(&mut self, id: NodeId, partition: &Partition, header: &BatchHeader, found: &mut Findings) {
        let producer = (header.producer_id, header.producer_epoch);
        let before = self.sequences.insert(producer, header.last_sequence());
        let expected = before.map_or(0, |last| last.wrapping_add(1) & i32::MAX);
        let may_be_any = before.is_none() && self.has_lost;
        if header.base_sequence != expected && !may_be_any {
            let at = header.base_offset;
            let detail = format!(
                "{} on {id}: producer {producer:?} has sequence {} at offset {at}, {expected} was next",
                partition.name, header.base_sequence
            );
            found.add("no duplicate and no missing sequence", detail);
        }
    }
}
