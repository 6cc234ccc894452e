//! Metadata: who is there, and who leads what. Also what creates topics by being asked for them
//! (`KRaftMetadataCache`, `AutoTopicCreationManager`).

use std::{collections::BTreeSet, sync::Arc};

use super::{Broker, Purpose, Reply};
use crate::{
    metadata::{
        image::{MetadataImage, TopicImage},
        registration::{NO_LEADER, PartitionRegistration, numbers},
        topic_name,
    },
    replica::LISTENER,
    seam::Ctx,
    wire::{
        create_topics::{CreatableTopic, CreateTopicsRequest},
        error::ErrorCode,
        metadata::{
            MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition,
            MetadataResponseTopic,
        },
    },
};

pub(super) const CREATE_TOPICS_VERSION: i16 = 7;
/// Bits of what anybody may do while all is allowed (`AclEntry.supportedOperations`).
pub(super) const ALL_TOPIC_OPERATIONS: i32 = 0b1101_1111_1000;
pub(super) const ALL_CLUSTER_OPERATIONS: i32 = 0b1_1111_1010_0000;
/// Topics by id from here on; before, the field is there and must be empty.
const BY_ID_SINCE: i16 = 12;
/// At most so many topics are on their way of being created because somebody asked for them.
const AUTO_CREATED_MAX: usize = 1000;

impl Broker {
    pub(super) fn metadata(&mut self, ctx: &mut Ctx, reply: &Reply, request: MetadataRequest) {
        let version = reply.version;
        let image = &self.image;
        let mut missing = Vec::new();
        let mut topics = match request.topics.map(|topics| asked(topics, version)) {
            Some(Err((error, topics))) => {
                return self.conns.answer::<MetadataRequest>(ctx, reply, &refused_whole(error, topics));
            }
            None => image.topics().map(|t| describe(image, t, version)).collect::<Vec<_>>(),
            Some(Ok(none)) if none.is_empty() && version == 0 => {
                image.topics().map(|t| describe(image, t, version)).collect()
            }
            Some(Ok(asked)) => asked.iter().map(|t| self.one_topic(t, version, &mut missing)).collect(),
        };
        if request.include_topic_authorized_operations {
            // Also of a topic that is not there; an id alone names none.
            for topic in topics.iter_mut().filter(|t| t.name.is_some()) {
                topic.topic_authorized_operations = ALL_TOPIC_OPERATIONS;
            }
        }
        let mut response = MetadataResponse {
            brokers: alive(image).collect(),
            cluster_id: Some(self.config.cluster_id.clone()),
            controller_id: self.any_alive_broker(),
            topics,
            ..Default::default()
        };
        if request.include_cluster_authorized_operations {
            response.cluster_authorized_operations = ALL_CLUSTER_OPERATIONS;
        }
        self.conns.answer::<MetadataRequest>(ctx, reply, &response);
        if request.allow_auto_topic_creation && self.config.auto_create_topics_enable {
            self.auto_create(ctx, missing);
        }
    }

    fn one_topic(
        &self,
        asked: &MetadataRequestTopic,
        version: i16,
        missing: &mut Vec<String>,
    ) -> MetadataResponseTopic {
        let refused = |name: Option<String>, error: ErrorCode| MetadataResponseTopic {
            error_code: error.code(),
            topic_id: asked.topic_id,
            is_internal: name.as_deref().is_some_and(is_internal),
            name,
            ..Default::default()
        };
        let Some(name) = &asked.name else {
            return match self.image.topic_by_id(asked.topic_id) {
                Some(topic) => describe(&self.image, topic, version),
                None => refused(None, ErrorCode::UnknownTopicId),
            };
        };
        if let Some(topic) = self.image.topic(name) {
            return describe(&self.image, topic, version);
        }
        if topic_name::invalid(name).is_some() {
            return refused(Some(name.clone()), ErrorCode::InvalidTopicException);
        }
        missing.push(name.clone());
        refused(Some(name.clone()), ErrorCode::UnknownTopicOrPartition)
    }

    /// Asks the controller to create topics that somebody wanted. The client is told that they are unknown and asks
    /// again, as in Kafka since KRaft.
    fn auto_create(&mut self, ctx: &mut Ctx, missing: Vec<String>) {
        let config = Arc::clone(&self.config);
        let topic = |name: String| CreatableTopic {
            name,
            num_partitions: config.num_partitions,
            replication_factor: config.default_replication_factor,
            ..Default::default()
        };
        self.create_topics(ctx, missing.into_iter().map(topic).collect());
    }

