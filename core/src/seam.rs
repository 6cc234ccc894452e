//! The only types that cross between the logic and the world.
//!
//! A machine never reads a clock, a socket, a file or a random source: the driver (native or simulated) hands it
//! time, frames and a [`Disk`], and performs what it wrote into the [`Outbox`], in order, without interpreting it.
//! So `(config, seed, disk image, [(Now, Input)])` fixes every output, and a recording replays anywhere.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    disk::{Disk, DiskError, FileSlice, SyncTarget},
    id::{ConnId, Endpoint, EventId, NodeId, Token},
    job::{Job, JobResult},
    trace::EventKind,
};

/// Monotonic microseconds since the driver started. Our own type, because `std::time::Instant` cannot be built from
/// a number, cannot be written down, and traps in WASM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub u64);

impl Time {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(u64::MAX);

    pub const fn from_ms(ms: u64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    pub const fn as_ms(self) -> u64 {
        self.0 / 1000
    }

    /// `self + ms`, saturating: a deadline that overflows never comes.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1000)))
    }

    /// Milliseconds from `earlier` to `self`, zero when `earlier` is later.
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1000
    }
}

/// What the driver says the time is. `mono` never goes back; `wall_ms` (Unix epoch) may jump either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    pub mono: Time,
    pub wall_ms: i64,
}

/// Which of a node's listeners accepted a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Listener {
    /// Clients and other brokers.
    Broker,
    /// The quorum: voters, and brokers that observe it.
    Controller,
}

/// Everything that can happen to a machine. Closed and owned: a run is a list of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// `deadline()` was reached. A spurious wake is a no-op.
    Wake,
    /// A connection is usable: accepted (`listener` is set) or opened by [`Output::Open`] (`listener` is `None`).
    Opened { conn: ConnId, listener: Option<Listener>, peer: String, principal: String },
    /// One whole Kafka frame, without its length prefix. `cause` is the simulator's link to the event that sent it.
    Frame { conn: ConnId, bytes: Bytes, cause: Option<EventId> },
    /// All that was sent on a connection whose buffer had filled has left.
    Writable { conn: ConnId },
    /// The connection is gone (also: it could not be opened). No more frames come from it.
    Closed { conn: ConnId },
    /// Answer to [`Output::Sync`].
    Synced { token: Token, result: Result<(), DiskError> },
    /// Answer to [`Output::Job`].
    JobDone { token: Token, result: JobResult },
    /// The process was asked to end cleanly (SIGTERM). The machine answers, when it may, with [`Output::Exit`].
    Shutdown,
    /// Clients only: what a person or a script asks of them.
    Command(crate::id::Command),
}

/// Everything a machine may ask for. The driver performs these in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Accept connections from now on. Until then they are refused, as if nobody were there.
    Listen,
    /// Open a connection. `conn` was drawn by [`Outbox::new_conn`]; answered by `Opened` or `Closed`.
    Open {
        conn: ConnId,
        to: Endpoint,
    },
    Close {
        conn: ConnId,
    },
    /// Send one frame. The driver writes the length prefix and then the parts. `cause` names the event that led here.
    Send {
        conn: ConnId,
        parts: Vec<Part>,
        cause: Option<EventId>,
    },
    /// Read nothing more from this connection for now: one of its requests is worked on or parked, as in Kafka.
    Mute {
        conn: ConnId,
    },
    Unmute {
        conn: ConnId,
    },
    /// Make durable; answered by exactly one `Synced`.
    Sync {
        token: Token,
        target: SyncTarget,
    },
    /// Long pure work; answered by exactly one `JobDone`.
    Job {
        token: Token,
        job: Job,
    },
    /// This connection's other end is that node (from its fetches or registration): links are cut by identity.
    Identified {
        conn: ConnId,
        peer: NodeId,
    },
    /// A clean shutdown is complete; the driver may end the process.
    Exit,
    /// Something happened that people want to see. `note`: it is rare, and a line in the log of a node.
    Trace {
        id: EventId,
        cause: Option<EventId>,
        note: bool,
        kind: Box<EventKind>,
    },
}

/// A piece of a frame: bytes in memory, or a stretch of a file, so that a native driver may copy file to socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Bytes(Bytes),
    File(FileSlice),
}

impl Part {
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::File(slice) => slice.len as usize,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A node's logic. Deterministic and total: hostile bytes end in `Close` or an error code, never in a panic.
pub trait Machine {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input);

    /// When it wants [`Input::Wake`] if nothing else happens before. `None`: never.
    fn deadline(&self) -> Option<Time>;
}

/// What a machine is given while it handles one input.
pub struct Ctx<'a> {
    pub now: Now,
    pub disk: &'a mut dyn Disk,
    pub out: &'a mut Outbox,
}

impl Ctx<'_> {
    /// Milliseconds of the monotonic clock: what timers are measured in.
    pub fn ms(&self) -> u64 {
        self.now.mono.as_ms()
    }
}

