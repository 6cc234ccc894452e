//! The controls of time, with their shortcuts, and what time is doing.

use std::rc::Rc;

use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::{
    backend::Step,
    context::use_lab,
    icon::{Hotkey, Icon},
    lab::Snapshot,
    pace,
};

#[derive(Properties, PartialEq)]
pub struct BarProps {
    pub snapshot: Rc<Snapshot>,
}

/// "12.431 seconds, event 214 of 226"
pub fn slider_text(s: &Snapshot) -> String {
    let ms = s.now.as_ms();
    format!("{}.{:03} seconds, event {} of {}", ms / 1000, ms % 1000, s.position.0, s.position.1)
}

#[component]
pub fn Bar(props: &BarProps) -> Html {
    let lab = use_lab();
    let s = &props.snapshot;
    let live = s.no_rewind.is_some();
    let onchange = {
        let lab = lab.clone();
        Callback::from(move |event: Event| {
            if let Ok(speed) = event.target_unchecked_into::<HtmlSelectElement>().value().parse() {
                lab.set_speed(speed);
            }
        })
    };
    let fork = {
        let lab = lab.clone();
        Callback::from(move |_| lab.fork())
    };
    let behind = s.head.ms_since(s.now);
    html! {
        <div class="bar">
            <TransportButtons playing={s.playing} {live} words=true />
            <span class="clock">{ pace::seconds(s.now) }</span>
            <span class="dim">{ format!("event {} of {}", s.position.0, s.position.1) }</span>
            if !live {
                <select class="speed" aria-label="Speed" {onchange}>
                    { for pace::SPEEDS.iter().map(|speed| html! {
                        <option value={speed.to_string()} selected={(speed - s.speed).abs() < 1e-9}>{ format!("×{speed}") }</option>
                    }) }
                </select>
                <span class="badge"><Icon name="clock" class="xs" />{ pace::badge(s.speed) }</span>
            }
            <span class="end">
                if let Some(why) = &s.no_rewind { <span class="small dim">{ why }</span> }
                if behind > 0 && !live { <span class="small dim">{ format!("{}.{} s behind the head", behind / 1000, behind % 1000 / 100) }</span> }
                if !live { <button class="btn" onclick={fork}><Icon name="fork" />{ "Fork here" }</button> }
            </span>
        </div>
    }
}

#[derive(Properties, PartialEq)]
pub struct TransportProps {
    pub playing: bool,
    /// A real cluster plays by itself.
    pub live: bool,
    /// Words beside the icon of Play.
    #[prop_or_default]
    pub words: bool,
}

#[component]
pub fn TransportButtons(props: &TransportProps) -> Html {
    let lab = use_lab();
    let step = |label: &'static str, icon: &'static str, step: Step, key: &'static str| {
        let lab = lab.clone();
        let onclick = Callback::from(move |_| lab.step(step));
        html! { <button class="btn quiet icon" aria-label={label} title={format!("{label} ({key})")} {onclick} disabled={props.live}><Icon name={icon} /></button> }
    };
    let toggle = {
        let lab = lab.clone();
        Callback::from(move |_| lab.toggle())
    };
    let (label, icon) = if props.playing { ("Pause", "pause") } else { ("Play", "play") };
    html! {
        <>
            { step("Previous interesting event", "previous-big", Step::PreviousInteresting, "Shift ←") }
            { step("Previous event", "previous", Step::Previous, "←") }
            <button class={if props.words { "btn main" } else { "play" }} aria-label={(!props.words).then_some(label)} onclick={toggle} disabled={props.live}>
                <Icon name={icon} />
                if props.words { { label }<Hotkey name="Space" /> }
            </button>
            { step("Next event", "next", Step::Next, "→") }
            { step("Next interesting event", "next-big", Step::NextInteresting, "Shift →") }
        </>
    }
}
