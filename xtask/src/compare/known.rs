//! The differences that are known: the rows of `core/src/known_differences.txt`, which `core::fidelity` shows as well.

use super::{
    diff::Difference,
    request::Request,
    schema::{Api, Field, Kind},
    value::Value,
};

const ROWS: &str = include_str!("../../../core/src/known_differences.txt");

pub struct Row {
    /// Names, each perhaps with what the request must be like: `Produce:null-records`.
    apis: &'static str,
    path: &'static str,
    kafka: &'static str,
    lab: &'static str,
    pub reason: &'static str,
}

pub fn rows() -> Vec<Row> {
    let lines = ROWS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let row = |line: &'static str| match line.split('|').map(str::trim).collect::<Vec<_>>()[..] {
        [apis, path, kafka, lab, reason] => Row { apis, path, kafka, lab, reason },
        _ => panic!("known_differences.txt: not five columns: {line}"),
    };
    lines.map(row).collect()
}

impl Row {
    pub fn covers(&self, api: &Api, request: &Request, difference: &Difference) -> bool {
        let mut paths = self.path.split_whitespace();
        self.apis.split_whitespace().any(|pattern| {
            let (name, condition) = pattern.split_once(':').unwrap_or((pattern, ""));
            matches(name, api.name()) && holds(condition, api, request)
        }) && (self.path == difference.path || paths.any(|pattern| matches(pattern, &difference.path)))
            && matches(self.kafka, &difference.kafka)
            && matches(self.lab, &difference.lab)
    }
}

/// Whether the request is what a row is about.
fn holds(condition: &str, api: &Api, request: &Request) -> bool {
    let fields = &api.request.fields;
    match condition {
        "" => true,
        "null-records" => {
            any(fields, &request.body, &|kind, value| matches!(kind, Kind::Records) && *value == Value::Null)
        }
        "transactional" => *request.body.get(fields, "TransactionalId") != Value::Null,
        "nothing-once" => any(fields, &request.body, &|_, value| nothing_once(value)),
        "said-twice" => any(fields, &request.body, &|_, value| said_twice(value)),
        other => panic!("known_differences.txt: no condition {other}"),
    }
}

/// Whether a list names something twice.
fn said_twice(value: &Value) -> bool {
    let names = names(value);
    names.iter().enumerate().any(|(at, name)| names[..at].contains(name))
}

/// Whether a list names something, and nothing once.
fn nothing_once(value: &Value) -> bool {
    let names = names(value);
    !names.is_empty() && names.iter().all(|name| names.iter().filter(|other| *other == name).count() > 1)
}

/// What the items of a list are called.
fn names(value: &Value) -> Vec<Vec<Value>> {
    let name = |item: &Value| match item {
        Value::Struct(values) => match &values[..] {
            // A resource is called by its type and its name.
            [Value::Int(kind), name @ Value::Text(_), ..] => {
                // All types that nobody knows are one (`ConfigResource.Type.forId`).
                let known = [2, 4, 8, 16, 32].contains(kind);
                vec![Value::Int(if known { *kind } else { 0 }), name.clone()]
            }
            [name, ..] => vec![name.clone()],
            [] => Vec::new(),
        },
        _ => vec![item.clone()],
    };
    value.items().iter().map(name).collect()
}

fn any(fields: &[Field], body: &Value, is: &dyn Fn(&Kind, &Value) -> bool) -> bool {
    let Value::Struct(values) = body else { return false };
    fields.iter().zip(values).any(|(field, value)| any_of_kind(&field.kind, value, is))
}

fn any_of_kind(kind: &Kind, value: &Value, is: &dyn Fn(&Kind, &Value) -> bool) -> bool {
    is(kind, value)
        || match kind {
            Kind::Struct(fields) => any(fields, value, is),
            Kind::Array(element) => value.items().iter().any(|item| any_of_kind(element, item, is)),
            _ => false,
        }
}

/// `*` stands for any text.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            after.is_empty() || rest.char_indices().any(|(at, _)| matches(after, &rest[at..])) || matches(after, "")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in [("*", ""), ("*", "a"), ("a*c", "abc"), ("a*c", "ac"), ("*.b", "a.b"), ("a*b*", "axbx")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a", "ab"), ("a*c", "ab"), ("*b", "ba")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn every_row_has_its_columns_and_a_reason() {
        assert!(rows().iter().all(|row| !row.reason.is_empty() && !row.apis.is_empty()));
    }
}
