//! `consume`: records to standard output, by core's own consumer.

use std::io::Write;

use clap::Args;
use lab_core::{
    client::{ConsumerConfig, FetchedRecord, OffsetReset},
    id::TopicPartition,
};
use serde_json::json;
use tokio::time::{Duration, Instant};

use super::Bootstrap;
use crate::{
    admin::{Client, refused},
    clients::{self, RunningConsumer},
    failure::{Failure, Outcome, While},
};

/// Nothing came and something is wrong for this long: give up.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Args)]
pub(super) struct ConsumeArgs {
    topic: String,
    /// Share the topic with the other members of this group, from its committed offsets on
    #[arg(long, value_name = "GROUP", conflicts_with = "partition")]
    group: Option<String>,
    /// These partitions only
    #[arg(long)]
    partition: Vec<i32>,
    /// Where to start: earliest, latest, an offset, or @ and a timestamp in Unix milliseconds
    #[arg(long, default_value = "earliest", value_parser = offset)]
    from: OffsetReset,
    /// Stop after so many records
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Stop at the end instead of waiting for more
    #[arg(long)]
    exit: bool,
    #[command(flatten)]
    bootstrap: Bootstrap,
    /// One JSON object a record
    #[arg(long)]
    json: bool,
}

pub(super) fn offset(text: &str) -> Result<OffsetReset, String> {
    let number = |text: &str| text.parse::<i64>().ok().filter(|n| *n >= 0);
    match text {
        "earliest" => Ok(OffsetReset::Earliest),
        "latest" => Ok(OffsetReset::Latest),
        text => match text.strip_prefix('@') {
            Some(time) => number(time).map(OffsetReset::Timestamp),
            None => number(text).map(OffsetReset::Offset),
        }
        .ok_or_else(|| "earliest, latest, an offset, or @ and Unix milliseconds is wanted".into()),
    }
}

/// A topic or partition that is not there is better said than waited for.
pub(super) fn require(bootstrap: &str, topic: &str, partitions: &[i32]) -> Outcome {
    let name = topic.to_owned();
    let metadata = Client::connect(bootstrap)?.metadata(Some(std::slice::from_ref(&name)))?;
    for found in &metadata.topics {
        if found.error_code != 0 {
            return Err(refused(&format!("cannot read topic {topic}"), found.error_code, None)
                .next("`kafka-lab topics list` names the topics there are."));
        }
        let missing = partitions.iter().find(|p| !found.partitions.iter().any(|q| q.partition_index == **p));
        if let Some(missing) = missing {
            return Err(Failure::new(format!("topic {topic} has no partition {missing}")));
        }
    }
    Ok(())
}

pub(super) fn run(args: &ConsumeArgs) -> Outcome {
    let bootstrap = args.bootstrap.address();
    require(&bootstrap, &args.topic, &args.partition)?;
    clients::block_on(async {
        let all = args.partition.is_empty();
        let config = ConsumerConfig {
            name: "kafka-lab-consume".into(),
            group_id: args.group.clone(),
            topics: if all { vec![args.topic.clone()] } else { Vec::new() },
            partitions: args.partition.iter().map(|p| TopicPartition::new(args.topic.as_str(), *p)).collect(),
            auto_offset_reset: args.from,
            ..ConsumerConfig::default()
        };
        let consumer = RunningConsumer::start(&bootstrap, config)?;
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut left = args.count.unwrap_or(u64::MAX);
        let mut good = Instant::now();
        while left > 0 {
            // Asked first: what arrives in between is taken below.
            let at_end = consumer.at_end();
            // All before it has been written.
            if let Some(why) = consumer.unreadable() {
                out.flush().doing(|| "cannot write".into())?;
                return Err(Failure::new(why).next("`--from` with an offset behind it goes on there."));
            }
            let records = consumer.poll().await;
            if records.is_empty() {
                out.flush().doing(|| "cannot write".into())?;
                if args.exit && at_end {
                    break;
                }
                match consumer.last_error() {
                    Some(error) if good.elapsed() > PATIENCE => return Err(Failure::new(error)),
                    Some(_) => {}
                    None => good = Instant::now(),
                }
                continue;
            }
            good = Instant::now();
            for record in records.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
                left -= 1;
                if let Err(error) = write(&mut out, &record, args.json) {
                    // `consume | head` has read enough.
                    return if error.kind() == std::io::ErrorKind::BrokenPipe {
                        Ok(())
                    } else {
                        Err(error).doing(|| "cannot write".into())
                    };
                }
            }
        }
        out.flush().doing(|| "cannot write".into())?;
        consumer.close().await;
        Ok(())
    })
}

fn write(out: &mut impl Write, record: &FetchedRecord, as_json: bool) -> std::io::Result<()> {
    if !as_json {
        out.write_all(record.value.as_deref().unwrap_or_default())?;
        return out.write_all(b"\n");
    }
    let text = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let headers: Vec<_> = record.headers.iter().map(|(name, value)| json!([name, text(value)])).collect();
    let line = json!({
        "topic": record.partition.topic, "partition": record.partition.partition, "offset": record.offset,
        "timestamp": record.timestamp, "leader_epoch": record.leader_epoch,
        "key": text(&record.key), "value": text(&record.value), "headers": headers,
    });
    writeln!(out, "{line}")
}
