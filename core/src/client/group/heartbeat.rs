//! Heartbeats, and what their answers mean: the group rebalances, or went on without this member. They are sent however
//! long the application works, and so say nothing of it; that is what `max.poll.interval.ms` is for (KIP-62).

use bytes::Bytes;

use super::{Membership, Stage, Tag};
use crate::{
    client::links::Peer,
    seam::Ctx,
    wire::{error::ErrorCode, frame, heartbeat::HeartbeatRequest},
};

impl Membership {
    pub(super) fn beat(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer) {
        if self.stage != Stage::Stable || self.heartbeat_sent || ctx.ms() < self.next_heartbeat_ms {
            return;
        }
        let Some(version) = self.links.version::<HeartbeatRequest>(coordinator, i16::MAX) else { return };
        let request = HeartbeatRequest {
            group_id: self.group_id.clone(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.config.group_instance_id.clone(),
        };
        self.heartbeat_sent = true;
        self.next_heartbeat_ms = ctx.ms() + self.config.heartbeat_interval_ms;
        self.links.send(ctx, coordinator, version, &request, Tag::Heartbeat);
    }

    pub(super) fn heard(&mut self, ctx: &mut Ctx<'_>, version: i16, bytes: &Bytes) {
        self.heartbeat_sent = false;
        let Ok((_, response)) = frame::parse_response::<HeartbeatRequest>(version, bytes) else { return };
        match ErrorCode::from_code(response.error_code) {
            ErrorCode::None => {
                self.failures = 0;
                self.last_error = None;
            }
            // An answer to an older generation says nothing about this one.
            _ if self.stage != Stage::Stable => {}
            ErrorCode::RebalanceInProgress => self.rejoin = true,
            error => self.refused(ctx, error),
        }
    }

    /// What an error means for the membership, whichever request got it.
    pub(super) fn refused(&mut self, ctx: &mut Ctx<'_>, error: ErrorCode) {
        self.last_error = Some(error.name().into());
        match error {
            ErrorCode::CoordinatorNotAvailable | ErrorCode::NotCoordinator => {
                self.coordinator = None;
                self.try_later(ctx, error);
            }
            ErrorCode::RebalanceInProgress => self.rejoin = true,
            // The group goes on without this member: others may read its partitions already.
            ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration => {
                if error == ErrorCode::UnknownMemberId {
                    self.member_id.clear();
                }
                self.lose_all();
                self.try_later(ctx, error);
            }
            // Somebody else came with its instance id, or it may not be here at all.
            ErrorCode::FencedInstanceId
            | ErrorCode::InconsistentGroupProtocol
            | ErrorCode::InvalidGroupId
            | ErrorCode::InvalidSessionTimeout
            | ErrorCode::GroupAuthorizationFailed
            | ErrorCode::GroupMaxSizeReached => {
                self.lose_all();
                self.fatal = true;
            }
            _ => self.try_later(ctx, error),
        }
    }

    /// An application that has not polled for `max.poll.interval.ms` is taken for hung: its partitions go to others until
    /// it polls again. Heartbeats alone would keep them for it (KIP-62, `AbstractCoordinator.HeartbeatThread`).
    pub(super) fn leave_unless_polled(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer, since_ms: u64) {
        let is_member = matches!(self.stage, Stage::Syncing | Stage::Stable);
        if is_member && ctx.ms() >= since_ms + self.config.max_poll_interval_ms {
            self.send_leave(ctx, coordinator, "max.poll.interval.ms has passed without a poll");
            self.member_id.clear();
            self.lose_all();
            self.last_error = Some("max.poll.interval.ms has passed without a poll".into());
        }
    }
}
