//! KRaft (KIP-595, KIP-996, KIP-630): the log of all metadata, replicated by pulling, and the election of who writes it.
//!
//! A [`Raft`] is a part of a machine, not a machine: the controller holds one as a voter, the broker one as an
//! observer. Its owner hands it the requests of the quorum's APIs ([`Raft::handle_request`]) and every input that
//! concerns its own connections and tokens ([`Raft::handle_input`]), wakes it at [`Raft::deadline`], and after each of
//! these takes what there is to know ([`Raft::take_events`]).
//!
//! The design in four sentences. What must survive is in two places, `quorum-state` (epoch, leader, vote) and the log,
//! and nothing that promises either leaves before the disk has confirmed it. A [`Role`] is a phase with its own timers
//! and nothing durable. Requests to other voters are not queued: after every input [`Raft::drive`] asks the role what
//! it wants to say and says it where a connection is free. So a lost connection, a refused write or a new epoch needs
//! no clean-up; what is still wanted is simply said again.
//!
//! Simplifications, beside Kafka: the voters are static (`controller.quorum.voters`, kraft.version 0); API versions
//! between the members are fixed instead of negotiated; an append is one batch and one write, so
//! `controller.quorum.append.linger.ms` has no effect; back-off after errors grows from
//! `controller.quorum.retry.backoff.ms` to half a second instead of being constant.

mod announce;
mod describe;
mod drive;
mod election;
mod event;
mod fetch;
mod follower;
mod leader;
mod metadata_log;
mod quorum_state_file;
mod requests;
mod respond;
pub mod snapshot;
mod state;
mod view;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use crate::{
    config::NodeConfig,
    disk::Disk,
    id::{ConnId, Endpoint, NodeId, Token},
    node::StartError,
    seam::{Ctx, Input, Output, Time},
    wire::{
        api::ApiKey,
        batch::Batch,
        frame::{self, RequestHead},
        message::Message,
    },
};

pub use event::{NotLeader, RaftEvent};
pub use quorum_state_file::ReplicaKey;
pub use view::RaftView;

use fetch::ParkedFetch;
use follower::SnapshotDownload;
use metadata_log::MetadataLog;
use quorum_state_file::{ElectionState, Store};
use requests::Peer;
use respond::{HeldResponse, ReplyTo};
use state::Role;

/// One replica of the metadata quorum, voting or observing.
#[derive(Clone, Debug)]
pub struct Raft {
    config: Arc<NodeConfig>,
    /// Only voters vote, campaign and lead.
    is_voter: bool,
    rng: fastrand::Rng,

    /// Durable, both of them.
    election: ElectionState,
    store: Store,
    log: MetadataLog,

    role: Role,
    /// Counts phases: an answer to a request of an earlier phase may teach an epoch, and nothing else.
    round: u64,
    /// Never goes back while the process lives, and is forgotten when it dies (as in Kafka).
    high_watermark: Option<i64>,

    /// The other voters.
    peers: BTreeMap<NodeId, Peer>,
    next_correlation_id: i32,
    /// Who is at the other end of connections that others opened, as far as their requests told.
    identified: BTreeMap<ConnId, NodeId>,
    parked: Vec<ParkedFetch>,
    held: Vec<HeldResponse>,
    download: Option<SnapshotDownload>,

    /// First offset that has not been given to the owner.
    delivered: i64,
    /// Append time of the last record before it.
    delivered_timestamp: i64,
    /// The last delivery stopped at its limit; wake at once for the rest.
    has_more_to_deliver: bool,
    /// The owner was told that this node leads.
    announced: bool,
    events: Vec<RaftEvent>,
    /// A clean shutdown was asked for; given up waiting for a successor then.
    shutdown: Option<Time>,
    shutdown_complete: bool,
    /// The log's disk failed to keep what it took. This replica takes no further part.
    failure: Option<String>,
    /// When `drive` last ran.
    now: Time,
}

/// What the machine that owns a quorum member does with it.
impl Raft {
    /// A member of `controller.quorum.voters`. `dir` holds its log and `quorum-state` (`__cluster_metadata-0`).
    pub fn voter(config: &NodeConfig, dir: &str, ctx: &mut Ctx<'_>) -> Result<Self, StartError> {
        if !config.voters.iter().any(|v| v.id == config.node_id) {
            return Err(StartError::BadConfig {
                key: "controller.quorum.voters".into(),
                value: config.voters.iter().map(|v| format!("{}@{}", v.id, v.endpoint)).collect::<Vec<_>>().join(","),
                why: format!("a controller must be one of the voters, and node.id={} is not", config.node_id),
            });
        }
        Self::start(config, dir, true, ctx)
    }

    /// A broker's replica: it follows, and neither votes nor leads.
    pub fn observer(config: &NodeConfig, dir: &str, ctx: &mut Ctx<'_>) -> Result<Self, StartError> {
        let mut config = config.clone();
        if config.voters.iter().any(|voter| voter.id == config.node_id) {
            // A node that is broker and controller keeps the log twice. What this copy holds must not count for the
            // voter of the same id, so it reads without a name.
            config.node_id = NodeId(-1);
        }
        Self::start(&config, dir, false, ctx)
    }

