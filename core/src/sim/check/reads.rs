//! Consistent reads: two reads of one offset, at any time and from any replica, give the same record.

use std::collections::BTreeMap;

use super::Findings;

use crate::{client::FetchedRecord, hash::Fold, id::TopicPartition};

#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    /// Hash of the record that was read at each offset; the newest 100,000 of each partition.
    records: BTreeMap<TopicPartition, BTreeMap<i64, u64>>,
}

impl Reads {
    pub(super) fn read(&mut self, record: &FetchedRecord, found: &mut Findings) {
        let mut hash = Fold::default();
        hash.word(record.leader_epoch as u64);
        hash.bytes(record.key.as_deref().unwrap_or_default());
        hash.bytes(record.value.as_deref().unwrap_or_default());
        let hash = hash.finish();
        if !self.records.contains_key(&record.partition) {
            self.records.insert(record.partition.clone(), BTreeMap::new());
        }
        let records = self.records.get_mut(&record.partition).expect("just made");
        let before = records.insert(record.offset, hash);
        if before.is_some_and(|before| before != hash) {
            let detail = format!("{} offset {} was another record before", record.partition, record.offset);
            found.add("reads are consistent", detail);
        }
        if records.len() > 100_000 {
            records.pop_first();
        }
    }

    /// Forgets what was read from this offset on.
    pub(super) fn lose(&mut self, partition: &TopicPartition, from: i64) {
        if let Some(records) = self.records.get_mut(partition) {
            records.split_off(&from);
        }
    }
}
