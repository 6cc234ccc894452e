//! Consumer groups: what `group("billing")` and its members say of themselves, as their coordinator has it, and what
//! happened to them.

use std::collections::BTreeMap;

use super::{
    Evidence, Fact, Value,
    facts::{Fields, error_name, name_of, of},
    records,
};
use crate::{
    group::{OFFSETS_TOPIC, placement::partition_for},
    id::{NodeId, TopicPartition},
    seam::Time,
    trace::EventKind,
    view::{ClusterView, GroupView, MemberView, ProcessState},
};

/// The letters of a UUID, and the hyphen before it: a member id is the `client.id`, or the `group.instance.id`, and one
/// (`ClassicGroup.generateMemberId`).
const UUID: usize = 37;

/// What people call a member: its consumer's name, else its id without the part that is drawn.
pub(super) fn member_name(view: &ClusterView, id: &str) -> String {
    if let Some(consumer) = view.consumers.iter().find(|c| c.member_id.as_deref() == Some(id)) {
        return consumer.name.clone();
    }
    let prefix = id.len().checked_sub(UUID).filter(|&at| at > 0 && id.as_bytes()[at] == b'-');
    prefix.map_or(id, |at| &id[..at]).to_owned()
}

fn group(view: &ClusterView, id: &str) -> Option<GroupView> {
    view.groups().into_iter().find(|group| group.id == id)
}

pub(super) fn member(view: &ClusterView, group_id: &str, name: &str) -> Option<MemberView> {
    group(view, group_id)?.members.into_iter().find(|member| member_name(view, &member.id) == name)
}

/// A property of a group. A group that nobody coordinates does not exist.
pub(super) fn field(view: &ClusterView, id: &str, name: &str, evidence: &Evidence) -> Value {
    match name {
        "paused_ms" => return paused_ms(id, view.at, evidence).into(),
        "redelivered" => return records::redelivered(view, id, evidence).into(),
        "skipped" => return group(view, id).map_or(0, |group| records::skipped(view, &group, evidence)).into(),
        _ => {}
    }
    let Some(group) = group(view, id) else {
        return if name == "exists" { false.into() } else { Value::None };
    };
    let names = |wanted: fn(&&MemberView) -> bool| {
        let mut names: Vec<String> =
            group.members.iter().filter(wanted).map(|member| member_name(view, &member.id)).collect();
        names.sort();
        Value::from(names)
    };
    match name {
        "exists" => true.into(),
        "state" => group.state.as_str().into(),
        "protocol" => group.protocol.as_str().into(),
        "generation" => i64::from(group.generation).into(),
        "coordinator" => group.coordinator.into(),
        "leader" => group.leader.as_deref().map_or(Value::None, |id| member_name(view, id).into()),
        "members" => names(|_| true),
        "idle" => names(|member| member.partitions.is_empty()),
        "lag" => group.lag.into(),
        "offsets_partition" => {
            let offsets = view.headline().iter().filter(|h| h.partition.topic == OFFSETS_TOPIC).count();
            i64::from(partition_for(id, offsets as i32)).into()
        }
        _ => Value::None,
    }
}

/// A property of one of the partitions that a group reads: `owner`, `committed`, `lag`.
pub(super) fn of_partition(view: &ClusterView, id: &str, name: &str, topic: &str, partition: i64) -> Value {
    let Some(group) = group(view, id) else { return Value::None };
    let is = |t: &str, p: i32| t == topic && i64::from(p) == partition;
    let committed = group.committed.iter().find(|(p, _)| is(&p.topic, p.partition)).map(|(_, offset)| *offset);
    let owner = group.members.iter().find(|m| m.partitions.iter().any(|p| is(&p.topic, p.partition)));
    match name {
        "owner" => owner.map_or(Value::None, |member| member_name(view, &member.id).into()),
        "committed" => committed.map_or(Value::None, Value::from),
        "lag" => {
            let headline = view.headline();
            let found = headline.iter().find(|h| is(&h.partition.topic, h.partition.partition));
            // Of a partition that it neither reads nor has committed, a group has no lag.
            let known = found.filter(|_| owner.is_some() || committed.is_some());
            known.map_or(Value::None, |h| (h.high_watermark - committed.unwrap_or(0)).max(0).into())
        }
        _ => Value::None,
    }
}

pub(super) fn member_field(view: &ClusterView, member: &MemberView, name: &str) -> Value {
    let partitions = || member.partitions.iter().map(|p| format!("{}-{}", p.topic, p.partition)).collect::<Vec<_>>();
    match name {
        "id" => member.id.as_str().into(),
        "instance_id" => member.instance_id.as_deref().map_or(Value::None, Value::from),
        "partitions" => partitions().into(),
        "idle" => member.partitions.is_empty().into(),
        "waiting" => (member.awaiting_join || member.awaiting_sync).into(),
        "session_ms" => member.session_ends.map_or(Value::None, |ends| (ends.ms_since(view.at) as i64).into()),
        _ => Value::None,
    }
}

