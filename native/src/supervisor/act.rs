//! What people ask of the nodes: to kill, stop, start and pause them, and to cut the links between them.

use lab_core::{
    id::NodeId,
    trace::EventKind,
    view::{Action, LinkView, ProcessState},
};
use rustix::process::Signal;
use tokio::{sync::oneshot, time::Instant};

use super::{DONE_WITHIN, Supervisor, Waiting, process::NodeProcess};
use crate::{
    admin,
    driver::{LinkFault, LinkTable},
    node::channel::Order,
};

impl Supervisor {
    pub(super) fn act(&mut self, action: Action, reply: oneshot::Sender<Result<(), String>>) {
        let reply = match self.act_of_class(&action, reply) {
            Ok(()) => return,
            Err(reply) => reply,
        };
        let result = match action {
            Action::Kill { node } => {
                let result = self.change_process(node, EventKind::Killed, |process| {
                    process.end_expected = true;
                    process.signal(Signal::KILL);
                });
                if result.is_ok() {
                    return self.wait(node, true, reply);
                }
                result
            }
            Action::Stop { node } => {
                let result = self.change_process(node, EventKind::StopAsked, NodeProcess::ask_to_stop);
                if result.is_ok() {
                    return self.wait(node, true, reply);
                }
                result
            }
            Action::Start { node } => match self.known(node).map(|process| process.runs()) {
                Ok(true) => Err(format!("node {node} is already running")),
                Ok(false) => match self.start(node) {
                    Ok(()) => return self.wait(node, false, reply),
                    Err(failure) => Err(failure.to_string()),
                },
                Err(error) => Err(error),
            },
            Action::Pause { node } => self.change_process(node, EventKind::Paused, |process| {
                process.signal(Signal::STOP);
                process.state = ProcessState::Paused;
            }),
            Action::Resume { node } => match self.running(node).map(|process| process.state) {
                Ok(ProcessState::Paused) => self.change_process(node, EventKind::Resumed, |process| {
                    process.signal(Signal::CONT);
                    process.state = ProcessState::Alive;
                }),
                Ok(_) => Err(format!("node {node} is not paused")),
                Err(error) => Err(error),
            },
            Action::Cut { a, b, one_way } => {
                self.link(LinkView { a, b, cut: true, one_way, extra_ms: 0 }, EventKind::LinkCut { a, b, one_way })
            }
            Action::Slow { a, b, ms } => self
                .link(LinkView { a, b, cut: false, one_way: false, extra_ms: ms }, EventKind::LinkSlowed { a, b, ms }),
            Action::Heal => {
                self.links.clear();
                self.send_links();
                self.happened(NodeId(0), EventKind::LinksHealed);
                Ok(())
            }
            Action::CreateTopic { .. } | Action::Produce { .. } => {
                // A client of its own on a thread of its own, like any other client of the cluster.
                let bootstrap = self.layout.file.bootstrap.clone();
                tokio::task::spawn_blocking(move || {
                    let _ = reply.send(admin::perform(&bootstrap, action).map_err(|failure| failure.to_string()));
                });
                return;
            }
            other => Err(format!("a real cluster cannot do this: {}", unable(&other))),
        };
        self.publish();
        let _ = reply.send(result);
    }

    /// What the clients of a lesson do, if there are any. Gives the reply back if it is not theirs to give.
    fn act_of_class(
        &self,
        action: &Action,
        reply: oneshot::Sender<Result<(), String>>,
    ) -> Result<(), oneshot::Sender<Result<(), String>>> {
        let theirs = match action {
            Action::Produce { .. }
            | Action::AddConsumer { .. }
            | Action::RemoveConsumer { .. }
            | Action::TellConsumer { .. } => true,
            Action::Kill { node }
            | Action::Start { node }
            | Action::Stop { node }
            | Action::Pause { node }
            | Action::Resume { node } => self.consumers.iter().any(|c| c.id == *node),
            _ => false,
        };
        match &self.class {
            Some(class) if theirs => class.send((action.clone(), reply)).map_err(|unsent| unsent.0.1),
            _ => Err(reply),
        }
    }

    fn known(&mut self, id: NodeId) -> Result<&mut NodeProcess, String> {
        let ids = self.nodes.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        self.nodes.get_mut(&id).ok_or_else(|| format!("there is no node {id}; the nodes are {ids}"))
    }

    fn running(&mut self, id: NodeId) -> Result<&mut NodeProcess, String> {
        self.known(id).and_then(|node| if node.runs() { Ok(node) } else { Err(format!("node {id} is not running")) })
    }

    /// Does something to the process of a running node, and says so.
    fn change_process(
        &mut self,
        id: NodeId,
        event: EventKind,
        change: impl FnOnce(&mut NodeProcess),
    ) -> Result<(), String> {
        change(self.running(id)?);
        self.happened(id, event);
        Ok(())
    }

    fn wait(&mut self, node: NodeId, for_end: bool, reply: oneshot::Sender<Result<(), String>>) {
        self.publish();
        self.waiting.push(Waiting { node, for_end, until: Instant::now() + DONE_WITHIN, reply });
    }

    /// Answers those who wait for this node to end, or to come up.
    pub(super) fn settle(&mut self, id: NodeId, ended: bool, result: Result<(), String>) {
        for waiting in self.waiting.extract_if(.., |waiting| waiting.node == id && waiting.for_end == ended) {
            let _ = waiting.reply.send(result.clone());
        }
    }

    fn link(&mut self, link: LinkView, event: EventKind) -> Result<(), String> {
        self.known(link.a)?;
        self.known(link.b)?;
        if link.a == link.b {
            return Err("a node has no link to itself".into());
        }
        let same = |known: &LinkView| {
            (known.a, known.b) == (link.a, link.b)
                || (known.b, known.a) == (link.a, link.b) && !known.one_way && !link.one_way
        };
        self.links.retain(|known| !same(known));
        if link.cut || link.extra_ms > 0 {
            self.links.push(link);
        }
        self.send_links();
        self.happened(NodeId(0), event);
        Ok(())
    }

    pub(super) fn link_table(&self) -> LinkTable {
        let mut faults = Vec::new();
        for link in &self.links {
            faults.push(LinkFault { from: link.a, to: link.b, cut: link.cut, delay_ms: link.extra_ms });
            if !link.one_way {
                faults.push(LinkFault { from: link.b, to: link.a, cut: link.cut, delay_ms: link.extra_ms });
            }
        }
        LinkTable { faults, endpoints: self.layout.endpoints() }
    }

    fn send_links(&self) {
        let table = self.link_table();
        self.nodes.values().for_each(|node| node.order(Order::Links { table: table.clone() }));
    }
}

/// Why an action is the simulator's alone.
fn unable(action: &Action) -> &'static str {
    match action {
        Action::PowerLoss { .. } => "it would have to cut the power of this machine; Kill ends the process",
        Action::Load { .. } => "load comes from a Kafka client, such as kafka-producer-perf-test",
        Action::AddConsumer { .. } | Action::RemoveConsumer { .. } | Action::TellConsumer { .. } => {
            "its consumers are programs of your own: start one with kafka-lab consume TOPIC --group GROUP"
        }
        _ => "only the simulator can",
    }
}
