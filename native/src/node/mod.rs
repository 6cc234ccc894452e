//! `kafka-lab node`: a process that is one broker, one controller, or both.

pub mod channel;
mod journal;
mod machine;
mod requests;
mod tape;
mod watch;

use std::{
    fs::{self, File},
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use lab_core::{
    broker::Broker,
    controller::Controller,
    id::{Endpoint, EventId, Uuid},
    node,
    program::Program,
};
use rustix::fs::{FlockOperation, flock};
use tokio::{
    net::{TcpSocket, UnixStream},
    runtime::Builder,
    select,
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};
use tracing::{error, info, warn};

use self::{
    channel::{KeptFrame, LineWriter, Lines, News, Order, Report, RequestFigures},
    machine::{Ask, Detail, Plan, Running, Viewed},
};
use crate::{
    clock::Clock,
    disk::FileDisk,
    driver::{self, Limits},
    failure::{Failure, Outcome, While},
    http::{self, metrics::NodeFigures},
    properties::{self, ServerConfig},
};

/// A broker that cannot hand over its partitions ends without, after this. The whole process ends within 10 s.
const BROKER_STOPS_WITHIN: Duration = Duration::from_millis(6000);
const CONTROLLER_STOPS_WITHIN: Duration = Duration::from_millis(1500);
/// How often a node reports while it starts, while somebody watches, and otherwise.
const REPORT_STARTING: Duration = Duration::from_millis(50);
const REPORT_WATCHED: Duration = Duration::from_millis(200);
const REPORT_IDLE: Duration = Duration::from_millis(2000);

/// How a node is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Standard input is the socket to a supervisor.
    pub supervised: bool,
    /// Time zero of the cluster on the machine's monotonic clock.
    pub origin_us: Option<u64>,
    /// The data folder has to be of this cluster.
    pub cluster_id: Option<String>,
    /// Where to record the node.
    pub record: Option<PathBuf>,
    /// Where to serve `/metrics` and `/healthz` of this node.
    pub metrics_port: Option<u16>,
}

/// Reads a configuration file.
pub fn read_config(path: &Path) -> Outcome<ServerConfig> {
    let text = fs::read_to_string(path).doing(|| format!("cannot read {}", path.display()))?;
    properties::read(&properties::parse(&text)).map_err(|error| {
        Failure::new(format!("{}: {error}", path.display())).next("Correct the value and start again.")
    })
}

/// Writes `meta.properties` and the first records of the metadata log into the node's data folder.
pub fn format(config: &ServerConfig, cluster_id: &str) -> Outcome<node::MetaProperties> {
    let mut disk = open_disk(&config.data_dir)?;
    let mut node = config.node.clone();
    node.cluster_id = cluster_id.to_owned();
    node.seed = random_u64();
    node::format(&mut disk, &node).map_err(|error| Failure::new(format!("{}: {error}", config.data_dir.display())))
}

/// Random bytes of the system.
pub fn random_u64() -> u64 {
    let mut bytes = [0; 8];
    // The kernel's generator is always there once a machine has booted.
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).expect("the system has random bytes");
    u64::from_ne_bytes(bytes)
}

/// A random id as Kafka's tools print them.
pub fn random_uuid() -> Uuid {
    Uuid::random(&mut fastrand::Rng::with_seed(random_u64()))
}

fn open_disk(path: &Path) -> Outcome<FileDisk> {
    FileDisk::new(path).doing(|| format!("cannot use the data folder {}", path.display()))
}

/// Nobody else may use the folder while we do (Kafka's `.lock`).
fn lock(folder: &Path) -> Outcome<File> {
    let path = folder.join(".lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.doing(|| format!("cannot use the data folder {}", folder.display()))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Failure::new(format!("the data folder {} is used by another process", folder.display()))
            .next("Stop that process first, or give this node a folder of its own (log.dirs).")
    })?;
    Ok(file)
}

/// Binds a listener, or says who is in the way.
pub fn bind(endpoint: &Endpoint) -> Outcome<TcpListener> {
    let addresses = addresses(endpoint)?;
    TcpListener::bind(addresses.as_slice()).map_err(|error| cannot_bind(endpoint, &error))
}

/// Takes a port without listening there yet: connections are refused.
fn take(endpoint: &Endpoint) -> Outcome<TcpSocket> {
    let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
    for address in addresses(endpoint)? {
        result = driver::take(address);
        if result.is_ok() {
            break;
        }
    }
    result.map_err(|error| cannot_bind(endpoint, &error))
}

