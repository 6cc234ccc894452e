//! `perf produce|consume|e2e`: load from core's own clients, with throughput and percentiles of latency.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use bytes::Bytes;
use clap::{Args, Subcommand};
use hdrhistogram::Histogram;
use lab_core::client::{Acks, ConsumerConfig, Delivery, OffsetReset, ProducerConfig, Record};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Bootstrap, consume, print, produce};
use crate::{
    clients::{self, RunningConsumer, RunningProducer},
    failure::{Failure, Outcome},
};

/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(1);
/// Records handed over before the sockets get a turn.
const TURN: u64 = 256;
/// Nothing came for this long: what was asked for is not there.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Subcommand)]
pub(super) enum PerfCommand {
    /// Write records as fast as they are taken, or at a rate
    Produce(ProduceArgs),
    /// Read records as fast as they come
    Consume(ConsumeArgs),
    /// Write one record at a time and wait until it is read
    E2e(E2eArgs),
}

#[derive(Debug, Args)]
pub(super) struct Load {
    /// An existing topic
    topic: String,
    /// Number of records
    #[arg(long, default_value_t = 100_000)]
    records: u64,
    #[command(flatten)]
    bootstrap: Bootstrap,
    /// End with one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ProduceArgs {
    #[command(flatten)]
    load: Load,
    /// Size of each value in bytes
    #[arg(long, default_value_t = 100)]
    size: usize,
    /// Records a second [default: as fast as they are taken]
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// So many different keys [default: no keys]
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "N")]
    keys: u64,
    /// 0, 1 or all
    #[arg(long, default_value = "all", value_parser = produce::acks)]
    acks: Acks,
    /// linger.ms
    #[arg(long, default_value_t = 5, value_name = "MS")]
    linger: u64,
    /// batch.size
    #[arg(long, default_value_t = 16_384, value_name = "BYTES")]
    batch_size: usize,
}

#[derive(Debug, Args)]
pub(super) struct ConsumeArgs {
    #[command(flatten)]
    load: Load,
    /// Where to start: earliest, latest, an offset, or @ and a timestamp in Unix milliseconds
    #[arg(long, default_value = "earliest", value_parser = consume::offset)]
    from: OffsetReset,
}

#[derive(Debug, Args)]
pub(super) struct E2eArgs {
    #[command(flatten)]
    load: Load,
    /// Size of each value in bytes
    #[arg(long, default_value_t = 100)]
    size: usize,
    /// 1 or all
    #[arg(long, default_value = "all", value_parser = produce::acks)]
    acks: Acks,
}

pub(super) fn run(command: PerfCommand) -> Outcome {
    let load = match &command {
        PerfCommand::Produce(args) => &args.load,
        PerfCommand::Consume(args) => &args.load,
        PerfCommand::E2e(args) => &args.load,
    };
    if load.records == 0 {
        return Err(Failure::usage("--records 0 measures nothing: at least 1 is wanted"));
    }
    consume::require(&load.bootstrap.address(), &load.topic, &[])?;
    clients::block_on(async {
        match &command {
            PerfCommand::Produce(args) => produce(args).await,
            PerfCommand::Consume(args) => consume(args).await,
            PerfCommand::E2e(args) => end_to_end(args).await,
        }
    })
}

/// What is counted while it runs.
struct Meter {
    began: Instant,
    records: u64,
    bytes: u64,
    /// Microseconds; whole run and since the last line.
    latency: Histogram<u64>,
    recent: Histogram<u64>,
    told_at: Instant,
    told_records: u64,
    told_bytes: u64,
    quiet: bool,
}

impl Meter {
    fn new(quiet: bool) -> Self {
        let now = Instant::now();
        // Up to an hour: what takes longer is an hour.
        let empty = || Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("these bounds are allowed");
        Self {
            began: now,
            records: 0,
            bytes: 0,
            latency: empty(),
            recent: empty(),
            told_at: now,
            told_records: 0,
            told_bytes: 0,
            quiet,
        }
    }

    fn took(&mut self, latency: Duration) {
        let micros = latency.as_micros() as u64;
        self.latency.saturating_record(micros);
        self.recent.saturating_record(micros);
    }

