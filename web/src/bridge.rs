//! `window.lab`: what scripts and tests may ask of the page, in the same words as everybody else.

use js_sys::{Function, JSON, Object, Reflect};
use lab_core::view::Action;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

use crate::{lab::Lab, words};

/// Puts `view()`, `events(since)` and `act(action)` on the window. `since` is a number of events. What a real cluster
/// refuses is known only later: `act` gives null there and the page shows the refusal.
pub fn install(lab: &Lab) {
    let Some(window) = web_sys::window() else { return };
    let object = Object::new();
    let view = {
        let lab = lab.clone();
        Closure::<dyn Fn() -> JsValue>::new(move || to_js(&lab.view()))
    };
    let events = {
        let lab = lab.clone();
        Closure::<dyn Fn(JsValue) -> JsValue>::new(move |since: JsValue| {
            to_js(&lab.events_since(since.as_f64().unwrap_or(0.0).max(0.0) as usize))
        })
    };
    let act = {
        let lab = lab.clone();
        Closure::<dyn Fn(JsValue) -> JsValue>::new(move |action: JsValue| {
            match read(&action).and_then(|action| lab.act(&action)) {
                Ok(()) => JsValue::NULL,
                Err(error) => JsValue::from_str(&error),
            }
        })
    };
    put(&object, "view", view.into_js_value());
    put(&object, "events", events.into_js_value());
    put(&object, "act", act.into_js_value());
    put(&window, "lab", object.into());
}

/// An action is an object, its JSON text, or a line for the console.
fn read(action: &JsValue) -> Result<Action, String> {
    let text = match action.as_string() {
        Some(line) if line.trim_start().starts_with('{') => line,
        Some(line) => return words::parse(&line),
        None => JSON::stringify(action).ok().and_then(|text| text.as_string()).unwrap_or_default(),
    };
    serde_json::from_str(&text).map_err(|error| format!("this is not an action: {error}"))
}

fn to_js(value: &impl serde::Serialize) -> JsValue {
    serde_json::to_string(value).ok().and_then(|text| JSON::parse(&text).ok()).unwrap_or(JsValue::NULL)
}

fn put(object: &JsValue, name: &str, value: JsValue) {
    if let Some(function) = value.dyn_ref::<Function>() {
        let _ = Reflect::set(object, &name.into(), function);
    } else {
        let _ = Reflect::set(object, &name.into(), &value);
    }
}
