//! Core's own producer and consumer over real sockets: the machines that the page simulates, driven by the same driver.

use std::time::Duration;

use bytes::Bytes;
use lab_core::{
    client::{
        Consumer, ConsumerCommand, ConsumerConfig, Delivery, FetchedRecord, Producer, ProducerConfig, Record, SendError,
    },
    id::{Command, NodeId},
    job::JobResult,
    seam::{Ctx, Input, Machine, Numbering, Outbox},
    trace::Event,
    view::{ConsumerView, ProducerView},
    wire::error::ErrorCode,
};
use tokio::{
    runtime::Builder,
    task::LocalSet,
    time::{Instant, timeout},
};

use crate::{
    admin,
    clock::Clock,
    driver::{Driver, Limits, NoFiles},
    failure::{Failure, Outcome, While},
    node::random_u64,
};

/// Pull queues are looked at this often although nothing happened.
const LOOK: Duration = Duration::from_millis(20);

/// How long a consumer that ends waits for its coordinator.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Runs `body` on an event loop of its own.
pub fn block_on<T>(body: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = Builder::new_current_thread().enable_all().build().doing(|| "cannot start an event loop".into())?;
    LocalSet::new().block_on(&runtime, body)
}

fn drive<M: Machine + 'static>(
    id: NodeId,
    clock: Clock,
    outbox: Outbox,
    start: impl FnOnce(&mut Ctx<'_>) -> M,
) -> Driver<M, NoFiles> {
    let limits = Limits { frame_max: 512 << 20, ..Limits::default() };
    let no_jobs = |_| -> JobResult { unreachable!("clients ask for no jobs") };
    let started =
        Driver::start(id, NoFiles, outbox, clock, limits, no_jobs, |ctx| Ok::<_, std::convert::Infallible>(start(ctx)));
    started.unwrap_or_else(|never| match never {})
}

/// A producer that is running.
pub struct RunningProducer(Driver<Producer, NoFiles>);

impl RunningProducer {
    pub fn start(bootstrap: &str, config: ProducerConfig) -> Outcome<Self> {
        let outbox = Outbox::new(config.id, 0, false);
        Self::open(bootstrap, config, Clock::start(), outbox)
    }

    /// One that tells what it does ([`Self::take_events`]), in the time of `clock`.
    pub fn traced(bootstrap: &str, config: ProducerConfig, clock: Clock) -> Outcome<Self> {
        let outbox = Outbox::new(config.id, 0, true);
        Self::open(bootstrap, config, clock, outbox)
    }

    fn open(bootstrap: &str, config: ProducerConfig, clock: Clock, outbox: Outbox) -> Outcome<Self> {
        let bootstrap = admin::endpoints(bootstrap)?;
        let config = ProducerConfig { bootstrap, seed: random_u64(), ..config };
        Ok(Self(drive(config.id, clock, outbox, |ctx| Producer::start(config, ctx))))
    }

    pub fn take_events(&self) -> Vec<Event> {
        self.0.take_events()
    }

    pub fn view(&self) -> ProducerView {
        self.0.read(|producer, _, _| producer.view())
    }

    /// Hands over one record, waiting while the buffer is full. Deliveries that come meanwhile are returned.
    pub async fn send(&self, record: Record) -> Outcome<Vec<Delivery>> {
        let mut deliveries = Vec::new();
        loop {
            match self.0.with(|producer, ctx| producer.send(ctx, record.clone())) {
                Ok(_) => break,
                Err(SendError::BufferFull) => {
                    deliveries.extend(self.deliveries());
                    self.stirred().await;
                }
                Err(error) => return Err(Failure::new(error.to_string())),
            }
        }
        Ok(deliveries)
    }

    pub fn deliveries(&self) -> Vec<Delivery> {
        self.0.with(|producer, _| producer.take_deliveries())
    }

    /// Sends what is buffered and waits until all is acknowledged or given up.
    pub async fn flush(&self) -> Vec<Delivery> {
        self.begin_flush();
        let mut deliveries = self.deliveries();
        while self.waiting() > 0 {
            self.stirred().await;
            deliveries.extend(self.deliveries());
        }
        deliveries.extend(self.deliveries());
        deliveries
    }

    /// Sends what is buffered, without waiting.
    pub fn begin_flush(&self) {
        self.0.step(Input::Command(Command::Flush));
    }

    /// Records that are buffered or under way.
    pub fn waiting(&self) -> u64 {
        self.0.read(|producer, _, _| producer.waiting())
    }

    /// Waits until something has happened, or a moment.
    pub async fn stirred(&self) {
        let _ = timeout(LOOK, self.0.stirred()).await;
    }

    /// What goes wrong now, if anything: "cannot connect to ...".
    pub fn last_error(&self) -> Option<String> {
        self.0.read(|producer, _, _| producer.view().last_error)
    }
}

