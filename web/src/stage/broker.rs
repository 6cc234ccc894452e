//! A broker's card: its state, the replicas it holds as strips, and what it waits for.

use std::{collections::BTreeMap, rc::Rc};

use lab_core::{
    id::{NodeId, TopicPartition},
    seam::Time,
    trace::EventKind,
    view::{ClusterView, Headline, NodeView, ProcessState},
};
use yew::prelude::*;

use super::{
    Acts,
    geometry::{BROKERS_TOP, CARD_WIDTH},
    strip::{LogStrip, Size},
};
use crate::{
    context::use_choose,
    icon::{Crown, Icon},
    lab::Lab,
    model::{self, Condition, Role, Strip},
    ui::{Choose, Selection},
};

/// All that is drawn of a broker.
#[derive(Clone, PartialEq)]
pub struct Card {
    id: NodeId,
    process: ProcessState,
    condition: Condition,
    fenced: bool,
    rack: Option<String>,
    description: String,
    strips: Vec<Strip>,
    more: usize,
    picked_partition: TopicPartition,
    foot: AttrValue,
    /// Groups that it coordinates.
    coordinates: Vec<String>,
}

/// `shown` replicas fit into it.
pub fn card(
    view: &ClusterView,
    node: &NodeView,
    headlines: &[Headline],
    partition: &TopicPartition,
    foot: AttrValue,
    shown: usize,
) -> Card {
    let held: Vec<&Headline> = headlines.iter().filter(|h| model::strip(view, h, node.id, false).is_some()).collect();
    // A window of partitions that holds the picked one, the same on every card.
    let picked = headlines.iter().position(|h| &model::name_of(&h.partition) == partition).unwrap_or(0);
    let start = (picked + 1).saturating_sub(shown);
    let window = headlines.iter().skip(start).take(shown);
    let strips: Vec<Strip> = window.filter_map(|h| model::strip(view, h, node.id, false)).collect();
    let condition = model::condition(view, node);
    Card {
        id: node.id,
        process: node.process,
        condition,
        fenced: model::fenced(view, node.id),
        rack: node.rack.clone(),
        description: model::broker_words(view, node, headlines),
        more: held.len().saturating_sub(strips.len()),
        strips,
        picked_partition: partition.clone(),
        coordinates: model::group::coordinated_by(view, node.id),
        foot: if foot.is_empty() { standing(node, headlines) } else { foot },
    }
}

/// What a healthy broker's foot says: what waits in it, else what it does.
fn standing(node: &NodeView, headlines: &[Headline]) -> AttrValue {
    let Some(broker) = &node.broker else { return AttrValue::default() };
    // Fetches wait all the time; a producer that waits is worth a line.
    let mut waiting = broker.parked.iter().filter(|parked| parked.starts_with("Produce"));
    if let Some(parked) = waiting.next() {
        let more = waiting.count();
        return if more > 0 { format!("{parked}, and {more} more wait").into() } else { parked.clone().into() };
    }
    let leads = headlines.iter().filter(|h| h.partition.leader == node.id.0).count();
    let holds = headlines.iter().filter(|h| h.partition.replicas.contains(&node.id)).count();
    format!("leads {leads}, follows {}", holds.saturating_sub(leads)).into()
}

/// What happened to the brokers that are not well, from the events: "killed 12.431, fenced 20.904".
pub fn feet(view: &ClusterView, lab: &Lab, now: Time) -> BTreeMap<NodeId, AttrValue> {
    let unwell = model::brokers(view).filter(|(node, _)| model::condition(view, node) != Condition::Alive);
    lab.story(|story| {
        let words = |id: NodeId| {
            let befell = story.befell(id, now);
            let fenced = story.until(now).iter().rev().find(|event| {
                matches!(event.kind, EventKind::BrokerFenced { broker, .. } if broker == id)
                    && befell.is_none_or(|befell| befell.at <= event.at)
            });
            let fenced = fenced.filter(|_| model::fenced(view, id));
            let both = [befell, fenced].into_iter().flatten().map(|event| {
                let word = match event.kind {
                    EventKind::BrokerFenced { .. } => "fenced",
                    EventKind::Killed => "killed",
                    EventKind::PowerLost => "lost power",
                    EventKind::Paused => "paused",
                    _ => "stopped",
                };
                format!("{word} {}.{:03}", event.at.as_ms() / 1000, event.at.as_ms() % 1000)
            });
            AttrValue::from(both.collect::<Vec<_>>().join(", "))
        };
        unwell.map(|(node, _)| (node.id, words(node.id))).collect()
    })
}

#[derive(Properties, PartialEq)]
pub struct BrokerProps {
    pub card: Card,
    pub left: f64,
    pub height: f64,
    pub picked: bool,
}

