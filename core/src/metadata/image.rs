//! The cluster as the log up to an offset has it. Cloning is cheap: maps are shared until one side changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use thiserror::Error;

use super::{
    configs,
    quotas::{QuotaEntity, Quotas},
    record::MetadataRecord,
    registration::{BrokerRegistration, ControllerRegistration, PartitionRegistration},
    scram::{ScramCredential, ScramCredentials},
};
use crate::{
    config::{NodeConfig, table::Scope},
    id::{NodeId, Uuid},
    wire::metadata_records::{ConfigRecord, FeatureLevelRecord, ProducerIdsRecord, TopicRecord},
};

/// What a configuration belongs to; the numbers are Kafka's (`ConfigResource.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum ResourceType {
    Topic = 2,
    /// With an empty name: the default of all brokers.
    Broker = 4,
    /// A subscription of clients' metrics (KIP-714).
    ClientMetrics = 16,
    Group = 32,
}

impl ResourceType {
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            2 => Some(Self::Topic),
            4 => Some(Self::Broker),
            16 => Some(Self::ClientMetrics),
            32 => Some(Self::Group),
            _ => None,
        }
    }

    /// Where its keys stand in the table.
    pub const fn scope(self) -> Scope {
        match self {
            Self::Topic => Scope::Topic,
            Self::Broker => Scope::Broker,
            Self::ClientMetrics => Scope::ClientMetrics,
            Self::Group => Scope::Group,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigResource {
    pub kind: ResourceType,
    pub name: String,
}

impl ConfigResource {
    pub fn topic(name: impl Into<String>) -> Self {
        Self { kind: ResourceType::Topic, name: name.into() }
    }

    pub fn broker(id: NodeId) -> Self {
        Self { kind: ResourceType::Broker, name: id.to_string() }
    }

    pub fn group(name: impl Into<String>) -> Self {
        Self { kind: ResourceType::Group, name: name.into() }
    }

    pub fn client_metrics(name: impl Into<String>) -> Self {
        Self { kind: ResourceType::ClientMetrics, name: name.into() }
    }

    /// The defaults of all brokers.
    pub fn cluster() -> Self {
        Self { kind: ResourceType::Broker, name: String::new() }
    }
}

impl fmt::Display for ConfigResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ResourceType::Topic => write!(f, "topic {}", self.name),
            ResourceType::Broker if self.name.is_empty() => f.write_str("all brokers"),
            ResourceType::Broker => write!(f, "broker {}", self.name),
            ResourceType::ClientMetrics => write!(f, "client metrics {}", self.name),
            ResourceType::Group => write!(f, "group {}", self.name),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicImage {
    pub id: Uuid,
    pub name: String,
    pub partitions: BTreeMap<i32, PartitionRegistration>,
}

/// A record that contradicts what came before it: the log is damaged, or there is a bug.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("metadata record {offset}: {what}")]
pub struct ReplayError {
    pub offset: i64,
    pub what: String,
}

/// What a record altered.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Nothing anybody needs to look at: no-op, transaction markers, controller registrations.
    Nothing,
    /// Registered, fenced, unfenced, shutting down; `before` is missing for a broker never seen.
    Broker {
        id: NodeId,
        before: Option<Arc<BrokerRegistration>>,
    },
    BrokerRemoved(Arc<BrokerRegistration>),
    /// Its partitions follow in records of their own.
    TopicCreated(Uuid),
    TopicDeleted(Arc<TopicImage>),
    /// `before` is missing for a new partition.
    Partition {
        topic_id: Uuid,
        partition: i32,
        before: Option<PartitionRegistration>,
    },
    /// Nobody is eligible outside of the ISR any more, in these topics.
    ElrCleared(Vec<Uuid>),
    Config {
        resource: ConfigResource,
        key: String,
    },
    /// What is kept for the quotas of an entity.
    Quota {
        entity: QuotaEntity,
        key: String,
    },
    Feature(String),
    ProducerIds,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MetadataImage {
    /// Of the last record applied; -1 before the first.
    pub(super) offset: i64,
    pub(super) brokers: Arc<BTreeMap<NodeId, Arc<BrokerRegistration>>>,
    pub(super) controllers: Arc<BTreeMap<NodeId, ControllerRegistration>>,
    pub(super) topics: Arc<BTreeMap<Uuid, Arc<TopicImage>>>,
    pub(super) topics_by_name: Arc<BTreeMap<String, Uuid>>,
    /// Partitions whose replicas are being added or removed, so that listing them looks at no others.
    pub(super) reassigning: Arc<BTreeSet<(Uuid, i32)>>,
    pub(super) configs: Arc<BTreeMap<ConfigResource, BTreeMap<String, String>>>,
    pub(super) quotas: Arc<Quotas>,
    pub(super) scram_credentials: Arc<ScramCredentials>,
    pub(super) features: Arc<BTreeMap<String, i16>>,
    pub(super) features_offset: i64,
    pub(super) next_producer_id: i64,
}

impl Default for MetadataImage {
    fn default() -> Self {
        Self {
            offset: -1,
            brokers: Arc::default(),
            controllers: Arc::default(),
            topics: Arc::default(),
            topics_by_name: Arc::default(),
            reassigning: Arc::default(),
            configs: Arc::default(),
            quotas: Arc::default(),
            scram_credentials: Arc::default(),
            features: Arc::default(),
            features_offset: -1,
            next_producer_id: 0,
        }
    }
}

impl MetadataImage {
    pub fn offset(&self) -> i64 {
        self.offset
    }

    /// Notes that the log was read up to `offset` although its record held nothing to apply (control records).
    pub fn advance(&mut self, offset: i64) {
        self.offset = self.offset.max(offset);
    }

    pub fn brokers(&self) -> impl DoubleEndedIterator<Item = &BrokerRegistration> + Clone {
        self.brokers.values().map(AsRef::as_ref)
    }

    pub fn broker(&self, id: NodeId) -> Option<&BrokerRegistration> {
        self.brokers.get(&id).map(AsRef::as_ref)
    }

    /// May lead partitions and join ISRs: registered, unfenced and not shutting down.
    pub fn is_active(&self, id: NodeId) -> bool {
        self.broker(id).is_some_and(BrokerRegistration::is_active)
    }

    pub fn controllers(&self) -> impl Iterator<Item = &ControllerRegistration> {
        self.controllers.values()
    }

    /// By name, in order.
    pub fn topics(&self) -> impl Iterator<Item = &TopicImage> {
        self.topics_by_name.values().map(|id| self.topics[id].as_ref())
    }

    pub fn topic_count(&self) -> usize {
        self.topics.len()
    }

    pub fn topic(&self, name: &str) -> Option<&TopicImage> {
        self.topic_by_id(*self.topics_by_name.get(name)?)
    }

    pub fn topic_by_id(&self, id: Uuid) -> Option<&TopicImage> {
        self.topics.get(&id).map(AsRef::as_ref)
    }

    pub fn topic_id(&self, name: &str) -> Option<Uuid> {
        self.topics_by_name.get(name).copied()
    }

    pub fn partition(&self, name: &str, partition: i32) -> Option<&PartitionRegistration> {
        self.topic(name)?.partitions.get(&partition)
    }

    pub fn partition_by_id(&self, id: Uuid, partition: i32) -> Option<&PartitionRegistration> {
        self.topic_by_id(id)?.partitions.get(&partition)
    }

    /// Partitions with a reassignment under way, by topic (Kafka: `ReplicationControlManager.reassigningTopics`).
    pub fn reassigning(&self) -> impl Iterator<Item = (Uuid, i32)> {
        self.reassigning.iter().copied()
    }

    /// What was set on the resource by `IncrementalAlterConfigs` or at creation; not its defaults.
    pub fn configs(&self, resource: &ConfigResource) -> impl Iterator<Item = (&str, &str)> {
        self.configs.get(resource).into_iter().flatten().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// As a map; empty when nothing is set.
    pub fn all_configs(&self, resource: &ConfigResource) -> &BTreeMap<String, String> {
        static NOTHING: BTreeMap<String, String> = BTreeMap::new();
        self.configs.get(resource).unwrap_or(&NOTHING)
    }

    /// Resources of a kind on which something is set, by name.
    pub fn configured(&self, kind: ResourceType) -> impl Iterator<Item = &str> {
        let first = ConfigResource { kind, name: String::new() };
        self.configs.range(first..).map(|(r, _)| r).take_while(move |r| r.kind == kind).map(|r| r.name.as_str())
    }

    pub fn config(&self, resource: &ConfigResource, key: &str) -> Option<&str> {
        self.configs.get(resource)?.get(key).map(String::as_str)
    }

    /// The value of a topic's `key` as `node` has to use it: set on the topic, or on this broker, or on all brokers
    /// (both under the broker's name for it), or in the broker's file, or Kafka's default. `None`: no such key.
    pub fn topic_config(&self, topic: &str, key: &str, node: &NodeConfig) -> Option<String> {
        configs::topic_value(self, topic, key, node)
    }

    /// `min.insync.replicas` of a topic (Kafka: `ReplicationControlManager.getTopicEffectiveMinIsr` also caps it at the
    /// replication factor, and so does whoever asks here).
    pub fn min_insync_replicas(&self, topic: &str, node: &NodeConfig) -> i32 {
        let value = self.topic_config(topic, configs::MIN_INSYNC_REPLICAS, node);
        value.and_then(|v| v.parse().ok()).unwrap_or(node.min_insync_replicas)
    }

    pub fn unclean_leader_election_enable(&self, topic: &str, node: &NodeConfig) -> bool {
        self.topic_config(topic, configs::UNCLEAN_LEADER_ELECTION_ENABLE, node).as_deref() == Some("true")
    }

    pub fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// What is set for that entity under that key; not what it inherits.
    pub fn quota(&self, entity: &QuotaEntity, key: &str) -> Option<f64> {
        self.quotas.get(entity)?.get(key).map(|&bits| f64::from_bits(bits))
    }

    pub fn scram_credentials(&self) -> &ScramCredentials {
        &self.scram_credentials
    }

    pub fn scram_credential(&self, user: &str, mechanism: i8) -> Option<&ScramCredential> {
        self.scram_credentials.get(user)?.get(&mechanism)
    }

    /// Finalized levels of features.
    pub fn features(&self) -> impl Iterator<Item = (&str, i16)> {
        self.features.iter().map(|(name, level)| (name.as_str(), *level))
    }

    pub fn feature_level(&self, name: &str) -> i16 {
        self.features.get(name).copied().unwrap_or(0)
    }

    /// Clients call it the epoch of the finalized features: the offset up to which they are known.
    pub fn features_epoch(&self) -> i64 {
        self.offset
    }

    /// First of the next block of producer ids.
    pub fn next_producer_id(&self) -> i64 {
        self.next_producer_id
    }

    /// The records that make this image from nothing: what a snapshot holds (Kafka: `MetadataImage.write`).
    pub fn to_records(&self) -> Vec<MetadataRecord> {
        let mut records: Vec<MetadataRecord> = Vec::new();
        for (name, &feature_level) in self.features.iter() {
            records.push(FeatureLevelRecord { name: name.clone(), feature_level }.into());
        }
        // Kafka reads the metadata version before anything else.
        let metadata_version = |r: &MetadataRecord| match r {
            MetadataRecord::FeatureLevel(f) => f.name != configs::METADATA_VERSION,
            _ => true,
        };
        records.sort_by_key(metadata_version);
        records.extend(self.controllers.values().map(|c| c.to_record().into()));
        records.extend(self.brokers.values().map(|b| b.to_record().into()));
        for topic in self.topics.values() {
            records.push(TopicRecord { name: topic.name.clone(), topic_id: topic.id }.into());
            records.extend(topic.partitions.iter().map(|(&id, p)| p.to_record(topic.id, id).into()));
        }
        for (resource, values) in self.configs.iter() {
            records.extend(values.iter().map(|(key, value)| {
                MetadataRecord::from(ConfigRecord {
                    resource_type: resource.kind as i8,
                    resource_name: resource.name.clone(),
                    name: key.clone(),
                    value: Some(value.clone()),
                })
            }));
        }
        for (entity, values) in self.quotas.iter() {
            let record = |(key, &bits): (&String, &u64)| entity.to_record(key, Some(f64::from_bits(bits))).into();
            records.extend(values.iter().map(record));
        }
        if self.next_producer_id > 0 {
            let next_producer_id = self.next_producer_id;
            records.push(ProducerIdsRecord { broker_id: -1, broker_epoch: -1, next_producer_id }.into());
        }
        for (user, mechanisms) in self.scram_credentials.iter() {
            records.extend(mechanisms.iter().map(|(&mechanism, c)| c.to_record(user, mechanism).into()));
        }
        records
    }
}
