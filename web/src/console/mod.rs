//! The dock at the lower edge: the console, the list of events, charts, and the comparison of branches.

mod compare;
mod events;
mod terminal;

use std::rc::Rc;

use lab_core::id::TopicPartition;
use yew::prelude::*;

use crate::{
    charts::Metrics,
    context::{use_choose, use_lab},
    icon::{Hotkey, Icon},
    lab::Snapshot,
    settings::Theme,
    ui::{Choose, Dock},
};
pub use compare::Compare;
pub use events::EventList;
pub use terminal::Terminal;

#[derive(Properties, PartialEq)]
pub struct DockProps {
    pub snapshot: Rc<Snapshot>,
    pub dock: Option<Dock>,
    pub partition: TopicPartition,
    pub theme: Theme,
}

#[component]
pub fn DockBar(props: &DockProps) -> Html {
    let (choose, lab) = (use_choose(), use_lab());
    let button = |dock: Dock, label: Html| {
        let open = props.dock == Some(dock);
        let choose = choose.clone();
        let onclick = Callback::from(move |_| choose.dispatch(Choose::Dock(if open { None } else { Some(dock) })));
        html! { <button {onclick} aria-expanded={if open { "true" } else { "false" }}>{ label }</button> }
    };
    let last = lab.story(|story| {
        story.until(props.snapshot.now).iter().rev().find(|e| e.kind.is_action()).map(|e| (e.at, e.text()))
    });
    html! {
        <section class="dock" role="region" aria-label="Console">
            <div class="head">
                { button(Dock::Console, html! { <><Icon name={if props.dock == Some(Dock::Console) { "down" } else { "up" }} class="s" />{ "Console" } <Hotkey name="/" /></> }) }
                { button(Dock::Events, html! { <>{ "Events " }<span class="dim">{ props.snapshot.position.0 }</span></> }) }
                { button(Dock::Metrics, html! { <>{ "Metrics" } <Hotkey name="M" /></> }) }
                { button(Dock::Compare, html! { <>{ "Compare" } <Hotkey name="C" /></> }) }
                if !props.snapshot.view.violations.is_empty() {
                    <span class="badge fault" title={props.snapshot.view.violations.join("; ")}>{ "A PROMISE OF KAFKA IS BROKEN" }</span>
                }
                if let Some((at, text)) = last {
                    <span class="said mono small dim">{ format!("{}  {text}", crate::pace::seconds(at)) }</span>
                }
            </div>
            if props.dock == Some(Dock::Console) { <div class="open"><Terminal /></div> }
            if props.dock == Some(Dock::Metrics) { <div class="open"><Metrics snapshot={props.snapshot.clone()} partition={props.partition.clone()} theme={props.theme} /></div> }
            if props.dock == Some(Dock::Compare) { <div class="open"><Compare snapshot={props.snapshot.clone()} /></div> }
            if props.dock == Some(Dock::Events) { <div class="open"><EventList snapshot={props.snapshot.clone()} /></div> }
        </section>
    }
}
