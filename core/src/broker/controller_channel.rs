//! A connection to the active controller: questions wait their turn, are asked one at a time, and again wherever the
//! controller moves to, until their time is up (Kafka: `NodeToControllerChannelManager`).
//!
//! A broker has three: a heartbeat must not wait behind a topic that is being created.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{
    id::{ConnId, Endpoint, EventId, NodeId},
    seam::{Ctx, Output, Part, Time},
    wire::{api::Request, frame},
};

/// Wait after a connection was lost or refused, or the controller turned out to be another.
const BACKOFF_MS: u64 = 50;

#[derive(Clone, Debug)]
pub struct ControllerChannel<P> {
    client_id: String,
    /// How long an answer may take before the connection is given up and the question asked again.
    request_timeout_ms: u64,
    link: Link,
    not_before: Time,
    next_correlation_id: i32,
    waiting: VecDeque<Question<P>>,
    in_flight: Option<(Question<P>, Time)>,
}

/// What is asked, and `purpose`: what its owner needs to know when the answer comes.
#[derive(Clone, Debug)]
pub struct Question<P> {
    pub purpose: P,
    correlation_id: i32,
    parts: Vec<Part>,
    /// Given up then. `None`: asked until it is answered.
    deadline: Option<Time>,
    cause: Option<EventId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Link {
    Down,
    Opening(ConnId, NodeId),
    Up(ConnId, NodeId),
}

impl<P: Clone> ControllerChannel<P> {
    pub fn new(client_id: String, request_timeout_ms: u64) -> Self {
        Self {
            client_id,
            request_timeout_ms,
            link: Link::Down,
            not_before: Time::ZERO,
            next_correlation_id: 0,
            waiting: VecDeque::new(),
            in_flight: None,
        }
    }

    pub fn ask<R: Request>(&mut self, ctx: &Ctx, version: i16, request: &R, purpose: P, deadline: Option<Time>) {
        let correlation_id = self.correlation_id();
        let parts = frame::request_parts(version, correlation_id, &self.client_id, request);
        self.enqueue(ctx, correlation_id, parts, purpose, deadline);
    }

    /// Asks with a frame that `make` writes for the given correlation id.
    pub fn ask_raw(&mut self, ctx: &Ctx, make: impl FnOnce(i32) -> Vec<Part>, purpose: P, deadline: Option<Time>) {
        let correlation_id = self.correlation_id();
        let parts = make(correlation_id);
        self.enqueue(ctx, correlation_id, parts, purpose, deadline);
    }

    fn enqueue(&mut self, ctx: &Ctx, correlation_id: i32, parts: Vec<Part>, purpose: P, deadline: Option<Time>) {
        let cause = ctx.out.cause();
        self.waiting.push_back(Question { purpose, correlation_id, parts, deadline, cause });
    }

    fn correlation_id(&mut self) -> i32 {
        self.next_correlation_id = self.next_correlation_id.wrapping_add(1) & i32::MAX;
        self.next_correlation_id
    }

    /// Nothing is asked or waiting to be.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_none()
    }

    pub fn owns(&self, conn: ConnId) -> bool {
        self.conn() == Some(conn)
    }

    fn conn(&self) -> Option<ConnId> {
        match self.link {
            Link::Down => None,
            Link::Opening(conn, _) | Link::Up(conn, _) => Some(conn),
        }
    }

    pub fn opened(&mut self, ctx: &mut Ctx, conn: ConnId) {
        if let Link::Opening(opening, node) = self.link
            && opening == conn
        {
            self.link = Link::Up(conn, node);
            ctx.out.push(Output::Identified { conn, peer: node });
        }
    }

    pub fn closed(&mut self, ctx: &Ctx) {
        self.link = Link::Down;
        self.not_before = ctx.now.mono.plus_ms(BACKOFF_MS);
        if let Some((question, _)) = self.in_flight.take() {
            self.waiting.push_front(question);
        }
    }

    fn hang_up(&mut self, ctx: &mut Ctx) {
        if let Some(conn) = self.conn() {
            ctx.out.push(Output::Close { conn });
            self.closed(ctx);
        }
    }

    /// The question that this frame answers. Anything else ends the connection, and the question is asked again.
    pub fn answered(&mut self, ctx: &mut Ctx, bytes: &Bytes) -> Option<Question<P>> {
        let expected = self.in_flight.as_ref().map(|(q, _)| q.correlation_id);
        if expected.is_none() || frame::peek_correlation_id(bytes) != expected {
            self.hang_up(ctx);
            return None;
        }
        self.in_flight.take().map(|(question, _)| question)
    }

    /// The answer was that somebody else is the controller, or could not be read: ask again, over a new connection.
    pub fn again(&mut self, ctx: &mut Ctx, question: Question<P>) {
        self.waiting.push_front(question);
        self.hang_up(ctx);
    }

    /// Connects, asks, and gives up. Returns what was given up.
    pub fn drive(&mut self, ctx: &mut Ctx, controller: Option<&(NodeId, Endpoint)>) -> Vec<P> {
        let now = ctx.now.mono;
        let connected_to = match self.link {
            Link::Down => None,
            Link::Opening(_, node) | Link::Up(_, node) => Some(node),
        };
        let moved = connected_to.is_some() && controller.is_some_and(|(id, _)| connected_to != Some(*id));
        let silent = self.in_flight.as_ref().is_some_and(|(_, sent)| now >= sent.plus_ms(self.request_timeout_ms));
        if moved || silent {
            self.hang_up(ctx);
        }
        let is_over = |q: &Question<P>| q.deadline.is_some_and(|deadline| deadline <= now);
        let mut given_up = Vec::new();
        if self.in_flight.as_ref().is_some_and(|(q, _)| is_over(q)) {
            // Its answer would be taken for the next one's otherwise.
            self.hang_up(ctx);
        }
        self.waiting.retain(|q| {
            let over = is_over(q);
            if over {
                given_up.push(q.purpose.clone());
            }
            !over
        });

        if self.waiting.is_empty() || self.in_flight.is_some() || now < self.not_before {
            return given_up;
        }
        match self.link {
            Link::Opening(..) => {}
            Link::Down => {
                // Without a controller there is nothing to wait for but news of one.
                self.not_before = Time::ZERO;
                if let Some((id, endpoint)) = controller {
                    self.link = Link::Opening(ctx.out.open(endpoint.clone()), *id);
                }
            }
            Link::Up(conn, _) => {
                let question = self.waiting.pop_front().expect("there is one");
                ctx.out.because(question.cause);
                ctx.out.send(conn, question.parts.clone());
                self.in_flight = Some((question, now));
            }
        }
        given_up
    }

    pub fn deadline(&self) -> Option<Time> {
        let silent = self.in_flight.as_ref().map(|(_, sent)| sent.plus_ms(self.request_timeout_ms));
        let asked = self.in_flight.iter().map(|(q, _)| q);
        let over = self.waiting.iter().chain(asked).filter_map(|q| q.deadline).min();
        let ready = self.in_flight.is_none() && !self.waiting.is_empty() && self.link == Link::Down;
        let backoff = (ready && self.not_before > Time::ZERO).then_some(self.not_before);
        [silent, over, backoff].into_iter().flatten().min()
    }
}
