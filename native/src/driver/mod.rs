//! Runs one [`Machine`] on one thread: sockets, disk, timer, blocking work. It interprets nothing: of Kafka it knows the
//! 4-byte length in front of each frame.
//!
//! Everything here lives on one thread and is shared by reference counts. A task that has a frame calls the machine
//! directly ([`Driver::step`]) and its outputs are performed before the call returns, so a request that can be answered at
//! once is answered without a task switch or a queue. No borrow is held across an await.

mod conn;
mod files;
mod frame;
mod links;
mod socket;
#[cfg(test)]
mod tests;

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    time::Duration,
};

use bytes::Bytes;
use lab_core::{
    disk::DiskError,
    id::{ConnId, EventId, NodeId},
    job::{Job, JobResult},
    seam::{Ctx, Input, Listener, Machine, Now, Numbering, Outbox, Output, Part, Time},
    trace::{Event, EventKind},
};
use tokio::{
    net::TcpSocket,
    select,
    sync::Notify,
    task::{JoinSet, spawn_blocking},
    time::{sleep, sleep_until},
};
use tracing::{error, info, warn};

use crate::clock::Clock;
use conn::Conn;
pub use files::{Files, NoFiles};
use links::LinkState;
pub use links::{LinkFault, LinkTable, Links};
pub use socket::take;

/// Events that nobody has fetched yet; more are lost (the live page shows that it lost some).
const TRACED_MAX: usize = 10_000;
/// Connections that the kernel holds for us until they are accepted.
const BACKLOG: u32 = 1024;
/// How often connections are looked over for idleness.
const SWEEP: Duration = Duration::from_secs(1);
/// A peer that takes nothing of what waits for it is given up after this, or after the idle time if that is shorter.
const STALLED: Duration = Duration::from_secs(120);

/// Bounds of a driver.
#[derive(Clone, Debug)]
pub struct Limits {
    /// `socket.request.max.bytes`
    pub frame_max: usize,
    /// `connections.max.idle.ms`
    pub idle: Duration,
    /// [`STALLED`], shorter in tests.
    pub stalled: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frame_max: 100 << 20, idle: Duration::from_secs(600), stalled: STALLED }
    }
}

/// What a driver counts, since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counters {
    pub frames_in: u64,
    pub bytes_in: u64,
    pub frames_out: u64,
    pub bytes_out: u64,
    pub connections: u64,
    pub accepted: u64,
    pub syncs: u64,
    pub jobs: u64,
}

impl Counters {
    /// The sum of two drivers of one process.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            frames_in: self.frames_in + other.frames_in,
            bytes_in: self.bytes_in + other.bytes_in,
            frames_out: self.frames_out + other.frames_out,
            bytes_out: self.bytes_out + other.bytes_out,
            connections: self.connections + other.connections,
            accepted: self.accepted + other.accepted,
            syncs: self.syncs + other.syncs,
            jobs: self.jobs + other.jobs,
        }
    }
}

/// An event as the machine wrote it, with the time of the input that led to it.
pub struct Traced {
    pub id: EventId,
    pub at: Time,
    pub cause: Option<EventId>,
    /// Rare enough for a log.
    pub note: bool,
    pub kind: EventKind,
}

/// A frame on its way through the driver, for those who watch.
pub struct Passing<'a> {
    pub conn: ConnId,
    /// Who is at the other end, if that is a node.
    pub peer: Option<NodeId>,
    /// Address of the other end.
    pub remote: &'a str,
    /// The machine sent it, or received it.
    pub sent: bool,
    pub at: Time,
    pub len: usize,
    /// Its first bytes, in one piece.
    pub head: &'a [u8],
    /// All of it, as far as the given number of bytes. Reads files if it has to: ask only for what is shown.
    pub bytes: &'a dyn Fn(usize) -> Bytes,
}

