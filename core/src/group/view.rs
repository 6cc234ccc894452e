//! Groups as people see them.

use super::{GroupCoordinator, classic::ClassicGroup, shard::Shard};
use crate::{
    assign,
    id::NodeId,
    view::{GroupView, MemberView, PositionView},
    wire::consumer_protocol::{self, ConsumerProtocolAssignment},
};

impl GroupCoordinator {
    /// The groups that this broker coordinates.
    pub fn views(&self, coordinator: NodeId) -> Vec<GroupView> {
        let served = self.shards().filter(|(_, shard)| shard.loading().is_none());
        let of = |(partition, shard): (i32, &Shard)| -> Vec<GroupView> {
            shard.groups().map(|group| self.group_view(coordinator, partition, shard, group)).collect()
        };
        served.flat_map(of).collect()
    }

    fn group_view(&self, coordinator: NodeId, partition: i32, shard: &Shard, group: &ClassicGroup) -> GroupView {
        let committed = |topic: &str, p: i32| {
            shard.offsets().get(&group.id, &crate::id::TopicPartition::new(topic, p), false).map_or(-1, |o| o.offset)
        };
        let members = group.members().map(|m| {
            // Only consumers' assignments can be read; of others it is not known what they mean.
            let assignment: ConsumerProtocolAssignment = consumer_protocol::decode(&m.assignment).unwrap_or_default();
            let partitions = assign::flat(&assignment.assigned_partitions).into_iter().map(|p| PositionView {
                committed: committed(&p.topic, p.partition),
                topic: p.topic,
                partition: p.partition,
                position: -1,
                high_watermark: -1,
            });
            MemberView {
                id: m.id.clone(),
                instance_id: m.instance_id.clone(),
                client_id: m.client_id.clone(),
                awaiting_join: m.awaiting_join.is_some(),
                awaiting_sync: m.awaiting_sync.is_some(),
                session_ends: self.session_ends(partition, &group.id, &m.id),
                partitions: partitions.collect(),
            }
        });
        GroupView {
            id: group.id.clone(),
            state: group.state().name().to_owned(),
            generation: group.generation(),
            protocol: group.protocol().unwrap_or_default().to_owned(),
            leader: group.leader().map(str::to_owned),
            coordinator,
            members: members.collect(),
            committed: shard.offsets().of(&group.id, false).map(|(p, o)| (p.clone(), o.offset)).collect(),
            lag: 0,
        }
    }
}
