//! Any request of any API, in any versions, and the whole answer: `send API VERSIONS [WORD...] {field: value, ...}`.
//!
//! A value is a number, `true`, `null` (also where the schema has none), `[a, b]`, `{field: value}`, a text (`word`,
//! `"any \xff text"`, `word*300`), `@topic` (a topic's id) or `$name` (what an answer gave). A field that is not named has
//! its default; `_99: text` is a tagged field that nobody knows. Records are written as in `produce`, in quotes.
//!
//! Words: `sorted` (Kafka lists them in the order of a map), `trailing=N` (zeros behind the request), `cut=N` (so many bytes
//! are missing), `client=TEXT`.
//!
//! Of an answer only what differs from its default is shown, and neither addresses nor throttling; of a message to people
//! that there is one. Versions in a row that answer the same share a line. Ids that are drawn get names: `$m1`, `$s1`, ...

use std::fmt::Write as _;

use bytes::Bytes;
use lab_core::{
    id::Uuid,
    sim::Answer,
    wire::{
        api::ApiKey,
        batch,
        schema::{Field, Kind, Schema},
    },
};

use super::{Asker, name_of};

/// What a request says, before a version gives it its bytes.
#[derive(Clone, Debug)]
enum Tree {
    Null,
    Number(i64),
    Text(Vec<u8>),
    List(Vec<Self>),
    Fields(Vec<(String, Self)>),
}

/// Differ from one cluster to the next, and are not what is asked for.
const HIDDEN: &[&str] = &["host", "port", "cluster_id", "throttle_time_ms", "client_host"];

impl Asker {
    pub fn send(&mut self, line: &str) -> Result<String, String> {
        let (head, body) = line.split_at(line.find('{').expect("{fields}"));
        let words = super::Words(head.split_whitespace().collect());
        let name = words.0[1];
        let key = *ApiKey::ALL.iter().find(|key| key.name() == name).unwrap_or_else(|| panic!("no API {name}"));
        let (from, to) = words.0[2].split_once('-').unwrap_or((words.0[2], words.0[2]));
        let (from, to): (i16, i16) = (from.parse().expect("a version"), to.parse().expect("a version"));
        let mut lines: Vec<(i16, i16, String)> = Vec::new();
        for version in from..=to {
            let tree = Parser { text: body.as_bytes(), at: 0, asker: self }.whole();
            let said = self.send_once(key, version, &words, &tree);
            match lines.last_mut() {
                Some((_, last, same)) if *same == said => *last = version,
                _ => lines.push((version, version, said)),
            }
        }
        let mut printed = String::new();
        for (from, to, said) in lines {
            let versions = if from == to { format!("v{from}") } else { format!("v{from}-{to}") };
            writeln!(printed, "{versions} {said}").expect("a string");
        }
        Ok(printed.trim_end().to_owned())
    }

    fn send_once(&mut self, key: ApiKey, version: i16, words: &super::Words<'_>, tree: &Tree) -> String {
        let schema = key.request_schema().expect("the lab knows its fields");
        let mut frame = [key.code().to_be_bytes(), version.to_be_bytes()].concat();
        frame.extend(1_i32.to_be_bytes());
        match words.get("client") {
            Some("null") => frame.extend((-1_i16).to_be_bytes()),
            client => {
                let client = client.unwrap_or("answers");
                frame.extend((client.len() as i16).to_be_bytes());
                frame.extend(client.as_bytes());
            }
        }
        if key.request_header_version(version) >= 2 {
            frame.push(0);
        }
        let asker = &*self;
        let mut out = Out { version, bytes: frame, asker };
        out.fields(schema, schema.flexible.contains(version), tree);
        let mut frame = out.bytes;
        frame.resize((frame.len() + words.number("trailing", 0)).saturating_sub(words.number("cut", 0)), 0);
        match self.cluster.ask(self.asked, frame.into()) {
            Answer::Frame(bytes) => {
                let schema = key.response_schema().expect("the lab knows its fields");
                let mut at = &bytes[4..];
                if key.response_header_version(version) >= 1 {
                    at = &at[1..];
                }
                let mut read = Shown { version, left: at, sorted: words.flag("sorted"), asker: self };
                let said = read.fields(schema, schema.flexible.contains(version));
                let left = read.left.len();
                if left == 0 { said } else { format!("{said} and {left} bytes more") }
            }
            Answer::Closed => "the connection is closed".into(),
            Answer::Refused => "no connection is accepted".into(),
            Answer::Nothing => "no answer".into(),
        }
    }