    fn progress(&mut self) {
        let elapsed = self.told_at.elapsed();
        if elapsed < PROGRESS {
            return;
        }
        if !self.quiet {
            let (records, bytes) = (self.records - self.told_records, self.bytes - self.told_bytes);
            let seconds = elapsed.as_secs_f64();
            let mut line = format!(
                "{:>10} records, {:>9.0} records/s, {:>7.2} MB/s",
                self.records,
                records as f64 / seconds,
                bytes as f64 / seconds / 1e6
            );
            if !self.recent.is_empty() {
                line += &format!(", p50 {} ms, max {} ms", ms(&self.recent, 50.0), ms(&self.recent, 100.0));
            }
            eprintln!("{line}");
        }
        self.recent.reset();
        (self.told_at, self.told_records, self.told_bytes) = (Instant::now(), self.records, self.bytes);
    }

    fn finish(&self, what: &str, as_json: bool) {
        let seconds = self.began.elapsed().as_secs_f64();
        let (records, megabytes) = (self.records as f64 / seconds, self.bytes as f64 / seconds / 1e6);
        let shown = [50.0, 95.0, 99.0, 99.9, 100.0];
        if as_json {
            let latency: Value = if self.latency.is_empty() {
                Value::Null
            } else {
                let at = |p: f64| self.latency.value_at_percentile(p) as f64 / 1000.0;
                json!({ "mean": self.latency.mean() / 1000.0, "p50": at(50.0), "p95": at(95.0), "p99": at(99.0),
                        "p99_9": at(99.9), "max": self.latency.max() as f64 / 1000.0 })
            };
            print::json(&json!({
                "test": what, "records": self.records, "bytes": self.bytes, "seconds": seconds,
                "records_per_second": records, "mb_per_second": megabytes, "latency_ms": latency,
            }));
            return;
        }
        println!("{} records in {seconds:.2} s: {records:.0} records/s, {megabytes:.2} MB/s", self.records);
        if !self.latency.is_empty() {
            let names = ["p50", "p95", "p99", "p99.9", "max"];
            let values = names.iter().zip(shown).map(|(name, p)| format!("{name} {} ms", ms(&self.latency, p)));
            println!("latency: {}", values.collect::<Vec<_>>().join(", "));
        }
    }
}

fn ms(histogram: &Histogram<u64>, percentile: f64) -> String {
    format!("{:.2}", histogram.value_at_percentile(percentile) as f64 / 1000.0)
}

/// A value of letters that differ, so that compression has something to do.
fn value(size: usize, n: u64) -> Bytes {
    (0..size as u64).map(|i| b'a' + ((i * 7 + n * 13 + i * n) % 26) as u8).collect()
}

fn producer_config(acks: Acks) -> ProducerConfig {
    ProducerConfig {
        name: "kafka-lab-perf".into(),
        acks,
        // Without acknowledgement by all there is nothing to be idempotent with (KIP-98).
        enable_idempotence: acks == Acks::All,
        ..ProducerConfig::default()
    }
}

async fn produce(args: &ProduceArgs) -> Outcome {
    let config = ProducerConfig { linger_ms: args.linger, batch_size: args.batch_size, ..producer_config(args.acks) };
    let producer = RunningProducer::start(&args.load.bootstrap.address(), config)?;
    let values: Vec<Bytes> = (0..16).map(|n| value(args.size, n)).collect();
    let mut meter = Meter::new(args.load.json);
    // When the record of each handle was handed over; handles count from 0.
    let mut sent_at: VecDeque<Option<Instant>> = VecDeque::new();
    let mut first = 0;
    let mut take = |meter: &mut Meter, sent_at: &mut VecDeque<Option<Instant>>, deliveries: Vec<Delivery>| -> Outcome {
        let now = Instant::now();
        for handle in deliveries.iter().flat_map(|delivery| &delivery.handles) {
            if let Some(at) = sent_at.get_mut((handle - first) as usize).and_then(Option::take) {
                meter.took(now - at);
                meter.records += 1;
                meter.bytes += args.size as u64;
            }
        }
        while sent_at.front().is_some_and(Option::is_none) {
            sent_at.pop_front();
            first += 1;
        }
        clients::check(&deliveries)
    };
    for n in 0..args.load.records {
        if let Some(rate) = args.rate {
            let due = meter.began + Duration::from_nanos(n.saturating_mul(1_000_000_000) / u64::from(rate.max(1)));
            if due > Instant::now() {
                // Answers come meanwhile.
                while timeout(due.saturating_duration_since(Instant::now()), producer.stirred()).await.is_ok() {
                    take(&mut meter, &mut sent_at, producer.deliveries())?;
                }
            }
        }
        let key = (args.keys > 0).then(|| Bytes::from(format!("key-{}", n % args.keys)));
        let value = Some(values[(n % 16) as usize].clone());
        let record = Record { topic: args.load.topic.clone(), key, value, ..Record::default() };
        sent_at.push_back(Some(Instant::now()));
        let deliveries = producer.send(record).await?;
        take(&mut meter, &mut sent_at, deliveries)?;
        if n % TURN == TURN - 1 {
            tokio::task::yield_now().await;
            take(&mut meter, &mut sent_at, producer.deliveries())?;
            meter.progress();
        }
    }
    producer.begin_flush();
    while producer.waiting() > 0 {
        producer.stirred().await;
        take(&mut meter, &mut sent_at, producer.deliveries())?;
        meter.progress();
    }
    take(&mut meter, &mut sent_at, producer.deliveries())?;
    meter.finish("produce", args.load.json);
    Ok(())
}

