//! What `kafka-lab status` prints, put together from the nodes' reports.

use lab_core::{
    id::NodeId,
    view::{ClusterView, ProcessState},
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub cluster_id: String,
    pub bootstrap: String,
    pub http: Option<String>,
    pub quorum: QuorumStatus,
    /// Partitions with fewer in-sync replicas than replicas.
    pub under_replicated: usize,
    /// Partitions without a leader.
    pub offline: usize,
    pub partitions: usize,
    pub nodes: Vec<NodeStatus>,
    /// Faults on links, as sentences.
    pub links: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuorumStatus {
    pub leader: Option<NodeId>,
    pub epoch: i32,
    pub high_watermark: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    pub id: NodeId,
    pub pid: Option<u32>,
    pub roles: String,
    pub address: String,
    /// alive, fenced, down, paused, stopping.
    pub state: String,
    /// Partitions it leads, according to the active controller.
    pub leaders: usize,
    /// Replicas it holds, according to the active controller.
    pub replicas: usize,
    pub rss_bytes: u64,
}

/// The part that follows from the view; the caller adds what only the supervisor knows.
pub fn of(view: &ClusterView) -> Status {
    let mut status = Status::default();
    let active = view.active_controller().filter(|node| node.process == ProcessState::Alive);
    let controller = active.and_then(|node| node.controller.as_ref());
    if let (Some(node), Some(controller)) = (active, controller) {
        status.quorum =
            QuorumStatus { leader: Some(node.id), epoch: controller.epoch, high_watermark: controller.high_watermark };
    }
    let truth = controller.and_then(|controller| controller.active.as_ref());
    let partitions = truth.map(|truth| truth.partitions.as_slice()).unwrap_or_default();
    status.partitions = partitions.len();
    status.under_replicated = partitions.iter().filter(|p| p.isr.len() < p.replicas.len()).count();
    status.offline = partitions.iter().filter(|p| p.leader < 0).count();
    for node in &view.nodes {
        let registration = truth.and_then(|truth| truth.brokers.iter().find(|b| b.id == node.id));
        let state = match node.process {
            ProcessState::Down => "down",
            ProcessState::Paused => "paused",
            ProcessState::Stopping => "stopping",
            ProcessState::Alive if registration.is_some_and(|r| r.fenced) => "fenced",
            ProcessState::Alive => "alive",
        };
        status.nodes.push(NodeStatus {
            id: node.id,
            pid: node.pid,
            address: node.address.clone(),
            state: state.into(),
            leaders: partitions.iter().filter(|p| p.leader == node.id.0).count(),
            replicas: partitions.iter().filter(|p| p.replicas.contains(&node.id)).count(),
            ..NodeStatus::default()
        });
    }
    for link in &view.links {
        let arrow = if link.one_way { "->" } else { "<->" };
        let what = if link.cut { "cut".to_owned() } else { format!("{} ms slower", link.extra_ms) };
        status.links.push(format!("{} {arrow} {}: {what}", link.a, link.b));
    }
    status
}
