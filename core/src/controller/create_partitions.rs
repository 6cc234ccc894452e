//! CreatePartitions (key 37): a topic gets more partitions, and keeps its replication factor
//! (Kafka: `ReplicationControlManager.createPartitions`).

use super::{
    api::{ApiError, Command, Decision, State, error},
    partitions::{DUPLICATE_NAME, all_fenced, assigned_partition, new_partition, repeated},
    placement::{self, MOST_PLACED},
    write::{Batch, MAX_RECORDS},
};
use crate::{
    authorize::{Operation, Resource},
    metadata::registration::PartitionRegistration,
    wire::{
        create_partitions::{
            CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic, CreatePartitionsTopicResult,
        },
        error::ErrorCode,
    },
};

impl Command for CreatePartitionsRequest {
    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        let mut batch = Batch::default();
        let mut results = Vec::new();
        let names: Vec<&str> = self.topics.iter().map(|t| t.name.as_str()).collect();
        let repeated = repeated(&names);
        let mut room = MAX_RECORDS;
        for topic in self.topics.iter().filter(|t| !repeated.contains(t.name.as_str())) {
            let (code, message) = match create_partitions(topic, state, &mut batch, &mut room) {
                Ok(()) => (ErrorCode::None, None),
                Err(error) => error,
            };
            results.push(partitions_result(&topic.name, code, message));
            // Kafka runs out of memory, and the whole request fails.
            if code == ErrorCode::UnknownServerError && topic.count > MOST_PLACED as i32 {
                return self.refuse(code).into();
            }
        }
        let duplicate = |name: &&str| partitions_result(name, ErrorCode::InvalidRequest, Some(DUPLICATE_NAME.into()));
        results.extend(repeated.iter().map(duplicate));
        if self.validate_only {
            batch = Batch::default();
        }
        Decision { batch, response: CreatePartitionsResponse { results, ..Default::default() } }
    }

    /// The controller is not asked when every topic stands twice (`ControllerApis.createPartitions`).
    fn timeout_ms(&self) -> i32 {
        let names: Vec<&str> = self.topics.iter().map(|t| t.name.as_str()).collect();
        let repeated = repeated(&names);
        if names.iter().all(|name| repeated.contains(name)) { i32::MAX } else { self.timeout_ms }
    }

    fn refuse(&self, error: ErrorCode) -> CreatePartitionsResponse {
        let results = self.topics.iter().map(|t| partitions_result(&t.name, error, None)).collect();
        CreatePartitionsResponse { results, ..Default::default() }
    }
}

fn partitions_result(name: &str, error: ErrorCode, error_message: Option<String>) -> CreatePartitionsTopicResult {
    CreatePartitionsTopicResult { name: name.into(), error_code: error.code(), error_message }
}

/// `room`: how many more partitions the request may add. Kafka finds out only when it has added so many, keeps those, and
/// answers UNKNOWN_SERVER_ERROR for this topic and all after it; here nothing is half done, and the answer is the same.
fn create_partitions(
    asked: &CreatePartitionsTopic,
    state: &mut State<'_>,
    batch: &mut Batch,
    room: &mut usize,
) -> Result<(), ApiError> {
    if !state.authorize(Operation::Alter, Resource::Topic(&asked.name)) {
        return Err((ErrorCode::TopicAuthorizationFailed, None));
    }
    let topic = state.image.topic(&asked.name).ok_or((ErrorCode::UnknownTopicOrPartition, None))?;
    let have = topic.partitions.len();
    let count = usize::try_from(asked.count).unwrap_or(0);
    if count == have {
        return error(ErrorCode::InvalidPartitions, format!("Topic already has {have} partition(s)."));
    }
    if count < have {
        let message = format!(
            "The topic {} currently has {have} partition(s); {} would not be an increase.",
            asked.name, asked.count
        );
        return error(ErrorCode::InvalidPartitions, message);
    }
    let additional = count - have;
    let factor = topic.partitions.values().next().map_or(1, |p| p.replicas.len());
    let partitions: Vec<PartitionRegistration> = match &asked.assignments {
        Some(assignments) if assignments.len() != additional => {
            let message = format!(
                "Attempted to add {additional} additional partition(s), but only {} assignment(s) were specified.",
                assignments.len()
            );
            return error(ErrorCode::InvalidReplicaAssignment, message);
        }
        Some(assignments) => (have as i32..)
            .zip(assignments)
            .map(|(id, a)| assigned_partition(id, &a.broker_ids, Some(factor), state))
            .collect::<Result<_, _>>()?,
        None => placement::place(additional.min(*room), factor, state)?
            .into_iter()
            .map(|replicas| new_partition(replicas, state).ok_or_else(|| all_fenced(factor)))
            .collect::<Result<_, _>>()?,
    };
    if additional > *room {
        *room = 0;
        return Err((ErrorCode::UnknownServerError, None));
    }
    *room -= additional;
    for (id, partition) in (have as i32..).zip(partitions) {
        batch.push(partition.to_record(topic.id, id));
    }
    Ok(())
}