/// What an event means that is about a group.
pub(super) fn fact(node: NodeId, kind: &EventKind, known: &Evidence) -> Option<(&'static str, Fields)> {
    let by_name = |id: &str| Value::from(member_name(&known.view, id));
    let generation = |generation: &i32| ("generation", Value::from(i64::from(*generation)));
    let in_group = |group: &str, mut rest: Fields| {
        rest.insert(0, ("group", group.into()));
        rest
    };
    let shared = |partitions: &[TopicPartition]| {
        let names: Vec<String> = partitions.iter().map(ToString::to_string).collect();
        [("count", Value::Int(names.len() as i64)), ("partitions", names.into())]
    };
    Some(match kind {
        EventKind::CoordinatorLoaded { partition, groups, .. } => (
            "CoordinatorLoaded",
            vec![
                ("broker", node.into()),
                ("partition", i64::from(*partition).into()),
                ("groups", i64::from(*groups).into()),
            ],
        ),
        EventKind::MemberJoined { group, member, .. } => {
            ("MemberJoined", in_group(group, vec![("member", by_name(member))]))
        }
        EventKind::MemberLeft { group, member, why } => {
            ("MemberLeft", in_group(group, vec![("member", by_name(member)), ("why", why.as_str().into())]))
        }
        EventKind::RebalanceStarted { group, generation: number, members, why } => {
            let members = ("members", i64::from(*members).into());
            ("RebalanceStarted", in_group(group, vec![generation(number), members, ("why", why.as_str().into())]))
        }
        EventKind::GenerationBegan { group, generation: number, protocol, leader, members } => {
            let fields = vec![
                generation(number),
                ("protocol", protocol.as_str().into()),
                ("leader", by_name(leader)),
                ("members", Value::Int(members.len() as i64)),
            ];
            ("GenerationBegan", in_group(group, fields))
        }
        EventKind::GroupStable { group, generation: number } => {
            ("GroupStable", in_group(group, vec![generation(number)]))
        }
        EventKind::PartitionsAssigned { group, generation: number, partitions, .. } => {
            let mut fields = vec![("member", name_of(node)), generation(number)];
            fields.extend(shared(partitions));
            ("Assigned", in_group(group, fields))
        }
        EventKind::PartitionsRevoked { group, generation: number, partitions, lost } => {
            let mut fields = vec![("member", name_of(node)), generation(number), ("lost", (*lost).into())];
            fields.extend(shared(partitions));
            ("Revoked", in_group(group, fields))
        }
        EventKind::OffsetCommitted { group, member, generation: number, partition, offset } => {
            let fields =
                of(partition, vec![("member", by_name(member)), generation(number), ("offset", (*offset).into())]);
            ("OffsetCommitted", in_group(group, fields))
        }
        EventKind::OffsetCommitRefused { group, member, error } => {
            ("OffsetCommitRefused", in_group(group, vec![("member", by_name(member)), ("code", error_name(*error))]))
        }
        _ => return None,
    })
}

/// For how long partitions that the group had shared out were read by nobody, added up over the partitions, since the
/// evidence began. Only members that tell of themselves count: those of the simulator do.
fn paused_ms(group: &str, until: Time, evidence: &Evidence) -> i64 {
    let mut readers: BTreeMap<String, Value> = BTreeMap::new();
    let start = evidence.marks.get("start").unwrap_or(&evidence.view);
    let alive = start.consumers.iter().filter(|c| c.process == ProcessState::Alive);
    for consumer in alive.filter(|c| c.group_id.as_deref() == Some(group)) {
        let read = consumer.positions.iter().map(|p| format!("{}-{}", p.topic, p.partition));
        readers.extend(read.map(|p| (p, consumer.name.as_str().into())));
    }
    let mut unread: BTreeMap<String, Time> = BTreeMap::new();
    let mut total = 0;
    let ours = |fact: &Fact| fact.field("group") == Value::from(group);
    for fact in evidence.facts.iter().filter(|fact| fact.at <= until) {
        match fact.name {
            "Assigned" if ours(fact) => {
                for partition in partitions(fact) {
                    total += unread.remove(&partition).map_or(0, |since| fact.at.ms_since(since));
                    readers.insert(partition, fact.field("member"));
                }
            }
            "Revoked" if ours(fact) => {
                for partition in partitions(fact) {
                    if readers.get(&partition) == Some(&fact.field("member")) {
                        readers.remove(&partition);
                        unread.insert(partition, fact.at);
                    }
                }
            }
            "ConsumerStop" if !fact.field("graceful").is_true() => {
                let reader = fact.field("reader");
                for (partition, _) in readers.extract_if(.., |_, by| *by == reader) {
                    unread.insert(partition, fact.at);
                }
            }
            _ => {}
        }
    }
    total += unread.values().map(|since| until.ms_since(*since)).sum::<u64>();
    total as i64
}

fn partitions(fact: &Fact) -> Vec<String> {
    match fact.field("partitions") {
        Value::List(items) => items.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}
