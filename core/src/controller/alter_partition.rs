//! AlterPartition (key 56): a leader asks for another ISR (KIP-497, KIP-841; Kafka:
//! `ReplicationControlManager.alterPartition`). The checks come in Kafka's order, because leaders react to each error
//! in another way.

use super::{
    api::{Command, Decision, State},
    election::{self, PartitionChange},
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    id::NodeId,
    metadata::{
        image::TopicImage,
        registration::{NO_LEADER_CHANGE, PartitionRegistration, RECOVERED, RECOVERING, numbers},
    },
    wire::{
        alter_partition::{
            AlterPartitionRequest, AlterPartitionResponse, BrokerState, PartitionData, ResponsePartitionData,
            ResponseTopicData,
        },
        error::ErrorCode,
    },
};

impl Command for AlterPartitionRequest {
    const OF_USERS: bool = false;

    fn decide(&self, version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.authorize(Operation::ClusterAction, Resource::Cluster) {
            return self.refuse(ErrorCode::ClusterAuthorizationFailed).into();
        }
        let broker = NodeId(self.broker_id);
        if let Err(error) = state.check_broker_epoch(broker, self.broker_epoch) {
            return self.refuse(error).into();
        }
        let mut batch = Batch::default();
        let mut topics = Vec::new();
        for topic in &self.topics {
            let known = state.image.topic_by_id(topic.topic_id);
            let answer = |partition: &PartitionData| {
                let result = match known {
                    Some(known) => alter(broker, known, partition, version, state, &mut batch),
                    None => Err(ErrorCode::UnknownTopicId),
                };
                let mut data = result
                    .unwrap_or_else(|error| ResponsePartitionData { error_code: error.code(), ..Default::default() });
                data.partition_index = partition.partition_index;
                data
            };
            let partitions = topic.partitions.iter().map(answer).collect();
            topics.push(ResponseTopicData { topic_id: topic.topic_id, partitions });
        }
        Decision { batch, response: AlterPartitionResponse { topics, ..Default::default() } }
    }

    fn refuse(&self, error: ErrorCode) -> AlterPartitionResponse {
        AlterPartitionResponse { error_code: error.code(), ..Default::default() }
    }
}

fn alter(
    broker: NodeId,
    topic: &TopicImage,
    data: &PartitionData,
    version: i16,
    state: &State<'_>,
    batch: &mut Batch,
) -> Result<ResponsePartitionData, ErrorCode> {
    let partition = topic.partitions.get(&data.partition_index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let asked = members(data, version);
    check(broker, partition, data, &asked, state)?;

    let acceptable = |r: NodeId| state.image.is_active(r);
    let mut change = PartitionChange::new(partition, topic, data.partition_index, &acceptable, state);
    change.target_isr = asked.iter().map(|m| NodeId(m.broker_id)).collect();
    change.target_recovery = data.leader_recovery_state;
    let mut after = partition.clone();
    if let Some((record, _)) = change.build() {
        let led_by_another = record.leader != NO_LEADER_CHANGE && record.leader != broker.0;
        after.change(&record);
        batch.push_because(record, why(broker, partition, &after));
        if led_by_another {
            return Err(ErrorCode::NewLeaderElected);
        }
    }
    Ok(ResponsePartitionData {
        leader_id: after.leader,
        leader_epoch: after.leader_epoch,
        isr: numbers(&after.isr),
        leader_recovery_state: after.leader_recovery_state,
        partition_epoch: after.partition_epoch,
        ..Default::default()
    })
}

/// Before version 3 members come without epochs.
fn members(data: &PartitionData, version: i16) -> Vec<BrokerState> {
    if version >= 3 {
        return data.new_isr_with_epochs.clone();
    }
    data.new_isr.iter().map(|&broker_id| BrokerState { broker_id, broker_epoch: -1 }).collect()
}

/// Kafka: `ReplicationControlManager.validateAlterPartitionData`.
fn check(
    broker: NodeId,
    partition: &PartitionRegistration,
    data: &PartitionData,
    asked: &[BrokerState],
    state: &State<'_>,
) -> Result<(), ErrorCode> {
    // The leader has seen a newer decision than ours: somebody else must be the active controller by now.
    if data.leader_epoch > partition.leader_epoch || data.partition_epoch > partition.partition_epoch {
        return Err(ErrorCode::NotController);
    }
    if data.leader_epoch < partition.leader_epoch {
        return Err(ErrorCode::FencedLeaderEpoch);
    }
    if partition.leader != broker.0 {
        return Err(ErrorCode::InvalidRequest);
    }
    if data.partition_epoch < partition.partition_epoch {
        return Err(ErrorCode::InvalidUpdateVersion);
    }
    let ids: Vec<i32> = asked.iter().map(|m| m.broker_id).collect();
    let repeated = |(i, id): (usize, &i32)| ids[..i].contains(id);
    let is_replica = |id: &i32| partition.replicas.contains(&NodeId(*id));
    if !ids.iter().all(is_replica) || ids.iter().enumerate().any(repeated) || !ids.contains(&partition.leader) {
        return Err(ErrorCode::InvalidRequest);
    }
    let recovery = data.leader_recovery_state;
    if !election::is_recovery_state(recovery)
        || (recovery == RECOVERING && ids.len() > 1)
        || (partition.leader_recovery_state == RECOVERED && recovery == RECOVERING)
    {
        return Err(ErrorCode::InvalidRequest);
    }
    let eligible = |m: &BrokerState| {
        let broker = state.image.broker(NodeId(m.broker_id));
        broker.is_some_and(|b| b.is_active() && (m.broker_epoch == -1 || m.broker_epoch == b.epoch))
    };
    if asked.iter().all(eligible) { Ok(()) } else { Err(ErrorCode::IneligibleReplica) }
}

fn why(leader: NodeId, before: &PartitionRegistration, after: &PartitionRegistration) -> String {
    let list = |ids: Vec<&NodeId>| ids.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(", ");
    let out: Vec<_> = before.isr.iter().filter(|id| !after.isr.contains(id)).collect();
    let joined: Vec<_> = after.isr.iter().filter(|id| !before.isr.contains(id)).collect();
    let asked = match (out.is_empty(), joined.is_empty()) {
        (false, true) => format!("leader {leader} asked: {} fell behind and left the in-sync set", list(out)),
        (true, false) => format!("leader {leader} asked: {} caught up and joined the in-sync set", list(joined)),
        (false, false) => {
            format!("leader {leader} asked: {} joined the in-sync set, {} left it", list(joined), list(out))
        }
        (true, true) => format!("leader {leader} asked"),
    };
    let completed = before.is_reassigning() && !after.is_reassigning();
    if completed { format!("{asked}; that completes the reassignment") } else { asked }
}
