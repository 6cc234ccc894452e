//! OffsetFetch: how far a group has read (`OffsetMetadataManager.fetchOffsets`, `fetchAllOffsets`).

use std::collections::BTreeMap;

use super::shard::Shard;
use crate::{
    id::{TopicPartition, Uuid},
    wire::{
        error::ErrorCode,
        offset_fetch::{
            OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponseGroup, OffsetFetchResponsePartitions,
            OffsetFetchResponseTopics,
        },
    },
};

impl Shard {
    /// The group's offsets of those partitions, or of all it has. `latest`: with those that are not safe yet.
    pub(super) fn offset_fetch(
        &self,
        group_id: &str,
        topics: Option<&[OffsetFetchRequestTopics]>,
        latest: bool,
    ) -> OffsetFetchResponseGroup {
        let topics = match topics {
            Some(topics) => topics.iter().map(|topic| self.fetch_topic(group_id, topic, latest)).collect(),
            None => self.fetch_all(group_id, latest),
        };
        OffsetFetchResponseGroup { group_id: group_id.to_owned(), topics, ..Default::default() }
    }

    fn fetch_topic(&self, group: &str, topic: &OffsetFetchRequestTopics, latest: bool) -> OffsetFetchResponseTopics {
        let partitions = topic.partition_indexes.iter().map(|&partition_index| {
            let partition = TopicPartition::new(topic.name.as_str(), partition_index);
            let found = self.offsets.get(group, &partition, latest);
            // An offset of a topic that had this name before is none of this one.
            let another = |id: Uuid| !id.is_zero() && !topic.topic_id.is_zero() && id != topic.topic_id;
            match found.filter(|o| !another(o.topic_id)) {
                Some(o) => OffsetFetchResponsePartitions {
                    partition_index,
                    committed_offset: o.offset,
                    committed_leader_epoch: o.leader_epoch,
                    metadata: Some(o.metadata.clone()),
                    error_code: 0,
                },
                None => no_offset(partition_index, 0),
            }
        });
        let partitions = partitions.collect();
        OffsetFetchResponseTopics { name: topic.name.clone(), topic_id: topic.topic_id, partitions }
    }

    fn fetch_all(&self, group: &str, latest: bool) -> Vec<OffsetFetchResponseTopics> {
        let mut wanted: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        self.offsets.of(group, latest).for_each(|(p, _)| wanted.entry(&p.topic).or_default().push(p.partition));
        let topic = |(name, partition_indexes): (&str, _)| OffsetFetchRequestTopics {
            name: name.to_owned(),
            partition_indexes,
            ..Default::default()
        };
        wanted.into_iter().map(|wanted| self.fetch_topic(group, &topic(wanted), latest)).collect()
    }
}

/// Nothing of what was asked for, because of `error`. Only version 1 has room for the partitions then.
pub(super) fn refused(group: &OffsetFetchRequestGroup, error: ErrorCode) -> OffsetFetchResponseGroup {
    let topic = |topic: &OffsetFetchRequestTopics| OffsetFetchResponseTopics {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic.partition_indexes.iter().map(|&p| no_offset(p, error.code())).collect(),
    };
    let topics = group.topics.iter().flatten().map(topic).collect();
    OffsetFetchResponseGroup { group_id: group.group_id.clone(), topics, error_code: error.code() }
}

/// How "nothing" is said.
pub(super) fn no_offset(partition_index: i32, error_code: i16) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(String::new()),
        error_code,
    }
}