    /// The name of something that a cluster drew.
    fn name_drawn(&mut self, letter: char, value: String) -> String {
        if let Some((name, _)) = self.drawn.iter().find(|(_, known)| *known == value) {
            return format!("${name}");
        }
        let name = format!("{letter}{}", 1 + self.drawn.iter().filter(|(name, _)| name.starts_with(letter)).count());
        self.drawn.push((name.clone(), value));
        format!("${name}")
    }

    fn topic_named(&mut self, id: Uuid) -> String {
        self.topic_ids.iter().find(|(_, known)| *known == id).map_or("@?".into(), |(name, _)| format!("@{name}"))
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    asker: &'a mut Asker,
}

impl Parser<'_> {
    fn whole(mut self) -> Tree {
        let tree = self.value();
        self.blanks();
        assert_eq!(self.at, self.text.len(), "what is behind the fields?");
        tree
    }

    fn blanks(&mut self) {
        while self.text.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.blanks();
        let there = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(there);
        there
    }

    /// Values up to `end`, with commas between them.
    fn until<T>(&mut self, end: u8, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut all = Vec::new();
        while !self.take(end) {
            all.push(one(self));
            assert!(self.take(b',') || self.text.get(self.at) == Some(&end), "a comma at {}", self.at);
        }
        all
    }

    fn value(&mut self) -> Tree {
        if self.take(b'{') {
            return Tree::Fields(self.until(b'}', |parser| {
                let name = parser.word();
                assert!(parser.take(b':'), "a colon at {}", parser.at);
                (name, parser.value())
            }));
        }
        if self.take(b'[') {
            return Tree::List(self.until(b']', Self::value));
        }
        if self.take(b'"') {
            return Tree::Text(self.quoted());
        }
        let word = self.word();
        if let Some(topic) = word.strip_prefix('@') {
            let id = self.asker.topic_id(topic);
            self.asker.topic_ids.retain(|(_, known)| *known != id);
            self.asker.topic_ids.push((topic.into(), id));
            return Tree::Text(id.0.to_vec());
        }
        if let Some(name) = word.strip_prefix('$') {
            let value = self.asker.drawn.iter().find(|(known, _)| known == name).expect("it was drawn").1.clone();
            return value.parse().map_or(Tree::Text(value.into_bytes()), Tree::Number);
        }
        if let Some((text, count)) = word.split_once('*') {
            return Tree::Text(text.repeat(count.parse().expect("a count")).into_bytes());
        }
        match word.as_str() {
            "null" => Tree::Null,
            "true" => Tree::Number(1),
            "false" => Tree::Number(0),
            number if number.parse::<i64>().is_ok() => Tree::Number(number.parse().expect("a number")),
            text => Tree::Text(text.as_bytes().to_vec()),
        }
    }

    fn word(&mut self) -> String {
        self.blanks();
        let from = self.at;
        while self.text.get(self.at).is_some_and(|byte| !b" ,:{}[]\"".contains(byte)) {
            self.at += 1;
        }
        String::from_utf8(self.text[from..self.at].to_vec()).expect("words")
    }

    fn quoted(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let byte = self.text[self.at];
            self.at += 1;
            match byte {
                b'"' => return bytes,
                b'\\' => {
                    let hex = std::str::from_utf8(&self.text[self.at + 1..self.at + 3]).expect("two digits");
                    bytes.push(u8::from_str_radix(hex, 16).expect("\\x and two digits"));
                    self.at += 3;
                }
                byte => bytes.push(byte),
            }
        }
    }
}

/// Writes a request in a version, by the schema.
struct Out<'a> {
    version: i16,
    bytes: Vec<u8>,
    asker: &'a Asker,
}

