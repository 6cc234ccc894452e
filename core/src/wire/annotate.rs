//! Which bytes of a frame hold which field: what the wire panel shows.
//!
//! It walks the static [`Schema`] of a message, so it is a second reading of every frame, independent of the code the
//! derive writes; the tests hold the two against each other. Whatever the bytes are, the fields returned are in order,
//! do not overlap, and together cover the frame.

use std::{fmt::Write as _, ops::Range};

use bytes::Bytes;

use super::{
    api::ApiKey,
    batch::{Batch, BatchHeader, Codec},
    control_records, header, metadata_records,
    primitive::{DecodeError, Format, Reader, decode_text},
    schema::{Field, Kind, Schema},
};
use crate::{id::Uuid, wire::error::ErrorCode};

/// What a frame is, which its bytes alone do not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Request,
    /// The answer to a request of this API and version.
    Response {
        api_key: ApiKey,
        api_version: i16,
    },
}

/// A stretch of the frame and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub range: Range<usize>,
    /// `topics[0].partitions[2].fetch_offset`; fields of the header begin with `header.`.
    pub path: String,
    /// Kafka's name of the type: `int32`, `compact string`, `tagged fields`, ...
    pub kind: &'static str,
    /// For people: `42`, `"orders"`, `NOT_LEADER_OR_FOLLOWER (6)`.
    pub value: String,
}

/// Frames are shown up to here; what follows is one last note.
const MOST_NOTES: usize = 20_000;
/// Texts and bytes are shown up to here.
const MOST_CHARS: usize = 120;

/// All fields of a request or response, header included. What cannot be read is one note at the end that says why.
pub fn annotate(frame: &Bytes, what: What) -> Vec<Note> {
    let mut walk = Walk::new(frame);
    let result = walk.frame(what);
    walk.finish(result)
}

/// All fields of a message that stands alone, such as the value of a metadata or control record.
pub fn annotate_message(schema: &'static Schema, version: i16, bytes: &Bytes) -> Vec<Note> {
    let mut walk = Walk::new(bytes);
    let result = walk.message(schema, version);
    walk.finish(result)
}

/// Batches and their records, as Produce and Fetch carry them and as log segments hold them. `metadata`: they are of
/// `__cluster_metadata`, whose values are messages too.
pub fn annotate_batches(bytes: &Bytes, metadata: bool) -> Vec<Note> {
    let mut walk = Walk::new(bytes);
    walk.metadata = metadata;
    let result = walk.batches(bytes.len());
    walk.finish(result)
}

/// Why the walk ended early.
enum Stop {
    Unreadable(DecodeError),
    /// No schema is known for what follows.
    Unknown(String),
    Enough,
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Unreadable(error)
    }
}

struct Walk<'a> {
    frame: &'a Bytes,
    reader: Reader<'a>,
    notes: Vec<Note>,
    path: String,
    /// The topic being walked is `__cluster_metadata`.
    metadata: bool,
}

impl<'a> Walk<'a> {
    fn new(frame: &'a Bytes) -> Self {
        Self { frame, reader: Reader::new(frame), notes: Vec::new(), path: String::new(), metadata: false }
    }

    fn finish(mut self, result: Result<(), Stop>) -> Vec<Note> {
        let from = self.notes.last().map_or(0, |note| note.range.end);
        if from < self.frame.len() {
            let (kind, value) = match result {
                Ok(()) => ("left over", format!("{} bytes behind the message", self.frame.len() - from)),
                Err(Stop::Unreadable(error)) => ("unreadable", error.to_string()),
                Err(Stop::Unknown(why)) => ("unknown", why),
                Err(Stop::Enough) => ("not shown", format!("{} bytes more", self.frame.len() - from)),
            };
            self.notes.push(Note { range: from..self.frame.len(), path: self.path, kind, value });
        }
        self.notes
    }

    fn note(&mut self, from: usize, kind: &'static str, value: String) -> Result<(), Stop> {
        if self.notes.len() >= MOST_NOTES {
            return Err(Stop::Enough);
        }
        let range = from..self.reader.position();
        self.notes.push(Note { range, path: self.path.clone(), kind, value });
        Ok(())
    }

    /// Runs `walk` with `step` added to the path. The path keeps it when the walk ends early: that is where it ended.
    fn within(&mut self, step: &str, walk: impl FnOnce(&mut Self) -> Result<(), Stop>) -> Result<(), Stop> {
        let before = self.path.len();
        if !self.path.is_empty() && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        walk(self)?;
        self.path.truncate(before);
        Ok(())
    }

