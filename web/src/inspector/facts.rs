//! The first facts of what is selected, in two columns above the tabs.

use std::rc::Rc;

use lab_core::{
    id::{NodeId, TopicPartition},
    view::ClusterView,
};
use yew::prelude::*;

use crate::{model, ui::Selection};

#[derive(Properties, PartialEq)]
pub struct FactsProps {
    pub view: Rc<ClusterView>,
    pub selection: Selection,
    pub partition: TopicPartition,
}

#[component]
pub fn Facts(props: &FactsProps) -> Html {
    let facts = match &props.selection {
        Selection::Node(id) => of_node(&props.view, *id),
        Selection::Partition(partition) => of_partition(&props.view, partition),
        Selection::Event(_) => of_partition(&props.view, &props.partition),
    };
    html! { <dl class="facts">{ for facts.into_iter().map(|(name, value)| html! { <div key={name}><dt>{ name }</dt><dd>{ value }</dd></div> }) }</dl> }
}

type Rows = Vec<(&'static str, Html)>;

fn of_partition(view: &ClusterView, partition: &TopicPartition) -> Rows {
    let Some(h) = model::headlines(view).into_iter().find(|h| &model::name_of(&h.partition) == partition) else {
        return vec![("partition", html! { format!("{partition} does not exist yet") })];
    };
    let p = &h.partition;
    let leader = if p.leader < 0 { "none".to_string() } else { p.leader.to_string() };
    let under = (p.isr.len() as i32) < p.min_insync_replicas;
    let isr = html! {
        <>{ format!("{{{}}} ", model::list(&p.isr, ", ")) }
            <span class={if under { "warn" } else { "dim" }} style="font-weight:400">{ format!("{} min {}", if under { "<" } else { "≥" }, p.min_insync_replicas) }</span></>
    };
    vec![
        ("leader", html! { leader }),
        ("replicas", html! { format!("[{}]", model::list(&p.replicas, ", ")) }),
        ("leader epoch", html! { p.leader_epoch }),
        ("ISR", isr),
        ("partition epoch", html! { model::known(p.partition_epoch) }),
        ("HW, LEO", html! { format!("{}, {}", h.high_watermark, h.log_end_offset) }),
    ]
}

fn of_node(view: &ClusterView, id: NodeId) -> Rows {
    let Some(node) = view.node(id) else { return vec![("node", html! { "not in this cluster" })] };
    let mut rows: Rows =
        vec![("process", html! { model::condition(view, node).word() }), ("address", html! { &node.address })];
    rows.extend(node.pid.map(|pid| ("pid", html! { pid })));
    if let Some(broker) = &node.broker {
        rows.push(("broker epoch", html! { model::known(broker.broker_epoch) }));
        rows.push(("metadata", html! { broker.metadata_offset }));
        let fenced = if model::fenced(view, id) { "yes" } else { "no" };
        rows.push(("fenced", html! { fenced }));
        if let Some((left, silent, _)) = model::countdown(view, id) {
            rows.push(("last beat", html! { format!("{silent} ms ago") }));
            rows.push(("session ends", html! { format!("in {left} ms") }));
        }
    }
    if let Some(c) = &node.controller {
        rows.push(("role", html! { &c.role }));
        rows.push(("quorum epoch", html! { c.epoch }));
        rows.push(("leader", html! { c.leader.map_or_else(|| "unknown".into(), |l| l.to_string()) }));
        rows.push(("voted for", html! { c.voted_for.map_or_else(|| "nobody".into(), |l| l.to_string()) }));
        rows.push(("HW, LEO", html! { format!("{}, {}", c.high_watermark, c.log_end_offset) }));
    }
    rows
}
