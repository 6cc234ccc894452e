//! A consumer with assigned partitions (`KafkaConsumer.assign`, `Fetcher`, `OffsetFetcher`).

use bytes::Bytes;

use super::ConsumerConfig;
use crate::{
    id::TopicPartition,
    seam::{Ctx, Input, Machine, Time},
    view::ConsumerView,
};

/// One record read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedRecord {
    pub partition: TopicPartition,
    pub offset: i64,
    pub leader_epoch: i32,
    /// Unix milliseconds.
    pub timestamp: i64,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<(String, Option<Bytes>)>,
}

#[derive(Clone, Debug)]
pub struct Consumer {
    config: ConsumerConfig,
}

impl Consumer {
    pub fn start(config: ConsumerConfig, _ctx: &mut Ctx<'_>) -> Self {
        Self { config }
    }

    /// Records read since the last call, in offset order within a partition.
    pub fn take_records(&mut self) -> Vec<FetchedRecord> {
        Vec::new()
    }

    /// Whether every assigned partition was read up to the high watermark of its last answer.
    pub fn at_end(&self) -> bool {
        false
    }

    pub fn view(&self) -> ConsumerView {
        ConsumerView { id: self.config.id, name: self.config.name.clone(), ..Default::default() }
    }
}

impl Machine for Consumer {
    fn handle(&mut self, _ctx: &mut Ctx<'_>, _input: Input) {
        unimplemented!("lands next")
    }

    fn deadline(&self) -> Option<Time> {
        None
    }
}
