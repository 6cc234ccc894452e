//! The log of one partition: segments of record batches, their indexes, leader epochs and producer state.
//!
//! Every file has the name and the format of Apache Kafka's, so that its tools read ours. The same log serves topics
//! and `__cluster_metadata`. Offsets are those of records; a position is a byte in a segment file.

// What callers use.
pub mod checkpoint;
mod config;
mod error;
mod partition_log;
pub mod validator;

// What a log is made of.
mod epoch_cache;
mod index;
mod offset_index;
mod producer_state;
mod scan;
mod segment;
mod tail;
mod time_index;

// What happens to it.
mod append;
mod read;
mod recovery;
mod retention;
mod truncate;

pub use self::{
    append::Appended,
    config::LogConfig,
    epoch_cache::EpochCache,
    error::{AppendError, LookupError, ReadError},
    partition_log::{Flush, Log},
    producer_state::{BatchMetadata, ProducerEntry, ProducerStates},
    read::{Fetched, TimestampOffset},
    recovery::{OpenFrom, Recovery},
    validator::{RecordRules, ValidBatch},
};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