    fn frame(&mut self, what: What) -> Result<(), Stop> {
        let (api_key, version) = match what {
            What::Response { api_key, api_version } => (api_key, api_version),
            What::Request => {
                let mut ahead = self.reader.clone();
                let code = ahead.i16()?;
                let version = ahead.i16()?;
                let unknown = || Stop::Unknown(format!("no API has the key {code}"));
                (ApiKey::from_code(code).ok_or_else(unknown)?, version)
            }
        };
        self.within("header", |walk| match what {
            What::Request => walk.message(header::RequestHeader::SCHEMA, api_key.request_header_version(version)),
            What::Response { .. } => {
                walk.message(header::ResponseHeader::SCHEMA, api_key.response_header_version(version))
            }
        })?;
        let schema = match what {
            What::Request => api_key.request_schema(),
            What::Response { .. } => api_key.response_schema(),
        };
        let unknown = || Stop::Unknown(format!("{} is not among the APIs known here", api_key.name()));
        self.message(schema.ok_or_else(unknown)?, version)
    }

    fn message(&mut self, schema: &'static Schema, version: i16) -> Result<(), Stop> {
        if !schema.versions.contains(version) {
            return Err(Stop::Unknown(format!("{} has no version {version}", schema.name)));
        }
        self.fields(schema, Format { version, flexible: schema.flexible.contains(version) })
    }

    fn fields(&mut self, schema: &'static Schema, format: Format) -> Result<(), Stop> {
        for field in schema.fields {
            if field.versions.contains(format.version) && !field.tagged.contains(format.version) {
                self.within(field.name.trim_end_matches('_'), |walk| walk.field(field, format))?;
            }
        }
        if format.flexible { self.within("tags", |walk| walk.tags(schema, format)) } else { Ok(()) }
    }

    fn tags(&mut self, schema: &'static Schema, format: Format) -> Result<(), Stop> {
        let from = self.reader.position();
        let count = self.reader.uvarint()?;
        self.note(from, "tagged fields", count.to_string())?;
        for _ in 0..count {
            let from = self.reader.position();
            let (tag, outer) = self.reader.begin_tag()?;
            let len = self.reader.remaining();
            let known = |field: &&Field| field.tag == Some(tag) && field.tagged.contains(format.version);
            let field = schema.fields.iter().find(known);
            let name = field.map_or_else(|| format!("tag_{tag}"), |field| field.name.to_owned());
            self.within(&name, |walk| {
                walk.note(from, "tag", format!("{tag}, {len} bytes"))?;
                match field {
                    Some(field) => walk.field(field, format),
                    None => walk.blob(len, "unknown tagged field"),
                }
            })?;
            self.reader.end_tag(outer)?;
        }
        Ok(())
    }

    fn field(&mut self, field: &'static Field, format: Format) -> Result<(), Stop> {
        let flexible = format.flexible && field.flexible.is_none_or(|range| range.contains(format.version));
        let nullable = field.nullable.contains(format.version);
        self.value(field.name, field.kind, Format { flexible, ..format }, nullable)
    }

