//! The producers: what is acknowledged, what waits, and a form to produce a record with a key of one's own.

use lab_core::view::{Action, ProducerView};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::geometry::{CLIENTS_HEIGHT, PRODUCERS_WIDTH};
use crate::{
    context::use_lab,
    icon::{Hotkey, Icon},
};

#[derive(Properties, PartialEq)]
pub struct ProducersProps {
    pub top: f64,
    pub producers: Vec<ProducerView>,
    pub topic: String,
    pub live: bool,
}

#[component]
pub fn Producers(props: &ProducersProps) -> Html {
    let style = format!("left:0;top:{}px;width:{PRODUCERS_WIDTH}px;min-height:{CLIENTS_HEIGHT}px", props.top);
    let acks = props.producers.iter().find(|p| !p.acks.is_empty()).map(|p| format!("acks={}", p.acks));
    // What somebody else's client waits for, only that client knows.
    let number = |p: &ProducerView, n: u64| {
        html! { <td class="n">{ if p.acks.is_empty() { "–".to_owned() } else { n.to_string() } }</td> }
    };
    html! {
        <section class="card clients" role="group" aria-label="Producers" {style}>
            <header style="padding-right:6px"><h2>{ "Producers" }</h2><span class="micro dim">{ acks }</span></header>
            <table style="margin:2px 12px 0;width:236px">
                <thead><tr style="height:18px"><td></td><th class="n">{ "acked" }</th><th class="n">{ "waiting" }</th><th class="n">{ "retries" }</th><th class="n">{ "failed" }</th></tr></thead>
                <tbody>
                    { for props.producers.iter().map(|p| html! {
                        <tr key={p.id.0} title={p.last_error.clone().unwrap_or_default()}>
                            <td><span class="who"><Icon name="producer" />{ &p.name }</span></td>
                            { number(p, p.acked) }{ number(p, p.waiting) }{ number(p, p.retries) }{ number(p, p.failed) }
                        </tr>
                    }) }
                </tbody>
            </table>
            if props.live && props.producers.is_empty() {
                <p class="micro dim" style="padding:4px 12px 2px">{ "The lab's producer starts with your first record." }</p>
            }
            <ProduceForm topic={props.topic.clone()} />
        </section>
    }
}

#[derive(Properties, PartialEq)]
pub struct ProduceFormProps {
    pub topic: String,
}

/// One record by one's own hand.
#[component]
pub fn ProduceForm(props: &ProduceFormProps) -> Html {
    let lab = use_lab();
    let (key, value) = (use_node_ref(), use_node_ref());
    let sent = use_mut_ref(|| 0);
    let onsubmit = {
        let (key, value, topic) = (key.clone(), value.clone(), props.topic.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let text = |node: &NodeRef| node.cast::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default();
            let (key, mut value) = (text(&key), text(&value));
            *sent.borrow_mut() += 1;
            if value.is_empty() {
                value = format!("yours {}", sent.borrow());
            }
            let key = (!key.is_empty()).then_some(key);
            lab.wish(&Action::Produce { producer: None, topic: topic.clone(), partition: None, key, value });
        })
    };
    html! {
        <form class="produce" {onsubmit}>
            <input class="field" ref={key} aria-label="Key" placeholder="key" maxlength="80" style="max-width:64px" autocomplete="off" />
            <input class="field" ref={value} aria-label="Value" placeholder="value" maxlength="400" autocomplete="off" />
            <button class="btn low" data-press="Produce" title={format!("Produce a record to {}", props.topic)}>{ "Produce" }<Hotkey name="R" /></button>
        </form>
    }
}
