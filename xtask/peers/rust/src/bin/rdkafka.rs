//! The crate rdkafka (librdkafka). See ../../../README.md.

use std::{env::args, time::Duration};

use peers::{Answer, Failed, count, headers, records, serve, text};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer, StreamConsumer},
    message::{BorrowedMessage, Header, Headers, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Map, Value, json};

const WAIT: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() {
    let version = format!("0.39.0 (librdkafka {})", rdkafka::util::get_rdkafka_version().1);
    serve("rdkafka (crate)", &version, answer).await;
}

async fn answer(what: &str, command: &Value) -> Answer {
    let topic = text(command, "topic");
    match what {
        "create" => create(topic, command["partitions"].as_i64().unwrap_or(1) as i32).await,
        "write" => write(topic, command).await,
        "read" => read(topic, count(command), command["since"].as_i64()).await,
        "group" => group(topic, text(command, "group"), count(command)).await,
        "configs" => configs(topic).await,
        "groups" => groups().await,
        "delete" => delete(topic).await,
        _ => Err(Failed::Lacks("the program does not know this command")),
    }
}

fn config() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", args().nth(1).unwrap_or_default());
    config
}

async fn create(topic: &str, partitions: i32) -> Answer {
    let admin: AdminClient<DefaultClientContext> = config().create()?;
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(-1));
    for done in admin.create_topics([&new], &AdminOptions::new()).await? {
        done.map_err(|(topic, error)| format!("{topic}: {error}"))?;
    }
    let metadata = admin.inner().fetch_metadata(Some(topic), WAIT)?;
    Ok(json!({ "partitions": metadata.topics()[0].partitions().len() }))
}

async fn write(topic: &str, command: &Value) -> Answer {
    let mut config = config();
    for (ours, theirs) in [("codec", "compression.type"), ("acks", "acks")] {
        if let Some(value) = command[ours].as_str() {
            config.set(theirs, value);
        }
    }
    if let Some(on) = command["idempotence"].as_bool() {
        config.set("enable.idempotence", on.to_string());
    }
    let producer: FutureProducer = config.create()?;
    let mut sent = Vec::new();
    for one in records(command) {
        let mut with = OwnedHeaders::new();
        for (key, value) in headers(one) {
            with = with.insert(Header { key, value });
        }
        let mut record = FutureRecord::<str, str>::to(topic).headers(with);
        (record.key, record.payload, record.timestamp) =
            (one["key"].as_str(), one["value"].as_str(), one["timestamp"].as_i64());
        sent.push(producer.send_result(record).map_err(|(error, _)| error)?);
    }
    for delivery in sent {
        delivery.await?.map_err(|(error, _)| error)?;
    }
    Ok(json!({}))
}

fn record(message: &BorrowedMessage) -> Value {
    let headers = message.headers().into_iter().flat_map(|all| all.iter()).map(|header| (header.key, header.value));
    peers::read(message.key(), message.payload(), headers)
}

async fn read(topic: &str, count: usize, since: Option<i64>) -> Answer {
    let mut config = config();
    config.set("group.id", "unused").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create()?;
    let metadata = consumer.fetch_metadata(Some(topic), WAIT)?;
    let mut from = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        from.add_partition_offset(topic, partition.id(), since.map_or(Offset::Beginning, Offset::Offset))?;
    }
    if since.is_some() {
        from = consumer.offsets_for_times(from, WAIT)?;
    }
    consumer.assign(&from)?;
    let mut taken = Vec::new();
    while taken.len() < count {
        if let Some(message) = consumer.poll(Duration::from_secs(1)) {
            taken.push(record(&message?));
        }
    }
    Ok(json!({ "records": taken }))
}

async fn group(topic: &str, group: &str, count: usize) -> Answer {
    let mut config = config();
    config.set("group.id", group).set("auto.offset.reset", "earliest");
    let consumer: StreamConsumer = config.create()?;
    consumer.subscribe(&[topic])?;
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.push(record(&consumer.recv().await?));
    }
    consumer.commit_consumer_state(CommitMode::Sync)?;
    Ok(json!({ "records": taken }))
}

async fn configs(topic: &str) -> Answer {
    let admin: AdminClient<DefaultClientContext> = config().create()?;
    let mut configs = Map::new();
    for found in admin.describe_configs([&ResourceSpecifier::Topic(topic)], &AdminOptions::new()).await? {
        for entry in found?.entries {
            configs.insert(entry.name, json!(entry.value));
        }
    }
    Ok(json!({ "configs": configs }))
}

async fn groups() -> Answer {
    let consumer: BaseConsumer = config().create()?;
    let found = consumer.fetch_group_list(None, WAIT)?;
    let groups: Vec<_> = found.groups().iter().map(|group| group.name()).collect();
    Ok(json!({ "groups": groups }))
}

async fn delete(topic: &str) -> Answer {
    let admin: AdminClient<DefaultClientContext> = config().create()?;
    for done in admin.delete_topics(&[topic], &AdminOptions::new()).await? {
        done.map_err(|(topic, error)| format!("{topic}: {error}"))?;
    }
    Ok(json!({}))
}
