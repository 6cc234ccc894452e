//! A member of a consumer group: what it reads, how far each partition is committed, and its buttons.

use lab_core::view::{Action, ProcessState};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::{
    context::{use_choose, use_lab},
    icon::Icon,
    model::group::{Member, Share},
    ui::{Choose, Selection},
};

#[derive(Properties, PartialEq)]
pub struct MemberProps {
    pub member: Member,
    pub row: bool,
}

#[component]
pub fn MemberItem(props: &MemberProps) -> Html {
    let member = &props.member;
    let class = classes!("member", gone(member).then_some("gone"));
    let who = html! {
        <span class="who"><Pattern name={member.name.clone()} /><span class="of" title={member.name.clone()}>{ &member.name }</span>
            if member.leads { <span class="badge" title="The group's leader: it shares out for all">{ "leader" }</span> }</span>
    };
    let buttons = html! { <Acts member={member.clone()} /> };
    let body = if props.row {
        let reads = member.shares.iter().map(|share| html! {
            <span key={share.partition.to_string()} class={classes!("micro", "share", (!share.words.is_empty()).then_some("warn"))} title={numbers(share)}>
                <PartitionName share={share.clone()} />{ little_gauge(share) }<b>{ share.lag() }</b></span>
        });
        html! { <div class="line">{ who }<span class="reads">{ for reads }if !member.words.is_empty() { <span class="micro dim">{ &member.words }</span> }</span>{ buttons }</div> }
    } else if member.shares.is_empty() {
        html! { <div class="line first">{ who }<span class="say-more">{ &member.words }</span>{ buttons }</div> }
    } else {
        let line = |(i, share): (usize, &Share)| {
            html! {
                <div key={share.partition.to_string()} class={classes!("line", (i == 0).then_some("first"))}>
                    if i == 0 { { who.clone() } } else { <span></span> }
                    { cells(share, &member.name) }
                    if i == 0 { { buttons.clone() } } else { <span></span> }
                </div>
            }
        };
        html! { <>{ for member.shares.iter().enumerate().map(line) }</> }
    };
    html! {
        <li {class} aria-label={format!("Consumer {}", member.name)} aria-description={told(member)} title={member.words.clone()}
            data-node={member.consumer.map(|id| id.to_string())} data-partitions={list(&member.shares)}>{ body }</li>
    }
}

pub fn gone(member: &Member) -> bool {
    matches!(member.process, ProcessState::Down | ProcessState::Paused)
}

fn list(shares: &[Share]) -> String {
    shares.iter().map(|share| share.partition.to_string()).collect::<Vec<_>>().join(",")
}

