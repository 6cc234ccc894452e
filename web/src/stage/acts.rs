//! The buttons of a broker or controller: what can be done to its process in its present state.

use std::cell::Cell;

use lab_core::{
    id::NodeId,
    view::{Action, ProcessState},
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::{context::use_lab, icon::Icon};

#[derive(Properties, PartialEq)]
pub struct ActsProps {
    pub node: NodeId,
    /// `broker` or `controller`.
    pub kind: &'static str,
    pub process: ProcessState,
}

thread_local! {
    /// The node whose button was pressed last: what replaces the button takes the focus, so that it is not lost.
    static PRESSED: Cell<Option<NodeId>> = const { Cell::new(None) };
}

#[component]
pub fn Acts(props: &ActsProps) -> Html {
    let lab = use_lab();
    let node = props.node;
    let place = use_node_ref();
    {
        let place = place.clone();
        use_effect_with((node, props.process), move |(node, _)| {
            if PRESSED.get() != Some(*node) {
                return;
            }
            let button = place.cast::<Element>().and_then(|place| place.query_selector("button").ok().flatten());
            if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
                PRESSED.set(None);
                let _ = button.focus();
            }
        });
    }
    let button = |verb: &str, icon: &'static str, class: &'static str, title: &'static str, action: Action| {
        let lab = lab.clone();
        let onclick = Callback::from(move |event: MouseEvent| {
            event.stop_propagation();
            PRESSED.set(Some(node));
            lab.wish(&action);
        });
        let label = format!("{verb} {} {node}", props.kind);
        // There is room for one word: that of the button people came for.
        let word = (verb == "Kill" && props.process == ProcessState::Alive && props.kind == "broker").then_some("Kill");
        html! { <button key={label.clone()} class={classes!("act", class, word.map(|_| "worded"))} aria-label={label} {title} {onclick}><Icon name={icon} class="s" />{ word }</button> }
    };
    let buttons = match props.process {
        ProcessState::Down => button("Start", "play", "", "Start it again with its data", Action::Start { node }),
        process => html! {
            <>
                if process == ProcessState::Paused {
                    { button("Resume", "play", "", "Let it run again (SIGCONT)", Action::Resume { node }) }
                } else {
                    { button("Pause", "pause", "", "Freeze it without its knowledge (SIGSTOP)", Action::Pause { node }) }
                }
                if process != ProcessState::Stopping {
                    { button("Stop", "power", "", "Ask it to stop: it hands over first (SIGTERM)", Action::Stop { node }) }
                }
                { button("Kill", "bolt", "fault", "Kill it: no handover (SIGKILL)", Action::Kill { node }) }
            </>
        },
    };
    if lab.no_faults().is_some() {
        return Html::default();
    }
    html! { <span class="acts-in" ref={place}>{ buttons }</span> }
}
