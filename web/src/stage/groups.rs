//! Consumer groups: members with what each reads, how far it is committed, and where a rebalance stands. As a card under
//! the brokers, and as a row where there is less room.

use std::rc::Rc;

use lab_core::view::{Action, ProcessState};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::{
    context::{use_choose, use_lab},
    icon::{Hotkey, Icon},
    lab::Snapshot,
    model::group::{Group, Member, Share, groups},
    ui::{Choose, Selection},
};

/// Heights of the card's parts, for whoever has to make room.
const HEAD: f64 = 35.0;
const STEP: f64 = 18.0;
const NAMES: f64 = 16.0;
const FIRST: f64 = 24.0;
const NEXT: f64 = 17.0;
/// Between two cards.
pub const GAP: f64 = 8.0;

/// How high the card of a group is.
pub fn height(group: &Group) -> f64 {
    let rows: f64 = group.members.iter().map(|m| FIRST + NEXT * m.shares.len().saturating_sub(1) as f64).sum();
    let step = if group.step.is_empty() { 0.0 } else { STEP };
    HEAD + step + NAMES + rows + NEXT * group.unread.len() as f64 + 6.0
}

/// The groups of a snapshot.
#[hook]
pub fn use_groups(snapshot: &Rc<Snapshot>) -> Vec<Group> {
    use_lab().story(|story| groups(&snapshot.view, story.until(snapshot.now)))
}

#[derive(Properties, PartialEq)]
pub struct GroupProps {
    pub group: Group,
    /// The first group's button is the one that is meant without a name.
    pub first: bool,
    /// One line: the Partitions and Fleet layouts, and the phone.
    #[prop_or_default]
    pub row: bool,
}

#[component]
pub fn GroupCard(props: &GroupProps) -> Html {
    let group = &props.group;
    let calm = group.step.is_empty();
    let words = match group.coordinator {
        Some(broker) if calm => format!("generation {}, coordinator broker {broker}", group.generation),
        Some(_) => format!("generation {}", group.generation),
        None => String::new(),
    };
    let class = classes!("card", "clients", "group", props.row.then_some("as-row"));
    let members = group
        .members
        .iter()
        .map(|member| html! { <MemberItem key={member.name.clone()} member={member.clone()} row={props.row} /> });
    html! {
        <section {class} role="group" aria-label={format!("Group {}", group.id)} aria-description={description(group)}
            data-state={group.state.clone()} data-generation={group.generation.to_string()} data-lag={group.lag.to_string()}
            data-coordinator={group.coordinator.map(|id| id.to_string())}>
            <header>
                <h2>{ format!("Group {}", group.id) }</h2>
                <span class={classes!("badge", (!calm).then_some("fault"))}>{ &group.state }</span>
                <span class="micro words dim" title={words.clone()}>{ words }</span>
                <span class="end"><b class="micro">{ format!("lag {}", group.lag) }</b><Add group={group.clone()} first={props.first} /></span>
            </header>
            if !calm { <p class="micro warn step">{ &group.step }</p> }
            if !props.row {
                <p class="line names" aria-hidden="true"><span></span><span></span><span class="n">{ "committed" }</span><span class="n">{ "position" }</span><span>{ "committed to HW" }</span><span class="n">{ "lag" }</span><span></span></p>
            }
            <ul class="members" aria-label={format!("Members of {}", group.id)}>{ for members }</ul>
            if !props.row {
                { for group.unread.iter().map(|share| html! { <div key={share.partition.to_string()} class="line unread">{ cells(share, "nobody") }</div> }) }
            } else if !group.unread.is_empty() {
                <p class="micro warn unread">{ for group.unread.iter().map(|share| html! { <span key={share.partition.to_string()}>{ format!("{} {}", share.partition, share.words) }</span> }) }</p>
            }
        </section>
    }
}

/// `Stable, generation 7, coordinator broker 3, lag 5, 2 members, nobody reads orders-1`
fn description(group: &Group) -> String {
    let mut words = vec![group.state.clone(), format!("generation {}", group.generation)];
    words.extend(group.coordinator.map(|broker| format!("coordinator broker {broker}")));
    words.extend((!group.protocol.is_empty()).then(|| format!("shared out by {}", group.protocol)));
    words.push(format!("lag {}", group.lag));
    words.push(format!("{} {}", group.members.len(), if group.members.len() == 1 { "member" } else { "members" }));
    words.extend((!group.step.is_empty()).then(|| group.step.clone()));
    words.extend(group.unread.iter().map(|share| format!("nobody reads {}", share.partition)));
    words.join(", ")
}

#[derive(Properties, PartialEq)]
struct AddProps {
    group: Group,
    first: bool,
}

/// Starts another member.
#[component]
fn Add(props: &AddProps) -> Html {
    let lab = use_lab();
    let (spare, live) = (props.group.spare, lab.is_live());
    let label = if props.first { "Add consumer".to_owned() } else { format!("Add consumer to {}", props.group.id) };
    let title = if spare.is_some() || live {
        "Start another member of this group"
    } else {
        "Every consumer of this group runs already"
    };
    let onclick = Callback::from(move |_| lab.wish(&Action::AddConsumer { consumer: spare }));
    html! {
        <button class="btn low" aria-label={label} {title} {onclick} disabled={spare.is_none() && !live} data-press={props.first.then_some("Add consumer")}>
            <Icon name="plus" class="xs" />{ "Add" }if props.first { <Hotkey name="A" /> }</button>
    }
}

#[derive(Properties, PartialEq)]
struct MemberProps {
    member: Member,
    row: bool,
}

#[component]
fn MemberItem(props: &MemberProps) -> Html {
    let member = &props.member;
    let gone = matches!(member.process, ProcessState::Down | ProcessState::Paused);
    let class = classes!("member", gone.then_some("gone"));
    let who = html! {
        <span class="who"><Pattern name={member.name.clone()} />{ &member.name }
            if member.leads { <span class="badge" title="The group's leader: it shares out for all">{ "leader" }</span> }</span>
    };
    let buttons = html! { <Acts member={member.clone()} /> };
    let body = if props.row {
        let reads = member.shares.iter().map(|share| html! {
            <span key={share.partition.to_string()} class="micro share">{ share.partition.to_string() }{ " lag " }<b>{ share.lag() }</b></span>
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

fn list(shares: &[Share]) -> String {
    shares.iter().map(|share| share.partition.to_string()).collect::<Vec<_>>().join(",")
}

/// `reads orders-0, orders-1, lag 4, has to join again`
fn told(member: &Member) -> String {
    let lag: i64 = member.shares.iter().map(Share::lag).sum();
    let reads =
        (!member.shares.is_empty()).then(|| format!("reads {}, lag {lag}", list(&member.shares).replace(',', ", ")));
    let words = (!member.words.is_empty()).then(|| member.words.clone());
    let leads = member.leads.then(|| "leader of the group".to_owned());
    [reads, words, leads].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A partition's cells: its numbers, and the way from the committed offset to the high watermark.
fn cells(share: &Share, reader: &str) -> Html {
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
