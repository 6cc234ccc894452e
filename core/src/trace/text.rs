//! What an event says to people: one sentence.
//!
//! The same sentences are the caption under the stage, the clauses of "Why?", the announcements of a screen reader and the
//! lines of a trace file, so that all of them tell the same story.

use crate::{
    id::{NodeId, TopicPartition},
    trace::{Event, EventKind},
    view::ClientView,
    wire::error::ErrorCode,
};

/// What people call a node. Ids are the lab's: brokers from 1, controllers from 101, producers from 1001, consumers from 1101.
pub fn node_name(id: NodeId) -> String {
    match id.0 {
        1101..=1126 => format!("consumer {}", (b'A' + (id.0 - 1101) as u8) as char),
        1001..=1100 => format!("P{}", id.0 - 1000),
        101..=199 => format!("controller {id}"),
        ClientView::FIRST_ID.. => "a client".into(),
        _ => format!("broker {id}"),
    }
}

impl Event {
    /// One sentence, without a full stop, that begins with who did it: "Broker 2 opened epoch 4 of orders-0 at offset 42".
    pub fn text(&self) -> String {
        capital(self.kind.text(self.node))
    }
}

impl EventKind {
    /// One sentence that begins with the node that did it.
    pub fn text(&self, node: NodeId) -> String {
        let who = node_name(node);
        match self {
            Self::Killed => format!("{who} was killed: no handover, its disk stays"),
            Self::PowerLost => format!("{who} lost power, and with it what was not yet on disk"),
            Self::StopAsked => format!("{who} was asked to stop and hands over first"),
            Self::Stopped => format!("{who} stopped"),
            Self::Started => format!("{who} started"),
            Self::Paused => format!("{who} was paused: it answers nobody and does not know it"),
            Self::Resumed => format!("{who} runs again"),
            Self::LinkCut { a, b, one_way: true } => {
                format!("frames from {} no longer reach {}", node_name(*a), node_name(*b))
            }
            Self::LinkCut { a, b, one_way: false } => {
                format!("the link between {} and {} was cut", node_name(*a), node_name(*b))
            }
            Self::LinkSlowed { a, b, ms } => {
                format!("the link between {} and {} takes {ms} ms longer", node_name(*a), node_name(*b))
            }
            Self::LinksHealed => "all links work again".into(),
            Self::LinkReset { a, b } => {
                format!("the connections between {} and {} were reset", node_name(*a), node_name(*b))
            }
            Self::DiskFull { full: true } => format!("the disk of {who} is full"),
            Self::DiskFull { full: false } => format!("the disk of {who} has room again"),
            Self::ConfigChanged { resource, key, value, without_effect } => match value {
                Some(value) => {
                    let but = without_effect.as_ref().map_or_else(String::new, |why| format!(", but {why}"));
                    format!("the setting {key} of {resource} is now {value}{but}")
                }
                None => format!("the setting {key} of {resource} is back at its default"),
            },
            Self::Sent(frame) => {
                let verb = if frame.response { "answers" } else { "asks" };
                let label = frame.label.strip_prefix("answers ").unwrap_or(&frame.label);
                format!("{who} {verb} {}: {label}", node_name(frame.to))
            }

            Self::RaftRole { role, epoch, leader } => raft_role(&controller(node), role, *epoch, *leader),
            Self::VoteGranted { to, epoch, pre_vote } => {
                let vote = if *pre_vote { "would vote" } else { "votes" };
                format!("{} {vote} for {to} in quorum epoch {epoch}", controller(node))
            }
            Self::VoteRefused { to, epoch, pre_vote, reason } => {
                let vote = if *pre_vote { "would not vote" } else { "does not vote" };
                format!("{} {vote} for {to} in quorum epoch {epoch}: {reason}", controller(node))
            }
            Self::QuorumLeaderElected { epoch, votes } => {
                let who = controller(node);
                format!("{who} is the active controller in quorum epoch {epoch}, with votes of {}", list(votes))
            }
            Self::MetadataAppended { base_offset, last_offset, records } => {
                // Voters write it, brokers keep a copy, and a node under 100 may be either or both.
                let who = if who.starts_with("controller") { who } else { format!("node {node}") };
                format!("{who} appended {} to the metadata log: {}", span(*base_offset, *last_offset), some_of(records))
            }
            Self::MetadataHighWatermark { offset } => {
                format!("a majority of the voters holds the metadata log below {offset}")
            }
            Self::MetadataTruncated { to, from } => {
                format!("{who} cut its metadata log from {from} back to {to}")
            }
            Self::MetadataReplayed { offset } => format!("{who} has replayed the metadata log up to {offset}"),
            Self::TurnedAway { by, error } => {
                let why = ErrorCode::from_code(*error).message();
                format!("{who} was turned away by controller {by} with {}: {why}", error_name(*error))
            }

            Self::BrokerRegistered { broker, broker_epoch } => {
                format!("{} registered broker {broker} with broker epoch {broker_epoch}", controller(node))
            }
            // Whoever only asked the cluster does not know more.
            Self::BrokerFenced { broker, session_ms: 0, .. } => format!("{} fenced broker {broker}", controller(node)),
            Self::BrokerFenced { broker, silent_ms: 0, .. } => {
                format!("{} fenced broker {broker}, which asked for it", controller(node))
            }
            Self::BrokerFenced { broker, silent_ms, session_ms } => format!(
                "{} fenced broker {broker} after {silent_ms} ms of silence; the session is {session_ms} ms",
                controller(node)
            ),
            Self::BrokerUnfenced { broker } => {
                format!("{} unfenced broker {broker}: it has caught up with the metadata", controller(node))
            }
            Self::BrokerShuttingDown { broker } => {
                format!("{} moves leadership away from broker {broker}, which wants to stop", controller(node))
            }
            Self::BrokerUnregistered { broker } => format!("{} forgot broker {broker}", controller(node)),
            Self::FeatureChanged { feature, level } => {
                format!("{} finalized {feature} at level {level}", controller(node))
            }
            Self::AssignmentChanged { partition, replicas, adding, removing, previous_replicas } => {
                let moving = |what: &str, ids: &[NodeId]| match ids {
                    [] => String::new(),
                    ids => format!(", {what} {}", list(ids)),
                };
                let before = match replicas == previous_replicas {
                    true => String::new(),
                    false => format!(" instead of {}", list(previous_replicas)),
                };
                let (now, adding, removing) = (list(replicas), moving("adding", adding), moving("removing", removing));
                format!("{} has {partition} on {now}{before}{adding}{removing}", controller(node))
            }
            Self::TopicCreated { topic, partitions } => {
                let count = plural(*partitions, "partition");
                format!("{} created topic {topic} with {partitions} {count}", controller(node))
            }
            Self::TopicDeleted { topic } => format!("{} deleted topic {topic}", controller(node)),
            Self::PartitionChanged {
                partition,
                leader,
                leader_epoch,
                partition_epoch,
                isr,
                previous_leader,
                previous_isr,
                why,
            } => {
                let what = if leader == previous_leader && isr == previous_isr {
                    format!("wrote partition epoch {partition_epoch} of {partition}")
                } else if leader == previous_leader {
                    format!("changed the ISR of {partition} from {} to {}", list(previous_isr), list(isr))
                } else if *leader < 0 {
                    format!("left {partition} without a leader")
                } else {
                    format!("made broker {leader} leader of {partition} in epoch {leader_epoch}, ISR {}", list(isr))
                };
                format!("{} {what}{}", controller(node), because(why))
            }

            Self::BecameLeader { partition, leader_epoch, start_offset } => {
                format!("{who} leads {partition}: epoch {leader_epoch} begins at offset {start_offset}")
            }
            Self::BecameFollower { partition, leader, leader_epoch } if *leader < 0 => {
                format!("{who} learned that {partition} has no leader in epoch {leader_epoch}")
            }
            Self::BecameFollower { partition, leader, leader_epoch } => {
                format!("{who} follows broker {leader} for {partition} in epoch {leader_epoch}")
            }
            Self::Appended { partition, base_offset, last_offset, leader_epoch, as_leader } => {
                let role = if *as_leader { "appended" } else { "copied" };
                format!("{who} {role} {} to {partition} in epoch {leader_epoch}", span(*base_offset, *last_offset))
            }
            Self::DuplicateRecognized { partition, base_sequence, base_offset, .. } => format!(
                "{who} knew sequence {base_sequence} of {partition} already: acknowledged at {base_offset}, not stored again"
            ),
            Self::AppendRefused { partition, error, why } => {
                format!("{who} refused to append to {partition} with {}{}", error_name(*error), because(why))
            }
            Self::ProduceParked { partition, required_offset } => {
                format!("{who} lets the producer wait until the high watermark of {partition} is {required_offset}")
            }
            Self::ProduceAnswered { partition, base_offset, error: 0 } => {
                format!("{who} acknowledges offset {base_offset} of {partition}")
            }
            Self::ProduceAnswered { partition, error, .. } => {
                format!("{who} answers the producer of {partition} with {}", error_name(*error))
            }
            Self::HighWatermark { partition, from, to, as_leader: true } => {
                format!("{who} moves the high watermark of {partition} from {from} to {to}")
            }
            Self::HighWatermark { partition, from, to, as_leader: false } => {
                format!("{who} learned that the high watermark of {partition} went from {from} to {to}")
            }
            Self::FollowerCaughtUp { partition, follower, end_offset } => {
                format!("{who} saw broker {follower} reach the end of {partition}, offset {end_offset}")
            }
            Self::IsrShrinkAsked { partition, out, lag_ms } => {
                format!("{who} asks to take {} out of the ISR of {partition}: not caught up for {lag_ms} ms", list(out))
            }
            Self::IsrExpandAsked { partition, joining } => {
                format!("{who} asks to take broker {joining} back into the ISR of {partition}")
            }
            Self::Truncated { partition, from, to, why } => {
                format!("{who} cut {} of {partition}{}", span(*to, *from - 1), because(why))
            }
            Self::Recovered { partition, end_offset, cut_bytes: 0 } => {
                format!("{who} checked {partition} after an unclean stop: whole, up to offset {end_offset}")
            }
            Self::Recovered { partition, end_offset, cut_bytes } => {
                format!("{who} recovered {partition} up to offset {end_offset} and cut {cut_bytes} torn bytes")
            }
            Self::ProducerIdsAllocated { first, count } => {
                format!("{who} got producer ids {first} to {} from the controller", first + i64::from(*count) - 1)
            }

            Self::CoordinatorLoaded { partition, groups, records } => {
                let (groups, records) = (count(i64::from(*groups), "group"), count(*records as i64, "record"));
                format!("{who} coordinates the groups of __consumer_offsets-{partition}: {groups} from {records}")
            }
            Self::MemberIdGiven { group, member } => {
                format!("{who} gave a newcomer to group {group} the member id {member} to join with")
            }
            Self::MemberJoined { group, member, instance_id, .. } => match instance_id {
                Some(instance_id) => format!("static member {instance_id} joined group {group} as {member}"),
                None => format!("{member} joined group {group}"),
            },
            Self::StaticMemberReturned { group, instance_id, member, .. } => {
                format!("static member {instance_id} is back in group {group}, now as {member}")
            }
            Self::MemberLeft { group, member, why } => format!("{member} is out of group {group}: {why}"),
            Self::RebalanceStarted { group, generation, members, why } => {
                let members = count(i64::from(*members), "member");
                format!("group {group} rebalances after generation {generation} with {members}: {why}")
            }
            Self::GenerationBegan { group, generation, members, .. } if members.is_empty() => {
                format!("group {group} is empty, in generation {generation}")
            }
            Self::GenerationBegan { group, generation, protocol, leader, members } => {
                let members = count(members.len() as i64, "member");
                format!(
                    "generation {generation} of group {group} began with {members}: {leader} shares out by {protocol}"
                )
            }
            Self::AssignmentGiven { group, generation, leader } => {
                format!("{leader} handed in who reads what in generation {generation} of group {group}")
            }
            Self::GroupStable { group, generation } => {
                format!("group {group} is stable in generation {generation}: its members know what they read")
            }
            Self::OffsetCommitted { group, partition, offset, .. } => {
                format!("group {group} committed offset {offset} of {partition}")
            }
            Self::OffsetCommitRefused { group, error, .. } => {
                format!("{who} refused an offset commit of group {group}: {}", ErrorCode::from_code(*error).name())
            }

            Self::PartitionsAssigned { group, generation, partitions, .. } if partitions.is_empty() => {
                format!("{who} has nothing to read in generation {generation} of group {group}")
            }
            Self::PartitionsAssigned { group, generation, partitions, .. } => {
                format!("{who} reads {} in generation {generation} of group {group}", joined(partitions))
            }
            Self::PartitionsRevoked { group, partitions, lost: true, .. } => {
                format!("{who} lost {}: group {group} went on without it", joined(partitions))
            }
            Self::PartitionsRevoked { group, partitions, .. } => {
                format!("{who} gave up {} for a rebalance of group {group}", joined(partitions))
            }
            Self::RecordBuffered { partition, key: Some(key) } => {
                format!("{who} put a record with key {key} into {partition}")
            }
            Self::RecordBuffered { partition, key: None } => format!("{who} put a record without key into {partition}"),
            Self::BatchSent { partition, base_sequence, records, attempt } => format!(
                "{who} sends {records} {} to {partition}, sequence {base_sequence}{}",
                plural(*records, "record"),
                if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() }
            ),
            Self::BatchAcked { partition, base_offset, records } => {
                let last = base_offset + i64::from(*records).max(1) - 1;
                format!("{who} has {} of {partition} acknowledged", span(*base_offset, last))
            }
            Self::BatchRetried { partition, error, why } => {
                format!("{who} will try {partition} again after {}{}", error_name(*error), because(why))
            }
            Self::BatchFailed { partition, error, why } => {
                format!("{who} gave up on a batch for {partition}: {}{}", error_name(*error), because(why))
            }
            Self::ConnectRefused { to } => format!("{who} cannot connect to {}", node_name(*to)),
            Self::LeaderLearned { partition, leader, .. } if *leader < 0 => {
                format!("{who} learned that {partition} has no leader")
            }
            Self::LeaderLearned { partition, leader, leader_epoch } => {
                format!("{who} learned that broker {leader} leads {partition} in epoch {leader_epoch}")
            }
            Self::RecordsRead { partition, from, to } => format!("{who} read {} of {partition}", span(*from, *to)),
            Self::RecordProcessed { partition, offset } => {
                format!("{who} has processed offset {offset} of {partition}")
            }

            Self::RecordsLost { partition, from, to, leader, leader_epoch } => format!(
                "An unclean election lost {} of {partition}, which were committed: broker {leader} leads epoch \
                 {leader_epoch} without them",
                span(*from, *to - 1)
            ),
            Self::PromiseBroken { promise, detail } => format!("a promise was broken, {promise}: {detail}"),
        }
    }
}

