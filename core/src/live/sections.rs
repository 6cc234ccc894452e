//! A view in sections: what has not changed since the last time is not sent again.

use serde::{Deserialize, Serialize};

use crate::{
    id::NodeId,
    seam::Time,
    view::{
        BrokerView, ClusterView, ConnectionView, ConsumerView, ControllerView, LinkView, NodeView, Preset,
        ProcessState, ProducerView, ReplicaView,
    },
};

/// The sections that changed between two versions of a view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// One more than that of the update before; the first of a connection is 1.
    pub version: u64,
    pub at: Time,
    /// Number of events so far.
    pub events: u64,
    pub sections: Vec<Section>,
}

/// A part of the view that changes by itself. It replaces what was there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "section", rename_all = "snake_case")]
pub enum Section {
    /// The process; its beliefs are sections of their own.
    Node {
        id: NodeId,
        process: ProcessState,
        address: String,
        pid: Option<u32>,
        rack: Option<String>,
    },
    Controller {
        node: NodeId,
        view: Option<Box<ControllerView>>,
    },
    /// Without replicas and clients.
    Broker {
        node: NodeId,
        view: Option<Box<BrokerView>>,
    },
    Replica {
        node: NodeId,
        view: Box<ReplicaView>,
    },
    /// The node no longer holds it.
    NoReplica {
        node: NodeId,
        topic: String,
        partition: i32,
    },
    Clients {
        node: NodeId,
        views: Vec<ConnectionView>,
    },
    Links {
        views: Vec<LinkView>,
    },
    Presets {
        views: Vec<Preset>,
    },
    /// The lab's own clients, where there are any.
    LabClients {
        producers: Vec<ProducerView>,
        consumers: Vec<ConsumerView>,
    },
}

/// The sending end: remembers what was sent.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    version: u64,
    sent: ClusterView,
}

impl Changes {
    /// What has to be sent for `view`; `None` when nothing but time has passed.
    pub fn of(&mut self, view: &ClusterView) -> Option<Update> {
        let mut sections = Vec::new();
        for node in &view.nodes {
            changes_of_node(node, self.sent.node(node.id), &mut sections);
        }
        if view.links != self.sent.links {
            sections.push(Section::Links { views: view.links.clone() });
        }
        if view.presets != self.sent.presets {
            sections.push(Section::Presets { views: view.presets.clone() });
        }
        if (&view.producers, &view.consumers) != (&self.sent.producers, &self.sent.consumers) {
            let (producers, consumers) = (view.producers.clone(), view.consumers.clone());
            sections.push(Section::LabClients { producers, consumers });
        }
        if sections.is_empty() && self.version > 0 {
            return None;
        }
        self.version += 1;
        self.sent.clone_from(view);
        Some(Update { version: self.version, at: view.at, events: view.events, sections })
    }
}

fn changes_of_node(node: &NodeView, sent: Option<&NodeView>, sections: &mut Vec<Section>) {
    let id = node.id;
    let process = |n: &NodeView| (n.process, n.pid, n.address.clone(), n.rack.clone());
    if sent.map(process) != Some(process(node)) {
        let (process, pid, address, rack) = process(node);
        sections.push(Section::Node { id, process, address, pid, rack });
    }
    if node.controller != sent.and_then(|n| n.controller.clone()) {
        sections.push(Section::Controller { node: id, view: node.controller.clone().map(Box::new) });
    }
    let before = sent.and_then(|n| n.broker.as_ref());
    let Some(broker) = &node.broker else {
        if before.is_some() {
            sections.push(Section::Broker { node: id, view: None });
        }
        return;
    };
    if before.map(bare) != Some(bare(broker)) {
        sections.push(Section::Broker { node: id, view: Some(Box::new(bare(broker))) });
    }
    if before.map(|b| &b.clients) != Some(&broker.clients) {
        sections.push(Section::Clients { node: id, views: broker.clients.clone() });
    }
    let known = before.map(|b| b.replicas.as_slice()).unwrap_or_default();
    for replica in &broker.replicas {
        if find(known, &replica.topic, replica.partition) != Some(replica) {
            sections.push(Section::Replica { node: id, view: Box::new(replica.clone()) });
        }
    }
    for gone in known.iter().filter(|known| find(&broker.replicas, &known.topic, known.partition).is_none()) {
        sections.push(Section::NoReplica { node: id, topic: gone.topic.clone(), partition: gone.partition });
    }
}

/// Without what has sections of its own.
fn bare(broker: &BrokerView) -> BrokerView {
    BrokerView {
        broker_epoch: broker.broker_epoch,
        fenced: broker.fenced,
        metadata_offset: broker.metadata_offset,
        controller: broker.controller,
        groups: broker.groups.clone(),
        parked: broker.parked.clone(),
        ..BrokerView::default()
    }
}

fn find<'a>(replicas: &'a [ReplicaView], topic: &str, partition: i32) -> Option<&'a ReplicaView> {
    replicas.iter().find(|r| r.partition == partition && r.topic == topic)
}

