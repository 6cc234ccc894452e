//! Everything the view knows of what is selected: replicas in order of preference, epochs, what waits, settings.

use std::rc::Rc;

use lab_core::{
    id::{NodeId, TopicPartition},
    view::{ClusterView, Headline, ProcessState, ReplicaView},
};
use yew::prelude::*;

use crate::{model, ui::Selection};

#[derive(Properties, PartialEq)]
pub struct StateProps {
    pub view: Rc<ClusterView>,
    pub selection: Selection,
    pub partition: TopicPartition,
}

#[component]
pub fn State(props: &StateProps) -> Html {
    let view = &props.view;
    match &props.selection {
        Selection::Node(id) => of_node(view, *id),
        Selection::Partition(_) | Selection::Event(_) => {
            let found = model::headlines(view).into_iter().find(|h| model::name_of(&h.partition) == props.partition);
            found.map_or_else(Html::default, |headline| of_partition(view, &headline))
        }
    }
}

fn of_partition(view: &ClusterView, h: &Headline) -> Html {
    let p = &h.partition;
    let name = model::name_of(p);
    let held = |id: &NodeId| view.node(*id)?.broker.as_ref().and_then(|b| model::replica(b, &name));
    let leader = held(&NodeId(p.leader));
    let end = p.replicas.iter().filter_map(held).map(|r| r.log_end_offset).max().unwrap_or(0);
    let row = |id: &NodeId| {
        let process = view.node(*id).map_or(ProcessState::Down, |n| n.process);
        let Some(r) = held(id) else {
            return html! { <tr key={id.0}><td>{ id.0 }</td><td colspan="4">{ "nothing yet" }</td></tr> };
        };
        let leads = p.leader == id.0;
        let state = match (process, p.isr.contains(id)) {
            (ProcessState::Down, true) => "down, still in ISR",
            (ProcessState::Down, false) => "down, out of ISR",
            (ProcessState::Paused, _) => "paused",
            _ if p.adding.contains(id) => "being added",
            _ if p.removing.contains(id) => "being removed",
            (_, true) => "in sync",
            (_, false) if p.elr.contains(id) => "out of ISR, eligible",
            (_, false) => "out of ISR",
        };
        html! {
            <tr key={id.0}>
                <td><b>{ id.0 }</b>{ if leads { " leader" } else { "" } }</td>
                <td class="n">{ r.high_watermark }</td><td class="n">{ r.log_end_offset }</td>
                <td class="n">{ end - r.log_end_offset }</td><td class="n">{ state }</td>
            </tr>
        }
    };
    html! {
        <>
            <section class="block">
                <h3>{ "Replicas, in order of preference" }</h3>
                <table><thead><tr><th>{ "broker" }</th><th class="n">{ "HW" }</th><th class="n">{ "LEO" }</th><th class="n">{ "behind" }</th><th class="n">{ "state" }</th></tr></thead>
                    <tbody>{ for p.replicas.iter().map(row) }</tbody></table>
            </section>
            if let Some(r) = leader { { of_leader(r, h) } }
            { until(h, leader) }
            { presets(view) }
        </>
    }
}

fn of_leader(r: &ReplicaView, h: &Headline) -> Html {
    html! {
        <>
            if !r.followers.is_empty() {
                <section class="block">
                    <h3>{ format!("What broker {} knows of its followers", h.partition.leader) }</h3>
                    <table><thead><tr><th>{ "follower" }</th><th class="n">{ "holds all below" }</th><th class="n">{ "caught up" }</th></tr></thead>
                        <tbody>{ for r.followers.iter().map(|f| html! {
                            <tr key={f.id.0}><td>{ f.id.0 }</td><td class="n">{ if f.end_offset < 0 { "not asked yet".into() } else { f.end_offset.to_string() } }</td>
                                <td class="n">{ if f.end_offset < 0 { "–".into() } else if f.lag_ms == 0 { "now".into() } else { format!("{} ms ago", f.lag_ms) } }</td></tr>
                        }) }</tbody></table>
                </section>
            }
            <section class="block">
                <h3>{ format!("Leader epochs on broker {}", h.partition.leader) }</h3>
                <table><thead><tr><th>{ "epoch" }</th><th class="n">{ "starts at" }</th><th class="n">{ "ends at" }</th></tr></thead>
                    <tbody>{ for r.epochs.iter().enumerate().rev().take(6).map(|(i, (epoch, start))| html! {
                        <tr key={*epoch}><td><b>{ *epoch }</b></td><td class="n">{ *start }</td>
                            <td class="n">{ r.epochs.get(i + 1).map_or_else(|| "open".into(), |next| next.1.to_string()) }</td></tr>
                    }) }</tbody></table>
            </section>
            if let Some(pending) = &r.pending_isr {
                <section class="block"><h3>{ "Asked of the controller" }</h3><p class="small mid">{ format!("ISR {{{}}}, not answered yet", model::list(pending, ", ")) }</p></section>
            }
        </>
    }
}

