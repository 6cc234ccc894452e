//! Events by the names that lessons use: what a person would say happened, rather than which machine traced it.

use super::{Value, evidence::Evidence, groups};
use crate::{
    id::{NodeId, TopicPartition},
    seam::Time,
    trace::{Event, EventKind, FrameFacts, node_name},
    wire::error::ErrorCode,
};

/// Names and fields. Topics are names, partitions, nodes and offsets are numbers, `at_ms` is known of all.
pub(super) const EVENTS: &[(&str, &[&str])] = &[
    ("Killed", &["node"]),
    ("BrokerStop", &["node", "graceful"]),
    ("Started", &["node"]),
    ("Paused", &["node"]),
    ("Resumed", &["node"]),
    ("LinkCut", &["a", "b", "one_way"]),
    ("LinkSlowed", &["a", "b", "ms"]),
    ("LinksHealed", &[]),
    ("Fenced", &["broker", "silent_ms", "session_ms"]),
    ("Unfenced", &["broker"]),
    ("TopicCreated", &["topic", "partitions"]),
    ("LeaderElected", &["topic", "partition", "leader", "previous", "epoch", "partition_epoch", "isr", "kind"]),
    ("Offline", &["topic", "partition", "previous"]),
    ("IsrShrink", &["topic", "partition", "leader", "epoch", "partition_epoch", "isr", "size"]),
    ("IsrExpand", &["topic", "partition", "leader", "epoch", "partition_epoch", "isr", "size"]),
    ("QuorumElected", &["node", "epoch"]),
    ("Appended", &["topic", "partition", "broker", "offset", "last", "epoch", "leader"]),
    ("HwAdvance", &["topic", "partition", "broker", "from", "to", "leader"]),
    ("LogTruncated", &["topic", "partition", "broker", "from", "to"]),
    ("Refused", &["topic", "partition", "broker", "code"]),
    ("Waits", &["topic", "partition", "broker", "until"]),
    ("DupDropped", &["topic", "partition", "broker"]),
    ("Produced", &["topic", "partition", "producer", "key"]),
    ("ProduceAck", &["topic", "partition", "producer", "offset", "records", "acks", "isr_size", "epoch"]),
    ("ProduceErr", &["topic", "partition", "producer", "code", "final"]),
    ("Delivered", &["topic", "partition", "reader", "group", "offset", "key", "processing_ms"]),
    ("Processed", &["topic", "partition", "reader", "group", "offset", "key", "times"]),
    ("Fetch", &["by", "from", "topic", "partition", "offset"]),
    ("FetchAnswer", &["by", "to", "records"]),
    ("ConsumerStop", &["reader", "graceful"]),
    ("CoordinatorLoaded", &["broker", "partition", "groups"]),
    ("MemberJoined", &["group", "member"]),
    ("MemberLeft", &["group", "member", "why"]),
    ("RebalanceStarted", &["group", "generation", "members", "why"]),
    ("GenerationBegan", &["group", "generation", "protocol", "leader", "members"]),
    ("GroupStable", &["group", "generation"]),
    ("Assigned", &["group", "member", "generation", "partitions", "count"]),
    ("Revoked", &["group", "member", "generation", "partitions", "count", "lost"]),
    ("OffsetCommitted", &["group", "member", "generation", "topic", "partition", "offset"]),
    ("OffsetCommitRefused", &["group", "member", "code"]),
];

/// One of [`EVENTS`], as it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Number of the event it came from, counted from the beginning of the world.
    pub event: u64,
    pub at: Time,
    pub name: &'static str,
    pub fields: Vec<(&'static str, Value)>,
}

impl Fact {
    pub fn field(&self, name: &str) -> Value {
        if name == "at_ms" {
            return Value::Int(self.at.as_ms() as i64);
        }
        self.fields.iter().find(|(field, _)| *field == name).map_or(Value::None, |(_, value)| value.clone())
    }
}

/// At most this many records of one read become facts of their own.
const READ_MOST: i64 = 1000;

