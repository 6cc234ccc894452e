//! Help, settings, and the list of what is simplified.

use std::rc::Rc;

use lab_core::{fidelity, seam::Listener};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use crate::{
    console::Compare,
    context::use_choose,
    icon::Hotkey,
    keys::KEYS,
    lab::Snapshot,
    settings::{Settings, Theme},
    ui::{Choose, Dialog, Ui},
    words,
};

#[derive(Properties, PartialEq)]
pub struct DialogsProps {
    pub ui: Rc<Ui>,
    pub snapshot: Rc<Snapshot>,
}

#[component]
pub fn Dialogs(props: &DialogsProps) -> Html {
    let choose = use_choose();
    let panel = use_node_ref();
    let before = use_mut_ref(|| None::<HtmlElement>);
    {
        let panel = panel.clone();
        use_effect_with(props.ui.dialog, move |_| {
            let active = || web_sys::window()?.document()?.active_element()?.dyn_into::<HtmlElement>().ok();
            if let Some(panel) = panel.cast::<HtmlElement>() {
                before.borrow_mut().get_or_insert_with(|| active().unwrap_or_else(|| panel.clone()));
                let _ = panel.focus();
            } else if let Some(before) = before.borrow_mut().take() {
                // Closed: the focus goes back to where it came from.
                let _ = before.focus();
            }
        });
    }
    let ontab = {
        let panel = panel.clone();
        Callback::from(move |event: KeyboardEvent| keep_inside(&event, &panel))
    };
    let Some(dialog) = props.ui.dialog else { return Html::default() };
    let close = Callback::from(move |_: MouseEvent| choose.dispatch(Choose::Dialog(None)));
    let inside = Callback::from(|event: MouseEvent| event.stop_propagation());
    let (title, body) = match dialog {
        Dialog::Help => ("Keys and commands", html! { <Help /> }),
        Dialog::Settings => ("Settings", html! { <SettingsForm settings={props.ui.settings.clone()} /> }),
        Dialog::Compare => ("Compare branches", html! { <Compare snapshot={props.snapshot.clone()} /> }),
        Dialog::Fidelity => ("What is simplified", html! { <Fidelity snapshot={props.snapshot.clone()} /> }),
    };
    html! {
        <div class="over-all" onclick={close.clone()}>
            <div class="dialog" role="dialog" aria-modal="true" aria-label={title} tabindex="-1" ref={panel} onclick={inside} onkeydown={ontab}>
                <div class="top"><h1>{ title }</h1><button class="btn push" onclick={close}>{ "Close" } <Hotkey name="Esc" /></button></div>
                { body }
            </div>
        </div>
    }
}

/// Tab goes around in a dialog and does not leave it.
fn keep_inside(event: &KeyboardEvent, panel: &NodeRef) {
    let stops =
        panel.cast::<HtmlElement>().and_then(|p| p.query_selector_all("button, input, select, summary, a").ok());
    let Some(stops) = stops.filter(|stops| event.key() == "Tab" && stops.length() > 0) else { return };
    let stop = |i: u32| stops.item(i).and_then(|node| node.dyn_into::<HtmlElement>().ok());
    let (first, last) = (stop(0), stop(stops.length() - 1));
    let at = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    let to = match event.shift_key() {
        true if at == first => last,
        false if at == last => first,
        _ => return,
    };
    event.prevent_default();
    if let Some(to) = to {
        let _ = to.focus();
    }
}

#[component]
fn Help() -> Html {
    html! {
        <>
            <dl class="keys">{ for KEYS.iter().map(|(key, what)| html! { <><dt><kbd>{ *key }</kbd></dt><dd>{ *what }</dd></> }) }</dl>
            <h2>{ "Commands of the console" }</h2>
            <p class="mono small" style="white-space:pre-wrap">{ words::HELP }</p>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct SettingsProps {
    settings: Settings,
}

#[component]
fn SettingsForm(props: &SettingsProps) -> Html {
    let choose = use_choose();
    let change = |change: fn(&mut Settings, bool)| {
        let (choose, settings) = (choose.clone(), props.settings.clone());
        Callback::from(move |event: Event| {
            let mut settings = settings.clone();
            change(&mut settings, event.target_unchecked_into::<HtmlInputElement>().checked());
            choose.dispatch(Choose::Settings(settings));
        })
    };
    let theme = |theme: Theme| {
        let (choose, settings) = (choose.clone(), props.settings.clone());
        Callback::from(move |_| choose.dispatch(Choose::Settings(Settings { theme, ..settings.clone() })))
    };
    html! {
        <>
            <fieldset><legend><h2>{ "Theme" }</h2></legend>
                { for Theme::ALL.into_iter().map(|t| html! {
                    <label key={t.name()}><input type="radio" name="theme" checked={props.settings.theme == t} onchange={theme(t)} />{ t.name() }</label>
                }) }
            </fieldset>
            <h2>{ "Movement and keys" }</h2>
            <label><input type="checkbox" checked={props.settings.less_motion} onchange={change(|s, on| s.less_motion = on)} />{ "Less motion: messages do not travel, their way lights up" }</label>
            <label><input type="checkbox" checked={props.settings.shortcuts} onchange={change(|s, on| s.shortcuts = on)} />{ "Single-key shortcuts" }</label>
        </>
    }
}

#[derive(Properties, PartialEq)]
struct FidelityProps {
    snapshot: Rc<Snapshot>,
}

#[component]
fn Fidelity(props: &FidelityProps) -> Html {
    let view = &props.snapshot.view;
    let live = props.snapshot.live.is_some();
    html! {
        <>
            <p>{ "Reference: Apache Kafka 4.3.1. Brokers, controllers and clients are the same code that runs as a real cluster; every message is a real Kafka frame." }</p>
            <h2>{ "Settings that differ from Kafka's defaults" }</h2>
            if view.presets.is_empty() { <p>{ "none" }</p> } else {
                <table><thead><tr><th>{ "key" }</th><th>{ "here" }</th><th>{ "Kafka's default" }</th></tr></thead>
                    <tbody>{ for view.presets.iter().map(|p| html! { <tr key={p.key.clone()}><td class="mono">{ &p.key }</td><td>{ &p.value }</td><td>{ &p.kafka_default }</td></tr> }) }</tbody></table>
            }
            <h2>{ "The world" }</h2>
            <ul class="plain">
                if live { <li>{ "These are real processes, sockets and files. Nothing is simulated." }</li> } else {
                    <>
                        <li>{ "Network, disks and clocks are simulated: links of about 4 ms, ordered as TCP is; a disk that keeps what was synced." }</li>
                        <li>{ "Time is stretched and folded to be watched; the factors are printed beside the clock." }</li>
                        <li>{ "Computing takes no simulated time." }</li>
                    </>
                }
            </ul>
            { for fidelity::Area::ALL.into_iter().map(|area| html! {
                <><h2>{ area.title() }</h2><ul class="plain">{ for fidelity::of_area(area).map(|text| html! { <li>{ text }</li> }) }</ul></>
            }) }
            <h2>{ "Answers that differ" }</h2>
            <ul class="plain">{ for fidelity::known_differences().map(|(apis, why)| html! { <li>{ format!("{apis}: {why}") }</li> }) }</ul>
            <h2>{ "Requests that are answered, with their versions" }</h2>
            <p class="small">{ "To clients and brokers: " }{ fidelity::served(Listener::Broker).join(", ") }</p>
            <p class="small">{ "By controllers: " }{ fidelity::served(Listener::Controller).join(", ") }</p>
        </>
    }
}
