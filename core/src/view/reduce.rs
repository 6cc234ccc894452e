//! What follows from the views of all nodes together: who is active, which groups and clients there are, and the headline.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ClientView, ClusterView, GroupView, NodeView, PartitionView, ProcessState, host_of};
use crate::id::{NodeId, TopicPartition};

/// One line of a partition for large letters: the newest belief of the active controller, with the offsets of its leader.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    pub partition: PartitionView,
    pub high_watermark: i64,
    pub log_end_offset: i64,
}

impl ClusterView {
    /// The active controller with the newest quorum epoch, if one is alive. A deposed one that does not know it loses.
    pub fn active_controller(&self) -> Option<&NodeView> {
        let active = |n: &&NodeView| n.controller.as_ref().is_some_and(|c| c.active.is_some());
        let epoch = |n: &&NodeView| (n.process != ProcessState::Down, n.controller.as_ref().map_or(-1, |c| c.epoch));
        self.nodes.iter().filter(active).max_by_key(epoch)
    }

    pub fn node(&self, id: NodeId) -> Option<&NodeView> {
        self.nodes.iter().find(|n| n.id == id)
    }

    /// Every client that a live broker has a connection of, by name and host.
    pub fn clients(&self) -> Vec<ClientView> {
        let mut clients: BTreeMap<NodeId, ClientView> = BTreeMap::new();
        for node in self.nodes.iter().filter(|node| node.process == ProcessState::Alive) {
            for conn in node.broker.iter().flat_map(|broker| &broker.clients) {
                let id = ClientView::id_of(&conn.client_id, &conn.address);
                let client = clients.entry(id).or_insert_with(|| ClientView {
                    id,
                    client_id: conn.client_id.clone(),
                    host: host_of(&conn.address).into(),
                    ..ClientView::default()
                });
                if client.brokers.last() != Some(&node.id) {
                    client.brokers.push(node.id);
                }
                if !conn.software.is_empty() {
                    client.software.clone_from(&conn.software);
                }
                for (api, version) in &conn.versions {
                    match client.versions.iter_mut().find(|(known, _)| known == api) {
                        Some((_, known)) => *known = *version,
                        None => client.versions.push((api.clone(), *version)),
                    }
                }
                client.requests += conn.requests;
                if conn.last_at >= client.last_at {
                    client.last_at = conn.last_at;
                    client.last_request.clone_from(&conn.last_request);
                }
                client.positions.extend(conn.positions.iter().cloned());
            }
        }
        let mut clients: Vec<ClientView> = clients.into_values().collect();
        for client in &mut clients {
            client.positions.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        }
        clients
    }

    /// Every group as its coordinator has it, with the positions that its members know and the lag. Where two brokers
    /// take themselves for the coordinator, the one that the newer leader epoch made speaks.
    pub fn groups(&self) -> Vec<GroupView> {
        let alive = |n: &&NodeView| n.process != ProcessState::Down;
        let mut groups: Vec<GroupView> = Vec::new();
        let brokers = self.nodes.iter().filter(alive).filter_map(|n| n.broker.as_ref());
        for group in brokers.flat_map(|b| &b.groups) {
            match groups.iter_mut().find(|g| g.id == group.id) {
                Some(known) if known.generation >= group.generation => {}
                Some(known) => *known = group.clone(),
                None => groups.push(group.clone()),
            }
        }
        if groups.is_empty() {
            return groups;
        }
        let headline = self.headline();
        let high_watermark = |topic: &str, partition: i32| {
            let of = headline.iter().find(|h| h.partition.topic == topic && h.partition.partition == partition);
            of.map_or(-1, |h| h.high_watermark)
        };
        for group in &mut groups {
            for member in &mut group.members {
                let consumer = self.consumers.iter().find(|c| c.member_id.as_ref() == Some(&member.id));
                for p in &mut member.partitions {
                    p.high_watermark = high_watermark(&p.topic, p.partition);
                    let known = consumer
                        .and_then(|c| c.positions.iter().find(|q| q.topic == p.topic && q.partition == p.partition));
                    p.position = known.map_or(-1, |q| q.position);
                }
            }
            let read = group.members.iter().flat_map(|m| &m.partitions).map(|p| (p.topic.clone(), p.partition));
            let mut all: BTreeSet<(String, i32)> = read.collect();
            all.extend(group.committed.iter().map(|(p, _)| (p.topic.clone(), p.partition)));
            let behind = all.into_iter().map(|(topic, partition)| {
                let of = |(p, _): &&(TopicPartition, i64)| p.topic == topic && p.partition == partition;
                let committed = group.committed.iter().find(of).map_or(0, |&(_, offset)| offset);
                (high_watermark(&topic, partition) - committed).max(0)
            });
            group.lag = behind.sum();
        }
        groups.sort_by(|a, b| a.id.cmp(&b.id));
        groups
    }

    /// Every partition as the active controller has it, with the offsets its leader believes.
    pub fn headline(&self) -> Vec<Headline> {
        let Some(active) = self.active_controller().and_then(|n| n.controller.as_ref()?.active.as_ref()) else {
            return Vec::new();
        };
        active
            .partitions
            .iter()
            .map(|partition| {
                let replica = self.node(NodeId(partition.leader)).and_then(|n| n.broker.as_ref()).and_then(|b| {
                    b.replicas.iter().find(|r| r.topic == partition.topic && r.partition == partition.partition)
                });
                Headline {
                    partition: partition.clone(),
                    high_watermark: replica.map_or(-1, |r| r.high_watermark),
                    log_end_offset: replica.map_or(-1, |r| r.log_end_offset),
                }
            })
            .collect()
    }
}