pub(super) type Fields = Vec<(&'static str, Value)>;

pub(super) fn of(partition: &TopicPartition, mut rest: Fields) -> Fields {
    let mut fields: Fields =
        vec![("topic", Value::from(partition.topic.as_str())), ("partition", Value::Int(partition.partition.into()))];
    fields.append(&mut rest);
    fields
}

pub(super) fn error_name(code: i16) -> Value {
    ErrorCode::from_code(code).name().into()
}

/// What an event means to a lesson: nothing, one thing, or several. `known` is what was seen before it.
pub(super) fn of_event(event: &Event, known: &Evidence) -> Vec<(&'static str, Fields)> {
    let node = Value::from(event.node);
    let on = |name: &'static str| vec![(name, vec![("node", node.clone())])];
    let one = |name: &'static str, fields: Fields| vec![(name, fields)];
    match &event.kind {
        EventKind::Killed | EventKind::PowerLost => [on("Killed"), vec![stopped(event.node, false)]].concat(),
        EventKind::StopAsked => vec![stopped(event.node, true)],
        EventKind::Started => on("Started"),
        EventKind::Paused => on("Paused"),
        EventKind::Resumed => on("Resumed"),
        EventKind::LinkCut { a, b, one_way } => {
            one("LinkCut", vec![("a", (*a).into()), ("b", (*b).into()), ("one_way", (*one_way).into())])
        }
        EventKind::LinkSlowed { a, b, ms } => {
            one("LinkSlowed", vec![("a", (*a).into()), ("b", (*b).into()), ("ms", Value::Int(*ms as i64))])
        }
        EventKind::LinksHealed => one("LinksHealed", Vec::new()),
        EventKind::BrokerFenced { broker, silent_ms, session_ms } => one(
            "Fenced",
            vec![
                ("broker", (*broker).into()),
                ("silent_ms", Value::Int(*silent_ms as i64)),
                ("session_ms", Value::Int(*session_ms as i64)),
            ],
        ),
        EventKind::BrokerUnfenced { broker } => one("Unfenced", vec![("broker", (*broker).into())]),
        EventKind::TopicCreated { topic, partitions } => {
            one("TopicCreated", vec![("topic", topic.as_str().into()), ("partitions", i64::from(*partitions).into())])
        }
        EventKind::PartitionChanged {
            partition,
            leader,
            leader_epoch,
            partition_epoch,
            isr,
            previous_leader,
            previous_isr,
            ..
        } => {
            let mut facts = Vec::new();
            let (now, before) = (*leader, *previous_leader);
            let common = |mut more: Fields| {
                let mut fields = vec![
                    ("leader", i64::from(now).into()),
                    ("epoch", i64::from(*leader_epoch).into()),
                    ("partition_epoch", i64::from(*partition_epoch).into()),
                    ("isr", isr.clone().into()),
                    ("size", Value::Int(isr.len() as i64)),
                ];
                fields.append(&mut more);
                of(partition, fields)
            };
            if now != before && now >= 0 {
                let kind = match () {
                    () if previous_isr.contains(&NodeId(now)) => "isr",
                    () if isr.len() == 1 && !previous_isr.is_empty() => "unclean",
                    () => "elr",
                };
                let more = vec![("previous", i64::from(before).into()), ("kind", kind.into())];
                facts.push(("LeaderElected", common(more)));
            } else if now < 0 && before >= 0 {
                facts.push(("Offline", of(partition, vec![("previous", i64::from(before).into())])));
            }
            if isr.len() < previous_isr.len() {
                facts.push(("IsrShrink", common(Vec::new())));
            } else if isr.len() > previous_isr.len() && !previous_isr.is_empty() {
                facts.push(("IsrExpand", common(Vec::new())));
            }
            facts
        }
        EventKind::QuorumLeaderElected { epoch, .. } => {
            one("QuorumElected", vec![("node", node), ("epoch", i64::from(*epoch).into())])
        }
        EventKind::Appended { partition, base_offset, last_offset, leader_epoch, as_leader } => one(
            "Appended",
            of(
                partition,
                vec![
                    ("broker", node),
                    ("offset", (*base_offset).into()),
                    ("last", (*last_offset).into()),
                    ("epoch", i64::from(*leader_epoch).into()),
                    ("leader", (*as_leader).into()),
                ],
            ),
        ),
        EventKind::HighWatermark { partition, from, to, as_leader } => one(
            "HwAdvance",
            of(
                partition,
                vec![("broker", node), ("from", (*from).into()), ("to", (*to).into()), ("leader", (*as_leader).into())],
            ),
        ),
        EventKind::Truncated { partition, from, to, .. } => {
            one("LogTruncated", of(partition, vec![("broker", node), ("from", (*from).into()), ("to", (*to).into())]))
        }
        EventKind::AppendRefused { partition, error, .. } => {
            one("Refused", of(partition, vec![("broker", node), ("code", error_name(*error))]))
        }
        EventKind::ProduceParked { partition, required_offset } => {
            one("Waits", of(partition, vec![("broker", node), ("until", (*required_offset).into())]))
        }
        EventKind::DuplicateRecognized { partition, .. } => one("DupDropped", of(partition, vec![("broker", node)])),
        EventKind::RecordBuffered { partition, key } => {
            let key = key.as_deref().map_or(Value::None, Value::from);
            one("Produced", of(partition, vec![("producer", name_of(event.node)), ("key", key)]))
        }
        EventKind::BatchAcked { partition, base_offset, records } => one(
            "ProduceAck",
            of(
                partition,
                vec![
                    ("producer", name_of(event.node)),
                    ("offset", (*base_offset).into()),
                    ("records", i64::from(*records).into()),
                    ("acks", known.acks_of(event.node)),
                    ("isr_size", known.isr_size(partition)),
                    ("epoch", known.appended_epoch(partition, *base_offset)),
                ],
            ),
        ),
        EventKind::BatchRetried { partition, error, .. } | EventKind::BatchFailed { partition, error, .. } => {
            let last = matches!(event.kind, EventKind::BatchFailed { .. });
            one(
                "ProduceErr",
                of(
                    partition,
                    vec![("producer", name_of(event.node)), ("code", error_name(*error)), ("final", last.into())],
                ),
            )
        }
        EventKind::RecordsRead { partition, from, to } => (*from..=(*to).min(from.saturating_add(READ_MOST)))
            .map(|offset| {
                let mut fields = read(event.node, partition, offset, known);
                fields.push(("processing_ms", known.processing_ms(event.node)));
                ("Delivered", of(partition, fields))
            })
            .collect(),
        EventKind::RecordProcessed { partition, offset } => {
            let mut fields = read(event.node, partition, *offset, known);
            let before = known.processed(&known.group_of(event.node), partition, *offset);
            fields.push(("times", (before + 1).into()));
            one("Processed", of(partition, fields))
        }
        EventKind::Sent(frame) if frame.api_key == 1 && !frame.background => fetch(frame),
        kind => groups::fact(event.node, kind, known).into_iter().collect(),
    }
}

/// Who has to do with which record.
fn read(reader: NodeId, partition: &TopicPartition, offset: i64, known: &Evidence) -> Fields {
    vec![
        ("reader", name_of(reader)),
        ("group", known.group_of(reader)),
        ("offset", offset.into()),
        ("key", known.key_at(partition, offset)),
    ]
}

/// A server and a reader are two things to lose.
fn stopped(node: NodeId, graceful: bool) -> (&'static str, Fields) {
    match node.0 {
        ..=1000 => ("BrokerStop", vec![("node", node.into()), ("graceful", graceful.into())]),
        _ => ("ConsumerStop", vec![("reader", name_of(node)), ("graceful", graceful.into())]),
    }
}

/// Fetches of records: those of brokers and consumers, not of the metadata log.
fn fetch(frame: &FrameFacts) -> Vec<(&'static str, Fields)> {
    let (from, to) = (Value::from(frame.from), Value::from(frame.to));
    if frame.from.0 >= 101 && frame.from.0 < 1000 || frame.to.0 >= 101 && frame.to.0 < 1000 {
        return Vec::new();
    }
    if frame.response {
        let fields = vec![("by", from), ("to", to), ("records", i64::from(frame.records).into())];
        return vec![("FetchAnswer", fields)];
    }
    vec![("Fetch", vec![("by", from), ("from", to)])]
}

/// `P1`, `A`: as in views.
pub(super) fn name_of(node: NodeId) -> Value {
    let name = node_name(node);
    name.strip_prefix("consumer ").unwrap_or(&name).into()
}
