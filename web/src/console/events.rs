//! The newest events as sentences; choosing one goes there and asks why.

use std::rc::Rc;

use yew::prelude::*;

use crate::{
    context::{use_choose, use_lab},
    lab::Snapshot,
    pace,
    ui::Choose,
};

const LISTED: usize = 120;

#[derive(Properties, PartialEq)]
pub struct EventListProps {
    pub snapshot: Rc<Snapshot>,
}

#[component]
pub fn EventList(props: &EventListProps) -> Html {
    let (lab, choose) = (use_lab(), use_choose());
    let events: Vec<_> =
        lab.story(|story| story.until(props.snapshot.now).iter().rev().take(LISTED).cloned().collect());
    html! {
        <div class="eventlist" role="group" aria-label="Events, newest first" data-roving="vertical">
            { for events.into_iter().enumerate().map(|(i, event)| {
                let (lab, choose, id, at) = (lab.clone(), choose.clone(), event.id, event.at);
                let onclick = Callback::from(move |_| {
                    if lab.no_rewind().is_none() {
                        lab.seek(at);
                    }
                    choose.dispatch(Choose::Why(id));
                });
                html! {
                    <button key={id.0} {onclick} aria-current={(i == 0).then_some("true")} tabindex={if i == 0 { "0" } else { "-1" }}>
                        <span class="mono dim">{ pace::seconds(at) }</span><span>{ event.text() }</span><span class="dim micro">{ event.kind.rule() }</span>
                    </button>
                }
            }) }
        </div>
    }
}
