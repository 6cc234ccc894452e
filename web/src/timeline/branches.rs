//! The branches of history as rows on the axis of time: where each left another, how far it goes, which one is shown.

use std::rc::Rc;

use yew::prelude::*;

use super::{LEFT, scale::Scale};
use crate::{
    backend::Branch,
    context::{use_choose, use_lab},
    icon::{Hotkey, Icon},
    ui::{Choose, Dock},
};

const ROW: f64 = 24.0;

#[derive(Properties, PartialEq)]
pub struct BranchesProps {
    pub branches: Rc<Vec<Branch>>,
    pub scale: Rc<Scale>,
    pub width: f64,
}

/// Nothing while there is only one.
#[component]
pub fn Branches(props: &BranchesProps) -> Html {
    let (lab, choose) = (use_lab(), use_choose());
    let branches = &props.branches;
    if branches.len() < 2 {
        return Html::default();
    }
    let compare = Callback::from(move |_: MouseEvent| choose.dispatch(Choose::Dock(Some(Dock::Compare))));
    let height = ROW * branches.len() as f64;
    let rows = branches.iter().enumerate().map(|(i, branch)| {
        let onclick = {
            let lab = lab.clone();
            Callback::from(move |_: MouseEvent| lab.switch(i))
        };
        let (checked, tabindex) = if branch.current { ("true", "0") } else { ("false", "-1") };
        html! {
            <button key={i} role="radio" aria-checked={checked} {tabindex} {onclick} title={format!("Show {}", branch.name)}>
                <span class="dot" aria-hidden="true"></span>{ &branch.name }
            </button>
        }
    });
    let lines = branches.iter().enumerate().map(|(i, branch)| {
        let y = ROW * (i as f64 + 0.5);
        let class = classes!("branch", branch.current.then_some("current"));
        let end = props.scale.x(branch.head);
        let d = match branch.parent {
            None => format!("M{LEFT} {y}H{end}"),
            Some((parent, at)) => {
                let x = props.scale.x(at);
                format!("M{x} {}V{}q0 4 4 4H{}", ROW * (parent as f64 + 0.5), y - 4.0, end.max(x + 6.0))
            }
        };
        html! { <g key={i}><path {class} {d} /><circle class={classes!("branch-end", branch.current.then_some("current"))} cx={end.to_string()} cy={y.to_string()} r="3" /></g> }
    });
    html! {
        <div class="branches">
            <svg width={props.width.to_string()} height={height.to_string()} aria-hidden="true">{ for lines }</svg>
            <div role="radiogroup" aria-label="Branches" data-roving="vertical">{ for rows }</div>
            <button class="btn low compare" onclick={compare} title="What differs between two branches (C)"><Icon name="fork" class="s" />{ "Compare" } <Hotkey name="C" /></button>
        </div>
    }
}
