//! Requests to the other voters: connections with back-off, correlation ids, time-outs, and who is asked what.
//!
//! As Kafka's `RequestManager`: one request of the current phase is in flight to a voter, and an error leaves that
//! voter alone for a while. An answer to a request of an earlier phase is read for its epoch only.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Raft;
use crate::{
    config::NodeConfig,
    id::{ConnId, Endpoint, NodeId},
    seam::{Ctx, Output, Time},
    wire::{
        api::Request, begin_quorum_epoch::BeginQuorumEpochRequest, end_quorum_epoch::EndQuorumEpochRequest,
        fetch::FetchRequest, fetch_snapshot::FetchSnapshotRequest, frame, vote::VoteRequest,
    },
};

/// The versions that all members of the quorum speak: the newest of Kafka 4.3.1. Kafka negotiates them.
pub(super) const VOTE: i16 = 2;
pub(super) const BEGIN_QUORUM_EPOCH: i16 = 1;
pub(super) const END_QUORUM_EPOCH: i16 = 1;
pub(super) const FETCH: i16 = 18;
pub(super) const FETCH_SNAPSHOT: i16 = 1;

/// Back-off doubles up to this, so that a dead voter is not called fifty times a second.
const BACKOFF_MAX_MS: u64 = 500;

/// ... and up to this for a voter that answers, and has only nothing good to say.
const ANSWERED_BACKOFF_MAX_MS: u64 = 80;

/// What a request asked: decides how its answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    PreVote,
    Vote,
    BeginQuorumEpoch,
    EndQuorumEpoch,
    Fetch,
    FetchSnapshot,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct InFlight {
    pub(super) correlation_id: i32,
    pub(super) ask: Ask,
    /// [`Raft::round`] when it was sent.
    pub(super) round: u64,
    deadline: Time,
}

/// Another voter, as far as talking to it goes.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    endpoint: Endpoint,
    conn: Option<ConnId>,
    is_open: bool,
    /// While it is being opened: given up then.
    opened_by: Time,
    in_flight: Vec<InFlight>,
    /// Errors in a row.
    failures: u32,
    /// Nothing is sent or opened before.
    retry_at: Time,
}

impl Peer {
    pub(super) fn is_connected_by(&self, conn: ConnId) -> bool {
        self.conn == Some(conn)
    }

    /// When its silence is taken for an error.
    fn deadline(&self) -> Option<Time> {
        let opening = (self.conn.is_some() && !self.is_open).then_some(self.opened_by);
        self.in_flight.iter().map(|request| request.deadline).chain(opening).min()
    }

    fn back_off(&mut self, now: Time, base_ms: u64, max_ms: u64) {
        let backoff_ms = base_ms.saturating_mul(1 << self.failures.min(10)).min(max_ms.max(base_ms));
        self.failures += 1;
        self.retry_at = now.plus_ms(backoff_ms);
    }

    fn disconnect(&mut self, now: Time, base_ms: u64) {
        self.conn = None;
        self.is_open = false;
        self.in_flight.clear();
        self.back_off(now, base_ms, BACKOFF_MAX_MS);
    }
}

pub(super) fn peers(config: &NodeConfig) -> BTreeMap<NodeId, Peer> {
    let others = config.voters.iter().filter(|voter| voter.id != config.node_id);
    others
        .map(|voter| {
            let peer = Peer {
                endpoint: voter.endpoint.clone(),
                conn: None,
                is_open: false,
                opened_by: Time::MAX,
                in_flight: Vec::new(),
                failures: 0,
                retry_at: Time::ZERO,
            };
            (voter.id, peer)
        })
        .collect()
}

impl Raft {
    /// A new phase owes nothing to the errors of the last one, except where there is no connection.
    pub(super) fn new_round(&mut self) {
        for peer in self.peers.values_mut().filter(|peer| peer.is_open) {
            peer.failures = 0;
            peer.retry_at = Time::ZERO;
        }
    }