/// Controllers speak as controllers even where one process is both ("combined").
fn controller(node: NodeId) -> String {
    format!("controller {node}")
}

fn raft_role(who: &str, role: &str, epoch: i32, leader: Option<NodeId>) -> String {
    match (role, leader) {
        ("leader", _) => format!("{who} leads the quorum in epoch {epoch}"),
        ("prospective", _) => format!("{who} asks whether it could win an election after quorum epoch {epoch}"),
        ("candidate", _) => format!("{who} stands for election in quorum epoch {epoch}"),
        ("resigned", _) => format!("{who} gave up leading the quorum in epoch {epoch}"),
        (_, Some(leader)) => format!("{who} follows controller {leader} in quorum epoch {epoch}"),
        (_, None) => format!("{who} knows no leader in quorum epoch {epoch}"),
    }
}

fn error_name(code: i16) -> String {
    ErrorCode::from_code(code).name().to_string()
}

fn because(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(": {why}") }
}

fn span(first: i64, last: i64) -> String {
    if last <= first { format!("record {first}") } else { format!("records {first} to {last}") }
}

fn joined(partitions: &[TopicPartition]) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn count(number: i64, noun: &str) -> String {
    format!("{number} {}", if number == 1 { noun.to_owned() } else { format!("{noun}s") })
}