fn consumer(load: &Load, from: OffsetReset) -> Outcome<RunningConsumer> {
    let config = ConsumerConfig {
        name: "kafka-lab-perf".into(),
        topics: vec![load.topic.clone()],
        auto_offset_reset: from,
        max_buffered_records: 50_000,
        ..ConsumerConfig::default()
    };
    RunningConsumer::start(&load.bootstrap.address(), config)
}

async fn consume(args: &ConsumeArgs) -> Outcome {
    let consumer = consumer(&args.load, args.from)?;
    let mut meter = Meter::new(args.load.json);
    let mut good = Instant::now();
    while meter.records < args.load.records {
        let records = consumer.poll().await;
        if records.is_empty() && good.elapsed() > PATIENCE {
            let why = consumer.last_error().unwrap_or_else(|| "there are no more".into());
            return Err(Failure::new(format!("{} of {} records came: {why}", meter.records, args.load.records))
                .next("Ask for fewer with --records, or write more with `kafka-lab perf produce`."));
        }
        if !records.is_empty() {
            good = Instant::now();
        }
        for record in &records {
            meter.records += 1;
            let len = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len) as u64;
            meter.bytes += len(&record.key) + len(&record.value);
        }
        meter.progress();
    }
    meter.finish("consume", args.load.json);
    Ok(())
}

async fn end_to_end(args: &E2eArgs) -> Outcome {
    let config = ProducerConfig { linger_ms: 0, ..producer_config(args.acks) };
    let producer = RunningProducer::start(&args.load.bootstrap.address(), config)?;
    let consumer = consumer(&args.load, OffsetReset::Latest)?;
    // The consumer has to know its end before there is something behind it.
    let ready = Instant::now();
    while !consumer.at_end() {
        consumer.stirred().await;
        if ready.elapsed() > PATIENCE {
            let why = consumer.last_error().unwrap_or_else(|| "no leader answers".into());
            return Err(Failure::new(format!("the consumer finds no end of {}: {why}", args.load.topic)));
        }
    }
    let mut meter = Meter::new(args.load.json);
    for n in 0..args.load.records {
        let value = Bytes::from([&n.to_be_bytes()[..], &value(args.size.saturating_sub(8), n)].concat());
        let at = Instant::now();
        let record = Record { topic: args.load.topic.clone(), value: Some(value.clone()), ..Record::default() };
        clients::check(&producer.send(record).await?)?;
        producer.begin_flush();
        let read = async {
            // Others may write to the topic too.
            while !consumer.poll().await.iter().any(|record| record.value.as_ref() == Some(&value)) {
                clients::check(&producer.deliveries())?;
            }
            Ok(())
        };
        match timeout(PATIENCE, read).await {
            Ok(read) => read?,
            Err(_) => return Err(Failure::new(format!("record {n} was not read within {} s", PATIENCE.as_secs()))),
        }
        meter.took(at.elapsed());
        meter.records += 1;
        meter.bytes += value.len() as u64;
        meter.progress();
    }
    meter.finish("e2e", args.load.json);
    Ok(())
}
