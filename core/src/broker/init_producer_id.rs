//! InitProducerId: an id for an idempotent producer, from the block the controller gave this broker (KIP-98, KIP-730;
//! Kafka: `RPCProducerIdManager`).

use std::collections::VecDeque;

use super::{Broker, Purpose, Reply, controller_channel::Question};
use crate::{
    seam::{Ctx, Time},
    trace::EventKind,
    wire::{
        allocate_producer_ids::{AllocateProducerIdsRequest, AllocateProducerIdsResponse},
        error::ErrorCode,
        init_producer_id::{InitProducerIdRequest, InitProducerIdResponse},
    },
};

const ALLOCATE_VERSION: i16 = 0;
const RETRY_MS: u64 = 100;
/// `transaction.max.timeout.ms`.
const MAX_TRANSACTION_TIMEOUT_MS: i32 = 900_000;

/// Ids that may be given out, and who waits for one.
#[derive(Clone, Debug, Default)]
pub struct ProducerIds {
    next: i64,
    left: i32,
    waiting: VecDeque<(Reply, Time)>,
    asked: bool,
    retry_at: Option<Time>,
}

impl ProducerIds {
    pub fn deadline(&self) -> Option<Time> {
        self.waiting.front().map(|&(_, deadline)| deadline).into_iter().chain(self.retry_at).min()
    }
}

impl Broker {
    pub(super) fn init_producer_id(&mut self, ctx: &mut Ctx, reply: Reply, request: &InitProducerIdRequest) {
        let half_known = (request.producer_id == -1) != (request.producer_epoch == -1);
        if half_known || request.transactional_id.as_ref().is_some_and(String::is_empty) {
            return self.answer_producer_id(ctx, &reply, Err(ErrorCode::InvalidRequest));
        }
        let timeout_is_allowed = (1..=MAX_TRANSACTION_TIMEOUT_MS).contains(&request.transaction_timeout_ms);
        if request.transactional_id.is_some() && !timeout_is_allowed {
            return self.answer_producer_id(ctx, &reply, Err(ErrorCode::InvalidTransactionTimeout));
        }
        if request.transactional_id.is_some() {
            // No coordinator is there to ask, as FindCoordinator says.
            return self.answer_producer_id(ctx, &reply, Err(ErrorCode::CoordinatorNotAvailable));
        }
        let deadline = ctx.now.mono.plus_ms(self.config.request_timeout_ms / 2);
        self.producer_ids.waiting.push_back((reply, deadline));
        self.drive_producer_ids(ctx);
    }

    /// Gives out ids while there are some, and asks for more when they run out.
    pub(super) fn drive_producer_ids(&mut self, ctx: &mut Ctx) {
        let now = ctx.now.mono;
        while self.producer_ids.left > 0
            && let Some((reply, _)) = self.producer_ids.waiting.pop_front()
        {
            let id = self.producer_ids.next;
            self.producer_ids.next += 1;
            self.producer_ids.left -= 1;
            self.answer_producer_id(ctx, &reply, Ok(id));
        }
        while let Some((_, deadline)) = self.producer_ids.waiting.front()
            && *deadline <= now
            && let Some((reply, _)) = self.producer_ids.waiting.pop_front()
        {
            // Retriable: the client comes again.
            self.answer_producer_id(ctx, &reply, Err(ErrorCode::CoordinatorLoadInProgress));
        }
        let ids = &mut self.producer_ids;
        let due = ids.retry_at.is_none_or(|at| at <= now);
        if due {
            ids.retry_at = None;
        }
        if !ids.waiting.is_empty() && !ids.asked && due && self.lifecycle.is_registered() {
            ids.asked = true;
            let request = AllocateProducerIdsRequest {
                broker_id: self.config.node_id.0,
                broker_epoch: self.lifecycle.broker_epoch,
            };
            self.forwarding.ask(ctx, ALLOCATE_VERSION, &request, Purpose::ProducerIds, None);
        }
    }

    pub(super) fn producer_ids_allocated(
        &mut self,
        ctx: &mut Ctx,
        question: Question<Purpose>,
        response: &AllocateProducerIdsResponse,
    ) {
        if response.error_code == ErrorCode::NotController.code() {
            return self.forwarding.again(ctx, question);
        }
        self.producer_ids.asked = false;
        if response.error_code == 0 && response.producer_id_len > 0 {
            let (first, count) = (response.producer_id_start, response.producer_id_len);
            (self.producer_ids.next, self.producer_ids.left) = (first, count);
            ctx.out.trace(|| EventKind::ProducerIdsAllocated { first, count });
        } else {
            self.producer_ids.retry_at = Some(ctx.now.mono.plus_ms(RETRY_MS));
        }
        self.drive_producer_ids(ctx);
    }

    fn answer_producer_id(&mut self, ctx: &mut Ctx, reply: &Reply, id: Result<i64, ErrorCode>) {
        let response = match id {
            Ok(producer_id) => InitProducerIdResponse { producer_id, producer_epoch: 0, ..Default::default() },
            Err(error) => InitProducerIdResponse {
                error_code: error.code(),
                producer_id: -1,
                producer_epoch: -1,
                ..Default::default()
            },
        };
        self.conns.answer::<InitProducerIdRequest>(ctx, reply, &response);
    }
}