fn list(nodes: &[NodeId]) -> String {
    let ids: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    format!("{{{}}}", ids.join(", "))
}

fn some_of(records: &[String]) -> String {
    match records {
        [] => "nothing".into(),
        [one] => one.clone(),
        [one, two] => format!("{one}, {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

fn plural(count: i32, noun: &str) -> String {
    if count == 1 { noun.into() } else { format!("{noun}s") }
}

fn capital(text: String) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::EventId, seam::Time};

    fn event(node: i32, kind: EventKind) -> Event {
        Event { id: EventId::new(NodeId(node), 1), at: Time::ZERO, node: NodeId(node), cause: None, kind }
    }

    #[test]
    fn sentences_begin_with_who_and_use_kafkas_words() {
        let partition = TopicPartition::new("orders", 0);
        let changed = EventKind::PartitionChanged {
            partition: partition.clone(),
            leader: 2,
            leader_epoch: 4,
            partition_epoch: 6,
            isr: vec![NodeId(2), NodeId(3)],
            previous_leader: 1,
            previous_isr: vec![NodeId(1), NodeId(2), NodeId(3)],
            why: "first of [1, 2, 3] in sync and alive".into(),
        };
        assert_eq!(
            event(101, changed).text(),
            "Controller 101 made broker 2 leader of orders-0 in epoch 4, ISR {2, 3}: first of [1, 2, 3] in sync and alive"
        );
        let cut = EventKind::Truncated { partition, from: 44, to: 42, why: String::new() };
        assert_eq!(event(3, cut).text(), "Broker 3 cut records 42 to 43 of orders-0");
        let refused = EventKind::ConnectRefused { to: NodeId(1) };
        assert_eq!(event(1101, refused).text(), "Consumer A cannot connect to broker 1");
    }

    #[test]
    fn every_rule_of_kafka_is_named_and_actions_have_none() {
        assert_eq!(EventKind::Killed.rule(), "");
        assert!(EventKind::Killed.is_action() && EventKind::Killed.is_interesting());
        let fenced = EventKind::BrokerFenced { broker: NodeId(1), silent_ms: 9284, session_ms: 9000 };
        assert!(fenced.rule().contains("KIP-631") && fenced.is_interesting());
    }
}
