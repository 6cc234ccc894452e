//! Connections and links. TCP as Kafka sees it: ordered whole frames that arrive late or, after a reset, not at all.
//! Never dropped, doubled or reordered within a live connection.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::facts::ConnFacts;
use crate::{
    id::{ConnId, EventId},
    seam::{Listener, Time},
};

/// Index of a node in the world's list.
pub(super) type NodeIndex = usize;
/// Names a connection in the world; never used twice.
pub(super) type ConnKey = u64;

/// How long a sender waits for bytes to be acknowledged before it gives the connection up.
pub(super) const TCP_TIMEOUT_MS: u64 = 60_000;
/// After these delays a lost SYN is sent again; then the connect fails. Kafka's own setup timeout is 10 s.
pub(super) const SYN_RETRY_MS: [u64; 4] = [1000, 2000, 4000, 3000];

#[derive(Clone, Debug)]
pub(super) struct Conn {
    /// 0 opened it, 1 accepted it.
    pub(super) ends: [End; 2],
    pub(super) listener: Listener,
    /// `flows[i]` is what end `i` sends.
    pub(super) flows: [Flow; 2],
    pub(super) syn_tries: usize,
    pub(super) facts: ConnFacts,
}

#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) node: NodeIndex,
    pub(super) id: ConnId,
    pub(super) open: bool,
    pub(super) muted: bool,
}

/// One direction of a connection: a queue in order of arrival, moved by at most one scheduled arrival at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    pub(super) queue: VecDeque<InFlight>,
    pub(super) last_arrival: Time,
    /// An arrival is in the world's queue.
    pub(super) scheduled: bool,
    /// The link has been cut with something in the queue since then.
    pub(super) held_since: Option<Time>,
}

#[derive(Clone, Debug)]
pub(super) struct InFlight {
    pub(super) sent_at: Time,
    pub(super) arrives_at: Time,
    pub(super) item: Item,
}

#[derive(Clone, Debug)]
pub(super) enum Item {
    Opened,
    /// `sent` is its `Sent` event.
    Frame {
        bytes: Bytes,
        sent: EventId,
    },
    Closed {
        cause: Option<EventId>,
    },
}

/// The way from one node to another.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    pub(super) cut: bool,
    pub(super) extra_us: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) conns: BTreeMap<ConnKey, Conn>,
    next_conn: ConnKey,
    nodes: usize,
    links: Vec<Link>,
}

impl Network {
    pub(super) fn new(nodes: usize) -> Self {
        Self { conns: BTreeMap::new(), next_conn: 1, nodes, links: vec![Link::default(); nodes * nodes] }
    }

    pub(super) fn link(&self, from: NodeIndex, to: NodeIndex) -> Link {
        self.links[from * self.nodes + to]
    }

    pub(super) fn link_mut(&mut self, from: NodeIndex, to: NodeIndex) -> &mut Link {
        &mut self.links[from * self.nodes + to]
    }

    /// A connection on its way: the opener knows its id, the acceptor has none yet.
    pub(super) fn connect(&mut self, from: NodeIndex, id: ConnId, to: NodeIndex, listener: Listener) -> ConnKey {
        let key = self.next_conn;
        self.next_conn += 1;
        let end = |node, id, open| End { node, id, open, muted: false };
        let ends = [end(from, id, true), end(to, ConnId(key), false)];
        let flows = [Flow::default(), Flow::default()];
        self.conns.insert(key, Conn { ends, listener, flows, syn_tries: 0, facts: ConnFacts::default() });
        key
    }

    /// Keys of the connections that touch `node`.
    pub(super) fn of_node(&self, node: NodeIndex) -> Vec<ConnKey> {
        self.conns.iter().filter(|(_, c)| c.ends.iter().any(|e| e.node == node)).map(|(&k, _)| k).collect()
    }
}

impl Conn {
    /// Frames of flow `side` go from this node to that.
    pub(super) fn path(&self, side: usize) -> (NodeIndex, NodeIndex) {
        (self.ends[side].node, self.ends[1 - side].node)
    }
}
