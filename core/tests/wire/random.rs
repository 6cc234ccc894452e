//! Random messages as bytes, written straight from a schema: an encoder that shares no code with the one under test.
//!
//! What it writes is canonical: a tagged field that holds its default is left out.

use fastrand::Rng;
use lab_core::{
    id::Uuid,
    wire::schema::{Field, Kind, Schema},
};

/// Values to prefer to arbitrary ones, so that a message means something to whoever gets it. Empty: all arbitrary.
#[derive(Default)]
pub struct Palette {
    pub texts: Vec<String>,
    pub ids: Vec<Uuid>,
    pub numbers: Vec<i64>,
}

/// The bytes of a random message. `size` bounds arrays, strings and blobs.
pub fn message(rng: &mut Rng, schema: &Schema, version: i16, size: usize) -> Vec<u8> {
    message_of(rng, schema, version, size, &Palette::default())
}

pub fn message_of(rng: &mut Rng, schema: &Schema, version: i16, size: usize, palette: &Palette) -> Vec<u8> {
    let mut out = Vec::new();
    let mut generator = Generator { rng, version, size, palette };
    generator.fields(schema, schema.flexible.contains(version), false, &mut out);
    out
}

struct Generator<'a> {
    rng: &'a mut Rng,
    version: i16,
    size: usize,
    palette: &'a Palette,
}

impl Generator<'_> {
    /// With `different`, the struct is not equal to its default: its first field sees to that.
    fn fields(&mut self, schema: &Schema, flexible: bool, different: bool, out: &mut Vec<u8>) {
        let version = self.version;
        let present = |field: &&Field| field.versions.contains(version);
        let (tagged, plain): (Vec<_>, Vec<_>) =
            schema.fields.iter().filter(present).partition(|field| field.tagged.contains(version));
        for (index, field) in plain.into_iter().enumerate() {
            self.field(field, flexible, different && index == 0, out);
        }
        if !flexible {
            assert!(tagged.is_empty(), "{}: tagged fields in a rigid version", schema.name);
            return;
        }
        let mut tagged: Vec<_> = tagged.into_iter().filter(|_| self.rng.bool()).collect();
        tagged.sort_by_key(|field| field.tag);
        uvarint(tagged.len() as u32, out);
        for field in tagged {
            let mut content = Vec::new();
            self.field(field, flexible, true, &mut content);
            uvarint(field.tag.expect("tagged"), out);
            uvarint(content.len() as u32, out);
            out.extend(content);
        }
    }

    fn field(&mut self, field: &Field, flexible: bool, different: bool, out: &mut Vec<u8>) {
        let version = self.version;
        // Control records repeat their version as their first field (and kafka-protocol 0.18 takes the one for the other).
        if field.name == "version" {
            return out.extend(version.to_be_bytes());
        }
        let flexible = flexible && field.flexible.is_none_or(|range| range.contains(version));
        let null = field.nullable.contains(version) && !different && self.rng.u8(..4) == 0;
        let default = if different { Some(field.default.unwrap_or("0")) } else { None };
        self.value(field.kind, flexible, field.nullable.contains(version), null, default, out);
    }

    /// A value other than `not`, if that is given.
    fn value(&mut self, kind: &Kind, flexible: bool, nullable: bool, null: bool, not: Option<&str>, out: &mut Vec<u8>) {
        let different = not.is_some();
        match kind {
            Kind::Bool => out.push(match not {
                Some(not) => u8::from(not != "true"),
                None => u8::from(self.rng.bool()),
            }),
            Kind::Int8 => out.extend((self.integer(not) as i8).to_be_bytes()),
            Kind::Int16 | Kind::Uint16 => out.extend((self.integer(not) as i16).to_be_bytes()),
            Kind::Int32 | Kind::Uint32 => out.extend((self.integer(not) as i32).to_be_bytes()),
            Kind::Int64 => out.extend(self.integer(not).to_be_bytes()),
            Kind::Float64 => out.extend((self.rng.f64() + 1.0).to_be_bytes()),
            Kind::Uuid => {
                let preferred = self.preferred(|palette| &palette.ids).filter(|id| !different || !id.is_zero());
                let id = preferred.unwrap_or_else(|| Uuid::random(self.rng));
                out.extend(id.0);
            }
            Kind::String => {
                let text = (!null).then(|| self.text(different));
                match (&text, flexible) {
                    (text, true) => uvarint(text.as_ref().map_or(0, |text| text.len() as u32 + 1), out),
                    (text, false) => out.extend(text.as_ref().map_or(-1, |text| text.len() as i16).to_be_bytes()),
                }
                out.extend(text.unwrap_or_default().bytes());
            }
            Kind::Bytes | Kind::Records => {
                let blob = (!null).then(|| self.blob(different));
                length(blob.as_ref().map(Vec::len), flexible, out);
                out.extend(blob.unwrap_or_default());
            }
            Kind::Array(element) => {
                let count = (!null).then(|| self.rng.usize(usize::from(different)..=self.size));
                length(count, flexible, out);
                for _ in 0..count.unwrap_or(0) {
                    self.value(element, flexible, false, false, None, out);
                }
            }
            Kind::Struct(schema) => {
                if nullable {
                    out.push(if null { 0xff } else { 1 });
                }
                if !null {
                    self.fields(schema, flexible, different, out);
                }
            }
        }
    }

    /// Small numbers and edges rather than noise. Never equal to `not` in its lowest byte, so in no width.
    fn integer(&mut self, not: Option<&str>) -> i64 {
        let not = not.map(|not| {
            let hex = not.strip_prefix("0x").map(|digits| i64::from_str_radix(digits, 16));
            hex.unwrap_or_else(|| not.parse()).expect("a default of a number is a number")
        });
        loop {
            let value = match (self.preferred(|palette| &palette.numbers), self.rng.u8(..6)) {
                (Some(number), _) => number,
                (None, 0) => -1,
                (None, 1) => 0,
                (None, 2) => i64::MAX,
                (None, 3) => i64::MIN,
                (None, 4) => self.rng.i64(0..200),
                (None, _) => self.rng.i64(..),
            };
            if not.is_none_or(|not| not as i8 != value as i8) {
                return value;
            }
        }
    }

    /// One of the palette's, most of the time.
    fn preferred<T: Clone>(&mut self, of: impl Fn(&Palette) -> &Vec<T>) -> Option<T> {
        if self.rng.u8(..8) == 0 { None } else { self.rng.choice(of(self.palette)).cloned() }
    }

    fn text(&mut self, different: bool) -> String {
        if let Some(text) = self.preferred(|palette| &palette.texts).filter(|text| !different || !text.is_empty()) {
            return text;
        }
        const PIECES: [&str; 6] = ["orders", "é", "-", "0", "名", "\n"];
        let pieces = self.rng.usize(usize::from(different)..=self.size);
        (0..pieces).map(|_| PIECES[self.rng.usize(..PIECES.len())]).collect()
    }

    fn blob(&mut self, different: bool) -> Vec<u8> {
        let len = self.rng.usize(usize::from(different)..=self.size * 20);
        (0..len).map(|_| self.rng.u8(..)).collect()
    }
}

fn length(len: Option<usize>, flexible: bool, out: &mut Vec<u8>) {
    match flexible {
        true => uvarint(len.map_or(0, |len| len as u32 + 1), out),
        false => out.extend(len.map_or(-1, |len| len as i32).to_be_bytes()),
    }
}

fn uvarint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
