//! The bytes of a message: every byte belongs to a field, every field shows its bytes. Question and answer are paired.

use std::rc::Rc;

use bytes::Bytes;
use lab_core::{
    id::EventId,
    trace::{EventKind, FrameFacts, node_name},
    wire::{
        annotate::{Note, What, annotate},
        api::ApiKey,
    },
};
use yew::prelude::*;

use crate::{
    context::{use_choose, use_lab},
    lab::{Lab, Snapshot},
    pace,
    stage::chip::Chip,
    ui::Choose,
};

/// Messages offered in the list.
const LISTED: usize = 40;
/// Bytes shown; the rest is counted.
const SHOWN: usize = 4096;
const ROW: usize = 8;

#[derive(Properties, PartialEq)]
pub struct WireProps {
    pub snapshot: Rc<Snapshot>,
    pub frame: Option<EventId>,
}

#[component]
pub fn Wire(props: &WireProps) -> Html {
    let lab = use_lab();
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
                    <Pair facts={facts.clone()} event={chosen} snapshot={props.snapshot.clone()} />
                </section>
                { match lab.frame(chosen) {
                    Ok(bytes) => html! { <BytesOf key={chosen.0} {bytes} {facts} /> },
                    Err(why) => html! { <p class="block mid">{ why }</p> },
                } }
            } else {
                <p class="block mid">{ "That message belongs to another branch of history." }</p>
            }
            <section class="block frames">
                <h3>{ "Messages, newest first" }</h3>
                { for frames.into_iter().rev().map(|(id, facts)| html! { <Row key={id.0} {id} {facts} current={id == chosen} /> }) }
            </section>
        </>
    }
}

fn title(facts: &FrameFacts) -> String {
    let name =
        ApiKey::from_code(facts.api_key).map_or_else(|| format!("API {}", facts.api_key), |key| format!("{key:?}"));
    format!("{name} {} v{}", if facts.response { "response" } else { "request" }, facts.api_version)
}

fn listed(lab: &Lab, snapshot: &Snapshot) -> Vec<(EventId, FrameFacts)> {
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
        <button {onclick} aria-current={props.current.then_some("true")}>
            <svg width="40" height="18" aria-hidden="true"><Chip api_key={facts.api_key} response={facts.response} records={facts.records} x=18.0 y=9.0 /></svg>
            <span class="lbl">{ &facts.label }</span><span class="dim">{ format!("{}→{}", facts.from, facts.to) }</span>
        </button>
    }
}

#[derive(Properties, PartialEq)]
struct PairProps {
    facts: FrameFacts,
    event: EventId,
    snapshot: Rc<Snapshot>,
}

/// The other half: the question of an answer, the answer to a question.
#[component]
fn Pair(props: &PairProps) -> Html {
    let (choose, lab) = (use_choose(), use_lab());
    let facts = &props.facts;
    let other = lab.story(|story| {
        let fits = |other: &FrameFacts| {
            other.correlation_id == facts.correlation_id
                && other.response != facts.response
                && other.api_key == facts.api_key
                && (other.from, other.to) == (facts.to, facts.from)
        };
        story.until(props.snapshot.now).iter().rev().find_map(|event| match &event.kind {
            EventKind::Sent(other) if fits(other) => Some(event.id),
            _ => None,
        })
    });
    match other {
        Some(id) => {
            let onclick = Callback::from(move |_| choose.dispatch(Choose::Frame(id)));
            html! { <button class="btn low" style="margin-top:6px" {onclick}>{ if facts.response { "Show its question" } else { "Show its answer" } }</button> }
        }
        None if facts.response => {
            html! { <p class="small dim" style="margin-top:6px">{ "Its question was background traffic: press B to show it." }</p> }
        }
        None => html! { <p class="small dim" style="margin-top:6px">{ "Not answered yet." }</p> },
    }
}

#[derive(Properties, PartialEq)]
struct BytesProps {
    bytes: Bytes,
    facts: FrameFacts,
}

#[component]
fn BytesOf(props: &BytesProps) -> Html {
    let notes = use_memo(props.bytes.clone(), |bytes| {
        let what = match ApiKey::from_code(props.facts.api_key) {
            Some(api_key) if props.facts.response => What::Response { api_key, api_version: props.facts.api_version },
            _ => What::Request,
        };
        annotate(bytes, what)
    });
    let on = use_state(|| None::<usize>);
    let choose_note = {
        let on = on.clone();
        Callback::from(move |index: usize| on.set(Some(index)))
    };
    html! {
        <>
            <Hex bytes={props.bytes.clone()} notes={notes.clone()} on={*on} choose={choose_note.clone()} />
            <Fields {notes} on={*on} choose={choose_note} />
        </>
    }
}

#[derive(Properties, PartialEq)]
struct HexProps {
    bytes: Bytes,
    notes: Rc<Vec<Note>>,
    on: Option<usize>,
    choose: Callback<usize>,
}

#[component]
fn Hex(props: &HexProps) -> Html {
    let lit = props.on.and_then(|on| props.notes.get(on)).map_or(0..0, |note| note.range.clone());
    let owner = |at: usize| props.notes.partition_point(|note| note.range.end <= at);
    let rows = props.bytes.chunks(ROW).take(SHOWN / ROW).enumerate().map(|(row, chunk)| {
        let cells = chunk.iter().enumerate().map(|(i, byte)| {
            let at = row * ROW + i;
            let note = owner(at);
            let hover = props.choose.reform(move |_: MouseEvent| note);
            let class = classes!(lit.contains(&at).then_some("on"), (*byte == 0).then_some("z"));
            html! { <span key={at} {class} onmouseenter={hover}>{ format!("{byte:02x}") }</span> }
        });
        let text: String = chunk.iter().map(|b| if (32..127).contains(b) { *b as char } else { '·' }).collect();
        html! {
            <>
                <span class="off">{ format!("{:03x}", row * ROW) }</span>
                <span class="bytes">{ for cells }</span>
                <span class="asc">{ text }</span>
            </>
        }
    });
    let more = props.bytes.len().saturating_sub(SHOWN);
    html! {
        <>
            <div class="hexview" role="img" aria-label={format!("{} bytes; the fields below say what they mean", props.bytes.len())}>{ for rows }</div>
            if more > 0 { <p class="block small dim">{ format!("and {more} more bytes") }</p> }
        </>
    }
}

#[derive(Properties, PartialEq)]
struct FieldsProps {
    notes: Rc<Vec<Note>>,
    on: Option<usize>,
    choose: Callback<usize>,
}

#[component]
fn Fields(props: &FieldsProps) -> Html {
    html! {
        <div class="fields" role="group" aria-label="Fields">
            { for props.notes.iter().enumerate().take(400).map(|(i, note)| {
                let pick = props.choose.reform(move |_: MouseEvent| i);
                let focus = props.choose.reform(move |_: FocusEvent| i);
                html! {
                    <button key={i} class={(props.on == Some(i)).then_some("on")} onmouseenter={pick} onfocus={focus} title={format!("{}, {}: {}", note.path, note.kind, note.value)}>
                        <span class="o">{ format!("{:03x}", note.range.start) }</span><span class="p">{ &note.path }</span><span class="v">{ &note.value }</span>
                    </button>
                }
            }) }
        </div>
    }
}
