//! Where two answers differ.

use super::{
    errors,
    request::{plain, show},
    schema::{Field, Kind},
    value::Value,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `topics[~a].partitions[0].errorCode`, in Kafka's names.
    pub path: String,
    pub kafka: String,
    pub lab: String,
}

impl Difference {
    /// Of which kind: the path without what stands in brackets.
    pub fn kind(&self) -> String {
        let mut kind = String::new();
        let mut depth = 0;
        for c in self.path.chars() {
            depth += i32::from(c == '[');
            if depth == 0 {
                kind.push(c);
            }
            depth -= i32::from(c == ']');
        }
        kind
    }
}

pub fn diff(fields: &[Field], kafka: &Value, lab: &Value, version: i16) -> Vec<Difference> {
    let mut found = Vec::new();
    Diff { version, found: &mut found }.structs(fields, kafka, lab, "");
    found
}

struct Diff<'a> {
    version: i16,
    found: &'a mut Vec<Difference>,
}

impl Diff<'_> {
    fn structs(&mut self, fields: &[Field], kafka: &Value, lab: &Value, path: &str) {
        let (Value::Struct(left), Value::Struct(right)) = (kafka, lab) else {
            if kafka != lab {
                self.note(path, plain(kafka), plain(lab));
            }
            return;
        };
        for ((field, kafka), lab) in fields.iter().zip(left).zip(right) {
            if kafka == lab {
                continue;
            }
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{}", field.name);
            match (&field.kind, kafka, lab) {
                (Kind::Struct(fields), ..) => self.structs(fields, kafka, lab, &path),
                (Kind::Array(element), Value::Array(left), Value::Array(right)) => {
                    self.arrays(element, left, right, &path);
                }
                (_, Value::Int(left), Value::Int(right)) if field.name == "ErrorCode" => {
                    self.note(&path, errors::name(*left), errors::name(*right));
                }
                (_, left, right) => self.note(&path, plain(left), plain(right)),
            }
        }
    }

    fn arrays(&mut self, element: &Kind, kafka: &[Value], lab: &[Value], path: &str) {
        let version = self.version;
        let text = |value: &Value| match element {
            Kind::Struct(fields) => show(fields, value, version),
            _ => plain(value),
        };
        let (left, right) = (keys(element, kafka), keys(element, lab));
        let unique = |keys: &[String]| keys.iter().all(|key| keys.iter().filter(|other| *other == key).count() == 1);
        if let Kind::Struct(fields) = element
            && unique(&left)
            && unique(&right)
        {
            for (key, item) in left.iter().zip(kafka) {
                let path = format!("{path}[{key}]");
                match right.iter().position(|other| other == key) {
                    Some(at) => self.structs(fields, item, &lab[at], &path),
                    None => self.note(&path, text(item), "absent".into()),
                }
            }
            for (key, item) in right.iter().zip(lab).filter(|(key, _)| !left.contains(key)) {
                self.note(&format!("{path}[{key}]"), "absent".into(), text(item));
            }
            return;
        }
        for at in 0..kafka.len().max(lab.len()) {
            let path = format!("{path}[{at}]");
            match (element, kafka.get(at), lab.get(at)) {
                (Kind::Struct(fields), Some(kafka), Some(lab)) => self.structs(fields, kafka, lab, &path),
                (_, kafka, lab) if kafka != lab => {
                    let text = |value: Option<&Value>| value.map_or("absent".into(), text);
                    self.note(&path, text(kafka), text(lab));
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, path: &str, kafka: String, lab: String) {
        self.found.push(Difference { path: path.to_owned(), kafka, lab });
    }
}

/// What names each element: its first field that is no error and no list.
fn keys(element: &Kind, items: &[Value]) -> Vec<String> {
    let Kind::Struct(fields) = element else { return vec![String::new(); items.len()] };
    let naming = |field: &Field| {
        !matches!(field.kind, Kind::Array(_) | Kind::Struct(_) | Kind::Bool) && !field.name.starts_with("Error")
    };
    let key = |item: &Value| {
        let Value::Struct(values) = item else { return plain(item) };
        let named = fields.iter().zip(values).filter(|(field, _)| naming(field));
        let mut named = named.filter(|(_, value)| !matches!(value, Value::Null | Value::Uuid([0, ..])));
        let first = named.next().map_or(&Value::Null, |(_, value)| value);
        let second = named.next().filter(|_| matches!(first, Value::Int(_))).map_or(&Value::Null, |(_, value)| value);
        let second = if let Value::Text(_) = second { format!(" {}", plain(second)) } else { String::new() };
        format!("{}{second}", plain(first)).replace('"', "")
    };
    items.iter().map(key).collect()
}
