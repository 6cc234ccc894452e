//! Long work as pure functions of owned input, so that `handle` never stalls and heartbeats always go out.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    replica::validate::{self, RecordRules, Refusal},
    wire::{batch::Batch, error::ErrorCode},
};

/// The closed list of long work. The simulator runs it inline and charges modelled time; native runs it on a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Job {
    /// Decompress the records of each batch and check them as `LogValidator` does.
    ValidateBatches { batches: Vec<(Bytes, RecordRules)> },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobResult {
    /// For each batch, whether it may be appended.
    Validated(Vec<Result<(), Refusal>>),
}

impl Job {
    /// Does the work.
    pub fn run(&self) -> JobResult {
        match self {
            Self::ValidateBatches { batches } => JobResult::Validated(
                batches
                    .iter()
                    .map(|(bytes, rules)| match Batch::parse(bytes) {
                        Ok(batch) => validate::validate_records(&batch, rules),
                        Err(error) => Err(Refusal::new(ErrorCode::CorruptMessage, error.to_string())),
                    })
                    .collect(),
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
