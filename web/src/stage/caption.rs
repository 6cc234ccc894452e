//! One line under the stage: the last thing that happened, in words, and what the marks mean.

use std::rc::Rc;

use lab_core::trace::{Event, EventKind};
use yew::prelude::*;

use super::{chip::Chip, shown};
use crate::{
    context::{use_choose, use_lab},
    lab::Snapshot,
    ui::Choose,
};

#[derive(Properties, PartialEq)]
pub struct CaptionProps {
    pub snapshot: Rc<Snapshot>,
    #[prop_or_default]
    pub legend: bool,
    #[prop_or("caption")]
    pub class: &'static str,
}

#[component]
pub fn Caption(props: &CaptionProps) -> Html {
    let (lab, choose) = (use_lab(), use_choose());
    let (view, course) = (&props.snapshot.view, props.snapshot.course.as_deref());
    let tells = |event: &Event| shown::tells(view, course, event);
    let event = lab.story(|story| story.caption(props.snapshot.now, tells).cloned());
    let words = event.map(|event| {
        let why = {
            let id = event.id;
            Callback::from(move |_| choose.dispatch(Choose::Why(id)))
        };
        let chip = match &event.kind {
            EventKind::Sent(frame) => html! {
                <svg width="44" height="18" aria-hidden="true"><Chip api_key={frame.api_key} response={frame.response} records={frame.records} hot=true x=19.0 y=9.0 /></svg>
            },
            _ => Html::default(),
        };
        let text = event.text();
        // "Broker 2 answers broker 3: ..." is bold up to the colon.
        let (head, rest) = text.split_once(": ").map_or((text.as_str(), ""), |(a, b)| (a, b));
        html! {
            <>
                { chip }
                <span class="words" title={text.clone()}><b>{ head }{ if rest.is_empty() { "" } else { ": " } }</b>{ rest }</span>
                <button class="btn low quiet" onclick={why}>{ "Why?" }</button>
            </>
        }
    });
    html! {
        <div class={props.class}>
            { words.unwrap_or_else(|| html! { <span class="dim">{ "Nothing has happened yet." }</span> }) }
            if props.legend { <Legend /> }
        </div>
    }
}

#[component]
fn Legend() -> Html {
    html! {
        <span class="legend">
            <span><svg width="8" height="12" aria-hidden="true"><rect class="rec" width="8" height="12" /></svg>{ "committed" }</span>
            <span><svg width="8" height="12" aria-hidden="true"><rect class="rec-o" x=".6" y=".6" width="6.8" height="10.8" /></svg>{ "appended" }</span>
            <span><svg width="9" height="12" aria-hidden="true"><rect class="rec-x" x=".6" y=".6" width="7" height="10.8" /><path class="strike" d="M-1 6h11" /></svg>{ "truncated" }</span>
        </span>
    }
}
