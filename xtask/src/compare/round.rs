//! A round: topics, producers and groups of names of its own, made alike on both clusters; requests one after the other;
//! what was made is put away again.

use anyhow::Result;
use serde_json::json;

use super::{
    batch::Batch,
    draw::TOPICS,
    names::{self, PREFIX},
    pair::{Outcome, Pair},
    request::Request,
    value::Value,
};

/// Names a topic of the round.
fn of_round(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// Makes the state over which requests are drawn (see `draw`): topics `a` with two partitions and records, `b` whose
/// first records are deleted, `c` that is compacted, `t` with the broker's times, `x` and `y` to be deleted; two
/// producers; the group `g` with a member, and `e` that only has offsets.
pub fn prepare(pair: &mut Pair, barrier: &mut Barrier) -> Result<()> {
    let topic = |name: &str| {
        let configs = match name {
            "c" => json!([{ "Name": "cleanup.policy", "Value": "compact" }]),
            "t" => json!([{ "Name": "message.timestamp.type", "Value": "LogAppendTime" }]),
            _ => json!([]),
        };
        let partitions = if name == "a" { 2 } else { 1 };
        json!({ "Name": of_round(name), "NumPartitions": partitions, "ReplicationFactor": 1, "Configs": configs })
    };
    let topics: Vec<_> = TOPICS.iter().map(|name| topic(name)).collect();
    pair.must(&pair.request(19, 7, &json!({ "Topics": topics, "timeoutMs": 10_000 })))?;
    barrier.pass(pair)?;
    for _ in 0..2 {
        pair.must(&pair.request(22, 4, &json!({ "TransactionalId": null, "TransactionTimeoutMs": 60_000 })))?;
    }
    let idempotent = Batch { producer_id: names::PRODUCER, producer_epoch: 0, base_sequence: 0, ..Batch::of(2) };
    produce(pair, "a", vec![Batch::of(3)])?;
    produce(pair, "a", vec![idempotent])?;
    for _ in 0..3 {
        produce(pair, "b", vec![Batch::of(1)])?;
    }
    produce(pair, "t", vec![Batch::of(2)])?;
    let partitions = json!([{ "PartitionIndex": 0, "Offset": 2 }]);
    let topics = json!([{ "Name": of_round("b"), "Partitions": partitions }]);
    pair.must(&pair.request(21, 2, &json!({ "Topics": topics, "TimeoutMs": 10_000 })))?;
    groups(pair)
}

fn produce(pair: &mut Pair, topic: &str, batches: Vec<Batch>) -> Result<()> {
    let mut request = pair.request(
        0,
        9,
        &json!({ "Acks": -1, "TimeoutMs": 10_000, "TopicData": [
        { "Name": of_round(topic), "PartitionData": [{ "Index": 0 }] }
    ] }),
    );
    request.body.set_records(&pair.apis[&0].request.fields, &batches);
    pair.must(&request).map(drop)
}

fn groups(pair: &mut Pair) -> Result<()> {
    let subscription = [b"\0\0\0\0\0\x01\0\x0c", PREFIX.as_bytes(), b"a\xff\xff\xff\xff"].concat();
    let join = |member: &str| {
        json!({ "GroupId": of_round("g"), "SessionTimeoutMs": 30_000, "RebalanceTimeoutMs": 3000, "MemberId": member,
            "ProtocolType": "consumer", "Protocols": [{ "Name": "range", "Metadata": subscription }] })
    };
    // The coordinator says which id to join with, once it has loaded.
    for _ in 0..600 {
        let outcome = pair.ask(&pair.request(11, 5, &join("")))?;
        if pair.kafka.names.known()[1] > 0 && pair.lab.names.known()[1] > 0 && outcome.differences.is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let member = format!("{}-{}", super::request::CLIENT_ID, names::member(0));
    pair.must(&pair.request(11, 5, &join(&member)))?;
    pair.must(&pair.request(
        14,
        3,
        &json!({ "GroupId": of_round("g"), "GenerationId": 1, "MemberId": member,
        "Assignments": [{ "MemberId": member, "Assignment": [0, 0, 0, 0, 0, 0, 255, 255, 255, 255] }] }),
    ))?;
    let topics = json!([{ "Name": of_round("a"), "Partitions": [
        { "PartitionIndex": 0, "CommittedOffset": 2, "CommittedMetadata": "m" }] }]);
    for (group, generation, member) in [("g", 1, member.as_str()), ("e", -1, "")] {
        pair.must(&pair.request(
            8,
            7,
            &json!({ "GroupId": of_round(group), "GenerationIdOrMemberEpoch": generation,
            "MemberId": member, "Topics": topics }),
        ))?;
    }
    Ok(())
}

/// Requests after which the broker hears of a change a moment later than it answered.
pub fn settles_later(request: &Request) -> bool {
    matches!(request.key, 3 | 19 | 20 | 30 | 31 | 33 | 37 | 43 | 44 | 45 | 49 | 51)
}

/// A topic of the worker's, whose configuration tells how far a broker is with what the controller decided.
pub struct Barrier {
    topic: String,
    count: i64,
}

impl Barrier {
    pub fn new(pair: &mut Pair, worker: usize) -> Result<Self> {
        let topic = format!("barrier-{worker}");
        let topics = json!([{ "Name": topic, "NumPartitions": 1, "ReplicationFactor": 1 }]);
        pair.must(&pair.request(19, 7, &json!({ "Topics": topics, "timeoutMs": 10_000 })))?;
        let mut barrier = Self { topic, count: 1_000_000 };
        barrier.pass(pair)?;
        Ok(barrier)
    }

    /// Returns when both brokers know all that their controllers had decided.
    pub fn pass(&mut self, pair: &mut Pair) -> Result<()> {
        self.count += 1;
        let value = self.count.to_string();
        let configs = json!([{ "Name": "retention.bytes", "ConfigOperation": 0, "Value": value }]);
        let resource = json!({ "ResourceType": 2, "ResourceName": self.topic, "Configs": configs });
        pair.must(&pair.request(44, 1, &json!({ "Resources": [resource] })))?;
        let keys = json!(["retention.bytes"]);
        let resource = json!({ "ResourceType": 2, "ResourceName": self.topic, "ConfigurationKeys": keys });
        let describe = pair.request(32, 1, &json!({ "Resources": [resource] }));
        let shown = |outcome: &Outcome| {
            let text = |value: &Value| format!("{:?}", value).contains(&format!("{:?}", Value::text(&value_of(self))));
            text(outcome.kafka.body()) && text(outcome.lab.body())
        };
        for _ in 0..2000 {
            if shown(&pair.ask(&describe)?) {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        anyhow::bail!("a configuration is not shown within seconds")
    }
}

fn value_of(barrier: &Barrier) -> String {
    barrier.count.to_string()
}

/// What the requests left behind, asked for in the same words of both.
pub fn look(pair: &Pair) -> Vec<Request> {
    let mut all = Vec::new();
    for name in ["a", "b", "c", "t"] {
        let partitions: Vec<_> = (0..2)
            .map(|n| {
                json!({ "Partition": n, "FetchOffset": if name == "b" { 2 } else { 0 },
            "PartitionMaxBytes": 1 << 20 })
            })
            .collect();
        let topics = json!([{ "Topic": of_round(name), "Partitions": partitions }]);
        all.push(pair.request(1, 11, &json!({ "MaxWaitMs": 0, "Topics": topics })));
        let ends =
            |timestamp: i64| (0..2).map(|n| json!({ "PartitionIndex": n, "Timestamp": timestamp })).collect::<Vec<_>>();
        for timestamp in [-1, -2, -3] {
            let topics = json!([{ "Name": of_round(name), "Partitions": ends(timestamp) }]);
            all.push(pair.request(2, 7, &json!({ "ReplicaId": -1, "Topics": topics })));
        }
    }
    let groups = json!([{ "GroupId": of_round("g"), "Topics": null }, { "GroupId": of_round("e"), "Topics": null }]);
    all.push(pair.request(9, 8, &json!({ "Groups": groups })));
    all.push(pair.request(15, 5, &json!({ "Groups": [of_round("g"), of_round("e")] })));
    all.push(pair.request(3, 12, &json!({ "Topics": null, "AllowAutoTopicCreation": false })));
    all
}

/// Deletes the round's topics and groups, whatever has become of them.
pub fn put_away(pair: &mut Pair) -> Result<()> {
    let listed = pair.ask(&pair.request(3, 12, &json!({ "Topics": null, "AllowAutoTopicCreation": false })))?;
    let mut names = Vec::new();
    for body in [listed.kafka.body(), listed.lab.body()] {
        collect_topics(body, &mut names);
    }
    if !names.is_empty() {
        let topics: Vec<_> = names.iter().map(|name| json!({ "Name": name })).collect();
        pair.ask(&pair.request(20, 6, &json!({ "Topics": topics, "TimeoutMs": 10_000 })))?;
    }
    let members: Vec<_> = (0..pair.kafka.names.known()[1])
        .map(|n| json!({ "MemberId": format!("{}-{}", super::request::CLIENT_ID, names::member(n)) }))
        .collect();
    pair.ask(&pair.request(13, 4, &json!({ "GroupId": of_round("g"), "Members": members })))?;
    let groups: Vec<_> = ["g", "e", "n", "u"].iter().map(|name| of_round(name)).collect();
    pair.ask(&pair.request(42, 2, &json!({ "GroupsNames": groups })))?;
    Ok(())
}

/// Texts anywhere in an answer that begin as this round's topics do.
fn collect_topics(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Text(text) if text.starts_with(PREFIX.as_bytes()) => {
            let name = String::from_utf8_lossy(text).into_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Value::Struct(items) | Value::Array(items) => items.iter().for_each(|item| collect_topics(item, names)),
        _ => {}
    }
}
