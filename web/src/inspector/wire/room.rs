//! The wide mode of Wire: question and answer side by side, in the place of stage and inspector.

use std::rc::Rc;

use lab_core::trace::{EventKind, node_name};
use yew::prelude::*;

use super::{
    bytes::BytesOf,
    listed,
    pair::{self, Half},
    sequence::Sequence,
    title,
};
use crate::{
    context::{use_choose, use_click, use_lab},
    icon::{Hotkey, Icon},
    inspector::Tabs,
    lab::Snapshot,
    stage::chip::Chip,
    ui::{Choose, Ui},
};

/// Bytes in a row.
const ROW: usize = 16;

#[derive(Properties, PartialEq)]
pub struct RoomProps {
    pub snapshot: Rc<Snapshot>,
    pub ui: Rc<Ui>,
}

#[component]
pub fn Room(props: &RoomProps) -> Html {
    let (lab, choose) = (use_lab(), use_choose());
    let back = use_click(|| Choose::Wide(false));
    let snapshot = &props.snapshot;
    let frames = listed(&lab, snapshot);
    // What nobody chose is the newest pair that is complete.
    let newest = frames.iter().rev().find(|(_, facts)| facts.response).or(frames.last());
    let chosen = props.ui.frame.or(newest.map(|(id, _)| *id));
    let found = chosen.and_then(|id| {
        lab.event(id).and_then(|event| match event.kind {
            EventKind::Sent(facts) => Some((id, *facts)),
            _ => None,
        })
    });
    let at = frames.iter().position(|(id, _)| Some(*id) == chosen);
    let step = |by: isize| {
        let to = at.and_then(|at| frames.get(at.checked_add_signed(by)?)).map(|(id, _)| *id);
        let choose = choose.clone();
        let onclick = Callback::from(move |_| {
            if let Some(id) = to {
                choose.dispatch(Choose::Frame(id));
            }
        });
        let (label, icon) = if by < 0 { ("Earlier message", "up") } else { ("Later message", "down") };
        html! { <button aria-label={label} title={label} disabled={to.is_none()} {onclick}><Icon name={icon} /></button> }
    };
    let half = |half: Option<&Half>, none: &'static str| match half {
        None => html! { <section class="half"><p class="mid" style="padding:16px 20px">{ none }</p></section> },
        Some(half) => html! {
            <section class="half" key={half.id.0} role="group" aria-label={title(&half.facts)}>
                <header>
                    <svg width="36" height="18" aria-hidden="true"><Chip api_key={half.facts.api_key} response={half.facts.response} records={half.facts.records} hot={half.facts.response} x=17.0 y=9.0 /></svg>
                    <h3>{ title(&half.facts) }</h3><span class="dim">{ format!("{} bytes", half.facts.bytes) }</span>
                    <span class="badge push">{ format!("correlation {}", half.facts.correlation_id) }</span>
                </header>
                { match lab.frame(half.id) {
                    Ok(bytes) => html! { <BytesOf {bytes} facts={half.facts.clone()} row={ROW} roomy=true /> },
                    Err(why) => html! { <p class="mid" style="padding:4px 20px">{ why }</p> },
                } }
            </section>
        },
    };
    html! {
        <aside class="inspector wide" aria-label="Inspector">
            <header>
                <h2>{ "Wire" }</h2>
                <span class="small dim">{ found.as_ref().map_or_else(String::new, |(_, f)| format!("{} to {}: {}", node_name(f.from), node_name(f.to), f.label)) }</span>
                <span class="push small dim">{ at.map_or_else(String::new, |at| format!("message {} of the last {}", at + 1, frames.len())) }</span>
                <span class="choice">{ step(-1) }{ step(1) }</span>
                <Tabs tab={props.ui.tab} />
                <button class="btn" onclick={back}>{ "Back to the cluster" } <Hotkey name="Esc" /></button>
            </header>
            <div class="room" role="tabpanel" id="inspected">
                if let Some((id, facts)) = found {
                    { {
                        let pair = pair::of(&lab, snapshot, id, &facts);
                        html! {
                            <>
                                <div class="way"><Sequence pair={pair.clone()} now={snapshot.now} /></div>
                                <div class="halves">
                                    { half(pair.question.as_ref(), "The question was background traffic: press B to show it.") }
                                    { half(pair.answer.as_ref(), "There is no answer yet. Press → until there is one.") }
                                </div>
                            </>
                        }
                    } }
                } else {
                    <p class="mid" style="padding:16px 20px">{ "No message has been sent here yet. Press Play, or step to the next event." }</p>
                }
            </div>
        </aside>
    }
}
