//! A batch of records that a decision wants written, and what people are told about it.

use std::collections::BTreeMap;

use super::index::Index;
use crate::{
    id::{EventId, NodeId, TopicPartition, Uuid},
    metadata::{
        configs::{is_sensitive, without_effect},
        image::{Change, MetadataImage},
        record::MetadataRecord,
        registration::{BrokerRegistration, PartitionRegistration},
    },
    seam::Outbox,
    trace::EventKind,
};

/// So many records are written as one batch at most, and so many may an operation of users have
/// (Kafka: `QuorumController.DEFAULT_MAX_RECORDS_PER_BATCH`, `MAX_RECORDS_PER_USER_OP`).
pub(super) const MAX_RECORDS: usize = 10_000;

/// Written as one batch, all of it or nothing, unless it is larger than a batch may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    records: Vec<MetadataRecord>,
    /// Beside each record: why, where there is more to say than what.
    why: Vec<Option<String>>,
    /// How long a broker that is fenced here has been silent, and the event of its last heartbeat.
    pub silence: Option<Silence>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    pub silent_ms: u64,
    pub cause: Option<EventId>,
}

impl Batch {
    pub(super) fn push(&mut self, record: impl Into<MetadataRecord>) {
        self.records.push(record.into());
        self.why.push(None);
    }

    pub(super) fn push_because(&mut self, record: impl Into<MetadataRecord>, why: String) {
        self.records.push(record.into());
        self.why.push(Some(why));
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn records(&self) -> &[MetadataRecord] {
        &self.records
    }

    pub(super) fn append(&mut self, mut other: Self) {
        self.records.append(&mut other.records);
        self.why.append(&mut other.why);
        self.silence = self.silence.or(other.silence);
    }

    /// In batches of at most `max` records.
    pub(super) fn split(self, max: usize) -> impl Iterator<Item = Self> {
        let Self { mut records, mut why, silence } = self;
        std::iter::from_fn(move || {
            if records.is_empty() {
                return None;
            }
            let at = max.min(records.len());
            let (rest, rest_why) = (records.split_off(at), why.split_off(at));
            let (records, why) = (std::mem::replace(&mut records, rest), std::mem::replace(&mut why, rest_why));
            Some(Self { records, why, silence })
        })
    }

    /// Adds the records to `image` as if they stood from `base_offset` on, and tells what that changes. Events of brokers
    /// come first and are the cause of those of partitions, although Kafka writes a fencing behind its consequences.
    pub(super) fn apply(
        &self,
        image: &mut MetadataImage,
        index: &mut Index,
        base_offset: i64,
        session_ms: u64,
        out: &mut Outbox,
    ) {
        let mut changes = Vec::with_capacity(self.records.len());
        for (offset, record) in (base_offset..).zip(&self.records) {
            let change = image.apply(record, offset);
            let change = change.expect("the controller only writes records that fit its image");
            index.follow(&change, image);
            changes.push(change);
        }
        let cause = self.silence.map_or_else(|| out.cause(), |s| s.cause);
        out.because(cause);
        for change in &changes {
            if let Change::Broker { id, before } = change {
                let after = image.broker(*id).expect("it was just changed");
                self.trace_broker(before.as_deref(), after, session_ms, out);
            }
        }
        let mut new_partitions: BTreeMap<Uuid, i32> = BTreeMap::new();
        for change in &changes {
            if let Change::Partition { topic_id, before: None, .. } = change {
                *new_partitions.entry(*topic_id).or_default() += 1;
            }
        }
        let cause = out.cause();
        for ((change, why), record) in changes.iter().zip(&self.why).zip(&self.records) {
            match change {
                Change::TopicCreated(_) => {
                    let MetadataRecord::Topic(topic) = record else { unreachable!("only topic records create topics") };
                    let partitions = new_partitions.get(&topic.topic_id).copied().unwrap_or(0);
                    let name = topic.name.clone();
                    out.note_because(cause, || EventKind::TopicCreated { topic: name, partitions });
                }
                Change::TopicDeleted(topic) => {
                    let topic = topic.name.clone();
                    out.note_because(cause, || EventKind::TopicDeleted { topic });
                }
                Change::Partition { topic_id, partition, before: Some(before) } => {
                    let topic = image.topic_by_id(*topic_id).expect("it was just changed");
                    let after = &topic.partitions[partition];
                    let assignment = |p: &PartitionRegistration| {
                        (p.replicas.clone(), p.adding_replicas.clone(), p.removing_replicas.clone())
                    };
                    if assignment(before) != assignment(after) {
                        out.note_because(cause, || EventKind::AssignmentChanged {
                            partition: TopicPartition::new(topic.name.as_str(), *partition),
                            replicas: after.replicas.clone(),
                            adding: after.adding_replicas.clone(),
                            removing: after.removing_replicas.clone(),
                            previous_replicas: before.replicas.clone(),
                        });
                    }
                    out.note_because(cause, || EventKind::PartitionChanged {
                        partition: TopicPartition::new(topic.name.as_str(), *partition),
                        leader: after.leader,
                        leader_epoch: after.leader_epoch,
                        partition_epoch: after.partition_epoch,
                        isr: after.isr.clone(),
                        previous_leader: before.leader,
                        previous_isr: before.isr.clone(),
                        why: why.clone().unwrap_or_default(),
                    });
                }
                Change::BrokerRemoved(broker) => {
                    let broker = broker.id;
                    out.note_because(cause, || EventKind::BrokerUnregistered { broker });
                }
                Change::Feature(feature) => {
                    let (feature, level) = (feature.clone(), image.feature_level(feature));
                    out.note_because(cause, || EventKind::FeatureChanged { feature, level });
                }
                Change::Config { resource, key } => {
                    let MetadataRecord::Config(config) = record else { unreachable!("only config records do") };
                    let scope = resource.kind.scope();
                    let shown = |value: String| if is_sensitive(scope, key) { "(hidden)".into() } else { value };
                    out.note_because(cause, || EventKind::ConfigChanged {
                        resource: resource.to_string(),
                        key: key.clone(),
                        value: config.value.clone().map(shown),
                        without_effect: config
                            .value
                            .as_ref()
                            .and_then(|_| without_effect(scope, key))
                            .map(str::to_owned),
                    });
                }
                Change::Quota { entity, key } => {
                    let resource = format!("{entity} (a quota, which the lab keeps and does not enforce)");
                    let value = image.quota(entity, key).map(|value| value.to_string());
                    out.note_because(cause, || EventKind::ConfigChanged {
                        resource,
                        key: key.clone(),
                        value,
                        without_effect: None,
                    });
                }
                _ => {}
            }
        }
    }

    fn trace_broker(
        &self,
        before: Option<&BrokerRegistration>,
        after: &BrokerRegistration,
        session_ms: u64,
        out: &mut Outbox,
    ) {
        let broker: NodeId = after.id;
        let Some(before) = before.filter(|b| b.epoch == after.epoch) else {
            out.note(|| EventKind::BrokerRegistered { broker, broker_epoch: after.epoch });
            return;
        };
        if !before.fenced && after.fenced {
            let silent_ms = self.silence.map_or(0, |s| s.silent_ms);
            out.note(|| EventKind::BrokerFenced { broker, silent_ms, session_ms });
        }
        if before.fenced && !after.fenced {
            out.note(|| EventKind::BrokerUnfenced { broker });
        }
        if !before.in_controlled_shutdown && after.in_controlled_shutdown {
            out.note(|| EventKind::BrokerShuttingDown { broker });
        }
    }
}
