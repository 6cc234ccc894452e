//! One machine of a node on a thread of its own: driver, listeners, and a line to the rest of the process.

use std::{net::TcpListener, thread};

use lab_core::{
    broker::Broker,
    controller::Controller,
    disk::Disk,
    id::{EventId, NodeId},
    job::{Job, JobResult},
    node::StartError,
    recording::Recorder,
    seam::{Ctx, Input, Listener, Machine, Now, Outbox},
    trace::Event,
};
use tokio::{
    runtime::Builder,
    select,
    sync::{mpsc, oneshot},
    task::LocalSet,
};

use super::{
    channel::Report,
    journal::Journal,
    tape::{Tape, Taped},
};
use crate::{
    clock::Clock,
    disk::FileDisk,
    driver::{Driver, Limits, LinkTable, Traced},
};

/// What the process asks of a machine's thread.
#[derive(Debug)]
pub(super) enum Ask {
    Report(oneshot::Sender<Report>),
    Links(LinkTable),
    Tracing(bool),
    /// Hand over and end: the thread's `done` is told when the machine has.
    Stop,
}

/// A machine that can say what it believes.
pub(super) trait Viewed: Machine + 'static {
    /// Keeps the ids of two machines of one node apart.
    const SALT: u8;
    const LISTENER: Listener;

    fn describe(&self, disk: &dyn Disk, now: Now, report: &mut Report);
}

impl Viewed for Broker {
    const SALT: u8 = 0;
    const LISTENER: Listener = Listener::Broker;

    fn describe(&self, disk: &dyn Disk, now: Now, report: &mut Report) {
        report.broker = Some(self.view(disk, now));
    }
}

impl Viewed for Controller {
    const SALT: u8 = 1;
    const LISTENER: Listener = Listener::Controller;

    fn describe(&self, disk: &dyn Disk, now: Now, report: &mut Report) {
        report.controller = Some(self.view(disk, now));
    }
}

/// Everything a machine's thread is started with.
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) id: NodeId,
    pub(super) disk: FileDisk,
    pub(super) clock: Clock,
    pub(super) limits: Limits,
    pub(super) listeners: Vec<TcpListener>,
    pub(super) recorder: Option<Recorder<Tape>>,
    /// Tells starts of one node apart in the ids of their events.
    pub(super) incarnation: u64,
    pub(super) events: mpsc::Sender<Vec<Event>>,
}

/// The process's end of the line to a machine's thread.
pub(super) struct Running {
    pub(super) name: &'static str,
    pub(super) asks: mpsc::UnboundedSender<Ask>,
    /// Told how the start went.
    pub(super) started: Option<oneshot::Receiver<Result<(), StartError>>>,
    /// Told when the machine has ended by itself or because it was asked to.
    pub(super) done: oneshot::Receiver<()>,
}

/// Starts a thread that runs what `start` makes.
pub(super) fn spawn<M: Viewed>(
    plan: Plan,
    start: impl FnOnce(&mut Ctx<'_>) -> Result<M, StartError> + Send + 'static,
) -> Running {
    let (asks, inbox) = mpsc::unbounded_channel();
    let (tell_started, started) = oneshot::channel();
    let (tell_done, done) = oneshot::channel();
    let name = plan.name;
    let body = move || {
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(4).build();
        let runtime = runtime.expect("a thread can have an event loop");
        LocalSet::new().block_on(&runtime, run(plan, start, inbox, tell_started));
        let _ = tell_done.send(());
        // What still waits for the disk must not keep the process from ending.
        runtime.shutdown_background();
    };
    thread::Builder::new().name(name.into()).spawn(body).expect("a process can have three threads");
    Running { name, asks, started: Some(started), done }
}

async fn run<M: Viewed>(
    plan: Plan,
    start: impl FnOnce(&mut Ctx<'_>) -> Result<M, StartError>,
    mut inbox: mpsc::UnboundedReceiver<Ask>,
    tell_started: oneshot::Sender<Result<(), StartError>>,
) {
    let mut outbox = Outbox::new(plan.id, M::SALT, false);
    outbox.set_noting(true);
    let mut journal = Journal::default();
    let mut watched = false;
    let recorder = plan.recorder;
    let start = |ctx: &mut Ctx<'_>| Taped::start(recorder, ctx, start);
    let driver = Driver::start(plan.id, plan.disk, outbox, plan.clock, plan.limits, run_job, start);
    let driver = match driver {
        Ok(driver) => driver,
        Err(error) => {
            let _ = tell_started.send(Err(error));
            return;
        }
    };
    for listener in plan.listeners {
        driver.serve(listener, M::LISTENER).expect("a bound listener can be served");
    }
    let _ = tell_started.send(Ok(()));
    loop {
        select! {
            ask = inbox.recv() => match ask {
                Some(Ask::Report(reply)) => {
                    let mut report = Report { counters: driver.counters(), ..Report::default() };
                    driver.read(|taped, disk, now| taped.machine.describe(disk, now, &mut report));
                    let _ = reply.send(report);
                }
                Some(Ask::Links(table)) => driver.set_links(&table),
                Some(Ask::Tracing(on)) => {
                    watched = on;
                    driver.set_tracing(on);
                }
                Some(Ask::Stop) => driver.step(Input::Shutdown),
                None => return,
            },
            traced = driver.traced() => {
                traced.iter().filter(|traced| traced.note).for_each(|traced| journal.write(plan.id, &traced.kind));
                if !watched {
                    continue;
                }
                let events = traced.into_iter().map(|traced| event(plan.id, plan.incarnation, traced)).collect();
                // The page shows that it lost some when the supervisor cannot follow.
                let _ = plan.events.try_send(events);
            }
            () = driver.exited() => return,
        }
    }
}

fn run_job(job: Job) -> JobResult {
    job.run()
}

/// Ids count from the same number in each start of a node; the incarnation keeps them apart for those who watch.
fn event(node: NodeId, incarnation: u64, traced: Traced) -> Event {
    let unique = |id: EventId| EventId(id.0 ^ ((incarnation & 0xff) << 28));
    let cause = traced.cause.map(unique);
    Event { id: unique(traced.id), at: traced.at, node, cause, kind: traced.kind }
}