impl Out<'_> {
    fn fields(&mut self, schema: &Schema, flexible: bool, tree: &Tree) {
        let Tree::Fields(given) = tree else { panic!("fields of {}, not {tree:?}", schema.name) };
        for (name, _) in given {
            let known = name.starts_with('_') || schema.fields.iter().any(|field| field.name == name);
            assert!(known, "{} has no {name}", schema.name);
        }
        let find = |name: &str| given.iter().find(|(known, _)| known == name).map(|(_, tree)| tree);
        let mut tagged: Vec<(u32, Vec<u8>)> = Vec::new();
        let version = self.version;
        for field in schema.fields.iter().filter(|field| field.versions.contains(version)) {
            let value = find(field.name);
            if field.tagged.contains(self.version) {
                if let Some(value) = value {
                    let mut out = Out { version: self.version, bytes: Vec::new(), asker: self.asker };
                    out.field(field, flexible, Some(value));
                    tagged.push((field.tag.expect("tagged"), out.bytes));
                }
            } else {
                self.field(field, flexible, value);
            }
        }
        for (name, value) in given {
            if let (Some(tag), Tree::Text(bytes)) = (name.strip_prefix('_').and_then(|t| t.parse().ok()), value) {
                tagged.push((tag, bytes.clone()));
            }
        }
        if flexible {
            self.uvarint(tagged.len());
            for (tag, bytes) in tagged {
                self.uvarint(tag as usize);
                self.uvarint(bytes.len());
                self.bytes.extend(bytes);
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
            (Kind::Bool | Kind::Int8, Tree::Number(n)) => self.bytes.push(*n as u8),
            (Kind::Int16 | Kind::Uint16, Tree::Number(n)) => self.bytes.extend((*n as i16).to_be_bytes()),
            (Kind::Int32 | Kind::Uint32, Tree::Number(n)) => self.bytes.extend((*n as i32).to_be_bytes()),
            (Kind::Int64, Tree::Number(n)) => self.bytes.extend(n.to_be_bytes()),
            (Kind::Float64, Tree::Number(n)) => self.bytes.extend((*n as f64).to_be_bytes()),
            (Kind::Uuid, Tree::Text(id)) => self.bytes.extend(id),
            (Kind::String, Tree::Number(n)) => self.value(kind, flexible, nullable, &Tree::Text(n.to_string().into())),
            (Kind::String, Tree::Text(text)) => {
                if flexible {
                    self.uvarint(text.len() + 1);
                } else {
                    self.bytes.extend((text.len() as i16).to_be_bytes());
                }
                self.bytes.extend(text);
            }
            (Kind::String, Tree::Null) if !flexible => self.bytes.extend((-1_i16).to_be_bytes()),
            (Kind::Bytes, Tree::Text(bytes)) => {
                self.length(flexible, bytes.len());
                self.bytes.extend(bytes);
            }
            (Kind::Records, Tree::Text(text)) => {
                let text = std::str::from_utf8(text).expect("batches");
                let bytes: Vec<u8> = text.split_whitespace().flat_map(|batch| self.asker.batch(batch)).collect();
                self.length(flexible, bytes.len());
                self.bytes.extend(bytes);
            }
            (Kind::Array(of), Tree::List(list)) => {
                self.length(flexible, list.len());
                list.iter().for_each(|element| self.value(of, flexible, false, element));
            }
            (Kind::Struct(_), Tree::Null) => self.bytes.push(0xff),
            (Kind::Struct(schema), tree) => {
                if nullable {
                    self.bytes.push(1);
                }
                self.fields(schema, flexible, tree);
            }
            (_, Tree::Null) if flexible => self.bytes.push(0),
            (_, Tree::Null) => self.bytes.extend((-1_i32).to_be_bytes()),
            (kind, tree) => panic!("{tree:?} is no {kind:?}"),
        }
    }

    fn length(&mut self, flexible: bool, length: usize) {
        if flexible {
            self.uvarint(length + 1);
        } else {
            self.bytes.extend((length as i32).to_be_bytes());
        }
    }

    fn uvarint(&mut self, mut value: usize) {
        while value > 0x7f {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

fn parse_default(text: &str) -> i64 {
    match text {
        "true" => 1,
        "false" | "" => 0,
        _ => match text.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).expect("a number"),
            None => text.parse().expect("a number"),
        },
    }
}

/// Reads an answer by the schema, and says what is in it.
struct Shown<'a> {
    version: i16,
    left: &'a [u8],
    sorted: bool,
    asker: &'a mut Asker,
}

