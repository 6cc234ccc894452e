//! The world as people see it: each node's own beliefs, the clients, the links and what is on them.

use super::{
    World,
    network::{Item, NodeIndex},
    process::{ADMIN, Role, endpoint},
};
use crate::{
    program::Process,
    trace::EventKind,
    view::{ClusterView, ConsumerView, FrameView, LinkView, NodeView, ProcessState},
};

impl World {
    pub fn view(&self) -> ClusterView {
        let mut view = ClusterView {
            at: self.now,
            events: self.events.len() as u64,
            links: self.link_views(),
            in_flight: self.frames_in_flight(),
            presets: self.scenario.presets.clone(),
            violations: self.violations.clone(),
            ..ClusterView::default()
        };
        for (ix, node) in self.nodes.iter().enumerate() {
            match node.role {
                Role::Controller | Role::Broker => view.nodes.push(self.node_view(ix)),
                Role::Producer(_) => match &node.process {
                    Some(Process::Producer(producer)) => view.producers.push(producer.view()),
                    _ => view.producers.extend(node.last_view.producer.clone()),
                },
                Role::Consumer(i) => match &node.process {
                    Some(Process::Consumer(consumer)) => {
                        view.consumers.push(ConsumerView { process: node.state, ..consumer.view() });
                    }
                    _ => {
                        let last = node.last_view.consumer.clone().unwrap_or_else(|| self.waiting_consumer(i));
                        view.consumers.push(ConsumerView { process: node.state, ..last });
                    }
                },
                Role::Admin => {}
                #[cfg(test)]
                Role::Toy => view.nodes.push(self.node_view(ix)),
            }
        }
        view
    }

    /// A consumer that has never run: it can be added.
    fn waiting_consumer(&self, index: usize) -> ConsumerView {
        let config = &self.scenario.consumers[index];
        ConsumerView {
            id: config.id,
            name: config.name.clone(),
            group_id: config.group_id.clone(),
            generation: -1,
            ..ConsumerView::default()
        }
    }

    /// What the node believes now, or last believed if it is down or paused.
    fn node_view(&self, ix: NodeIndex) -> NodeView {
        let node = &self.nodes[ix];
        let mut view = match &node.last_view.node {
            Some(last) if node.process.is_none() || node.state == ProcessState::Paused => (**last).clone(),
            _ => self.beliefs(ix),
        };
        view.process = node.state;
        view
    }

    fn beliefs(&self, ix: NodeIndex) -> NodeView {
        let node = &self.nodes[ix];
        let now = self.clock();
        let (controller, broker) = match &node.process {
            Some(Process::Controller(controller)) => (Some(controller.view(&node.disk, now)), None),
            Some(Process::Broker(broker)) => (None, Some(broker.view(&node.disk, now))),
            _ => (None, None),
        };
        NodeView {
            controller,
            broker,
            id: node.id,
            process: node.state,
            as_of: self.now,
            address: endpoint(node.id, node.role).to_string(),
            ..NodeView::default()
        }
    }

    /// Keeps what the process believes, before it is gone or silent.
    pub(super) fn remember_view(&mut self, ix: NodeIndex) {
        let belief = self.beliefs(ix);
        let node = &mut self.nodes[ix];
        match &node.process {
            Some(Process::Producer(producer)) => node.last_view.producer = Some(producer.view()),
            Some(Process::Consumer(consumer)) => node.last_view.consumer = Some(consumer.view()),
            Some(_) => node.last_view.node = Some(Box::new(belief)),
            None => {}
        }
    }

    fn link_views(&self) -> Vec<LinkView> {
        let mut links = Vec::new();
        for a in 0..self.nodes.len() {
            for b in a + 1..self.nodes.len() {
                let (there, back) = (self.net.link(a, b), self.net.link(b, a));
                let extra_ms = there.extra_us.max(back.extra_us) / 1000;
                if !there.cut && !back.cut && extra_ms == 0 {
                    continue;
                }
                let (a, b) = if back.cut && !there.cut { (b, a) } else { (a, b) };
                links.push(LinkView {
                    a: self.nodes[a].id,
                    b: self.nodes[b].id,
                    cut: there.cut || back.cut,
                    one_way: there.cut != back.cut,
                    extra_ms,
                });
            }
        }
        links
    }

    fn frames_in_flight(&self) -> Vec<FrameView> {
        let mut frames = Vec::new();
        for conn in self.net.conns.values() {
            for (side, flow) in conn.flows.iter().enumerate() {
                let (from, to) = conn.path(side);
                let held = self.net.link(from, to).cut;
                for frame in &flow.queue {
                    let Item::Frame { sent, .. } = frame.item else { continue };
                    // What has arrived and waits in a muted or paused receiver's socket is no longer on its way.
                    if frame.arrives_at <= self.now && !held {
                        continue;
                    }
                    let Some(EventKind::Sent(facts)) = self.event(sent).map(|e| &e.kind) else { continue };
                    if facts.from == ADMIN || facts.to == ADMIN {
                        continue;
                    }
                    let mut facts = (**facts).clone();
                    facts.arrives_at = frame.arrives_at;
                    frames.push(FrameView { event: sent, sent_at: frame.sent_at, facts });
                }
            }
        }
        frames.sort_by_key(|f| (f.sent_at, f.event));
        frames
    }
}
