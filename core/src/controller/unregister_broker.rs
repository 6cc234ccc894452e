//! UnregisterBroker (key 64): the cluster forgets a broker, which leaves every ISR and ELR (KIP-746; Kafka:
//! `ReplicationControlManager.unregisterBroker`). Its replicas stay in the assignments until they are reassigned. One that
//! is alive is not asked first: its heartbeats are refused from then on, until it is started again and registers.

use super::{
    api::{Command, Decision, State},
    election,
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    id::NodeId,
    wire::{
        error::ErrorCode,
        metadata_records::UnregisterBrokerRecord,
        unregister_broker::{UnregisterBrokerRequest, UnregisterBrokerResponse},
    },
};

impl Command for UnregisterBrokerRequest {
    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.authorize(Operation::Alter, Resource::Cluster) {
            return self.refuse(ErrorCode::ClusterAuthorizationFailed).into();
        }
        let id = NodeId(self.broker_id);
        let Some(broker_epoch) = state.image.broker(id).map(|broker| broker.epoch) else {
            let message = format!("Broker ID {} is not currently registered", self.broker_id);
            let error_code = ErrorCode::BrokerIdNotRegistered.code();
            return UnregisterBrokerResponse { error_code, error_message: Some(message), ..Default::default() }.into();
        };
        let mut batch = Batch::default();
        election::forget(id, state, &mut batch, &format!("broker {id} was unregistered"));
        batch.push(UnregisterBrokerRecord { broker_id: self.broker_id, broker_epoch });
        Decision { batch, response: UnregisterBrokerResponse::default() }
    }

    fn refuse(&self, error: ErrorCode) -> UnregisterBrokerResponse {
        UnregisterBrokerResponse { error_code: error.code(), error_message: None, ..Default::default() }
    }
}
