//! Name, lessons, seed, share, theme, settings, help.

use std::rc::Rc;

use wasm_bindgen_futures::{JsFuture, spawn_local};
use yew::prelude::*;

use crate::{
    context::{use_choose, use_lab},
    icon::Icon,
    lab::{Lab, Snapshot},
    lesson::LessonLinks,
    settings::{Settings, Theme},
    ui::{Choose, Dialog},
};

#[derive(Properties, PartialEq)]
pub struct TopBarProps {
    pub snapshot: Rc<Snapshot>,
    pub theme: Theme,
}

#[component]
pub fn TopBar(props: &TopBarProps) -> Html {
    let (lab, choose) = (use_lab(), use_choose());
    let open = |dialog: Dialog| {
        let choose = choose.clone();
        Callback::from(move |_| choose.dispatch(Choose::Dialog(Some(dialog))))
    };
    let onshare = {
        let lab = lab.clone();
        Callback::from(move |_| share(&lab))
    };
    let theme = {
        let (choose, theme) = (choose.clone(), props.theme.next());
        Callback::from(move |_| choose.dispatch(Choose::Settings(Settings { theme, ..Settings::load() })))
    };
    let live = props.snapshot.live.is_some();
    html! {
        <header class="topbar" role="banner">
            <span class="brand"><svg width="20" height="18" aria-hidden="true"><use href="#logo" /></svg>{ "Kafka Lab" }</span>
            <span class="bar"></span>
            <nav aria-label="Lessons">
                if let Some(course) = &props.snapshot.course {
                    <span class="small">{ &course.module }</span><b>{ format!("{} {}", course.number, course.title) }</b>
                    <span class="small">{ format!("step {} of {}", course.step + 1, course.steps) }</span>
                    <a href="#" class="small">{ "all lessons" }</a>
                } else if props.snapshot.interview.is_some() {
                    <b>{ "Interview" }</b>
                    <a href="#" class="small">{ "all lessons" }</a>
                } else {
                    <b>{ if props.snapshot.no_faults.is_some() { "Attached cluster" } else if live { "Live cluster" } else { "Sandbox" } }</b>
                    <LessonLinks />
                    if live { <a href="#" class="small">{ "to the sandbox" }</a> } else { <a href="#live" class="small">{ "to a live cluster" }</a> }
                }
            </nav>
            <span class="tools">
                if let Some(seed) = props.snapshot.seed { <span class="dim small">{ "seed " }<span class="mono" style="color:var(--ink)">{ format!("{seed:X}") }</span></span> }
                <button class="btn quiet" onclick={onshare}><Icon name="share" />{ "Share" }</button>
                <span class="bar" style="margin:0 6px"></span>
                <button class="btn quiet icon" aria-label={format!("Theme: {}", props.theme.name())} title={format!("Theme: {}", props.theme.name())} onclick={theme}><Icon name="theme" /></button>
                <button class="btn quiet icon" aria-label="Settings" onclick={open(Dialog::Settings)}><Icon name="sliders" /></button>
                <button class="btn quiet icon" aria-label="Help and shortcuts" onclick={open(Dialog::Help)}><Icon name="help" /></button>
            </span>
        </header>
    }
}

/// Copies an address that shows this again, to the millisecond.
pub fn share(lab: &Lab) {
    let fragment = match lab.share() {
        Ok(fragment) => fragment,
        Err(why) => return lab.say(why),
    };
    let Some(window) = web_sys::window() else { return };
    let location = window.location();
    let address =
        format!("{}{}#{fragment}", location.origin().unwrap_or_default(), location.pathname().unwrap_or_default());
    let lab = lab.clone();
    spawn_local(async move {
        let clipboard = window.navigator().clipboard();
        // The clipboard is refused on plain http from elsewhere; then the address itself is shown.
        match JsFuture::from(clipboard.write_text(&address)).await {
            Ok(_) => lab.say("A link to this instant is in your clipboard: scenario, seed and everything you did."),
            Err(_) => lab.say(format!("Copy this link: {address}")),
        }
    });
}
