//! CreateTopics (key 19) (Kafka: `ControllerApis.createTopics`, `ReplicationControlManager.createTopics`).

use std::collections::BTreeMap;

use super::{
    api::{ApiError, Command, Decision, State, error},
    configs,
    partitions::{DUPLICATE_NAME, all_fenced, assigned_partition, new_partition, repeated},
    placement::{self, MOST_PLACED},
    write::{Batch, MAX_RECORDS},
};
use crate::{
    authorize::{Operation, Resource},
    config::table::{self, ConfigKey, Scope},
    id::Uuid,
    metadata::{
        alter_configs::is_unspeakable,
        configs::{Source, inherited_raw},
        registration::PartitionRegistration,
        topic_name,
    },
    wire::{
        create_topics::{
            CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse,
        },
        error::ErrorCode,
        metadata_records::TopicRecord,
    },
};

const METADATA_TOPIC: &str = "__cluster_metadata";

impl Command for CreateTopicsRequest {
    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        let names: Vec<&str> = self.topics.iter().map(|t| t.name.as_str()).collect();
        let repeated = repeated(&names);
        let asked = self.topics.iter().filter(|t| t.name != METADATA_TOPIC && !repeated.contains(t.name.as_str()));
        if let Err((code, message)) = check_total(asked, state.config.num_partitions) {
            let topics = self.topics.iter().map(|t| failed(&t.name, code, message.clone())).collect();
            return CreateTopicsResponse { topics, ..Default::default() }.into();
        }
        let mut batch = Batch::default();
        let mut topics: Vec<CreatableTopicResult> = Vec::new();
        for topic in &self.topics {
            if repeated.contains(topic.name.as_str()) {
                continue;
            }
            match create_topic(topic, state) {
                Ok((records, result)) => {
                    batch.append(records);
                    topics.push(result);
                }
                Err((code, message)) => topics.push(failed(&topic.name, code, message)),
            }
        }
        // One too many, and none of them is created, not even those that would fit.
        if batch.len() > MAX_RECORDS {
            let message = "Unable to perform excessively large batch operation.";
            let refused = |t: &CreatableTopic| failed(&t.name, ErrorCode::PolicyViolation, Some(message.into()));
            let topics = self.topics.iter().map(refused).collect();
            return CreateTopicsResponse { topics, ..Default::default() }.into();
        }
        let duplicate = |name: &&str| failed(name, ErrorCode::InvalidRequest, Some(DUPLICATE_NAME.into()));
        topics.extend(repeated.iter().map(duplicate));
        if self.validate_only {
            batch = Batch::default();
        }
        if topics.iter().any(|topic| topic.error_code == ErrorCode::UnknownServerError.code()) {
            return self.refuse(ErrorCode::UnknownServerError).into();
        }
        let response = if topics.iter().any(|topic| is_unspeakable(topic.error_message.as_ref())) {
            self.refuse(ErrorCode::UnknownServerError)
        } else {
            CreateTopicsResponse { topics, ..Default::default() }
        };
        Decision { batch, response }
    }

    /// The controller is not asked when nothing is left of the request (`ControllerApis.createTopics`).
    fn timeout_ms(&self) -> i32 {
        let names: Vec<&str> = self.topics.iter().map(|t| t.name.as_str()).collect();
        let repeated = repeated(&names);
        let is_refused = |name: &&str| *name == METADATA_TOPIC || repeated.contains(name);
        if names.iter().all(is_refused) { i32::MAX } else { self.timeout_ms }
    }

    fn refuse(&self, error: ErrorCode) -> CreateTopicsResponse {
        let topics = self.topics.iter().map(|t| failed(&t.name, error, None)).collect();
        CreateTopicsResponse { topics, ..Default::default() }
    }
}

fn failed(name: &str, error: ErrorCode, error_message: Option<String>) -> CreatableTopicResult {
    CreatableTopicResult {
        name: name.into(),
        error_code: error.code(),
        error_message,
        configs: Some(Vec::new()),
        ..Default::default()
    }
}

/// Kafka: `ReplicationControlManager.validateTotalNumberOfPartitions`, which counts in 32 bits that may wrap around.
fn check_total<'a>(topics: impl Iterator<Item = &'a CreatableTopic>, default: i32) -> Result<(), ApiError> {
    let partitions = |topic: &CreatableTopic| match (topic.assignments.len(), topic.num_partitions) {
        (0, -1) => default,
        (0, asked) => asked.max(0),
        (assigned, _) => i32::try_from(assigned).unwrap_or(i32::MAX),
    };
    if topics.map(partitions).fold(0, i32::wrapping_add) > MAX_RECORDS as i32 {
        return error(ErrorCode::PolicyViolation, "Excessively large number of partitions per request.");
    }
    Ok(())
}