    fn value(&mut self, name: &str, kind: &'static Kind, format: Format, nullable: bool) -> Result<(), Stop> {
        let from = self.reader.position();
        let kind_name = kind.name(format.flexible);
        let text = match kind {
            Kind::Bool => (self.reader.i8()? != 0).to_string(),
            Kind::Int8 => number(name, self.reader.i8()?.into()),
            Kind::Int16 => number(name, self.reader.i16()?.into()),
            Kind::Uint16 => number(name, i64::from(self.reader.i16()? as u16)),
            Kind::Int32 => number(name, self.reader.i32()?.into()),
            Kind::Uint32 => number(name, i64::from(self.reader.i32()? as u32)),
            Kind::Int64 => number(name, self.reader.i64()?),
            Kind::Float64 => f64::from_bits(self.reader.i64()? as u64).to_string(),
            Kind::Uuid => {
                let id = Uuid(self.reader.take(16)?.try_into().expect("16 bytes"));
                if name == "topic_id" {
                    self.metadata = id == Uuid::METADATA_TOPIC;
                }
                id.to_string()
            }
            Kind::String => match self.reader.string_length(format)? {
                None => "null".to_owned(),
                Some(len) => {
                    let text = decode_text(self.reader.take(len)?);
                    if matches!(name, "topic" | "name" | "topic_name") {
                        self.metadata = text == "__cluster_metadata";
                    }
                    quoted(&text)
                }
            },
            Kind::Bytes => match self.reader.length(format)? {
                None => "null".to_owned(),
                Some(len) => blob(self.reader.take(len)?),
            },
            Kind::Records => {
                let len = self.reader.length(format)?;
                let text = len.map_or_else(|| "null".to_owned(), |len| format!("{len} bytes"));
                self.note(from, kind_name, text)?;
                let len = len.unwrap_or(0);
                if len > self.reader.remaining() {
                    let (at, left) = (self.reader.position(), self.reader.remaining());
                    return Err(DecodeError::Short { at, needed: len, left }.into());
                }
                return self.batches(len);
            }
            Kind::Array(element) => {
                let count = self.reader.length(format)?;
                let text = count.map_or_else(|| "null".to_owned(), |count| format!("{count} elements"));
                self.note(from, kind_name, text)?;
                let (count, left) = (count.unwrap_or(0), self.reader.remaining());
                if count > left {
                    return Err(DecodeError::Count { at: from, count, left }.into());
                }
                for index in 0..count {
                    self.within(&format!("[{index}]"), |walk| walk.value(name, element, format, false))?;
                }
                return Ok(());
            }
            Kind::Struct(schema) => {
                if nullable {
                    let present = self.reader.i8()? >= 0;
                    self.note(from, kind_name, if present { "present" } else { "null" }.to_owned())?;
                    if !present {
                        return Ok(());
                    }
                }
                return self.fields(schema, format);
            }
        };
        self.note(from, kind_name, text)
    }

    /// The next `len` bytes as they are.
    fn blob(&mut self, len: usize, kind: &'static str) -> Result<(), Stop> {
        let from = self.reader.position();
        let bytes = self.reader.take(len)?;
        if len > 0 { self.note(from, kind, blob(bytes)) } else { Ok(()) }
    }

    /// `len` bytes of batches. The last may be cut short, as fetches of Apache Kafka may end anywhere (KIP-74).
    fn batches(&mut self, len: usize) -> Result<(), Stop> {
        let end = self.reader.position() + len;
        let mut index = 0;
        while self.reader.position() < end {
            let from = self.reader.position();
            let header = BatchHeader::parse(&self.frame[from..end]);
            self.within(&format!("batch[{index}]"), |walk| match header {
                Ok(header) if from + header.total_len() <= end => walk.batch(&header),
                Ok(_) => walk.blob(end - from, "part of a batch"),
                Err(error) => {
                    walk.reader.take(end - from)?;
                    walk.note(from, "record data", error.to_string())
                }
            })?;
            index += 1;
        }
        Ok(())
    }

