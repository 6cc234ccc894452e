//! Icons from the sprite in index.html. They are never the only name of a control.

use yew::prelude::*;

#[derive(Properties, PartialEq)]
pub struct IconProps {
    pub name: &'static str,
    #[prop_or_default]
    pub class: Classes,
}

#[component]
pub fn Icon(props: &IconProps) -> Html {
    html! { <svg class={classes!("i", props.class.clone())} aria-hidden="true"><use href={format!("#{}", props.name)} /></svg> }
}

/// The crown of a leader; `was`: of one that led.
#[component]
pub fn Crown(props: &CrownProps) -> Html {
    let class = classes!("crown", props.was.then_some("was"));
    html! { <svg width="14" height="12" aria-hidden="true"><use href="#crown" class={class} /></svg> }
}

#[derive(Properties, PartialEq)]
pub struct CrownProps {
    #[prop_or_default]
    pub was: bool,
}
