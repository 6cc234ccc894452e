//! What the quorum tells the controller or the broker it lives in.

use bytes::Bytes;
use thiserror::Error;

use crate::id::{Endpoint, NodeId};

/// Taken with [`super::Raft::take_events`] after every call, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum RaftEvent {
    /// This node leads, and every record of earlier epochs has been delivered before (Kafka's
    /// `RaftClient.Listener.handleLeaderChange`): the controller may answer from its state and append.
    BecameLeader { epoch: i32 },
    /// Leadership announced by [`Self::BecameLeader`] is over: what was appended and not delivered may never be.
    LostLeadership { epoch: i32 },
    /// Somebody else (or nobody) leads. Also sent when this node is elected, before [`Self::BecameLeader`].
    LeaderChanged { leader: Option<(NodeId, Endpoint)>, epoch: i32 },
    /// One batch below the high watermark. Control batches come with no records: they only move the offset.
    Committed {
        base_offset: i64,
        last_offset: i64,
        epoch: i32,
        /// Append time, Unix milliseconds.
        timestamp: i64,
        /// Values of the records (frames of `metadata::record`).
        records: Vec<Bytes>,
    },
    /// Forget everything: the state below `end_offset` is exactly these records.
    Snapshot { end_offset: i64, epoch: i32, records: Vec<Bytes> },
}

/// An append was refused: this node does not lead that epoch (or its disk refused, and it has resigned).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not the quorum leader (epoch {epoch}, leader {leader:?})")]
pub struct NotLeader {
    pub leader: Option<NodeId>,
    pub epoch: i32,
}
