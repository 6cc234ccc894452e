//! ListPartitionReassignments (key 46): which moves are under way, of everything or of chosen partitions (KIP-455;
//! Kafka: `ReplicationControlManager.listPartitionReassignments`).

use std::collections::BTreeMap;

use super::api::{Command, Decision, State};
use crate::{
    authorize::{Operation, Resource},
    metadata::{image::TopicImage, registration::numbers},
    wire::{
        error::ErrorCode,
        list_partition_reassignments::{
            ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, OngoingPartitionReassignment,
            OngoingTopicReassignment,
        },
    },
};

impl Command for ListPartitionReassignmentsRequest {
    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.authorize(Operation::Describe, Resource::Cluster) {
            return self.refuse(ErrorCode::ClusterAuthorizationFailed).into();
        }
        let image = state.image;
        let topics: Vec<OngoingTopicReassignment> = match &self.topics {
            None => {
                let mut partitions: BTreeMap<_, Vec<i32>> = BTreeMap::new();
                image.reassigning().for_each(|(id, partition)| partitions.entry(id).or_default().push(partition));
                let known = partitions.iter().filter_map(|(&id, chosen)| Some((image.topic_by_id(id)?, chosen)));
                known.filter_map(|(topic, chosen)| ongoing(topic, chosen)).collect()
            }
            Some(asked) => asked.iter().filter_map(|t| ongoing(image.topic(&t.name)?, &t.partition_indexes)).collect(),
        };
        ListPartitionReassignmentsResponse { error_message: None, topics, ..Default::default() }.into()
    }

    fn refuse(&self, error: ErrorCode) -> ListPartitionReassignmentsResponse {
        ListPartitionReassignmentsResponse { error_code: error.code(), error_message: None, ..Default::default() }
    }
}

/// `None`: nothing of this topic is on its way.
fn ongoing(topic: &TopicImage, chosen: &[i32]) -> Option<OngoingTopicReassignment> {
    let reassigning = |&partition_index: &i32| {
        let partition = topic.partitions.get(&partition_index).filter(|p| p.is_reassigning())?;
        Some(OngoingPartitionReassignment {
            partition_index,
            replicas: numbers(&partition.replicas),
            adding_replicas: numbers(&partition.adding_replicas),
            removing_replicas: numbers(&partition.removing_replicas),
        })
    };
    let partitions: Vec<OngoingPartitionReassignment> = chosen.iter().filter_map(reassigning).collect();
    (!partitions.is_empty()).then(|| OngoingTopicReassignment { name: topic.name.clone(), partitions })
}
