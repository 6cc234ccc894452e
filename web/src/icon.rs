//! Icons from the sprite in index.html, and the key that does the same. Neither is ever the only name of a control.

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

#[derive(Properties, PartialEq)]
pub struct HotkeyProps {
    pub name: &'static str,
}

/// The key's name beside a control's own. The styles write it, so that it is no part of the name people call it by.
#[component]
pub fn Hotkey(props: &HotkeyProps) -> Html {
    html! { <kbd aria-hidden="true" data-key={props.name} /> }
}
