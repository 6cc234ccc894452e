//! A message's content: a tree that follows the message's schema, whatever the version.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{
    batch::Batch,
    schema::{Field, Kind},
};

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Not always UTF-8: hostile texts are drawn too.
    Text(Vec<u8>),
    Bytes(Vec<u8>),
    Uuid([u8; 16]),
    /// Records to be written; records that were read are a [`Value::Array`] of texts.
    Batches(Vec<Batch>),
    Array(Vec<Self>),
    /// A value for each field of the schema, also of those that the version has not.
    Struct(Vec<Self>),
}

impl Value {
    pub fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    /// What a field holds when nobody says anything.
    pub fn default_of(field: &Field) -> Self {
        match field.default.as_deref() {
            Some("null") => Self::Null,
            default => Self::of_kind(&field.kind, default),
        }
    }

    fn of_kind(kind: &Kind, default: Option<&str>) -> Self {
        match kind {
            Kind::Bool => Self::Bool(default == Some("true")),
            Kind::Int(_) | Kind::Uint16 | Kind::Uint32 => Self::Int(default.map_or(0, number)),
            Kind::Float64 => Self::Float(default.and_then(|text| text.parse().ok()).unwrap_or(0.0)),
            Kind::Text => Self::text(default.unwrap_or_default()),
            Kind::Bytes => Self::Bytes(Vec::new()),
            Kind::Records => Self::Null,
            Kind::Uuid => Self::Uuid([0; 16]),
            Kind::Array(_) => Self::Array(Vec::new()),
            Kind::Struct(fields) => Self::defaults(fields),
        }
    }

    /// An element of an array.
    pub fn element(kind: &Kind) -> Self {
        Self::of_kind(kind, None)
    }

    pub fn defaults(fields: &[Field]) -> Self {
        Self::Struct(fields.iter().map(Self::default_of).collect())
    }

    /// The struct with these fields; those that are not named keep their defaults.
    pub fn from_json(fields: &Arc<Vec<Field>>, json: &Json) -> Self {
        let known = |name: &String| fields.iter().any(|field| field.name == *name);
        let names = json.as_object().into_iter().flat_map(|object| object.keys());
        if let Some(unknown) = names.into_iter().find(|name| !known(name)) {
            panic!("no field {unknown} in {json}");
        }
        let of = |field: &Field| match json.get(&field.name) {
            None => Self::default_of(field),
            Some(json) => Self::kind_from_json(&field.kind, json),
        };
        Self::Struct(fields.iter().map(of).collect())
    }

    fn kind_from_json(kind: &Kind, json: &Json) -> Self {
        match (kind, json) {
            (_, Json::Null) => Self::Null,
            (Kind::Array(element), Json::Array(list)) => {
                Self::Array(list.iter().map(|json| Self::kind_from_json(element, json)).collect())
            }
            (Kind::Struct(fields), _) => Self::from_json(fields, json),
            (_, Json::Bool(value)) => Self::Bool(*value),
            (Kind::Bytes, Json::Array(list)) => {
                Self::Bytes(list.iter().map(|byte| byte.as_u64().unwrap_or_default() as u8).collect())
            }
            (Kind::Uuid, Json::String(text)) => Self::Uuid(text.as_bytes().try_into().expect("16 bytes")),
            (_, Json::String(text)) => Self::text(text),
            (_, Json::Number(number)) => Self::Int(number.as_i64().expect("a whole number")),
            _ => panic!("{json} is no {kind:?}"),
        }
    }

    /// Puts these into every field for records.
    pub fn set_records(&mut self, fields: &[Field], batches: &[Batch]) {
        let Self::Struct(values) = self else { return };
        for (field, value) in fields.iter().zip(values) {
            match (&field.kind, value) {
                (Kind::Records, value) => *value = Self::Batches(batches.to_vec()),
                (Kind::Array(element), Self::Array(items)) => {
                    if let Kind::Struct(fields) = &**element {
                        items.iter_mut().for_each(|item| item.set_records(fields, batches));
                    }
                }
                _ => {}
            }
        }
    }

    /// The field of that name of a struct with these fields.
    pub fn get<'a>(&'a self, fields: &[Field], name: &str) -> &'a Self {
        let at = fields.iter().position(|field| field.name == name);
        match (self, at) {
            (Self::Struct(values), Some(at)) => &values[at],
            _ => &Self::Null,
        }
    }

    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    pub fn int(&self) -> i64 {
        match self {
            Self::Int(value) => *value,
            _ => 0,
        }
    }

    pub fn as_text(&self) -> String {
        match self {
            Self::Text(text) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        }
    }
}

/// Kafka writes some defaults in hexadecimal.
fn number(text: &str) -> i64 {
    let hex = text.strip_prefix("0x").and_then(|digits| i64::from_str_radix(digits, 16).ok());
    hex.or_else(|| text.parse().ok()).unwrap_or(0)
}
