//! What is selected, three ways: its state, why it is so, and the bytes that made it so.

mod facts;
mod state;
mod why;
mod wire;

use std::rc::Rc;

use lab_core::trace::node_name;
use yew::prelude::*;

use crate::{
    charts::Spark,
    context::{use_choose, use_lab},
    icon::Hotkey,
    lab::Snapshot,
    ui::{Choose, Selection, Tab, Ui},
};
use facts::Facts;
use state::State;
use why::Why;
pub use wire::Room as WireRoom;
use wire::Wire;

#[derive(Properties, PartialEq)]
pub struct InspectorProps {
    pub snapshot: Rc<Snapshot>,
    pub ui: Rc<Ui>,
}

const TABS: [(Tab, &str); 3] = [(Tab::State, "State"), (Tab::Why, "Why"), (Tab::Wire, "Wire")];

#[component]
pub fn Inspector(props: &InspectorProps) -> Html {
    let lab = use_lab();
    let (snapshot, ui) = (&props.snapshot, &props.ui);
    let title = match &ui.selection {
        Selection::Partition(partition) => format!("Partition {partition}"),
        Selection::Node(id) => capital(&node_name(*id)),
        Selection::Event(id) => match lab.event(*id) {
            Some(event) => format!("Event at {}", crate::pace::seconds(event.at)),
            None => "Event".into(),
        },
    };
    html! {
        <aside class="inspector" aria-label="Inspector">
            <header><h2>{ title }</h2></header>
            <Facts view={snapshot.view.clone()} selection={ui.selection.clone()} partition={ui.partition.clone()} />
            <Tabs tab={ui.tab} />
            <div class="scroll" role="tabpanel" id="inspected" tabindex="0">
                { match ui.tab {
                    Tab::State => html! {
                        <>
                            <State view={snapshot.view.clone()} selection={ui.selection.clone()} partition={ui.partition.clone()} />
                            if let Selection::Partition(partition) = &ui.selection {
                                <Spark snapshot={snapshot.clone()} partition={partition.clone()} theme={ui.settings.theme} />
                            }
                        </>
                    },
                    Tab::Why => html! { <Why snapshot={snapshot.clone()} selection={ui.selection.clone()} /> },
                    Tab::Wire => html! { <Wire snapshot={snapshot.clone()} frame={ui.frame} /> },
                } }
            </div>
        </aside>
    }
}

#[derive(Properties, PartialEq)]
pub struct TabsProps {
    pub tab: Tab,
}

/// The three ways of looking. Arrows move between them, as the pattern for tab lists has it.
#[component]
pub fn Tabs(props: &TabsProps) -> Html {
    let choose = use_choose();
    let select = |tab: Tab| {
        let choose = choose.clone();
        Callback::from(move |_| choose.dispatch(Choose::Tab(tab)))
    };
    let onfocus = |tab: Tab| {
        let (choose, now) = (choose.clone(), props.tab);
        Callback::from(move |_: FocusEvent| {
            if tab != now {
                choose.dispatch(Choose::Tab(tab));
            }
        })
    };
    html! {
        <div class="tabs" role="tablist" aria-label="Inspector" data-roving="horizontal">
            { for TABS.iter().map(|(tab, name)| {
                let on = *tab == props.tab;
                html! {
                    <button key={*name} role="tab" aria-selected={if on { "true" } else { "false" }} tabindex={if on { "0" } else { "-1" }}
                        aria-controls="inspected" onclick={select(*tab)} onfocus={onfocus(*tab)}>{ *name }
                        if *tab == Tab::Why { <Hotkey name="W" /> }</button>
                }
            }) }
        </div>
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
