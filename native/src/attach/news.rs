//! What must have happened between two looks, as events. Whoever only asks learns that something changed and not why.

use std::collections::BTreeMap;

use lab_core::{
    id::{EventId, NodeId, TopicPartition},
    trace::{Event, EventKind},
    view::{ActiveView, ClusterView, GroupView, PartitionView},
};

const WHY: &str = "seen by asking, so its cause is not known";

/// Numbers the events.
#[derive(Debug, Default)]
pub(super) struct News {
    told: u64,
}

impl News {
    /// What changed from `before` to `after`.
    pub(super) fn of(&mut self, before: &ClusterView, after: &ClusterView) -> Vec<Event> {
        let mut kinds: Vec<(NodeId, EventKind)> = Vec::new();
        quorum(before, after, &mut kinds);
        let controller = after.active_controller().map_or(NodeId(0), |node| node.id);
        if let (Some(before), Some(after)) = (truth(before), truth(after)) {
            brokers(before, after, &mut |kind| kinds.push((controller, kind)));
            partitions(before, after, &mut |kind| kinds.push((controller, kind)));
        }
        members(&before.groups(), &after.groups(), &mut kinds);
        let event = |(node, kind)| {
            self.told += 1;
            // Node 0 is the world: these numbers are nobody's own.
            Event { id: EventId::new(NodeId(0), self.told), at: after.at, node, cause: None, kind }
        };
        kinds.into_iter().map(event).collect()
    }
}

fn truth(view: &ClusterView) -> Option<&ActiveView> {
    view.active_controller()?.controller.as_ref()?.active.as_ref()
}

fn quorum(before: &ClusterView, after: &ClusterView, kinds: &mut Vec<(NodeId, EventKind)>) {
    let leader = |view: &ClusterView| view.active_controller().and_then(|n| Some((n.id, n.controller.as_ref()?.epoch)));
    if let (Some(old), Some((leader, epoch))) = (leader(before), leader(after))
        && old.1 < epoch
    {
        kinds.push((leader, EventKind::QuorumLeaderElected { epoch, votes: Vec::new() }));
    }
}

fn brokers(before: &ActiveView, after: &ActiveView, tell: &mut impl FnMut(EventKind)) {
    for broker in &after.brokers {
        let was_fenced = before.brokers.iter().find(|old| old.id == broker.id).is_none_or(|old| old.fenced);
        if was_fenced && !broker.fenced {
            tell(EventKind::BrokerUnfenced { broker: broker.id });
        }
    }
    for old in before.brokers.iter().filter(|old| !old.fenced) {
        if after.brokers.iter().find(|broker| broker.id == old.id).is_none_or(|broker| broker.fenced) {
            tell(EventKind::BrokerFenced { broker: old.id, silent_ms: 0, session_ms: 0 });
        }
    }
}

fn partitions(before: &ActiveView, after: &ActiveView, tell: &mut impl FnMut(EventKind)) {
    type Topics<'a> = BTreeMap<&'a str, BTreeMap<i32, &'a PartitionView>>;
    fn by_topic(view: &ActiveView) -> Topics<'_> {
        let mut topics = Topics::new();
        for partition in &view.partitions {
            topics.entry(&partition.topic).or_default().insert(partition.partition, partition);
        }
        topics
    }
    let (before, after) = (by_topic(before), by_topic(after));
    for topic in before.keys().filter(|topic| !after.contains_key(*topic)) {
        tell(EventKind::TopicDeleted { topic: (*topic).into() });
    }
    for (topic, partitions) in after {
        let Some(old) = before.get(topic) else {
            tell(EventKind::TopicCreated { topic: topic.into(), partitions: partitions.len() as i32 });
            continue;
        };
        for (id, new) in partitions {
            let Some(old) = old.get(&id) else { continue };
            if (old.leader, old.leader_epoch, &old.isr) != (new.leader, new.leader_epoch, &new.isr) {
                tell(EventKind::PartitionChanged {
                    partition: TopicPartition::new(topic, id),
                    leader: new.leader,
                    leader_epoch: new.leader_epoch,
                    partition_epoch: -1,
                    isr: new.isr.clone(),
                    previous_leader: old.leader,
                    previous_isr: old.isr.clone(),
                    why: WHY.into(),
                });
            }
        }
    }
}

fn members(before: &[GroupView], after: &[GroupView], kinds: &mut Vec<(NodeId, EventKind)>) {
    for group in after {
        let old = before.iter().find(|old| old.id == group.id);
        let was = |member: &str| old.is_some_and(|old| old.members.iter().any(|m| m.id == member));
        for member in group.members.iter().filter(|member| !was(&member.id)) {
            let joined = EventKind::MemberJoined {
                group: group.id.clone(),
                member: member.id.clone(),
                client: member.client_id.clone(),
                instance_id: member.instance_id.clone(),
            };
            kinds.push((group.coordinator, joined));
        }
        let is = |member: &str| group.members.iter().any(|m| m.id == member);
        for member in old.into_iter().flat_map(|old| &old.members).filter(|member| !is(&member.id)) {
            let left = EventKind::MemberLeft { group: group.id.clone(), member: member.id.clone(), why: WHY.into() };
            kinds.push((group.coordinator, left));
        }
    }
}
