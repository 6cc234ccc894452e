//! Writes a request's frame from its schema: every version, rigid and flexible (KIP-482), tagged fields, and what no
//! client would write: a null where none may be.

use super::{
    names::Names,
    request::Request,
    schema::{Api, Field, Kind},
    value::Value,
};

/// The frame, without its length.
pub fn frame(api: &Api, request: &Request, correlation_id: i32, names: &Names) -> Vec<u8> {
    let version = request.version;
    let flexible = api.request.flexible.contains(version);
    let mut out = Vec::new();
    out.extend(request.key.to_be_bytes());
    out.extend(version.to_be_bytes());
    out.extend(correlation_id.to_be_bytes());
    rigid_text(request.client_id.as_deref(), &mut out);
    if flexible {
        tags(&[], request.unknown_tag, &mut out);
    }
    let mut writer = Writer { version, names, unknown_tag: request.unknown_tag };
    writer.fields(&api.request.fields, &request.body, flexible, &mut out);
    out.truncate(out.len().saturating_sub(request.cut));
    out.extend(vec![0; request.trailing]);
    names.rename_prefix(&mut out);
    out
}

struct Writer<'a> {
    version: i16,
    names: &'a Names,
    /// An unknown tagged field in the outermost struct.
    unknown_tag: bool,
}

impl Writer<'_> {
    fn fields(&mut self, fields: &[Field], value: &Value, flexible: bool, out: &mut Vec<u8>) {
        let unknown_tag = std::mem::take(&mut self.unknown_tag);
        let defaults;
        let values = match value {
            Value::Struct(values) => values,
            // Null where the version knows none.
            _ => {
                defaults = fields.iter().map(Value::default_of).collect::<Vec<_>>();
                &defaults
            }
        };
        let mut tagged = Vec::new();
        for (field, value) in fields.iter().zip(values) {
            if !field.versions.contains(self.version) {
                continue;
            }
            let compact = flexible && field.flexible.is_none_or(|versions| versions.contains(self.version));
            if !field.tagged.contains(self.version) {
                self.field(field, value, compact, out);
            } else if *value != Value::default_of(field) {
                let mut content = Vec::new();
                self.field(field, value, compact, &mut content);
                tagged.push((field.tag, content));
            }
        }
        if flexible {
            tagged.sort();
            tags(&tagged, unknown_tag, out);
        }
    }

    fn field(&mut self, field: &Field, value: &Value, flexible: bool, out: &mut Vec<u8>) {
        if matches!(field.kind, Kind::Struct(_)) && field.nullable.contains(self.version) {
            out.push(if *value == Value::Null { 0xff } else { 1 });
            if *value == Value::Null {
                return;
            }
        }
        let real = match value {
            Value::Int(symbol) if is_producer(field) => Some(Value::Int(self.names.real_producer(*symbol))),
            Value::Int(symbol) if field.name == "SessionId" => Some(Value::Int(self.names.real_session(*symbol))),
            _ => None,
        };
        self.value(&field.kind, real.as_ref().unwrap_or(value), flexible, out);
    }

    fn value(&mut self, kind: &Kind, value: &Value, flexible: bool, out: &mut Vec<u8>) {
        match kind {
            Kind::Bool => out.push(u8::from(*value == Value::Bool(true))),
            Kind::Int(size) => out.extend(&value.int().to_be_bytes()[8 - size..]),
            Kind::Uint16 => out.extend((value.int() as u16).to_be_bytes()),
            Kind::Uint32 => out.extend((value.int() as u32).to_be_bytes()),
            Kind::Float64 => {
                let value = if let Value::Float(value) = value { *value } else { 0.0 };
                out.extend(value.to_be_bytes());
            }
            Kind::Uuid => {
                let id = if let Value::Uuid(id) = value { self.names.real_uuid(*id) } else { [0; 16] };
                out.extend(id);
            }
            Kind::Text => {
                let text = if let Value::Text(text) = value { Some(self.names.real_text(text)) } else { None };
                match flexible {
                    true => blob(text.as_deref(), true, out),
                    false => rigid_text(text.as_deref(), out),
                }
            }
            Kind::Bytes | Kind::Records => match value {
                Value::Bytes(bytes) => blob(Some(bytes), flexible, out),
                Value::Batches(batches) => {
                    let bytes: Vec<u8> = batches.iter().flat_map(|batch| batch.bytes(self.names)).collect();
                    blob(Some(&bytes), flexible, out);
                }
                _ => blob(None, flexible, out),
            },
            Kind::Array(element) => {
                let items = if let Value::Array(items) = value { Some(items) } else { None };
                length(items.map(Vec::len), flexible, out);
                for item in items.into_iter().flatten() {
                    self.value(element, item, flexible, out);
                }
            }
            Kind::Struct(fields) => self.fields(fields, value, flexible, out),
        }
    }
}

/// Whether a field holds the id of an idempotent producer.
pub fn is_producer(field: &Field) -> bool {
    field.entity == "producerId" || field.name == "ProducerId"
}

fn rigid_text(text: Option<&[u8]>, out: &mut Vec<u8>) {
    // A text that does not fit is cut, so that the frame stays what it says.
    let text = text.map(|text| &text[..text.len().min(i16::MAX as usize)]);
    out.extend(text.map_or(-1, |text| text.len() as i16).to_be_bytes());
    out.extend(text.unwrap_or_default());
}

fn blob(bytes: Option<&[u8]>, flexible: bool, out: &mut Vec<u8>) {
    length(bytes.map(<[u8]>::len), flexible, out);
    out.extend(bytes.unwrap_or_default());
}

fn length(len: Option<usize>, flexible: bool, out: &mut Vec<u8>) {
    match flexible {
        true => uvarint(len.map_or(0, |len| len as u64 + 1), out),
        false => out.extend(len.map_or(-1, |len| len as i32).to_be_bytes()),
    }
}

fn tags(tagged: &[(u32, Vec<u8>)], unknown: bool, out: &mut Vec<u8>) {
    uvarint((tagged.len() + usize::from(unknown)) as u64, out);
    for (tag, content) in tagged {
        uvarint(u64::from(*tag), out);
        uvarint(content.len() as u64, out);
        out.extend(content);
    }
    if unknown {
        uvarint(10_000, out);
        uvarint(3, out);
        out.extend(b"new");
    }
}

pub fn uvarint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn varint(value: i64, out: &mut Vec<u8>) {
    uvarint(((value << 1) ^ (value >> 63)) as u64, out);
}
