//! ElectLeaders (key 43): the preferred replica leads again, or, if nobody in sync is left, anybody that is alive
//! (KIP-460; Kafka: `ReplicationControlManager.electLeaders`).

use super::{
    api::{ApiError, Command, Decision, State},
    election::{Election, PartitionChange},
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    id::NodeId,
    wire::{
        elect_leaders::{ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult},
        error::ErrorCode,
    },
};

impl Command for ElectLeadersRequest {
    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.authorize(Operation::Alter, Resource::Cluster) {
            return self.refuse(ErrorCode::ClusterAuthorizationFailed).into();
        }
        if self.topic_partitions.as_ref().is_some_and(Vec::is_empty) {
            return ElectLeadersResponse::default().into();
        }
        if self.timeout_ms <= 0 {
            return self.refuse(ErrorCode::RequestTimedOut).into();
        }
        let election = match self.election_type {
            0 => Election::Preferred,
            1 => Election::Unclean,
            other => {
                let message = format!("Unknown election type {other}");
                return refusal(self, ErrorCode::InvalidRequest, Some(&message)).into();
            }
        };
        let mut batch = Batch::default();
        let mut elect_one = |topic: &str, partition_id: i32| {
            let (code, error_message) = match elect(topic, partition_id, election, state, &mut batch) {
                Ok(()) => (ErrorCode::None, None),
                Err(error) => error,
            };
            PartitionResult { partition_id, error_code: code.code(), error_message }
        };
        let needed = |result: &PartitionResult| result.error_code != ErrorCode::ElectionNotNeeded.code();
        let replica_election_results = match &self.topic_partitions {
            // Of all partitions those are left out that have the leader they should have.
            None => state
                .image
                .topics()
                .map(|topic| ReplicaElectionResult {
                    topic: topic.name.clone(),
                    partition_result: topic
                        .partitions
                        .keys()
                        .map(|&id| elect_one(&topic.name, id))
                        .filter(needed)
                        .collect(),
                })
                .collect(),
            Some(topics) => topics
                .iter()
                .map(|asked| ReplicaElectionResult {
                    topic: asked.topic.clone(),
                    partition_result: asked.partitions.iter().map(|&id| elect_one(&asked.topic, id)).collect(),
                })
                .collect(),
        };
        Decision { batch, response: ElectLeadersResponse { replica_election_results, ..Default::default() } }
    }

    fn refuse(&self, error: ErrorCode) -> ElectLeadersResponse {
        refusal(self, error, None)
    }
}

/// The same for all that was named (Kafka: `ElectLeadersRequest.getErrorResponse`).
fn refusal(request: &ElectLeadersRequest, error: ErrorCode, message: Option<&str>) -> ElectLeadersResponse {
    let error_code = error.code();
    let refused =
        |&partition_id: &i32| PartitionResult { partition_id, error_code, error_message: message.map(Into::into) };
    let topics = request.topic_partitions.iter().flatten().map(|asked| ReplicaElectionResult {
        topic: asked.topic.clone(),
        partition_result: asked.partitions.iter().map(refused).collect(),
    });
    ElectLeadersResponse { error_code, replica_election_results: topics.collect(), ..Default::default() }
}

fn elect(name: &str, index: i32, election: Election, state: &State<'_>, batch: &mut Batch) -> Result<(), ApiError> {
    let unknown = |what: String| (ErrorCode::UnknownTopicOrPartition, Some(what));
    let topic = state.image.topic(name).ok_or_else(|| unknown(format!("No such topic as {name}")))?;
    let partition =
        topic.partitions.get(&index).ok_or_else(|| unknown(format!("No such partition as {name}-{index}")))?;
    let content = match election {
        Election::Unclean => partition.leader().is_some(),
        _ => partition.has_preferred_leader(),
    };
    if content {
        let message = "Leader election not needed for topic partition.";
        return Err((ErrorCode::ElectionNotNeeded, Some(message.into())));
    }
    let acceptable = |r: NodeId| state.image.is_active(r);
    let mut change = PartitionChange::new(partition, topic, index, &acceptable, state);
    change.election = election;
    let Some((record, how)) = change.build() else {
        let (code, message) = match election {
            Election::Unclean => {
                (ErrorCode::EligibleLeadersNotAvailable, "Eligible topic partition leaders are not available.")
            }
            _ => (ErrorCode::PreferredLeaderNotAvailable, "The preferred leader was not available."),
        };
        return Err((code, Some(message.into())));
    };
    batch.push_because(record, format!("an election was asked for; {how}"));
    Ok(())
}
