//! A crown travels from the old leader's replica to the new one's when a broker begins to lead: one real event each.

use std::rc::Rc;

use lab_core::{
    id::{EventId, NodeId, TopicPartition},
    trace::{Event, EventKind},
};
use web_sys::Element;
use yew::prelude::*;

use crate::{context::use_lab, icon::Crown, lab::Snapshot, settings::less_motion};

/// A jump longer than this is a seek, not a movement.
const LONGEST_MS: u64 = 3000;

#[derive(Properties, PartialEq)]
pub struct CrownsProps {
    pub snapshot: Rc<Snapshot>,
}

/// From where to where, in pixels of the stage.
#[derive(Clone, PartialEq)]
struct Flight {
    event: EventId,
    from: (f64, f64),
    to: (f64, f64),
}

#[component]
pub fn Crowns(props: &CrownsProps) -> Html {
    let lab = use_lab();
    let place = use_node_ref();
    let flights = use_state(Vec::<Flight>::new);
    let seen = use_mut_ref(|| None::<(usize, u64)>);
    {
        let (flights, place) = (flights.clone(), place.clone());
        use_effect_with(props.snapshot.clone(), move |s: &Rc<Snapshot>| {
            let (now, position) = (s.now.as_ms(), s.position.0);
            let before = seen.borrow_mut().replace((position, now));
            let Some((from, then)) = before else { return };
            let moved = position > from && now >= then && now - then <= LONGEST_MS;
            let Some(world) = place.cast::<Element>().and_then(|mark| mark.parent_element()) else { return };
            if !moved || less_motion() {
                return;
            }
            let new: Vec<Flight> = lab.story(|story| {
                let events = story.until(s.now);
                let begins = events.iter().enumerate().skip(from);
                begins.filter_map(|(i, event)| flight(&world, &events[..i], event)).collect()
            });
            if !new.is_empty() {
                flights.set(new);
            }
        });
    }
    let landed = {
        let flights = flights.clone();
        Callback::from(move |_: AnimationEvent| flights.set(Vec::new()))
    };
    html! {
        <div ref={place} class="crowns" aria-hidden="true">
            { for flights.iter().map(|f| {
                let (dx, dy) = (f.from.0 - f.to.0, f.from.1 - f.to.1);
                let style = format!("left:{}px;top:{}px;--dx:{dx}px;--dy:{dy}px", f.to.0, f.to.1);
                html! { <span key={f.event.0} class="fly" {style} onanimationend={landed.clone()}><Crown /></span> }
            }) }
        </div>
    }
}

/// The way of the crown, if this event moved one and both replicas are drawn.
fn flight(world: &Element, before: &[Event], event: &Event) -> Option<Flight> {
    let EventKind::BecameLeader { partition, .. } = &event.kind else { return None };
    let previous = before.iter().rev().find_map(|earlier| match &earlier.kind {
        EventKind::BecameLeader { partition: p, .. } if p == partition => Some(earlier.node),
        _ => None,
    })?;
    if previous == event.node {
        return None;
    }
    let (from, to) = (place_of(world, previous, partition)?, place_of(world, event.node, partition)?);
    Some(Flight { event: event.id, from, to })
}

/// Where a replica's crown stands, from the upper left corner of the stage.
fn place_of(world: &Element, broker: NodeId, partition: &TopicPartition) -> Option<(f64, f64)> {
    let replica =
        world.query_selector(&format!("[data-node=\"{broker}\"] [data-partition=\"{partition}\"]")).ok()??;
    let (rect, origin) = (replica.get_bounding_client_rect(), world.get_bounding_client_rect());
    Some((rect.left() - origin.left() + 12.0, rect.top() - origin.top() + 7.0))
}
