//! DescribeLogDirs and AlterReplicaLogDirs on the one log directory that a broker of the lab has
//! (KIP-113, KIP-827; Kafka: `ReplicaManager.describeLogDirs`, `alterReplicaLogDirs`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Broker, Reply};
use crate::{
    authorize::{Operation, Resource, authorize},
    replica::{PartitionKey, partition::Partition},
    seam::Ctx,
    wire::{
        alter_replica_log_dirs::{
            AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult, AlterReplicaLogDirsRequest,
            AlterReplicaLogDirsResponse,
        },
        describe_log_dirs::{
            DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse,
            DescribeLogDirsResult, DescribeLogDirsTopic,
        },
        error::ErrorCode,
    },
};

/// Of `topic-partition`: the folder of a log on its way has an id and an ending behind it, and a file system's 255
/// characters must do (`ReplicaManager.alterReplicaLogDirs`).
const LONGEST_NAME: usize = 215;

impl Broker {
    pub(super) fn describe_log_dirs(&mut self, ctx: &mut Ctx, reply: &Reply, request: &DescribeLogDirsRequest) {
        let allowed = authorize(&self.principal(reply.conn), Operation::Describe, Resource::Cluster);
        let response = if allowed {
            let described = match &request.topics {
                None => self.replicas.partitions().filter(|p| p.offline.is_none()).collect(),
                Some(topics) => self.asked_for(topics),
            };
            // How large the volume is, the core is not told: what it does depends on its inputs alone.
            let dir = DescribeLogDirsResult {
                log_dir: self.config.log_dir.clone(),
                topics: by_topic(described),
                ..Default::default()
            };
            DescribeLogDirsResponse { results: vec![dir], ..Default::default() }
        } else {
            let error_code = ErrorCode::ClusterAuthorizationFailed.code();
            DescribeLogDirsResponse { error_code, ..Default::default() }
        };
        self.conns.answer::<DescribeLogDirsRequest>(ctx, reply, &response);
    }

    /// Those that are here, each once.
    fn asked_for(&self, topics: &[DescribableLogDirTopic]) -> Vec<&Partition> {
        let keys: BTreeSet<PartitionKey> = topics
            .iter()
            .filter_map(|topic| Some((self.image.topic_id(&topic.topic)?, &topic.partitions)))
            .flat_map(|(topic_id, indexes)| indexes.iter().map(move |&partition| PartitionKey { topic_id, partition }))
            .collect();
        keys.into_iter().filter_map(|key| self.replicas.find(&self.image, key).ok()).collect()
    }

    pub(super) fn alter_replica_log_dirs(&mut self, ctx: &mut Ctx, reply: &Reply, request: AlterReplicaLogDirsRequest) {
        let allowed = authorize(&self.principal(reply.conn), Operation::Alter, Resource::Cluster);
        // Of two directories for one replica the last counts.
        let mut wanted: BTreeMap<String, BTreeMap<i32, bool>> = BTreeMap::new();
        for dir in request.dirs {
            let here = dir.path == self.config.log_dir;
            for topic in dir.topics {
                for partition in topic.partitions {
                    wanted.entry(topic.name.clone()).or_default().insert(partition, here);
                }
            }
        }
        let result = |topic: &str, partition: i32, here: bool| {
            let error = if !allowed {
                ErrorCode::ClusterAuthorizationFailed
            } else if format!("{topic}-{partition}").encode_utf16().count() > LONGEST_NAME {
                ErrorCode::InvalidTopicException
            } else if !here {
                ErrorCode::LogDirNotFound
            } else if let Some(topic_id) = self.image.topic_id(topic) {
                // Where it should be, it is already.
                let found = self.replicas.find(&self.image, PartitionKey { topic_id, partition });
                found.err().unwrap_or(ErrorCode::None)
            } else {
                ErrorCode::UnknownTopicOrPartition
            };
            AlterReplicaLogDirPartitionResult { partition_index: partition, error_code: error.code() }
        };
        let results = wanted
            .into_iter()
            .map(|(topic_name, partitions)| AlterReplicaLogDirTopicResult {
                partitions: partitions.into_iter().map(|(index, here)| result(&topic_name, index, here)).collect(),
                topic_name,
            })
            .collect();
        let response = AlterReplicaLogDirsResponse { results, ..Default::default() };
        self.conns.answer::<AlterReplicaLogDirsRequest>(ctx, reply, &response);
    }
}

fn by_topic(described: Vec<&Partition>) -> Vec<DescribeLogDirsTopic> {
    let mut topics: BTreeMap<&str, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for partition in described {
        let lag = partition.high_watermark() - partition.log.log_end_offset();
        topics.entry(&partition.name.topic).or_default().push(DescribeLogDirsPartition {
            partition_index: partition.key.partition,
            partition_size: i64::try_from(partition.log.size()).unwrap_or(i64::MAX),
            offset_lag: lag.max(0),
            // Only a log on its way to another directory is one.
            is_future_key: false,
        });
    }
    topics.into_iter().map(|(name, partitions)| DescribeLogDirsTopic { name: name.to_owned(), partitions }).collect()
}
