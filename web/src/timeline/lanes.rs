//! What happened when: you, the partition's leader, its ISR, a consumer group, and the clients.

use std::rc::Rc;

use lab_core::{
    id::{NodeId, TopicPartition},
    seam::Time,
    trace::{Event, EventKind, node_name},
};
use yew::prelude::*;

use super::{LEFT, scale::Scale};
use crate::{context::use_lab, model};

#[derive(Properties, PartialEq)]
pub struct MarksProps {
    /// Version of the story: marks change with it and with nothing else.
    pub story: u64,
    pub scale: Rc<Scale>,
    pub partition: TopicPartition,
    /// The ISR at the playhead: all there is to know of it while nothing has changed it.
    pub isr: String,
    /// Leader and leader epoch at the playhead, for the same reason.
    pub leader: (i32, i32),
    /// The group that has a row, and its generation at the playhead.
    pub group: Option<(String, i32)>,
    pub width: f64,
}

/// Where the rows stand: with a group there are five.
#[derive(Clone, Copy)]
struct Rows {
    leader: f64,
    isr: f64,
    group: f64,
    clients: f64,
}

const FOUR: Rows = Rows { leader: 31.0, isr: 51.0, group: 0.0, clients: 71.0 };
const FIVE: Rows = Rows { leader: 28.0, isr: 44.0, group: 60.0, clients: 75.0 };

#[component]
pub fn Marks(props: &MarksProps) -> Html {
    let lab = use_lab();
    let scale = &props.scale;
    let rows = if props.group.is_some() { FIVE } else { FOUR };
    let mut names = vec![("You", 12.0), ("Leader", rows.leader), ("ISR", rows.isr), ("Clients", rows.clients)];
    if let Some((group, _)) = &props.group {
        names.insert(3, (group.as_str(), rows.group));
    }
    lab.story(|story| {
        let events = story.all();
        let folds = scale.folds.iter().map(|(from, to)| {
            let (a, b) = (scale.x(*from), scale.x(*to));
            let seconds = (to.0 - from.0) as f64 / 1e6;
            html! {
                <>
                    <rect x={a.to_string()} y="0" width={(b - a).to_string()} height="80" fill="var(--fold)" />
                    <path class="thin2" stroke-width="1.5" d={format!("M{} 84l4-8M{} 84l4-8", a - 2.0, b - 2.0)} />
                    if b - a > 54.0 { <text class="t b to-mid" x={((a + b) / 2.0).to_string()} y="94">{ format!("{seconds:.1} s, ×10") }</text> }
                </>
            }
        });
        let ticks = scale.ticks().into_iter().map(|(x, text)| html! {
            <><path class="thin2" d={format!("M{x} 79.5v4")} /><text class="t d" x={(x + 3.0).to_string()} y="94">{ text }</text></>
        });
        html! {
            <>
                { for folds }
                { for names.iter().enumerate().map(|(i, (name, y))| html! {
                    <>
                        <text class="t d" x="16" y={y.to_string()}>{ *name }</text>
                        if i > 0 { <path class="thin" d={format!("M16 {}H{}", y - 12.5, props.width - 16.0)} /> }
                    </>
                }) }
                { you(events, scale) }
                { leader(events, scale, &props.partition, props.leader, rows.leader) }
                { isr(events, scale, &props.partition, &props.isr, rows.isr) }
                if let Some((id, generation)) = &props.group { { group(events, scale, id, *generation, rows.group) } }
                { clients(events, scale, rows.clients - 6.0) }
                <path class="thin2" d={format!("M{LEFT} 79.5H{}", scale.right())} />
                { for ticks }
            </>
        }
    })
}