/// A consumer that is running.
pub struct RunningConsumer(Driver<Consumer, NoFiles>);

impl RunningConsumer {
    pub fn start(bootstrap: &str, config: ConsumerConfig) -> Outcome<Self> {
        let outbox = Outbox::new(config.id, 0, false);
        Self::open(bootstrap, config, Clock::start(), outbox)
    }

    /// One that tells what it does ([`Self::take_events`]), in the time of `clock`. Its events are counted on from
    /// `numbering`: another one with its id may have told of some.
    pub fn traced(bootstrap: &str, config: ConsumerConfig, clock: Clock, numbering: Numbering) -> Outcome<Self> {
        let mut outbox = Outbox::resume(config.id, numbering);
        outbox.set_tracing(true);
        Self::open(bootstrap, config, clock, outbox)
    }

    fn open(bootstrap: &str, config: ConsumerConfig, clock: Clock, outbox: Outbox) -> Outcome<Self> {
        let bootstrap = admin::endpoints(bootstrap)?;
        let config = ConsumerConfig { bootstrap, seed: random_u64(), ..config };
        Ok(Self(drive(config.id, clock, outbox, |ctx| Consumer::start(config, ctx))))
    }

    pub fn take_events(&self) -> Vec<Event> {
        self.0.take_events()
    }

    pub fn view(&self) -> ConsumerView {
        self.0.read(|consumer, _, _| consumer.view())
    }

    /// Records that have come, without waiting.
    pub fn take_records(&self) -> Vec<FetchedRecord> {
        self.0.with(|consumer, _| consumer.take_records())
    }

    /// Waits a moment for records; empty when none came.
    pub async fn poll(&self) -> Vec<FetchedRecord> {
        let records = self.0.with(|consumer, ctx| consumer.poll(ctx));
        if records.is_empty() {
            self.stirred().await;
            return self.0.with(|consumer, ctx| consumer.poll(ctx));
        }
        records
    }

    /// Waits until something has happened, or a moment.
    pub async fn stirred(&self) {
        let _ = timeout(LOOK, self.0.stirred()).await;
    }

    /// Every assigned partition was read to its high watermark.
    pub fn at_end(&self) -> bool {
        self.0.read(|consumer, _, _| consumer.at_end())
    }

    pub fn last_error(&self) -> Option<String> {
        self.0.read(|consumer, _, _| consumer.view().last_error)
    }

    /// What stands where it reads next cannot be read, and why.
    pub fn unreadable(&self) -> Option<String> {
        self.0.read(|consumer, _, _| consumer.unreadable())
    }

    /// Tells the application of a consumer that has one of its own.
    pub fn tell(&self, command: ConsumerCommand) {
        self.0.step(Input::Command(Command::Consumer(command)));
    }

    /// Commits and leaves the group, if it is in one; gives up when nobody answers in time.
    pub async fn close(&self) {
        self.begin_close();
        let until = Instant::now() + CLOSE_WITHIN;
        while !self.is_closed() && Instant::now() < until {
            self.stirred().await;
        }
    }

    /// As [`Self::close`], without waiting.
    pub fn begin_close(&self) {
        self.0.step(Input::Shutdown);
    }

    pub fn is_closed(&self) -> bool {
        self.0.read(|consumer, _, _| consumer.is_closed())
    }

    /// Ends it as SIGKILL ends a process: its sockets close, and its group is told nothing. Says how far its events were
    /// counted.
    pub fn kill(self) -> Numbering {
        self.0.kill();
        self.0.numbering()
    }
}

/// The first delivery that failed, as a failure.
pub fn check(deliveries: &[Delivery]) -> Outcome {
    for delivery in deliveries {
        if let Err(code) = delivery.result {
            let code = ErrorCode::from_code(code);
            let count = delivery.handles.len();
            return Err(Failure::new(format!(
                "{count} record(s) for {} were not stored: {} ({})",
                delivery.partition,
                code.name(),
                code.message()
            )));
        }
    }
    Ok(())
}

/// Sends one record and waits for its acknowledgement.
pub fn produce_one(
    bootstrap: &str,
    topic: &str,
    partition: Option<i32>,
    key: Option<String>,
    value: String,
) -> Outcome {
    block_on(async {
        let config = ProducerConfig {
            name: "kafka-lab".into(),
            linger_ms: 0,
            delivery_timeout_ms: 15_000,
            ..Default::default()
        };
        let producer = RunningProducer::start(bootstrap, config)?;
        let record = Record {
            topic: topic.into(),
            partition,
            key: key.map(Bytes::from),
            value: Some(value.into()),
            ..Record::default()
        };
        let mut deliveries = producer.send(record).await?;
        deliveries.extend(producer.flush().await);
        check(&deliveries)
    })
}
