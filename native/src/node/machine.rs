//! One machine of a node on a thread of its own: driver, ports, and a line to the rest of the process.

use std::{cell::RefCell, rc::Rc, thread};

use lab_core::{
    broker::Broker,
    controller::Controller,
    disk::Disk,
    id::{EventId, NodeId},
    job::{Job, JobResult},
    node::StartError,
    recording::Recorder,
    seam::{Ctx, Input, Listener, Machine, Now, Outbox},
    sim::facts::TopicNames,
    trace::Event,
};
use tokio::{
    net::TcpSocket,
    runtime::Builder,
    select,
    sync::{mpsc, oneshot},
    task::LocalSet,
};

use super::{
    channel::{KeptFrame, Report},
    journal::Journal,
    requests::Requests,
    tape::{Tape, Taped},
    watch::Watch,
};
use crate::{
    clock::Clock,
    disk::FileDisk,
    driver::{Driver, Limits, LinkTable, Tap, Traced},
};

/// What the process asks of a machine's thread.
#[derive(Debug)]
pub(super) enum Ask {
    Report(oneshot::Sender<Report>, Detail),
    Frame(EventId, oneshot::Sender<Option<KeptFrame>>),
    Links(LinkTable),
    Tracing(bool),
    /// Hand over and end: the thread's `done` is told when the machine has.
    Stop,
}

/// How much a report tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Nothing that there may be very many of.
    Bare,
    /// Partitions, replicas and groups.
    Brief,
    /// Records and clients too.
    Full,
}

/// A machine that can say what it believes.
pub(super) trait Viewed: Machine + 'static {
    /// Keeps the ids of two machines of one node apart.
    const SALT: u8;
    const LISTENER: Listener;

    fn describe(&self, disk: &dyn Disk, now: Now, detail: Detail, report: &mut Report);

    /// Names of topics by id, for those who look at frames.
    fn topic_names(&self) -> TopicNames {
        TopicNames::new()
    }
}

impl Viewed for Broker {
    const SALT: u8 = 0;
    const LISTENER: Listener = Listener::Broker;

    fn describe(&self, disk: &dyn Disk, now: Now, detail: Detail, report: &mut Report) {
        report.broker = Some(match detail {
            Detail::Bare => self.bare_view(),
            Detail::Brief => self.brief_view(now),
            Detail::Full => self.view(disk, now),
        });
    }

    fn topic_names(&self) -> TopicNames {
        self.image().topics().map(|topic| (topic.id, topic.name.clone())).collect()
    }
}

impl Viewed for Controller {
    const SALT: u8 = 1;
    const LISTENER: Listener = Listener::Controller;

    fn describe(&self, disk: &dyn Disk, now: Now, detail: Detail, report: &mut Report) {
        report.controller = Some(match detail {
            Detail::Bare => self.bare_view(now),
            Detail::Brief => self.brief_view(now),
            Detail::Full => self.view(disk, now),
        });
    }
}

/// Everything a machine's thread is started with.
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) id: NodeId,
    pub(super) disk: FileDisk,
    pub(super) clock: Clock,
    pub(super) limits: Limits,
    pub(super) ports: Vec<TcpSocket>,
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
    let mut watch: Option<Rc<RefCell<Watch>>> = None;
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
    for port in plan.ports {
        driver.serve(port, M::LISTENER);
    }
    let requests = Requests::shared();
    driver.set_tap(Some(tap(&requests, None)));
    let _ = tell_started.send(Ok(()));
    loop {
        select! {
            ask = inbox.recv() => match ask {
                Some(Ask::Report(reply, detail)) => {
                    let mut report = Report {
                        counters: driver.counters(),
                        requests: requests.borrow().figures(),
                        isr_shrinks: journal.isr_shrinks,
                        isr_expands: journal.isr_expands,
                        elections: journal.elections,
                        ..Report::default()
                    };
                    driver.read(|taped, disk, now| taped.machine.describe(disk, now, detail, &mut report));
                    let _ = reply.send(report);
                    if let Some(watch) = &watch {
                        watch.borrow_mut().names.extend(driver.read(|taped, _, _| taped.machine.topic_names()));
                    }
                }
                Some(Ask::Frame(id, reply)) => {
                    let _ = reply.send(watch.as_ref().and_then(|watch| watch.borrow().frame(id)));
                }
                Some(Ask::Links(table)) => driver.set_links(&table),
                Some(Ask::Tracing(on)) => {
                    driver.set_tracing(on);
                    watch = on.then(|| {
                        let names = driver.read(|taped, _, _| taped.machine.topic_names());
                        let watch = Watch::new(plan.id, M::SALT, plan.incarnation, names, plan.events.clone());
                        Rc::new(RefCell::new(watch))
                    });
                    driver.set_tap(Some(tap(&requests, watch.as_ref())));
                }
                Some(Ask::Stop) => driver.step(Input::Shutdown),
                None => return,
            },
            traced = driver.traced() => {
                traced.iter().filter(|traced| traced.note).for_each(|traced| journal.write(plan.id, &traced.kind));
                if watch.is_none() {
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

/// Counts every request, and shows some to those who watch.
fn tap(requests: &Rc<RefCell<Requests>>, watch: Option<&Rc<RefCell<Watch>>>) -> Tap {
    let (requests, watch) = (Rc::clone(requests), watch.cloned());
    Box::new(move |passing| {
        requests.borrow_mut().see(&passing);
        if let Some(watch) = &watch {
            watch.borrow_mut().see(&passing);
        }
    })
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