/// A cross for a fault, a dot for what mends.
fn you(events: &[Event], scale: &Scale) -> Html {
    let mut free_from = 0.0;
    let marks = events.iter().filter(|e| e.kind.is_action() && (e.at > Time::ZERO || !matches!(e.kind, EventKind::Started))).map(|event| {
        let x = scale.x(event.at);
        let name = node_name(event.node);
        // Brokers and controllers by their numbers, clients by their letters.
        let node = name.rsplit(' ').next().unwrap_or_default();
        let word = match &event.kind {
            EventKind::Killed => format!("killed {node}"),
            EventKind::PowerLost => format!("power loss {node}"),
            EventKind::StopAsked => format!("stopped {node}"),
            EventKind::Started => format!("started {node}"),
            EventKind::Paused => format!("paused {node}"),
            EventKind::Resumed => format!("resumed {node}"),
            EventKind::LinkCut { a, b, .. } => format!("cut {a} {b}"),
            EventKind::LinkSlowed { a, b, .. } => format!("slowed {a} {b}"),
            EventKind::LinksHealed => "healed".into(),
            _ => String::new(),
        };
        let mends = matches!(event.kind, EventKind::Started | EventKind::Resumed | EventKind::LinksHealed);
        let show = x >= free_from;
        if show {
            free_from = x + 16.0 + word.len() as f64 * 6.2;
        }
        html! {
            <>
                if mends { <circle cx={x.to_string()} cy="8" r="2.75" fill="var(--ink-2)" /> }
                else { <path d={format!("M{} 4.5l7 7m0-7l-7 7", x - 3.5)} stroke="var(--warn)" stroke-width="2" stroke-linecap="round" fill="none" /> }
                if show { <text class="t b" x={(x + 8.0).to_string()} y="12">{ word }</text> }
            </>
        }
    });
    html! { <>{ for marks }</> }
}

/// Spans of a value over time: where it changed, and its words.
fn spans(changes: Vec<(Time, String, Kind)>, scale: &Scale, y: f64) -> Html {
    let end = scale.right();
    let boxes = changes.iter().enumerate().map(|(i, (at, text, kind))| {
        let x = scale.x(*at);
        let right = changes.get(i + 1).map_or(end, |next| scale.x(next.0));
        let class = match kind {
            Kind::Plain => "tb",
            Kind::Lead => "tb lead",
            Kind::Ok => "tb ok",
            Kind::None => "tb none",
        };
        if right <= x {
            return Html::default();
        }
        let width = (right - x - 1.0).max(1.0);
        let room = width > text.len() as f64 * 6.0 + 10.0;
        let text_class = if *kind == Kind::Lead { "t l b" } else { "t" };
        html! {
            <g key={i}>
                <rect {class} x={(x + 0.5).to_string()} y={(y - 9.5).to_string()} width={width.to_string()} height="12" rx="2" />
                if room {
                    if *kind == Kind::None { <rect x={(x + 5.0).to_string()} y={(y - 8.5).to_string()} width={(text.len() as f64 * 5.9).to_string()} height="10" fill="var(--panel)" /> }
                    <text class={text_class} x={(x + 6.5).to_string()} y={y.to_string()}>{ text }</text>
                }
            </g>
        }
    });
    html! { <>{ for boxes }</> }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Lead,
    Ok,
    None,
}

/// The first leader is a plain fact; those that were elected later stand out.
fn served(first: bool) -> Kind {
    if first { Kind::Plain } else { Kind::Lead }
}

/// Who served the partition: the decision of the controller, and the time between a leader's death and its successor.
fn leader(events: &[Event], scale: &Scale, partition: &TopicPartition, now: (i32, i32), y: f64) -> Html {
    let mut changes: Vec<(Time, String, Kind)> = Vec::new();
    let mut first = true;
    // A real cluster had a leader long before this page came to look.
    let before = events.iter().find_map(|event| match &event.kind {
        EventKind::PartitionChanged { partition: p, previous_leader, .. } if p == partition => {
            Some((*previous_leader, None))
        }
        EventKind::BecameLeader { partition: p, .. } if p == partition => Some((-1, None)),
        _ => None,
    });
    let (id, epoch) = before.unwrap_or((now.0, Some(now.1)));
    let mut leading = (id >= 0).then_some(NodeId(id));
    if let Some(leader) = leading {
        let epoch = epoch.map(|epoch| format!(", epoch {epoch}")).unwrap_or_default();
        changes.push((Time::ZERO, format!("broker {leader}{epoch}"), Kind::Plain));
        first = false;
    }
    for event in events {
        match &event.kind {
            EventKind::PartitionChanged { partition: p, leader, leader_epoch, previous_leader, .. }
                if p == partition && (leader != previous_leader || changes.is_empty()) =>
            {
                leading = (*leader >= 0).then_some(NodeId(*leader));
                let (text, kind) = match leading {
                    None => ("nobody serves".into(), Kind::None),
                    Some(leader) => (format!("broker {leader}, epoch {leader_epoch}"), served(first)),
                };
                changes.push((event.at, text, kind));
                first = false;
            }
            EventKind::BecameLeader { partition: p, leader_epoch, .. }
                if p == partition && leading != Some(event.node) =>
            {
                leading = Some(event.node);
                changes.push((event.at, format!("broker {}, epoch {leader_epoch}", event.node), served(first)));
                first = false;
            }
            EventKind::Killed | EventKind::PowerLost | EventKind::Stopped | EventKind::Paused
                if Some(event.node) == leading =>
            {
                leading = None;
                changes.push((event.at, "nobody serves".into(), Kind::None));
            }
            _ => {}
        }
    }
    for i in 0..changes.len() {
        if let (Kind::None, Some(next)) = (changes[i].2, changes.get(i + 1)) {
            let ms = next.0.ms_since(changes[i].0);
            changes[i].1 = format!("nobody serves, {ms} ms");
        }
    }
    spans(changes, scale, y)
}

