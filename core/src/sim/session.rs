//! A session is a value: scenario, seed, timed actions and a cursor. It travels in a link, is what a failing fuzz seed
//! prints and what a bug report contains. Replayed anywhere it ends in the same hash.
//!
//! Text: `1/sandbox/7/c12500000/5000000:kill:1/...~CHECK`. Times are microseconds. Text in actions is percent-encoded,
//! so all of it may stand in the fragment of an address. The check digits notice a link that was cut off or mistyped.

use thiserror::Error;

use super::Scenario;
use crate::{client::ConsumerCommand, id::NodeId, seam::Time, view::Action};

/// What happened in a world, short enough to send to somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// As [`Scenario::parse`] reads it.
    pub scenario: String,
    pub seed: u64,
    /// In order of time.
    pub actions: Vec<(Time, Action)>,
    /// Where the person was looking.
    pub cursor: Time,
}

/// Why a link cannot be read; each says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    #[error("the link is empty")]
    Empty,
    #[error("the link is of version {0:?}; this lab reads version 1: it was made by another release")]
    Version(String),
    #[error("the link is damaged or was cut off: its check digits do not fit")]
    Damaged,
    #[error("the link ends before its {0}")]
    Missing(&'static str),
    #[error("the link names a scenario this lab cannot run: {0}")]
    Scenario(String),
    #[error("the link's {what} {text:?} is not a number")]
    Number { what: &'static str, text: String },
    #[error("action {index} of the link, {text:?}, {why}")]
    Action { index: usize, text: String, why: String },
}

impl Session {
    pub fn new(scenario: &str, seed: u64) -> Self {
        Self { scenario: scenario.into(), seed, actions: Vec::new(), cursor: Time::ZERO }
    }

    /// The text of the link, without `#s=`.
    pub fn to_link(&self) -> String {
        let mut text = format!("1/{}/{}/c{}", escape(&self.scenario), self.seed, self.cursor.0);
        for (at, action) in &self.actions {
            text.push_str(&format!("/{}:{}", at.0, print_action(action)));
        }
        let check = check_digits(&text);
        format!("{text}~{check}")
    }

    /// Reads what [`Self::to_link`] wrote. Never panics, whatever the text.
    pub fn from_link(link: &str) -> Result<Self, LinkError> {
        let link = link.trim();
        if link.is_empty() {
            return Err(LinkError::Empty);
        }
        let version = link.split(['/', '~']).next().unwrap_or_default();
        if version != "1" {
            return Err(LinkError::Version(version.chars().take(20).collect()));
        }
        let (text, check) = link.rsplit_once('~').ok_or(LinkError::Damaged)?;
        if check != check_digits(text) {
            return Err(LinkError::Damaged);
        }
        let mut parts = text.split('/').skip(1);
        let scenario = parts.next().filter(|p| !p.is_empty()).ok_or(LinkError::Missing("scenario"))?;
        let scenario = unescape(scenario).map_err(LinkError::Scenario)?;
        Scenario::parse(&scenario).map_err(LinkError::Scenario)?;
        let seed = number("seed", parts.next().ok_or(LinkError::Missing("seed"))?)?;
        let cursor = parts.next().ok_or(LinkError::Missing("cursor"))?;
        let cursor = Time(number("cursor", cursor.strip_prefix('c').unwrap_or(cursor))?);
        let mut actions: Vec<(Time, Action)> = Vec::new();
        for (index, text) in parts.enumerate() {
            let wrong = |why: String| LinkError::Action { index: index + 1, text: text.into(), why };
            let (at, action) = text.split_once(':').ok_or_else(|| wrong("has no time".into()))?;
            let at = Time(number("time of an action", at)?);
            if actions.last().is_some_and(|(before, _)| *before > at) {
                return Err(wrong("comes before the action that precedes it".into()));
            }
            actions.push((at, parse_action(action).map_err(wrong)?));
        }
        Ok(Self { scenario, seed, actions, cursor })
    }
}

fn number(what: &'static str, text: &str) -> Result<u64, LinkError> {
    text.parse().map_err(|_| LinkError::Number { what, text: text.chars().take(40).collect() })
}

/// The words of an action, as in a link and in scripts: `kill:1`, `cut:1:101:one-way`.
pub fn print_action(action: &Action) -> String {
    let optional = |id: &Option<NodeId>| id.map(|id| id.to_string()).unwrap_or_default();
    let partition = |p: &Option<i32>| p.map(|p| p.to_string()).unwrap_or_default();
    match action {
        Action::Kill { node } => format!("kill:{node}"),
        Action::Stop { node } => format!("stop:{node}"),
        Action::Start { node } => format!("start:{node}"),
        Action::Pause { node } => format!("pause:{node}"),
        Action::Resume { node } => format!("resume:{node}"),
        Action::PowerLoss { node } => format!("power-loss:{node}"),
        Action::Cut { a, b, one_way: false } => format!("cut:{a}:{b}"),
        Action::Cut { a, b, one_way: true } => format!("cut:{a}:{b}:one-way"),
        Action::Slow { a, b, ms } => format!("slow:{a}:{b}:{ms}"),
        Action::Heal => "heal".into(),
        Action::Reset { a, b } => format!("reset:{a}:{b}"),
        Action::DiskFull { node, full: true } => format!("disk-full:{node}"),
        Action::DiskFull { node, full: false } => format!("disk-free:{node}"),
        Action::AddConsumer { consumer: None } => "add-consumer".into(),
        Action::AddConsumer { consumer: Some(id) } => format!("add-consumer:{id}"),
        Action::RemoveConsumer { consumer } => format!("remove-consumer:{consumer}"),
        Action::TellConsumer { consumer, command } => {
            let words: Vec<String> = command.words().iter().map(|word| escape(word)).collect();
            format!("consumer:{consumer}:{}", words.join(":"))
        }
        Action::Produce { producer, topic, partition: p, key, value } => {
            // "=" keeps an empty key apart from no key.
            let key = key.as_ref().map(|k| format!("={}", escape(k))).unwrap_or_default();
            format!("produce:{}:{}:{}:{key}:{}", optional(producer), escape(topic), partition(p), escape(value))
        }
        Action::Load { producer, topic, records_per_second, size_bytes, keys } => {
            format!("load:{}:{}:{records_per_second}:{size_bytes}:{keys}", optional(producer), escape(topic))
        }
        Action::CreateTopic { topic, partitions, replication_factor, configs } => {
            let mut text = format!("create-topic:{}:{partitions}:{replication_factor}", escape(topic));
            for (key, value) in configs {
                text.push_str(&format!(":{}={}", escape(key), escape(value)));
            }
            text
        }
    }
}

/// Reads what [`print_action`] wrote; the error completes the sentence "the action ...".
pub fn parse_action(text: &str) -> Result<Action, String> {
    let mut words = text.split(':');
    let verb = words.next().unwrap_or_default();
    let words: Vec<&str> = words.collect();
    let word = |i: usize, what: &str| words.get(i).copied().ok_or_else(|| format!("lacks its {what}"));
    fn parse<T: std::str::FromStr>(word: &str, what: &str) -> Result<T, String> {
        word.parse().map_err(|_| format!("has {word:?} where a {what} belongs"))
    }
    fn optional<T: std::str::FromStr>(word: &str, what: &str) -> Result<Option<T>, String> {
        if word.is_empty() { Ok(None) } else { parse(word, what).map(Some) }
    }
    let node = |i: usize| Ok::<_, String>(NodeId(parse(word(i, "node")?, "node")?));
    let most = |n: usize| if words.len() > n { Err("says more than its verb takes".to_string()) } else { Ok(()) };
    let action = match verb {
        "kill" => (Action::Kill { node: node(0)? }, 1),
        "stop" => (Action::Stop { node: node(0)? }, 1),
        "start" => (Action::Start { node: node(0)? }, 1),
        "pause" => (Action::Pause { node: node(0)? }, 1),
        "resume" => (Action::Resume { node: node(0)? }, 1),
        "power-loss" => (Action::PowerLoss { node: node(0)? }, 1),
        "cut" => {
            let one_way = match words.get(2) {
                None => false,
                Some(&"one-way") => true,
                Some(other) => return Err(format!("has {other:?} where only one-way may stand")),
            };
            (Action::Cut { a: node(0)?, b: node(1)?, one_way }, 3)
        }
        "slow" => (Action::Slow { a: node(0)?, b: node(1)?, ms: parse(word(2, "delay")?, "number of ms")? }, 3),
        "heal" => (Action::Heal, 0),
        "reset" => (Action::Reset { a: node(0)?, b: node(1)? }, 2),
        "add-consumer" => match words.len() {
            0 => (Action::AddConsumer { consumer: None }, 0),
            _ => (Action::AddConsumer { consumer: Some(node(0)?) }, 1),
        },
        "remove-consumer" => (Action::RemoveConsumer { consumer: node(0)? }, 1),
        "consumer" => {
            let told = words.iter().skip(1).map(|word| unescape(word)).collect::<Result<Vec<_>, _>>()?;
            let told: Vec<&str> = told.iter().map(String::as_str).collect();
            (Action::TellConsumer { consumer: node(0)?, command: ConsumerCommand::parse(&told)? }, usize::MAX)
        }
        "disk-full" => (Action::DiskFull { node: node(0)?, full: true }, 1),
        "disk-free" => (Action::DiskFull { node: node(0)?, full: false }, 1),
        "produce" => {
            let key = match word(3, "key")? {
                "" => None,
                key => Some(unescape(key.strip_prefix('=').ok_or("has a key that does not begin with =")?)?),
            };
            let producer = optional(word(0, "producer")?, "producer")?.map(NodeId);
            let topic = unescape(word(1, "topic")?)?;
            let partition = optional(word(2, "partition")?, "partition")?;
            (Action::Produce { producer, topic, partition, key, value: unescape(word(4, "value")?)? }, 5)
        }
        "load" => (
            Action::Load {
                producer: optional(word(0, "producer")?, "producer")?.map(NodeId),
                topic: unescape(word(1, "topic")?)?,
                records_per_second: parse(word(2, "rate")?, "rate")?,
                size_bytes: parse(word(3, "size")?, "size")?,
                keys: parse(word(4, "number of keys")?, "number of keys")?,
            },
            5,
        ),
        "create-topic" => {
            let mut configs = Vec::new();
            for config in words.iter().skip(3) {
                let (key, value) = config.split_once('=').ok_or("has a configuration without =")?;
                configs.push((unescape(key)?, unescape(value)?));
            }
            let topic = unescape(word(0, "topic")?)?;
            let partitions = parse(word(1, "partitions")?, "number of partitions")?;
            let replication_factor = parse(word(2, "replication factor")?, "replication factor")?;
            (Action::CreateTopic { topic, partitions, replication_factor, configs }, usize::MAX)
        }
        _ => return Err("begins with a verb this lab does not know".into()),
    };
    most(action.1)?;
    Ok(action.0)
}

/// Percent-encodes all but letters, digits, `-`, `_`, `.` and `,`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.,".contains(&byte) {
            escaped.push(byte as char);
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

fn unescape(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            // Browsers encode some characters of their own accord, so any byte that stands for itself is fine.
            bytes.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| (b as char).to_digit(16));
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err("has a % that is not followed by two hexadecimal digits".into());
        };
        bytes.push((high * 16 + low) as u8);
    }
    String::from_utf8(bytes).map_err(|_| "has text that is not UTF-8".into())
}