    fn batch(&mut self, header: &BatchHeader) -> Result<(), Stop> {
        let end = self.reader.position() + header.total_len();
        let codec = header.codec().map_or("unknown codec", Codec::name);
        let mut flags = vec![if header.is_compressed() { codec } else { "not compressed" }];
        flags.extend(header.is_log_append_time().then_some("log append time"));
        flags.extend(header.is_transactional().then_some("transactional"));
        flags.extend(header.is_control().then_some("control"));
        flags.extend(header.has_delete_horizon().then_some("delete horizon"));
        let fields: [(&str, &'static str, usize, String); 13] = [
            ("base_offset", "int64", 8, header.base_offset.to_string()),
            ("batch_length", "int32", 4, header.batch_length.to_string()),
            ("partition_leader_epoch", "int32", 4, header.partition_leader_epoch.to_string()),
            ("magic", "int8", 1, "2".to_owned()),
            ("crc", "uint32", 4, format!("{:08x}", header.crc)),
            ("attributes", "int16", 2, format!("{} ({})", header.attributes, flags.join(", "))),
            ("last_offset_delta", "int32", 4, header.last_offset_delta.to_string()),
            ("base_timestamp", "int64", 8, header.base_timestamp.to_string()),
            ("max_timestamp", "int64", 8, header.max_timestamp.to_string()),
            ("producer_id", "int64", 8, header.producer_id.to_string()),
            ("producer_epoch", "int16", 2, header.producer_epoch.to_string()),
            ("base_sequence", "int32", 4, header.base_sequence.to_string()),
            ("record_count", "int32", 4, header.record_count.to_string()),
        ];
        for (name, kind, len, value) in fields {
            let from = self.reader.position();
            self.reader.take(len)?;
            self.within(name, |walk| walk.note(from, kind, value))?;
        }
        if header.is_compressed() {
            let inside = preview(&self.frame.slice(end - header.total_len()..end));
            return self.within("records", |walk| {
                let from = walk.reader.position();
                walk.reader.take(end - from)?;
                walk.note(from, "compressed records", format!("{} in {codec}: {inside}", header.record_count))
            });
        }
        for index in 0..header.record_count {
            if self.reader.position() >= end {
                break;
            }
            self.within(&format!("record[{index}]"), |walk| walk.record(header, end))?;
        }
        self.within("records", |walk| walk.blob(end.saturating_sub(walk.reader.position()), "left over"))
    }

    /// One record. A malformed one takes the rest of the batch, up to `end`, as bytes.
    fn record(&mut self, header: &BatchHeader, end: usize) -> Result<(), Stop> {
        let mut body = self.reader.clone();
        let len = body.varint().ok().and_then(|len| usize::try_from(len).ok());
        let record_end = len.map(|len| body.position() + len).filter(|&record_end| record_end <= end);
        if let Some(record_end) = record_end
            && self.attempt(record_end, |walk| walk.record_fields(header, record_end))?
        {
            return Ok(());
        }
        self.blob(end - self.reader.position(), "malformed record")
    }

    /// Walks ahead, and back again if that does not end exactly at `end`.
    fn attempt(&mut self, end: usize, walk: impl FnOnce(&mut Self) -> Result<(), Stop>) -> Result<bool, Stop> {
        let (reader, notes, path) = (self.reader.clone(), self.notes.len(), self.path.len());
        match walk(self) {
            Err(Stop::Enough) => return Err(Stop::Enough),
            Ok(()) if self.reader.position() == end => return Ok(true),
            _ => {}
        }
        self.reader = reader;
        self.notes.truncate(notes);
        self.path.truncate(path);
        Ok(false)
    }

    fn record_fields(&mut self, header: &BatchHeader, end: usize) -> Result<(), Stop> {
        self.varint("length", |len| len.to_string())?;
        self.within("attributes", |walk| walk.value("", &Kind::Int8, Format { version: 0, flexible: true }, false))?;
        let from = self.reader.position();
        let delta = self.reader.varlong()?;
        let timestamp = header.base_timestamp.wrapping_add(delta);
        self.within("timestamp_delta", |walk| walk.note(from, "varlong", format!("{delta} (timestamp {timestamp})")))?;
        let base = header.base_offset;
        self.varint("offset_delta", |delta| format!("{delta} (offset {})", base.wrapping_add(delta.into())))?;
        let control = self.key(header.is_control())?;
        self.record_value(control, end)?;
        let headers = self.varint("headers", |count| format!("{count} headers"))?;
        for index in 0..headers.max(0) {
            self.within(&format!("headers[{index}]"), |walk| {
                walk.counted("key")?;
                walk.counted("value")
            })?;
        }
        Ok(())
    }

    /// A signed variable-length number; gives it back.
    fn varint(&mut self, name: &str, show: impl FnOnce(i32) -> String) -> Result<i32, Stop> {
        let from = self.reader.position();
        let value = self.reader.varint()?;
        self.within(name, |walk| walk.note(from, "varint", show(value)))?;
        Ok(value)
    }

    /// Bytes behind a signed variable length, in one note.
    fn counted(&mut self, name: &str) -> Result<(), Stop> {
        let from = self.reader.position();
        let len = self.reader.varint()?;
        let value = match usize::try_from(len) {
            Ok(len) => blob(self.reader.take(len)?),
            Err(_) => "null".to_owned(),
        };
        self.within(name, |walk| walk.note(from, "bytes", value))
    }

    /// The key. In a control batch it is a version and a type; gives back the schema of the value that goes with it.
    fn key(&mut self, control: bool) -> Result<Option<&'static Schema>, Stop> {
        let mut ahead = self.reader.clone();
        if !control || ahead.varint()? != 4 {
            return self.counted("key").map(|()| None);
        }
        self.varint("key_length", |len| len.to_string())?;
        self.within("key.version", |walk| walk.value("", &Kind::Int16, Format { version: 0, flexible: true }, false))?;
        let from = self.reader.position();
        let code = self.reader.i16()?;
        let (name, schema) = control_records::by_type(code).unzip();
        let value = format!("{} ({code})", name.unwrap_or("unknown"));
        self.within("key.type", |walk| walk.note(from, "int16", value))?;
        Ok(schema.flatten())
    }

