//! AllocateProducerIds (key 67): brokers get producer ids in blocks (KIP-730; Kafka: `ProducerIdControlManager`).

use super::{
    api::{Command, Decision, State},
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    id::NodeId,
    wire::{
        allocate_producer_ids::{AllocateProducerIdsRequest, AllocateProducerIdsResponse},
        error::ErrorCode,
        metadata_records::ProducerIdsRecord,
    },
};

/// Kafka: `ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`.
const BLOCK: i64 = 1000;

impl Command for AllocateProducerIdsRequest {
    const OF_USERS: bool = false;

    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.authorize(Operation::ClusterAction, Resource::Cluster) {
            return self.refuse(ErrorCode::ClusterAuthorizationFailed).into();
        }
        if let Err(error) = state.check_broker_epoch(NodeId(self.broker_id), self.broker_epoch) {
            return self.refuse(error).into();
        }
        let first = state.image.next_producer_id();
        let Some(next_producer_id) = first.checked_add(BLOCK) else {
            return self.refuse(ErrorCode::UnknownServerError).into();
        };
        let mut batch = Batch::default();
        batch.push(ProducerIdsRecord { broker_id: self.broker_id, broker_epoch: self.broker_epoch, next_producer_id });
        let response = AllocateProducerIdsResponse {
            producer_id_start: first,
            producer_id_len: BLOCK as i32,
            ..Default::default()
        };
        Decision { batch, response }
    }

    fn refuse(&self, error: ErrorCode) -> AllocateProducerIdsResponse {
        AllocateProducerIdsResponse { error_code: error.code(), ..Default::default() }
    }
}
