//! The groups that a broker coordinates, as every client may describe them.

use lab_core::{
    id::{NodeId, TopicPartition},
    view::{GroupView, MemberView, PositionView},
    wire::{
        consumer_protocol::{self, ConsumerProtocolAssignment},
        describe_groups::{DescribeGroupsRequest, DescribedGroup, DescribedGroupMember},
        list_groups::ListGroupsRequest,
        offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup},
    },
};

use crate::{admin::Client, failure::Outcome};

/// Newer versions of OffsetFetch name topics by id (KIP-848).
const BY_NAME: i16 = 9;

/// Groups of the classic protocol with members and committed offsets; of others (KIP-848) name, state and offsets.
pub(super) fn coordinated_by(client: &mut Client, coordinator: NodeId) -> Outcome<Vec<GroupView>> {
    let listed = client.call(&ListGroupsRequest::default())?.groups;
    let consumers = |protocol: &str| protocol == "consumer" || protocol.is_empty();
    let ids: Vec<String> =
        listed.iter().filter(|group| consumers(&group.protocol_type)).map(|group| group.group_id.clone()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let request = DescribeGroupsRequest { groups: ids.clone(), ..Default::default() };
    let described = client.call(&request)?.groups;
    let wanted = ids.iter().map(|id| OffsetFetchRequestGroup {
        group_id: id.clone(),
        // All that it has committed.
        topics: None,
        ..Default::default()
    });
    // Before version 8 a request is for one group; Kafka 3.0 and newer take them all at once (KIP-709).
    let offsets = client.call_up_to(BY_NAME, &OffsetFetchRequest { groups: wanted.collect(), ..Default::default() })?;
    let mut views = Vec::new();
    for group in described {
        let state = listed.iter().find(|listed| listed.group_id == group.group_id);
        let committed = offsets.groups.iter().find(|of| of.group_id == group.group_id);
        let committed = committed.into_iter().flat_map(|of| &of.topics).flat_map(|topic| {
            let offset_of = |p: &lab_core::wire::offset_fetch::OffsetFetchResponsePartitions| {
                (TopicPartition::new(topic.name.clone(), p.partition_index), p.committed_offset)
            };
            topic.partitions.iter().filter(|p| p.committed_offset >= 0).map(offset_of).collect::<Vec<_>>()
        });
        let committed = committed.collect();
        views.push(view(group, coordinator, committed, state.map(|listed| listed.group_state.as_str())));
    }
    Ok(views)
}

fn view(
    group: DescribedGroup,
    coordinator: NodeId,
    committed: Vec<(TopicPartition, i64)>,
    listed_state: Option<&str>,
) -> GroupView {
    let members = group.members.iter().map(|member| member_view(member, &committed)).collect();
    // A group of another protocol cannot be described this way; its state was listed.
    let state = if group.error_code == 0 { group.group_state } else { listed_state.unwrap_or_default().into() };
    GroupView {
        id: group.group_id,
        state,
        // Nobody tells it to those who only ask.
        generation: -1,
        protocol: group.protocol_data,
        leader: None,
        coordinator,
        members,
        committed,
        lag: 0,
    }
}

fn member_view(member: &DescribedGroupMember, committed: &[(TopicPartition, i64)]) -> MemberView {
    let assignment = consumer_protocol::decode::<ConsumerProtocolAssignment>(&member.member_assignment);
    let assigned = assignment.map(|assignment| assignment.assigned_partitions).unwrap_or_default();
    let position = |topic: &str, partition: i32| PositionView {
        topic: topic.into(),
        partition,
        position: -1,
        high_watermark: -1,
        committed: committed
            .iter()
            .find(|(p, _)| p.topic == topic && p.partition == partition)
            .map_or(-1, |&(_, offset)| offset),
    };
    MemberView {
        id: member.member_id.clone(),
        instance_id: member.group_instance_id.clone(),
        client_id: member.client_id.clone(),
        partitions: assigned
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(|&partition| position(&topic.topic, partition)))
            .collect(),
        ..MemberView::default()
    }
}
