//! `produce`: records from standard input, by core's own producer.

use std::io::{BufRead, IsTerminal};

use bytes::Bytes;
use clap::Args;
use lab_core::client::{Acks, Delivery, ProducerConfig, Record};
use serde_json::json;

use super::{Bootstrap, duration_ms, print};
use crate::{
    clients::{self, RunningProducer},
    failure::{Failure, Outcome, While},
};

#[derive(Debug, Args)]
pub(super) struct ProduceArgs {
    topic: String,
    /// Partition [default: chosen by the key, as Kafka's producer does]
    #[arg(long)]
    partition: Option<i32>,
    /// Key of every record
    #[arg(long)]
    key: Option<String>,
    /// Text between key and value of each line
    #[arg(long, value_name = "TEXT", conflicts_with = "key")]
    key_separator: Option<String>,
    /// One record with this value, instead of standard input
    #[arg(long)]
    value: Option<String>,
    /// 0, 1 or all
    #[arg(long, default_value = "all", value_parser = acks)]
    acks: Acks,
    /// Give a record up when it is not stored within this time
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = duration_ms)]
    timeout: u64,
    #[command(flatten)]
    bootstrap: Bootstrap,
    /// Print each batch that was stored
    #[arg(long)]
    json: bool,
}

pub(super) fn acks(text: &str) -> Result<Acks, String> {
    Acks::parse(text).ok_or_else(|| "0, 1 or all is wanted".into())
}

pub(super) fn run(args: &ProduceArgs) -> Outcome {
    clients::block_on(async {
        let config = ProducerConfig {
            name: "kafka-lab-produce".into(),
            acks: args.acks,
            // Without acknowledgement by all there is nothing to be idempotent with (KIP-98).
            enable_idempotence: args.acks == Acks::All,
            delivery_timeout_ms: args.timeout,
            request_timeout_ms: args.timeout.min(10_000),
            ..ProducerConfig::default()
        };
        let producer = RunningProducer::start(&args.bootstrap.address(), config)?;
        let mut stored = 0;
        let mut take = |deliveries: Vec<Delivery>| -> Outcome {
            for delivery in &deliveries {
                if args.json {
                    let offset = delivery.result.as_ref().ok();
                    let error = delivery.result.as_ref().err();
                    print::json(&json!({
                        "topic": delivery.partition.topic, "partition": delivery.partition.partition,
                        "base_offset": offset, "records": delivery.handles.len(), "error": error,
                    }));
                }
                stored += delivery.handles.len();
            }
            clients::check(&deliveries)
        };
        match &args.value {
            Some(value) => take(producer.send(record(args, value)?).await?)?,
            None => {
                let stdin = std::io::stdin();
                if stdin.is_terminal() {
                    eprintln!("one record a line, end with Ctrl-D");
                }
                for line in stdin.lock().lines() {
                    let line = line.doing(|| "cannot read standard input".into())?;
                    take(producer.send(record(args, &line)?).await?)?;
                    tokio::task::yield_now().await;
                    take(producer.deliveries())?;
                }
            }
        }
        let rest = producer.flush().await;
        let why = producer.last_error();
        take(rest).map_err(|failure| match why {
            Some(why) => failure.next(format!("The last error was: {why}")),
            None => failure,
        })?;
        if !args.json {
            eprintln!("{stored} record(s) stored");
        }
        Ok(())
    })
}

fn record(args: &ProduceArgs, line: &str) -> Outcome<Record> {
    let (key, value) = match &args.key_separator {
        Some(separator) => match line.split_once(separator.as_str()) {
            Some((key, value)) => (Some(key.to_owned()), value),
            None => return Err(Failure::new(format!("this line has no {separator:?} between key and value: {line}"))),
        },
        None => (args.key.clone(), line),
    };
    Ok(Record {
        topic: args.topic.clone(),
        partition: args.partition,
        key: key.map(Bytes::from),
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        ..Record::default()
    })
}
