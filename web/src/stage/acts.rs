//! The buttons of a broker or controller: what can be done to its process in its present state.

use lab_core::{
    id::NodeId,
    view::{Action, ProcessState},
};
use yew::prelude::*;

use crate::{context::use_lab, icon::Icon};

#[derive(Properties, PartialEq)]
pub struct ActsProps {
    pub node: NodeId,
    /// `broker` or `controller`.
    pub kind: &'static str,
    pub process: ProcessState,
}

#[component]
pub fn Acts(props: &ActsProps) -> Html {
    let lab = use_lab();
    let node = props.node;
    let button = |verb: &str, icon: &'static str, class: &'static str, title: &'static str, action: Action| {
        let lab = lab.clone();
        let onclick = Callback::from(move |event: MouseEvent| {
            event.stop_propagation();
            lab.wish(&action);
        });
        let label = format!("{verb} {} {node}", props.kind);
        html! { <button key={label.clone()} class={classes!("act", class)} aria-label={label} {title} {onclick}><Icon name={icon} class="s" /></button> }
    };
    match props.process {
        ProcessState::Down => button("Start", "play", "", "Start it again with its data", Action::Start { node }),
        process => html! {
            <>
                if process == ProcessState::Paused {
                    { button("Resume", "play", "", "Let it run again (SIGCONT)", Action::Resume { node }) }
                } else {
                    { button("Pause", "pause", "", "Freeze it without its knowledge (SIGSTOP)", Action::Pause { node }) }
                }
                { button("Stop", "power", "", "Ask it to stop: it hands over first (SIGTERM)", Action::Stop { node }) }
                { button("Kill", "bolt", "fault", "Kill it: no handover (SIGKILL)", Action::Kill { node }) }
            </>
        },
    }
}