/// Four hexadecimal digits of CRC-32C: enough to notice what mail programs and thumbs do to links.
fn check_digits(text: &str) -> String {
    format!("{:04x}", crc32c::crc32c(text.as_bytes()) & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::OffsetReset, id::TopicPartition};

    fn every_action() -> Vec<Action> {
        let (a, b) = (NodeId(1), NodeId(101));
        let topic = "orders".to_string();
        let at = TopicPartition::new("my-orders", 3);
        let tell = |command| Action::TellConsumer { consumer: a, command };
        vec![
            Action::Kill { node: a },
            Action::Stop { node: a },
            Action::Start { node: a },
            Action::Pause { node: a },
            Action::Resume { node: a },
            Action::PowerLoss { node: b },
            Action::AddConsumer { consumer: None },
            Action::AddConsumer { consumer: Some(b) },
            Action::RemoveConsumer { consumer: b },
            tell(ConsumerCommand::Processing { ms: 250 }),
            tell(ConsumerCommand::Seek { partition: at.clone(), to: OffsetReset::Offset(7) }),
            tell(ConsumerCommand::Seek { partition: at.clone(), to: OffsetReset::Earliest }),
            tell(ConsumerCommand::PausePartition { partition: at.clone() }),
            tell(ConsumerCommand::ResumePartition { partition: at }),
            Action::Cut { a, b, one_way: false },
            Action::Cut { a, b, one_way: true },
            Action::Slow { a, b, ms: 250 },
            Action::Heal,
            Action::Reset { a, b },
            Action::DiskFull { node: a, full: true },
            Action::DiskFull { node: a, full: false },
            Action::Produce { producer: None, topic: topic.clone(), partition: None, key: None, value: "x".into() },
            Action::Produce {
                producer: Some(NodeId(1002)),
                topic: topic.clone(),
                partition: Some(2),
                key: Some(String::new()),
                value: "a:b/c~d %\u{e9}\u{1f600}".into(),
            },
            Action::Load { producer: None, topic: topic.clone(), records_per_second: 9, size_bytes: 100, keys: 3 },
            Action::CreateTopic {
                topic,
                partitions: 3,
                replication_factor: 2,
                configs: vec![("min.insync.replicas".into(), "2".into()), ("a=b".into(), ":".into())],
            },
        ]
    }

    fn session() -> Session {
        let actions = every_action().into_iter().enumerate().map(|(i, a)| (Time(i as u64 * 1_000_001), a)).collect();
        Session { scenario: "three-brokers,linger=100".into(), seed: u64::MAX, actions, cursor: Time(12_500_000) }
    }

    /// A link whose check digits fit, so that the error comes from what is inside.
    fn sealed(text: &str) -> String {
        format!("{text}~{}", check_digits(text))
    }

    #[test]
    fn a_link_reads_back_and_needs_no_escaping_in_an_address() {
        let session = session();
        let link = session.to_link();
        assert_eq!(Session::from_link(&link), Ok(session));
        assert!(link.bytes().all(|b| b.is_ascii_alphanumeric() || b"/:~%-_.,=".contains(&b)), "{link}");
    }

    #[test]
    fn every_cut_and_every_flip_of_a_link_is_noticed() {
        let link = session().to_link();
        for end in 0..link.len() {
            assert!(Session::from_link(&link[..end]).is_err(), "cut at {end}");
        }
        for i in 0..link.len() {
            let mut bytes = link.clone().into_bytes();
            bytes[i] ^= 1;
            if let Ok(text) = String::from_utf8(bytes) {
                assert!(Session::from_link(&text).is_err(), "flipped at {i}");
            }
        }
    }

    #[test]
    fn each_kind_of_broken_link_has_its_own_sentence() {
        let cases = [
            ("", "the link is empty"),
            ("hello", "of version \"hello\""),
            ("2/sandbox/1/c0", "of version \"2\""),
            ("1/sandbox/1/c0~0000", "check digits"),
            (&sealed("1"), "ends before its scenario"),
            (&sealed("1/sandbox"), "ends before its seed"),
            (&sealed("1/sandbox/7"), "ends before its cursor"),
            (&sealed("1/sandbox/x/c0"), "seed \"x\" is not a number"),
            (&sealed("1/atlantis/1/c0"), "no scenario \"atlantis\""),
            (&sealed("1/sandbox/1/c0/kill"), "has no time"),
            (&sealed("1/sandbox/1/c0/5:kill"), "lacks its node"),
            (&sealed("1/sandbox/1/c0/5:kill:x"), "where a node belongs"),
            (&sealed("1/sandbox/1/c0/5:kill:1:2"), "says more than"),
            (&sealed("1/sandbox/1/c0/5:explode:1"), "verb this lab does not know"),
            (&sealed("1/sandbox/1/c0/5:cut:1:2:twice"), "only one-way may stand"),
            (&sealed("1/sandbox/1/c0/5:kill:1/4:kill:2"), "comes before"),
            (&sealed("1/sandbox/1/c0/5:produce::orders:::%zz"), "two hexadecimal digits"),
            (&sealed("1/sandbox/1/c0/5:produce::orders:::%ff"), "not UTF-8"),
        ];
        for (link, sentence) in cases {
            let error = Session::from_link(link).expect_err(link).to_string();
            assert!(error.contains(sentence), "{link}: {error}");
        }
    }

    #[test]
    fn random_text_never_panics() {
        let mut rng = fastrand::Rng::with_seed(3);
        let words =
            ["1", "sandbox", "/", ":", "~", "%", "c0", "kill", "\u{e9}", "produce", "=", "999999999999999999999"];
        for _ in 0..20_000 {
            let text: String = (0..rng.usize(0..12)).map(|_| words[rng.usize(0..words.len())]).collect();
            let _ = Session::from_link(&text);
            let _ = Session::from_link(&sealed(&format!("1/sandbox/1/c0/{text}")));
        }
    }
}
