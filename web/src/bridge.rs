//! `window.lab`: what scripts and tests may ask of the page, in the same words as everybody else.

use js_sys::{Function, JSON, Object, Promise, Reflect};
use lab_core::view::Action;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

use crate::{
    backend::{self, Run},
    lab::{self, Lab},
    words,
};

/// Puts `view()`, `events(since)`, `act(action)`, `bench(run)` and `replay(base64)` on the window. `since` is a number of
/// events. `act` gives null, or why it could not be done; with a real cluster, which answers later, a promise of that.
/// `bench` takes `{scenario, seed, seconds, linger}` and gives what `kafka-lab sim --json` prints, or throws what is
/// wrong with it. `replay` takes a recording of `kafka-lab up --record` as base64 and gives `{node, program, hash, inputs, matches, why}`.
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
        Closure::<dyn Fn(JsValue) -> JsValue>::new(move |action: JsValue| match read(&action) {
            Ok(action) if lab.is_live() => later(&lab, &action).into(),
            Ok(action) => answer(lab.act(&action)),
            Err(error) => JsValue::from_str(&error),
        })
    };
    let bench = Closure::<dyn Fn(JsValue) -> Result<JsValue, JsValue>>::new(|run: JsValue| {
        bench(&run).map_err(|error| js_sys::Error::new(&error).into())
    });
    let replay = Closure::<dyn Fn(String) -> Result<JsValue, JsValue>>::new(|base64: String| {
        lab::replay(&base64).map(|outcome| to_js(&outcome)).map_err(|error| js_sys::Error::new(&error).into())
    });
    put(&object, "view", view.into_js_value());
    put(&object, "events", events.into_js_value());
    put(&object, "act", act.into_js_value());
    put(&object, "bench", bench.into_js_value());
    put(&object, "replay", replay.into_js_value());
    put(&window, "lab", object.into());
}

fn bench(run: &JsValue) -> Result<JsValue, String> {
    let run = if run.is_undefined() { Run::default() } else { from_js(run)? };
    let clock = web_sys::window().and_then(|window| window.performance()).ok_or("this browser has no clock")?;
    backend::bench(&run, || clock.now()).map(|outcome| to_js(&outcome))
}

fn answer(result: Result<(), String>) -> JsValue {
    result.err().map_or(JsValue::NULL, |error| JsValue::from_str(&error))
}

/// What a real cluster answers.
fn later(lab: &Lab, action: &Action) -> Promise {
    Promise::new(&mut |resolve, _| {
        lab.act_then(action, move |result| drop(resolve.call1(&JsValue::NULL, &answer(result))));
    })
}

/// An action is an object, its JSON text, or a line for the console.
fn read(action: &JsValue) -> Result<Action, String> {
    match action.as_string() {
        Some(line) if line.trim_start().starts_with('{') => {
            serde_json::from_str(&line).map_err(|error| format!("this is not an action: {error}"))
        }
        Some(line) => words::parse(&line),
        None => from_js(action),
    }
}

fn from_js<T: serde::de::DeserializeOwned>(value: &JsValue) -> Result<T, String> {
    let text = JSON::stringify(value).ok().and_then(|text| text.as_string()).unwrap_or_default();
    serde_json::from_str(&text).map_err(|error| format!("this cannot be read: {error}"))
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
