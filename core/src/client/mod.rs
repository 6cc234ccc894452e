//! Producer, consumer and admin as machines over real frames. The page's simulator and the command line drive the same
//! ones: a driver hands them [`crate::seam::Input`]s and collects results from their pull queues.

mod admin;
mod config;
mod consumer;
mod producer;

pub use admin::Admin;
pub use config::{Acks, AdminConfig, ConsumerConfig, OffsetReset, ProducerConfig};
pub use consumer::{Consumer, FetchedRecord};
pub use producer::{Delivery, Producer, Record, SendError};
