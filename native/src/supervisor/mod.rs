//! A cluster of processes: starts them, watches them, does to them what people ask, and ends them in order.
//!
//! One task owns all state and takes messages ([`Message`]); everybody else holds a [`Handle`]. "Paused" and "down" come
//! from here, never from a node's last word.

mod act;
pub mod control;
mod handle;
pub mod layout;
mod process;
mod shutdown;
pub mod status;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use lab_core::{
    id::{EventId, NodeId},
    trace::{Event, EventKind},
    view::{ClusterView, ConsumerView, LinkView, NodeView, ProcessState, ProducerView},
};
use tokio::{
    select,
    sync::{broadcast, mpsc, oneshot, watch},
    time::{Instant, MissedTickBehavior, interval},
};
use tracing::{info, warn};

pub(crate) use self::handle::Message;
pub use self::handle::{Handle, Watching};
use self::{layout::Layout, process::NodeProcess, status::Status};
use crate::{
    clock::Clock,
    failure::{Failure, Outcome},
    http::metrics::NodeFigures,
    lesson::class,
    node::channel::{KeptFrame, News, Order},
};

/// How often watchers get a new view.
const PUBLISH: Duration = Duration::from_millis(150);
/// A node that was asked for a report and does not answer is shown as it was.
const REPORT_WITHIN: Duration = Duration::from_millis(700);
/// Who asked for a node to end or to come up is answered within this.
const DONE_WITHIN: Duration = Duration::from_secs(12);

/// The supervising task's state.
pub struct Supervisor {
    layout: Layout,
    clock: Clock,
    nodes: BTreeMap<NodeId, NodeProcess>,
    links: Vec<LinkView>,
    messages: mpsc::UnboundedSender<Message>,
    inbox: mpsc::UnboundedReceiver<Message>,
    publish_view: watch::Sender<Arc<ClusterView>>,
    events: broadcast::Sender<Arc<Vec<Event>>>,
    event_count: u64,
    /// Events that go out with the next tick.
    untold: Vec<Event>,
    watchers: i32,
    waiting: Vec<Waiting>,
    asked: Vec<Asked>,
    frames: Vec<PendingFrame>,
    /// Every broker has been registered and unfenced.
    ready: watch::Sender<bool>,
    failed: Option<Failure>,
    recording: bool,
    metrics_port: Option<u16>,
    /// The way to the clients of a lesson, and how many lessons there were.
    class: Option<mpsc::UnboundedSender<class::Order>>,
    classes: u64,
    producers: Vec<ProducerView>,
    consumers: Vec<ConsumerView>,
}

/// Somebody waits for a node to end or to come up.
struct Waiting {
    node: NodeId,
    for_end: bool,
    until: Instant,
    reply: oneshot::Sender<Result<(), String>>,
}

struct PendingFrame {
    frame: EventId,
    until: Instant,
    reply: oneshot::Sender<Option<KeptFrame>>,
}

/// Somebody wants to know what the nodes say now.
struct Asked {
    missing: Vec<NodeId>,
    until: Instant,
    reply: Reply,
}

enum Reply {
    Status(oneshot::Sender<Status>),
    Figures(oneshot::Sender<Vec<NodeFigures>>),
}

impl Supervisor {
    pub fn new(layout: Layout) -> (Self, Handle) {
        let (messages, inbox) = mpsc::unbounded_channel();
        let (publish_view, view) = watch::channel(Arc::default());
        let (events, _) = broadcast::channel(64);
        let (ready, told_ready) = watch::channel(false);
        let handle = Handle {
            messages: messages.clone(),
            view,
            events: events.clone(),
            cluster_id: layout.file.cluster_id.clone(),
            bootstrap: layout.file.bootstrap.clone(),
            cannot: handle::cannot().into(),
            ready: told_ready,
        };
        let nodes = layout.file.nodes.iter().map(|entry| (entry.id, NodeProcess::new(entry.clone()))).collect();
        let supervisor = Self {
            layout,
            clock: Clock::start(),
            nodes,
            links: Vec::new(),
            messages,
            inbox,
            publish_view,
            events,
            event_count: 0,
            untold: Vec::new(),
            watchers: 0,
            waiting: Vec::new(),
            asked: Vec::new(),
            frames: Vec::new(),
            ready,
            failed: None,
            recording: false,
            metrics_port: None,
            class: None,
            classes: 0,
            producers: Vec::new(),
            consumers: Vec::new(),
        };
        (supervisor, handle)
    }