    /// Whether `to` can be sent a request now. If it lacks a connection, one is opened.
    pub(super) fn is_ready(&mut self, ctx: &mut Ctx<'_>, to: NodeId) -> bool {
        let Some(peer) = self.peers.get_mut(&to) else { return false };
        if self.now < peer.retry_at {
            return false;
        }
        if peer.conn.is_none() {
            let conn = ctx.out.open(peer.endpoint.clone());
            // Said at once, so that a cut link also cuts the attempt to connect.
            ctx.out.push(Output::Identified { conn, peer: to });
            peer.conn = Some(conn);
            peer.opened_by = self.now.plus_ms(self.config.controller_quorum_request_timeout_ms);
        }
        peer.is_open && !peer.in_flight.iter().any(|request| request.round == self.round)
    }

    /// A voter to ask who leads: one at a time, drawn evenly among those that are not left alone.
    pub(super) fn someone_to_ask(&mut self) -> Option<NodeId> {
        let is_busy = |peer: &Peer| {
            (peer.conn.is_some() && !peer.is_open) || peer.in_flight.iter().any(|request| request.round == self.round)
        };
        // A leader that hangs does not keep this replica from asking others.
        if self.peers.iter().any(|(id, peer)| is_busy(peer) && self.election.leader != Some(*id)) {
            return None;
        }
        let free = self.peers.iter().filter(|(_, peer)| peer.retry_at <= self.now && !is_busy(peer));
        let free: Vec<NodeId> = free.map(|(id, _)| *id).collect();
        if free.is_empty() { None } else { Some(free[crate::random::index(&mut self.rng, free.len())]) }
    }

    /// Sends a request; [`Self::is_ready`] must have said yes.
    pub(super) fn ask<R: Request>(&mut self, ctx: &mut Ctx<'_>, to: NodeId, ask: Ask, version: i16, request: &R) {
        let correlation_id = self.next_correlation_id;
        self.next_correlation_id = self.next_correlation_id.wrapping_add(1) & i32::MAX;
        let deadline = self.now.plus_ms(self.config.controller_quorum_request_timeout_ms);
        let client_id = format!("raft-client-{}", self.config.node_id);
        let parts = frame::request_parts(version, correlation_id, &client_id, request);
        let Some(Peer { conn: Some(conn), in_flight, .. }) = self.peers.get_mut(&to) else { return };
        in_flight.push(InFlight { correlation_id, ask, round: self.round, deadline });
        ctx.out.send(*conn, parts);
    }