fn addresses(endpoint: &Endpoint) -> Outcome<Vec<SocketAddr>> {
    let addresses = (host(endpoint), endpoint.port).to_socket_addrs();
    Ok(addresses.doing(|| format!("cannot find the address {endpoint}"))?.collect())
}

fn host(endpoint: &Endpoint) -> &str {
    if endpoint.host.is_empty() { "0.0.0.0" } else { &endpoint.host }
}

fn cannot_bind(endpoint: &Endpoint, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AddrInUse => Failure::new(format!("port {} of {} is in use", endpoint.port, host(endpoint)))
            .next("Stop what listens there (`ss -ltnp` shows it), or choose another port."),
        io::ErrorKind::PermissionDenied => {
            Failure::new(format!("port {} needs privileges", endpoint.port)).next("Choose a port above 1023.")
        }
        _ => Failure::new(format!("cannot listen on {endpoint}: {error}")),
    }
}

/// Runs a node until it is asked to stop.
pub fn run(mut config: ServerConfig, options: &Options) -> Outcome {
    log_panics();
    if let Some(cluster_id) = &options.cluster_id {
        config.node.cluster_id.clone_from(cluster_id);
    }
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let supervisor = if options.supervised { Some(supervisor_socket()?) } else { None };
    raise_file_limit();
    let runtime = Builder::new_current_thread().enable_all().build().doing(|| "cannot start an event loop".into())?;
    let result = runtime.block_on(run_async(config, options, supervisor));
    // Blocking work of the runtime must not keep a stopped node alive.
    runtime.shutdown_background();
    result
}

async fn run_async(config: ServerConfig, options: &Options, supervisor: Option<UnixStreamStd>) -> Outcome {
    let mut stop = StopSignals::new()?;
    let clock = options.origin_us.map_or_else(Clock::start, Clock::with_origin);
    let (tell_events, mut events) = mpsc::channel(256);
    fs::create_dir_all(&config.data_dir)
        .doing(|| format!("cannot use the data folder {}", config.data_dir.display()))?;
    let _lock = lock(&config.data_dir)?;
    let mut machines = start(&config, options, clock, &tell_events)?;
    for machine in &mut machines {
        let started = machine.started.take().expect("taken once").await;
        let started = started.map_err(|_| Failure::new(format!("the {} ended while it started", machine.name)))?;
        started.map_err(|error| Failure::new(format!("{}: {error}", config.data_dir.display())))?;
    }
    let addresses: Vec<String> =
        config.broker_listeners.iter().chain(&config.controller_listeners).map(ToString::to_string).collect();
    info!("node {} is up, its addresses are {}", config.node.node_id, addresses.join(" and "));

    let (mut orders, mut writer) = match supervisor {
        Some(stream) => {
            let stream = UnixStream::from_std(stream).doing(|| "cannot talk to the supervisor".into())?;
            let (orders, writer) = channel::split(stream);
            (Some(orders), Some(writer))
        }
        None => (None, None),
    };
    // Its own figures, for whoever asks at the port. Kept open by us, so that it never ends.
    let (ask_report, mut asked_reports) = mpsc::channel::<oneshot::Sender<NodeFigures>>(4);
    if let Some(port) = options.metrics_port {
        let (listener, address) = http::bind_metrics(port)?;
        info!("figures of node {} are at http://{address}/metrics", config.node.node_id);
        tokio::spawn(http::serve_node(listener, ask_report.clone()));
    }
    let mut watched = false;
    let mut ready = false;
    let began = Instant::now();
    let mut next_report = Instant::now();
    let mut asked = false;
    let mut dropped = 0;
    loop {
        select! {
            why = stop.recv() => {
                info!("{why}: stopping");
                break;
            }
            order = next_order(&mut orders) => match order {
                None => {
                    warn!("the supervisor is gone: stopping");
                    break;
                }
                Some(Order::Report) => (asked, next_report) = (true, Instant::now()),
                Some(Order::Frame { frame }) => {
                    let kept = kept_frame(&machines, frame).await;
                    send(&mut writer, &News::Frame { frame, kept }).await;
                }
                Some(Order::Links { table }) => {
                    machines.iter().for_each(|machine| drop(machine.asks.send(Ask::Links(table.clone()))));
                }
                Some(Order::Watch { on }) => {
                    watched = on;
                    next_report = Instant::now();
                    machines.iter().for_each(|machine| drop(machine.asks.send(Ask::Tracing(on))));
                }
            },
            () = sleep_until(next_report), if writer.is_some() => {
                let detail = if watched { Detail::Full } else if std::mem::take(&mut asked) { Detail::Brief } else { Detail::Bare };
                let report = report(&machines, detail).await;
                ready = ready || is_ready(&report) || began.elapsed() > Duration::from_secs(60);
                let pause = if !ready { REPORT_STARTING } else if watched { REPORT_WATCHED } else { REPORT_IDLE };
                next_report = Instant::now() + pause;
                send(&mut writer, &News::Report(Box::new(report))).await;
            }
            Some(reply) = asked_reports.recv() => {
                let figures = NodeFigures { node: config.node.node_id, up: true, report: Some(report(&machines, Detail::Brief).await) };
                let _ = reply.send(figures);
            }
            Some(events) = events.recv() => {
                // Behind by this much, the page could not follow anyway.
                send(&mut writer, &News::Events { events, dropped: std::mem::take(&mut dropped) }).await;
            }
            name = ended(&mut machines) => {
                return Err(Failure::new(format!("the {name} ended by itself")).next("The lines above say why."));
            }
        }
    }
    stop_all(&mut machines).await;
    info!("node {} has stopped", config.node.node_id);
    Ok(())
}

