//! DescribeQuorum: what the leader knows of every replica (`LeaderState.describeQuorum`).

use super::{
    Raft, Role,
    leader::Progress,
    respond::{LISTENER, ReplyTo, TOPIC},
};
use crate::{
    id::{NodeId, Uuid},
    seam::Ctx,
    wire::{
        describe_quorum::{
            DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, PartitionData, ReplicaState,
            ResponsePartitionData, ResponseTopicData, TopicData,
        },
        error::ErrorCode,
    },
};

/// `DescribeQuorumRequest.getPartitionLevelErrorResponse`.
fn not_ours(asked: &TopicData) -> ResponseTopicData {
    let error = ErrorCode::UnknownTopicOrPartition;
    let partition = |asked: &PartitionData| ResponsePartitionData {
        partition_index: asked.partition_index,
        error_code: error.code(),
        error_message: Some(error.message().to_owned()),
        ..Default::default()
    };
    let partitions = asked.partitions.iter().map(partition).collect();
    ResponseTopicData { topic_name: asked.topic_name.clone(), partitions }
}

impl Raft {
    pub(super) fn handle_describe_quorum(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, request: &DescribeQuorumRequest) {
        let is_ours = request.topics.len() == 1
            && request.topics[0].topic_name == TOPIC
            && request.topics[0].partitions.len() == 1
            && request.topics[0].partitions[0].partition_index == 0;
        let mut response = DescribeQuorumResponse::default();
        if is_ours {
            let partition = self.describe(ctx);
            response.topics = vec![ResponseTopicData { topic_name: TOPIC.into(), partitions: vec![partition] }];
            let node = |voter: &crate::config::Voter| Node {
                node_id: voter.id.0,
                listeners: vec![Listener {
                    name: LISTENER.into(),
                    host: voter.endpoint.host.clone(),
                    port: voter.endpoint.port,
                }],
            };
            response.nodes = self.config.voters.iter().map(node).collect();
        } else {
            response.topics = request.topics.iter().map(not_ours).collect();
        }
        self.respond::<DescribeQuorumRequest>(ctx, to, &response);
    }

    fn describe(&self, ctx: &Ctx<'_>) -> ResponsePartitionData {
        let Role::Leader(leader) = &self.role else {
            return ResponsePartitionData {
                partition_index: 0,
                error_code: ErrorCode::NotLeaderOrFollower.code(),
                leader_id: self.leader_id_or_none(),
                leader_epoch: self.election.epoch,
                high_watermark: -1,
                ..Default::default()
            };
        };
        let local = ReplicaState {
            replica_id: self.config.node_id.0,
            replica_directory_id: Uuid::ZERO,
            log_end_offset: self.log.end_offset(),
            last_fetch_timestamp: ctx.now.wall_ms,
            last_caught_up_timestamp: ctx.now.wall_ms,
        };
        let mut current_voters: Vec<_> =
            leader.voters.iter().map(|(id, progress)| state(*id, Uuid::ZERO, progress)).collect();
        current_voters.push(local);
        current_voters.sort_by_key(|voter| voter.replica_id);
        ResponsePartitionData {
            partition_index: 0,
            error_code: ErrorCode::None.code(),
            error_message: None,
            leader_id: self.config.node_id.0,
            leader_epoch: self.election.epoch,
            high_watermark: leader.high_watermark.unwrap_or(-1),
            current_voters,
            observers: leader
                .observers
                .iter()
                .map(|(key, progress)| state(key.id, key.directory_id, progress))
                .collect(),
        }
    }
}

/// Voters that stand in the configuration have no directory (`kraft.version` 0): Apache Kafka 4.3.1 shows zeros for them.
fn state(id: NodeId, directory_id: Uuid, progress: &Progress) -> ReplicaState {
    ReplicaState {
        replica_id: id.0,
        replica_directory_id: directory_id,
        log_end_offset: progress.end_offset.unwrap_or(-1),
        last_fetch_timestamp: if progress.last_fetch.is_some() { progress.last_fetch_wall_ms } else { -1 },
        last_caught_up_timestamp: progress.last_caught_up_wall_ms.unwrap_or(-1),
    }
}
