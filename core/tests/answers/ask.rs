//! Any request of any API, and the whole answer: `ask API vN [WORD...] {field: value, ...}`. `ask API v0-4 ...` asks in each
//! of the versions, `ask-controller` on the controller's listener.
//!
//! A value is a number, `true`, `null` (also where the schema has none), `[a, b]`, `{field: value}`, a text (`word`,
//! `"any \xff text"`, `word*300`), `@topic` (a topic's id) or `$name` (what an answer gave); JSON is understood. A field that
//! is not named has its default; `_99: text` is a tagged field that nobody knows. Records are written as in `produce`, in
//! quotes; ids of other things in hexadecimal digits.
//!
//! Words: `sorted` (Kafka lists them in the order of a map), `messages` (what it says to people is shown; otherwise only
//! that it says something), `trailing=N` (zeros behind the request), `cut=N` (so many bytes are missing), `client=TEXT`,
//! `unanswered` (Kafka fails and gives no answer, and what the lab says instead is not shown: what is done of it is asked
//! afterwards).
//!
//! Of an answer only what differs from its default is shown, and neither addresses nor throttling. Versions in a row that
//! answer the same share a line. What the cluster drew gets names: `$m1` a member, `$s1` a session, `$d1` a log directory;
//! a producer's id has the name that `init` gave it.

use std::fmt::Write as _;

use lab_core::{
    id::{NodeId, Uuid},
    sim::Answer,
    wire::{
        api::ApiKey,
        header::ResponseHeader,
        message::Message as _,
        primitive::{Reader, Writer},
    },
};

use super::{
    Asker, CONTROLLER, Words,
    fields::{Tree, unescaped},
    request::Out,
    response::Shown,
};

impl Asker {
    pub fn ask_fields(&mut self, line: &str) -> String {
        let (head, body) = line.split_at(line.find('{').expect("{fields}"));
        let words = Words(head.split_whitespace().collect());
        let asked = if words.0[0] == "ask-controller" { CONTROLLER } else { self.asked };
        let key = ApiKey::ALL.iter().find(|key| key.name() == words.0[1]).expect("an API of Kafka's");
        let versions = words.0[2].strip_prefix('v').expect("v and a version, or two");
        let (from, to) = versions.split_once('-').unwrap_or((versions, versions));
        let (from, to): (i16, i16) = (from.parse().expect("a version"), to.parse().expect("a version"));
        let mut lines: Vec<(i16, i16, String)> = Vec::new();
        for version in from..=to {
            let tree = Tree::parse(body, self);
            let said = self.ask_once(asked, *key, version, &words, &tree);
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
        printed.trim_end().to_owned()
    }

    fn ask_once(&mut self, asked: NodeId, key: ApiKey, version: i16, words: &Words<'_>, tree: &Tree) -> String {
        let schema = key.request_schema().expect("an API that the lab can read and write");
        let mut frame = Writer::new();
        frame.i16(key.code());
        frame.i16(version);
        frame.i32(1);
        match words.get("client") {
            Some("null") => frame.i16(-1),
            client => {
                let client = unescaped(client.unwrap_or("answers"));
                frame.i16(client.len() as i16);
                frame.put(&client);
            }
        }
        if key.request_header_version(version) >= 2 {
            frame.uvarint(0);
        }
        let mut out = Out { version, frame, asker: self };
        out.fields(schema, schema.flexible.contains(version), tree);
        let mut frame = out.frame.into_bytes().to_vec();
        frame.resize((frame.len() + words.number("trailing", 0)).saturating_sub(words.number("cut", 0)), 0);
        match self.cluster.ask(asked, frame.into()) {
            Answer::Frame(_) | Answer::Nothing if words.flag("unanswered") => "not answered by Kafka".into(),
            Answer::Frame(bytes) => {
                let schema = key.response_schema().expect("an API that the lab can read and write");
                let mut left = Reader::new(&bytes);
                ResponseHeader::decode(key.response_header_version(version), &mut left).expect("a header");
                let mut read = Shown {
                    version,
                    left,
                    sorted: words.flag("sorted"),
                    messages: words.flag("messages"),
                    controller: asked == CONTROLLER,
                    asker: self,
                };
                let said = read.fields(schema, schema.flexible.contains(version));
                let left = read.left.remaining();
                if left == 0 { said } else { format!("{said} and {left} bytes more") }
            }
            Answer::Closed => "the connection is closed".into(),
            Answer::Refused => "no connection is accepted".into(),
            Answer::Nothing => "no answer".into(),
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

    /// The name of something that a cluster drew.
    pub fn name_drawn(&mut self, letter: char, value: String) -> String {
        if let Some((name, _)) = self.drawn.iter().find(|(_, known)| *known == value) {
            return format!("${name}");
        }
        let name = format!("{letter}{}", 1 + self.drawn.iter().filter(|(name, _)| name.starts_with(letter)).count());
        self.drawn.push((name.clone(), value));
        format!("${name}")
    }

    pub fn topic_named(&mut self, id: Uuid) -> String {
        self.topic_ids.iter().find(|(_, known)| *known == id).map_or("@?".into(), |(name, _)| format!("@{name}"))
    }
}
