//! Long work as pure functions of owned input, so that `handle` never stalls and heartbeats always go out.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    log::validator::{RecordRules, ValidBatch, validate},
    replica::validate::Refusal,
};

/// The closed list of long work. The simulator runs it inline and charges modelled time; native runs it on a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Job {
    /// Unpack the records of each batch, check them as `LogValidator` does, and pack them anew if the topic wants it.
    ValidateBatches { batches: Vec<(Bytes, RecordRules)> },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobResult {
    /// For each batch, what may be appended.
    Validated(Vec<Result<ValidBatch, Refusal>>),
}

impl Job {
    /// Does the work.
    pub fn run(&self) -> JobResult {
        match self {
            Self::ValidateBatches { batches } => JobResult::Validated(
                batches.iter().map(|(bytes, rules)| validate(bytes, rules).map_err(Refusal::from)).collect(),
            ),
        }
    }

    /// Bytes to be worked through: what the simulator charges time for.
    pub fn size(&self) -> usize {
        match self {
            Self::ValidateBatches { batches } => batches.iter().map(|(bytes, _)| bytes.len()).sum(),
        }
    }
}
