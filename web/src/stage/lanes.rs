//! Idle lanes: who pulls from whom, who produces where, and links that are cut, slow or lead to a dead node.

use lab_core::id::NodeId;
use lab_core::view::{ClusterView, ConsumerView, LinkView, ProcessState};
use std::rc::Rc;
use yew::prelude::*;

use super::geometry::{BROKERS_TOP, CONTROLLERS_HEIGHT, Geometry, Lane, TOP, path};
use crate::model;

/// What the lanes depend on; equal values draw nothing anew.
#[derive(Properties, PartialEq, Clone)]
pub struct LanesProps {
    pub geometry: Rc<Geometry>,
    /// Opened from, to, and how it is.
    pub lanes: Vec<(NodeId, NodeId, State)>,
    /// For each broker: what stands beside its line to the controllers.
    pub sessions: Vec<(NodeId, AttrValue, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Idle,
    Dead,
    Cut,
    HalfCut,
    Slow(u64),
}

/// The connections that the cluster keeps, as its views tell them.
pub fn connections(view: &ClusterView) -> Vec<(NodeId, NodeId, State)> {
    let mut pairs: Vec<(NodeId, NodeId)> = Vec::new();
    let headlines = model::headlines(view);
    for headline in &headlines {
        let p = &headline.partition;
        let leader = NodeId(p.leader);
        if p.leader < 0 {
            continue;
        }
        pairs.extend(p.replicas.iter().filter(|r| **r != leader).map(|r| (*r, leader)));
        pairs.extend(view.producers.iter().map(|c| (c.id, leader)));
        let reads = |c: &&ConsumerView| {
            let none = c.group_id.is_none();
            c.process != ProcessState::Down
                && (none || c.positions.iter().any(|q| q.topic == p.topic && q.partition == p.partition))
        };
        pairs.extend(view.consumers.iter().filter(reads).map(|c| (c.id, leader)));
    }
    for group in view.groups() {
        let members =
            group.members.iter().filter_map(|m| view.consumers.iter().find(|c| c.member_id.as_ref() == Some(&m.id)));
        pairs.extend(members.filter(|c| c.process != ProcessState::Down).map(|c| (c.id, group.coordinator)));
    }
    for link in view.links.iter().filter(|link| link.cut || link.extra_ms > 0) {
        if !pairs.contains(&(link.a, link.b)) && !pairs.contains(&(link.b, link.a)) {
            // A broker opens the connection to a controller, whichever way the link was named.
            pairs.push((link.a.min(link.b), link.a.max(link.b)));
        }
    }
    pairs.sort();
    pairs.dedup();
    pairs.into_iter().map(|(a, b)| (a, b, state(view, a, b))).collect()
}

fn state(view: &ClusterView, a: NodeId, b: NodeId) -> State {
    let of = |link: &&LinkView| (link.a, link.b) == (a, b) || (link.a, link.b) == (b, a);
    let dead = |id| view.node(id).is_some_and(|node| node.process == ProcessState::Down);
    match view.links.iter().find(of) {
        Some(link) if link.cut && link.one_way => State::HalfCut,
        Some(link) if link.cut => State::Cut,
        _ if dead(a) || dead(b) => State::Dead,
        Some(link) if link.extra_ms > 0 => State::Slow(link.extra_ms),
        _ => State::Idle,
    }
}

/// What each broker's line to the controllers says: the session that runs out, or how far it has replayed.
pub fn sessions(view: &ClusterView) -> Vec<(NodeId, AttrValue, bool)> {
    let words = |(node, broker): (&lab_core::view::NodeView, &lab_core::view::BrokerView)| {
        let quiet = node.process == ProcessState::Down || node.process == ProcessState::Paused;
        let (text, fault) = match model::countdown(view, node.id) {
            Some((0, silent, _)) if quiet => (format!("silent for {}, session over", tenths(silent)), true),
            Some((left, _, _)) if quiet => (format!("session ends in {}", tenths(left)), true),
            _ if model::fenced(view, node.id) => ("fenced: no session".into(), true),
            _ => (format!("metadata {}", broker.metadata_offset), false),
        };
        (node.id, AttrValue::from(text), fault)
    };
    model::brokers(view).map(words).collect()
}

fn tenths(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

#[component]
pub fn Lanes(props: &LanesProps) -> Html {
    let lanes = props.lanes.iter().filter_map(|&(from, to, state)| {
        let lane = props.geometry.lane(from, to)?;
        Some(html! { <g key={format!("{from}-{to}")}>{ draw(&lane, state) }</g> })
    });
    let sessions = props.sessions.iter().enumerate().map(|(i, (id, text, fault))| {
        let x = props.geometry.broker_left(i) + 110.0;
        let class = if *fault { "lane dead" } else { "lane meta" };
        html! {
            <g key={id.0}>
                <path {class} d={format!("M{x} {}V{BROKERS_TOP}", TOP + CONTROLLERS_HEIGHT)} />
                <text class={if *fault { "t w" } else { "t d" }} x={(x + 10.0).to_string()} y={(BROKERS_TOP - 11.0).to_string()}>{ text }</text>
            </g>
        }
    });
    html! { <>{ for lanes }{ for sessions }</> }
}

fn draw(lane: &Lane, state: State) -> Html {
    let d = path(&lane.points);
    let ((x, y), _) = lane.at(0.5);
    match state {
        State::Idle => html! { <path class="lane" {d} /> },
        State::Dead => html! { <path class="lane dead" {d} /> },
        State::Slow(ms) => html! {
            <>
                <path class="lane slow" {d} />
                <text class="t w to-mid lane-say" x={x.to_string()} y={(y - 4.0).to_string()}>{ format!("+{ms} ms") }</text>
            </>
        },
        State::Cut | State::HalfCut => html! {
            <>
                <path class="lane dead" {d} />
                <g transform={format!("translate({} {})", x - 8.0, y - 8.0)}>
                    <rect x="-2" y="-1" width="20" height="18" fill="var(--bg)" />
                    <svg class="i warn" width="16" height="16"><use href="#cut" /></svg>
                </g>
                if state == State::HalfCut {
                    <text class="t w lane-say" x={(x + 14.0).to_string()} y={(y + 4.0).to_string()}>{ "one way" }</text>
                }
            </>
        },
    }
}
