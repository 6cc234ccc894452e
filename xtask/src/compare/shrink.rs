//! Requests that are a little simpler than one that made a difference.

use super::{
    request::{CLIENT_ID, Request},
    schema::{Api, Field, Kind},
    value::Value,
};

/// Ordered by how much simpler they are.
pub fn simpler(api: &Api, request: &Request, lowest: i16) -> Vec<Request> {
    let mut all = Vec::new();
    let mut offer = |change: &dyn Fn(&mut Request)| {
        let mut other = request.clone();
        change(&mut other);
        if other != *request {
            all.push(other);
        }
    };
    offer(&|other| other.unknown_tag = false);
    offer(&|other| other.cut = 0);
    offer(&|other| other.trailing = 0);
    offer(&|other| other.client_id = Some(CLIENT_ID.into()));
    for body in bodies(&api.request.fields, &request.body, request.version) {
        offer(&|other| other.body = body.clone());
    }
    for version in
        [lowest, request.version - 1].into_iter().filter(|version| (lowest..request.version).contains(version))
    {
        offer(&|other| other.version = version);
    }
    all
}

/// The struct with one value in it simpler.
fn bodies(fields: &[Field], body: &Value, version: i16) -> Vec<Value> {
    let Value::Struct(values) = body else { return Vec::new() };
    let mut all = Vec::new();
    for (at, (field, value)) in fields.iter().zip(values).enumerate() {
        if !field.versions.contains(version) {
            continue;
        }
        let mut offers = of_kind(&field.kind, value, version);
        offers.push(Value::default_of(field));
        for offer in offers.into_iter().filter(|offer| offer != value) {
            let mut values = values.clone();
            values[at] = offer;
            all.push(Value::Struct(values));
        }
    }
    all
}

fn of_kind(kind: &Kind, value: &Value, version: i16) -> Vec<Value> {
    match (kind, value) {
        (Kind::Struct(fields), _) => bodies(fields, value, version),
        (Kind::Array(element), Value::Array(items)) => {
            let mut all = Vec::new();
            for at in 0..items.len() {
                let mut fewer = items.clone();
                fewer.remove(at);
                all.push(Value::Array(fewer));
            }
            for (at, item) in items.iter().enumerate() {
                for simpler in of_kind(element, item, version) {
                    let mut items = items.clone();
                    items[at] = simpler;
                    all.push(Value::Array(items));
                }
            }
            all
        }
        (Kind::Records, Value::Batches(batches)) => {
            let mut all = Vec::new();
            for (at, batch) in batches.iter().enumerate() {
                if batches.len() > 1 {
                    let mut fewer = batches.clone();
                    fewer.remove(at);
                    all.push(Value::Batches(fewer));
                }
                for simpler in batch.simpler() {
                    let mut batches = batches.clone();
                    batches[at] = simpler;
                    all.push(Value::Batches(batches));
                }
            }
            all
        }
        (Kind::Text, Value::Text(text)) if text.len() > 60 => vec![Value::Text(text[..60].to_vec())],
        _ => Vec::new(),
    }
}
