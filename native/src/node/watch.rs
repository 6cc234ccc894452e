//! Frames for those who watch: facts of some of them, as events, and the bytes of the newest. Everything is bounded, so
//! that a busy node is slowed down little: what is over the rate is counted as a number and not looked into.
//!
//! A question is chosen or passed over when it passes; its answer is chosen with it, and caused by it.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use lab_core::{
    id::{ConnId, EventId, NodeId},
    live::to_hex,
    seam::Time,
    sim::facts::{self, ConnFacts, Sent, TopicNames},
    trace::{Event, EventKind},
    view::ClientView,
    wire::frame,
};
use tokio::sync::mpsc;

use super::channel::KeptFrame;
use crate::driver::Passing;

/// Questions looked into, per second and machine; as many more at once after a pause.
const RATE: u64 = 20;
/// Background (heartbeats, empty polls) leaves so many of these to the rest.
const FOR_FOREGROUND: u64 = 10;
/// Bytes kept of one frame, and of all.
const FRAME_MOST: usize = 64 << 10;
const ALL_MOST: usize = 4 << 20;
/// Connections that are followed.
const CONNS_MOST: usize = 1000;

/// What one machine's watch knows.
pub(super) struct Watch {
    node: NodeId,
    /// The node's broker: unknown connections to it are clients. Those to a controller are other nodes, which tell.
    serves_clients: bool,
    incarnation: u64,
    counted: u64,
    conns: HashMap<ConnId, Followed>,
    pub(super) names: TopicNames,
    kept: VecDeque<(EventId, Bytes, u32)>,
    kept_bytes: usize,
    /// In thousandths of a question.
    allowance: u64,
    allowed_at: Time,
    tell: mpsc::Sender<Vec<Event>>,
}

#[derive(Default)]
struct Followed {
    facts: ConnFacts,
    client: Option<NodeId>,
    /// The last answer had nothing in it, so the next question is likely background too.
    quiet: bool,
    /// Questions that were chosen and not answered yet.
    open: VecDeque<(i32, EventId)>,
}

impl Watch {
    pub(super) fn new(
        node: NodeId,
        salt: u8,
        incarnation: u64,
        names: TopicNames,
        tell: mpsc::Sender<Vec<Event>>,
    ) -> Self {
        Self {
            node,
            serves_clients: salt == 0,
            // Ids of machines use the salts 0 and 1.
            incarnation: (2 + u64::from(salt)) << 36 | (incarnation & 0xff) << 28,
            counted: 0,
            conns: HashMap::new(),
            names,
            kept: VecDeque::new(),
            kept_bytes: 0,
            allowance: 1000 * RATE,
            allowed_at: Time::ZERO,
            tell,
        }
    }

    /// The bytes of a frame that was told of.
    pub(super) fn frame(&self, id: EventId) -> Option<KeptFrame> {
        let (_, bytes, len) = self.kept.iter().find(|(known, ..)| *known == id)?;
        Some(KeptFrame { hex: to_hex(bytes), len: *len })
    }

    pub(super) fn see(&mut self, passing: &Passing<'_>) {
        let outbound = passing.conn.is_outbound();
        // Between two nodes, the one that asks tells of both ways.
        if !outbound && (passing.peer.is_some() || !self.serves_clients) {
            return;
        }
        let response = passing.sent != outbound;
        let correlation_at = if response { 0 } else { 4 };
        let Some(correlation_id) = passing.head.get(correlation_at..).and_then(<[u8]>::first_chunk::<4>) else {
            return;
        };
        let correlation_id = i32::from_be_bytes(*correlation_id);
        if !self.conns.contains_key(&passing.conn) && self.conns.len() >= CONNS_MOST {
            self.conns.clear();
        }
        let cause = if response {
            let Some(followed) = self.conns.get_mut(&passing.conn) else { return };
            let Some(index) = followed.open.iter().position(|(open, _)| *open == correlation_id) else { return };
            let question = followed.open[index].1;
            followed.open.drain(..=index);
            Some(question)
        } else {
            let quiet = self.conns.get(&passing.conn).is_some_and(|followed| followed.quiet);
            if !self.allows(passing.at, quiet) {
                return;
            }
            None
        };
        self.tell(passing, response, correlation_id, cause);
    }

    /// Whether one more question may be looked into.
    fn allows(&mut self, now: Time, quiet: bool) -> bool {
        let earned = now.0.saturating_sub(self.allowed_at.0).saturating_mul(RATE) / 1000;
        self.allowance = self.allowance.saturating_add(earned).min(1000 * RATE);
        self.allowed_at = now;
        let needed = if quiet { 1000 * (FOR_FOREGROUND + 1) } else { 1000 };
        if self.allowance < needed {
            return false;
        }
        self.allowance -= 1000;
        true
    }

    fn tell(&mut self, passing: &Passing<'_>, response: bool, correlation_id: i32, cause: Option<EventId>) {
        let bytes = (passing.bytes)(FRAME_MOST);
        let followed = self.conns.entry(passing.conn).or_default();
        let peer = passing.peer.or_else(|| client(followed, passing, response, &bytes));
        let Some(peer) = peer else { return };
        let (from, to) = if passing.sent { (self.node, peer) } else { (peer, self.node) };
        // Nobody knows at one end when a frame arrives at the other; between processes of one machine it is at once.
        let sent = Sent { from, to, response, arrives_at: passing.at };
        let Ok(Some(mut facts)) = facts::describe(&mut followed.facts, &mut self.names, &sent, &bytes, true) else {
            return;
        };
        facts.bytes = passing.len as u32;
        followed.quiet = facts.background;
        self.counted += 1;
        let id = EventId::new(self.node, self.incarnation ^ (self.counted & ((1 << 28) - 1)));
        if !response {
            followed.open.push_back((correlation_id, id));
            // Produce with acks=0 is never answered.
            if followed.open.len() > 64 {
                followed.open.pop_front();
            }
        }
        self.keep(id, bytes, passing.len as u32);
        let event = Event { id, at: passing.at, node: from, cause, kind: EventKind::Sent(Box::new(facts)) };
        let _ = self.tell.try_send(vec![event]);
    }

    fn keep(&mut self, id: EventId, bytes: Bytes, len: u32) {
        self.kept_bytes += bytes.len();
        // A copy: a slice of a receive buffer would keep the whole buffer.
        self.kept.push_back((id, Bytes::copy_from_slice(&bytes), len));
        while self.kept_bytes > ALL_MOST {
            let Some((_, oldest, _)) = self.kept.pop_front() else { break };
            self.kept_bytes -= oldest.len();
        }
    }
}

/// Who the client at the other end is: questions carry its name.
fn client(followed: &mut Followed, passing: &Passing<'_>, response: bool, bytes: &Bytes) -> Option<NodeId> {
    if !response {
        let (head, _) = frame::parse_request(bytes).ok()?;
        followed.client = Some(ClientView::id_of(head.client_id.as_deref().unwrap_or_default(), passing.remote));
    }
    followed.client
}
