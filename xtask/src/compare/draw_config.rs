//! Draws configurations: keys from all that Kafka defines, and values right, wrong, and around the bounds of each.

use std::sync::LazyLock;

use fastrand::Rng;

/// Every key of Apache Kafka 4.3.1, read from its jars: `resource | name | type | default | allowed | ...`.
const KEYS: &str = include_str!("../../../core/src/config/keys.txt");

pub struct Key {
    /// `topic`, `broker`, `group` or `client-metrics`.
    pub resource: &'static str,
    pub name: &'static str,
    kind: &'static str,
    default: &'static str,
    allowed: &'static str,
    changes: &'static str,
}

impl Key {
    /// A broker may have it changed while it runs.
    pub fn is_dynamic(&self) -> bool {
        self.resource != "broker" || matches!(self.changes, "cluster-wide" | "per-broker")
    }
}

static TABLE: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let lines = KEYS.lines().filter(|line| !line.starts_with('#'));
    let key = |line: &'static str| match line.split('|').map(str::trim).collect::<Vec<_>>()[..] {
        [resource, name, kind, default, allowed, changes, ..] => {
            Key { resource, name, kind, default, allowed, changes }
        }
        _ => panic!("keys.txt: {line}"),
    };
    lines.map(key).collect()
});

/// A key of that resource, as DescribeConfigs numbers them; seldom one of another.
pub fn name(rng: &mut Rng, resource_type: i64) -> String {
    let resource = match resource_type {
        4 => "broker",
        8 => {
            return pick(rng, &["kafka.server.KafkaApis", "kafka.request.logger", "root", "no.such.logger", ""]).into();
        }
        16 => "client-metrics",
        32 => "group",
        _ => "topic",
    };
    match rng.u8(..20) {
        0 => TABLE[rng.usize(..TABLE.len())].name.into(),
        1 => pick(rng, &["no.such.key", "", " ", "retention.ms ", "Retention.ms"]).into(),
        _ => {
            let of: Vec<&Key> = TABLE.iter().filter(|key| key.resource == resource).collect();
            // Most keys of a broker may only be read, and one such refuses the whole resource.
            let dynamic: Vec<&Key> = of.iter().copied().filter(|key| key.is_dynamic()).collect();
            let of = if rng.u8(..4) == 0 { of } else { dynamic };
            of[rng.usize(..of.len())].name.into()
        }
    }
}

/// A value for that key, more often right than wrong.
pub fn value(rng: &mut Rng, name: &str) -> String {
    if rng.bool()
        && let Some((_, known)) = KNOWN.iter().find(|(known, _)| *known == name)
    {
        return pick(rng, known).into();
    }
    let Some(key) = TABLE.iter().find(|key| key.name == name) else {
        return pick(rng, &["1", "INFO", "DEBUG", "info", "LOUD", ""]).into();
    };
    if rng.u8(..3) == 0 && key.default != "(null)" {
        return key.default.into();
    }
    match key.kind {
        "BOOLEAN" => pick(rng, &["true", "false", "TRUE", "False", " true ", "yes", "", "1"]).into(),
        "SHORT" | "INT" | "LONG" => number(rng, key),
        "DOUBLE" => {
            pick(rng, &["0.5", "0", "1", "1.1", "-0.1", "NaN", ".5", "5e-1", "1d", " 0.5", "Infinity", "", "x"]).into()
        }
        "LIST" => list(rng, key),
        _ => word(rng, key),
    }
}

fn number(rng: &mut Rng, key: &Key) -> String {
    let most = match key.kind {
        "SHORT" => i64::from(i16::MAX),
        "INT" => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    let bounds = key.allowed.split(' ').find_map(|word| word.split_once(".."));
    let bound = |text: &str| text.parse::<i64>().ok();
    let (least, largest) = bounds.map_or((None, None), |(least, largest)| (bound(least), bound(largest)));
    let (least, largest) = (least.unwrap_or(0), largest.unwrap_or(most));
    match rng.u8(..12) {
        0 => least.to_string(),
        1 => (i128::from(least) - 1).to_string(),
        2 => largest.to_string(),
        3 => (i128::from(largest) + 1).to_string(),
        4 => least.saturating_add(rng.i64(1..100)).to_string(),
        5 => (i128::from(most) + 1).to_string(),
        6 => pick(rng, &["", "x", " 5 ", "+5", "007", "1.5", "1e3", "0x10", "1,000", "5L", "\u{665}", "--5", "null"])
            .into(),
        _ => pick(rng, &["0", "1", "-1", "-2", "2", "10", "100", "1000", "60000", "1048576"]).into(),
    }
}

/// The words that the table names, if it names some.
fn words(key: &Key) -> Vec<&'static str> {
    let words = key.allowed.trim_start_matches("one of ").trim_start_matches("list of ");
    let named = words.len() < key.allowed.len();
    if named { words.split(',').collect() } else { vec!["a", "b", "x"] }
}