type UnixStreamStd = std::os::unix::net::UnixStream;

/// Starts the machines that the roles name, on ports that are taken first.
fn start(
    config: &ServerConfig,
    options: &Options,
    clock: Clock,
    events: &mpsc::Sender<Vec<lab_core::trace::Event>>,
) -> Outcome<Vec<Running>> {
    let limits = Limits {
        frame_max: config.node.socket_request_max_bytes as usize,
        idle: Duration::from_millis(config.node.connections_max_idle_ms),
        ..Limits::default()
    };
    let mut node = config.node.clone();
    node.incarnation_id = random_uuid();
    node.seed = random_u64();
    // The cluster id is the one the folder was formatted with, unless the configuration insists on another.
    let meta = node::MetaProperties::read(&open_disk(&config.data_dir)?);
    if let Ok(Some(meta)) = meta
        && node.cluster_id.is_empty()
    {
        node.cluster_id = meta.cluster_id;
    }
    let mut controller_node = node.clone();
    if let Some(endpoint) = &config.controller_endpoint {
        controller_node.advertised = endpoint.clone();
    }
    let combined = config.broker && config.controller;
    let plan = |program: Program, salt: u8, listeners: &[Endpoint]| -> Outcome<Plan> {
        let disk = open_disk(&config.data_dir)?;
        let ports = listeners.iter().map(take).collect::<Outcome<_>>()?;
        let record = options.record.as_ref().map(|path| {
            // Two machines, two recordings.
            let mut path = path.clone().into_os_string();
            path.push(if combined && salt == Controller::SALT { "-controller" } else { "" });
            tape::begin(path.as_ref(), program.clone(), salt, &disk)
        });
        Ok(Plan {
            name: program.name(),
            id: node.node_id,
            disk,
            clock,
            limits: limits.clone(),
            ports,
            recorder: record.transpose()?,
            incarnation: u64::from(process::id()),
            events: events.clone(),
        })
    };
    // Both are bound before either starts: a port in use must not leave half a node behind.
    let controller_program = || Program::Controller(Box::new(controller_node.clone()));
    let controller_plan =
        config.controller.then(|| plan(controller_program(), Controller::SALT, &config.controller_listeners));
    let broker_program = || Program::Broker(Box::new(node.clone()));
    let broker_plan = config.broker.then(|| plan(broker_program(), Broker::SALT, &config.broker_listeners));
    let (controller_plan, broker_plan) = (controller_plan.transpose()?, broker_plan.transpose()?);
    let mut machines = Vec::new();
    // The broker comes first: it stops first, while there is a quorum to hand over to.
    if let Some(plan) = broker_plan {
        machines.push(machine::spawn(plan, move |ctx| Broker::start(node, ctx)));
    }
    if let Some(plan) = controller_plan {
        machines.push(machine::spawn(plan, move |ctx| Controller::start(controller_node, ctx)));
    }
    Ok(machines)
}

