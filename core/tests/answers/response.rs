//! Reads an answer by the schema, and says what is in it.

use bytes::Bytes;
use lab_core::{
    id::Uuid,
    wire::{
        batch,
        primitive::{Format, Nullable as _, Reader, Value as _},
        schema::{Field, Kind, Schema},
    },
};

use super::{Asker, name_of, request::parse_default};

/// Differ from one cluster to the next, and are not what is asked for.
const HIDDEN: &[&str] =
    &["host", "port", "cluster_id", "throttle_time_ms", "client_host", "total_bytes", "usable_bytes"];

const GOOD: &str = "an answer that can be read";

pub struct Shown<'a> {
    pub version: i16,
    pub left: Reader<'a>,
    pub sorted: bool,
    /// What is said to people is shown.
    pub messages: bool,
    /// It is the controller's answer, which has another id in the lab than in Kafka's combined node.
    pub controller: bool,
    pub asker: &'a mut Asker,
}

impl Shown<'_> {
    pub fn fields(&mut self, schema: &Schema, flexible: bool) -> String {
        let mut shown = Vec::new();
        let version = self.version;
        let present = schema.fields.iter().filter(|field| field.versions.contains(version));
        for field in present.clone().filter(|field| !field.tagged.contains(version)) {
            self.field(field, flexible, &mut shown);
        }
        if flexible {
            for _ in 0..self.left.uvarint().expect(GOOD) {
                let (tag, length) = (self.left.uvarint().expect(GOOD), self.left.uvarint().expect(GOOD));
                let known = present.clone().find(|field| field.tag == Some(tag));
                match known {
                    Some(field) => self.field(field, flexible, &mut shown),
                    None => _ = self.left.take(length as usize).expect(GOOD),
                }
            }
        }
        format!("{{{}}}", shown.join(", "))
    }

    fn field(&mut self, field: &Field, flexible: bool, shown: &mut Vec<String>) {
        let flexible = flexible && field.flexible.is_none_or(|range| range.contains(self.version));
        let nullable = field.nullable.contains(self.version);
        let text = self.value(field, field.kind, flexible, nullable);
        let default = match (field.kind, field.default) {
            (_, Some("null")) => "null".into(),
            (Kind::String, text) => format!("{:?}", text.unwrap_or_default()),
            (Kind::Array(_), _) => "[]".into(),
            (Kind::Bytes, _) => "\"\"".into(),
            (Kind::Struct(_), _) => "{}".into(),
            (Kind::Uuid, _) => "@0".into(),
            (Kind::Records, _) => "[]".into(),
            (_, number) => number.map_or(0, parse_default).to_string(),
        };
        let hidden = HIDDEN.contains(&field.name) && text != "\"\""
            || self.controller && ["broker_id", "controller_id"].contains(&field.name);
        if text != default && !hidden {
            shown.push(format!("{}: {text}", field.name.trim_end_matches('_')));
        }
    }

    fn value(&mut self, field: &Field, kind: &Kind, flexible: bool, nullable: bool) -> String {
        let format = Format { version: self.version, flexible };
        match kind {
            Kind::Bool | Kind::Int8 => self.left.i8().expect(GOOD).to_string(),
            Kind::Int16 => match self.left.i16().expect(GOOD) {
                code if field.name.contains("error_code") && code != 0 => name_of(code),
                number => number.to_string(),
            },
            Kind::Uint16 => (self.left.i16().expect(GOOD) as u16).to_string(),
            Kind::Int32 => match self.left.i32().expect(GOOD) {
                id if field.name == "session_id" && id != 0 => self.asker.name_drawn('s', id.to_string()),
                number => number.to_string(),
            },
            Kind::Uint32 => (self.left.i32().expect(GOOD) as u32).to_string(),
            Kind::Int64 => match self.left.i64().expect(GOOD) {
                id if field.name == "producer_id" && id >= 0 => {
                    let known = self.asker.producers.iter().find(|(_, (pid, _))| *pid == id);
                    known.map(|(name, _)| name.clone()).unwrap_or_else(|| self.asker.name_drawn('p', id.to_string()))
                }
                number => number.to_string(),
            },
            Kind::Float64 => f64::read(&mut self.left, format).expect(GOOD).to_string(),
            Kind::Uuid => match Uuid::read(&mut self.left, format).expect(GOOD) {
                Uuid::ZERO => "@0".into(),
                id => self.asker.topic_named(id),
            },
            Kind::String => {
                let text = String::read_nullable(&mut self.left, format).expect(GOOD);
                let Some(text) = text else { return "null".into() };
                let drawn = |name: &str| ["member_id", "leader"].contains(&name) && text.contains('-');
                match field.name {
                    "error_message" | "batch_index_error_message" if !text.is_empty() && !self.messages => {
                        "said".into()
                    }
                    "log_dir" => self.asker.name_drawn('d', text),
                    name if drawn(name) => self.asker.name_drawn('m', text),
                    _ => format!("{text:?}"),
                }
            }
            Kind::Bytes | Kind::Records => {
                let bytes = Bytes::read_nullable(&mut self.left, format).expect(GOOD);
                let Some(bytes) = bytes else { return "null".into() };
                if matches!(kind, Kind::Records) { batches(&bytes) } else { format!("{:?}", bytes).split_off(1) }
            }
            Kind::Array(of) => {
                let Some(count) = self.left.length(format).expect(GOOD) else { return "null".into() };
                let mut all: Vec<String> = (0..count).map(|_| self.value(field, of, flexible, false)).collect();
                if self.sorted {
                    all.sort();
                }
                format!("[{}]", all.join(", "))
            }
            Kind::Struct(schema) => {
                if nullable && self.left.i8().expect(GOOD) < 0 {
                    return "null".into();
                }
                self.fields(schema, flexible)
            }
        }
    }
}

/// First and last offset of each whole batch, and how much of the next one is there.
fn batches(bytes: &Bytes) -> String {
    let mut shown = Vec::new();
    let mut whole = 0;
    for batch in batch::batches(bytes).map_while(Result::ok) {
        whole += batch.bytes.len();
        shown.push(format!("{}-{}", batch.header.base_offset, batch.header.last_offset()));
    }
    if whole < bytes.len() {
        shown.push(format!("{} bytes of the next", bytes.len() - whole));
    }
    format!("[{}]", shown.join(", "))
}