    /// The value; where it is itself a message of Kafka, its fields.
    fn record_value(&mut self, control: Option<&'static Schema>, end: usize) -> Result<(), Stop> {
        let mut ahead = self.reader.clone();
        let len = usize::try_from(ahead.varint()?).ok();
        let value_end = len.map(|len| ahead.position() + len).filter(|&value_end| value_end <= end);
        if let Some(value_end) = value_end.filter(|_| control.is_some() || self.metadata) {
            let walked = self.attempt(value_end, |walk| {
                walk.varint("value_length", |len| len.to_string())?;
                walk.within("value", |walk| match control {
                    // The first field of every control record is its version.
                    Some(schema) => walk.message(schema, walk.reader.clone().i16()?),
                    None => walk.metadata_record(),
                })
            })?;
            if walked {
                return Ok(());
            }
        }
        self.counted("value")
    }

    /// A value of `__cluster_metadata`: frame version, record type and record version before the record (KIP-631).
    fn metadata_record(&mut self) -> Result<(), Stop> {
        let mut numbers = [0; 3];
        for (number, name) in numbers.iter_mut().zip(["frame_version", "api_key", "version"]) {
            let from = self.reader.position();
            let raw = self.reader.uvarint()?;
            *number = i16::try_from(raw).unwrap_or(-1);
            let value = match metadata_records::schema(*number).filter(|_| name == "api_key") {
                Some(schema) => format!("{} ({raw})", schema.name),
                None => raw.to_string(),
            };
            self.within(name, |walk| walk.note(from, "uvarint", value))?;
        }
        let [_, api_key, version] = numbers;
        let unknown = || Stop::Unknown(format!("no metadata record has the type {api_key}"));
        self.message(metadata_records::schema(api_key).ok_or_else(unknown)?, version)
    }
}

impl Kind {
    /// As the protocol guide of Kafka names types.
    fn name(&self, flexible: bool) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Uint16 => "uint16",
            Self::Int32 => "int32",
            Self::Uint32 => "uint32",
            Self::Int64 => "int64",
            Self::Float64 => "float64",
            Self::Uuid => "uuid",
            Self::String if flexible => "compact string",
            Self::String => "string",
            Self::Bytes if flexible => "compact bytes",
            Self::Bytes => "bytes",
            Self::Records if flexible => "compact records",
            Self::Records => "records",
            Self::Array(_) if flexible => "compact array",
            Self::Array(_) => "array",
            Self::Struct(_) => "struct",
        }
    }
}

/// A number, with its meaning where Kafka gives it one.
fn number(field: &str, value: i64) -> String {
    let code = i16::try_from(value).unwrap_or(i16::MIN);
    let meaning = match field {
        "error_code" if value != 0 => ErrorCode::from_code(code).name(),
        "error_code" => "no error",
        "api_key" | "request_api_key" => ApiKey::from_code(code).map_or("unknown", ApiKey::name),
        "isolation_level" => ["read uncommitted", "read committed"].get(value as usize).copied().unwrap_or("unknown"),
        "acks" if value == -1 => "all in-sync replicas",
        "leader_id" | "leader" | "preferred_read_replica" | "controller_id" if value == -1 => "none",
        _ => return value.to_string(),
    };
    format!("{meaning} ({value})")
}

/// The first records of a compressed batch, which have no bytes of their own in the frame.
fn preview(batch: &Bytes) -> String {
    const MOST_RECORDS: usize = 5;
    // Enough to see what is there; the rest is not worth unpacking.
    const MOST_BYTES: usize = 64 << 10;
    let records = match Batch::parse(batch) {
        Ok(batch) => batch.records_within(MOST_BYTES),
        Err(error) => return error.to_string(),
    };
    let side = |bytes: Option<Bytes>| bytes.map_or_else(|| "null".to_owned(), |bytes| blob(&bytes));
    let shown = records.take(MOST_RECORDS + 1).map(|record| match record {
        Ok(record) => format!("{} = {}", side(record.key), side(record.value)),
        Err(error) => error.to_string(),
    });
    let mut shown: Vec<String> = shown.collect();
    if shown.len() > MOST_RECORDS {
        shown[MOST_RECORDS] = "…".to_owned();
    }
    shown.join(", ")
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}… ({} bytes)", &text[..end], text.len()),
    }
}

/// Text if it is text, else hexadecimal.
fn blob(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(|c| c.is_control() && !c.is_whitespace()) => quoted(text),
        _ => {
            let mut hex = String::new();
            for byte in bytes.iter().take(MOST_CHARS / 3) {
                let _ = write!(hex, "{byte:02x} ");
            }
            let more = if bytes.len() > MOST_CHARS / 3 { "… " } else { "" };
            format!("{hex}{more}({} bytes)", bytes.len())
        }
    }
}