/// `reads orders-0, orders-1, lag 4, has to join again`
pub fn told(member: &Member) -> String {
    let lag: i64 = member.shares.iter().map(Share::lag).sum();
    let reads =
        (!member.shares.is_empty()).then(|| format!("reads {}, lag {lag}", list(&member.shares).replace(',', ", ")));
    let words = (!member.words.is_empty()).then(|| member.words.clone());
    let leads = member.leads.then(|| "leader of the group".to_owned());
    [reads, words, leads].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A partition's cells: its numbers, and the way from the committed offset to the high watermark.
pub fn cells(share: &Share, reader: &str) -> Html {
    let number = |offset: i64| if offset < 0 { "–".to_owned() } else { offset.to_string() };
    html! {
        <>
            if reader == "nobody" { <span class="warn">{ "nobody" }</span> }
            <PartitionName share={share.clone()} />
            <span class="n">{ number(share.committed) }</span>
            if share.words.is_empty() { <span class="n">{ number(share.position) }</span><span>{ gauge(share) }</span> }
            else { <span class="warn over">{ &share.words }</span> }
            <span class="n"><b>{ share.lag() }</b></span>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct PartitionNameProps {
    share: Share,
}

#[component]
fn PartitionName(props: &PartitionNameProps) -> Html {
    let choose = use_choose();
    let partition = props.share.partition.clone();
    let name = partition.to_string();
    let onclick = Callback::from(move |_| choose.dispatch(Choose::Select(Selection::Partition(partition.clone()))));
    // The strips are the control for it; this one is for the pointer alone.
    html! { <span class="pick" {onclick}>{ name }</span> }
}

/// `orders-0: lag 4, committed offset 38, position 41`
fn numbers(share: &Share) -> String {
    let known = |word: &str, offset: i64| if offset < 0 { String::new() } else { format!(", {word} {offset}") };
    let words = if share.words.is_empty() { String::new() } else { format!(", {}", share.words) };
    let (committed, position) = (known("committed offset", share.committed), known("position", share.position));
    format!("{}: lag {}{committed}{position}{words}", share.partition, share.lag())
}

/// The shade alone: from the committed offset to the high watermark.
fn little_gauge(share: &Share) -> Html {
    const RIGHT: f64 = 22.0;
    let stub = RIGHT - share.lag().clamp(0, 8) as f64 * 2.5;
    html! {
        <svg width="24" height="12" aria-hidden="true">
            <path class="thin2" d={format!("M1 8.5H{RIGHT}")} fill="none" />
            if stub < RIGHT { <rect class="lag" x={stub.to_string()} y="3" width={(RIGHT - stub).to_string()} height="5.5" /> }
            <path class="stub" d={format!("M{stub} 9v-6")} /><path class="pole" d={format!("M{RIGHT} 2v9")} />
        </svg>
    }
}

/// The stub is the committed offset, the pin the position, the flag the high watermark, the shade between them the lag.
fn gauge(share: &Share) -> Html {
    const RECORDS: i64 = 6;
    const RIGHT: f64 = 104.0;
    let at = |offset: i64| RIGHT - (share.high_watermark - offset).clamp(0, RECORDS) as f64 * 16.0;
    let (stub, pin) = (at(share.committed.max(0)), at(share.position));
    let ticks: String = (0..=RECORDS).map(|i| format!("M{} 8v4.5", RIGHT - i as f64 * 16.0)).collect();
    html! {
        <svg width="112" height="19" aria-hidden="true">
            <path class="thin2" d={format!("M2 12.5H{RIGHT}")} fill="none" /><path class="thin2" d={ticks} />
            if stub < RIGHT { <rect class="lag" x={stub.to_string()} y="6" width={(RIGHT - stub).to_string()} height="6.5" /> }
            <path class="stub" d={format!("M{stub} 13v-9")} />
            if share.position >= 0 { <path class="pin hollow" d={format!("M{pin} 12.5l-3.5-6.4a3.5 3.5 0 1 1 7 0z")} /> }
            <path class="pole" d={format!("M{RIGHT} 6v13")} /><path class="hw" d={format!("M{RIGHT} 13.5l-6 2.8l6 2.8z")} />
        </svg>
    }
}

#[derive(Properties, PartialEq)]
struct ActsProps {
    member: Member,
}

/// What can be done to a member's process. Somebody else's client has no buttons.
#[component]
fn Acts(props: &ActsProps) -> Html {
    let lab = use_lab();
    let member = &props.member;
    let Some(consumer) = member.consumer else { return html! { <span class="acts"></span> } };
    let button = |verb: &str, icon: &'static str, class: &'static str, title: &'static str, action: Action| {
        let lab = lab.clone();
        let onclick = Callback::from(move |event: MouseEvent| {
            event.stop_propagation();
            // The button may go with its member; its group stays.
            let group = event.target_dyn_into::<Element>().and_then(|button| button.closest("section").ok().flatten());
            let add = group.and_then(|group| group.query_selector("header .btn").ok().flatten());
            if let Some(add) = add.and_then(|add| add.dyn_into::<HtmlElement>().ok()) {
                let _ = add.focus();
            }
            lab.wish(&action);
        });
        let label = format!("{verb} consumer {}", member.name);
        html! { <button key={label.clone()} class={classes!("act", class)} aria-label={label} {title} {onclick}><Icon name={icon} class="s" /></button> }
    };
    let remove = || {
        button(
            "Remove",
            "power",
            "",
            "Ask it to stop: it commits its offsets and leaves the group",
            Action::RemoveConsumer { consumer },
        )
    };
    let kill = || {
        button(
            "Kill",
            "bolt",
            "fault",
            "Kill it: the group learns of it when its session ends",
            Action::Kill { node: consumer },
        )
    };
    html! {
        <span class="acts">
            { match member.process {
                ProcessState::Down => button("Start", "play", "", "Start it again: it joins as somebody new", Action::AddConsumer { consumer: Some(consumer) }),
                ProcessState::Paused => button("Resume", "play", "", "Let it run again (SIGCONT)", Action::Resume { node: consumer }),
                ProcessState::Stopping => kill(),
                ProcessState::Alive => html! { <>{ remove() }{ kill() }</> },
            } }
        </span>
    }
}

#[derive(Properties, PartialEq)]
pub struct PatternProps {
    pub name: String,
}

/// A member's pattern, so that it is told apart without colour.
#[component]
pub fn Pattern(props: &PatternProps) -> Html {
    let index = props.name.bytes().next().map_or(0, |letter| usize::from(letter.wrapping_sub(b'A')) % 6);
    html! {
        <svg class="pattern" width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">
            <rect x=".75" y=".75" width="12.5" height="12.5" rx="3" fill={format!("url(#member-{index})")} stroke="currentColor" stroke-width="1.5" />
        </svg>
    }
}