fn isr(events: &[Event], scale: &Scale, partition: &TopicPartition, now: &str, y: f64) -> Html {
    let mut changes: Vec<(Time, String, Kind)> = Vec::new();
    let first = events.iter().find_map(|event| match &event.kind {
        EventKind::PartitionChanged { partition: p, previous_isr, .. } if p == partition => {
            Some(model::list(previous_isr, " "))
        }
        _ => None,
    });
    changes.push((Time::ZERO, first.unwrap_or_else(|| now.into()), Kind::Ok));
    for event in events {
        if let EventKind::PartitionChanged { partition: p, isr, .. } = &event.kind {
            let text = model::list(isr, " ");
            if p == partition && changes.last().is_none_or(|last| last.1 != text) {
                changes.push((event.at, text, Kind::Ok));
            }
        }
    }
    spans(changes, scale, y)
}

/// Generations of a group, and the rebalances between them.
fn group(events: &[Event], scale: &Scale, id: &str, now: i32, y: f64) -> Html {
    let mut changes: Vec<(Time, String, Kind)> = Vec::new();
    for event in events {
        let (text, kind) = match &event.kind {
            EventKind::RebalanceStarted { group, .. } if group == id => (String::new(), Kind::None),
            EventKind::GroupStable { group, generation } if group == id => {
                (format!("generation {generation}"), Kind::Plain)
            }
            EventKind::GenerationBegan { group, members, .. } if group == id && members.is_empty() => {
                ("empty".into(), Kind::Plain)
            }
            _ => continue,
        };
        changes.push((event.at, text, kind));
    }
    // Before the first event that is known: generations count up by one (ClassicGroup.initNextGeneration), from 1.
    let before = events.iter().find_map(|event| match &event.kind {
        EventKind::GenerationBegan { group, generation, .. } if group == id => Some(*generation - 1),
        _ => None,
    });
    let before = before.unwrap_or(now);
    if before > 0 && changes.first().is_none_or(|first| first.2 == Kind::None) {
        changes.insert(0, (Time::ZERO, format!("generation {before}"), Kind::Plain));
    }
    for i in 0..changes.len() {
        if changes[i].2 == Kind::None {
            let ms = changes.get(i + 1).map(|next| next.0.ms_since(changes[i].0));
            changes[i].1 = ms.map_or_else(|| "rebalance".into(), |ms| format!("rebalance, {ms} ms"));
        }
    }
    spans(changes, scale, y)
}

/// Green: acknowledged or read. Broken orange: refused, to be tried again, lost.
fn clients(events: &[Event], scale: &Scale, y: f64) -> Html {
    let (mut good, mut bad) = (String::new(), String::new());
    let (mut last_good, mut last_bad) = (-9.0, -9.0);
    for event in events {
        let x = scale.x(event.at);
        match &event.kind {
            EventKind::BatchAcked { .. } if x - last_good >= 3.0 => {
                good.push_str(&format!("M{x:.1} {y}v8"));
                last_good = x;
            }
            EventKind::BatchRetried { .. } | EventKind::BatchFailed { .. } | EventKind::ConnectRefused { .. }
                if x - last_bad >= 4.0 =>
            {
                bad.push_str(&format!("M{x:.1} {y}v5m0 2.2v1"));
                last_bad = x;
            }
            _ => {}
        }
    }
    html! {
        <>
            <path d={good} stroke="var(--ok)" stroke-width="2" fill="none" />
            <path d={bad} stroke="var(--warn)" stroke-width="2" fill="none" />
        </>
    }
}