/// How far the ids of an [`Outbox`] have been counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbering {
    event: u64,
    conn: u64,
    token: u64,
}

/// Where a machine writes what it wants done. Owned by the driver, one per machine, reused between inputs.
#[derive(Clone, Debug)]
pub struct Outbox {
    outputs: Vec<Output>,
    tracing: bool,
    noting: bool,
    node: NodeId,
    next_event: u64,
    next_conn: u64,
    next_token: u64,
    cause: Option<EventId>,
}

impl Outbox {
    /// `salt` keeps the ids of two machines of one node apart (0 the broker, 1 the controller).
    pub fn new(node: NodeId, salt: u8, tracing: bool) -> Self {
        let base = u64::from(salt) << 36;
        Self {
            outputs: Vec::new(),
            tracing,
            noting: false,
            node,
            next_event: base,
            next_conn: base,
            next_token: 0,
            cause: None,
        }
    }

    /// Goes on counting where another one stood, and traces nothing.
    pub fn resume(node: NodeId, Numbering { event, conn, token }: Numbering) -> Self {
        Self { next_event: event, next_conn: conn, next_token: token, ..Self::new(node, 0, false) }
    }

    pub fn numbering(&self) -> Numbering {
        Numbering { event: self.next_event, conn: self.next_conn, token: self.next_token }
    }

    /// The driver calls this before each input: events and frames that follow were caused by `cause`.
    pub fn begin(&mut self, cause: Option<EventId>) {
        self.cause = cause;
    }

    pub fn push(&mut self, output: Output) {
        self.outputs.push(output);
    }

    /// What was written and not yet taken.
    pub fn written(&self) -> &[Output] {
        &self.outputs
    }

    /// Takes what was written, in order.
    pub fn drain(&mut self) -> std::vec::Drain<'_, Output> {
        self.outputs.drain(..)
    }

    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// A fresh id for a connection this machine opens; the driver draws accepted ones with the top bit clear.
    pub fn new_conn(&mut self) -> ConnId {
        self.next_conn += 1;
        ConnId(ConnId::OUTBOUND | self.next_conn)
    }

    pub fn new_token(&mut self) -> Token {
        self.next_token += 1;
        Token(self.next_token)
    }

    /// Opens a connection and returns its id.
    pub fn open(&mut self, to: Endpoint) -> ConnId {
        let conn = self.new_conn();
        self.push(Output::Open { conn, to });
        conn
    }

    pub fn send(&mut self, conn: ConnId, parts: Vec<Part>) {
        let cause = self.cause;
        self.push(Output::Send { conn, parts, cause });
    }

    pub fn sync(&mut self, target: SyncTarget) -> Token {
        let token = self.new_token();
        self.push(Output::Sync { token, target });
        token
    }

    pub fn job(&mut self, job: Job) -> Token {
        let token = self.new_token();
        self.push(Output::Job { token, job });
        token
    }

    /// Records an event, caused by the event that led to the current input (or by the last one traced in it). The id
    /// advances even when nobody listens, so that ids do not depend on who watches; the closure runs only if someone does.
    pub fn trace(&mut self, kind: impl FnOnce() -> EventKind) -> EventId {
        let cause = self.cause;
        self.trace_because(cause, kind)
    }

    /// As [`Self::trace`], with a cause remembered from earlier (a timer that was set, a request that was parked).
    pub fn trace_because(&mut self, cause: Option<EventId>, kind: impl FnOnce() -> EventKind) -> EventId {
        self.record(cause, false, kind)
    }

    /// As [`Self::trace`], for what is rare and belongs into the log of a node although nobody watches: elections,
    /// recoveries, refusals of the disk.
    pub fn note(&mut self, kind: impl FnOnce() -> EventKind) -> EventId {
        self.record(self.cause, true, kind)
    }

    pub fn note_because(&mut self, cause: Option<EventId>, kind: impl FnOnce() -> EventKind) -> EventId {
        self.record(cause, true, kind)
    }

    fn record(&mut self, cause: Option<EventId>, note: bool, kind: impl FnOnce() -> EventKind) -> EventId {
        self.next_event += 1;
        let id = EventId::new(self.node, self.next_event);
        if self.tracing || (note && self.noting) {
            self.outputs.push(Output::Trace { id, cause, note, kind: Box::new(kind()) });
        }
        self.cause = Some(id);
        id
    }

    /// The event that what is written next will be caused by.
    pub fn cause(&self) -> Option<EventId> {
        self.cause
    }

    /// Continues an earlier chain: what follows is caused by `cause`.
    pub fn because(&mut self, cause: Option<EventId>) {
        self.cause = cause;
    }

    pub fn set_tracing(&mut self, tracing: bool) {
        self.tracing = tracing;
    }

    /// Notes are written even while nothing else is.
    pub fn set_noting(&mut self, noting: bool) {
        self.noting = noting;
    }
}
