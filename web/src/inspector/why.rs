//! Why? The chain of causes behind what is selected: five clauses at most, the whole chain on demand.

use std::rc::Rc;

use lab_core::{
    id::{NodeId, TopicPartition},
    trace::{Event, EventKind, node_name},
};
use yew::prelude::*;

use super::state::until;
use crate::{
    context::{use_choose, use_lab},
    lab::{Lab, Snapshot},
    model, pace,
    ui::{Choose, Selection},
};

/// Clauses shown at first.
const CLAUSES: usize = 5;
/// A chain longer than this is cut; nobody reads further.
const LONGEST: usize = 60;

#[derive(Properties, PartialEq)]
pub struct WhyProps {
    pub snapshot: Rc<Snapshot>,
    pub selection: Selection,
}

#[component]
pub fn Why(props: &WhyProps) -> Html {
    let lab = use_lab();
    let whole = use_state(|| false);
    let Some((question, start)) = question(&lab, props) else {
        return html! { <p class="why mid">{ "Nothing has happened to this yet: play on, or pick an event." }</p> };
    };
    let partition = match &props.selection {
        Selection::Partition(partition) => Some(partition.clone()),
        _ => start.kind.partition().cloned(),
    };
    let chain = causes(&lab, start, partition.as_ref());
    let mut told: Vec<&Event> = chain.iter().filter(|event| is_clause(event, partition.as_ref())).collect();
    // Each voter learns that the same records are committed: once is enough.
    told.dedup_by(|a, b| [a, b].iter().all(|e| matches!(e.kind, EventKind::MetadataHighWatermark { .. })));
    let short = !*whole && (told.len() > CLAUSES || told.len() < chain.len());
    let shown: Vec<&Event> = if *whole { chain.iter().collect() } else { shorten(&told) };
    let toggle = {
        let whole = whole.clone();
        Callback::from(move |_| whole.set(!*whole))
    };
    let headline = match &props.selection {
        Selection::Partition(partition) => {
            model::headlines(&props.snapshot.view).into_iter().find(|h| &model::name_of(&h.partition) == partition)
        }
        _ => None,
    };
    html! {
        <>
            <section class="why">
                <h2>{ question }</h2>
                <ol class="chain" aria-label="Causes, newest first">
                    { for shown.iter().enumerate().map(|(i, event)| html! { <Clause key={event.id.0} event={(*event).clone()} first={i == 0} /> }) }
                </ol>
                if short { <button class="btn low" onclick={toggle}>{ format!("Whole chain, {} events", chain.len()) }</button> }
                else if *whole { <button class="btn low" onclick={toggle}>{ "Only the main causes" }</button> }
            </section>
            if let Some(h) = headline {
                { until(&h, props.snapshot.view.node(NodeId(h.partition.leader)).and_then(|n| n.broker.as_ref()).and_then(|b| model::replica(b, &model::name_of(&h.partition)))) }
            }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct ClauseProps {
    event: Event,
    first: bool,
}

#[component]
fn Clause(props: &ClauseProps) -> Html {
    let (choose, lab) = (use_choose(), use_lab());
    let event = &props.event;
    let you = event.kind.is_action();
    let onclick = {
        let (id, at, frame) = (event.id, event.at, matches!(event.kind, EventKind::Sent(_)));
        Callback::from(move |_| {
            if lab.no_rewind().is_none() {
                lab.seek(at);
            }
            choose.dispatch(if frame { Choose::Frame(id) } else { Choose::Why(id) });
        })
    };
    let rules = event.kind.rule();
    html! {
        <li class={classes!(props.first.then_some("first"), you.then_some("you"))}>
            <button {onclick} title="Go to this event">
                <p>{ event.text() }</p>
                <span class="rule"><span class="at">{ pace::seconds(event.at) }</span>
                    { if you { html! { <span>{ "your action" }</span> } } else { rules.split(", ").filter(|r| !r.is_empty()).map(|r| html! { <span>{ r }</span> }).collect() } }
                </span>
            </button>
        </li>
    }
}

/// The question that fits the selection, and the event that answers it.
fn question(lab: &Lab, props: &WhyProps) -> Option<(String, Event)> {
    let now = props.snapshot.now;
    let newest = |wanted: &dyn Fn(&Event) -> bool| {
        lab.story(|story| story.until(now).iter().rev().find(|event| wanted(event)).cloned())
    };
    match &props.selection {
        Selection::Event(id) => lab.event(*id).map(|event| ("Why did this happen?".into(), event)),
        Selection::Partition(partition) => of_partition(partition, &newest),
        Selection::Node(id) => {
            let about = |event: &Event| match &event.kind {
                EventKind::BrokerFenced { broker, .. } | EventKind::BrokerUnfenced { broker } => broker == id,
                kind => event.node == *id && kind.is_interesting(),
            };
            newest(&about).map(|event| (format!("What last happened to {}?", node_name(*id)), event))
        }
    }
}

type Newest<'a> = &'a dyn Fn(&dyn Fn(&Event) -> bool) -> Option<Event>;

fn of_partition(partition: &TopicPartition, newest: Newest<'_>) -> Option<(String, Event)> {
    let decided = newest(&|event| {
        let same = event.kind.partition() == Some(partition);
        same && matches!(event.kind, EventKind::BecameLeader { .. } | EventKind::PartitionChanged { .. })
    })?;
    let question = match &decided.kind {
        EventKind::BecameLeader { .. } => format!("Why does broker {} lead?", decided.node),
        EventKind::PartitionChanged { leader, .. } if *leader < 0 => "Why does nobody lead?".into(),
        EventKind::PartitionChanged { leader, previous_leader, .. } if leader != previous_leader => {
            format!("Why does broker {leader} lead?")
        }
        _ => "Why is the ISR as it is?".into(),
    };
    Some((question, decided))
}

/// The event, its cause, the cause's cause, and so on.
fn causes(lab: &Lab, start: Event, partition: Option<&TopicPartition>) -> Vec<Event> {
    let mut chain = vec![start];
    while let Some(event) = chain.last()
        && chain.len() < LONGEST
    {
        let cause = behind(lab, event, partition).or_else(|| lab.event(event.cause?));
        match cause {
            Some(cause) if chain.iter().all(|known| known.id != cause.id) => chain.push(cause),
            _ => break,
        }
    }
    chain
}

/// What stands behind an event that no single frame brought about: a committed decision was first made, and a silence
/// began when something befell the broker.
fn behind(lab: &Lab, event: &Event, partition: Option<&TopicPartition>) -> Option<Event> {
    let before = |wanted: &dyn Fn(&Event) -> bool| {
        lab.story(|story| story.until(event.at).iter().rev().find(|e| e.id != event.id && wanted(e)).cloned())
    };
    match &event.kind {
        EventKind::MetadataHighWatermark { offset } => {
            let decision = partition.and_then(|p| {
                before(&|e| matches!(&e.kind, EventKind::PartitionChanged { partition, .. } if partition == p))
            });
            decision.or_else(|| {
                before(&|e| matches!(&e.kind, EventKind::MetadataAppended { base_offset, .. } if base_offset < offset))
            })
        }
        EventKind::BrokerFenced { broker, .. } => {
            let befell = lab.story(|story| story.befell(*broker, event.at).cloned());
            befell.or_else(|| {
                before(&|e| matches!(&e.kind, EventKind::LinkCut { a, b, .. } if a == broker || b == broker))
            })
        }
        _ => None,
    }
}

/// Frames and replays carry a cause from node to node, and one batch may decide on many partitions; the clauses are
/// what was decided and done here.
fn is_clause(event: &Event, partition: Option<&TopicPartition>) -> bool {
    match &event.kind {
        EventKind::Sent(_) | EventKind::MetadataReplayed { .. } => false,
        EventKind::PartitionChanged { partition: p, .. } => partition.is_none_or(|partition| partition == p),
        _ => true,
    }
}

/// At most [`CLAUSES`]: the newest ones and the origin.
fn shorten<'a>(told: &[&'a Event]) -> Vec<&'a Event> {
    if told.len() <= CLAUSES {
        return told.to_vec();
    }
    told[..CLAUSES - 1].iter().chain(told.last()).copied().collect()
}
