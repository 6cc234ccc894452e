//! Events by the name of their kind in JSON, and conditions on their fields.

use std::fmt::Write as _;

use serde_json::Value;

use super::{duration_ms, seconds};
use crate::{sim::World, trace::Event};

pub(super) fn event_json(event: &Event) -> Value {
    serde_json::to_value(event).unwrap_or(Value::Null)
}

pub(super) fn kind(json: &Value) -> &str {
    json["kind"].as_str().unwrap_or_default()
}

pub(super) fn matches(json: &Value, conditions: &[String]) -> Result<bool, String> {
    for condition in conditions {
        let (field, wanted) = condition.split_once('=').ok_or_else(|| format!("{condition:?} is no condition"))?;
        let found = match &json[field] {
            Value::String(text) => text.clone(),
            Value::Object(o) if field == "partition" => {
                format!("{}-{}", o["topic"].as_str().unwrap_or_default(), o["partition"])
            }
            other => other.to_string(),
        };
        if found != wanted {
            return Ok(false);
        }
    }
    Ok(true)
}

pub(super) fn print_event(event: &Event, out: &mut String) {
    writeln!(out, "{:>10}  {:<4} {}", seconds(event.at), event.node, event.text()).expect("text grows");
}

pub(super) fn until(world: &mut World, words: &[String], out: &mut String) -> Result<(), String> {
    let wanted_kind = words.first().ok_or("until what?")?;
    let mut limit_ms = 60_000;
    let mut conditions = Vec::new();
    for word in &words[1..] {
        match word.strip_prefix("limit=") {
            Some(limit) => limit_ms = duration_ms(limit)?,
            None => conditions.push(word.clone()),
        }
    }
    matches(&Value::Null, &conditions)?;
    let limit = world.now().plus_ms(limit_ms);
    let found = world.run_until_event(
        |event| {
            let json = event_json(event);
            kind(&json) == wanted_kind && matches(&json, &conditions) == Ok(true)
        },
        limit,
    );
    match found {
        Some(event) => print_event(&event, out),
        None => writeln!(out, "no {wanted_kind} within {} s", limit_ms / 1000).expect("text grows"),
    }
    Ok(())
}
