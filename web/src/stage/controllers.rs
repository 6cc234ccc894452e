//! The quorum: its voters as hexagons, its epoch, and the metadata log that all of them keep.

use std::rc::Rc;

use lab_core::{
    id::NodeId,
    view::{ClusterView, NodeView, ProcessState},
};
use yew::prelude::*;

use super::{
    Acts,
    geometry::{CONTROLLERS_HEIGHT, TOP},
    metadata::MetadataLog,
};
use crate::{
    context::use_choose,
    model,
    ui::{Choose, Selection},
};

#[derive(Properties, PartialEq)]
pub struct ControllersProps {
    pub view: Rc<ClusterView>,
    pub selection: Selection,
    pub width: f64,
}

#[component]
pub fn Controllers(props: &ControllersProps) -> Html {
    let view = &props.view;
    let voters = model::controllers(view).count();
    let style = format!("left:0;top:{TOP}px;width:{}px;height:{CONTROLLERS_HEIGHT}px", props.width);
    let log_left = super::geometry::HEX_LEFT + super::geometry::HEX_PITCH * voters.max(3) as f64 + 12.0;
    html! {
        <section class="card" role="group" aria-label="Controllers" aria-description={words(view)} {style}>
            <div style="position:absolute;left:14px;top:10px;width:122px">
                <h3>{ "Controllers" }</h3>
                <p class="small mid" style="margin-top:3px">{ "quorum epoch " }<b style="color:var(--ink)">{ epoch(view) }</b></p>
                <p class="micro dim">{ standing(view) }</p>
            </div>
            <div class="hexes">
                { for model::controllers(view).map(|node| html! {
                    <Hex key={node.id.0} hex={hex(view, node)} picked={props.selection == Selection::Node(node.id)} />
                }) }
            </div>
            <MetadataLog view={view.clone()} left={log_left} width={props.width - log_left} />
        </section>
    }
}

/// The newest quorum epoch that any voter knows.
pub fn epoch(view: &ClusterView) -> i32 {
    model::controllers(view).filter_map(|n| n.controller.as_ref()).map(|c| c.epoch).max().unwrap_or(0)
}

fn standing(view: &ClusterView) -> String {
    let up = model::controllers(view).filter(|n| n.process == ProcessState::Alive).count();
    let all = model::controllers(view).count();
    match view.active_controller().filter(|n| n.process == ProcessState::Alive) {
        Some(_) if up == all => "all voters up".into(),
        Some(_) => format!("{up} of {all} voters up"),
        None if up * 2 <= all => "no majority: no leader".into(),
        None => "no active controller".into(),
    }
}

pub fn words(view: &ClusterView) -> String {
    let active = view.active_controller().filter(|n| n.process == ProcessState::Alive);
    let active = active.map_or_else(|| "no active controller".into(), |n| format!("active controller {}", n.id));
    format!("{active}, quorum epoch {}, {}", epoch(view), standing(view))
}

/// All that is drawn of a controller.
#[derive(Clone, PartialEq)]
pub struct HexFacts {
    pub id: NodeId,
    pub process: ProcessState,
    pub active: bool,
    pub role: String,
    /// Granted votes of all votes, while it stands for election.
    pub votes: Option<(usize, usize)>,
}

pub fn hex(view: &ClusterView, node: &NodeView) -> HexFacts {
    let c = node.controller.clone().unwrap_or_default();
    let active = view.active_controller().is_some_and(|n| n.id == node.id) && node.process == ProcessState::Alive;
    let role = match node.process {
        ProcessState::Down => "down".into(),
        ProcessState::Paused => "paused".into(),
        ProcessState::Stopping => "stopping".into(),
        ProcessState::Alive if active => "active".into(),
        ProcessState::Alive if c.role == "follower" => "voter".into(),
        ProcessState::Alive => c.role.clone(),
    };
    let standing = c.role == "candidate" || c.role == "prospective";
    let votes = (standing && node.process == ProcessState::Alive).then_some((c.votes.len(), c.voters.len()));
    HexFacts { id: node.id, process: node.process, active, role, votes }
}

#[derive(Properties, PartialEq)]
pub struct HexProps {
    pub hex: HexFacts,
    pub picked: bool,
}

#[component]
fn Hex(props: &HexProps) -> Html {
    let choose = use_choose();
    let hex = &props.hex;
    let pick = {
        let id = hex.id;
        Callback::from(move |_| choose.dispatch(Choose::Select(Selection::Node(id))))
    };
    html! {
        <div class="hexnode" role="group" aria-label={format!("Controller {}", hex.id)} aria-description={description(hex)}
            data-node={hex.id.to_string()} data-state={hex.role.clone()}>
            <HexMark hex={hex.clone()} picked={props.picked} width=44.0 />
            <button class="pick" onclick={pick} aria-label={format!("Inspect controller {}", hex.id)} />
            <span class="role" aria-hidden="true">{ &hex.role }</span>
            <span class="acts"><Acts node={hex.id} kind="controller" process={hex.process} /></span>
        </div>
    }
}

pub fn description(hex: &HexFacts) -> String {
    match hex.process {
        ProcessState::Alive => format!("alive, {}", hex.role),
        _ => hex.role.clone(),
    }
}

#[derive(Properties, PartialEq)]
pub struct HexMarkProps {
    pub hex: HexFacts,
    pub picked: bool,
    pub width: f64,
}

/// The hexagon itself: thick with a crown when active, hatched when down, ballot dots while it stands for election.
#[component]
pub fn HexMark(props: &HexMarkProps) -> Html {
    let hex = &props.hex;
    let class = classes!(
        "hex",
        hex.active.then_some("active"),
        (hex.process != ProcessState::Alive).then_some("down"),
        props.picked.then_some("picked")
    );
    let height = props.width * 0.84;
    html! {
        <svg width={props.width.to_string()} height={height.to_string()} viewBox="0 0 44 37" aria-hidden="true">
            <polygon {class} points="43,18.5 32.5,36 11.5,36 1,18.5 11.5,1 32.5,1" />
            if hex.active { <use href="#crown" x="16" y="3" width="12" height="10" class="crown" /> }
            <text class="t b to-mid" style={format!("font-size:{:.1}px", (11.0 * 44.0 / props.width).min(14.0))} x="22" y={if hex.active { "26" } else { "22.5" }}>{ hex.id.0 }</text>
            if let Some((granted, all)) = hex.votes {
                { for (0..all).map(|i| html! {
                    <circle key={i} cx={(22.0 + (i as f64 - (all as f64 - 1.0) / 2.0) * 7.0).to_string()} cy="30" r="2.4"
                        fill={if i < granted { "var(--leader)" } else { "none" }} stroke="var(--leader)" />
                }) }
            }
        </svg>
    }
}
