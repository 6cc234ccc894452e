//! The idempotent producer (`KafkaProducer`, `Sender`, `RecordAccumulator`, `TransactionManager`).

use bytes::Bytes;

use super::ProducerConfig;
use crate::{
    id::TopicPartition,
    seam::{Ctx, Input, Machine, Time},
    view::ProducerView,
};

/// One record to send. Key and value are bytes; `None` is Kafka's null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub topic: String,
    /// Chosen by the partitioner when missing.
    pub partition: Option<i32>,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Unix milliseconds; the time of the call when missing.
    pub timestamp: Option<i64>,
}

/// Why a record was not taken into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("the producer's buffer (buffer.memory) is full: wait until something was acknowledged")]
    BufferFull,
    #[error("the record is larger than max.request.size")]
    RecordTooLarge,
}

/// What became of a batch: one is reported for every batch, exactly once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub partition: TopicPartition,
    /// Of each record in order: the number that [`Producer::send`] returned.
    pub handles: Vec<u64>,
    /// The offset of the first record (-1: stored, offset unknown), or Kafka's error code.
    pub result: Result<i64, i16>,
    /// -1 when not idempotent.
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
}

#[derive(Clone, Debug)]
pub struct Producer {
    config: ProducerConfig,
}

impl Producer {
    pub fn start(config: ProducerConfig, _ctx: &mut Ctx<'_>) -> Self {
        Self { config }
    }

    /// Buffers one record and returns its handle: 0, 1, 2, ... in the order of the calls. What is due is sent at the
    /// next input or deadline: a driver asks [`Machine::deadline`] again after this.
    pub fn send(&mut self, _ctx: &mut Ctx<'_>, _record: Record) -> Result<u64, SendError> {
        unimplemented!("lands next")
    }

    /// Batches that were acknowledged or gave up since the last call, in the order it happened.
    pub fn take_deliveries(&mut self) -> Vec<Delivery> {
        Vec::new()
    }

    /// Records buffered or in flight.
    pub fn waiting(&self) -> u64 {
        0
    }

    pub fn view(&self) -> ProducerView {
        ProducerView { id: self.config.id, name: self.config.name.clone(), ..Default::default() }
    }
}

impl Machine for Producer {
    fn handle(&mut self, _ctx: &mut Ctx<'_>, _input: Input) {
        unimplemented!("lands next")
    }

    fn deadline(&self) -> Option<Time> {
        None
    }
}
