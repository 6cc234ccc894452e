//! The same cluster for who does not see the picture: each partition as a group with its facts in words and attributes.

use std::rc::Rc;

use lab_core::view::{ClusterView, Headline};
use yew::prelude::*;

use crate::{
    context::use_choose,
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
                <Group key={model::name_of(&headline.partition).to_string()} headline={headline.clone()} />
            }) }
        </div>
    }
}

#[derive(Properties, PartialEq)]
struct GroupProps {
    headline: Headline,
}

#[component]
fn Group(props: &GroupProps) -> Html {
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
