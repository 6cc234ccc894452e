//! How far groups have read (`OffsetMetadataManager.Offsets`). Writers see what was appended last, readers only what is on
//! every in-sync replica: an offset that a failover could take back is told to nobody.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    id::{TopicPartition, Uuid},
    wire::group_records::{OffsetCommitKey, OffsetCommitValue},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetAndMetadata {
    pub offset: i64,
    /// Of the last record read; -1: not known.
    pub leader_epoch: i32,
    pub metadata: String,
    pub commit_timestamp_ms: i64,
    /// Only clients of old may say when an offset is to be forgotten.
    pub expire_timestamp_ms: Option<i64>,
    pub topic_id: Uuid,
}

type OfGroup = BTreeMap<TopicPartition, OffsetAndMetadata>;

#[derive(Clone, Debug, Default)]
pub struct Offsets {
    latest: BTreeMap<String, OfGroup>,
    committed: BTreeMap<String, OfGroup>,
    /// Written and not yet on every in-sync replica, by place in the log.
    pending: VecDeque<Pending>,
}

#[derive(Clone, Debug)]
struct Pending {
    at: i64,
    group: String,
    partition: TopicPartition,
    value: Option<OffsetAndMetadata>,
}

impl Offsets {
    /// A record at offset `at` of the log; without a value it is a tombstone.
    pub fn replay(&mut self, at: i64, key: &OffsetCommitKey, value: Option<&OffsetCommitValue>) {
        let partition = TopicPartition::new(key.topic.as_str(), key.partition);
        let value = value.map(OffsetAndMetadata::from);
        set(&mut self.latest, &key.group, partition.clone(), value.clone());
        self.pending.push_back(Pending { at, group: key.group.clone(), partition, value });
    }

    /// Every in-sync replica has what is before `high_watermark`.
    pub fn commit(&mut self, high_watermark: i64) {
        while let Some(pending) = self.pending.pop_front_if(|p| p.at < high_watermark) {
            set(&mut self.committed, &pending.group, pending.partition, pending.value);
        }
    }

    pub fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// A group's offsets: what was written last, or what readers may know.
    pub fn of(&self, group: &str, latest: bool) -> impl Iterator<Item = (&TopicPartition, &OffsetAndMetadata)> {
        if latest { &self.latest } else { &self.committed }.get(group).into_iter().flatten()
    }

    pub fn get(&self, group: &str, partition: &TopicPartition, latest: bool) -> Option<&OffsetAndMetadata> {
        if latest { &self.latest } else { &self.committed }.get(group)?.get(partition)
    }

    /// Groups that have written offsets.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.latest.keys().map(String::as_str)
    }
}

fn set(
    offsets: &mut BTreeMap<String, OfGroup>,
    group: &str,
    partition: TopicPartition,
    value: Option<OffsetAndMetadata>,
) {
    match value {
        Some(value) => {
            offsets.entry(group.to_owned()).or_default().insert(partition, value);
        }
        None => {
            if let Some(of_group) = offsets.get_mut(group) {
                of_group.remove(&partition);
                if of_group.is_empty() {
                    offsets.remove(group);
                }
            }
        }
    }
}

impl From<&OffsetCommitValue> for OffsetAndMetadata {
    fn from(value: &OffsetCommitValue) -> Self {
        Self {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: value.metadata.clone(),
            commit_timestamp_ms: value.commit_timestamp,
            expire_timestamp_ms: Some(value.expire_timestamp).filter(|&ms| ms != -1),
            topic_id: value.topic_id,
        }
    }
}
