//! Consumer groups: members with what each reads, how far it is committed, and where a rebalance stands. As a card under
//! the brokers, and as rows where there is less room.

use std::rc::Rc;

use lab_core::view::Action;
use yew::prelude::*;

use super::member::{MemberItem, cells, gone};
use crate::{
    context::use_lab,
    icon::{Hotkey, Icon},
    lab::Snapshot,
    model::{
        self,
        group::{Group, Member, groups},
    },
};

/// Heights of the card's parts, for whoever has to make room.
const HEAD: f64 = 35.0;
const STEP: f64 = 18.0;
const NAMES: f64 = 16.0;
const FIRST: f64 = 24.0;
const NEXT: f64 = 17.0;
const END: f64 = 6.0;
/// A member's own part of its row, and what each of its partitions takes.
const WHO: f64 = 164.0;
const SHARE: f64 = 98.0;
/// Between two cards.
pub const GAP: f64 = 8.0;

/// How high the card of a group becomes, `width` wide, with a line for a rebalance that may begin.
pub fn height(group: &Group, row: bool, width: f64) -> f64 {
    let a_line = if row { ((width - WHO) / SHARE).floor().max(1.0) as usize } else { 1 };
    let lines = |shares: usize| shares.div_ceil(a_line).saturating_sub(1) as f64 * NEXT;
    // Of one that is gone is said when it is missed.
    let said = |m: &Member| if row && gone(m) && !m.shares.is_empty() { NEXT } else { 0.0 };
    let rows: f64 = group.members.iter().map(|m| FIRST + lines(m.shares.len()) + said(m)).sum();
    let unread = if row { group.unread.len().div_ceil(2) } else { group.unread.len() } as f64 * NEXT;
    HEAD + STEP + if row { 0.0 } else { NAMES } + rows + unread + END
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
    /// One line a member: the Partitions and Fleet layouts, the phone, and where there are many.
    #[prop_or_default]
    pub row: bool,
}

#[component]
pub fn GroupCard(props: &GroupProps) -> Html {
    let group = &props.group;
    let calm = group.step.is_empty();
    let words = match group.coordinator {
        Some(broker) if calm => format!("generation {}, coordinator broker {broker}", model::known(group.generation)),
        Some(_) => format!("generation {}", model::known(group.generation)),
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
pub fn description(group: &Group) -> String {
    let mut words = vec![group.state.clone(), format!("generation {}", model::known(group.generation))];
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
    // A group of somebody else's cluster grows where its consumers are started.
    if lab.no_faults().is_some() {
        return Html::default();
    }
    let label = if props.first { "Add consumer".to_owned() } else { format!("Add consumer to {}", props.group.id) };
    let title = if spare.is_some() || live {
        "Start another member of this group"
    } else {
        "Every consumer of this group runs already"
    };
    let topic = props.group.members.iter().flat_map(|m| &m.shares).chain(&props.group.unread).next();
    let topic = topic.map_or_else(|| "TOPIC".into(), |share| share.partition.topic.to_string());
    let command = format!("kafka-lab consume {topic} --group {}", props.group.id);
    let onclick = Callback::from(move |_| {
        // A lesson starts its consumers itself.
        if live && lab.lesson().is_none() {
            return lab
                .say(format!("The consumers of a real cluster are programs of your own. Start one more: {command}"));
        }
        lab.wish(&Action::AddConsumer { consumer: spare });
    });
    html! {
        <button class="btn low" aria-label={label} {title} {onclick} disabled={spare.is_none() && !live} data-press={props.first.then_some("Add consumer")}>
            <Icon name="plus" class="xs" />{ "Add" }if props.first { <Hotkey name="A" /> }</button>
    }
}
