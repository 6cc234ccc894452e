//! Range: each topic by itself is cut into as many stretches as there are members that subscribe to it; the first ones
//! get the longer stretches, and that of every topic (`RangeAssignor`).

use std::collections::BTreeMap;

use super::{Assignment, Member, in_order, nothing_yet};
use crate::id::TopicPartition;

pub(super) fn assign(topics: &BTreeMap<String, i32>, members: &[Member]) -> Assignment {
    let mut assignment = nothing_yet(members);
    let sorted = in_order(members);
    for (topic, &count) in topics {
        let subscribed: Vec<&&Member> = sorted.iter().filter(|m| m.topics.contains(topic)).collect();
        let Some(each) = count.checked_div(subscribed.len() as i32) else { continue };
        let extra = count % subscribed.len() as i32;
        let mut next = 0;
        for (member, i) in subscribed.iter().zip(0..) {
            let end = next + each + i32::from(i < extra);
            let given = assignment.get_mut(&member.id).expect("every member is in it");
            given.extend((next..end).map(|p| TopicPartition::new(topic.as_str(), p)));
            next = end;
        }
    }
    assignment
}
