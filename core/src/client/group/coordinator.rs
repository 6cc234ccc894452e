//! Who coordinates the group: asked of any broker, and asked again when it has moved or cannot be reached
//! (`AbstractCoordinator.lookupCoordinator`).

use bytes::Bytes;

use super::{Membership, Tag};
use crate::{
    client::links::{Peer, backoff_ms},
    id::Endpoint,
    seam::Ctx,
    wire::{error::ErrorCode, find_coordinator::FindCoordinatorRequest, frame},
};

/// Type of the key of a group in FindCoordinator.
const GROUP: i8 = 0;

impl Membership {
    /// The coordinator, if it is known; otherwise somebody is asked.
    pub(super) fn find_coordinator(&mut self, ctx: &mut Ctx<'_>) -> Option<Peer> {
        if self.coordinator.is_some() || self.finding || self.not_before_ms > ctx.ms() {
            return self.coordinator;
        }
        let any = self.links.any_ready(ctx)?;
        let version = self.links.version::<FindCoordinatorRequest>(any, i16::MAX)?;
        let mut request = FindCoordinatorRequest { key_type: GROUP, ..Default::default() };
        if version >= 4 {
            request.coordinator_keys = vec![self.group_id.clone()];
        } else {
            request.key.clone_from(&self.group_id);
        }
        self.finding = true;
        self.links.send(ctx, any, version, &request, Tag::FindCoordinator);
        None
    }

    pub(super) fn coordinator_found(&mut self, ctx: &mut Ctx<'_>, version: i16, bytes: &Bytes) {
        self.finding = false;
        let Ok((_, response)) = frame::parse_response::<FindCoordinatorRequest>(version, bytes) else {
            return self.try_later(ctx, ErrorCode::UnknownServerError);
        };
        let (error, id, host, port) = match response.coordinators.into_iter().next() {
            Some(c) => (c.error_code, c.node_id, c.host, c.port),
            None => (response.error_code, response.node_id, response.host, response.port),
        };
        if error != 0 {
            return self.try_later(ctx, ErrorCode::from_code(error));
        }
        self.failures = 0;
        self.links.add_broker(id, Endpoint { host, port: port as u16 });
        self.coordinator = Some(id);
    }

    pub(super) fn try_later(&mut self, ctx: &Ctx<'_>, error: ErrorCode) {
        self.failures += 1;
        let (base, max) = (self.config.retry_backoff_ms, self.config.retry_backoff_max_ms);
        self.not_before_ms = ctx.ms() + backoff_ms(base, max, self.failures, &mut self.rng);
        self.last_error = Some(error.name().into());
    }
}
