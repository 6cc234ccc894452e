//! Reads a response's frame by its schema. Strict: what Kafka's own decoder would refuse is an error here.

use anyhow::{Context, Result, bail, ensure};

use super::{
    batch,
    schema::{Api, Field, Kind},
    value::Value,
};

/// Correlation id and body.
pub fn response(api: &Api, version: i16, frame: &[u8]) -> Result<(i32, Value)> {
    let mut reader = Reader { bytes: frame, version };
    let correlation_id = reader.int(4)? as i32;
    let flexible = api.response.flexible.contains(version);
    // ApiVersions keeps the old header for ever (KIP-511).
    if flexible && api.key != 18 {
        ensure!(reader.uvarint()? == 0, "tagged fields in the header");
    }
    let body = reader.fields(&api.response.fields, flexible)?;
    ensure!(reader.bytes.is_empty(), "{} bytes after the response", reader.bytes.len());
    Ok((correlation_id, body))
}

struct Reader<'a> {
    bytes: &'a [u8],
    version: i16,
}

impl<'a> Reader<'a> {
    fn fields(&mut self, fields: &[Field], flexible: bool) -> Result<Value> {
        let mut values: Vec<Value> = fields.iter().map(Value::default_of).collect();
        for (field, value) in fields.iter().zip(&mut values) {
            if field.versions.contains(self.version) && !field.tagged.contains(self.version) {
                *value = self.field(field, flexible).with_context(|| field.name.clone())?;
            }
        }
        if flexible {
            let mut last = None;
            for _ in 0..self.uvarint()? {
                let tag = self.uvarint()?;
                ensure!(last < Some(tag), "tag {tag} after {last:?}");
                last = Some(tag);
                let len = self.uvarint()? as usize;
                let content = self.take(len)?;
                let known = |field: &Field| field.tagged.contains(self.version) && u64::from(field.tag) == tag;
                let at = fields.iter().position(known).with_context(|| format!("unknown tag {tag}"))?;
                let mut inner = Reader { bytes: content, version: self.version };
                values[at] = inner.field(&fields[at], true).with_context(|| fields[at].name.clone())?;
                ensure!(inner.bytes.is_empty(), "{} bytes after tag {tag}", inner.bytes.len());
            }
        }
        Ok(Value::Struct(values))
    }

    fn field(&mut self, field: &Field, flexible: bool) -> Result<Value> {
        let flexible = flexible && field.flexible.is_none_or(|versions| versions.contains(self.version));
        let nullable = field.nullable.contains(self.version);
        if matches!(field.kind, Kind::Struct(_)) && nullable && self.int(1)? < 0 {
            return Ok(Value::Null);
        }
        let value = self.value(&field.kind, flexible)?;
        ensure!(value != Value::Null || nullable, "null where none may be");
        Ok(value)
    }

    fn value(&mut self, kind: &Kind, flexible: bool) -> Result<Value> {
        Ok(match kind {
            Kind::Bool => Value::Bool(self.int(1)? != 0),
            Kind::Int(size) => Value::Int(self.int(*size)?),
            Kind::Uint16 => Value::Int(self.int(2)? & 0xffff),
            Kind::Uint32 => Value::Int(self.int(4)? & 0xffff_ffff),
            Kind::Float64 => Value::Float(f64::from_bits(self.int(8)? as u64)),
            Kind::Uuid => Value::Uuid(self.take(16)?.try_into()?),
            Kind::Text => match self.length(flexible, 2)? {
                None => Value::Null,
                Some(len) => {
                    let text = self.take(len)?;
                    std::str::from_utf8(text).context("a text that is no UTF-8")?;
                    Value::Text(text.to_vec())
                }
            },
            Kind::Bytes => match self.length(flexible, 4)? {
                None => Value::Null,
                Some(len) => Value::Bytes(self.take(len)?.to_vec()),
            },
            Kind::Records => match self.length(flexible, 4)? {
                None => Value::Null,
                Some(len) => batch::describe(self.take(len)?),
            },
            Kind::Array(element) => match self.length(flexible, 4)? {
                None => Value::Null,
                Some(len) => {
                    ensure!(len <= self.bytes.len(), "an array of {len}");
                    Value::Array((0..len).map(|_| self.value(element, flexible)).collect::<Result<_>>()?)
                }
            },
            Kind::Struct(fields) => self.fields(fields, flexible)?,
        })
    }

    fn length(&mut self, flexible: bool, rigid_size: usize) -> Result<Option<usize>> {
        let len = if flexible { self.uvarint()? as i64 - 1 } else { self.int(rigid_size)? };
        ensure!(len >= -1, "a length of {len}");
        Ok(usize::try_from(len).ok())
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.bytes.split_at_checked(len) else {
            bail!("{len} bytes wanted, {} there", self.bytes.len())
        };
        self.bytes = rest;
        Ok(taken)
    }

    fn int(&mut self, size: usize) -> Result<i64> {
        let bytes = self.take(size)?;
        let start = if bytes[0] >= 0x80 { -1 } else { 0 };
        Ok(bytes.iter().fold(start, |value, byte| value << 8 | i64::from(*byte)))
    }

    fn uvarint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        bail!("a varint of more than five bytes")
    }
}
