//! Producer, consumer and admin as machines over real frames. The page's simulator and the command line drive the same
//! ones: a driver hands them [`crate::seam::Input`]s and collects results from their pull queues.

mod config;
mod settings;

mod links;
mod metadata;

mod accumulator;
mod partitioner;
mod producer;

mod group;

mod consumer;

mod admin;

pub use admin::Admin;
pub use config::{Acks, AdminConfig, ConsumerConfig, OffsetReset, ProducerConfig};
pub use consumer::{ApplicationConfig, Consumer, ConsumerCommand, FetchedRecord, OffsetCommits};
pub use group::OffsetCommitCounts;
pub use partitioner::{murmur2, partition_for_key};
pub use producer::{Delivery, Producer, Record, SendError};
pub use settings::CONSUMER_SETTINGS;
