//! Any request of any API in any version, by the fields that Kafka gives it: `ask API vN FIELDS`, with the fields as JSON.
//! What is not named has its default, so `{}` is the emptiest request. `ask-controller` asks on the controller's listener.
//!
//! The whole answer is shown. Lists are sorted, since Kafka's come out of hash maps; a log directory reads `DIR`, in
//! requests too, and how large its volume is `N`, as are addresses and ids; a producer's id is the name that the text
//! gave it.

use bytes::Bytes;
use lab_core::{
    sim::Answer,
    wire::{
        api::ApiKey,
        header::{RequestHeader, ResponseHeader},
        message::Message,
        primitive::{Format, Nullable, Reader, Value as _, Writer},
        schema::{Field, Kind, Schema},
    },
};
use serde_json::{Map, Value, json};

use super::{Asker, CONTROLLER, Words};

type Fields = Map<String, Value>;

impl Asker {
    pub fn any(&mut self, words: &Words<'_>) -> Result<String, String> {
        let key = ApiKey::ALL.iter().find(|key| key.name() == words.0[1]).expect("an API of Kafka's");
        let version: i16 = words.0[2].strip_prefix('v').and_then(|v| v.parse().ok()).expect("v and a number");
        let text = words.0[3..].join(" ").replace("\"DIR\"", &json!(self.log_dir).to_string());
        let fields: Fields = serde_json::from_str(&text).expect("fields as JSON");

        let header = RequestHeader {
            request_api_key: key.code(),
            request_api_version: version,
            correlation_id: 1,
            client_id: Some("answers".into()),
        };
        let mut frame = Writer::new();
        header.encode(key.request_header_version(version), &mut frame).expect("a header");
        let schema = key.request_schema().expect("an API that the lab can read and write");
        write_struct(schema, &fields, format_of(schema, version), &mut frame);
        let asked = if words.0[0] == "ask-controller" { CONTROLLER } else { self.asked };
        match self.cluster.ask(asked, frame.into_bytes()) {
            Answer::Frame(bytes) => {
                let mut reader = Reader::new(&bytes);
                ResponseHeader::decode(key.response_header_version(version), &mut reader).expect("a header");
                let schema = key.response_schema().expect("an API that the lab can read and write");
                let answer = read_struct(schema, format_of(schema, version), &mut reader);
                assert_eq!(reader.remaining(), 0, "the answer is read whole");
                let shown = self.shown("", Value::Object(answer));
                Ok(shown.to_string())
            }
            Answer::Closed => Err("the connection is closed".into()),
            Answer::Refused => Err("no connection is accepted".into()),
            Answer::Nothing => Err("no answer".into()),
        }
    }

    /// A body of zeros is one without anything in most requests.
    pub fn key(&mut self, key: &str, words: &Words<'_>) -> String {
        let number = |text: &str| text.parse::<i16>().expect("a number");
        let version = number(words.0[2].strip_prefix('v').expect("v and a number"));
        let mut frame = Writer::new();
        frame.i16(number(key));
        frame.i16(version);
        frame.put(&[0; 80]);
        let asked = if words.flag("controller") { CONTROLLER } else { self.asked };
        match self.cluster.ask(asked, frame.into_bytes()) {
            Answer::Closed => "closed".into(),
            Answer::Frame(_) => "answered".into(),
            other => format!("{other:?}"),
        }
    }

    /// Without what differs from cluster to cluster.
    fn shown(&mut self, name: &str, value: Value) -> Value {
        match (name, value) {
            ("log_dir", Value::String(dir)) => {
                self.log_dir = dir;
                json!("DIR")
            }
            ("total_bytes" | "usable_bytes" | "broker_id" | "controller_id" | "host" | "port", _) => json!("N"),
            ("cluster_id", Value::String(id)) if !id.is_empty() => json!("N"),
            ("producer_id", id) => {
                let known = self.producers.iter().find(|(_, (pid, _))| id == *pid);
                known.map_or(id, |(name, _)| json!(name))
            }
            (_, Value::Object(fields)) => {
                let shown = |(name, value): (String, Value)| (name.clone(), self.shown(&name, value));
                fields.into_iter().map(shown).collect::<Fields>().into()
            }
            (_, Value::Array(values)) => {
                let mut shown: Vec<Value> = values.into_iter().map(|value| self.shown("", value)).collect();
                shown.sort_by_key(Value::to_string);
                shown.into()
            }
            (_, other) => other,
        }
    }
}

fn format_of(schema: &Schema, version: i16) -> Format {
    Format { version, flexible: schema.flexible.contains(version) }
}

