//! What each library is asked to do, and whether what came of it is what was asked for. What was written is read back by
//! the library itself and by `kafka-lab consume`, which shares no code with it.

use std::{collections::BTreeMap, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::program::Answer;
use crate::{lab, peers::cluster::Cluster};

/// A column of a table.
pub struct Step {
    pub name: &'static str,
    pub what: What,
}

pub enum What {
    Create,
    AutoCreate,
    Write(Records, Write),
    Group,
    Since,
    Configs,
    Groups,
    Delete,
    BadName,
}

/// Settings of a producer; what is `None` is left at the library's default.
#[derive(Clone, Copy, Default)]
pub struct Write {
    pub idempotence: Option<bool>,
    pub codec: Option<&'static str>,
    pub acks: Option<&'static str>,
}

#[derive(Clone, Copy)]
pub enum Records {
    Plain,
    Keyed,
    Headers,
    /// A null value with a key.
    Tombstone,
    /// Empty key, value and header, and a header without value.
    Empty,
    Text,
    Packed,
    Large,
}

const PARTITIONS: usize = 3;
/// What a request with acks=0 needs at most to be in the log.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// One library on one cluster.
pub struct Stage<'a> {
    pub cluster: &'a Cluster,
    pub binary: &'a Path,
    /// Names of its topics and groups begin so.
    pub prefix: String,
    pub ask: &'a mut dyn FnMut(Value) -> Answer,
}

impl Stage<'_> {
    /// `Ok` holds what the library answered to the command that decides; an error is an answer that is not right.
    pub fn play(&mut self, step: &Step) -> Result<Answer> {
        let topic = format!("{}-{}", self.prefix, step.name.replace([' ', '='], "-"));
        match step.what {
            What::Create => self.create(&topic),
            What::AutoCreate => self.write(&topic, Records::Plain, Write::default()),
            What::Write(records, write) => {
                self.cluster.create_topic(self.binary, &topic, PARTITIONS)?;
                self.write(&topic, records, write)
            }
            What::Group => self.group(&topic),
            What::Since => self.since(&topic),
            What::Configs => self.configs(&topic),
            What::Groups => self.groups(),
            What::Delete => self.delete(&topic),
            What::BadName => self.bad_name(),
        }
    }

    fn create(&mut self, topic: &str) -> Result<Answer> {
        let answer = (self.ask)(json!({ "do": "create", "topic": topic, "partitions": PARTITIONS }));
        if let Answer::Done(done) = &answer {
            ensure!(done["partitions"] == PARTITIONS, "described with {} partitions", done["partitions"]);
        }
        Ok(answer)
    }

    fn write(&mut self, topic: &str, records: Records, write: Write) -> Result<Answer> {
        let records = records.make();
        let mut command = json!({ "do": "write", "topic": topic, "records": records });
        if let Some(on) = write.idempotence {
            command["idempotence"] = json!(on);
        }
        for (name, value) in [("codec", write.codec), ("acks", write.acks)] {
            if let Some(value) = value {
                command[name] = json!(value);
            }
        }
        let answer = (self.ask)(command);
        if !matches!(answer, Answer::Done(_)) {
            return Ok(answer);
        }
        self.is_written(topic, &records).context("kafka-lab consume")?;
        let read = (self.ask)(json!({ "do": "read", "topic": topic, "count": records.len() }));
        if let Answer::Done(read) = &read {
            same(&records, &read["records"]).context("read back")?;
        }
        Ok(read)
    }

    /// Reads the topic to its end without the library: all records, once each, those of one key in order.
    fn is_written(&self, topic: &str, records: &[Value]) -> Result<()> {
        let mut found = Vec::new();
        lab::poll(UNACKNOWLEDGED, || {
            found = self.consume(topic).ok()?;
            (found.len() >= records.len()).then_some(())
        });
        same(records, &json!(found))?;
        let mut values: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for one in found.iter().filter(|one| !one["key"].is_null()) {
            values.entry(json!([one["key"], one["partition"]]).to_string()).or_default().push(&one["value"]);
        }
        for (place, values) in values {
            // Some spread even keyed records over partitions, so each partition holds some of those written, in order.
            let mut written = records.iter().map(|one| &one["value"]);
            let in_order = values.into_iter().all(|value| written.any(|one| one == value));
            ensure!(in_order, "records of key and partition {place} are not in order");
        }
        Ok(())
    }

    fn consume(&self, topic: &str) -> Result<Vec<Value>> {
        let out = Command::new(self.binary)
            .args(["consume", topic, "--exit", "--json", "--bootstrap", self.cluster.first()])
            .output()?;
        ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// Reads in a group, then again what was written since: the group goes on where its committed offsets are.
    fn group(&mut self, topic: &str) -> Result<Answer> {
        self.cluster.create_topic(self.binary, topic, PARTITIONS)?;
        let mut answer = Answer::Done(Value::Null);
        for records in [Records::Keyed, Records::Text] {
            let records = records.make();
            answer = (self.ask)(json!({ "do": "write", "topic": topic, "records": records }));
            if !matches!(answer, Answer::Done(_)) {
                return Ok(answer);
            }
            let group = format!("{}-group", self.prefix);
            answer = (self.ask)(json!({ "do": "group", "topic": topic, "group": group, "count": records.len() }));
            match &answer {
                Answer::Done(read) => same(&records, &read["records"])?,
                _ => return Ok(answer),
            }
        }
        Ok(answer)
    }

    /// Reads from a time on.
    fn since(&mut self, topic: &str) -> Result<Answer> {
        self.cluster.create_topic(self.binary, topic, 1)?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() as i64;
        // An hour between them; none is in the future or older than a topic keeps.
        let time = |hours: i64| now - hours * 3_600_000;
        let records: Vec<Value> = (1..=4)
            .rev()
            .map(|hours| json!({ "key": "k", "value": format!("{hours} h ago"), "headers": [], "timestamp": time(hours) }))
            .collect();
        let answer = (self.ask)(json!({ "do": "write", "topic": topic, "records": records }));
        if !matches!(answer, Answer::Done(_)) {
            return Ok(answer);
        }
        // With acks=1 they are told before they are committed, and only what is committed is found by its time.
        self.is_written(topic, &records).context("kafka-lab consume")?;
        let answer = (self.ask)(json!({ "do": "read", "topic": topic, "since": time(2) - 1, "count": 2 }));
        if let Answer::Done(read) = &answer {
            same(&records[2..], &read["records"])?;
        }
        Ok(answer)
    }

    fn configs(&mut self, topic: &str) -> Result<Answer> {
        self.cluster.create_topic(self.binary, topic, 1)?;
        let answer = (self.ask)(json!({ "do": "configs", "topic": topic }));
        if let Answer::Done(done) = &answer {
            let retention = &done["configs"]["retention.ms"];
            ensure!(retention == "604800000", "retention.ms is {retention}");
        }
        Ok(answer)
    }

    fn groups(&mut self) -> Result<Answer> {
        let group = format!("{}-group", self.prefix);
        let answer = (self.ask)(json!({ "do": "groups" }));
        if let Answer::Done(done) = &answer {
            let listed = done["groups"].as_array().is_some_and(|groups| groups.iter().any(|found| *found == group));
            ensure!(listed, "{group} is not listed");
        }
        Ok(answer)
    }

    fn delete(&mut self, topic: &str) -> Result<Answer> {
        self.cluster.create_topic(self.binary, topic, 1)?;
        let answer = (self.ask)(json!({ "do": "delete", "topic": topic }));
        if let Answer::Done(_) = &answer {
            let gone = lab::poll(Duration::from_secs(10), || {
                let topics = self.cluster.topics(self.binary).ok()?;
                (!topics.iter().any(|found| found == topic)).then_some(())
            });
            ensure!(gone.is_some(), "it is still there");
        }
        Ok(answer)
    }

    /// Kafka allows letters, digits and `._-` of ASCII only.
    fn bad_name(&mut self) -> Result<Answer> {
        match (self.ask)(json!({ "do": "create", "topic": "ключ", "partitions": 1 })) {
            Answer::Failed(why) if why.starts_with("hangs") => Ok(Answer::Failed(why)),
            Answer::Failed(why) => Ok(Answer::Done(json!(why))),
            Answer::Done(_) => Ok(Answer::Failed("was created".into())),
            lacks => Ok(lacks),
        }
    }
}

