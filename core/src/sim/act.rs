//! What a person may do to the world: faults, and requests to its clients.

use super::{
    World,
    network::NodeIndex,
    process::{ADMIN, Role},
};
use crate::{
    client::ConsumerCommand,
    id::{Command, NodeId},
    seam::{Input, Time},
    trace::EventKind,
    view::{Action, ProcessState},
};

impl World {
    /// Does what a person may do, after everything of this instant has happened. The error says why it cannot be done;
    /// nothing has changed then.
    pub fn act(&mut self, action: &Action) -> Result<(), String> {
        self.run_until(self.now);
        self.perform_action(action)?;
        self.actions.push((self.now, action.clone()));
        Ok(())
    }

    fn perform_action(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Kill { node } => self.kill(*node, false),
            Action::PowerLoss { node } => self.kill(*node, true),
            Action::Stop { node } => self.stop(*node),
            Action::Start { node } => self.start(*node),
            Action::Pause { node } => self.pause(*node),
            Action::Resume { node } => self.resume(*node),
            Action::Cut { a, b, one_way } => self.cut(*a, *b, *one_way),
            Action::Slow { a, b, ms } => self.slow(*a, *b, *ms),
            Action::Heal => {
                self.heal();
                Ok(())
            }
            Action::Reset { a, b } => self.reset(*a, *b),
            Action::DiskFull { node, full } => {
                let ix = self.server(*node)?;
                self.nodes[ix].disk.set_full(*full);
                self.record_event(ix, None, || EventKind::DiskFull { full: *full });
                Ok(())
            }
            Action::Produce { producer, topic, partition, key, value } => {
                let (topic, partition, key, value) = (topic.clone(), *partition, key.clone(), value.clone());
                self.command_producer(*producer, Command::Produce { topic, partition, key, value })
            }
            Action::Load { producer, topic, records_per_second, size_bytes, keys } => {
                let (topic, records_per_second) = (topic.clone(), *records_per_second);
                let load = Command::Load { topic, records_per_second, size_bytes: *size_bytes, keys: *keys };
                self.command_producer(*producer, load)
            }
            Action::AddConsumer { consumer } => self.add_consumer(*consumer),
            Action::RemoveConsumer { consumer } => {
                let ix = self.consumer(*consumer)?;
                self.end_cleanly(*consumer, ix)
            }
            Action::TellConsumer { consumer, command } => {
                let ix = self.consumer(*consumer)?;
                if self.nodes[ix].process.is_none() {
                    return Err(format!("consumer {consumer} does not run"));
                }
                if let (Some(checks), ConsumerCommand::Seek { partition, .. }) = (&mut self.checks, command) {
                    checks.sought(partition);
                }
                self.answer(ix, Input::Command(Command::Consumer(command.clone())));
                Ok(())
            }
            Action::CreateTopic { topic, partitions, replication_factor, configs } => {
                let admin = self.known(ADMIN)?;
                let create = Command::CreateTopic {
                    topic: topic.clone(),
                    partitions: *partitions,
                    replication_factor: *replication_factor,
                    configs: configs.clone(),
                };
                self.answer(admin, Input::Command(create));
                Ok(())
            }
        }
    }

    fn known(&self, node: NodeId) -> Result<NodeIndex, String> {
        self.index(node).ok_or_else(|| format!("there is no node {node}"))
    }

    fn consumer(&self, node: NodeId) -> Result<NodeIndex, String> {
        let ix = self.known(node)?;
        if matches!(self.nodes[ix].role, Role::Consumer(_)) { Ok(ix) } else { Err(format!("{node} is not a consumer")) }
    }

    fn add_consumer(&mut self, consumer: Option<NodeId>) -> Result<(), String> {
        let rests = |ix: &NodeIndex| {
            let node = &self.nodes[*ix];
            matches!(node.role, Role::Consumer(_)) && node.process.is_none()
        };
        let ix = match consumer {
            Some(id) => self.consumer(id)?,
            None => (0..self.nodes.len()).find(rests).ok_or("every consumer of this world runs already")?,
        };
        self.start(self.nodes[ix].id)
    }

    /// Nodes of the cluster, and consumers, which are killed and started as their groups' members.
    fn server(&self, node: NodeId) -> Result<NodeIndex, String> {
        let ix = self.known(node)?;
        let role = self.nodes[ix].role;
        if role.is_server() || matches!(role, Role::Consumer(_)) || cfg!(test) {
            Ok(ix)
        } else {
            Err(format!("{node} is a client, not a node of the cluster"))
        }
    }

    fn kill(&mut self, id: NodeId, power: bool) -> Result<(), String> {
        let ix = self.server(id)?;
        if self.nodes[ix].process.is_none() {
            return Err(format!("node {id} is down already"));
        }
        let event = self.record_event(ix, None, || if power { EventKind::PowerLost } else { EventKind::Killed });
        self.end_process(ix, event);
        if power {
            self.nodes[ix].disk.power_loss(&mut self.fault_rng);
        }
        Ok(())
    }

    fn stop(&mut self, id: NodeId) -> Result<(), String> {
        let ix = self.server(id)?;
        self.end_cleanly(id, ix)
    }

    fn end_cleanly(&mut self, id: NodeId, ix: NodeIndex) -> Result<(), String> {
        match self.nodes[ix].state {
            ProcessState::Down => return Err(format!("node {id} is down already")),
            ProcessState::Stopping => return Err(format!("node {id} is stopping already")),
            ProcessState::Alive | ProcessState::Paused => {}
        }
        let event = self.record_event(ix, None, || EventKind::StopAsked);
        self.nodes[ix].ended_by = Some(event);
        if self.nodes[ix].state == ProcessState::Paused {
            self.nodes[ix].parked.push_back(Input::Shutdown);
        } else {
            self.nodes[ix].state = ProcessState::Stopping;
            self.dispatch(ix, Input::Shutdown, Some(event));
        }
        Ok(())
    }

    fn start(&mut self, id: NodeId) -> Result<(), String> {
        let ix = self.server(id)?;
        if self.nodes[ix].process.is_some() {
            return Err(format!("node {id} runs already"));
        }
        let event = self.record_event(ix, None, || EventKind::Started);
        self.nodes[ix].ended_by = Some(event);
        self.start_process(ix)
    }

    fn pause(&mut self, id: NodeId) -> Result<(), String> {
        let ix = self.server(id)?;
        match self.nodes[ix].state {
            ProcessState::Down => return Err(format!("node {id} is down")),
            ProcessState::Paused => return Err(format!("node {id} is paused already")),
            ProcessState::Alive | ProcessState::Stopping => {}
        }
        self.remember_view(ix);
        let event = self.record_event(ix, None, || EventKind::Paused);
        self.nodes[ix].ended_by = Some(event);
        self.nodes[ix].state = ProcessState::Paused;
        Ok(())
    }

    fn resume(&mut self, id: NodeId) -> Result<(), String> {
        let ix = self.server(id)?;
        if self.nodes[ix].state != ProcessState::Paused {
            return Err(format!("node {id} is not paused"));
        }
        self.record_event(ix, None, || EventKind::Resumed);
        let stopping = self.nodes[ix].parked.contains(&Input::Shutdown);
        self.nodes[ix].state = if stopping { ProcessState::Stopping } else { ProcessState::Alive };
        self.resume_process(ix);
        Ok(())
    }

    fn two(&self, a: NodeId, b: NodeId) -> Result<(NodeIndex, NodeIndex), String> {
        if a == b {
            return Err(format!("a link has two ends; both are {a}"));
        }
        Ok((self.known(a)?, self.known(b)?))
    }

    fn cut(&mut self, a: NodeId, b: NodeId, one_way: bool) -> Result<(), String> {
        let (from, to) = self.two(a, b)?;
        self.net.link_mut(from, to).cut = true;
        self.net.link_mut(to, from).cut |= !one_way;
        self.record_event(from, None, || EventKind::LinkCut { a, b, one_way });
        Ok(())
    }

    fn slow(&mut self, a: NodeId, b: NodeId, ms: u64) -> Result<(), String> {
        let (from, to) = self.two(a, b)?;
        if ms > 60_000 {
            return Err(format!("{ms} ms is longer than the 60,000 after which a connection breaks"));
        }
        self.net.link_mut(from, to).extra_us = ms * 1000;
        self.net.link_mut(to, from).extra_us = ms * 1000;
        self.record_event(from, None, || EventKind::LinkSlowed { a, b, ms });
        Ok(())
    }

    fn heal(&mut self) {
        for from in 0..self.nodes.len() {
            for to in 0..self.nodes.len() {
                *self.net.link_mut(from, to) = Default::default();
            }
        }
        self.record_event(0, None, || EventKind::LinksHealed);
        // What was held is sent again, in order: it needs the way once more.
        let again = Time(self.now.0 + self.scenario.latency_us);
        for key in self.net.conns.keys().copied().collect::<Vec<_>>() {
            for side in 0..2 {
                let flow = &mut self.net.conns.get_mut(&key).expect("its own key").flows[side];
                if flow.held_since.take().is_some() {
                    flow.queue.iter_mut().for_each(|frame| frame.arrives_at = frame.arrives_at.max(again));
                    flow.last_arrival = flow.last_arrival.max(again);
                }
                self.schedule(key, side);
            }
        }
    }

    fn reset(&mut self, a: NodeId, b: NodeId) -> Result<(), String> {
        let (from, to) = self.two(a, b)?;
        let event = self.record_event(from, None, || EventKind::LinkReset { a, b });
        let between =
            |ends: &[super::network::End; 2]| ends.iter().any(|e| e.node == from) && ends.iter().any(|e| e.node == to);
        let keys: Vec<_> = self.net.conns.iter().filter(|(_, c)| between(&c.ends)).map(|(&k, _)| k).collect();
        for key in keys {
            self.break_conn(key, Some(event));
        }
        Ok(())
    }

    fn command_producer(&mut self, producer: Option<NodeId>, command: Command) -> Result<(), String> {
        let ix = match producer {
            Some(id) => {
                let ix = self.known(id)?;
                if !matches!(self.nodes[ix].role, Role::Producer(_)) {
                    return Err(format!("{id} is not a producer"));
                }
                ix
            }
            None => {
                let first = self.nodes.iter().position(|n| matches!(n.role, Role::Producer(_)));
                first.ok_or("this world has no producer")?
            }
        };
        self.answer(ix, Input::Command(command));
        Ok(())
    }
}
