//! What of the cluster a lesson has brought in so far: the rest is there, and not yet drawn.

use std::{collections::BTreeSet, rc::Rc};

use lab_core::{
    id::NodeId,
    trace::{Event, EventKind},
    view::ClusterView,
};

use crate::lab::CourseView;

/// The cluster without the clients that come in with a later step, and without the messages of what is hidden: a lane
/// that ends at nothing would be a riddle.
pub fn cluster(view: &Rc<ClusterView>, course: Option<&CourseView>) -> Rc<ClusterView> {
    let hidden = hidden(view, course);
    if hidden.is_empty() {
        return view.clone();
    }
    let mut shown = ClusterView::clone(view);
    shown.producers.retain(|p| !hidden.contains(&p.id));
    shown.consumers.retain(|c| !hidden.contains(&c.id));
    shown.in_flight.retain(|frame| !hidden.contains(&frame.facts.from) && !hidden.contains(&frame.facts.to));
    Rc::new(shown)
}

/// Whether the quorum has been brought in: without it no line leads to it.
pub fn has_controllers(course: Option<&CourseView>) -> bool {
    !course.is_some_and(|course| hides(course, "controllers"))
}

/// Whether an event is one of things that are drawn. What a broker or controller did is always told.
pub fn tells(view: &ClusterView, course: Option<&CourseView>, event: &Event) -> bool {
    let hidden = hidden(view, course);
    match &event.kind {
        EventKind::Sent(frame) => !hidden.contains(&frame.from) && !hidden.contains(&frame.to),
        _ => view.node(event.node).is_some() || !hidden.contains(&event.node),
    }
}

fn hides(course: &CourseView, region: &str) -> bool {
    course.hidden.iter().any(|class| class.strip_prefix("no-") == Some(region))
}

fn hidden(view: &ClusterView, course: Option<&CourseView>) -> BTreeSet<NodeId> {
    let Some(course) = course else { return BTreeSet::new() };
    let mut hidden = BTreeSet::new();
    if hides(course, "producers") {
        hidden.extend(view.producers.iter().map(|p| p.id));
    }
    if hides(course, "consumers") {
        hidden.extend(view.consumers.iter().map(|c| c.id));
    }
    if hides(course, "controllers") {
        hidden.extend(view.nodes.iter().filter(|n| n.controller.is_some() && n.broker.is_none()).map(|n| n.id));
    }
    hidden
}
