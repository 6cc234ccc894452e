//! OffsetCommit, OffsetFetch and OffsetDelete: topics are looked up here, by name or id, the rest is the coordinator's
//! (`KafkaApis.handleOffsetCommitRequest`, `handleOffsetFetchRequest`, `handleOffsetDeleteRequest`).

use super::{Broker, Reply};
use crate::{
    authorize::Operation,
    id::Uuid,
    seam::Ctx,
    wire::{
        error::ErrorCode,
        offset_commit::{
            OffsetCommitRequest, OffsetCommitResponse, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
        },
        offset_delete::{
            OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
        },
        offset_fetch::{
            OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponse,
            OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
        },
    },
};

/// Topics by id from here on (KIP-848).
const BY_ID_SINCE: i16 = 10;
/// Several groups in one request from here on (KIP-709).
const BATCHED_SINCE: i16 = 8;
/// Before this version there was no error for a whole answer.
const ERROR_OF_ALL_SINCE: i16 = 2;

impl Broker {
    pub(super) fn offset_commit(&mut self, ctx: &mut Ctx, reply: Reply, mut request: OffsetCommitRequest) {
        let denied = !self.may(&reply, Operation::Read, &request.group_id);
        let by_id = reply.version >= BY_ID_SINCE;
        let mut response = OffsetCommitResponse::default();
        for topic in &mut request.topics {
            let known = self.resolve(by_id, &mut topic.name, &mut topic.topic_id);
            let known_partitions = known.and_then(|()| self.image.topic_by_id(topic.topic_id)).map(|t| &t.partitions);
            let check = |partition: i32| match known_partitions {
                _ if denied => ErrorCode::GroupAuthorizationFailed,
                None if by_id => ErrorCode::UnknownTopicId,
                Some(partitions) if partitions.contains_key(&partition) => ErrorCode::None,
                _ => ErrorCode::UnknownTopicOrPartition,
            };
            let partitions = topic.partitions.iter().map(|p| OffsetCommitResponsePartition {
                partition_index: p.partition_index,
                error_code: check(p.partition_index).code(),
            });
            response.topics.push(OffsetCommitResponseTopic {
                name: topic.name.clone(),
                topic_id: topic.topic_id,
                partitions: partitions.collect(),
            });
        }
        if response.topics.iter().flat_map(|t| &t.partitions).all(|p| p.error_code != 0) {
            return self.answer_offset_commit(ctx, &reply, response);
        }
        self.groups.offset_commit(ctx, reply, &request, response);
    }

    pub(super) fn answer_offset_commit(&mut self, ctx: &mut Ctx, reply: &Reply, mut response: OffsetCommitResponse) {
        let by_id = reply.version >= BY_ID_SINCE;
        let is_known = |topic: &OffsetCommitResponseTopic| match by_id {
            true => self.image.topic_by_id(topic.topic_id).is_some(),
            false => self.image.topic(&topic.name).is_some(),
        };
        let topics = response.topics.into_iter().filter(|t| !t.partitions.is_empty() || !is_known(t));
        let topics = topics.map(|t| ((t.name, t.topic_id), t.partitions)).collect();
        let topics = refused_first(topics, |p| p.error_code).into_iter();
        let topic = |((name, topic_id), partitions)| OffsetCommitResponseTopic { name, topic_id, partitions };
        response.topics = topics.map(topic).collect();
        self.conns.answer::<OffsetCommitRequest>(ctx, reply, &response);
    }

    pub(super) fn offset_fetch(&mut self, ctx: &mut Ctx, reply: Reply, request: OffsetFetchRequest) {
        let by_id = reply.version >= BY_ID_SINCE;
        let mut groups = request.groups;
        if reply.version < BATCHED_SINCE {
            let topic = |t: crate::wire::offset_fetch::OffsetFetchRequestTopic| OffsetFetchRequestTopics {
                name: t.name,
                partition_indexes: t.partition_indexes,
                ..Default::default()
            };
            let topics = request.topics.map(|topics| topics.into_iter().map(topic).collect());
            groups = vec![OffsetFetchRequestGroup { group_id: request.group_id, topics, ..Default::default() }];
        }
        for topic in groups.iter_mut().flat_map(|g| g.topics.iter_mut().flatten()) {
            self.resolve(by_id, &mut topic.name, &mut topic.topic_id);
        }
        if let Some(denied) = groups.iter().find(|g| !self.may(&reply, Operation::Describe, &g.group_id)) {
            let error_code = ErrorCode::GroupAuthorizationFailed.code();
            let group_id = denied.group_id.clone();
            let refused = OffsetFetchResponseGroup { group_id, error_code, ..Default::default() };
            return self.answer_offset_fetch(ctx, &reply, vec![refused]);
        }
        if groups.is_empty() {
            return self.answer_offset_fetch(ctx, &reply, Vec::new());
        }
        self.groups.offset_fetch(ctx, reply, &groups, request.require_stable);
    }

