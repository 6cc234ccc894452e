//! Two branches side by side: what differs at the same instant, and what happened in only one of them.

use std::rc::Rc;

use lab_core::trace::Event as Happened;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::{
    backend::{Branch, Side},
    context::use_lab,
    lab::Snapshot,
    pace,
};

#[derive(Properties, PartialEq)]
pub struct CompareProps {
    pub snapshot: Rc<Snapshot>,
}

#[component]
pub fn Compare(props: &CompareProps) -> Html {
    let lab = use_lab();
    let branches = &props.snapshot.branches;
    // At first: the branch that is shown, beside the one it left.
    let (left, right) = first_pair(branches);
    let (left, right) = (use_state(|| left), use_state(|| right));
    let heads: Vec<_> = branches.iter().map(|branch| branch.head.0 / 1_000_000).collect();
    let found = {
        let (lab, pair) = (lab.clone(), (*left, *right));
        // Playing moves a head all the time; once a second is often enough for a table.
        use_memo((pair, heads), move |((left, right), _)| lab.compare(*left, *right))
    };
    if branches.len() < 2 {
        return html! {
            <p class="mid" style="padding:12px 16px">{ "There is one history so far. Go back on the time line and do something else there: a second branch begins, the first one stays, and this shows what differs." }</p>
        };
    }
    let pick = |chosen: &UseStateHandle<usize>, label: &'static str| {
        let state = chosen.clone();
        let onchange = Callback::from(move |event: Event| {
            if let Ok(branch) = event.target_unchecked_into::<HtmlSelectElement>().value().parse() {
                state.set(branch);
            }
        });
        html! {
            <select class="field" aria-label={label} {onchange}>
                { for branches.iter().enumerate().map(|(i, branch)| html! {
                    <option key={i} value={i.to_string()} selected={i == **chosen}>{ &branch.name }</option>
                }) }
            </select>
        }
    };
    let body = match &*found {
        Err(error) => html! { <p class="warn">{ error }</p> },
        Ok(_) if left == right => html! { <p class="mid">{ "These are the same branch." }</p> },
        Ok(found) => html! {
            <>
                <p class="small mid" role="status">{ format!(
                    "One history until {}; both are looked at {}. {}{}", pace::seconds(found.parted), pace::seconds(found.at),
                    played_on(&branches[*left].name, &found.left), played_on(&branches[*right].name, &found.right),
                ) }</p>
                <div class="versus">
                    <table>
                        <caption class="hide">{ "What differs" }</caption>
                        <thead><tr><td></td><td></td><th>{ &branches[*left].name }</th><th>{ &branches[*right].name }</th></tr></thead>
                        <tbody>{ for found.differences.iter().map(|d| html! {
                            <tr key={format!("{} {}", d.subject, d.what)}><td><b>{ &d.subject }</b></td><td class="dim">{ d.what }</td><td>{ &d.left }</td><td>{ &d.right }</td></tr>
                        }) }</tbody>
                    </table>
                    if found.differences.is_empty() { <p class="mid">{ "Nothing differs at this instant." }</p> }
                    { only(&branches[*left].name, &found.left) }
                    { only(&branches[*right].name, &found.right) }
                </div>
            </>
        },
    };
    html! {
        <div class="compare" role="group" aria-label="Compare branches">
            <div class="pick">{ pick(&left, "Left branch") }<span>{ "against" }</span>{ pick(&right, "Right branch") }</div>
            { body }
        </div>
    }
}

fn first_pair(branches: &[Branch]) -> (usize, usize) {
    let current = branches.iter().position(|branch| branch.current).unwrap_or(0);
    match branches.get(current).and_then(|branch| branch.parent) {
        Some((parent, _)) => (parent, current),
        None => (current, branches.len().saturating_sub(1)),
    }
}

fn played_on(name: &str, side: &Side) -> String {
    match side.played_on_ms {
        0 => String::new(),
        ms => format!("To that end {name} was played on by {}.{} s. ", ms / 1000, ms % 1000 / 100),
    }
}

/// What happened in one of them and not in the other.
fn only(name: &str, side: &Side) -> Html {
    let line = |event: &Happened| {
        html! { <li key={event.id.0}><span class="mono dim">{ pace::seconds(event.at) }</span>{ " " }{ event.text() }</li> }
    };
    html! {
        <section>
            <h3>{ format!("Only in {name}") }</h3>
            if side.events.is_empty() { <p class="small dim">{ "nothing of note" }</p> }
            <ul class="small">{ for side.events.iter().map(line) }</ul>
            if side.more > 0 { <p class="small dim">{ format!("and {} more", side.more) }</p> }
        </section>
    }
}