    /// Handles Fetch and FetchSnapshot of the metadata log, Vote, BeginQuorumEpoch, EndQuorumEpoch, DescribeQuorum.
    /// Answers exactly once, now or later; while it is later, the connection is muted here, and unmuted with the answer.
    /// A body that cannot be read closes the connection, as in Kafka.
    pub fn handle_request(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, head: &RequestHead, body: &Bytes) {
        self.now = ctx.now.mono;
        let to = ReplyTo::new(conn, head);
        let understood = match head.api_key {
            _ if self.failure.is_some() => None,
            ApiKey::Fetch => read(head, body).map(|request| self.handle_fetch(ctx, to, &request)),
            ApiKey::FetchSnapshot => read(head, body).map(|request| self.handle_fetch_snapshot(ctx, to, &request)),
            ApiKey::Vote => read(head, body).map(|request| self.handle_vote(ctx, to, &request)),
            ApiKey::BeginQuorumEpoch => {
                read(head, body).map(|request| self.handle_begin_quorum_epoch(ctx, to, &request))
            }
            ApiKey::EndQuorumEpoch => read(head, body).map(|request| self.handle_end_quorum_epoch(ctx, to, &request)),
            ApiKey::DescribeQuorum => read(head, body).map(|request| self.handle_describe_quorum(ctx, to, &request)),
            _ => None,
        };
        if understood.is_none() {
            ctx.out.push(Output::Close { conn });
        }
        self.drive(ctx);
    }

    /// Whether this connection was opened by the quorum member.
    pub fn owns(&self, conn: ConnId) -> bool {
        self.peers.values().any(|peer| peer.is_connected_by(conn))
    }

    /// Whether this answer from the disk is the quorum member's.
    pub fn owns_token(&self, token: Token) -> bool {
        self.store.owns(token) || self.log.owns(token)
    }

    /// Takes `Wake` always, `Closed` of every connection, `Opened` and `Frame` of connections it owns, and `Synced` of
    /// tokens it owns. Others are ignored.
    pub fn handle_input(&mut self, ctx: &mut Ctx<'_>, input: &Input) {
        match input {
            Input::Opened { conn, .. } => self.connection_opened(*conn),
            Input::Closed { conn } => self.connection_closed(ctx, *conn),
            Input::Frame { conn, bytes, .. } => self.handle_response(ctx, *conn, bytes),
            Input::Synced { token, result } if self.owns_token(*token) => {
                self.store.synced(*token, result, ctx.now.mono);
                if let Err(why) = self.log.synced(*token, result) {
                    self.fail(ctx, why);
                }
            }
            _ => {}
        }
        self.drive(ctx);
    }

    /// When it wants to be woken if nothing else happens before.
    pub fn deadline(&self) -> Option<Time> {
        self.next_deadline()
    }

    /// Appends the records as one atomic batch and returns the offset of the last. They are committed when they come
    /// back as [`RaftEvent::Committed`], and lost if [`RaftEvent::LostLeadership`] comes first.
    ///
    /// # Errors
    /// [`NotLeader`] when this node does not lead `epoch`, or when its disk refuses (it has then resigned).
    pub fn append(&mut self, ctx: &mut Ctx<'_>, epoch: i32, records: Vec<Bytes>) -> Result<i64, NotLeader> {
        let result = self.append_as_leader(ctx, epoch, &records);
        self.drive(ctx);
        result
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<RaftEvent> {
        std::mem::take(&mut self.events)
    }

    /// Keeps the state below `end_offset` (which must be delivered: every record below it came as
    /// [`RaftEvent::Committed`]) as a snapshot, and once it is durable drops the log below it.
    pub fn create_snapshot(&mut self, ctx: &mut Ctx<'_>, end_offset: i64, epoch: i32, records: &[Bytes]) {
        self.write_snapshot(ctx, end_offset, epoch, records);
        self.drive(ctx);
    }

    /// Begins a clean end: a leader resigns and names its successors. Done when [`Self::shutdown_complete`].
    pub fn shutdown(&mut self, ctx: &mut Ctx<'_>) {
        if self.shutdown.is_none() {
            // Kafka waits here for a new leader for as long as it takes, and hangs when the quorum is gone.
            self.shutdown = Some(ctx.now.mono.plus_ms(self.config.controller_quorum_fetch_timeout_ms));
            if self.is_leader() {
                self.resign(ctx);
            }
            self.drive(ctx);
        }
    }

    /// After [`Self::shutdown`]: somebody else leads, nobody is waited for, or it took too long.
    pub fn shutdown_complete(&self) -> bool {
        self.shutdown_complete
    }

    /// The leader as this replica knows it.
    pub fn leader(&self) -> Option<(NodeId, Endpoint)> {
        self.election.leader.and_then(|id| self.endpoint_of(id))
    }

    pub fn epoch(&self) -> i32 {
        self.election.epoch
    }

    /// This node leads its epoch (though [`RaftEvent::BecameLeader`] may still be to come).
    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// `None`: not known since this process started (or since this node was elected).
    pub fn high_watermark(&self) -> Option<i64> {
        self.high_watermark
    }

    pub fn log_end_offset(&self) -> i64 {
        self.log.end_offset()
    }

    pub fn log_start_offset(&self) -> i64 {
        self.log.start_offset()
    }

    /// Its epoch and its vote in it. `None` while they are on their way to the disk, and nobody has heard of them.
    pub fn durable_vote(&self) -> Option<(i32, Option<ReplicaKey>)> {
        self.store.is_durable().then_some((self.election.epoch, self.election.voted))
    }

    /// Batches of the log from `offset` on, about `max_bytes` of them; empty when the disk cannot be read.
    pub fn batches(&self, disk: &dyn Disk, offset: i64, max_bytes: usize) -> Vec<Batch> {
        self.log.batches(disk, offset, max_bytes)
    }

    /// Why this replica takes no part any more: its disk lost what it had taken, or its leader asked it to forget
    /// committed records. A new start reads the disk again.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}

fn read<R: Message>(head: &RequestHead, body: &Bytes) -> Option<R> {
    frame::decode_body(head.api_version, body).ok()
}