/// Sees every frame that passes while it is set.
pub type Tap = Box<dyn FnMut(Passing<'_>)>;

/// How jobs are run: the driver does not know what they are.
pub type RunJob = fn(Job) -> JobResult;

struct State<M, D> {
    machine: M,
    disk: D,
    outbox: Outbox,
    conns: HashMap<ConnId, Rc<Conn>>,
    links: Links,
    accepted: u64,
    /// Ports that are taken and refuse connections until the machine says [`Output::Listen`].
    ports: Vec<(TcpSocket, Listener)>,
    listening: bool,
    /// Connections that got output in the current step.
    dirty: Vec<Rc<Conn>>,
    traced: Vec<Traced>,
    tap: Option<Tap>,
    counters: Counters,
    last: Now,
}

struct Shared<M, D> {
    state: RefCell<State<M, D>>,
    clock: Clock,
    limits: Limits,
    run_job: RunJob,
    me: NodeId,
    timer: Notify,
    /// What the timer task sleeps for.
    armed: Cell<Option<Time>>,
    exited: Cell<bool>,
    exit: Notify,
    panicked: Cell<bool>,
    /// Told when events were traced.
    traced: Notify,
    /// Told after each step.
    stirred: Notify,
    /// Everything that runs for this driver.
    tasks: RefCell<JoinSet<()>>,
}

/// A machine with its world. Cloning gives another handle to the same one.
pub struct Driver<M, D>(Rc<Shared<M, D>>);

impl<M, D> Clone for Driver<M, D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Machine + 'static, D: Files + 'static> Driver<M, D> {
    /// Starts a machine with `start` and performs what it asked for. Needs a tokio `LocalSet`.
    pub fn start<E>(
        me: NodeId,
        mut disk: D,
        mut outbox: Outbox,
        clock: Clock,
        limits: Limits,
        run_job: RunJob,
        start: impl FnOnce(&mut Ctx<'_>) -> Result<M, E>,
    ) -> Result<Self, E> {
        let now = clock.now();
        let machine = start(&mut Ctx { now, disk: &mut disk, out: &mut outbox })?;
        let driver = Self(Rc::new(Shared {
            state: RefCell::new(State {
                machine,
                disk,
                outbox,
                conns: HashMap::new(),
                links: Links::default(),
                accepted: 0,
                ports: Vec::new(),
                listening: false,
                dirty: Vec::new(),
                traced: Vec::new(),
                tap: None,
                counters: Counters::default(),
                last: now,
            }),
            clock,
            limits,
            run_job,
            me,
            timer: Notify::new(),
            armed: Cell::new(None),
            exited: Cell::new(false),
            exit: Notify::new(),
            panicked: Cell::new(false),
            traced: Notify::new(),
            stirred: Notify::new(),
            tasks: RefCell::default(),
        }));
        driver.spawn(driver.clone().keep_time());
        driver.spawn(driver.clone().sweep());
        driver.perform(&mut driver.0.state.borrow_mut(), now);
        Ok(driver)
    }

    /// Serves a bound port, as soon as the machine wants to.
    pub fn serve(&self, port: TcpSocket, kind: Listener) {
        let mut state = self.0.state.borrow_mut();
        state.ports.push((port, kind));
        if state.listening {
            self.listen(&mut state);
        }
    }

    fn listen(&self, state: &mut State<M, D>) {
        state.listening = true;
        for (port, kind) in state.ports.drain(..) {
            match port.listen(BACKLOG) {
                Ok(listener) => self.spawn(self.clone().accept(listener, kind)),
                // Somebody took it since it was bound, which two may do that both do not listen yet.
                Err(error) => {
                    error!("cannot listen: {error}");
                    self.exit();
                }
            }
        }
    }

    fn exit(&self) {
        self.0.exited.set(true);
        self.0.exit.notify_waiters();
        self.0.exit.notify_one();
    }

    /// Hands the machine one input and performs what it asks for. Must not be called from inside a step.
    pub fn step(&self, input: Input) {
        let mut state = self.0.state.borrow_mut();
        let mut now = self.0.clock.now();
        now.mono = now.mono.max(state.last.mono);
        state.last = now;
        let State { machine, disk, outbox, tap, conns, .. } = &mut *state;
        if let (Some(tap), Input::Frame { conn, bytes, .. }) = (tap, &input)
            && let Some(conn) = conns.get(conn)
        {
            let first = |most: usize| bytes.slice(..bytes.len().min(most));
            tap(conn.passing(false, now.mono, bytes.len(), bytes, &first));
        }
        outbox.begin(None);
        let bug = OnPanic(&self.0.exit, &self.0.panicked);
        machine.handle(&mut Ctx { now, disk, out: outbox }, input);
        self.perform(&mut state, now);
        std::mem::forget(bug);
        self.0.stirred.notify_one();
    }

    /// Runs something for as long as this driver is not killed.
    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let mut tasks = self.0.tasks.borrow_mut();
        // Those that have ended are forgotten.
        while tasks.try_join_next().is_some() {}
        tasks.spawn_local(task);
    }

    /// Ends at once, as a process that gets SIGKILL: sockets are closed, and the machine is told nothing any more.
    pub fn kill(&self) {
        self.0.tasks.borrow_mut().abort_all();
        self.0.state.borrow_mut().conns.clear();
    }

    /// How far ids have been counted, for another machine that goes on in this one's place.
    pub fn numbering(&self) -> Numbering {
        self.0.state.borrow().outbox.numbering()
    }

    /// Reads the machine, with its disk and the time.
    pub fn read<R>(&self, read: impl FnOnce(&M, &D, Now) -> R) -> R {
        let state = self.0.state.borrow();
        read(&state.machine, &state.disk, self.0.clock.now())
    }

    /// Changes the machine from outside of its inputs: pull queues of client machines.
    pub fn with<R>(&self, change: impl FnOnce(&mut M, &mut Ctx<'_>) -> R) -> R {
        let mut state = self.0.state.borrow_mut();
        let now = self.0.clock.now();
        let State { machine, disk, outbox, .. } = &mut *state;
        outbox.begin(None);
        let result = change(machine, &mut Ctx { now, disk, out: outbox });
        self.perform(&mut state, now);
        result
    }

    /// Whether the machine writes events. Nobody pays for events that nobody reads.
    pub fn set_tracing(&self, on: bool) {
        self.0.state.borrow_mut().outbox.set_tracing(on);
    }

    /// Lets `tap` see every frame from now on, or nobody.
    pub fn set_tap(&self, tap: Option<Tap>) {
        self.0.state.borrow_mut().tap = tap;
    }

    /// Waits until there are events, then takes them.
    pub async fn traced(&self) -> Vec<Traced> {
        loop {
            let events = std::mem::take(&mut self.0.state.borrow_mut().traced);
            if !events.is_empty() {
                return events;
            }
            self.0.traced.notified().await;
        }
    }

    /// The events that there are now, as this machine's.
    pub fn take_events(&self) -> Vec<Event> {
        let node = self.0.me;
        let traced = std::mem::take(&mut self.0.state.borrow_mut().traced).into_iter();
        traced.map(|t| Event { id: t.id, at: t.at, node, cause: t.cause, kind: t.kind }).collect()
    }

    pub fn counters(&self) -> Counters {
        let state = self.0.state.borrow();
        Counters { connections: state.conns.len() as u64, ..state.counters }
    }

    /// Applies faults on links to the connections there are and those to come.
    pub fn set_links(&self, table: &LinkTable) {
        let mut state = self.0.state.borrow_mut();
        state.links = Links::new(self.0.me, table);
        for conn in state.conns.values() {
            conn.link.set(state.links.state(conn.peer.get()));
            conn.changed.notify_one();
        }
    }

    /// Waits until the machine has handled an input since this was last called: there may be something to pull.
    pub async fn stirred(&self) {
        self.0.stirred.notified().await;
    }

    /// Waits until the machine has said [`Output::Exit`].
    ///
    /// # Panics
    /// When the machine did: a bug in one task of a driver ends the whole of it.
    pub async fn exited(&self) {
        while !self.0.exited.get() {
            assert!(!self.0.panicked.get(), "the machine panicked");
            self.0.exit.notified().await;
        }
    }

    /// Performs what the machine wrote, in order, then writes to each connection that got output.
    fn perform(&self, state: &mut State<M, D>, now: Now) {
        let State { outbox, conns, links, disk, dirty, traced, tap, counters, .. } = &mut *state;
        let mut listens = false;
        for output in outbox.drain() {
            match output {
                Output::Send { conn, parts, cause: _ } => {
                    let Some(conn) = conns.get(&conn) else { continue };
                    if conn.closing.get() {
                        continue;
                    }
                    if !conn.has_output() {
                        dirty.push(conn.clone());
                    }
                    let len = parts.iter().map(Part::len).sum();
                    if let (Some(tap), Some(Part::Bytes(head))) = (tap.as_mut(), parts.first()) {
                        tap(conn.passing(true, now.mono, len, head, &|most| files::gather(disk, &parts, most)));
                    }
                    counters.frames_out += 1;
                    counters.bytes_out += len as u64 + 4;
                    conn.begin_frame(len);
                    for part in parts {
                        match part {
                            Part::Bytes(bytes) => conn.push_bytes(bytes),
                            Part::File(slice) => match disk.pin(&slice) {
                                Some(file) => conn.push_file(file, slice),
                                None => conn.fail("a file was closed before it was sent"),
                            },
                        }
                    }
                    if conn.queued() > conn::QUEUE_MAX {
                        conn.fail("its peer does not read what is sent");
                    }
                }
                Output::Mute { conn } => {
                    if let Some(conn) = conns.get(&conn) {
                        conn.muted.set(true);
                    }
                }
                Output::Unmute { conn } => {
                    if let Some(conn) = conns.get(&conn) {
                        conn.muted.set(false);
                        conn.changed.notify_one();
                    }
                }
                Output::Open { conn: id, to } => {
                    let conn = Rc::new(Conn::new(id, false, to.to_string()));
                    conn.identify(links.peer_at(&to), links);
                    conns.insert(id, conn.clone());
                    self.spawn(self.clone().open(conn, to));
                }
                Output::Close { conn } => {
                    if let Some(conn) = conns.get(&conn) {
                        conn.closing.set(true);
                        conn.changed.notify_one();
                    }
                }
                Output::Identified { conn, peer } => {
                    if let Some(conn) = conns.get(&conn) {
                        conn.identify(Some(peer), links);
                    }
                }
                Output::Sync { token, target } => {
                    counters.syncs += 1;
                    let work = disk.durability(&target);
                    let driver = self.clone();
                    self.spawn(async move {
                        let result =
                            spawn_blocking(work).await.unwrap_or_else(|e| Err(DiskError::Broken(e.to_string())));
                        driver.step(Input::Synced { token, result });
                    });
                }
                Output::Job { token, job } => {
                    counters.jobs += 1;
                    let (driver, run) = (self.clone(), self.0.run_job);
                    self.spawn(async move {
                        // A job that panics is a bug of the core, and ends the process as one in the machine does.
                        let result = spawn_blocking(move || run(job)).await.expect("a job is total");
                        driver.step(Input::JobDone { token, result });
                    });
                }
                Output::Trace { id, cause, note, kind } => {
                    if traced.len() < TRACED_MAX {
                        traced.push(Traced { id, at: now.mono, cause, note, kind: *kind });
                    }
                    self.0.traced.notify_one();
                }
                Output::Listen => listens = true,
                Output::Exit => self.exit(),
            }
        }
        for conn in dirty.drain(..) {
            conn.flush_now(disk);
        }
        if listens {
            self.listen(state);
        }
        self.arm(state.machine.deadline());
    }

    fn arm(&self, deadline: Option<Time>) {
        // A timer that rings too early finds nothing to do, so it is only ever moved to sooner.
        if deadline.is_some_and(|wanted| self.0.armed.get().is_none_or(|armed| wanted < armed)) {
            self.0.timer.notify_one();
        }
    }

    /// Rings when the machine's deadline comes.
    async fn keep_time(self) {
        loop {
            let deadline = self.0.state.borrow().machine.deadline();
            self.0.armed.set(deadline);
            match deadline {
                None => self.0.timer.notified().await,
                Some(at) => {
                    select! {
                        () = sleep_until(self.0.clock.instant(at)) => {
                            if self.0.clock.time() >= at {
                                self.step(Input::Wake);
                                let again = self.0.state.borrow().machine.deadline();
                                if again.is_some_and(|next| next <= at) {
                                    // A machine that asks for the past must not starve everybody else.
                                    sleep(Duration::from_millis(1)).await;
                                }
                            }
                        }
                        () = self.0.timer.notified() => {}
                    }
                }
            }
        }
    }

    /// Closes connections on which nothing moves (`connections.max.idle.ms`, as Kafka's `Selector`).
    async fn sweep(self) {
        loop {
            sleep(SWEEP.min(self.0.limits.stalled)).await;
            let state = self.0.state.borrow();
            for conn in state.conns.values() {
                let idle = conn.last_active.get().elapsed();
                let cut = conn.link.get() != LinkState::default();
                if conn.has_output() && !cut && idle > self.0.limits.stalled.min(self.0.limits.idle) {
                    warn!(
                        remote = conn.remote,
                        "closing: {} s passed and it took nothing of what waits for it",
                        idle.as_secs()
                    );
                    conn.fail("its peer does not read what is sent");
                } else if conn.accepted && !conn.muted.get() && idle > self.0.limits.idle {
                    info!(
                        remote = conn.remote,
                        "closing: idle for connections.max.idle.ms={}",
                        self.0.limits.idle.as_millis()
                    );
                    conn.fail("idle");
                }
            }
        }
    }
}

/// Dropped only when a step unwinds. Tokio would go on without the task that panicked.
struct OnPanic<'a>(&'a Notify, &'a Cell<bool>);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        self.1.set(true);
        self.0.notify_one();
    }
}