fn create_topic(topic: &CreatableTopic, state: &mut State<'_>) -> Result<(Batch, CreatableTopicResult), ApiError> {
    if topic.name == METADATA_TOPIC {
        let message = format!("Creation of internal topic {METADATA_TOPIC} is prohibited.");
        return error(ErrorCode::InvalidRequest, message);
    }
    if !state.authorize(Operation::Create, Resource::Topic(&topic.name)) {
        return error(ErrorCode::TopicAuthorizationFailed, "Authorization failed.");
    }
    check_name(&topic.name, state)?;
    let mut batch = Batch::default();
    let topic_id = Uuid::random(state.rng);
    batch.push(TopicRecord { name: topic.name.clone(), topic_id });
    batch.append(configs::of_new_topic(topic, state)?);

    let partitions = if topic.assignments.is_empty() { placed(topic, state)? } else { assigned(topic, state)? };
    for (&id, partition) in &partitions {
        batch.push(partition.to_record(topic_id, id));
    }
    let result = CreatableTopicResult {
        name: topic.name.clone(),
        topic_id,
        error_message: None,
        num_partitions: partitions.len() as i32,
        replication_factor: partitions[&0].replicas.len() as i16,
        configs: Some(effective_configs(topic, state)),
        ..Default::default()
    };
    Ok((batch, result))
}

/// Kafka: `Topic.validate` and `validateNewTopicNames`. Metrics write `.` as `_`, so names that differ only there collide.
fn check_name(name: &str, state: &State<'_>) -> Result<(), ApiError> {
    if let Some(why) = topic_name::invalid(name) {
        return error(ErrorCode::InvalidTopicException, format!("Topic name is invalid: {why}"));
    }
    if let Some(other) = state.index.colliding(name) {
        let message = format!("Topic '{name}' collides with existing topic: {other}");
        return error(ErrorCode::InvalidTopicException, message);
    }
    if state.image.topic(name).is_some() {
        return error(ErrorCode::TopicAlreadyExists, format!("Topic '{name}' already exists."));
    }
    Ok(())
}

type Partitions = BTreeMap<i32, PartitionRegistration>;

fn placed(topic: &CreatableTopic, state: &mut State<'_>) -> Result<Partitions, ApiError> {
    if topic.replication_factor < -1 || topic.replication_factor == 0 {
        return error(
            ErrorCode::InvalidReplicationFactor,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        );
    }
    if topic.num_partitions < -1 || topic.num_partitions == 0 {
        return error(ErrorCode::InvalidPartitions, "Number of partitions was set to an invalid non-positive value.");
    }
    let or_default = |asked: i32, default: i32| if asked == -1 { default } else { asked } as usize;
    let partitions = or_default(topic.num_partitions, state.config.num_partitions);
    let factor = or_default(topic.replication_factor.into(), state.config.default_replication_factor.into());
    // More are refused with the batch. Past all bounds Kafka runs out of memory, and the whole request fails.
    let assignments = placement::place(partitions.min(MAX_RECORDS + 1), factor, state)?;
    if partitions > MOST_PLACED {
        return Err((ErrorCode::UnknownServerError, None));
    }
    (0..)
        .zip(assignments)
        .map(|(id, replicas)| Ok((id, new_partition(replicas, state).ok_or_else(|| all_fenced(factor))?)))
        .collect()
}

fn assigned(topic: &CreatableTopic, state: &State<'_>) -> Result<Partitions, ApiError> {
    if topic.replication_factor != -1 {
        return error(
            ErrorCode::InvalidRequest,
            "A manual partition assignment was specified, but replication factor was not set to -1.",
        );
    }
    if topic.num_partitions != -1 {
        return error(
            ErrorCode::InvalidRequest,
            "A manual partition assignment was specified, but numPartitions was not set to -1.",
        );
    }
    let mut partitions = Partitions::new();
    let mut factor = None;
    for assignment in &topic.assignments {
        let id = assignment.partition_index;
        if partitions.contains_key(&id) {
            let message = format!("Found multiple manual partition assignments for partition {id}");
            return error(ErrorCode::InvalidReplicaAssignment, message);
        }
        let partition = assigned_partition(id, &assignment.broker_ids, factor, state)?;
        factor = Some(partition.replicas.len());
        partitions.insert(id, partition);
    }
    if !partitions.keys().copied().eq(0..partitions.len() as i32) {
        let message = "partitions should be a consecutive 0-based integer sequence";
        return error(ErrorCode::InvalidReplicaAssignment, message);
    }
    Ok(partitions)
}

/// What the new topic's keys will be, as a broker with the controller's configuration would have them; values as they
/// were given (Kafka: `KafkaConfigSchema.resolveEffectiveTopicConfigs`).
fn effective_configs(topic: &CreatableTopic, state: &State<'_>) -> Vec<CreatableTopicConfigs> {
    let describe = |key: &ConfigKey| {
        let asked = topic.configs.iter().rev().find(|c| c.name == key.name).and_then(|c| c.value.clone());
        let (value, source) = match asked {
            Some(value) => (Some(value), Source::Topic),
            None if key.internal => return None,
            None => inherited_raw(state.image, key, state.config),
        };
        Some(CreatableTopicConfigs {
            name: key.name.into(),
            value,
            read_only: false,
            config_source: source as i8,
            is_sensitive: key.kind.is_sensitive(),
        })
    };
    table::keys(Scope::Topic).iter().filter_map(describe).collect()
}
