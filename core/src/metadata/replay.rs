//! What each record of the metadata log does to the image.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    image::{Change, ConfigResource, MetadataImage, ReplayError, ResourceType, TopicImage},
    quotas::QuotaEntity,
    record::MetadataRecord,
    registration::{BrokerRegistration, ControllerRegistration, PartitionRegistration},
    scram::ScramCredential,
};
use crate::{
    id::{NodeId, Uuid},
    wire::metadata_records::{
        BrokerRegistrationChangeRecord, ClientQuotaRecord, ConfigRecord, PartitionChangeRecord, RemoveTopicRecord,
        RemoveUserScramCredentialRecord, TopicRecord,
    },
};

impl MetadataImage {
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
                let is_reassigning = new.is_reassigning();
                let before = Arc::make_mut(topic).partitions.insert(r.partition_id, new);
                self.note_reassignment(r.topic_id, r.partition_id, is_reassigning);
                Change::Partition { topic_id: r.topic_id, partition: r.partition_id, before }
            }
            MetadataRecord::PartitionChange(r) => self.change_partition(r, offset)?,
            MetadataRecord::ClearElr(r) => self.clear_elr(&r.topic_name),
            MetadataRecord::Config(r) => self.change_config(r, offset)?,
            MetadataRecord::ClientQuota(r) => self.change_quota(r, offset)?,
            MetadataRecord::UserScramCredential(r) => {
                let credentials = Arc::make_mut(&mut self.scram_credentials);
                let of_user = credentials.entry(r.name.clone()).or_default();
                of_user.insert(r.mechanism, ScramCredential::from_record(r));
                Change::Nothing
            }
            MetadataRecord::RemoveUserScramCredential(r) => self.remove_scram_credential(r, offset)?,
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
        let of_topic = (topic.id, i32::MIN)..=(topic.id, i32::MAX);
        let ended: Vec<(Uuid, i32)> = self.reassigning.range(of_topic).copied().collect();
        ended.into_iter().for_each(|(id, partition)| self.note_reassignment(id, partition, false));
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
        let is_reassigning = partition.is_reassigning();
        self.note_reassignment(r.topic_id, r.partition_id, is_reassigning);
        Ok(Change::Partition { topic_id: r.topic_id, partition: r.partition_id, before: Some(before) })
    }

    fn note_reassignment(&mut self, topic_id: Uuid, partition: i32, is_reassigning: bool) {
        let key = (topic_id, partition);
        if self.reassigning.contains(&key) != is_reassigning {
            let reassigning = Arc::make_mut(&mut self.reassigning);
            if is_reassigning {
                reassigning.insert(key)
            } else {
                reassigning.remove(&key)
            };
        }
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

    fn change_quota(&mut self, r: &ClientQuotaRecord, offset: i64) -> Result<Change, ReplayError> {
        let unknown = || ReplayError { offset, what: format!("a quota for {:?}, which has unknown types", r.entity) };
        let entity = QuotaEntity::from_record(r).ok_or_else(unknown)?;
        let quotas = Arc::make_mut(&mut self.quotas);
        if !r.remove {
            quotas.entry(entity.clone()).or_default().insert(r.key.clone(), r.value.to_bits());
        } else if let Some(values) = quotas.get_mut(&entity) {
            values.remove(&r.key);
            if values.is_empty() {
                quotas.remove(&entity);
            }
        }
        Ok(Change::Quota { entity, key: r.key.clone() })
    }

    fn remove_scram_credential(
        &mut self,
        r: &RemoveUserScramCredentialRecord,
        offset: i64,
    ) -> Result<Change, ReplayError> {
        let credentials = Arc::make_mut(&mut self.scram_credentials);
        let removed = credentials.get_mut(&r.name).and_then(|of_user| of_user.remove(&r.mechanism));
        if removed.is_none() {
            return Err(ReplayError { offset, what: format!("user {} has no credential {}", r.name, r.mechanism) });
        }
        if credentials.get(&r.name).is_some_and(BTreeMap::is_empty) {
            credentials.remove(&r.name);
        }
        Ok(Change::Nothing)
    }
}

fn registration_change(broker_id: i32, broker_epoch: i64) -> BrokerRegistrationChangeRecord {
    BrokerRegistrationChangeRecord { broker_id, broker_epoch, ..Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::quotas::EntityType;

    fn credential(name: &str, mechanism: i8) -> MetadataRecord {
        let credential = ScramCredential {
            salt: "salt".into(),
            stored_key: "stored".into(),
            server_key: "server".into(),
            iterations: 4096,
        };
        credential.to_record(name, mechanism).into()
    }

    fn replayed(records: &[MetadataRecord]) -> MetadataImage {
        let mut image = MetadataImage::default();
        for (offset, record) in (0..).zip(records) {
            image.apply(record, offset).expect("a record that fits");
        }
        image
    }

    /// What a snapshot holds makes the same image again, after it went through the bytes of its records.
    #[test]
    fn quotas_and_credentials_survive_a_snapshot() {
        let user = |name: Option<&str>| QuotaEntity([(EntityType::User, name.map(String::from))].into());
        let mut records: Vec<MetadataRecord> = vec![
            user(Some("u")).to_record("producer_byte_rate", Some(1000.0)).into(),
            user(Some("u")).to_record("request_percentage", Some(f64::NAN)).into(),
            user(None).to_record("consumer_byte_rate", Some(0.5)).into(),
            credential("u", 1),
            credential("u", 2),
        ];
        let image = replayed(&records);
        let written: Vec<MetadataRecord> =
            image.to_records().iter().map(|r| MetadataRecord::decode(&r.encode()).unwrap()).collect();
        let again = replayed(&written);
        assert_eq!((again.quotas(), again.scram_credentials()), (image.quotas(), image.scram_credentials()));
        assert_eq!(again.quota(&user(None), "consumer_byte_rate"), Some(0.5));
        assert!(again.scram_credential("u", 2).is_some());

        records.push(user(None).to_record("consumer_byte_rate", None).into());
        for mechanism in [1, 2] {
            records.push(RemoveUserScramCredentialRecord { name: "u".into(), mechanism }.into());
        }
        let image = replayed(&records);
        assert_eq!(image.quotas().len(), 1, "an entity without values is not kept");
        assert!(image.scram_credentials().is_empty(), "nor a user without credentials");
    }
}
