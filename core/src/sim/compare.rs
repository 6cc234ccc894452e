//! Two branches of history, held against each other: what differs at the end, and what happened in only one of them.

use std::collections::BTreeSet;

use super::timeline::Timeline;
use crate::{
    id::NodeId,
    seam::Time,
    trace::{Event, EventKind},
    view::{ClusterView, Headline, ProcessState, ReplicaView},
};

/// Events told of each side; the rest is counted.
const MOST_EVENTS: usize = 40;

/// What [`compare`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Until then the two have one history.
    pub parted: Time,
    /// The instant at which both are looked at: the later head. The other branch is played on to it by itself.
    pub at: Time,
    pub differences: Vec<Difference>,
    pub left: Side,
    pub right: Side,
}

/// What happened in one branch since they parted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// How far this branch had to be played on to be compared, in simulated milliseconds.
    pub played_on_ms: u64,
    /// The notable events, oldest first.
    pub events: Vec<Event>,
    /// Notable events beyond those.
    pub more: usize,
}

/// One thing that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// "orders-0"
    pub subject: String,
    /// "leader"
    pub what: &'static str,
    pub left: String,
    pub right: String,
}

/// Looks at two branches at the same instant. The timeline itself does not move.
///
/// # Errors
/// When there is no such branch.
pub fn compare(timeline: &Timeline, left: usize, right: usize) -> Result<Comparison, String> {
    let heads = [left, right].map(|branch| timeline.branches().get(branch).map(|branch| branch.head));
    let [Some(left_head), Some(right_head)] = heads else {
        return Err(format!("there are {} branches, from 0 on", timeline.branches().len()));
    };
    let at = left_head.max(right_head);
    let parted = timeline.parted(left, right);
    let (a, b) = (timeline.world_of(left, at)?, timeline.world_of(right, at)?);
    let notable = |event: &&Event| {
        event.at >= parted && event.kind.is_interesting() && !matches!(event.kind, EventKind::BatchRetried { .. })
    };
    let [of_a, of_b] = [&a, &b].map(|world| world.events_since(0).filter(notable).cloned().collect::<Vec<_>>());
    let common = of_a.iter().zip(&of_b).take_while(|(a, b)| a == b).count();
    let side = |events: &[Event], head: Time| Side {
        played_on_ms: at.ms_since(head),
        events: events.iter().skip(common).take(MOST_EVENTS).cloned().collect(),
        more: events.len().saturating_sub(common + MOST_EVENTS),
    };
    Ok(Comparison {
        parted,
        at,
        differences: differences(&a.view(), &b.view()),
        left: side(&of_a, left_head),
        right: side(&of_b, right_head),
    })
}

/// What differs between two views, in the order in which people ask: partitions, then processes, then clients.
pub fn differences(left: &ClusterView, right: &ClusterView) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |subject: &str, what: &'static str, left: String, right: String| {
        if left != right {
            found.push(Difference { subject: subject.into(), what, left, right });
        }
    };
    let (ours, theirs) = (left.headline(), right.headline());
    let name = |h: &Headline| (h.partition.topic.clone(), h.partition.partition);
    let names: BTreeSet<_> = ours.iter().chain(&theirs).map(name).collect();
    for (topic, partition) in names {
        let find = |of: &[Headline]| of.iter().find(|h| name(h) == (topic.clone(), partition)).cloned();
        let subject = format!("{topic}-{partition}");
        let (Some(a), Some(b)) = (find(&ours), find(&theirs)) else {
            let exists = |of: &[Headline]| if find(of).is_some() { "exists" } else { "does not exist" }.to_owned();
            add(&subject, "partition", exists(&ours), exists(&theirs));
            continue;
        };
        let both = |value: &dyn Fn(&Headline) -> String| (value(&a), value(&b));
        let leader = |h: &Headline| {
            if h.partition.leader < 0 { "none".into() } else { format!("broker {}", h.partition.leader) }
        };
        for (what, (left, right)) in [
            ("leader", both(&leader)),
            ("leader epoch", both(&|h| h.partition.leader_epoch.to_string())),
            ("ISR", both(&|h| list(&h.partition.isr))),
            ("high watermark", both(&|h| h.high_watermark.to_string())),
            ("log end offset", both(&|h| h.log_end_offset.to_string())),
        ] {
            add(&subject, what, left, right);
        }
        if let (Some(one), Some(other)) = (leader_of(left, &a), leader_of(right, &b))
            && let Some(offset) = first_other_record(one, other)
        {
            let key = |replica: &ReplicaView| {
                let record = replica.tail.iter().find(|record| record.offset == offset);
                record.map_or_else(String::new, |r| format!("{} = {}", r.key.as_deref().unwrap_or("no key"), r.value))
            };
            add(&format!("{subject}, offset {offset}"), "first record that differs", key(one), key(other));
        }
    }
    let ids: BTreeSet<NodeId> = left.nodes.iter().chain(&right.nodes).map(|node| node.id).collect();
    for id in ids {
        let state = |view: &ClusterView| view.node(id).map_or("not there", |node| word(node.process)).to_owned();
        add(&crate::trace::node_name(id), "process", state(left), state(right));
    }
    let active = |view: &ClusterView| {
        let active = view.active_controller().filter(|node| node.process != ProcessState::Down);
        active.map_or_else(|| "none".into(), |node| node.id.to_string())
    };
    add("the quorum", "active controller", active(left), active(right));
    for a in &left.producers {
        if let Some(b) = right.producers.iter().find(|b| b.id == a.id) {
            add(&a.name, "records acknowledged", a.acked.to_string(), b.acked.to_string());
            add(&a.name, "records failed", a.failed.to_string(), b.failed.to_string());
            add(&a.name, "retries", a.retries.to_string(), b.retries.to_string());
        }
    }
    for a in &left.consumers {
        if let Some(b) = right.consumers.iter().find(|b| b.id == a.id) {
            add(&format!("consumer {}", a.name), "records read", a.read.to_string(), b.read.to_string());
        }
    }
    found
}

