//! AlterPartitionReassignments (key 45): begins, changes and cancels moves of partitions to other replicas (KIP-455;
//! Kafka: `ReplicationControlManager.alterPartitionReassignments`). They end by themselves: with each change of a
//! partition the controller looks whether all replicas that are to stay are in sync (`election`).

use super::{
    api::{ApiError, Command, Decision, State, error},
    election::{Election, PartitionChange},
    partitions::check_assignment,
    reassignment::{Reassignment, target_factor},
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    id::NodeId,
    metadata::{
        image::TopicImage,
        registration::{PartitionRegistration, nodes},
    },
    wire::{
        alter_partition_reassignments::{
            AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartition,
            ReassignablePartitionResponse, ReassignableTopic, ReassignableTopicResponse,
        },
        error::ErrorCode,
    },
};

impl Command for AlterPartitionReassignmentsRequest {
    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.authorize(Operation::Alter, Resource::Cluster) {
            return self.refuse(ErrorCode::ClusterAuthorizationFailed).into();
        }
        if self.topics.is_empty() {
            return AlterPartitionReassignmentsResponse::default().into();
        }
        if self.timeout_ms <= 0 {
            return self.refuse(ErrorCode::RequestTimedOut).into();
        }
        let mut batch = Batch::default();
        let allow_factor_change = self.allow_replication_factor_change;
        let responses = answers(self, |topic, partition| {
            let changed = alter(topic, partition, allow_factor_change, state, &mut batch);
            changed.err().unwrap_or((ErrorCode::None, None))
        });
        let response = AlterPartitionReassignmentsResponse {
            allow_replication_factor_change: allow_factor_change,
            error_message: None,
            responses,
            ..Default::default()
        };
        Decision { batch, response }
    }

    fn refuse(&self, error: ErrorCode) -> AlterPartitionReassignmentsResponse {
        AlterPartitionReassignmentsResponse {
            error_code: error.code(),
            error_message: None,
            responses: answers(self, |_, _| (error, None)),
            ..Default::default()
        }
    }
}

/// An answer for each partition, in the order of the request.
fn answers(
    request: &AlterPartitionReassignmentsRequest,
    mut answer: impl FnMut(&ReassignableTopic, &ReassignablePartition) -> ApiError,
) -> Vec<ReassignableTopicResponse> {
    let mut of_topic = |topic: &ReassignableTopic| {
        let mut of_partition = |partition: &ReassignablePartition| {
            let (code, error_message) = answer(topic, partition);
            let (partition_index, error_code) = (partition.partition_index, code.code());
            ReassignablePartitionResponse { partition_index, error_code, error_message }
        };
        let partitions = topic.partitions.iter().map(&mut of_partition).collect();
        ReassignableTopicResponse { name: topic.name.clone(), partitions }
    };
    request.topics.iter().map(&mut of_topic).collect()
}

fn alter(
    topic: &ReassignableTopic,
    asked: &ReassignablePartition,
    allow_factor_change: bool,
    state: &State<'_>,
    batch: &mut Batch,
) -> Result<(), ApiError> {
    let unknown = |what: String| (ErrorCode::UnknownTopicOrPartition, Some(what));
    let (name, index) = (&topic.name, asked.partition_index);
    let topic = state.image.topic(name).ok_or_else(|| unknown(format!("Unable to find a topic named {name}.")))?;
    let partition =
        topic.partitions.get(&index).ok_or_else(|| unknown(format!("Unable to find partition {name}:{index}.")))?;
    let acceptable = |r: NodeId| state.image.is_active(r);
    let mut change = PartitionChange::new(partition, topic, index, &acceptable, state);
    let why = match &asked.replicas {
        None => cancel(topic, index, &mut change)?,
        Some(replicas) => {
            check_assignment(replicas, state)?;
            if !allow_factor_change {
                check_factor(partition, replicas)?;
            }
            reassign(&nodes(replicas), &mut change)
        }
    };
    if let Some((record, how)) = change.build() {
        batch.push_because(record, format!("{why}; {how}"));
    }
    Ok(())
}

/// Kafka: `validatePartitionReplicationFactorUnchanged` (KIP-860).
fn check_factor(partition: &PartitionRegistration, replicas: &[i32]) -> Result<(), ApiError> {
    let (from, to) = (target_factor(partition), replicas.len());
    if from == to {
        return Ok(());
    }
    error(ErrorCode::InvalidReplicationFactor, format!("The replication factor is changed from {from} to {to}"))
}

/// Kafka: `cancelPartitionReassignment`. Nobody of the old replicas may be in sync any more: then the first of them is
/// taken back, at the price of records, where the topic allows that.
fn cancel(topic: &TopicImage, index: i32, change: &mut PartitionChange<'_>) -> Result<String, ApiError> {
    if !change.partition.is_reassigning() {
        return Err((ErrorCode::NoReassignmentInProgress, None));
    }
    let (replicas, mut isr) = change.target.revert(&change.partition.isr);
    if isr.is_empty() {
        let first = replicas.first().copied().ok_or_else(|| {
            let message = "Invalid replica assignment: addingReplicas contains all replicas.";
            (ErrorCode::InvalidReplicaAssignment, Some(message.into()))
        })?;
        if change.election != Election::Unclean {
            let message = format!(
                "Unable to revert partition assignment for {}:{index} because it would require an unclean leader \
                 election.",
                topic.name
            );
            return error(ErrorCode::InvalidReplicaAssignment, message);
        }
        isr.push(first);
    }
    change.target = Reassignment { replicas, ..Reassignment::default() };
    change.target_isr = isr;
    Ok("the reassignment was cancelled".into())
}

/// Kafka: `changePartitionReassignment`. Replicas that are neither added nor removed by this one stay marked as they were.
fn reassign(target: &[NodeId], change: &mut PartitionChange<'_>) -> String {
    let Reassignment { replicas, adding, removing } = Reassignment::to(&change.partition.replicas, target);
    let list = |ids: &[NodeId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let why = match (adding.is_empty(), removing.is_empty()) {
        (true, true) => "a reassignment puts its replicas in another order".into(),
        (false, true) => format!("a reassignment adds {}", list(&adding)),
        (true, false) => format!("a reassignment removes {}", list(&removing)),
        (false, false) => format!("a reassignment adds {} and removes {}", list(&adding), list(&removing)),
    };
    change.target.replicas = replicas;
    if !adding.is_empty() {
        change.target.adding = adding;
    }
    if !removing.is_empty() {
        change.target.removing = removing;
    }
    // Nobody fails here, so nobody is elected at the price of records.
    change.election = Election::Online;
    why
}