/// What has to happen before the high watermark moves on.
pub fn until(h: &Headline, leader: Option<&ReplicaView>) -> Html {
    let Some(r) = leader else { return Html::default() };
    if r.high_watermark >= r.log_end_offset || h.partition.leader < 0 {
        return Html::default();
    }
    let next = r.high_watermark + 1;
    let behind = r.followers.iter().filter(|f| f.end_offset < next && r.isr.contains(&f.id));
    let waiting: Vec<String> = behind
        .map(|f| match f.end_offset {
            ..0 => format!("broker {} fetches from {next} or beyond (it has not asked yet)", f.id),
            end => format!("broker {} fetches from {next} or beyond (it holds all below {end})", f.id),
        })
        .collect();
    let min = h.partition.min_insync_replicas;
    let smaller = r.isr.len() as i32 - waiting.len() as i32;
    let other = if waiting.is_empty() {
        format!("the next fetch tells broker {} so", h.partition.leader)
    } else if smaller >= min {
        "or it leaves the ISR, after replica.lag.time.max.ms".to_string()
    } else {
        format!("not by a smaller ISR: {smaller} would be under min {min}")
    };
    html! {
        <section class="block">
            <h3>{ format!("High watermark passes {} when", r.high_watermark) }</h3>
            <div class="until">
                { for waiting.iter().map(|text| html! {
                    <><svg width="14" height="14" viewBox="0 0 14 14" style="margin-top:2px" aria-hidden="true"><circle cx="7" cy="7" r="5.5" fill="none" stroke="var(--leader)" stroke-width="1.5" stroke-dasharray="3 2" /></svg><span>{ text }</span></>
                }) }
                <span aria-hidden="true">{ "·" }</span><span>{ other }</span>
            </div>
        </section>
    }
}

/// Values that are not Kafka's own.
fn presets(view: &ClusterView) -> Html {
    if view.presets.is_empty() {
        return Html::default();
    }
    html! {
        <section class="block">
            <h3>{ "Lab presets" }</h3>
            <dl class="pairs">{ for view.presets.iter().map(|p| html! {
                <div key={p.key.clone()}><dt>{ &p.key }</dt><dd>{ &p.value }<span class="dim" style="font-weight:400">{ format!(" (Kafka: {})", p.kafka_default) }</span></dd></div>
            }) }</dl>
        </section>
    }
}

fn of_node(view: &ClusterView, id: NodeId) -> Html {
    let Some(node) = view.node(id) else { return Html::default() };
    html! {
        <>
            if let Some(broker) = &node.broker {
                <section class="block">
                    <h3>{ "Replicas it holds, as it sees them" }</h3>
                    <table><thead><tr><th>{ "partition" }</th><th>{ "role" }</th><th class="n">{ "epoch" }</th><th class="n">{ "HW" }</th><th class="n">{ "LEO" }</th></tr></thead>
                        <tbody>{ for broker.replicas.iter().map(|r| html! {
                            <tr key={format!("{}-{}", r.topic, r.partition)}><td>{ format!("{}-{}", r.topic, r.partition) }</td>
                                <td>{ if r.is_leader { "leads".into() } else if r.leader < 0 { "no leader".into() } else { format!("follows {}", r.leader) } }</td>
                                <td class="n">{ r.leader_epoch }</td><td class="n">{ r.high_watermark }</td><td class="n">{ r.log_end_offset }</td></tr>
                        }) }</tbody></table>
                </section>
                <section class="block">
                    <h3>{ "Requests that wait in it" }</h3>
                    if broker.parked.is_empty() { <p class="small dim">{ "none" }</p> }
                    <ul class="small mid">{ for broker.parked.iter().enumerate().map(|(i, text)| html! { <li key={i}>{ text }</li> }) }</ul>
                </section>
            }
            if let Some(c) = &node.controller {
                <section class="block">
                    <h3>{ "Newest metadata records" }</h3>
                    <table><tbody>{ for c.tail.iter().rev().filter(|r| r.mark != "NO").take(12).map(|r| html! {
                        <tr key={r.offset}><td class="dim" style="width:48px">{ r.offset }</td><td>{ &r.text }</td></tr>
                    }) }</tbody></table>
                </section>
                if let Some(active) = &c.active {
                    <section class="block">
                        <h3>{ "Brokers it has registered" }</h3>
                        <table><thead><tr><th>{ "broker" }</th><th class="n">{ "epoch" }</th><th class="n">{ "last beat" }</th><th class="n">{ "state" }</th></tr></thead>
                            <tbody>{ for active.brokers.iter().map(|b| html! {
                                <tr key={b.id.0}><td>{ b.id.0 }</td><td class="n">{ b.broker_epoch }</td><td class="n">{ format!("{} ms", view.at.ms_since(b.last_heartbeat)) }</td>
                                    <td class="n">{ if b.fenced { "fenced" } else if b.in_controlled_shutdown { "stopping" } else { "live" } }</td></tr>
                            }) }</tbody></table>
                    </section>
                }
            }
        </>
    }
}
