//! Messages under way: real frames, moved between the instants they were sent and will arrive.

use std::{cmp::Reverse, collections::BTreeSet, rc::Rc};

use lab_core::{
    id::EventId,
    seam::Time,
    trace::node_name,
    view::{ClusterView, FrameView},
};
use yew::prelude::*;

use super::{
    chip::Chip,
    geometry::{BROKERS_TOP, Geometry, Lane, path},
};
use crate::{context::use_choose, settings::less_motion, ui::Choose};

/// More than this many are not drawn one by one: then the newest of each kind stands for all on its lane.
const MOST: usize = 24;

#[derive(Properties, PartialEq)]
pub struct FlightsProps {
    pub view: Rc<ClusterView>,
    pub geometry: Rc<Geometry>,
    pub background: bool,
    pub picked: Option<EventId>,
}

#[component]
pub fn Flights(props: &FlightsProps) -> Html {
    let choose = use_choose();
    let shown: Vec<(&FrameView, Lane)> = visible(&props.view, props.background)
        .filter_map(|frame| Some((frame, lane_of(&props.geometry, frame)?)))
        .collect();
    let (shown, surplus) = thinned(shown);
    let newest = shown.iter().map(|(frame, _)| (frame.sent_at, frame.event)).max();
    let flies = props.picked.filter(|picked| shown.iter().any(|(frame, _)| frame.event == *picked));
    let followed = flies.or(newest.map(|(_, event)| event));
    let hot = |frame: &FrameView| followed == Some(frame.event);
    let ways = shown.iter().map(|(frame, lane)| {
        let (_, passed) = lane.at(share(frame, props.view.at));
        html! { <path key={frame.event.0} class={classes!("lane", "gone", hot(frame).then_some("hot"))} d={path(&passed)} /> }
    });
    let chips = shown.iter().map(|(frame, lane)| {
        let ((x, y), _) = lane.at(share(frame, props.view.at));
        let onclick = {
            let (choose, event) = (choose.clone(), frame.event);
            Callback::from(move |_| choose.dispatch(Choose::Frame(event)))
        };
        let facts = &frame.facts;
        let right = x < props.geometry.width - 230.0;
        let (label_x, anchor) = if right { (x + 24.0, "t lane-say") } else { (x - 24.0, "t lane-say to-end") };
        html! {
            <g key={frame.event.0}>
                <title>{ format!("{} to {}: {}", node_name(facts.from), node_name(facts.to), facts.label) }</title>
                <Chip api_key={facts.api_key} response={facts.response} records={facts.records} hot={hot(frame)} {x} {y} {onclick} />
                // Between controllers there is no room for words; the caption has them.
                if hot(frame) && y > BROKERS_TOP {
                    <text class={anchor} x={format!("{label_x:.1}")} y={format!("{:.1}", y + 4.0)}>{ short(&facts.label) }</text>
                }
            </g>
        }
    });
    html! {
        <>
            { for ways }
            { for chips }
            if surplus > 0 { <text class="t d to-end" x={(props.geometry.width - 4.0).to_string()} y={(props.geometry.clients_top() - 8.0).to_string()}>{ format!("and {surplus} more messages") }</text> }
        </>
    }
}

/// Frames that are drawn: background traffic only when asked for.
pub fn visible(view: &ClusterView, background: bool) -> impl Iterator<Item = &FrameView> {
    view.in_flight.iter().filter(move |frame| background || !frame.facts.background)
}

/// What is drawn, and how many messages that leaves out.
fn thinned(mut all: Vec<(&FrameView, Lane)>) -> (Vec<(&FrameView, Lane)>, usize) {
    if all.len() <= MOST {
        return (all, 0);
    }
    let before = all.len();
    all.sort_by_key(|(frame, _)| Reverse((frame.sent_at, frame.event)));
    let mut seen = BTreeSet::new();
    all.retain(|(frame, _)| seen.insert((frame.facts.from, frame.facts.to, frame.facts.api_key, frame.facts.response)));
    all.truncate(MOST);
    let surplus = before - all.len();
    (all, surplus)
}

/// An answer takes the way of its question, back.
fn lane_of(geometry: &Geometry, frame: &FrameView) -> Option<Lane> {
    let facts = &frame.facts;
    if facts.response {
        geometry.lane(facts.to, facts.from).map(Lane::reversed)
    } else {
        geometry.lane(facts.from, facts.to)
    }
}

/// How much of its way a frame has made. With less motion it stands at the end and the lane shows the rest.
fn share(frame: &FrameView, now: Time) -> f64 {
    if less_motion() {
        return 1.0;
    }
    let (sent, arrives) = (frame.sent_at.0 as f64, frame.facts.arrives_at.0 as f64);
    let linear = if arrives > sent { ((now.0 as f64 - sent) / (arrives - sent)).clamp(0.0, 1.0) } else { 1.0 };
    // Slow at both ends, as things that start and stop are.
    linear * linear * (3.0 - 2.0 * linear)
}

fn short(label: &str) -> String {
    // The chip itself says whether it asks or answers.
    let label = label.strip_prefix("answers ").unwrap_or(label);
    if label.chars().count() <= 44 { label.into() } else { label.chars().take(43).chain(['…']).collect() }
}
