//! The cluster as the log up to an offset has it. Cloning is cheap: maps are shared until one side changes.

use std::{collections::BTreeMap, fmt, sync::Arc};

use thiserror::Error;

use super::{
    configs,
    record::MetadataRecord,
    registration::{BrokerRegistration, ControllerRegistration, PartitionRegistration},
};
use crate::{
    config::NodeConfig,
    id::{NodeId, Uuid},
    wire::metadata_records::{
        BrokerRegistrationChangeRecord, ConfigRecord, FeatureLevelRecord, PartitionChangeRecord, ProducerIdsRecord,
        RemoveTopicRecord, TopicRecord,
    },
};

/// What a configuration belongs to; the numbers are Kafka's (`ConfigResource.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum ResourceType {
    Topic = 2,
    /// With an empty name: the default of all brokers.
    Broker = 4,
}

impl ResourceType {
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            2 => Some(Self::Topic),
            4 => Some(Self::Broker),
            _ => None,
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
    Feature(String),
    ProducerIds,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MetadataImage {
    /// Of the last record applied; -1 before the first.
    offset: i64,
    brokers: Arc<BTreeMap<NodeId, Arc<BrokerRegistration>>>,
    controllers: Arc<BTreeMap<NodeId, ControllerRegistration>>,
    topics: Arc<BTreeMap<Uuid, Arc<TopicImage>>>,
    topics_by_name: Arc<BTreeMap<String, Uuid>>,
    configs: Arc<BTreeMap<ConfigResource, BTreeMap<String, String>>>,
    features: Arc<BTreeMap<String, i16>>,
    features_offset: i64,
    next_producer_id: i64,
}

impl Default for MetadataImage {
    fn default() -> Self {
        Self {
            offset: -1,
            brokers: Arc::default(),
            controllers: Arc::default(),
            topics: Arc::default(),
            topics_by_name: Arc::default(),
            configs: Arc::default(),
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

    /// What was set on the resource by `IncrementalAlterConfigs` or at creation; not its defaults.
    pub fn configs(&self, resource: &ConfigResource) -> impl Iterator<Item = (&str, &str)> {
        self.configs.get(resource).into_iter().flatten().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    pub fn config(&self, resource: &ConfigResource, key: &str) -> Option<&str> {
        self.configs.get(resource)?.get(key).map(String::as_str)
    }

    /// The value of a topic's `key` as `node` has to use it: set on the topic, or on this broker, or on all brokers
    /// (both under the broker's name for it), or in the broker's file, or Kafka's default. `None`: no such key.
    pub fn topic_config(&self, topic: &str, key: &str, node: &NodeConfig) -> Option<String> {
        configs::topic_value(self, topic, key, node).map(|v| v.value)
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

    /// Adds one record of the log.
    pub fn apply(&mut self, record: &MetadataRecord, offset: i64) -> Result<Change, ReplayError> {
        let fail = |what: String| ReplayError { offset, what };
        let change = match record {
            MetadataRecord::RegisterBroker(r) => {
                let id = NodeId(r.broker_id);
                let new = Arc::new(BrokerRegistration::from_record(r));
                let before = Arc::make_mut(&mut self.brokers).insert(id, new);
                Change::Broker { id, before }
            }
            MetadataRecord::UnregisterBroker(r) => {
                let removed = Arc::make_mut(&mut self.brokers).remove(&NodeId(r.broker_id));
                Change::BrokerRemoved(removed.ok_or_else(|| fail(format!("broker {} is unknown", r.broker_id)))?)
            }
            MetadataRecord::FenceBroker(r) => {
                let change = BrokerRegistrationChangeRecord { fenced: 1, ..registration_change(r.id, r.epoch) };
                self.change_broker(&change, offset)?
            }
            MetadataRecord::UnfenceBroker(r) => {
                let change = BrokerRegistrationChangeRecord { fenced: -1, ..registration_change(r.id, r.epoch) };
                self.change_broker(&change, offset)?
            }
            MetadataRecord::BrokerRegistrationChange(r) => self.change_broker(r, offset)?,
            MetadataRecord::Topic(r) => self.add_topic(r, offset)?,
            MetadataRecord::RemoveTopic(r) => self.remove_topic(r, offset)?,
            MetadataRecord::Partition(r) => {
                let topics = Arc::make_mut(&mut self.topics);
                let topic = topics.get_mut(&r.topic_id).ok_or_else(|| fail(format!("no topic {}", r.topic_id)))?;
                let new = PartitionRegistration::from_record(r);
                let before = Arc::make_mut(topic).partitions.insert(r.partition_id, new);
                Change::Partition { topic_id: r.topic_id, partition: r.partition_id, before }
            }
            MetadataRecord::PartitionChange(r) => self.change_partition(r, offset)?,
            MetadataRecord::ClearElr(r) => self.clear_elr(&r.topic_name),
            MetadataRecord::Config(r) => self.change_config(r, offset)?,
            MetadataRecord::FeatureLevel(r) => {
                let features = Arc::make_mut(&mut self.features);
                if r.feature_level == 0 {
                    features.remove(&r.name);
                } else {
                    features.insert(r.name.clone(), r.feature_level);
                }
                Change::Feature(r.name.clone())
            }
            MetadataRecord::ProducerIds(r) => {
                self.next_producer_id = r.next_producer_id;
                Change::ProducerIds
            }
            MetadataRecord::RegisterController(r) => {
                let controllers = Arc::make_mut(&mut self.controllers);
                controllers.insert(NodeId(r.controller_id), ControllerRegistration::from_record(r));
                Change::Nothing
            }
            MetadataRecord::NoOp(_)
            | MetadataRecord::BeginTransaction(_)
            | MetadataRecord::EndTransaction(_)
            | MetadataRecord::AbortTransaction(_) => Change::Nothing,
        };
        self.offset = offset;
        Ok(change)
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
        if self.next_producer_id > 0 {
            let next_producer_id = self.next_producer_id;
            records.push(ProducerIdsRecord { broker_id: -1, broker_epoch: -1, next_producer_id }.into());
        }
        records
    }

    fn change_broker(&mut self, r: &BrokerRegistrationChangeRecord, offset: i64) -> Result<Change, ReplayError> {
        let fail = |what: String| ReplayError { offset, what };
        let id = NodeId(r.broker_id);
        let brokers = Arc::make_mut(&mut self.brokers);
        let broker = brokers.get_mut(&id).ok_or_else(|| fail(format!("broker {id} is unknown")))?;
        if broker.epoch != r.broker_epoch {
            return Err(fail(format!("broker {id} has epoch {}, the record says {}", broker.epoch, r.broker_epoch)));
        }
        let before = Arc::clone(broker);
        Arc::make_mut(broker).change(r);
        Ok(Change::Broker { id, before: Some(before) })
    }

    fn add_topic(&mut self, r: &TopicRecord, offset: i64) -> Result<Change, ReplayError> {
        if self.topics_by_name.contains_key(&r.name) || self.topics.contains_key(&r.topic_id) {
            return Err(ReplayError { offset, what: format!("topic {} ({}) exists already", r.name, r.topic_id) });
        }
        Arc::make_mut(&mut self.topics_by_name).insert(r.name.clone(), r.topic_id);
        let topic = TopicImage { id: r.topic_id, name: r.name.clone(), partitions: BTreeMap::new() };
        Arc::make_mut(&mut self.topics).insert(r.topic_id, Arc::new(topic));
        Ok(Change::TopicCreated(r.topic_id))
    }

    /// A topic takes its configuration with it (Kafka: `ConfigurationControlManager.deleteTopicConfigs`).
    fn remove_topic(&mut self, r: &RemoveTopicRecord, offset: i64) -> Result<Change, ReplayError> {
        let removed = Arc::make_mut(&mut self.topics).remove(&r.topic_id);
        let topic = removed.ok_or_else(|| ReplayError { offset, what: format!("no topic {}", r.topic_id) })?;
        Arc::make_mut(&mut self.topics_by_name).remove(&topic.name);
        let resource = ConfigResource::topic(topic.name.as_str());
        if self.configs.contains_key(&resource) {
            Arc::make_mut(&mut self.configs).remove(&resource);
        }
        Ok(Change::TopicDeleted(topic))
    }

    fn change_partition(&mut self, r: &PartitionChangeRecord, offset: i64) -> Result<Change, ReplayError> {
        let unknown =
            || ReplayError { offset, what: format!("no partition {} of topic {}", r.partition_id, r.topic_id) };
        let topic = Arc::make_mut(&mut self.topics).get_mut(&r.topic_id).ok_or_else(unknown)?;
        let partition = Arc::make_mut(topic).partitions.get_mut(&r.partition_id).ok_or_else(unknown)?;
        let before = partition.clone();
        partition.change(r);
        Ok(Change::Partition { topic_id: r.topic_id, partition: r.partition_id, before: Some(before) })
    }

    /// Without a name: in every topic (Kafka: `ReplicationControlManager.replay(ClearElrRecord)`).
    fn clear_elr(&mut self, name: &str) -> Change {
        let cleared = |topic: &TopicImage| {
            (name.is_empty() || topic.name == name)
                && topic.partitions.values().any(|p| !p.elr.is_empty() || !p.last_known_elr.is_empty())
        };
        let ids: Vec<Uuid> = self.topics.values().filter(|t| cleared(t)).map(|t| t.id).collect();
        if !ids.is_empty() {
            let topics = Arc::make_mut(&mut self.topics);
            for id in &ids {
                let topic = Arc::make_mut(topics.get_mut(id).expect("the ids were just collected from this map"));
                for partition in topic.partitions.values_mut() {
                    if !partition.elr.is_empty() || !partition.last_known_elr.is_empty() {
                        partition.elr.clear();
                        partition.last_known_elr.clear();
                        partition.partition_epoch = partition.partition_epoch.saturating_add(1);
                    }
                }
            }
        }
        Change::ElrCleared(ids)
    }

    /// A missing value takes the key away.
    fn change_config(&mut self, r: &ConfigRecord, offset: i64) -> Result<Change, ReplayError> {
        let kind = ResourceType::from_code(r.resource_type)
            .ok_or_else(|| ReplayError { offset, what: format!("resource type {} is unknown", r.resource_type) })?;
        let resource = ConfigResource { kind, name: r.resource_name.clone() };
        let configs = Arc::make_mut(&mut self.configs);
        match &r.value {
            Some(value) => {
                configs.entry(resource.clone()).or_default().insert(r.name.clone(), value.clone());
            }
            None => {
                if let Some(values) = configs.get_mut(&resource) {
                    values.remove(&r.name);
                    if values.is_empty() {
                        configs.remove(&resource);
                    }
                }
            }
        }
        Ok(Change::Config { resource, key: r.name.clone() })
    }
}

fn registration_change(broker_id: i32, broker_epoch: i64) -> BrokerRegistrationChangeRecord {
    BrokerRegistrationChangeRecord { broker_id, broker_epoch, ..Default::default() }
}
