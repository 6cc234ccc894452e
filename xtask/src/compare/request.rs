//! A request as it was drawn, and its text.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::schemas::snake_case;

use super::{
    errors,
    names::{Names, PREFIX},
    schema::{Api, Field, Kind},
    value::Value,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub key: i16,
    pub version: i16,
    pub client_id: Option<Vec<u8>>,
    pub body: Value,
    /// A tagged field that nobody knows, in the header and in the body.
    pub unknown_tag: bool,
    /// Bytes that are missing at the end of the frame, and zeros that follow it.
    pub cut: usize,
    pub trailing: usize,
}

pub const CLIENT_ID: &str = "compare";

impl Request {
    pub fn new(key: i16, version: i16, body: Value) -> Self {
        let client_id = Some(CLIENT_ID.into());
        Self { key, version, client_id, body, unknown_tag: false, cut: 0, trailing: 0 }
    }

    pub fn text(&self, api: &Api) -> String {
        let mut text = format!("{} v{} ", api.name(), self.version);
        text += &show(&api.request.fields, &self.body, self.version);
        if self.client_id.as_deref() != Some(CLIENT_ID.as_bytes()) {
            let id = self.client_id.as_ref().map_or("null".into(), |id| format!("\"{}\"", id.escape_ascii()));
            let _ = write!(text, ", client id {}", shorten(&id));
        }
        if self.unknown_tag {
            text += ", unknown tagged fields";
        }
        if self.cut > 0 {
            let _ = write!(text, ", cut by {} bytes", self.cut);
        }
        if self.trailing > 0 {
            let _ = write!(text, ", {} bytes behind", self.trailing);
        }
        text
    }
}

impl Request {
    /// As a command of `core/testdata/answers`, for a difference that was mended; `None` if it cannot say this.
    pub fn as_test(&self, api: &Api) -> Option<String> {
        let plain = Self::new(self.key, self.version, self.body.clone());
        let fields = json(&api.request.fields, &self.body, self.version).filter(|_| *self == plain)?;
        Some(format!("ask {} v{} {fields}", api.name(), self.version))
    }
}

fn json(fields: &[Field], value: &Value, version: i16) -> Option<Json> {
    let Value::Struct(values) = value else { return Some(Json::Null) };
    let named = fields
        .iter()
        .zip(values)
        .filter(|(field, value)| field.versions.contains(version) && **value != Value::default_of(field));
    let field =
        |(field, value): (&Field, &Value)| Some((snake_case(&field.name), json_of(&field.kind, value, version)?));
    named.map(field).collect::<Option<serde_json::Map<_, _>>>().map(Json::Object)
}

fn json_of(kind: &Kind, value: &Value, version: i16) -> Option<Json> {
    Some(match (kind, value) {
        (_, Value::Null) => Json::Null,
        (_, Value::Bool(value)) => (*value).into(),
        (_, Value::Int(value)) => (*value).into(),
        (_, Value::Float(value)) => (*value).into(),
        (_, Value::Text(text)) => std::str::from_utf8(text).ok()?.replace(PREFIX, "").into(),
        (Kind::Array(element), Value::Array(items)) => {
            Json::Array(items.iter().map(|item| json_of(element, item, version)).collect::<Option<_>>()?)
        }
        (Kind::Struct(fields), _) => json(fields, value, version)?,
        (_, Value::Batches(batches)) => {
            let bytes = batches.iter().flat_map(|batch| batch.bytes(&Names::default()));
            bytes.fold(String::from("hex="), |text, byte| format!("{text}{byte:02x}")).into()
        }
        _ => return None,
    })
}

/// A struct's fields that the version has and that are not as by default.
pub fn show(fields: &[Field], value: &Value, version: i16) -> String {
    let Value::Struct(values) = value else { return plain(value) };
    let mut parts = Vec::new();
    for (field, value) in fields.iter().zip(values) {
        if field.versions.contains(version) && *value != Value::default_of(field) {
            parts.push(format!("{}: {}", field.name, show_field(field, value, version)));
        }
    }
    format!("{{ {} }}", parts.join(", ")).replace("{  }", "{}")
}

fn show_field(field: &Field, value: &Value, version: i16) -> String {
    match value {
        Value::Int(code) if field.name == "ErrorCode" => errors::name(*code),
        _ => show_kind(&field.kind, value, version),
    }
}

fn show_kind(kind: &Kind, value: &Value, version: i16) -> String {
    match (kind, value) {
        (Kind::Array(element), Value::Array(items)) => {
            let items: Vec<String> = items.iter().map(|item| show_kind(element, item, version)).collect();
            format!("[{}]", items.join(", "))
        }
        (Kind::Struct(fields), Value::Struct(_)) => show(fields, value, version),
        _ => plain(value),
    }
}

/// A value whose schema is of no interest.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => shorten(&format!("\"{}\"", text.escape_ascii())),
        Value::Bytes(bytes) => shorten(&format!("b\"{}\"", bytes.escape_ascii())),
        Value::Uuid(id) if id.starts_with(b"topic-id") => format!("id({})", id[9..].escape_ascii()),
        Value::Uuid(id) => id.iter().fold(String::from("id "), |text, byte| format!("{text}{byte:02x}")),
        Value::Batches(batches) => {
            let batches: Vec<String> = batches.iter().map(|batch| format!("batch({})", batch.text())).collect();
            format!("[{}]", batches.join(", "))
        }
        Value::Array(items) | Value::Struct(items) => {
            format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", "))
        }
    }
}

/// `~` stands for the round's prefix. A long text is its length and how it begins.
fn shorten(text: &str) -> String {
    let text = text.replace(PREFIX, "~");
    match text.char_indices().nth(400) {
        Some((at, _)) => format!("{}... ({} characters)", &text[..at], text.len()),
        None => text,
    }
}
