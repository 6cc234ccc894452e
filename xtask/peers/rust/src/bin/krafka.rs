//! The crate krafka. See ../../../README.md.

use std::{env::args, time::Duration};

use krafka::{
    Compression, Kafka, Record,
    admin::{AdminClient, ConfigResource, NewTopic},
    consumer::{AutoOffsetReset, Consumer, ConsumerRecord},
    producer::Acks,
};
use peers::{Answer, Failed, count, headers, records, serve, text};
use serde_json::{Value, json};

const VERSION: &str = "0.28.1";

#[tokio::main]
async fn main() {
    serve("krafka", VERSION, answer).await;
}

async fn answer(what: &str, command: &Value) -> Answer {
    let topic = text(command, "topic");
    let kafka = Kafka::builder(args().nth(1).unwrap_or_default()).allow_auto_create_topics(true).connect().await?;
    let admin = || kafka.admin();
    match what {
        "create" => create(&admin(), topic, command["partitions"].as_i64().unwrap_or(1) as i32).await,
        "write" => write(&kafka, topic, command).await,
        "read" => read(&kafka, topic, count(command), command["since"].as_i64()).await,
        "group" => group(&kafka, topic, text(command, "group"), count(command)).await,
        "configs" => configs(&admin(), topic).await,
        "groups" => groups(&admin()).await,
        "delete" => delete(&admin(), topic).await,
        _ => Err(Failed::Lacks("the program does not know this command")),
    }
}

async fn create(admin: &AdminClient, topic: &str, partitions: i32) -> Answer {
    for (_, done) in admin.create_topics([NewTopic::new(topic, partitions, -1)?], Default::default()).await? {
        done?;
    }
    let mut found = 0;
    for (_, described) in admin.describe_topics([topic], Default::default()).await? {
        found = described?.partitions.len();
    }
    Ok(json!({ "partitions": found }))
}

async fn write(kafka: &Kafka, topic: &str, command: &Value) -> Answer {
    let mut producer = kafka.producer();
    if let Some(codec) = command["codec"].as_str() {
        producer = producer.compression(match codec {
            "gzip" => Compression::Gzip,
            "snappy" => Compression::Snappy,
            "lz4" => Compression::Lz4,
            _ => Compression::Zstd,
        });
    }
    if let Some(acks) = command["acks"].as_str() {
        producer = producer.acks(match acks {
            "0" => Acks::None,
            "1" => Acks::Leader,
            _ => Acks::All,
        });
    }
    if let Some(on) = command["idempotence"].as_bool() {
        producer = producer.idempotent(on);
    }
    let producer = producer.build().await?;
    let mut sent = Vec::new();
    for one in records(command) {
        let mut record = Record::new(topic, one["value"].as_str().unwrap_or_default().to_owned());
        if one["value"].is_null() {
            record = record.without_value();
        }
        if let Some(key) = one["key"].as_str() {
            record = record.key(key.to_owned());
        }
        for (name, value) in headers(one) {
            record = match value {
                Some(value) => record.header(name, value.to_owned()),
                None => record.null_header(name),
            };
        }
        if let Some(timestamp) = one["timestamp"].as_i64() {
            record = record.timestamp(timestamp);
        }
        sent.push(producer.enqueue(record).await?);
    }
    for delivery in sent {
        let _ = delivery.await?;
    }
    producer.close().await?;
    Ok(json!({}))
}

async fn read(kafka: &Kafka, topic: &str, count: usize, since: Option<i64>) -> Answer {
    let consumer = kafka.consumer_without_group().auto_offset_reset(AutoOffsetReset::Earliest).build().await?;
    let found = consumer.offsets_for_times_for_topic(topic, since.unwrap_or(-2)).await?;
    consumer.assign(topic, found.keys().copied().collect()).await?;
    for (partition, offset) in found {
        match offset? {
            ..0 => consumer.seek_to_end(topic, partition).await?,
            offset => consumer.seek(topic, partition, offset).await?,
        }
    }
    let taken = take(&consumer, count).await?;
    consumer.close().await?;
    Ok(taken)
}

async fn group(kafka: &Kafka, topic: &str, group: &str, count: usize) -> Answer {
    let consumer = kafka.consumer(group).auto_offset_reset(AutoOffsetReset::Earliest).build().await?;
    consumer.subscribe([topic]).await?;
    let taken = take(&consumer, count).await?;
    consumer.commit().await?;
    consumer.close().await?;
    Ok(taken)
}

async fn take(consumer: &Consumer, count: usize) -> Answer {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.extend(consumer.poll(Duration::from_secs(1)).await?.iter().map(record));
    }
    Ok(json!({ "records": taken }))
}

fn record(record: &ConsumerRecord) -> Value {
    let headers = record.headers.iter().map(|(name, value)| (&**name, value.as_deref()));
    peers::read(record.key.as_deref(), record.value.as_deref(), headers)
}

async fn configs(admin: &AdminClient, topic: &str) -> Answer {
    let mut configs = serde_json::Map::new();
    for (_, found) in admin.describe_configs([ConfigResource::topic(topic)], Default::default()).await? {
        for entry in found? {
            configs.insert(entry.name, json!(entry.value));
        }
    }
    Ok(json!({ "configs": configs }))
}

async fn groups(admin: &AdminClient) -> Answer {
    let mut groups = Vec::new();
    for (_, found) in admin.list_consumer_groups(Default::default()).await? {
        groups.extend(found?.into_iter().map(|group| group.group_id));
    }
    Ok(json!({ "groups": groups }))
}

async fn delete(admin: &AdminClient, topic: &str) -> Answer {
    for (_, done) in admin.delete_topics([topic], Default::default()).await? {
        done?;
    }
    Ok(json!({}))
}
