//! Things of a view and what they say of themselves: `t("orders").p(0).r(2).leo`.

use super::{Evidence, Fact, Learner, Value, groups};
use crate::{
    id::NodeId,
    metadata::configs::default_value,
    view::{ClusterView, ConsumerView, MemberView, NodeView, PartitionView, ProcessState, ProducerView, ReplicaView},
};

/// What an expression stands for while it is evaluated. Things that do not exist are `Plain(None)`.
#[derive(Clone)]
pub(super) enum Thing<'a> {
    Plain(Value),
    Cluster(&'a ClusterView),
    Brokers(&'a ClusterView),
    Broker(&'a ClusterView, &'a NodeView),
    Topic(&'a ClusterView, String),
    Partition(&'a ClusterView, PartitionView),
    Replica(&'a ClusterView, &'a NodeView, &'a ReplicaView),
    Quorum(&'a ClusterView),
    Producer(&'a ProducerView),
    Consumer(&'a ConsumerView),
    Group(&'a ClusterView, String),
    Member(&'a ClusterView, Box<MemberView>),
    Link(&'a ClusterView, NodeId, NodeId),
    Learner(&'a Learner),
    Happened(&'a Fact),
}

impl Thing<'_> {
    /// As a plain value: a broker is its id, brokers are their ids.
    pub fn plain(self) -> Value {
        match self {
            Self::Plain(value) => value,
            Self::Brokers(view) => brokers(view).map(|n| n.id).collect::<Vec<_>>().into(),
            Self::Broker(_, node) => node.id.into(),
            Self::Topic(_, name) => name.into(),
            Self::Partition(_, p) => format!("{}-{}", p.topic, p.partition).into(),
            Self::Producer(p) => p.name.as_str().into(),
            Self::Consumer(c) => c.name.as_str().into(),
            Self::Group(_, id) => id.into(),
            Self::Member(view, member) => groups::member_name(view, &member.id).into(),
            Self::Happened(fact) => fact.name.into(),
            Self::Cluster(_) | Self::Replica(..) | Self::Quorum(_) | Self::Link(..) | Self::Learner(_) => {
                Value::Bool(true)
            }
        }
    }
}

fn brokers(view: &ClusterView) -> impl Iterator<Item = &NodeView> {
    view.nodes.iter().filter(|n| n.broker.is_some())
}

pub(super) fn partition(view: &ClusterView, topic: &str, partition: i64) -> Option<PartitionView> {
    let found = view.headline().into_iter().map(|h| h.partition);
    found.into_iter().find(|p| p.topic == topic && i64::from(p.partition) == partition)
}

pub(super) fn replica<'a>(view: &'a ClusterView, topic: &str, partition: i64, broker: i64) -> Option<&'a ReplicaView> {
    let node = view.nodes.iter().find(|n| i64::from(n.id.0) == broker)?;
    let replicas = &node.broker.as_ref()?.replicas;
    replicas.iter().find(|r| r.topic == topic && i64::from(r.partition) == partition)
}

/// A property without arguments. `names` has made sure that it exists for this kind of thing.
pub(super) fn field<'a>(thing: Thing<'a>, name: &str, evidence: &'a Evidence) -> Thing<'a> {
    let value = match thing {
        Thing::Cluster(view) => return cluster(view, name, &evidence.learner),
        Thing::Plain(_) | Thing::Brokers(_) => Value::None,
        Thing::Broker(view, node) => broker(view, node, name),
        Thing::Topic(view, topic) => topic_field(view, &topic, name),
        Thing::Partition(view, p) => partition_field(view, &p, name),
        Thing::Replica(view, node, r) => replica_field(view, node, r, name),
        Thing::Quorum(view) => quorum(view, name),
        Thing::Producer(p) => match name {
            "acks" => p.acks.as_str().into(),
            "acked" => (p.acked as i64).into(),
            "waiting" => (p.waiting as i64).into(),
            "retries" => (p.retries as i64).into(),
            "errors" => (p.failed as i64).into(),
            "last_error" => p.last_error.as_deref().map_or(Value::None, Value::from),
            _ => Value::None,
        },
        Thing::Consumer(c) if name == "read" => (c.read as i64).into(),
        Thing::Consumer(_) => Value::None,
        Thing::Group(view, id) => groups::field(view, &id, name, evidence),
        Thing::Member(view, member) => groups::member_field(view, &member, name),
        Thing::Link(view, a, b) => {
            let link = view.links.iter().find(|l| (l.a, l.b) == (a, b) || (l.b, l.a) == (a, b));
            match name {
                "cut" => link.is_some_and(|l| l.cut).into(),
                _ => Value::Int(link.map_or(0, |l| l.extra_ms as i64)),
            }
        }
        Thing::Learner(learner) if name == "stepped" => learner.stepped.into(),
        Thing::Learner(_) => Value::None,
        Thing::Happened(fact) => fact.field(name),
    };
    Thing::Plain(value)
}

fn cluster<'a>(view: &'a ClusterView, name: &str, learner: &'a Learner) -> Thing<'a> {
    Thing::Plain(match name {
        "brokers" => return Thing::Brokers(view),
        "quorum" => return Thing::Quorum(view),
        "learner" => return Thing::Learner(learner),
        "at_ms" => Value::Int(view.at.as_ms() as i64),
        "topics" => {
            let mut topics: Vec<String> = view.headline().into_iter().map(|h| h.partition.topic).collect();
            topics.dedup();
            topics.into()
        }
        "producers" => view.producers.iter().map(|p| p.name.clone()).collect::<Vec<_>>().into(),
        "groups" => view.groups().into_iter().map(|group| group.id).collect::<Vec<_>>().into(),
        "consumers" => view.consumers.iter().map(|c| c.name.clone()).collect::<Vec<_>>().into(),
        _ => Value::None,
    })
}

/// A property with arguments.
pub(super) fn call<'a>(thing: Thing<'a>, name: &str, args: &[Value]) -> Thing<'a> {
    let text = || args.first().map(ToString::to_string).unwrap_or_default();
    let int = |i: usize| args.get(i).and_then(Value::as_int);
    let found = match (thing, name) {
        (Thing::Cluster(view), "t") => Some(Thing::Topic(view, text())),
        (Thing::Cluster(view), "prod") => view.producers.iter().find(|p| p.name == text()).map(Thing::Producer),
        (Thing::Cluster(view), "consumer") => view.consumers.iter().find(|c| c.name == text()).map(Thing::Consumer),
        (Thing::Cluster(view), "group") => Some(Thing::Group(view, text())),
        (Thing::Group(view, id), "member") => {
            groups::member(view, &id, &text()).map(|member| Thing::Member(view, Box::new(member)))
        }
        (Thing::Group(view, id), _) => int(1).map(|p| Thing::Plain(groups::of_partition(view, &id, name, &text(), p))),
        (Thing::Cluster(view), "link") => {
            int(0).zip(int(1)).map(|(a, b)| Thing::Link(view, NodeId(a as i32), NodeId(b as i32)))
        }
        (Thing::Cluster(view), "config") => Some(Thing::Plain(config(view, &text()))),
        (Thing::Topic(view, topic), "p") => {
            int(0).and_then(|p| partition(view, &topic, p)).map(|p| Thing::Partition(view, p))
        }
        (Thing::Partition(view, p), "r") => int(0).and_then(|broker| {
            let node = view.nodes.iter().find(|n| i64::from(n.id.0) == broker)?;
            Some(Thing::Replica(view, node, replica(view, &p.topic, p.partition.into(), broker)?))
        }),
        (Thing::Consumer(c), "position") => {
            let found = c.positions.iter().find(|p| p.topic == text() && Some(i64::from(p.partition)) == int(1));
            found.map(|p| Thing::Plain(p.position.into()))
        }
        (Thing::Learner(learner), "answered") => {
            learner.answers.get(&text()).map(|(answer, _)| Thing::Plain(answer.as_str().into()))
        }
        (Thing::Learner(learner), "right") => {
            learner.answers.get(&text()).map(|(_, right)| Thing::Plain((*right).into()))
        }
        _ => None,
    };
    found.unwrap_or(Thing::Plain(Value::None))
}

/// What is at `[index]`.
pub(super) fn index<'a>(thing: Thing<'a>, index: &Value) -> Thing<'a> {
    let found = match thing {
        Thing::Brokers(view) => {
            brokers(view).find(|n| Some(i64::from(n.id.0)) == index.as_int()).map(|node| Thing::Broker(view, node))
        }
        Thing::Plain(Value::List(items)) => {
            let i = index.as_int().and_then(|i| usize::try_from(i).ok());
            i.and_then(|i| items.get(i).cloned()).map(Thing::Plain)
        }
        _ => None,
    };
    found.unwrap_or(Thing::Plain(Value::None))
}

/// A setting: the lab's own where it differs from Kafka's, else Kafka's default. Numbers come as numbers.
fn config(view: &ClusterView, key: &str) -> Value {
    let preset = view.presets.iter().find(|p| p.key == key).map(|p| p.value.clone());
    match preset.or_else(|| default_value(key)) {
        None => Value::None,
        Some(text) => match (text.as_str(), text.parse::<i64>()) {
            (_, Ok(n)) => n.into(),
            ("true" | "false", _) => (text == "true").into(),
            _ => text.into(),
        },
    }
}

fn broker(view: &ClusterView, node: &NodeView, name: &str) -> Value {
    let active = view.active_controller().and_then(|n| n.controller.as_ref()?.active.as_ref());
    let registration = active.and_then(|a| a.brokers.iter().find(|b| b.id == node.id));
    match name {
        "id" => node.id.into(),
        "alive" => matches!(node.process, ProcessState::Alive).into(),
        "process" => format!("{:?}", node.process).to_lowercase().into(),
        "fenced" => registration.map_or(Value::None, |b| b.fenced.into()),
        "epoch" => registration.map_or(Value::None, |b| b.broker_epoch.into()),
        "rack" => node.rack.as_deref().map_or(Value::None, Value::from),
        "session_ms" => config(view, "broker.session.timeout.ms"),
        "leads" => {
            let led = view.headline().into_iter().filter(|h| h.partition.leader == node.id.0);
            led.map(|h| format!("{}-{}", h.partition.topic, h.partition.partition)).collect::<Vec<_>>().into()
        }
        "parked" => Value::Int(node.broker.as_ref().map_or(0, |b| b.parked.len()) as i64),
        _ => Value::None,
    }
}

fn topic_field(view: &ClusterView, topic: &str, name: &str) -> Value {
    let partitions: Vec<_> = view.headline().into_iter().filter(|h| h.partition.topic == topic).collect();
    match name {
        "exists" => (!partitions.is_empty()).into(),
        "partitions" => Value::Int(partitions.len() as i64),
        "ids" => partitions.iter().map(|h| i64::from(h.partition.partition)).collect::<Vec<_>>().into(),
        "nonempty" => Value::Int(partitions.iter().filter(|h| h.log_end_offset > 0).count() as i64),
        "total" => Value::Int(partitions.iter().map(|h| h.log_end_offset.max(0)).sum()),
        _ => Value::None,
    }
}

fn partition_field(view: &ClusterView, p: &PartitionView, name: &str) -> Value {
    let leader = || replica(view, &p.topic, p.partition.into(), p.leader.into());
    match name {
        "leader" if p.leader < 0 => Value::None,
        "leader" => i64::from(p.leader).into(),
        "leader_epoch" => i64::from(p.leader_epoch).into(),
        "partition_epoch" => i64::from(p.partition_epoch).into(),
        "replicas" => p.replicas.clone().into(),
        "isr" => p.isr.clone().into(),
        "elr" => p.elr.clone().into(),
        "adding" => p.adding.clone().into(),
        "removing" => p.removing.clone().into(),
        "min_isr" => i64::from(p.min_insync_replicas).into(),
        "under_min" => ((p.isr.len() as i64) < i64::from(p.min_insync_replicas)).into(),
        "hw" => leader().map_or(Value::None, |r| r.high_watermark.into()),
        "leo" => leader().map_or(Value::None, |r| r.log_end_offset.into()),
        "log_start" => leader().map_or(Value::None, |r| r.log_start_offset.into()),
        _ => Value::None,
    }
}

fn replica_field(view: &ClusterView, node: &NodeView, r: &ReplicaView, name: &str) -> Value {
    match name {
        "leo" => r.log_end_offset.into(),
        "hw" => r.high_watermark.into(),
        "log_start" => r.log_start_offset.into(),
        "leads" => (r.is_leader && node.process != ProcessState::Down).into(),
        "epochs" => r.epochs.iter().map(|(epoch, _)| i64::from(*epoch)).collect::<Vec<_>>().into(),
        "keys" => r.tail.iter().map(|x| x.key.as_deref().map_or(Value::None, Value::from)).collect::<Vec<_>>().into(),
        "values" => r.tail.iter().map(|x| x.value.clone()).collect::<Vec<_>>().into(),
        "cut" => Value::Int(r.cut.len() as i64),
        "lag_ms" => {
            let leader = view.nodes.iter().filter_map(|n| n.broker.as_ref()).flat_map(|b| &b.replicas);
            let mut leader = leader.filter(|l| l.is_leader && l.topic == r.topic && l.partition == r.partition);
            let seen = leader.find_map(|l| l.followers.iter().find(|f| f.id == node.id));
            seen.map_or(Value::None, |f| Value::Int(f.lag_ms as i64))
        }
        _ => Value::None,
    }
}

fn quorum(view: &ClusterView, name: &str) -> Value {
    let Some(controller) = view.active_controller().and_then(|n| n.controller.as_ref()) else { return Value::None };
    match name {
        "leader" => controller.leader.map_or(Value::None, Value::from),
        "epoch" => i64::from(controller.epoch).into(),
        "hw" => controller.high_watermark.into(),
        "voters" => controller.voters.clone().into(),
        _ => Value::None,
    }
}
