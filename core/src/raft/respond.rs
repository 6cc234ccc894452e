//! Answers: exactly one for each request, and none while a promise it may rest on is not durable.

use super::Raft;
use crate::{
    id::{ConnId, EventId, NodeId, Uuid},
    seam::{Ctx, Output, Part},
    wire::{
        api::Request,
        frame::{self, RequestHead},
    },
};

/// Name of the one partition that the quorum replicates (`Topic.CLUSTER_METADATA_TOPIC_NAME`, partition 0).
pub(super) const TOPIC: &str = "__cluster_metadata";

/// Name of the listener that voters give as theirs.
pub(super) const LISTENER: &str = "CONTROLLER";

/// Where an answer goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplyTo {
    pub(super) conn: ConnId,
    pub(super) version: i16,
    pub(super) correlation_id: i32,
}

impl ReplyTo {
    pub(super) fn new(conn: ConnId, head: &RequestHead) -> Self {
        Self { conn, version: head.api_version, correlation_id: head.correlation_id }
    }
}

/// An answer that waits for `quorum-state` to be durable.
#[derive(Clone, Debug)]
pub(super) struct HeldResponse {
    pub(super) conn: ConnId,
    parts: Vec<Part>,
    cause: Option<EventId>,
}

impl Raft {
    pub(super) fn respond<R: Request>(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, response: &R::Response) {
        let parts = frame::response_parts::<R>(to.version, to.correlation_id, response);
        if self.store.is_durable() {
            ctx.out.send(to.conn, parts);
        } else {
            ctx.out.push(Output::Mute { conn: to.conn });
            self.held.push(HeldResponse { conn: to.conn, parts, cause: ctx.out.cause() });
        }
    }

    /// Sends what waited for the disk.
    pub(super) fn release_held(&mut self, ctx: &mut Ctx<'_>) {
        if self.held.is_empty() || !self.store.is_durable() {
            return;
        }
        let cause = ctx.out.cause();
        for held in std::mem::take(&mut self.held) {
            ctx.out.because(held.cause);
            ctx.out.send(held.conn, held.parts);
            ctx.out.push(Output::Unmute { conn: held.conn });
        }
        ctx.out.because(cause);
    }

    /// Remembers, and tells the driver, who is at the other end.
    pub(super) fn identify(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, id: i32) {
        let peer = NodeId(id);
        if id >= 0 && self.identified.insert(conn, peer) != Some(peer) {
            ctx.out.push(Output::Identified { conn, peer });
        }
    }

    /// A cluster id is optional, and if given must be ours (`hasValidClusterId`).
    pub(super) fn is_cluster(&self, cluster_id: Option<&String>) -> bool {
        cluster_id.is_none_or(|id| *id == self.config.cluster_id)
    }

    /// Whether a request that names its receiver means this replica.
    pub(super) fn is_local_voter(&self, id: i32, directory_id: Uuid) -> bool {
        let local = self.local_key();
        id < 0 || (id == local.id.0 && (directory_id.is_zero() || directory_id == local.directory_id))
    }

    pub(super) fn leader_id_or_none(&self) -> i32 {
        self.election.leader.map_or(-1, |id| id.0)
    }
}