/// The receiving end: puts the view together again.
#[derive(Clone, Debug, Default)]
pub struct Assembly {
    version: u64,
    view: ClusterView,
}

impl Assembly {
    pub fn view(&self) -> &ClusterView {
        &self.view
    }

    /// Takes an update in.
    ///
    /// # Errors
    /// A sentence, when an update is missing before this one; the view stays as it was.
    pub fn apply(&mut self, update: Update) -> Result<(), String> {
        if update.version != self.version + 1 {
            return Err(format!("update {} came after {}: some of the view is missing", update.version, self.version));
        }
        self.version = update.version;
        self.view.at = update.at;
        self.view.events = update.events;
        for section in update.sections {
            self.replace(section, update.at);
        }
        Ok(())
    }

    fn replace(&mut self, section: Section, at: Time) {
        match section {
            Section::Node { id, process, address, pid, rack } => {
                let node = self.node(id);
                node.process = process;
                node.address = address;
                node.pid = pid;
                node.rack = rack;
            }
            Section::Controller { node, view } => {
                let node = self.node(node);
                node.controller = view.map(|view| *view);
                node.as_of = at;
            }
            Section::Broker { node, view } => {
                let node = self.node(node);
                node.as_of = at;
                node.broker = view.map(|view| {
                    let before = node.broker.take().unwrap_or_default();
                    BrokerView { replicas: before.replicas, clients: before.clients, ..*view }
                });
            }
            Section::Replica { node, view } => {
                let node = self.node(node);
                node.as_of = at;
                let replicas = &mut node.broker.get_or_insert_default().replicas;
                let key = |r: &ReplicaView| (r.topic.clone(), r.partition);
                match replicas.binary_search_by_key(&key(&view), key) {
                    Ok(index) => replicas[index] = *view,
                    Err(index) => replicas.insert(index, *view),
                }
            }
            Section::NoReplica { node, topic, partition } => {
                if let Some(broker) = &mut self.node(node).broker {
                    broker.replicas.retain(|r| r.partition != partition || r.topic != topic);
                }
            }
            Section::Clients { node, views } => self.node(node).broker.get_or_insert_default().clients = views,
            Section::Links { views } => self.view.links = views,
            Section::Presets { views } => self.view.presets = views,
            Section::LabClients { producers, consumers } => {
                (self.view.producers, self.view.consumers) = (producers, consumers);
            }
        }
    }

    fn node(&mut self, id: NodeId) -> &mut NodeView {
        let nodes = &mut self.view.nodes;
        let index = nodes.binary_search_by_key(&id, |node| node.id).unwrap_or_else(|index| {
            nodes.insert(index, NodeView { id, ..NodeView::default() });
            index
        });
        &mut nodes[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::RecordView;

    fn replica(partition: i32, log_end_offset: i64) -> ReplicaView {
        let tail = (0..log_end_offset).map(|offset| RecordView { offset, ..RecordView::default() }).collect();
        ReplicaView { topic: "orders".into(), partition, log_end_offset, tail, ..ReplicaView::default() }
    }

    fn cluster(replicas: Vec<ReplicaView>) -> ClusterView {
        let broker = BrokerView { replicas, metadata_offset: 7, ..BrokerView::default() };
        let one = NodeView { id: NodeId(1), broker: Some(broker), ..NodeView::default() };
        let controller = Some(ControllerView { epoch: 3, ..ControllerView::default() });
        let other = NodeView { id: NodeId(101), controller, ..NodeView::default() };
        ClusterView { nodes: vec![one, other], ..ClusterView::default() }
    }

    #[test]
    fn only_what_changed_is_sent_and_the_view_is_whole() {
        let (mut changes, mut assembly) = (Changes::default(), Assembly::default());
        let mut send = |view: &ClusterView| {
            let update = changes.of(view)?;
            let text = serde_json::to_string(&update).unwrap();
            assembly.apply(serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(assembly.view(), view);
            Some(update.sections.len())
        };
        let mut view = cluster(vec![replica(0, 3), replica(1, 5)]);
        assert_eq!(send(&view), Some(7), "two nodes, a controller, a broker, its clients, two replicas");
        assert_eq!(send(&view), None);
        view.nodes[0].broker.as_mut().unwrap().replicas[1] = replica(1, 6);
        assert_eq!(send(&view), Some(1));
        view.nodes[0].broker.as_mut().unwrap().replicas.remove(0);
        view.nodes[0].process = ProcessState::Down;
        view.links.push(LinkView { a: NodeId(1), b: NodeId(101), cut: true, ..LinkView::default() });
        assert_eq!(send(&view), Some(3));
        view.nodes[0].broker = None;
        view.nodes[1].controller.as_mut().unwrap().epoch = 4;
        assert_eq!(send(&view), Some(2));
    }

    #[test]
    fn a_missing_update_is_noticed() {
        let mut assembly = Assembly::default();
        assembly.apply(Update { version: 1, ..Update::default() }).unwrap();
        assert!(assembly.apply(Update { version: 3, ..Update::default() }).is_err());
    }
}
