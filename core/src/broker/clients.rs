//! Clients as this broker sees them: what each connection said of itself, and what it last asked for. Nothing here decides
//! anything; it is for people to see.

use std::{collections::BTreeMap, sync::Arc};

use super::Broker;
use crate::{
    id::Uuid,
    metadata::image::MetadataImage,
    replica::{PartitionKey, fetch::PlannedPartition},
    seam::Time,
    view::{ConnectionView, PositionView},
    wire::{api::ApiKey, api_versions::ApiVersionsRequest, frame::RequestHead},
};

const SOFTWARE_CHARS: usize = 80;

/// What a connection told.
#[derive(Clone, Debug, Default)]
pub struct Client {
    id: String,
    /// Name and version, since ApiVersions v3 (KIP-511).
    software: String,
    /// The version last spoken of each API.
    versions: BTreeMap<i16, i16>,
    requests: u64,
    last: Option<(i16, Time)>,
    /// Where a consumer's last fetch began, by partition.
    positions: Vec<Position>,
}

#[derive(Clone, Debug)]
struct Position {
    /// Empty when asked by id.
    topic: Arc<str>,
    topic_id: Uuid,
    partition: i32,
    offset: i64,
}

impl Client {
    pub(super) fn asked(&mut self, head: &RequestHead, now: Time) {
        let id = head.client_id.as_deref().unwrap_or_default();
        if self.id != id {
            id.clone_into(&mut self.id);
        }
        self.versions.insert(head.api_key.code(), head.api_version);
        self.requests += 1;
        self.last = Some((head.api_key.code(), now));
    }

    pub(super) fn introduced(&mut self, request: &ApiVersionsRequest) {
        let ApiVersionsRequest { client_software_name: name, client_software_version: version } = request;
        let text = format!("{name} {version}");
        // Kept as long as the connection is: not more than people read.
        self.software = text.trim().chars().take(SOFTWARE_CHARS).collect();
    }

    pub(super) fn fetches(&mut self, partitions: &[PlannedPartition]) {
        self.positions.clear();
        self.positions.extend(partitions.iter().map(|p| Position {
            topic: Arc::clone(&p.topic),
            topic_id: p.topic_id,
            partition: p.index,
            offset: p.fetch_offset,
        }));
    }
}

impl Broker {
    /// The connections of clients, without those of other brokers.
    pub(super) fn client_views(&self) -> Vec<ConnectionView> {
        let clients = self.conns.iter().filter(|c| c.node.is_none());
        let views = clients.filter_map(|c| {
            let (last_request, last_at) = c.client.last?;
            Some(ConnectionView {
                client_id: c.client.id.clone(),
                address: c.peer.clone(),
                software: c.client.software.clone(),
                versions: c.client.versions.iter().map(|(key, version)| (api_name(*key), *version)).collect(),
                requests: c.client.requests,
                last_request: api_name(last_request),
                last_at,
                positions: c.client.positions.iter().filter_map(|p| self.position(p)).collect(),
            })
        });
        views.collect()
    }

    fn position(&self, position: &Position) -> Option<PositionView> {
        let topic = topic_name(&self.image, position)?;
        let key = self.image.topic_id(&topic).map(|topic_id| PartitionKey { topic_id, partition: position.partition });
        let replica = key.and_then(|key| self.replicas.get(key));
        Some(PositionView {
            committed: -1,
            topic,
            partition: position.partition,
            position: position.offset,
            high_watermark: replica.map_or(-1, |p| p.high_watermark()),
        })
    }
}

fn topic_name(image: &MetadataImage, position: &Position) -> Option<String> {
    if !position.topic.is_empty() {
        return Some(position.topic.to_string());
    }
    image.topic_by_id(position.topic_id).map(|topic| topic.name.clone())
}

fn api_name(key: i16) -> String {
    ApiKey::from_code(key).map_or_else(|| key.to_string(), |key| key.name().to_string())
}