    /// Starts all nodes and runs until `stop` resolves; then ends them. `on_ready` is called once, when every broker is
    /// registered and unfenced.
    pub async fn run(mut self, stop: impl Future<Output = ()>, on_ready: impl FnOnce()) -> Outcome {
        self.layout.file.supervisor_pid = Some(std::process::id());
        let ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        // Controllers first: brokers find a quorum when they look for one.
        let (controllers, brokers): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| !self.nodes[id].is_broker());
        for id in controllers.into_iter().chain(brokers) {
            if let Err(failure) = self.start(id) {
                self.failed = Some(failure);
                break;
            }
        }
        let mut on_ready = Some(on_ready);
        let mut tick = interval(PUBLISH);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stop);
        while self.failed.is_none() {
            select! {
                message = self.inbox.recv() => self.take(message.expect("this task holds a sender")),
                _ = tick.tick() => self.tick(),
                () = &mut stop => break,
            }
            if !*self.ready.borrow() && self.all_ready() {
                self.ready.send_replace(true);
                if let Some(tell) = on_ready.take() {
                    tell();
                }
            }
        }
        self.stop_all().await;
        self.layout.file.supervisor_pid = None;
        self.layout.file.http = None;
        self.save();
        self.failed.map_or(Ok(()), Err)
    }

    /// Where the page is, for `cluster.json`.
    pub fn set_http(&mut self, address: String) {
        self.layout.file.http = Some(address);
    }

    /// Whether nodes that start from now on are recorded.
    pub fn set_recording(&mut self, recording: bool) {
        self.recording = recording;
    }

    /// Where nodes that start from now on serve their own figures, counted from this port.
    pub fn set_metrics_port(&mut self, port: Option<u16>) {
        self.metrics_port = port;
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::News(id, start, news) => self.news(id, start, news),
            Message::Ended(id, start, how) => self.ended(id, start, &how),
            Message::Act(action, reply) => self.act(action, reply),
            Message::Status(reply) => self.ask(Reply::Status(reply)),
            Message::Figures(reply) => self.ask(Reply::Figures(reply)),
            Message::Frame(frame, reply) => {
                // Who asks tells of both ways, so the id names the node that has the bytes.
                if let Some(node) = self.nodes.get(&frame.node()).filter(|node| node.runs()) {
                    node.order(Order::Frame { frame });
                    self.frames.push(PendingFrame { frame, until: Instant::now() + REPORT_WITHIN, reply });
                }
            }
            Message::Lesson(scenario) => {
                self.classes += 1;
                let (me, messages) = (self.classes, self.messages.clone());
                let tell = move |told| drop(messages.send(Message::Told(me, told)));
                let bootstrap = self.layout.file.bootstrap.clone();
                (self.producers, self.consumers) = Default::default();
                // The clients of the lesson before end with their sender.
                self.class = scenario.map(|scenario| class::start(*scenario, bootstrap, self.clock, tell));
            }
            Message::Told(of, told) if of == self.classes => {
                (self.producers, self.consumers) = (told.producers, told.consumers);
                let before = self.event_count;
                let happened = (1..).zip(told.happened).map(|(i, (at, node, kind))| {
                    let id = EventId::new(NodeId(0), before + i);
                    Event { id, at, node, cause: None, kind }
                });
                let mut events = told.events;
                events.extend(happened);
                events.sort_by_key(|event| event.at);
                self.tell_events(events);
            }
            Message::Told(..) => {}
            Message::Watchers(change) => {
                let before = self.watchers > 0;
                self.watchers += change;
                let after = self.watchers > 0;
                if before != after {
                    self.nodes.values().for_each(|node| node.order(Order::Watch { on: after }));
                }
                self.publish();
            }
        }
    }

    fn news(&mut self, id: NodeId, start: u64, news: News) {
        let now = self.clock.time();
        let Some(node) = self.nodes.get_mut(&id).filter(|node| node.start == start) else { return };
        match news {
            News::Report(report) => {
                let (whole, before) = (report.whole, node.report.take());
                let first = before.is_none();
                let mut report = *report;
                report.complete_from(before.unwrap_or_default());
                node.report = Some(report);
                node.report_at = now;
                if first {
                    self.settle(id, false, Ok(()));
                }
                if whole {
                    self.has_told(id);
                }
            }
            News::Events { events, dropped: _ } => self.tell_events(events),
            News::Frame { frame, kept } => {
                for pending in self.frames.extract_if(.., |pending| pending.frame == frame) {
                    let _ = pending.reply.send(kept.clone());
                }
            }
        }
    }

    fn ended(&mut self, id: NodeId, start: u64, how: &str) {
        let Some(node) = self.nodes.get_mut(&id).filter(|node| node.start == start) else { return };
        let expected = node.end_expected;
        let log = (node.log_path(), node.log_tail());
        node.ended();
        info!("node {id} has ended: {how}");
        if !expected {
            let end = format!("The end of {}:\n  {}", log.0.display(), log.1);
            warn!("node {id} ended by itself ({how}). {end}");
            if !*self.ready.borrow() && self.failed.is_none() {
                self.failed = Some(
                    Failure::new(format!("node {id} did not start. {end}"))
                        .next("Correct the cause and run the command again; the data is kept."),
                );
            }
        }
        self.happened(id, EventKind::Stopped);
        self.settle(id, true, Ok(()));
        self.settle(
            id,
            false,
            Err(format!("node {id} ended while it started. The end of {}:\n  {}", log.0.display(), log.1)),
        );
        self.has_told(id);
        self.save();
    }

    fn start(&mut self, id: NodeId) -> Outcome {
        let origin = self.clock.origin_us();
        let table = self.link_table();
        let metrics_port = self.metrics_port.map(|port| metrics_port(port, id)).transpose()?;
        let node = self.nodes.get_mut(&id).expect("known");
        node.spawn(&self.layout.file.cluster_id, origin, &self.messages, self.recording, metrics_port)?;
        if self.watchers > 0 {
            node.order(Order::Watch { on: true });
        }
        node.order(Order::Links { table });
        self.happened(id, EventKind::Started);
        self.save();
        Ok(())
    }

    fn tick(&mut self) {
        let now = Instant::now();
        for late in self.waiting.extract_if(.., |waiting| waiting.until < now) {
            let what = if late.for_end { "has not ended yet" } else { "has not come up yet" };
            let _ = late.reply.send(Err(format!("node {} {what}; `kafka-lab status` shows its state", late.node)));
        }
        self.answer();
        // Dropped, they answer that the bytes are not kept.
        self.frames.retain(|pending| pending.until > now);
        if !self.untold.is_empty() {
            // Whoever listened may have gone just now.
            let _ = self.events.send(Arc::new(std::mem::take(&mut self.untold)));
        }
        if self.watchers > 0 {
            self.publish();
        }
    }

    /// Has every node say what it believes, and answers when all have or when it has taken too long.
    fn ask(&mut self, reply: Reply) {
        let alive = self.nodes.values().filter(|n| n.runs() && n.state != ProcessState::Paused);
        let missing: Vec<NodeId> = alive.map(NodeProcess::id).collect();
        missing.iter().for_each(|id| self.nodes[id].order(Order::Report));
        self.asked.push(Asked { missing, until: Instant::now() + REPORT_WITHIN, reply });
        self.answer();
    }

    /// The node has said all, or says no more.
    fn has_told(&mut self, id: NodeId) {
        self.asked.iter_mut().for_each(|asked| asked.missing.retain(|missing| *missing != id));
        self.answer();
    }

    fn answer(&mut self) {
        let now = Instant::now();
        let due: Vec<Asked> =
            self.asked.extract_if(.., |asked| asked.missing.is_empty() || asked.until < now).collect();
        for asked in due {
            // Whoever asked may be gone.
            match asked.reply {
                Reply::Status(reply) => drop(reply.send(self.status())),
                Reply::Figures(reply) => drop(reply.send(self.figures())),
            }
        }
    }

    fn status(&self) -> Status {
        let mut status = status::of(&self.view());
        status.cluster_id = self.layout.file.cluster_id.clone();
        status.bootstrap = self.layout.file.bootstrap.clone();
        status.http = self.layout.file.http.clone();
        for node in &mut status.nodes {
            let process = &self.nodes[&node.id];
            node.roles = process.entry.roles.clone();
            node.rss_bytes = process.report.as_ref().filter(|_| process.runs()).map_or(0, |report| report.rss_bytes);
        }
        status
    }

    /// What is known now.
    fn view(&self) -> ClusterView {
        let nodes = self.nodes.values().map(|node| NodeView {
            id: node.id(),
            process: node.state,
            as_of: node.report_at,
            address: node.entry.address.clone(),
            pid: node.pid,
            rack: None,
            controller: node.report.as_ref().and_then(|report| report.controller.clone()),
            broker: node.report.as_ref().and_then(|report| report.broker.clone()),
        });
        ClusterView {
            at: self.clock.time(),
            events: self.event_count,
            nodes: nodes.collect(),
            producers: self.producers.clone(),
            consumers: self.consumers.clone(),
            links: self.links.clone(),
            presets: self.layout.file.presets.iter().cloned().map(Into::into).collect(),
            ..ClusterView::default()
        }
    }

    fn publish(&self) {
        self.publish_view.send_replace(Arc::new(self.view()));
    }

    fn figures(&self) -> Vec<NodeFigures> {
        let figures = self.nodes.values().map(|node| NodeFigures {
            node: node.id(),
            up: matches!(node.state, ProcessState::Alive | ProcessState::Stopping),
            report: node.report.clone().filter(|_| node.runs()),
        });
        figures.collect()
    }

    /// Every broker is registered, with the epoch it knows itself, and unfenced.
    fn all_ready(&self) -> bool {
        let view = self.view();
        let Some(active) = view.active_controller().and_then(|node| node.controller.as_ref()?.active.as_ref()) else {
            return false;
        };
        self.nodes.values().filter(|node| node.is_broker()).all(|node| {
            let Some(broker) = node.report.as_ref().and_then(|report| report.broker.as_ref()) else { return false };
            let registered = active.brokers.iter().find(|registration| registration.id == node.id());
            !broker.fenced && registered.is_some_and(|r| !r.fenced && r.broker_epoch == broker.broker_epoch)
        })
    }

    /// Something happened to a process or a link.
    fn happened(&mut self, node: NodeId, kind: EventKind) {
        let id = EventId::new(NodeId(0), self.event_count + 1);
        self.tell_events(vec![Event { id, at: self.clock.time(), node, cause: None, kind }]);
    }

    fn tell_events(&mut self, events: Vec<Event>) {
        self.event_count += events.len() as u64;
        if self.watchers > 0 {
            self.untold.extend(events);
        }
    }

    fn save(&mut self) {
        for entry in &mut self.layout.file.nodes {
            entry.pid = self.nodes[&entry.id].pid;
        }
        if let Err(failure) = self.layout.save() {
            warn!("{failure}");
        }
    }
}

/// The first broker's is `first`; the others are as far from it as their listeners are from the first broker's.
pub fn metrics_port(first: u16, node: NodeId) -> Outcome<u16> {
    let port = i32::from(first) + node.0 - 1;
    u16::try_from(port).map_err(|_| {
        Failure::usage(format!("--metrics-port {first} leaves no port for node {node}: {port} is above 65535"))
    })
}
