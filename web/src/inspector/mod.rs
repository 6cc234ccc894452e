//! What is selected, three ways: its state, why it is so, and the bytes that made it so.

mod facts;
mod state;
mod why;
mod wire;

use std::rc::Rc;

use lab_core::trace::node_name;
use yew::prelude::*;

use crate::{
    context::{use_choose, use_lab},
    lab::Snapshot,
    ui::{Choose, Selection, Tab, Ui},
};
use facts::Facts;
use state::State;
use why::Why;
use wire::Wire;

#[derive(Properties, PartialEq)]
pub struct InspectorProps {
    pub snapshot: Rc<Snapshot>,
    pub ui: Rc<Ui>,
}

const TABS: [(Tab, &str); 3] = [(Tab::State, "State"), (Tab::Why, "Why"), (Tab::Wire, "Wire")];

#[component]
pub fn Inspector(props: &InspectorProps) -> Html {
    let (choose, lab) = (use_choose(), use_lab());
    let (snapshot, ui) = (&props.snapshot, &props.ui);
    let title = match &ui.selection {
        Selection::Partition(partition) => format!("Partition {partition}"),
        Selection::Node(id) => capital(&node_name(*id)),
        Selection::Event(id) => match lab.event(*id) {
            Some(event) => format!("Event at {}", crate::pace::seconds(event.at)),
            None => "Event".into(),
        },
    };
    let select = |tab: Tab| {
        let choose = choose.clone();
        Callback::from(move |_| choose.dispatch(Choose::Tab(tab)))
    };
    // Arrows move between tabs, as the pattern for tab lists has it.
    let onkeydown = {
        let (choose, at) = (choose.clone(), ui.tab);
        Callback::from(move |event: KeyboardEvent| {
            let step = match event.key().as_str() {
                "ArrowRight" => 1,
                "ArrowLeft" => TABS.len() - 1,
                _ => return,
            };
            let index = TABS.iter().position(|(tab, _)| *tab == at).unwrap_or(0);
            choose.dispatch(Choose::Tab(TABS[(index + step) % TABS.len()].0));
        })
    };
    html! {
        <aside class="inspector" aria-label="Inspector">
            <header><h2>{ title }</h2></header>
            <Facts view={snapshot.view.clone()} selection={ui.selection.clone()} partition={ui.partition.clone()} />
            <div class="tabs" role="tablist" {onkeydown}>
                { for TABS.iter().map(|(tab, name)| {
                    let on = *tab == ui.tab;
                    html! {
                        <button key={*name} role="tab" aria-selected={if on { "true" } else { "false" }} tabindex={if on { "0" } else { "-1" }}
                            aria-controls="inspected" onclick={select(*tab)}>{ *name }
                            if *tab == Tab::Why { <kbd aria-hidden="true">{ "W" }</kbd> }</button>
                    }
                }) }
            </div>
            <div class="scroll" role="tabpanel" id="inspected" tabindex="0">
                { match ui.tab {
                    Tab::State => html! { <State view={snapshot.view.clone()} selection={ui.selection.clone()} partition={ui.partition.clone()} /> },
                    Tab::Why => html! { <Why snapshot={snapshot.clone()} selection={ui.selection.clone()} /> },
                    Tab::Wire => html! { <Wire snapshot={snapshot.clone()} frame={ui.frame} /> },
                } }
            </div>
        </aside>
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
