//! The cluster as a picture, in two layouts of the same things, and beside the picture the same facts as text.

mod acts;
mod broker;
mod caption;
pub mod chip;
mod consumers;
pub mod controllers;
mod crowns;
mod fleet;
mod flights;
mod geometry;
pub mod groups;
mod lanes;
mod member;
mod metadata;
mod mirror;
mod partitions;
mod producers;
mod shown;
pub mod strip;

use std::rc::Rc;

use yew::prelude::*;

pub use acts::Acts;
pub use caption::Caption;
pub use mirror::{Mirror, WholeMirror};
pub use producers::ProduceForm;

use crate::{
    context::{use_choose, use_lab},
    hooks::use_height,
    icon::Hotkey,
    lab::Snapshot,
    model,
    ui::{Choose, Layout, Selection, Ui},
};
use broker::Broker;
use consumers::Consumers;
use controllers::Controllers;
use crowns::Crowns;
use fleet::Fleet;
use flights::Flights;
use geometry::{CONSUMERS_LEFT, Geometry};
use groups::{GroupCard, use_groups};
use lanes::Lanes;
use partitions::Partitions;
use producers::Producers;

#[derive(Properties, PartialEq)]
pub struct StageProps {
    pub snapshot: Rc<Snapshot>,
    pub ui: Rc<Ui>,
}

#[component]
pub fn Stage(props: &StageProps) -> Html {
    let (lab, choose) = (use_lab(), use_choose());
    let scroll = use_node_ref();
    let room = use_height(&scroll);
    let (snapshot, ui) = (&props.snapshot, &props.ui);
    let layout = |layout: Layout| {
        let choose = choose.clone();
        Callback::from(move |_| choose.dispatch(Choose::Layout(layout)))
    };
    let background = {
        let shown = snapshot.background;
        Callback::from(move |_| lab.set_background(!shown))
    };
    let pressed = |on: bool| if on { "true" } else { "false" };
    html! {
        <main class="stage" id="cluster" tabindex="-1" aria-label="Cluster">
            <header>
                <h2>{ "Cluster" }</h2>
                <span class="small dim">{ model::up_words(&snapshot.view) }</span>
                if let Some(live) = &snapshot.live {
                    <span class="badge lead">{ if live.connected { "live" } else { "live, not connected" } }</span>
                }
                <span class="end">
                    <button class="btn quiet" aria-pressed={pressed(snapshot.background)} onclick={background}
                        title="Heartbeats, empty fetches, metadata polls (B)">{ "Background traffic" }</button>
                    <span class="choice" role="group" aria-label="Layout">
                        { for Layout::ALL.into_iter().map(|l| html! {
                            <button key={l.name()} aria-pressed={pressed(ui.layout == l)} onclick={layout(l)}>{ l.name() }
                                if ui.layout.zoom(1) == l && ui.layout != l { <Hotkey name="V" /> }</button>
                        }) }
                    </span>
                </span>
            </header>
            <div class="scroll" ref={scroll}>
                { match ui.layout {
                    Layout::Fleet => html! { <Fleet snapshot={snapshot.clone()} ui={ui.clone()} /> },
                    Layout::Brokers => html! { <BrokersLayout snapshot={snapshot.clone()} ui={ui.clone()} {room} /> },
                    Layout::Partitions => html! { <Partitions snapshot={snapshot.clone()} ui={ui.clone()} /> },
                } }
            </div>
            <Mirror view={snapshot.view.clone()} />
            <Caption snapshot={snapshot.clone()} legend=true />
        </main>
    }
}

#[derive(Properties, PartialEq)]
struct BrokersProps {
    snapshot: Rc<Snapshot>,
    ui: Rc<Ui>,
    /// Height that is there to be drawn in.
    room: f64,
}

#[component]
fn BrokersLayout(props: &BrokersProps) -> Html {
    let (snapshot, ui) = (&props.snapshot, &props.ui);
    let course = snapshot.course.as_deref();
    let view = &shown::cluster(&snapshot.view, course);
    let groups = use_groups(snapshot);
    let has_controllers = shown::has_controllers(course);
    let geometry = Rc::new(Geometry::new(view, &groups, has_controllers, props.room));
    let sessions = if has_controllers { lanes::sessions(view) } else { Vec::new() };
    let headlines = model::headlines(view);
    let lab = use_lab();
    let feet = broker::feet(view, &lab, snapshot.now);
    let cards = model::brokers(view).enumerate().map(|(i, (node, _))| {
        let foot = feet.get(&node.id).cloned().unwrap_or_default();
        let card = broker::card(view, node, &headlines, &ui.partition, foot, geometry.density.replicas);
        let picked = ui.selection == Selection::Node(node.id);
        html! { <Broker key={node.id.0} {card} {picked} left={geometry.broker_left(i)} height={geometry.brokers_height()} /> }
    });
    let alone = model::without_group(view);
    let picked = match ui.selection {
        Selection::Event(event) => Some(event),
        _ => None,
    };
    let size = format!("width:{}px;height:{}px;margin-top:-{}px", geometry.width, geometry.height, geometry.above);
    let (top, width) = (geometry.clients_top(), geometry.width - CONSUMERS_LEFT);
    html! {
        <div class="world" style={size}>
            <svg class="lanes" width={geometry.width.to_string()} height={geometry.height.to_string()} aria-hidden="true">
                <Lanes geometry={geometry.clone()} lanes={lanes::connections(view)} {sessions} />
            </svg>
            <Controllers view={view.clone()} selection={ui.selection.clone()} width={geometry.width} />
            { for cards }
            <Producers {top} producers={view.producers.clone()} topic={ui.partition.topic.clone()} live={snapshot.live.is_some()} />
            <div class="readers" style={format!("left:{CONSUMERS_LEFT}px;top:{top}px;width:{width}px")}>
                { for groups.iter().enumerate().map(|(i, group)| html! { <GroupCard key={group.id.clone()} group={group.clone()} first={i == 0} row={geometry.density.rows} /> }) }
                if groups.is_empty() || !alone.is_empty() {
                    <Consumers consumers={alone} bootstrap={snapshot.live.as_ref().map(|live| live.bootstrap.clone())} {width} />
                }
            </div>
            <svg class="lanes" width={geometry.width.to_string()} height={geometry.height.to_string()} aria-hidden="true">
                <Flights view={view.clone()} geometry={geometry.clone()} background={snapshot.background} {picked} />
            </svg>
            <Crowns snapshot={snapshot.clone()} />
            if view.nodes.is_empty() { <Nothing snapshot={snapshot.clone()} /> }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct NothingProps {
    snapshot: Rc<Snapshot>,
}

/// No cluster to draw: says why.
#[component]
fn Nothing(props: &NothingProps) -> Html {
    let trouble = props.snapshot.live.as_ref().and_then(|live| live.trouble.clone());
    let text = trouble.unwrap_or_else(|| "Connecting to the cluster …".into());
    html! {
        <div class="empty" style="inset:200px 0 auto;display:block" role="status">
            <p style="font-size:14px;line-height:21px">{ text }</p>
            <p style="margin-top:8px"><a href="#">{ "Open the sandbox" }</a></p>
        </div>
    }
}