fn leader_of<'a>(view: &'a ClusterView, headline: &Headline) -> Option<&'a ReplicaView> {
    let p = &headline.partition;
    let broker = view.node(NodeId(p.leader))?.broker.as_ref()?;
    broker.replicas.iter().find(|r| r.topic == p.topic && r.partition == p.partition)
}

/// The first offset that both hold with different records. Only the newest records are known.
fn first_other_record(left: &ReplicaView, right: &ReplicaView) -> Option<i64> {
    let same = |offset: i64, of: &ReplicaView| of.tail.iter().find(|r| r.offset == offset).cloned();
    left.tail.iter().find_map(|record| {
        let other = same(record.offset, right)?;
        ((&record.key, &record.value) != (&other.key, &other.value)).then_some(record.offset)
    })
}

fn list(nodes: &[NodeId]) -> String {
    let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    format!("{{{}}}", nodes.join(", "))
}

fn word(process: ProcessState) -> &'static str {
    match process {
        ProcessState::Alive => "alive",
        ProcessState::Down => "down",
        ProcessState::Paused => "paused",
        ProcessState::Stopping => "stopping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sim::Session, view::Action};

    #[test]
    fn a_killed_leader_and_a_stopped_one_end_differently() {
        let mut timeline = Timeline::new(&Session::new("sandbox", 7)).unwrap();
        let before = timeline.now();
        timeline.seek(before.plus_ms(1));
        let opens = timeline.now();
        timeline.act(&Action::Kill { node: NodeId(1) }).unwrap();
        timeline.seek(opens.plus_ms(5000));
        timeline.seek(before);
        timeline.act(&Action::Stop { node: NodeId(1) }).unwrap();
        timeline.seek(opens.plus_ms(3000));
        let stood = (timeline.now(), timeline.current_branch(), timeline.branches().to_vec());

        let found = compare(&timeline, 0, 1).unwrap();
        assert_eq!(stood, (timeline.now(), timeline.current_branch(), timeline.branches().to_vec()));
        assert_eq!((found.parted, found.at), (before, opens.plus_ms(5000)));
        assert_eq!((found.left.played_on_ms, found.right.played_on_ms), (0, 2000));
        assert_eq!(found.left.events[0].kind, EventKind::Killed);
        assert_eq!(found.right.events[0].kind, EventKind::StopAsked);
        // Five seconds on, one cluster has a new leader; the other still waits for the session of the old one to end.
        let led = found.differences.iter().find(|d| d.what == "leader" && d.left == "broker 1");
        assert_ne!(led.expect("it led one of the partitions").right, "broker 1");
        let acked = found.differences.iter().find(|d| d.what == "records acknowledged").expect("one waited");
        let number = |text: &str| text.parse::<u64>().unwrap();
        assert!(number(&acked.left) < number(&acked.right), "{acked:?}");

        let none = compare(&timeline, 1, 1).unwrap();
        assert!(none.differences.is_empty() && none.left.events.is_empty());
        assert!(compare(&timeline, 0, 9).is_err());
    }
}
