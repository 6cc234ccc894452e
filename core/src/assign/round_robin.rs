//! Round-robin: all partitions in order, dealt to the members in a circle; who does not subscribe to the topic is passed
//! over (`RoundRobinAssignor`).

use std::collections::BTreeMap;

use super::{Assignment, Member, in_order, nothing_yet};
use crate::id::TopicPartition;

pub(super) fn assign(topics: &BTreeMap<String, i32>, members: &[Member]) -> Assignment {
    let mut assignment = nothing_yet(members);
    let mut circle = in_order(members).into_iter().cycle();
    for (topic, &count) in topics {
        if !members.iter().any(|m| m.topics.contains(topic)) {
            continue;
        }
        for partition in 0..count {
            let member = circle.find(|m| m.topics.contains(topic)).expect("somebody subscribes to it");
            let given = assignment.get_mut(&member.id).expect("every member is in it");
            given.push(TopicPartition::new(topic.as_str(), partition));
        }
    }
    assignment
}