    /// Asks the controller for topics that this broker needs, or that somebody asked it for.
    pub(super) fn create_topics(&mut self, ctx: &mut Ctx, mut wanted: Vec<CreatableTopic>) {
        wanted.retain(|topic| !self.creating.contains(&topic.name));
        wanted.truncate(AUTO_CREATED_MAX.saturating_sub(self.creating.len()));
        if wanted.is_empty() {
            return;
        }
        let names: Vec<String> = wanted.iter().map(|t| t.name.clone()).collect();
        let request = CreateTopicsRequest {
            topics: wanted,
            timeout_ms: i32::try_from(self.config.request_timeout_ms).unwrap_or(i32::MAX),
            ..Default::default()
        };
        self.creating.extend(names.iter().cloned());
        let deadline = Some(ctx.now.mono.plus_ms(self.config.request_timeout_ms));
        self.forwarding.ask(ctx, CREATE_TOPICS_VERSION, &request, Purpose::AutoCreate(names), deadline);
    }

    /// Clients send to "the controller" what any broker forwards, so any will do: this one, if it is in service.
    pub(super) fn any_alive_broker(&self) -> i32 {
        let me = self.image.broker(self.config.node_id).filter(|b| !b.fenced);
        me.or_else(|| self.image.brokers().find(|b| !b.fenced)).map_or(-1, |b| b.id.0)
    }
}

pub(super) fn is_internal(topic: &str) -> bool {
    matches!(topic, "__consumer_offsets" | "__transaction_state" | "__share_group_state")
}

/// Each topic once. Where ids are given, they alone count (`KafkaApis.handleTopicMetadataRequest`); `Err`: the request as a
/// whole is refused.
fn asked(
    topics: Vec<MetadataRequestTopic>,
    version: i16,
) -> Result<Vec<MetadataRequestTopic>, (ErrorCode, Vec<MetadataRequestTopic>)> {
    if version < BY_ID_SINCE && topics.iter().any(|t| t.name.is_none() || !t.topic_id.is_zero()) {
        return Err((ErrorCode::InvalidRequest, topics));
    }
    let by_id = topics.iter().any(|t| !t.topic_id.is_zero());
    if !by_id && topics.iter().any(|t| t.name.is_none()) {
        // Neither name nor id is something that Kafka itself stumbles over.
        return Err((ErrorCode::UnknownServerError, topics));
    }
    let topics = topics.into_iter().filter(|t| !by_id || !t.topic_id.is_zero());
    let mut seen = BTreeSet::new();
    let by_one = topics.map(|t| MetadataRequestTopic { name: t.name.filter(|_| !by_id), ..t });
    Ok(by_one.filter(|t| seen.insert((t.name.clone(), t.topic_id))).collect())
}

/// Nothing but the error, for each topic that was asked for.
fn refused_whole(error: ErrorCode, topics: Vec<MetadataRequestTopic>) -> MetadataResponse {
    let topic = |asked: MetadataRequestTopic| MetadataResponseTopic {
        error_code: error.code(),
        name: Some(asked.name.unwrap_or_default()),
        topic_id: asked.topic_id,
        ..Default::default()
    };
    let topics = topics.into_iter().map(topic).collect();
    MetadataResponse { topics, error_code: error.code(), ..Default::default() }
}

fn alive(image: &MetadataImage) -> impl Iterator<Item = MetadataResponseBroker> + '_ {
    image.brokers().filter(|b| !b.fenced).filter_map(|b| {
        let endpoint = b.endpoint(LISTENER)?;
        Some(MetadataResponseBroker {
            node_id: b.id.0,
            host: endpoint.host.clone(),
            port: i32::from(endpoint.port),
            rack: b.rack.clone(),
        })
    })
}

fn describe(image: &MetadataImage, topic: &TopicImage, version: i16) -> MetadataResponseTopic {
    MetadataResponseTopic {
        name: Some(topic.name.clone()),
        topic_id: topic.id,
        is_internal: is_internal(&topic.name),
        partitions: topic.partitions.iter().map(|(&index, p)| describe_partition(image, index, p, version)).collect(),
        ..Default::default()
    }
}

fn describe_partition(
    image: &MetadataImage,
    index: i32,
    p: &PartitionRegistration,
    version: i16,
) -> MetadataResponsePartition {
    let is_alive = |id: i32| image.broker(crate::id::NodeId(id)).is_some_and(|b| !b.fenced);
    let has_leader = is_alive(p.leader);
    // Version 0 lists only replicas that can be reached.
    let list = |ids: &[crate::id::NodeId]| numbers(ids).into_iter().filter(|&id| version > 0 || is_alive(id)).collect();
    MetadataResponsePartition {
        error_code: if has_leader { 0 } else { ErrorCode::LeaderNotAvailable.code() },
        partition_index: index,
        leader_id: if has_leader { p.leader } else { NO_LEADER },
        leader_epoch: p.leader_epoch,
        replica_nodes: list(&p.replicas),
        isr_nodes: list(&p.isr),
        offline_replicas: numbers(&p.replicas).into_iter().filter(|&id| !is_alive(id)).collect(),
    }
}
