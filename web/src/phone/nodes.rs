//! The quorum in one row, and the brokers with their buttons, large enough for a thumb.

use std::rc::Rc;

use lab_core::view::ClusterView;
use yew::prelude::*;

use crate::{
    model,
    stage::{
        Acts,
        controllers::{HexMark, description, epoch, hex, words},
    },
};

#[derive(Properties, PartialEq)]
pub struct NodesProps {
    pub view: Rc<ClusterView>,
}

#[component]
pub fn Quorum(props: &NodesProps) -> Html {
    let view = &props.view;
    let metadata = view.active_controller().and_then(|n| n.controller.as_ref()).map(|c| c.high_watermark);
    html! {
        <section class="quorum" role="group" aria-label="Controllers" aria-description={words(view)}>
            { for model::controllers(view).map(|node| html! { <HexMark key={node.id.0} hex={hex(view, node)} picked=false width=38.0 /> }) }
            <span class="push">{ "quorum epoch " }<b>{ epoch(view) }</b></span>
            if let Some(offset) = metadata { <span>{ "meta " }<b>{ offset }</b></span> }
        </section>
    }
}

/// Every process with its buttons: brokers first, then controllers.
#[component]
pub fn Nodes(props: &NodesProps) -> Html {
    let view = &props.view;
    let headlines = model::headlines(view);
    html! {
        <div class="nodes">
            { for model::brokers(view).map(|(node, _)| {
                let condition = model::condition(view, node);
                let fenced = if model::fenced(view, node.id) { ", fenced" } else { "" };
                html! {
                    <section key={node.id.0} class={classes!("node", condition.word())} role="group" aria-label={format!("Broker {}", node.id)}
                        aria-description={model::broker_words(view, node, &headlines)} data-node={node.id.to_string()} data-state={condition.word()}>
                        <p class="small"><b>{ format!("B{}", node.id) }</b>{ format!(" {}{fenced}", condition.word()) }</p>
                        <span class="acts"><Acts node={node.id} kind="broker" process={node.process} /></span>
                    </section>
                }
            }) }
            { for model::controllers(view).map(|node| {
                let hex = hex(view, node);
                html! {
                    <section key={format!("c{}", node.id)} class="node" role="group" aria-label={format!("Controller {}", node.id)}
                        aria-description={description(&hex)} data-node={node.id.to_string()} data-state={hex.role.clone()}>
                        <p class="small"><b>{ format!("C{}", node.id) }</b>{ format!(" {}", hex.role) }</p>
                        <span class="acts"><Acts node={node.id} kind="controller" process={node.process} /></span>
                    </section>
                }
            }) }
        </div>
    }
}
