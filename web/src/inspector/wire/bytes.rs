//! Hex and fields of one message, joined: the field under the pointer or the focus lights its bytes, and the reverse.

use std::rc::Rc;

use ::bytes::Bytes;
use lab_core::{
    trace::FrameFacts,
    wire::{
        annotate::{Note, What, annotate},
        api::ApiKey,
    },
};
use wasm_bindgen::JsCast;
use yew::prelude::*;

use super::meaning;

/// Bytes and fields shown; the rest is counted.
const SHOWN: usize = 4096;
const MOST_FIELDS: usize = 400;

#[derive(Properties, PartialEq)]
pub struct BytesProps {
    pub bytes: Bytes,
    pub facts: FrameFacts,
    /// Bytes in a row.
    pub row: usize,
    /// Fields stand under headings, in columns, with a sentence for the one that is lit.
    #[prop_or_default]
    pub roomy: bool,
}

#[component]
pub fn BytesOf(props: &BytesProps) -> Html {
    let notes = use_memo(props.bytes.clone(), |bytes| {
        let what = match ApiKey::from_code(props.facts.api_key) {
            Some(api_key) if props.facts.response => What::Response { api_key, api_version: props.facts.api_version },
            _ => What::Request,
        };
        annotate(bytes, what)
    });
    let chosen = use_state(|| None::<usize>);
    let choose = {
        let chosen = chosen.clone();
        Callback::from(move |index: usize| chosen.set(Some(index)))
    };
    // With room for it, the field that says most is lit before anybody asks.
    let first = || notes.iter().enumerate().map(|(i, n)| (meaning::weight(&n.path), usize::MAX - i)).max();
    let lit = chosen.or_else(|| first().filter(|(weight, _)| props.roomy && *weight > 0).map(|(_, i)| usize::MAX - i));
    // A click on a byte brings its field into view and gives it the focus.
    let go = {
        let (choose, id) = (choose.clone(), id_of(&props.facts));
        Callback::from(move |index: usize| {
            choose.emit(index);
            let document = web_sys::window().and_then(|window| window.document());
            let field = document.and_then(|d| d.get_element_by_id(&format!("{id}-{index}")));
            if let Some(field) = field.and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()) {
                let _ = field.focus();
            }
        })
    };
    let id = id_of(&props.facts);
    html! {
        <>
            <Hex bytes={props.bytes.clone()} notes={notes.clone()} {lit} choose={choose.clone()} {go} row={props.row} />
            if props.roomy { { sentence(&notes, lit) } }
            <Fields {notes} {lit} {choose} {id} roomy={props.roomy} />
        </>
    }
}

/// Names the fields of a message in the document.
fn id_of(facts: &FrameFacts) -> AttrValue {
    if facts.response { "answer".into() } else { "question".into() }
}

/// What the lit field is and does.
fn sentence(notes: &[Note], lit: Option<usize>) -> Html {
    let Some(note) = lit.and_then(|lit| notes.get(lit)) else { return Html::default() };
    let length = note.range.len();
    let bytes = if length == 1 { "1 byte".into() } else { format!("{length} bytes") };
    html! {
        <p class="meaning" aria-live="polite"><b>{ format!("{} {}", meaning::leaf(&note.path), note.value) }</b>{ " " }
            { meaning::of(&note.path).unwrap_or_default() }{ " " }
            <span class="dim">{ format!("{bytes} at {:03x}, {}.", note.range.start, note.kind) }</span></p>
    }
}

#[derive(Properties, PartialEq)]
struct HexProps {
    bytes: Bytes,
    notes: Rc<Vec<Note>>,
    lit: Option<usize>,
    choose: Callback<usize>,
    go: Callback<usize>,
    row: usize,
}

#[component]
fn Hex(props: &HexProps) -> Html {
    let lit = props.lit.and_then(|lit| props.notes.get(lit)).map_or(0..0, |note| note.range.clone());
    let owner = |at: usize| props.notes.partition_point(|note| note.range.end <= at);
    let on = |at: usize| lit.contains(&at).then_some("on");
    let rows = props.bytes.chunks(props.row).take(SHOWN / props.row).enumerate().map(|(row, chunk)| {
        let base = row * props.row;
        let cells = chunk.iter().enumerate().map(|(i, byte)| {
            let at = base + i;
            let note = owner(at);
            let hover = props.choose.reform(move |_: MouseEvent| note);
            let click = props.go.reform(move |_: MouseEvent| note);
            let ends = props.notes.get(note).is_some_and(|n| n.range.end == at + 1);
            let class = classes!(on(at), (*byte == 0).then_some("z"), ends.then_some("end"));
            html! { <span key={at} {class} onmouseenter={hover} onclick={click}>{ format!("{byte:02x}") }</span> }
        });
        let text = chunk.iter().enumerate().map(|(i, b)| {
            let letter = if (32..127).contains(b) { *b as char } else { '·' };
            html! { <span key={i} class={classes!(on(base + i))}>{ letter }</span> }
        });
        html! {
            <>
                <span class="off">{ format!("{base:03x}") }</span>
                <span class="bytes">{ for cells }</span>
                <span class="asc">{ for text }</span>
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
    lit: Option<usize>,
    choose: Callback<usize>,
    id: AttrValue,
    roomy: bool,
}

#[component]
fn Fields(props: &FieldsProps) -> Html {
    let mut heading = "";
    let fields = props.notes.iter().enumerate().take(MOST_FIELDS).map(|(i, note)| {
        let choose = props.choose.reform(move |_: MouseEvent| i);
        let focus = props.choose.reform(move |_: FocusEvent| i);
        let parent = meaning::parent(&note.path);
        let begins = props.roomy && parent != heading;
        heading = parent;
        let name = if props.roomy { meaning::leaf(&note.path) } else { note.path.as_str() };
        let on = props.lit == Some(i);
        let tabindex = if on || (props.lit.is_none() && i == 0) { "0" } else { "-1" };
        html! {
            <>
                if begins { <h4 aria-hidden="true">{ parent }</h4> }
                <button key={i} id={format!("{}-{i}", props.id)} class={on.then_some("on")} {tabindex} onmouseenter={choose} onfocus={focus}
                    title={format!("{}, {}: {}", note.path, note.kind, note.value)}>
                    <span class="o">{ format!("{:03x}", note.range.start) }</span><span class="p">{ name }</span><span class="v">{ &note.value }</span>
                </button>
            </>
        }
    });
    let fields: Html = fields.collect();
    html! {
        <div class={classes!("fields", props.roomy.then_some("roomy"))} role="group" aria-label={format!("Fields of the {}", if props.id == "answer" { "response" } else { "request" })} data-roving="vertical">{ fields }</div>
    }
}
