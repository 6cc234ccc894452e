//! Long work as pure functions of owned input, so that `handle` never stalls and heartbeats always go out.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The closed list of long work. The simulator runs it inline and charges modelled time; native runs it on a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Job {
    /// Decompress the records of each batch and check them as `LogValidator` does.
    ValidateBatches { batches: Vec<Bytes> },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobResult {
    /// For each batch, `Ok` or the Kafka error code and a sentence.
    Validated(Vec<Result<(), (i16, String)>>),
}
