//! DescribeTransactions and ListTransactions where nobody has begun a transaction: the lab has none yet, and answers as
//! Kafka does before the first (KIP-664, KIP-994; Kafka: `TransactionCoordinator.handleDescribeTransactions`,
//! `TransactionStateManager.listTransactionStates`).

use std::collections::BTreeSet;

use super::{Broker, Reply};
use crate::{
    authorize::{Operation, Resource, authorize},
    seam::Ctx,
    wire::{
        describe_transactions::{DescribeTransactionsRequest, DescribeTransactionsResponse, TransactionState},
        error::ErrorCode,
        list_transactions::{ListTransactionsRequest, ListTransactionsResponse},
    },
};

/// Kafka: `TransactionState`.
const STATES: [&str; 8] = [
    "Empty",
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "Dead",
    "PrepareEpochFence",
];

impl Broker {
    pub(super) fn describe_transactions(&mut self, ctx: &mut Ctx, reply: &Reply, request: DescribeTransactionsRequest) {
        let principal = self.principal(reply.conn);
        let describe = |transactional_id: String| {
            let resource = Resource::TransactionalId(&transactional_id);
            let error = if !authorize(&principal, Operation::Describe, resource) {
                ErrorCode::TransactionalIdAuthorizationFailed
            } else if transactional_id.is_empty() {
                ErrorCode::InvalidRequest
            } else {
                // No broker is, as long as there is no topic for their state.
                ErrorCode::NotCoordinator
            };
            TransactionState { error_code: error.code(), transactional_id, ..Default::default() }
        };
        let transaction_states = request.transactional_ids.into_iter().map(describe).collect();
        let response = DescribeTransactionsResponse { transaction_states, ..Default::default() };
        self.conns.answer::<DescribeTransactionsRequest>(ctx, reply, &response);
    }

    pub(super) fn list_transactions(&mut self, ctx: &mut Ctx, reply: &Reply, request: ListTransactionsRequest) {
        let mut seen = BTreeSet::new();
        let unknown = |state: &String| !STATES.contains(&state.as_str()) && seen.insert(state.clone());
        let unknown_state_filters = request.state_filters.into_iter().filter(unknown).collect();
        let response = ListTransactionsResponse { unknown_state_filters, ..Default::default() };
        self.conns.answer::<ListTransactionsRequest>(ctx, reply, &response);
    }
}