    /// In the shape of the version.
    pub(super) fn answer_offset_fetch(
        &mut self,
        ctx: &mut Ctx,
        reply: &Reply,
        mut groups: Vec<OffsetFetchResponseGroup>,
    ) {
        if reply.version >= ERROR_OF_ALL_SINCE {
            groups.iter_mut().filter(|g| g.error_code != 0).for_each(|g| g.topics.clear());
        }
        if reply.version >= BY_ID_SINCE {
            for topic in groups.iter_mut().flat_map(|g| &mut g.topics) {
                if let Some(id) = self.image.topic_id(&topic.name) {
                    topic.topic_id = id;
                } else {
                    let unknown = ErrorCode::UnknownTopicId.code();
                    topic.partitions.iter_mut().for_each(|p| p.error_code = unknown);
                }
            }
            // Kafka lists them behind those that there are.
            groups.iter_mut().for_each(|g| g.topics.sort_by_key(|topic| self.image.topic_id(&topic.name).is_none()));
        }
        let response = if reply.version >= BATCHED_SINCE {
            OffsetFetchResponse { groups, ..Default::default() }
        } else {
            let group = groups.pop().unwrap_or_default();
            let of_all = if reply.version >= ERROR_OF_ALL_SINCE { group.error_code } else { 0 };
            let topics = group.topics.into_iter().map(|topic| OffsetFetchResponseTopic {
                name: topic.name,
                partitions: topic
                    .partitions
                    .into_iter()
                    .map(|p| OffsetFetchResponsePartition {
                        partition_index: p.partition_index,
                        committed_offset: p.committed_offset,
                        committed_leader_epoch: p.committed_leader_epoch,
                        metadata: p.metadata,
                        error_code: p.error_code,
                    })
                    .collect(),
            });
            OffsetFetchResponse { topics: topics.collect(), error_code: of_all, ..Default::default() }
        };
        self.conns.answer::<OffsetFetchRequest>(ctx, reply, &response);
    }

    pub(super) fn offset_delete(&mut self, ctx: &mut Ctx, reply: Reply, request: &OffsetDeleteRequest) {
        if !self.may(&reply, Operation::Delete, &request.group_id) {
            let error_code = ErrorCode::GroupAuthorizationFailed.code();
            let response = OffsetDeleteResponse { error_code, ..Default::default() };
            return self.conns.answer::<OffsetDeleteRequest>(ctx, &reply, &response);
        }
        let mut response = OffsetDeleteResponse::default();
        for topic in &request.topics {
            let known = self.image.topic(&topic.name);
            let is_known = |p: i32| known.is_some_and(|t| t.partitions.contains_key(&p));
            let partitions = topic.partitions.iter().map(|p| OffsetDeleteResponsePartition {
                partition_index: p.partition_index,
                error_code: if is_known(p.partition_index) { 0 } else { ErrorCode::UnknownTopicOrPartition.code() },
            });
            let partitions = partitions.collect();
            response.topics.push(OffsetDeleteResponseTopic { name: topic.name.clone(), partitions });
        }
        self.groups.offset_delete(ctx, reply, request, response);
    }

    pub(super) fn answer_offset_delete(&mut self, ctx: &mut Ctx, reply: &Reply, mut response: OffsetDeleteResponse) {
        let is_known = |topic: &OffsetDeleteResponseTopic| self.image.topic(&topic.name).is_some();
        let topics = response.topics.into_iter().filter(|t| !t.partitions.is_empty() || !is_known(t));
        let topics = topics.map(|t| (t.name, t.partitions)).collect();
        let topics = refused_first(topics, |p| p.error_code).into_iter();
        response.topics = topics.map(|(name, partitions)| OffsetDeleteResponseTopic { name, partitions }).collect();
        self.conns.answer::<OffsetDeleteRequest>(ctx, reply, &response);
    }

    /// Finds the other half of a topic's identity. `None`: there is no such topic.
    fn resolve(&self, by_id: bool, name: &mut String, id: &mut Uuid) -> Option<()> {
        if by_id {
            name.clone_from(&self.image.topic_by_id(*id)?.name);
        } else {
            *id = self.image.topic_id(name)?;
        }
        Some(())
    }
}

/// Topics and partitions that the metadata does not have are refused before the coordinator is asked. Where there are any,
/// Kafka lists them first, then what the coordinator said, and each topic once; otherwise the answer is the coordinator's
/// (`OffsetCommitResponse.Builder.merge`, `OffsetDeleteResponse.Builder.merge`). A topic that is here without partitions is
/// one that the metadata does not have.
fn refused_first<Topic, Part>(topics: Vec<(Topic, Vec<Part>)>, error_code: fn(&Part) -> i16) -> Vec<(Topic, Vec<Part>)>
where
    Topic: Clone + PartialEq,
{
    let unknown = [ErrorCode::UnknownTopicOrPartition.code(), ErrorCode::UnknownTopicId.code()];
    let is_refused = |part: &Part| unknown.contains(&error_code(part));
    if !topics.iter().any(|(_, parts)| parts.is_empty() || parts.iter().any(is_refused)) {
        return topics;
    }
    let (mut refused, mut others) = (Vec::new(), Vec::new());
    for (topic, parts) in topics {
        if parts.is_empty() {
            refused.push((topic.clone(), None));
        }
        for part in parts {
            let list = if is_refused(&part) { &mut refused } else { &mut others };
            list.push((topic.clone(), Some(part)));
        }
    }
    let mut merged: Vec<(Topic, Vec<Part>)> = Vec::new();
    for (topic, part) in refused.into_iter().chain(others) {
        match merged.iter_mut().find(|(known, _)| *known == topic) {
            Some((_, parts)) => parts.extend(part),
            None => merged.push((topic, part.into_iter().collect())),
        }
    }
    merged
}
