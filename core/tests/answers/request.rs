//! Writes a request in a version, by the schema: also what no client would write.

use bytes::Bytes;
use lab_core::wire::{
    primitive::{Format, Writer},
    schema::{Field, Kind, Schema},
};

use super::{Asker, fields::Tree};

pub struct Out<'a> {
    pub version: i16,
    pub frame: Writer,
    pub asker: &'a Asker,
}

impl Out<'_> {
    pub fn fields(&mut self, schema: &Schema, flexible: bool, tree: &Tree) {
        let Tree::Fields(given) = tree else { panic!("fields of {}, not {tree:?}", schema.name) };
        for (name, _) in given {
            let known =
                name.starts_with('_') || schema.fields.iter().any(|field| field.name.trim_end_matches('_') == name);
            assert!(known, "{} has no {name}", schema.name);
        }
        let find = |name: &str| given.iter().find(|(known, _)| known == name).map(|(_, tree)| tree);
        let mut tagged: Vec<(u32, Bytes)> = Vec::new();
        let version = self.version;
        for field in schema.fields.iter().filter(|field| field.versions.contains(version)) {
            let value = find(field.name.trim_end_matches('_'));
            if field.tagged.contains(self.version) {
                if let Some(value) = value {
                    let mut out = Out { version: self.version, frame: Writer::new(), asker: self.asker };
                    out.field(field, flexible, Some(value));
                    tagged.push((field.tag.expect("tagged"), out.frame.into_bytes()));
                }
            } else {
                self.field(field, flexible, value);
            }
        }
        for (name, value) in given {
            if let (Some(tag), Tree::Text(bytes)) = (name.strip_prefix('_').and_then(|t| t.parse().ok()), value) {
                tagged.push((tag, bytes.clone().into()));
            }
        }
        if flexible {
            self.frame.uvarint(tagged.len() as u32);
            for (tag, bytes) in tagged {
                self.frame.uvarint(tag);
                self.frame.uvarint(bytes.len() as u32);
                self.frame.put(&bytes);
            }
        }
    }

    fn field(&mut self, field: &Field, flexible: bool, value: Option<&Tree>) {
        let flexible = flexible && field.flexible.is_none_or(|range| range.contains(self.version));
        let default = match (field.kind, field.default) {
            (_, Some("null")) => Tree::Null,
            (Kind::String, text) => Tree::Text(text.unwrap_or_default().as_bytes().to_vec()),
            (Kind::Bytes, _) => Tree::Text(Vec::new()),
            (Kind::Records, _) => Tree::Null,
            (Kind::Array(_), _) => Tree::List(Vec::new()),
            (Kind::Struct(_), _) => Tree::Fields(Vec::new()),
            (Kind::Uuid, _) => Tree::Text(vec![0; 16]),
            (_, number) => Tree::Number(number.map_or(0, parse_default)),
        };
        let nullable = field.nullable.contains(self.version);
        self.value(field.kind, flexible, nullable, value.unwrap_or(&default));
    }

    fn value(&mut self, kind: &Kind, flexible: bool, nullable: bool, tree: &Tree) {
        match (kind, tree) {
            (Kind::Bool | Kind::Int8, Tree::Number(n)) => self.frame.i8(*n as i8),
            (Kind::Int16 | Kind::Uint16, Tree::Number(n)) => self.frame.i16(*n as i16),
            (Kind::Int32 | Kind::Uint32, Tree::Number(n)) => self.frame.i32(*n as i32),
            (Kind::Int64, Tree::Number(n)) => self.frame.i64(*n),
            (Kind::Float64, Tree::Number(n)) => self.frame.put(&(*n as f64).to_be_bytes()),
            (Kind::Float64, Tree::Text(text)) => {
                let number: f64 = str::from_utf8(text).ok().and_then(|text| text.parse().ok()).expect("a number");
                self.frame.put(&number.to_be_bytes());
            }
            (Kind::Uuid, Tree::Text(id)) if id.len() == 16 => self.frame.put(id),
            (Kind::Uuid, Tree::Text(digits)) => {
                let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).expect("digits");
                self.frame.put(&digits.chunks(2).map(byte).collect::<Vec<u8>>());
            }
            (Kind::String | Kind::Bytes, Tree::Number(n)) => {
                self.value(kind, flexible, nullable, &Tree::Text(n.to_string().into()));
            }
            (Kind::String, Tree::Text(text)) => {
                if flexible {
                    self.frame.uvarint(text.len() as u32 + 1);
                } else {
                    self.frame.i16(text.len() as i16);
                }
                self.frame.put(text);
            }
            (Kind::String, Tree::Null) if !flexible => self.frame.i16(-1),
            (Kind::Bytes, Tree::Text(bytes)) => {
                self.length(flexible, bytes.len());
                self.frame.put(bytes);
            }
            (Kind::Records, Tree::Text(text)) => {
                let text = str::from_utf8(text).expect("batches");
                let bytes: Vec<u8> = text.split_whitespace().flat_map(|batch| self.asker.batch(batch)).collect();
                self.length(flexible, bytes.len());
                self.frame.put(&bytes);
            }
            (Kind::Array(of), Tree::List(list)) => {
                self.length(flexible, list.len());
                list.iter().for_each(|element| self.value(of, flexible, false, element));
            }
            (Kind::Struct(_), Tree::Null) => self.frame.i8(-1),
            (Kind::Struct(schema), tree) => {
                if nullable {
                    self.frame.i8(1);
                }
                self.fields(schema, flexible, tree);
            }
            (_, Tree::Null) => self.frame.null_length(Format { version: self.version, flexible }),
            (kind, tree) => panic!("{tree:?} is no {kind:?}"),
        }
    }

    fn length(&mut self, flexible: bool, length: usize) {
        self.frame.length(length, Format { version: self.version, flexible }).expect("a length");
    }
}

pub fn parse_default(text: &str) -> i64 {
    match text {
        "true" => 1,
        "false" | "" => 0,
        _ => match text.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).expect("a number"),
            None => text.parse().expect("a number"),
        },
    }
}