impl Shown<'_> {
    fn fields(&mut self, schema: &Schema, flexible: bool) -> String {
        let mut shown = Vec::new();
        let version = self.version;
        let present = schema.fields.iter().filter(|field| field.versions.contains(version));
        for field in present.clone().filter(|field| !field.tagged.contains(version)) {
            self.field(field, flexible, &mut shown);
        }
        if flexible {
            for _ in 0..self.uvarint() {
                let (tag, length) = (self.uvarint(), self.uvarint());
                let known = present.clone().find(|field| field.tag == Some(tag as u32));
                match known {
                    Some(field) => self.field(field, flexible, &mut shown),
                    None => _ = self.take(length),
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
        if text != default && !HIDDEN.contains(&field.name) {
            shown.push(format!("{}: {text}", field.name));
        }
    }

    fn value(&mut self, field: &Field, kind: &Kind, flexible: bool, nullable: bool) -> String {
        match kind {
            Kind::Bool | Kind::Int8 => i8::from_be_bytes(self.array()).to_string(),
            Kind::Int16 => match i16::from_be_bytes(self.array()) {
                code if field.name.contains("error_code") && code != 0 => name_of(code),
                number => number.to_string(),
            },
            Kind::Uint16 => u16::from_be_bytes(self.array()).to_string(),
            Kind::Int32 => match i32::from_be_bytes(self.array()) {
                id if field.name == "session_id" && id != 0 => self.asker.name_drawn('s', id.to_string()),
                number => number.to_string(),
            },
            Kind::Uint32 => u32::from_be_bytes(self.array()).to_string(),
            Kind::Int64 => match i64::from_be_bytes(self.array()) {
                id if field.name == "producer_id" && id >= 0 => self.asker.name_drawn('p', id.to_string()),
                number => number.to_string(),
            },
            Kind::Float64 => f64::from_be_bytes(self.array()).to_string(),
            Kind::Uuid => match Uuid(self.array()) {
                Uuid::ZERO => "@0".into(),
                id => self.asker.topic_named(id),
            },
            Kind::String => {
                let length = if flexible {
                    self.uvarint().checked_sub(1)
                } else {
                    usize::try_from(i16::from_be_bytes(self.array())).ok()
                };
                let Some(length) = length else { return "null".into() };
                let text = String::from_utf8(self.take(length).to_vec()).expect("answers are UTF-8");
                let drawn = |name: &str| ["member_id", "leader"].contains(&name) && text.contains('-');
                match field.name {
                    "error_message" | "batch_index_error_message" if !text.is_empty() => "said".into(),
                    name if drawn(name) => self.asker.name_drawn('m', text),
                    _ => format!("{text:?}"),
                }
            }
            Kind::Bytes | Kind::Records => {
                let Some(length) = self.length(flexible) else { return "null".into() };
                let bytes = Bytes::copy_from_slice(self.take(length));
                if matches!(kind, Kind::Records) { batches(&bytes) } else { format!("{:?}", bytes).split_off(1) }
            }
            Kind::Array(of) => {
                let Some(count) = self.length(flexible) else { return "null".into() };
                let mut all: Vec<String> = (0..count).map(|_| self.value(field, of, flexible, false)).collect();
                if self.sorted {
                    all.sort();
                }
                format!("[{}]", all.join(", "))
            }
            Kind::Struct(schema) => {
                if nullable && i8::from_be_bytes(self.array()) < 0 {
                    return "null".into();
                }
                self.fields(schema, flexible)
            }
        }
    }

    fn length(&mut self, flexible: bool) -> Option<usize> {
        if flexible { self.uvarint().checked_sub(1) } else { usize::try_from(i32::from_be_bytes(self.array())).ok() }
    }

    fn take(&mut self, length: usize) -> &[u8] {
        let (taken, left) = self.left.split_at(length);
        self.left = left;
        taken
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().expect("as many")
    }

    fn uvarint(&mut self) -> usize {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.take(1)[0];
            value |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
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