impl Records {
    fn make(self) -> Vec<Value> {
        let one = |key: Value, value: Value, headers: Value| json!({ "key": key, "value": value, "headers": headers });
        let many = |count: usize, value: &dyn Fn(usize) -> String| {
            (0..count)
                .map(|i| one(json!(format!("k{}", i % 7)), json!(value(i)), json!([["same", "for all"]])))
                .collect()
        };
        match self {
            Self::Plain => (0..5).map(|i| one(Value::Null, json!(format!("plain {i}")), json!([]))).collect(),
            Self::Keyed => {
                (0..10).map(|i| one(json!(format!("k{}", i % 4)), json!(format!("{i}")), json!([]))).collect()
            }
            Self::Headers => (0..3)
                .map(|i| one(json!("k"), json!(format!("{i}")), json!([["trace", "1"], ["zwei", format!("ü{i}")]])))
                .collect(),
            Self::Tombstone => vec![
                one(json!("gone"), json!("was here"), json!([])),
                one(json!("gone"), Value::Null, json!([])),
                one(Value::Null, json!("stays"), json!([])),
            ],
            Self::Empty => vec![one(json!(""), json!(""), json!([["empty", ""], ["", "unnamed"]]))],
            Self::Text => vec![one(json!("ключ"), json!("☕ значение\n\0"), json!([["鍵", "値"]]))],
            Self::Packed => many(50, &|i| format!("{i} ").repeat(100 + i)),
            Self::Large => {
                let mut records = many(500, &|i| format!("{i:04} ").repeat(200));
                records.push(one(json!("k0"), json!("large ".repeat(100_000)), json!([])));
                records
            }
        }
    }
}

/// The same records, in any order.
fn same(wanted: &[Value], found: &Value) -> Result<()> {
    let text = |record: &Value| json!([record["key"], record["value"], record["headers"]]).to_string();
    let mut wanted: Vec<String> = wanted.iter().map(text).collect();
    let mut found: Vec<String> = found.as_array().context("no records")?.iter().map(text).collect();
    wanted.sort();
    found.sort();
    ensure!(found.len() == wanted.len(), "{} records instead of {}", found.len(), wanted.len());
    for (wanted, found) in wanted.iter().zip(&found) {
        ensure!(wanted == found, "{} instead of {}", shortened(found), shortened(wanted));
    }
    Ok(())
}

fn shortened(text: &str) -> String {
    text.chars().take(120).collect()
}
