//! The producer's id and epoch, and sequence numbers that begin anew (KIP-98, KIP-360).

use bytes::Bytes;

use super::{Producer, Tag};
use crate::{
    client::links::backoff_ms,
    seam::Ctx,
    wire::{error::ErrorCode, frame, init_producer_id::InitProducerIdRequest},
};

impl Producer {
    pub(super) fn ask_identity(&mut self, ctx: &mut Ctx<'_>) {
        let needed = self.idempotent() && self.identity.is_none() && !self.topics.is_empty();
        if !needed || self.asked_identity || ctx.ms() < self.identity_not_before_ms {
            return;
        }
        let Some(peer) = self.links.any_ready(ctx) else { return };
        let Some(version) = self.links.version::<InitProducerIdRequest>(peer, 5) else { return };
        let request = InitProducerIdRequest {
            transactional_id: None,
            transaction_timeout_ms: i32::MAX,
            ..InitProducerIdRequest::default()
        };
        self.links.send(ctx, peer, version, &request, Tag::InitProducerId);
        self.asked_identity = true;
    }

    pub(super) fn identity_answer(&mut self, ctx: &mut Ctx<'_>, version: i16, frame: &Bytes) {
        match frame::parse_response::<InitProducerIdRequest>(version, frame) {
            Ok((_, response)) if response.error_code == 0 => {
                self.asked_identity = false;
                self.identity_failures = 0;
                self.identity = Some((response.producer_id, response.producer_epoch));
            }
            Ok((_, response)) => {
                self.last_error = Some(format!("InitProducerId: {}", ErrorCode::from_code(response.error_code).name()));
                self.identity_failed(ctx);
            }
            Err(_) => self.identity_failed(ctx),
        }
    }

    pub(super) fn identity_failed(&mut self, ctx: &mut Ctx<'_>) {
        self.asked_identity = false;
        self.identity_failures += 1;
        let (base, max) = (self.config.retry_backoff_ms, self.config.retry_backoff_max_ms);
        self.identity_not_before_ms = ctx.ms() + backoff_ms(base, max, self.identity_failures, &mut self.rng);
    }

    /// Gives partitions whose numbers ended in a gap a new epoch, once nothing of theirs is in flight, and partitions
    /// that have nothing numbered the current epoch.
    pub(super) fn resolve_numbers(&mut self) {
        let Some(mut identity) = self.identity else { return };
        for queue in self.topics.values_mut().flat_map(|t| &mut t.partitions) {
            if queue.unresolved && !queue.has_numbered() {
                queue.unresolved = false;
                queue.renumber |= !queue.is_next(queue.next_sequence);
            }
            if queue.renumber && queue.in_flight.is_empty() {
                if queue.producer == Some(identity) {
                    let Some(epoch) = identity.1.checked_add(1) else {
                        // Epochs have run out: a new producer id.
                        self.identity = None;
                        return;
                    };
                    identity.1 = epoch;
                }
                queue.renumber = false;
                queue.unresolved = false;
                queue.pending.iter_mut().for_each(|b| {
                    if b.numbered.is_some() {
                        b.seal(None);
                    }
                });
                (queue.producer, queue.next_sequence, queue.acked_sequence) = (Some(identity), 0, None);
            }
            if queue.producer != Some(identity) && !queue.has_numbered() {
                (queue.producer, queue.next_sequence, queue.acked_sequence) = (Some(identity), 0, None);
            }
        }
        self.identity = Some(identity);
    }
}