#[component]
pub fn Broker(props: &BrokerProps) -> Html {
    let choose = use_choose();
    let card = &props.card;
    let pick = {
        let (choose, id) = (choose.clone(), card.id);
        Callback::from(move |_| choose.dispatch(Choose::Select(Selection::Node(id))))
    };
    let style = format!("left:{}px;top:{BROKERS_TOP}px;width:{CARD_WIDTH}px;height:{}px", props.left, props.height);
    let class = classes!("card", "broker", card.condition.word(), props.picked.then_some("sel"));
    html! {
        <section {class} role="group" aria-label={format!("Broker {}", card.id)} aria-description={card.description.clone()}
            data-node={card.id.to_string()} data-state={card.condition.word()} {style}>
            <header>
                { ring(card.condition) }
                <button class="name" onclick={pick} aria-label={format!("Inspect broker {}", card.id)}>{ format!("Broker {}", card.id) }</button>
                { sign(card) }
                <span class="end">
                    if card.condition == Condition::Alive {
                        if let Some(rack) = &card.rack { <span class="micro">{ format!("rack {rack}") }</span> }
                    }
                    if card.process != ProcessState::Down { <Acts node={card.id} kind="broker" process={card.process} /> }
                </span>
            </header>
            <div role="group" aria-label={format!("Replicas on broker {}", card.id)} data-roving="vertical">
                { for card.strips.iter().enumerate().map(|(i, strip)| html! {
                    <Replica key={strip.partition.to_string()} strip={strip.clone()} big={strip.partition == card.picked_partition} first={i == 0} />
                }) }
            </div>
            if card.strips.is_empty() { <p class="empty micro">{ "holds no partitions yet" }</p> }
            <div class="foot">
                <span title={card.foot.clone()}>{ &card.foot }</span>
                if !card.coordinates.is_empty() {
                    <span class="badge line coordinates" title={format!("It coordinates {}: it leads the partition of __consumer_offsets that their names hash to", card.coordinates.join(", "))}>
                        <Icon name="coordinator" class="xs" />{ card.coordinates.join(", ") }</span>
                }
                if card.more > 0 { <span class="dim" title={format!("and {} partitions more", card.more)}>{ format!("+{}", card.more) }</span> }
                if card.process == ProcessState::Down {
                    <span class="push"><Acts node={card.id} kind="broker" process={card.process} /></span>
                }
            </div>
        </section>
    }
}

/// A ring while it lives, a cross when it is down, bars when it is paused.
pub fn ring(condition: Condition) -> Html {
    let inner = match condition {
        Condition::Down => {
            html! { <><circle class="ring off" cx="7" cy="7" r="5.25" /><path d="m4.5 4.5 5 5m0-5-5 5" stroke="var(--ink-2)" stroke-width="1.5" /></> }
        }
        Condition::Paused => {
            html! { <><circle class="ring off" cx="7" cy="7" r="5.25" /><path d="M5.6 5v4M8.4 5v4" stroke="var(--ink-2)" stroke-width="1.5" /></> }
        }
        _ => {
            html! { <><circle class="ring" cx="7" cy="7" r="5" stroke-dasharray="25 6.4" /><circle cx="7" cy="7" r="1.8" fill="var(--ok)" /></> }
        }
    };
    html! { <svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">{ inner }</svg> }
}

/// The word of a state, so that no state is told by colour or pattern alone.
fn sign(card: &Card) -> Html {
    html! {
        <>
            { match card.condition {
                Condition::Down => html! { <span class="badge fault">{ "DOWN" }</span> },
                Condition::Paused => html! { <span class="badge line">{ "PAUSED" }</span> },
                Condition::Stopping => html! { <span class="badge line">{ "STOPPING" }</span> },
                Condition::Fenced | Condition::Alive => Html::default(),
            } }
            if card.fenced { <span class="badge line">{ "FENCED" }</span> }
        </>
    }
}

#[derive(Properties, PartialEq)]
pub struct ReplicaProps {
    pub strip: Strip,
    pub big: bool,
    /// The tab stop of the card's replicas.
    pub first: bool,
}

#[component]
fn Replica(props: &ReplicaProps) -> Html {
    let choose = use_choose();
    let strip = &props.strip;
    let onclick = {
        let (choose, partition) = (choose.clone(), strip.partition.clone());
        Callback::from(move |_| choose.dispatch(Choose::Select(Selection::Partition(partition.clone()))))
    };
    let name: Rc<str> = strip.partition.to_string().into();
    let class = classes!("replica", if props.big { "big" } else { "little" }, props.big.then_some("sel"));
    let size = if props.big { Size::BIG } else { Size::LITTLE };
    let offsets = format!("HW {} LEO {}", strip.high_watermark, strip.log_end);
    html! {
        <button {class} {onclick} data-partition={name.to_string()} tabindex={if props.first { "0" } else { "-1" }}>
            <span class="head">
                if strip.role == Role::Leader { <Crown /> }
                if strip.was_leader { <Crown was=true /> }
                <span class="nm">{ name.to_string() }</span>
                <span class="end">
                    if props.big {
                        if strip.role != Role::Out { <svg width="11" height="11" viewBox="0 0 11 11" aria-hidden="true"><path class="tick" d="M2 5.8 4.5 8.3 9 3" /></svg> }
                        { &strip.isr }
                    } else {
                        <span class="dim">{ format!("HW {}\u{2002}LEO {}", strip.high_watermark, strip.log_end) }</span>
                    }
                </span>
            </span>
            <span class="hide">{ format!(" on broker {}, {}, {offsets}", strip.broker, strip.isr) }</span>
            <LogStrip strip={strip.clone()} {size} />
        </button>
    }
}
