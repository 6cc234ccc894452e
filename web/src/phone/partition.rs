//! A partition as rows, one a replica, on one offset axis.

use std::rc::Rc;

use lab_core::{
    id::NodeId,
    view::{ClusterView, Headline, ProcessState},
};
use yew::prelude::*;

use crate::{
    context::use_choose,
    icon::Crown,
    model::{self, Role, Strip},
    stage::strip::{LogStrip, Size},
    ui::{Choose, Selection},
};

#[derive(Properties, PartialEq)]
pub struct PartitionProps {
    pub view: Rc<ClusterView>,
    pub headline: Headline,
    /// The one that is inspected: larger, with the caption.
    pub big: bool,
    pub children: Html,
}

#[component]
pub fn Partition(props: &PartitionProps) -> Html {
    let choose = use_choose();
    let (view, h) = (&props.view, &props.headline);
    let name = model::name_of(&h.partition);
    let pick = {
        let name = name.clone();
        Callback::from(move |_| choose.dispatch(Choose::Select(Selection::Partition(name.clone()))))
    };
    let under = (h.partition.isr.len() as i32) < h.partition.min_insync_replicas;
    html! {
        <section class="pt">
            <header>
                <button class="pick" onclick={pick} aria-label={format!("Inspect {name}")}>{ name.to_string() }</button>
                if props.big { <span class={classes!("badge", if h.partition.leader < 0 { "fault" } else { "lead" })}>{ format!("epoch {}", h.partition.leader_epoch) }</span> }
                <span class="end"><span class={under.then_some("warn")}>{ model::isr_words(&h.partition) }</span><span>{ "HW " }<b>{ h.high_watermark }</b></span></span>
            </header>
            { for h.partition.replicas.iter().filter_map(|id| Some(row(view, h, *id, &model::strip(view, h, *id, false)?, props.big))) }
            if props.big { { props.children.clone() } }
        </section>
    }
}

fn row(view: &ClusterView, h: &Headline, id: NodeId, strip: &Strip, big: bool) -> Html {
    let process = view.node(id).map_or(ProcessState::Down, |node| node.process);
    let down = process == ProcessState::Down;
    let state = match strip.role {
        Role::Leader => "leader",
        _ if down => "down",
        Role::InSync => "in sync",
        Role::Out => "out of ISR",
    };
    let pulse = big && view.in_flight.iter().any(|f| !f.facts.background && f.facts.to == id && f.facts.records > 0);
    let class = classes!("rw", down.then_some("down"), (!big).then_some("little"), pulse.then_some("pulse"));
    let size = if big { Size::PHONE } else { Size::LITTLE };
    let _ = h;
    html! {
        <div key={id.0} {class}>
            <span class="nm">{ format!("B{id}") }
                if strip.role == Role::Leader { <Crown /> } if strip.was_leader { <Crown was=true /> }
                if strip.role == Role::InSync && big { <svg width="11" height="11" viewBox="0 0 11 11" aria-hidden="true"><path class="tick" d="M2 5.8 4.5 8.3 9 3" /></svg> }
            </span>
            if big { <span class="st">{ state }</span> } else { <span class="far">{ format!("HW {}", strip.high_watermark) }</span> }
            <LogStrip strip={strip.clone()} {size} />
        </div>
    }
}
