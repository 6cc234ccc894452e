//! The same cluster for who does not see the picture: each partition as a group with its facts in words and attributes,
//! and where the picture has made room, brokers and consumer groups as well.

use std::rc::Rc;

use lab_core::view::{ClusterView, Headline};
use yew::prelude::*;

use super::{
    groups::{description, use_groups},
    member::told,
};
use crate::{
    context::use_choose,
    lab::Snapshot,
    model,
    ui::{Choose, Selection},
};

#[derive(Properties, PartialEq)]
pub struct MirrorProps {
    pub view: Rc<ClusterView>,
}

#[component]
pub fn Mirror(props: &MirrorProps) -> Html {
    html! {
        <div class="hide">
            { for model::headlines(&props.view).iter().map(|headline| html! {
                <Partition key={model::name_of(&headline.partition).to_string()} headline={headline.clone()} />
            }) }
        </div>
    }
}

#[derive(Properties, PartialEq)]
pub struct WholeProps {
    pub snapshot: Rc<Snapshot>,
}

/// What the picture would show as well.
#[component]
pub fn WholeMirror(props: &WholeProps) -> Html {
    let view = &props.snapshot.view;
    let headlines = model::headlines(view);
    let brokers = model::brokers(view).map(|(node, _)| {
        let words = model::broker_words(view, node, &headlines);
        html! { <section key={node.id.0} role="group" aria-label={format!("Broker {}", node.id)} aria-description={words.clone()}><p>{ words }</p></section> }
    });
    let groups = use_groups(&props.snapshot);
    let groups = groups.iter().map(|group| {
        let words = description(group);
        html! {
            <section key={group.id.clone()} role="group" aria-label={format!("Group {}", group.id)} aria-description={words.clone()}
                data-state={group.state.clone()} data-generation={group.generation.to_string()} data-lag={group.lag.to_string()}>
                <p>{ words }</p>
                <ul aria-label={format!("Members of {}", group.id)}>
                    { for group.members.iter().map(|member| html! {
                        <li key={member.name.clone()} aria-label={format!("Consumer {}", member.name)}>{ format!("{}: {}", member.name, told(member)) }</li>
                    }) }
                </ul>
            </section>
        }
    });
    html! {
        <>
            <div class="hide">{ for brokers }{ for groups }</div>
            <Mirror view={view.clone()} />
        </>
    }
}

#[derive(Properties, PartialEq)]
struct PartitionProps {
    headline: Headline,
}

#[component]
fn Partition(props: &PartitionProps) -> Html {
    let choose = use_choose();
    let h = &props.headline;
    let name = model::name_of(&h.partition);
    let onclick = {
        let name = name.clone();
        Callback::from(move |_| choose.dispatch(Choose::Select(Selection::Partition(name.clone()))))
    };
    let words = model::partition_words(h);
    html! {
        <section role="group" aria-label={format!("Partition {name}")} aria-description={words.clone()}
            data-leader={h.partition.leader.to_string()} data-leader-epoch={h.partition.leader_epoch.to_string()}
            data-isr={model::list(&h.partition.isr, ",")} data-hw={h.high_watermark.to_string()} data-leo={h.log_end_offset.to_string()}>
            <p>{ words }</p>
            <button tabindex="-1" {onclick}>{ format!("Inspect {name}") }</button>
        </section>
    }
}
