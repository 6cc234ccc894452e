//! Keyboard shortcuts. Each has a visible control as well, and all of them can be switched off.

use lab_core::{
    id::NodeId,
    view::{Action, ProcessState},
};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use crate::{
    backend::Step,
    lab::{Lab, Snapshot},
    roving,
    ui::{Choose, Dialog, Dock, Layout, Tab, UiHandle},
};

/// For the help dialog: keys and what they do.
pub const KEYS: [(&str, &str); 22] = [
    ("Space", "play or pause"),
    ("→ ←", "next, previous event"),
    ("Shift → ←", "next, previous interesting moment"),
    ("Home End", "beginning and end of what was recorded"),
    ("[ ]", "slower, faster"),
    ("K", "kill or start the focused broker, controller or consumer"),
    ("P", "pause or resume the focused broker, controller or consumer"),
    ("A", "add a consumer to the first group"),
    ("R", "produce one record"),
    ("V", "the next layout: Fleet, Brokers, Partitions"),
    ("+ −", "nearer, farther"),
    ("W", "why?"),
    ("X", "wire: question and answer side by side, and back"),
    ("C", "compare two branches"),
    ("M", "metrics"),
    ("B", "show or hide background traffic"),
    ("/", "command line"),
    ("E", "list of events"),
    ("D, Shift D", "say what is focused; say the whole cluster"),
    ("?", "this help"),
    ("Esc", "close, or go back"),
    ("Tab, ↑ ↓", "move between controls, and inside a list"),
];

pub fn handle(event: &KeyboardEvent, lab: &Lab, ui: &UiHandle, snapshot: &Snapshot) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let tag = target.as_ref().map(|target| target.tag_name()).unwrap_or_default();
    let key = event.key();
    if key == "Escape" {
        return match (ui.dialog, ui.wide, ui.dock) {
            (Some(_), ..) => ui.dispatch(Choose::Dialog(None)),
            (None, true, _) => ui.dispatch(Choose::Wide(false)),
            (None, false, Some(_)) => ui.dispatch(Choose::Dock(None)),
            (None, false, None) => {}
        };
    }
    if ui.dialog.is_none() && !event.alt_key() && !event.ctrl_key() && roving::handle(event, target.as_ref()) {
        return event.prevent_default();
    }
    let range = target.as_ref().is_some_and(|t| t.get_attribute("type").as_deref() == Some("range"));
    if (["INPUT", "SELECT", "TEXTAREA"].contains(&tag.as_str()) && !range) || ui.dialog.is_some() {
        return;
    }
    if !ui.settings.shortcuts || event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let on_control = ["BUTTON", "A", "SUMMARY"].contains(&tag.as_str());
    let shift = event.shift_key();
    match key.as_str() {
        // Space and Enter belong to a focused control.
        " " if !on_control => lab.toggle(),
        "ArrowRight" | "ArrowLeft" if range => return,
        "Home" | "End" if range => return,
        "ArrowRight" => lab.step(if shift { Step::NextInteresting } else { Step::Next }),
        "ArrowLeft" => lab.step(if shift { Step::PreviousInteresting } else { Step::Previous }),
        "Home" => lab.seek(snapshot.from),
        "End" => lab.seek(snapshot.head),
        "[" => lab.shift_speed(-1),
        "]" => lab.shift_speed(1),
        "k" | "K" => on_node(target.as_ref(), snapshot, lab, |node, process| match process {
            ProcessState::Down => Action::Start { node },
            _ => Action::Kill { node },
        }),
        "p" | "P" => on_node(target.as_ref(), snapshot, lab, |node, process| match process {
            ProcessState::Paused => Action::Resume { node },
            _ => Action::Pause { node },
        }),
        "a" | "A" => press("Add consumer"),
        "r" | "R" => press("Produce"),
        "v" | "V" => {
            let next = if ui.layout == Layout::Partitions { Layout::Fleet } else { ui.layout.zoom(1) };
            ui.dispatch(Choose::Layout(next));
        }
        "+" | "=" => ui.dispatch(Choose::Layout(ui.layout.zoom(1))),
        "-" => ui.dispatch(Choose::Layout(ui.layout.zoom(-1))),
        "x" | "X" => ui.dispatch(Choose::Wide(!ui.wide)),
        "w" | "W" => ui.dispatch(Choose::Tab(Tab::Why)),
        "b" | "B" => lab.set_background(!snapshot.background),
        "/" => ui.dispatch(Choose::Dock(Some(Dock::Console))),
        "e" | "E" => toggle(ui, Dock::Events),
        "m" | "M" => toggle(ui, Dock::Metrics),
        "c" | "C" => toggle(ui, Dock::Compare),
        "d" => lab.say(describe(target.as_ref())),
        "D" => lab.say(crate::model::describe(&snapshot.view)),
        "?" => ui.dispatch(Choose::Dialog(Some(Dialog::Help))),
        _ => return,
    }
    event.prevent_default();
}

fn toggle(ui: &UiHandle, dock: Dock) {
    ui.dispatch(Choose::Dock(if ui.dock == Some(dock) { None } else { Some(dock) }));
}

/// The broker, controller or consumer that holds the focus.
fn on_node(target: Option<&Element>, snapshot: &Snapshot, lab: &Lab, action: fn(NodeId, ProcessState) -> Action) {
    let group = target.and_then(|target| target.closest("[data-node]").ok().flatten());
    let id = group.and_then(|group| group.get_attribute("data-node")).and_then(|id| id.parse().ok()).map(NodeId);
    let view = &snapshot.view;
    let nodes = view.nodes.iter().map(|n| (n.id, n.process)).chain(view.consumers.iter().map(|c| (c.id, c.process)));
    match nodes.into_iter().find(|(node, _)| Some(*node) == id) {
        Some((node, process)) => lab.wish(&action(node, process)),
        None => lab.say("Move the focus to a broker, controller or consumer first (Tab), then press the key again."),
    }
}

fn press(label: &str) {
    let document = web_sys::window().and_then(|window| window.document());
    let button = document.and_then(|d| d.query_selector(&format!("button[data-press=\"{label}\"]")).ok().flatten());
    if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
        button.click();
    }
}

fn describe(target: Option<&Element>) -> String {
    let group = target.and_then(|target| target.closest("[aria-label]").ok().flatten());
    let Some(group) = group else { return "Nothing is focused.".into() };
    let name = group.get_attribute("aria-label").unwrap_or_default();
    match group.get_attribute("aria-description") {
        Some(description) => format!("{name}: {description}."),
        None => format!("{name}."),
    }
}