fn fields_in(schema: &'static Schema, version: i16) -> impl Iterator<Item = &'static Field> {
    schema.fields.iter().filter(move |field| field.versions.contains(version))
}

fn write_struct(schema: &'static Schema, fields: &Fields, format: Format, out: &mut Writer) {
    let known = |name: &String| schema.fields.iter().any(|field| field.name.trim_end_matches('_') == name);
    assert!(fields.keys().all(known), "{} has {:?}", schema.name, schema.fields.iter().map(|f| f.name));
    for field in fields_in(schema, format.version) {
        assert!(!field.tagged.contains(format.version), "tagged fields are left out");
        let value = fields.get(field.name.trim_end_matches('_')).cloned();
        let nullable = field.nullable.contains(format.version);
        write(field.kind, value.unwrap_or_else(|| default(field)), nullable, format, out);
    }
    if format.flexible {
        out.uvarint(0);
    }
}

fn default(field: &Field) -> Value {
    match (field.default, field.kind) {
        (Some("null"), _) => Value::Null,
        (Some(text), Kind::String) => json!(text),
        (Some(text), _) => serde_json::from_str(text).expect("a number or a boolean"),
        (None, Kind::String | Kind::Bytes | Kind::Records | Kind::Uuid) => json!(""),
        (None, Kind::Array(_)) => json!([]),
        (None, Kind::Struct(_)) => json!({}),
        (None, Kind::Bool) => json!(false),
        (None, _) => json!(0),
    }
}

fn write(kind: &'static Kind, value: Value, nullable: bool, format: Format, out: &mut Writer) {
    let number = || value.as_i64().unwrap_or_else(|| panic!("{value} is no number"));
    let text = || value.as_str().unwrap_or_else(|| panic!("{value} is no text"));
    match kind {
        Kind::Bool => out.i8(i8::from(value.as_bool().expect("true or false"))),
        Kind::Int8 => out.i8(number() as i8),
        Kind::Int16 | Kind::Uint16 => out.i16(number() as i16),
        Kind::Int32 | Kind::Uint32 => out.i32(number() as i32),
        Kind::Int64 => out.i64(number()),
        // JSON has no word for what is no number.
        Kind::Float64 => out.put(&value.as_f64().unwrap_or(f64::NAN).to_be_bytes()),
        Kind::Uuid => {
            let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).expect("hexadecimal");
            let mut bytes: Vec<u8> = text().as_bytes().chunks(2).map(byte).collect();
            bytes.resize(16, 0);
            out.put(&bytes);
        }
        Kind::String => {
            let text = (!value.is_null()).then(|| text().to_owned());
            String::write_nullable(text.as_ref(), out, format).expect("a text");
        }
        Kind::Bytes | Kind::Records => {
            let bytes = (!value.is_null()).then(|| Bytes::from(text().to_owned()));
            Bytes::write_nullable(bytes.as_ref(), out, format).expect("bytes");
        }
        Kind::Array(element) => match value {
            Value::Null => out.null_length(format),
            Value::Array(values) => {
                out.length(values.len(), format).expect("a length");
                values.into_iter().for_each(|value| write(element, value, false, format, out));
            }
            other => panic!("{other} is no list"),
        },
        Kind::Struct(_) if nullable && value.is_null() => out.i8(-1),
        Kind::Struct(schema) => {
            if nullable {
                out.i8(1);
            }
            write_struct(schema, value.as_object().expect("fields"), format, out);
        }
    }
}

fn read_struct(schema: &'static Schema, format: Format, reader: &mut Reader<'_>) -> Fields {
    let mut fields = Fields::new();
    for field in fields_in(schema, format.version).filter(|field| !field.tagged.contains(format.version)) {
        let nullable = field.nullable.contains(format.version);
        fields.insert(field.name.trim_end_matches('_').into(), read(field.kind, nullable, format, reader));
    }
    if format.flexible {
        reader.skip_tags().expect("tagged fields");
    }
    fields
}

fn read(kind: &'static Kind, nullable: bool, format: Format, reader: &mut Reader<'_>) -> Value {
    const GOOD: &str = "an answer that can be read";
    match kind {
        Kind::Bool => json!(reader.i8().expect(GOOD) != 0),
        Kind::Int8 => json!(reader.i8().expect(GOOD)),
        Kind::Int16 => json!(reader.i16().expect(GOOD)),
        Kind::Uint16 => json!(u16::read(reader, format).expect(GOOD)),
        Kind::Int32 => json!(reader.i32().expect(GOOD)),
        Kind::Uint32 => json!(u32::read(reader, format).expect(GOOD)),
        Kind::Int64 => json!(reader.i64().expect(GOOD)),
        Kind::Float64 => {
            let number = f64::read(reader, format).expect(GOOD);
            if number.is_finite() { json!(number) } else { json!(number.to_string()) }
        }
        Kind::Uuid => json!(reader.take(16).expect(GOOD).iter().map(|b| format!("{b:02x}")).collect::<String>()),
        Kind::String => json!(String::read_nullable(reader, format).expect(GOOD)),
        Kind::Bytes | Kind::Records => {
            let bytes = Bytes::read_nullable(reader, format).expect(GOOD);
            json!(bytes.map(|bytes| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()))
        }
        Kind::Array(element) => match reader.length(format).expect(GOOD) {
            None => Value::Null,
            Some(count) => (0..count).map(|_| read(element, false, format, reader)).collect(),
        },
        Kind::Struct(_) if nullable && reader.i8().expect(GOOD) < 0 => Value::Null,
        Kind::Struct(schema) => read_struct(schema, format, reader).into(),
    }
}