    /// The answer was not what was hoped for: leave that voter alone for a while.
    pub(super) fn back_off(&mut self, from: NodeId) {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.back_off(self.now, self.config.controller_quorum_retry_backoff_ms, ANSWERED_BACKOFF_MAX_MS);
        }
    }

    pub(super) fn answered_well(&mut self, from: NodeId) {
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.failures = 0;
        }
    }

    pub(super) fn connection_opened(&mut self, conn: ConnId) {
        if let Some(peer) = self.peers.values_mut().find(|peer| peer.is_connected_by(conn)) {
            peer.is_open = true;
        }
    }

    /// Also of connections that others opened: whoever waited on them waits no more.
    pub(super) fn connection_closed(&mut self, ctx: &Ctx<'_>, conn: ConnId) {
        let base_ms = self.config.controller_quorum_retry_backoff_ms;
        if let Some(peer) = self.peers.values_mut().find(|peer| peer.is_connected_by(conn)) {
            peer.disconnect(ctx.now.mono, base_ms);
        }
        self.identified.remove(&conn);
        self.parked.retain(|fetch| fetch.to.conn != conn);
        self.held.retain(|held| held.conn != conn);
    }

    /// A voter that does not answer in time is called anew.
    pub(super) fn expire_requests(&mut self, ctx: &mut Ctx<'_>) {
        let base_ms = self.config.controller_quorum_retry_backoff_ms;
        for peer in self.peers.values_mut() {
            if let Some(conn) = peer.conn
                && peer.deadline().is_some_and(|at| at <= self.now)
            {
                ctx.out.push(Output::Close { conn });
                peer.disconnect(self.now, base_ms);
            }
        }
    }

    pub(super) fn requests_deadline(&self) -> Option<Time> {
        let time_outs = self.peers.values().filter_map(Peer::deadline);
        let retries = self.peers.values().map(|peer| peer.retry_at).filter(|at| *at > self.now);
        time_outs.chain(retries).min()
    }

    /// Says to every voter what the role has to say to it.
    pub(super) fn ask_peers(&mut self, ctx: &mut Ctx<'_>) {
        use super::Role;
        match &self.role {
            Role::Prospective { .. } | Role::Candidate { .. } => self.ask_for_votes(ctx),
            Role::Leader(_) => self.announce_epoch(ctx),
            Role::Resigned { .. } => self.announce_end(ctx),
            Role::Unattached { .. } => self.fetch_from(ctx, None),
            Role::Follower { is_searching, .. } => {
                let leader = self.election.leader;
                // `KafkaRaftClient.maybeSendFetchToBestNode`; a voter campaigns instead of searching.
                let is_lost =
                    |id: &NodeId| self.peers.get(id).is_some_and(|peer| !peer.is_open && peer.retry_at > self.now);
                let search = *is_searching || (!self.is_voter && leader.as_ref().is_some_and(is_lost));
                self.fetch_from(ctx, leader.filter(|_| !search));
            }
        }
    }

    /// A frame on one of this replica's own connections.
    pub(super) fn handle_response(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, bytes: &Bytes) {
        let Some((&from, peer)) = self.peers.iter_mut().find(|(_, peer)| peer.is_connected_by(conn)) else { return };
        let correlation_id = frame::peek_correlation_id(bytes);
        let position = peer.in_flight.iter().position(|request| Some(request.correlation_id) == correlation_id);
        let request = position.map(|position| peer.in_flight.remove(position));
        self.now = ctx.now.mono;
        let understood = request.and_then(|request| self.read_response(ctx, from, request, bytes)).is_some();
        if !understood {
            // An answer to no question, or one that cannot be read: nothing more that comes on it can be trusted.
            ctx.out.push(Output::Close { conn });
            let base_ms = self.config.controller_quorum_retry_backoff_ms;
            if let Some(peer) = self.peers.get_mut(&from) {
                peer.disconnect(ctx.now.mono, base_ms);
            }
        }
    }

    fn read_response(&mut self, ctx: &mut Ctx<'_>, from: NodeId, request: InFlight, bytes: &Bytes) -> Option<()> {
        match request.ask {
            Ask::PreVote | Ask::Vote => {
                let (_, response) = frame::parse_response::<VoteRequest>(VOTE, bytes).ok()?;
                self.handle_vote_response(ctx, from, request, &response);
            }
            Ask::BeginQuorumEpoch => {
                let version = BEGIN_QUORUM_EPOCH;
                let (_, response) = frame::parse_response::<BeginQuorumEpochRequest>(version, bytes).ok()?;
                self.handle_begin_quorum_epoch_response(ctx, from, request, &response);
            }
            Ask::EndQuorumEpoch => {
                let version = END_QUORUM_EPOCH;
                let (_, response) = frame::parse_response::<EndQuorumEpochRequest>(version, bytes).ok()?;
                self.handle_end_quorum_epoch_response(ctx, from, request, &response);
            }
            Ask::Fetch => {
                let (_, response) = frame::parse_response::<FetchRequest>(FETCH, bytes).ok()?;
                self.handle_fetch_response(ctx, from, request, response);
            }
            Ask::FetchSnapshot => {
                let (_, response) = frame::parse_response::<FetchSnapshotRequest>(FETCH_SNAPSHOT, bytes).ok()?;
                self.handle_fetch_snapshot_response(ctx, from, request, response);
            }
        }
        Some(())
    }
}
