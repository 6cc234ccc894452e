//! Connections: frames travel in order, are held by cuts and mutes, and end for both sides.

use bytes::{Bytes, BytesMut};

use super::{Answer, World, queue::What};
use crate::{
    disk::Disk,
    id::{ConnId, EventId},
    seam::{Input, Part, Time},
    sim::{
        check::Findings,
        facts::{self, Sent},
        network::{ConnKey, InFlight, Item, NodeIndex, SYN_RETRY_MS, TCP_TIMEOUT_MS},
        process,
    },
    trace::EventKind,
    view::ProcessState,
};

/// One gigabit a second.
const BYTES_PER_US: u64 = 125;

impl World {
    pub(super) fn now_plus_latency(&mut self, from: NodeIndex, to: NodeIndex, bytes: usize) -> Time {
        let link = self.net.link(from, to);
        let jitter = if self.scenario.jitter_us == 0 { 0 } else { self.rng.u64(..self.scenario.jitter_us) };
        Time(self.now.0 + self.scenario.latency_us + jitter + link.extra_us + bytes as u64 / BYTES_PER_US)
    }

    pub(super) fn send(&mut self, ix: NodeIndex, conn: ConnId, parts: Vec<Part>, cause: Option<EventId>) {
        let Some(&key) = self.nodes[ix].conns.get(&conn) else {
            self.tell_outside(conn, |world| world.whole_frame(ix, parts).map_or(Answer::Closed, Answer::Frame));
            return;
        };
        let Some(bytes) = self.whole_frame(ix, parts) else {
            self.close(ix, conn, None);
            return;
        };
        let Some(side) = self.side_of(key, ix, conn) else { return };
        let (from, to) = self.net.conns[&key].path(side);
        let latency = self.now_plus_latency(from, to, bytes.len());
        let c = self.net.conns.get_mut(&key).expect("looked up above");
        let arrives_at = latency.max(c.flows[side].last_arrival);
        let info = Sent { from: self.nodes[from].id, to: self.nodes[to].id, response: side == 1, arrives_at };
        let described = facts::describe(&mut c.facts, &mut self.topic_names, &info, &bytes, self.tracing);
        if let Some((epoch, candidate)) = c.facts.granted.take()
            && let Some(checks) = &mut self.checks
        {
            let mut found = Findings::default();
            checks.vote_granted(self.nodes[from].id, epoch, candidate, &mut found);
            self.tell(from, cause, found);
        }
        let sent = match described {
            Ok(facts) => self.record_event(ix, cause, || EventKind::Sent(Box::new(facts.expect("tracing")))),
            Err(broken) => {
                self.break_promise(ix, cause, "every request is answered once", broken);
                self.record_event(ix, cause, || EventKind::Sent(Box::new(facts::unknown(&info, bytes.len()))))
            }
        };
        if self.tracing {
            self.frames.push((sent, bytes.clone()));
        }
        self.push_at(key, side, Item::Frame { bytes, sent }, arrives_at);
    }

    /// Puts the parts of a frame together. `None`: a file changed under its slice, and what is left is torn.
    fn whole_frame(&self, ix: NodeIndex, parts: Vec<Part>) -> Option<Bytes> {
        if let [Part::Bytes(bytes)] = &parts[..] {
            return Some(bytes.clone());
        }
        let disk = &self.nodes[ix].disk;
        let mut frame = BytesMut::with_capacity(parts.iter().map(Part::len).sum());
        for part in parts {
            match part {
                Part::Bytes(bytes) => frame.extend_from_slice(&bytes),
                Part::File(slice) => {
                    if disk.generation(slice.file) != slice.generation {
                        return None;
                    }
                    let bytes = disk.read_at(slice.file, slice.position, slice.len as usize).ok()?;
                    if bytes.len() != slice.len as usize {
                        return None;
                    }
                    frame.extend_from_slice(&bytes);
                }
            }
        }
        Some(frame.freeze())
    }

    fn side_of(&self, key: ConnKey, node: NodeIndex, id: ConnId) -> Option<usize> {
        self.net.conns.get(&key)?.ends.iter().position(|end| end.node == node && end.id == id)
    }

    /// Sends `item` from end `side` of the connection.
    pub(super) fn push(&mut self, key: ConnKey, side: usize, item: Item, extra_bytes: usize) {
        let Some(conn) = self.net.conns.get(&key) else { return };
        let (from, to) = conn.path(side);
        let at = self.now_plus_latency(from, to, extra_bytes);
        self.push_at(key, side, item, at);
    }

    fn push_at(&mut self, key: ConnKey, side: usize, item: Item, at: Time) {
        let sent_at = self.now;
        let Some(conn) = self.net.conns.get_mut(&key) else { return };
        let flow = &mut conn.flows[side];
        let arrives_at = at.max(flow.last_arrival);
        flow.last_arrival = arrives_at;
        flow.queue.push_back(InFlight { sent_at, arrives_at, item });
        self.schedule(key, side);
    }

    /// Plans the arrival of the front of a flow, unless it is planned.
    pub(in crate::sim) fn schedule(&mut self, key: ConnKey, side: usize) {
        let now = self.now;
        let Some(conn) = self.net.conns.get_mut(&key) else { return };
        let flow = &mut conn.flows[side];
        if flow.scheduled {
            return;
        }
        if let Some(front) = flow.queue.front() {
            flow.scheduled = true;
            let at = front.arrives_at.max(now);
            self.plan(at, What::Arrive { conn: key, side });
        }
    }

