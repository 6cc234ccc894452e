//! DeleteTopics (key 20): by name, or since version 6 by id (Kafka: `ControllerApis.deleteTopics`).

use std::collections::BTreeSet;

use super::{
    api::{ApiError, Command, Decision, State, error},
    partitions::{DUPLICATE_NAME, repeated},
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
        if self.timeout_ms <= 0 {
            return self.refuse(ErrorCode::RequestTimedOut).into();
        }
        let mut batch = Batch::default();
        let mut responses = Vec::new();
        let asked = asked_to_delete(self);
        let mut deleted: BTreeSet<Uuid> = BTreeSet::new();
        let ids: Vec<Uuid> = asked.iter().filter(|(name, id)| name.is_none() && !id.is_zero()).map(|a| a.1).collect();
        let names: Vec<&str> = asked.iter().filter_map(|(name, _)| name.as_deref()).collect();
        let (repeated_ids, repeated_names) = (repeated(&ids), repeated(&names));
        let mut answered: BTreeSet<(Option<&str>, Uuid)> = BTreeSet::new();
        for (name, id) in &asked {
            if !answered.insert((name.as_deref(), *id)) {
                continue;
            }
            let result = find_topic(name.as_deref(), *id, &repeated_names, &repeated_ids, state)
                .and_then(|topic| delete_topic(topic, &mut deleted, state, &mut batch));
            responses.push(match result {
                Ok(topic) => {
                    DeletableTopicResult { name: Some(topic.name.clone()), topic_id: topic.id, ..Default::default() }
                }
                Err((code, message)) => {
                    let known = state.image.topic_by_id(*id).map(|t| t.name.clone());
                    not_deleted(name.clone().or(known), *id, code, message)
                }
            });
        }
        Decision { batch, response: DeleteTopicsResponse { responses, ..Default::default() } }
    }

    fn refuse(&self, error: ErrorCode) -> DeleteTopicsResponse {
        let responses =
            asked_to_delete(self).into_iter().map(|(name, id)| not_deleted(name, id, error, None)).collect();
        DeleteTopicsResponse { responses, ..Default::default() }
    }
}

/// By name or by id; version 6 has both.
fn asked_to_delete(request: &DeleteTopicsRequest) -> Vec<(Option<String>, Uuid)> {
    let by_name = request.topic_names.iter().map(|name| (Some(name.clone()), Uuid::ZERO));
    by_name.chain(request.topics.iter().map(|t| (t.name.clone(), t.topic_id))).collect()
}

fn not_deleted(name: Option<String>, topic_id: Uuid, code: ErrorCode, message: Option<String>) -> DeletableTopicResult {
    DeletableTopicResult { name, topic_id, error_code: code.code(), error_message: message }
}

fn find_topic<'a>(
    name: Option<&str>,
    id: Uuid,
    repeated_names: &BTreeSet<&str>,
    repeated_ids: &BTreeSet<Uuid>,
    state: &State<'a>,
) -> Result<&'a TopicImage, ApiError> {
    let unknown = |code: ErrorCode| (code, None);
    match name {
        None if id.is_zero() => error(ErrorCode::InvalidRequest, "Neither topic name nor id were specified."),
        Some(_) if !id.is_zero() => {
            error(ErrorCode::InvalidRequest, "You may not specify both topic name and topic id.")
        }
        Some(name) if repeated_names.contains(name) => error(ErrorCode::InvalidRequest, DUPLICATE_NAME),
        None if repeated_ids.contains(&id) => error(ErrorCode::InvalidRequest, "Duplicate topic id."),
        Some(name) => state.image.topic(name).ok_or_else(|| unknown(ErrorCode::UnknownTopicOrPartition)),
        None => state.image.topic_by_id(id).ok_or_else(|| unknown(ErrorCode::UnknownTopicId)),
    }
}

fn delete_topic<'a>(
    topic: &'a TopicImage,
    deleted: &mut BTreeSet<Uuid>,
    state: &State<'_>,
    batch: &mut Batch,
) -> Result<&'a TopicImage, ApiError> {
    if !state.authorize(Operation::Delete, Resource::Topic(&topic.name)) {
        return Err((ErrorCode::TopicAuthorizationFailed, None));
    }
    if !deleted.insert(topic.id) {
        let message = "The provided topic name maps to an ID that was already supplied.";
        return error(ErrorCode::InvalidRequest, message);
    }
    batch.push(RemoveTopicRecord { topic_id: topic.id });
    Ok(topic)
}
