//! Connections that clients and other brokers opened to us. One request at a time each, as in Kafka: while one is
//! worked on or parked, the connection is muted, and what had already been read waits here, within a bound.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::clients::Client;
use crate::{
    id::{ConnId, EventId, NodeId},
    seam::{Ctx, Output, Part, Time},
    wire::{
        api::{ApiKey, Request},
        frame::{self, RequestHead},
    },
};

/// Frames that may wait behind the one that is worked on. A driver stops reading when it is told to mute, so only what
/// it had in its hands arrives after that.
const WAITING_MAX: usize = 128;

/// The right to answer one request, once. Whoever parks the request keeps this.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub conn: ConnId,
    pub api_key: ApiKey,
    pub version: i16,
    pub correlation_id: i32,
    pub client_id: Option<String>,
    /// What the answer will be caused by: the request's arrival, or what it waited for.
    pub cause: Option<EventId>,
}

impl Reply {
    pub fn new(conn: ConnId, head: RequestHead, cause: Option<EventId>) -> Self {
        let RequestHead { api_key, api_version: version, correlation_id, client_id } = head;
        Self { conn, api_key, version, correlation_id, client_id, cause }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Connections {
    conns: BTreeMap<ConnId, Connection>,
    /// Idle connections that have a frame waiting.
    ready: VecDeque<ConnId>,
    /// Connections whose request was begun in this input.
    begun: Vec<ConnId>,
}

#[derive(Clone, Debug)]
pub struct Connection {
    pub principal: String,
    pub peer: String,
    pub node: Option<NodeId>,
    /// What it said of itself and asked for.
    pub client: Client,
    last_active: Time,
    /// A request is worked on or parked.
    busy: bool,
    muted: bool,
    waiting: VecDeque<(Bytes, Option<EventId>)>,
    waiting_bytes: usize,
}

impl Connections {
    pub fn opened(&mut self, conn: ConnId, peer: String, principal: String, now: Time) {
        let connection = Connection {
            principal,
            peer,
            node: None,
            client: Client::default(),
            last_active: now,
            busy: false,
            muted: false,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        };
        self.conns.insert(conn, connection);
    }

    pub fn closed(&mut self, conn: ConnId) {
        self.conns.remove(&conn);
    }

    pub fn all(&self) -> Vec<ConnId> {
        self.conns.keys().copied().collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Connection> {
        self.conns.values()
    }

    pub fn client_mut(&mut self, conn: ConnId) -> Option<&mut Client> {
        self.conns.get_mut(&conn).map(|c| &mut c.client)
    }

    pub fn get(&self, conn: ConnId) -> Option<&Connection> {
        self.conns.get(&conn)
    }

    /// Takes a frame in. Returns false when more is waiting than may: the connection has to be closed.
    #[must_use]
    pub fn received(
        &mut self,
        conn: ConnId,
        bytes: Bytes,
        cause: Option<EventId>,
        now: Time,
        max_bytes: usize,
    ) -> bool {
        let Some(c) = self.conns.get_mut(&conn) else { return true };
        c.last_active = now;
        c.waiting_bytes += bytes.len();
        c.waiting.push_back((bytes, cause));
        if !c.busy && c.waiting.len() == 1 {
            self.ready.push_back(conn);
        }
        c.waiting.len() <= WAITING_MAX && c.waiting_bytes <= max_bytes
    }

    /// Whether there may be a frame to work on.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next frame to work on, and from where; its connection is busy from now on.
    pub fn next_frame(&mut self) -> Option<(ConnId, Bytes, Option<EventId>)> {
        while let Some(conn) = self.ready.pop_front() {
            let Some(c) = self.conns.get_mut(&conn) else { continue };
            if c.busy {
                continue;
            }
            if let Some((bytes, cause)) = c.waiting.pop_front() {
                c.waiting_bytes -= bytes.len();
                c.busy = true;
                self.begun.push(conn);
                return Some((conn, bytes, cause));
            }
        }
        None
    }

    /// Requests that could not be answered at once: nothing more is read from their connections until they are.
    pub fn mute_busy(&mut self, ctx: &mut Ctx) {
        while let Some(conn) = self.begun.pop() {
            if let Some(c) = self.conns.get_mut(&conn)
                && c.busy
                && !c.muted
            {
                c.muted = true;
                ctx.out.push(Output::Mute { conn });
            }
        }
    }

    /// Answers a request of type `R`.
    pub fn answer<R: Request>(&mut self, ctx: &mut Ctx, reply: &Reply, response: &R::Response) {
        debug_assert_eq!(R::KEY, reply.api_key);
        if self.conns.contains_key(&reply.conn) {
            let parts = frame::response_parts::<R>(reply.version, reply.correlation_id, response);
            self.answer_frame(ctx, reply, parts);
        }
    }

    /// Answers with a whole frame. Nobody is left to answer when the connection is gone.
    pub fn answer_frame(&mut self, ctx: &mut Ctx, reply: &Reply, parts: Vec<Part>) {
        if self.conns.contains_key(&reply.conn) {
            ctx.out.because(reply.cause);
            ctx.out.send(reply.conn, parts);
            self.done(ctx, reply.conn);
        }
    }

    /// The request is over, with or without an answer.
    pub fn done(&mut self, ctx: &mut Ctx, conn: ConnId) {
        let Some(c) = self.conns.get_mut(&conn) else { return };
        debug_assert!(c.busy, "a request is answered once");
        c.busy = false;
        c.last_active = ctx.now.mono;
        if c.muted {
            c.muted = false;
            ctx.out.push(Output::Unmute { conn });
        }
        if !c.waiting.is_empty() {
            self.ready.push_back(conn);
        }
    }

    /// The other end is that node: said once, so that links can be cut by identity.
    pub fn identify(&mut self, ctx: &mut Ctx, conn: ConnId, node: NodeId) {
        if let Some(c) = self.conns.get_mut(&conn)
            && c.node != Some(node)
        {
            c.node = Some(node);
            ctx.out.push(Output::Identified { conn, peer: node });
        }
    }

    /// Those over which nothing has come for `idle_ms` and that wait for nothing (`connections.max.idle.ms`).
    pub fn idle(&self, now: Time, idle_ms: u64) -> Vec<ConnId> {
        self.conns
            .iter()
            .filter(|(_, c)| !c.busy && now.ms_since(c.last_active) >= idle_ms)
            .map(|(&id, _)| id)
            .collect()
    }
}