    pub(super) fn arrive(&mut self, key: ConnKey, side: usize) {
        let now = self.now;
        let Some((from, to)) = self.net.conns.get(&key).map(|c| c.path(side)) else { return };
        let cut = self.net.link(from, to).cut;
        let conn = self.net.conns.get_mut(&key).expect("looked up above");
        conn.flows[side].scheduled = false;
        let receiver = conn.ends[1 - side].clone();
        let flow = &mut conn.flows[side];
        let Some(front) = flow.queue.front() else { return };
        if front.arrives_at > now {
            self.schedule(key, side);
            return;
        }
        if cut {
            if flow.held_since.is_none() {
                flow.held_since = Some(now);
                self.plan(now.plus_ms(TCP_TIMEOUT_MS), What::HeldTooLong { conn: key, side, since: now });
            }
            return;
        }
        let muted = receiver.muted && matches!(front.item, Item::Frame { .. });
        if receiver.open && (muted || self.nodes[receiver.node].state == ProcessState::Paused) {
            return;
        }
        let InFlight { item, .. } = flow.queue.pop_front().expect("looked at above");
        flow.held_since = None;
        if receiver.open {
            self.deliver(key, side, receiver.node, receiver.id, item);
        }
        self.schedule(key, side);
    }

    fn deliver(&mut self, key: ConnKey, side: usize, to: NodeIndex, conn: ConnId, item: Item) {
        match item {
            Item::Opened => {
                let c = &self.net.conns[&key];
                let peer = process::endpoint(self.nodes[c.ends[side].node].id, self.nodes[c.ends[side].node].role);
                let listener = (side == 0).then_some(c.listener);
                let principal = "User:ANONYMOUS".into();
                self.dispatch(to, Input::Opened { conn, listener, peer: peer.to_string(), principal }, None);
            }
            Item::Frame { bytes, sent } => {
                self.frames_delivered += 1;
                self.dispatch(to, Input::Frame { conn, bytes, cause: Some(sent) }, Some(sent));
            }
            Item::Closed { cause } => {
                self.nodes[to].conns.remove(&conn);
                let c = self.net.conns.get_mut(&key).expect("its queue was just read");
                c.ends[1 - side].open = false;
                if !c.ends[side].open {
                    self.net.conns.remove(&key);
                }
                self.dispatch(to, Input::Closed { conn }, cause);
            }
        }
    }

    /// A SYN arrives: the kernel accepts it even for a paused process, and refuses it for one that is dead or does not
    /// listen yet.
    pub(super) fn connect_arrives(&mut self, key: ConnKey) {
        let Some((from, to)) = self.net.conns.get(&key).map(|c| c.path(0)) else { return };
        let cut = self.net.link(from, to).cut || self.net.link(to, from).cut;
        let conn = self.net.conns.get_mut(&key).expect("looked up above");
        if !conn.ends[0].open {
            self.net.conns.remove(&key);
            return;
        }
        if cut {
            let Some(&delay) = SYN_RETRY_MS.get(conn.syn_tries) else {
                let id = conn.ends[0].id;
                self.net.conns.remove(&key);
                self.nodes[from].conns.remove(&id);
                self.answer(from, Input::Closed { conn: id });
                return;
            };
            conn.syn_tries += 1;
            self.plan(self.now.plus_ms(delay), What::Connect { conn: key });
            return;
        }
        if !self.nodes[to].listening {
            let cause = self.nodes[to].ended_by;
            self.push(key, 1, Item::Closed { cause }, 0);
            return;
        }
        conn.ends[1].open = true;
        let id = conn.ends[1].id;
        self.nodes[to].conns.insert(id, key);
        self.push_at(key, 0, Item::Opened, self.now);
        self.push(key, 1, Item::Opened, 0);
    }

    pub(super) fn set_muted(&mut self, ix: NodeIndex, conn: ConnId, muted: bool) {
        let Some(&key) = self.nodes[ix].conns.get(&conn) else { return };
        let Some(side) = self.side_of(key, ix, conn) else { return };
        self.net.conns.get_mut(&key).expect("looked up above").ends[side].muted = muted;
        if !muted {
            self.schedule(key, 1 - side);
        }
    }

    /// One end closes: it hears nothing more; the other end learns when what was sent before has arrived.
    pub(in crate::sim) fn close(&mut self, ix: NodeIndex, conn: ConnId, cause: Option<EventId>) {
        let Some(key) = self.nodes[ix].conns.remove(&conn) else {
            self.tell_outside(conn, |_| Answer::Closed);
            return;
        };
        let Some(side) = self.net.conns[&key].ends.iter().position(|e| e.node == ix && e.id == conn) else { return };
        let c = self.net.conns.get_mut(&key).expect("looked up above");
        c.ends[side].open = false;
        c.flows[1 - side].queue.clear();
        if c.ends[1 - side].open {
            self.push(key, side, Item::Closed { cause }, 0);
        } else {
            self.net.conns.remove(&key);
        }
    }

    /// Breaks a connection for both ends at once.
    pub(in crate::sim) fn break_conn(&mut self, key: ConnKey, cause: Option<EventId>) {
        let Some(conn) = self.net.conns.remove(&key) else { return };
        for end in conn.ends {
            if end.open {
                self.nodes[end.node].conns.remove(&end.id);
                if self.nodes[end.node].state == ProcessState::Paused {
                    self.nodes[end.node].parked.push_back(Input::Closed { conn: end.id });
                } else {
                    self.dispatch(end.node, Input::Closed { conn: end.id }, cause);
                }
            }
        }
    }
}
