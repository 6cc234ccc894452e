//! DeleteTopics (key 20): by name, or since version 6 by id (Kafka: `ControllerApis.deleteTopics`).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    api::{Command, Decision, State},
    partitions::DUPLICATE_NAME,
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    id::Uuid,
    metadata::image::TopicImage,
    wire::{
        delete_topics::{DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse},
        error::ErrorCode,
        metadata_records::RemoveTopicRecord,
    },
};

impl Command for DeleteTopicsRequest {
    fn decide(&self, version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.config.delete_topic_enable {
            let code = if version < 3 { ErrorCode::InvalidRequest } else { ErrorCode::TopicDeletionDisabled };
            return self.refuse(code).into();
        }
        let mut batch = Batch::default();
        let mut responses = Vec::new();
        let (names, ids) = Provided::sort_out(self, &mut responses);
        // The controller is asked what names and ids mean, and has no time for that.
        if self.timeout_ms <= 0 && !(names.once.is_empty() && ids.once.is_empty()) {
            return self.refuse(ErrorCode::RequestTimedOut).into();
        }
        // First by id, then by name: a name that means a topic which its id has meant already refuses both.
        let mut found: BTreeMap<Uuid, &TopicImage> = BTreeMap::new();
        for id in ids.once {
            match state.image.topic_by_id(id) {
                Some(topic) => _ = found.insert(id, topic),
                None => responses.push(not_deleted(None, id, ErrorCode::UnknownTopicId, None)),
            }
        }
        let mut twice = ids.repeated;
        for name in names.once {
            let Some(topic) = state.image.topic(name) else {
                responses.push(not_deleted(Some(name), Uuid::ZERO, ErrorCode::UnknownTopicOrPartition, None));
                continue;
            };
            if twice.contains(&topic.id) || found.insert(topic.id, topic).is_some() {
                twice.insert(topic.id);
                found.remove(&topic.id);
                let message = "The provided topic name maps to an ID that was already supplied.";
                responses.push(not_deleted(Some(name), topic.id, ErrorCode::InvalidRequest, Some(message)));
            }
        }
        for (id, topic) in found {
            if state.authorize(Operation::Delete, Resource::Topic(&topic.name)) {
                batch.push(RemoveTopicRecord { topic_id: id });
                responses.push(DeletableTopicResult {
                    name: Some(topic.name.clone()),
                    topic_id: id,
                    ..Default::default()
                });
            } else {
                responses.push(not_deleted(Some(&topic.name), id, ErrorCode::TopicAuthorizationFailed, None));
            }
        }
        Decision { batch, response: DeleteTopicsResponse { responses, ..Default::default() } }
    }

    fn refuse(&self, error: ErrorCode) -> DeleteTopicsResponse {
        let responses = asked_to_delete(self)
            .map(|(name, id)| DeletableTopicResult { error_message: None, ..not_deleted(name, id, error, None) })
            .collect();
        DeleteTopicsResponse { responses, ..Default::default() }
    }
}

/// By name or by id; version 6 has both.
fn asked_to_delete(request: &DeleteTopicsRequest) -> impl Iterator<Item = (Option<&str>, Uuid)> {
    let by_name = request.topic_names.iter().map(|name| (Some(name.as_str()), Uuid::ZERO));
    by_name.chain(request.topics.iter().map(|t| (t.name.as_deref(), t.topic_id)))
}

fn not_deleted(name: Option<&str>, topic_id: Uuid, code: ErrorCode, message: Option<&str>) -> DeletableTopicResult {
    let (name, error_message) = (name.map(String::from), Some(message.unwrap_or(code.message()).to_owned()));
    DeletableTopicResult { name, topic_id, error_code: code.code(), error_message }
}

/// What was said once, and what more often and is therefore not done.
struct Provided<T> {
    once: BTreeSet<T>,
    repeated: BTreeSet<T>,
}

impl<T: Ord + Copy> Provided<T> {
    fn new() -> Self {
        Self { once: BTreeSet::new(), repeated: BTreeSet::new() }
    }

    fn add(&mut self, item: T) {
        if self.repeated.contains(&item) || !self.once.insert(item) {
            self.once.remove(&item);
            self.repeated.insert(item);
        }
    }
}

impl Provided<Uuid> {
    /// Names and ids. What is neither or both, and what is said twice, is refused here.
    fn sort_out<'a>(
        request: &'a DeleteTopicsRequest,
        responses: &mut Vec<DeletableTopicResult>,
    ) -> (Provided<&'a str>, Self) {
        let (mut names, mut ids) = (Provided::new(), Self::new());
        let mut refuse = |name, id, why| responses.push(not_deleted(name, id, ErrorCode::InvalidRequest, Some(why)));
        for asked in asked_to_delete(request) {
            match asked {
                (None, Uuid::ZERO) => refuse(None, Uuid::ZERO, "Neither topic name nor id were specified."),
                (None, id) => ids.add(id),
                (Some(name), Uuid::ZERO) => names.add(name),
                (Some(_), _) => refuse(asked.0, asked.1, "You may not specify both topic name and topic id."),
            }
        }
        names.repeated.iter().for_each(|name| refuse(Some(name), Uuid::ZERO, DUPLICATE_NAME));
        ids.repeated.iter().for_each(|&id| refuse(None, id, "Duplicate topic id."));
        (names, ids)
    }
}
