//! Help, settings, and the list of what is simplified.

use std::rc::Rc;

use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use crate::{
    console::Compare,
    context::use_choose,
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
    {
        let panel = panel.clone();
        use_effect_with(props.ui.dialog, move |_| {
            if let Some(panel) = panel.cast::<HtmlElement>() {
                let _ = panel.focus();
            }
        });
    }
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
            <div class="dialog" role="dialog" aria-modal="true" aria-label={title} tabindex="-1" ref={panel} onclick={inside}>
                <div class="top"><h1>{ title }</h1><button class="btn push" onclick={close}>{ "Close" } <kbd aria-hidden="true">{ "Esc" }</kbd></button></div>
                { body }
            </div>
        </div>
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
            <h2>{ "Not built yet" }</h2>
            <ul class="plain">
                <li>{ "Consumer groups, transactions, compaction, tiered storage, security, quotas, share groups." }</li>
                <li>{ "The consumer is given its partitions by hand and stores no offsets." }</li>
                <li>{ "Lessons and quizzes." }</li>
            </ul>
        </>
    }
}
