//! The bytes of a message: every byte belongs to a field, every field shows its bytes. Question and answer are paired.
//!
//! In the inspector there is room for one message; [`Room`] takes the stage's place and shows both halves side by side.

mod bytes;
mod meaning;
mod pair;
mod room;
mod sequence;

use std::rc::Rc;

use lab_core::{
    id::EventId,
    trace::{EventKind, FrameFacts, node_name},
    wire::api::ApiKey,
};
use yew::prelude::*;

use crate::{
    context::{use_choose, use_click, use_lab},
    icon::{Hotkey, Icon},
    lab::{Lab, Snapshot},
    pace,
    stage::chip::Chip,
    ui::Choose,
};
use bytes::BytesOf;
pub use room::Room;

/// Messages offered in the list.
const LISTED: usize = 40;
/// Bytes in a row where there is little room.
const ROW: usize = 8;

#[derive(Properties, PartialEq)]
pub struct WireProps {
    pub snapshot: Rc<Snapshot>,
    pub frame: Option<EventId>,
}

#[component]
pub fn Wire(props: &WireProps) -> Html {
    let lab = use_lab();
    let widen = use_click(|| Choose::Wide(true));
    let frames = listed(&lab, &props.snapshot);
    let chosen = props.frame.or(frames.last().map(|(id, ..)| *id));
    let Some(chosen) = chosen else {
        return html! { <p class="why mid">{ "No message has been sent yet. Press Play, or step to the next event." }</p> };
    };
    let facts = lab.event(chosen).and_then(|event| match event.kind {
        EventKind::Sent(facts) => Some((event.at, *facts)),
        _ => None,
    });
    html! {
        <>
            if let Some((at, facts)) = facts {
                <section class="block">
                    <div style="display:flex;gap:10px;align-items:center">
                        <svg width="40" height="18" aria-hidden="true"><Chip api_key={facts.api_key} response={facts.response} records={facts.records} hot=true x=18.0 y=9.0 /></svg>
                        <h3 style="margin:0">{ title(&facts) }</h3>
                        <span class="badge push">{ format!("correlation {}", facts.correlation_id) }</span>
                    </div>
                    <p class="small mid" style="margin-top:4px">{ format!("{} to {}, sent {}, {} bytes. {}", node_name(facts.from), node_name(facts.to), pace::seconds(at), facts.bytes, facts.label) }</p>
                    <div class="strip-row" style="padding:0;margin-top:6px">
                        { other_half(&lab, &props.snapshot, chosen, &facts) }
                        <button class="btn low wide-only" onclick={widen} title="Question and answer, side by side (X)"><Icon name="widen" class="s" />{ "Both, side by side" } <Hotkey name="X" /></button>
                    </div>
                </section>
                { match lab.frame(chosen) {
                    Ok(bytes) => html! { <BytesOf key={chosen.0} {bytes} {facts} row={ROW} /> },
                    Err(why) => html! { <p class="block mid">{ why }</p> },
                } }
            } else {
                <p class="block mid">{ "That message belongs to another branch of history." }</p>
            }
            <section class="block frames">
                <h3>{ "Messages, newest first" }</h3>
                <div role="group" aria-label="Messages" data-roving="vertical">
                    { for frames.into_iter().rev().map(|(id, facts)| html! { <Row key={id.0} {id} {facts} current={id == chosen} /> }) }
                </div>
            </section>
        </>
    }
}

pub fn title(facts: &FrameFacts) -> String {
    let name =
        ApiKey::from_code(facts.api_key).map_or_else(|| format!("API {}", facts.api_key), |key| format!("{key:?}"));
    format!("{name} {} v{}", if facts.response { "response" } else { "request" }, facts.api_version)
}

pub fn listed(lab: &Lab, snapshot: &Snapshot) -> Vec<(EventId, FrameFacts)> {
    lab.story(|story| {
        let sent = story.until(snapshot.now).iter().rev().filter_map(|event| match &event.kind {
            EventKind::Sent(facts) => Some((event.id, (**facts).clone())),
            _ => None,
        });
        let mut found: Vec<_> = sent.take(LISTED).collect();
        found.reverse();
        found
    })
}

#[derive(Properties, PartialEq)]
struct RowProps {
    id: EventId,
    facts: FrameFacts,
    current: bool,
}

#[component]
fn Row(props: &RowProps) -> Html {
    let choose = use_choose();
    let (id, facts) = (props.id, &props.facts);
    let onclick = Callback::from(move |_| choose.dispatch(Choose::Frame(id)));
    html! {
        <button {onclick} aria-current={props.current.then_some("true")} tabindex={if props.current { "0" } else { "-1" }}>
            <svg width="40" height="18" aria-hidden="true"><Chip api_key={facts.api_key} response={facts.response} records={facts.records} x=18.0 y=9.0 /></svg>
            <span class="lbl">{ &facts.label }</span><span class="dim">{ format!("{}→{}", facts.from, facts.to) }</span>
        </button>
    }
}

/// The way to the other half: the question of an answer, the answer to a question.
fn other_half(lab: &Lab, snapshot: &Snapshot, chosen: EventId, facts: &FrameFacts) -> Html {
    let pair = pair::of(lab, snapshot, chosen, facts);
    let other = if facts.response { pair.question } else { pair.answer };
    match other {
        Some(half) => html! { <Other id={half.id} response={facts.response} /> },
        None if facts.response => {
            html! { <p class="small dim">{ "Its question was background traffic: press B to show it." }</p> }
        }
        None => html! { <p class="small dim">{ "Not answered yet." }</p> },
    }
}

#[derive(Properties, PartialEq)]
struct OtherProps {
    id: EventId,
    /// What is shown now is the response.
    response: bool,
}

#[component]
fn Other(props: &OtherProps) -> Html {
    let choose = use_choose();
    let id = props.id;
    let onclick = Callback::from(move |_| choose.dispatch(Choose::Frame(id)));
    html! { <button class="btn low" {onclick}>{ if props.response { "Show its question" } else { "Show its answer" } }</button> }
}