/// Whichever machine has it.
async fn kept_frame(machines: &[Running], frame: EventId) -> Option<KeptFrame> {
    for machine in machines {
        let (reply, answer) = oneshot::channel();
        if machine.asks.send(Ask::Frame(frame, reply)).is_ok()
            && let Ok(Some(kept)) = answer.await
        {
            return Some(kept);
        }
    }
    None
}

/// Records and clients only while somebody watches, and partitions when somebody asks: nobody else looks at them.
async fn report(machines: &[Running], detail: Detail) -> Report {
    let mut whole =
        Report { whole: detail != Detail::Bare, rss_bytes: resident_bytes(), cpu_ms: cpu_ms(), ..Report::default() };
    for machine in machines {
        let (reply, answer) = oneshot::channel();
        if machine.asks.send(Ask::Report(reply, detail)).is_err() {
            continue;
        }
        if let Ok(part) = answer.await {
            whole.controller = part.controller.or(whole.controller);
            whole.broker = part.broker.or(whole.broker);
            whole.counters = whole.counters.plus(part.counters);
            RequestFigures::merge(&mut whole.requests, part.requests);
            whole.isr_shrinks += part.isr_shrinks;
            whole.isr_expands += part.isr_expands;
            whole.elections += part.elections;
        }
    }
    whole
}

/// It serves, or follows or leads the quorum.
pub fn is_ready(report: &Report) -> bool {
    report.broker.as_ref().is_none_or(|broker| !broker.fenced && broker.metadata_offset > 0)
        && report.controller.as_ref().is_none_or(|controller| controller.leader.is_some())
}

async fn send(writer: &mut Option<LineWriter>, news: &News) {
    if let Some(line) = writer {
        // A supervisor that hangs must not hang its nodes; one that is gone shows as the end of its orders.
        match timeout(Duration::from_secs(1), line.send(news)).await {
            Ok(Ok(())) => {}
            _ => *writer = None,
        }
    }
}

async fn next_order(orders: &mut Option<Lines>) -> Option<Order> {
    match orders {
        None => std::future::pending().await,
        Some(lines) => loop {
            match lines.next().await? {
                Ok(order) => return Some(order),
                Err(error) => warn!("the supervisor said something that cannot be read: {error}"),
            }
        },
    }
}

/// Waits until one of the machines has ended.
async fn ended(machines: &mut [Running]) -> &'static str {
    match machines {
        [one] => {
            let _ = (&mut one.done).await;
            one.name
        }
        [one, two] => select! {
            _ = &mut one.done => one.name,
            _ = &mut two.done => two.name,
        },
        _ => std::future::pending().await,
    }
}

/// The broker first, then the controller; neither may take forever.
async fn stop_all(machines: &mut [Running]) {
    for machine in machines {
        let _ = machine.asks.send(Ask::Stop);
        let limit = if machine.name == "broker" { BROKER_STOPS_WITHIN } else { CONTROLLER_STOPS_WITHIN };
        if timeout(limit, &mut machine.done).await.is_err() {
            warn!("the {} could not hand over within {} ms and ends without", machine.name, limit.as_millis());
        }
    }
}

/// SIGTERM and SIGINT.
struct StopSignals {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
}

impl StopSignals {
    fn new() -> Outcome<Self> {
        let on = |kind| signal(kind).doing(|| "cannot listen for signals".into());
        Ok(Self { term: on(SignalKind::terminate())?, int: on(SignalKind::interrupt())? })
    }

    async fn recv(&mut self) -> &'static str {
        select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
        }
    }
}

/// The socket pair that the supervisor gave us as standard input.
fn supervisor_socket() -> Outcome<UnixStreamStd> {
    let socket = rustix::io::dup(rustix::stdio::stdin()).doing(|| "standard input is no socket".into())?;
    // A paused node whose supervisor dies must wake up to see that it is alone.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::CONT));
    let stream = UnixStreamStd::from(socket);
    stream.set_nonblocking(true).doing(|| "standard input is no socket".into())?;
    Ok(stream)
}

/// Every connection and every segment is an open file.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// A panic is a bug: it is logged where node.log keeps it, and the process ends at once rather than go on half.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        error!("BUG: {panic}");
        process::exit(70);
    }));
}

fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default();
    pages * rustix::param::page_size() as u64
}

fn cpu_ms() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}