fn word(rng: &mut Rng, key: &Key) -> String {
    let word = pick(rng, &words(key));
    match rng.u8(..8) {
        0 => word.to_uppercase(),
        1 => format!(" {word}"),
        2 => String::new(),
        3 => format!("{word}x"),
        _ => word.into(),
    }
}

fn list(rng: &mut Rng, key: &Key) -> String {
    let words = words(key);
    let some: Vec<String> = (0..rng.usize(..4)).map(|_| word_of(rng, &words)).collect();
    some.join(pick(rng, &[",", ",", ",", ", ", " , ", ",,"]))
}

fn word_of(rng: &mut Rng, words: &[&str]) -> String {
    let word = pick(rng, words);
    if rng.u8(..10) == 0 { word.to_uppercase() } else { word.into() }
}

fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}

/// Values that mean something to one key alone.
const KNOWN: &[(&str, &[&str])] = &[
    ("retention.ms", &["-1", "1000", "604800000", "-2", "x", "", " 5 ", "9223372036854775808"]),
    ("retention.bytes", &["-1", "1000", "0", "1.5", "0x10"]),
    ("segment.bytes", &["1048576", "14", "0", "-1", "2147483648"]),
    ("segment.ms", &["1", "0", "1000"]),
    ("cleanup.policy", &["delete", "compact", "compact,delete", "delete, compact", "", "none", "delete,delete"]),
    ("compression.type", &["producer", "gzip", "zstd", "lz4", "snappy", "uncompressed", "none", "GZIP"]),
    ("compression.gzip.level", &["1", "9", "0", "10", "-1"]),
    ("compression.lz4.level", &["1", "17", "0", "18"]),
    ("compression.zstd.level", &["3", "22", "23", "-131072", "-131073"]),
    ("min.insync.replicas", &["1", "2", "0", "-1"]),
    ("max.message.bytes", &["1048588", "100", "0", "-1"]),
    ("message.timestamp.type", &["CreateTime", "LogAppendTime", "createtime", ""]),
    ("message.timestamp.before.max.ms", &["9223372036854775807", "1000", "0", "-1"]),
    ("message.timestamp.after.max.ms", &["3600000", "9223372036854775807", "-1"]),
    ("delete.retention.ms", &["0", "86400000", "-1"]),
    ("file.delete.delay.ms", &["0", "60000", "-1"]),
    ("flush.messages", &["1", "0", "9223372036854775807"]),
    ("flush.ms", &["0", "1000", "-1"]),
    ("index.interval.bytes", &["4096", "0", "-1"]),
    ("max.compaction.lag.ms", &["1", "0", "9223372036854775807"]),
    ("min.compaction.lag.ms", &["0", "1", "-1"]),
    ("min.cleanable.dirty.ratio", &["0.5", "0", "1", "1.1", "-0.1", "NaN", ".5", "5e-1"]),
    ("preallocate", &["true", "false", "TRUE", "yes", " true"]),
    ("segment.index.bytes", &["10485760", "4", "3"]),
    ("segment.jitter.ms", &["0", "1", "-1"]),
    ("unclean.leader.election.enable", &["true", "false", "1"]),
    ("remote.storage.enable", &["false", "true"]),
    ("local.retention.ms", &["-2", "1000", "-3"]),
    ("local.retention.bytes", &["-2", "1000"]),
    ("remote.log.copy.disable", &["false"]),
    ("remote.log.delete.on.disable", &["false", "true"]),
    ("leader.replication.throttled.replicas", &["*", "", "0:1", "0:1,1:1", "x", "0:x"]),
    ("follower.replication.throttled.replicas", &["*", "0:1", "0", ":"]),
    ("message.downconversion.enable", &["true"]),
    ("no.such.key", &["1"]),
    ("", &["1"]),
    ("consumer.session.timeout.ms", &["45000", "50000", "1"]),
    ("consumer.heartbeat.interval.ms", &["5000", "6000", "x"]),
    ("metrics", &["org.apache.kafka.producer", "*", ""]),
    ("interval.ms", &["1000", "99", "3600001"]),
    ("match", &["client_id=a", "x=y", "client_id"]),
];
