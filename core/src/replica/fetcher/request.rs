//! What is asked of a leader next: its records, within a fetch session (KIP-227), or where its log begins and ends.

use std::collections::{BTreeMap, BTreeSet};

use super::{Asked, FETCH_VERSION, Followed, InFlight, LIST_OFFSETS_VERSION, Lost, Session, Told};
use crate::{
    id::{ConnId, NodeId, Uuid},
    replica::{PartitionKey, manager::ReplicaManager},
    seam::{Ctx, Time},
    wire::{
        fetch::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic, ReplicaState},
        frame,
        list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
    },
};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

impl ReplicaManager {
    pub(super) fn send_next(&mut self, ctx: &mut Ctx, leader: NodeId, conn: ConnId) {
        let now = ctx.now.mono;
        let fetcher = self.fetchers.get_mut(&leader).expect("it is being driven");
        fetcher.end_delays(now);
        let lost = fetcher.lost.iter().map(|&key| (key, fetcher.followed[&key])).find(|(_, f)| f.delayed_until <= now);
        let (parts, what) = match lost {
            Some((key, Followed { lost: Some(step), .. })) => {
                let Some(partition) = self.partitions.get(&key) else { return };
                let timestamp = if step == Lost::AsksLatest { LATEST } else { EARLIEST };
                let (name, leader_epoch) = (&partition.name, partition.leader_epoch());
                let asked = ListOffsetsPartition {
                    partition_index: name.partition,
                    current_leader_epoch: leader_epoch,
                    timestamp,
                };
                let topics = vec![ListOffsetsTopic { name: name.topic.clone(), partitions: vec![asked] }];
                let request = ListOffsetsRequest { replica_id: self.local.0, topics, ..Default::default() };
                let id = fetcher.correlation_id();
                let parts = frame::request_parts(LIST_OFFSETS_VERSION, id, &client_id(self.local), &request);
                (parts, Asked::Offset { key, leader_epoch, step })
            }
            _ => {
                let Some(request) = self.fetch_request(now, leader) else { return };
                let fetcher = self.fetchers.get_mut(&leader).expect("it is being driven");
                let id = fetcher.correlation_id();
                (frame::request_parts(FETCH_VERSION, id, &client_id(self.local), &request), Asked::Fetch)
            }
        };
        let fetcher = self.fetchers.get_mut(&leader).expect("it is being driven");
        fetcher.in_flight = Some(InFlight { correlation_id: fetcher.next_correlation_id, sent_at: now, what });
        ctx.out.send(conn, parts);
    }

    /// Asks for everything that comes next in the followed partitions; within a session only what changed is said.
    fn fetch_request(&mut self, now: Time, leader: NodeId) -> Option<FetchRequest> {
        let config = &self.config;
        let fetcher = self.fetchers.get_mut(&leader)?;
        let session = &mut fetcher.session;
        let news: BTreeSet<PartitionKey> = if session.epoch > 0 {
            std::mem::take(&mut fetcher.changed)
        } else {
            // The leader knows nothing of us.
            fetcher.changed.clear();
            session.told.clear();
            fetcher.followed.keys().copied().collect()
        };
        let mut topics: BTreeMap<Uuid, Vec<FetchPartition>> = BTreeMap::new();
        let mut forgotten_topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        for key in news {
            let followed = fetcher.followed.get(&key).filter(|f| f.delayed_until <= now && f.lost.is_none());
            let partition = followed.and_then(|_| self.partitions.get(&key)).filter(|p| p.offline.is_none());
            let Some(partition) = partition else {
                if session.told.remove(&key).is_some() {
                    forgotten_topics.entry(key.topic_id).or_default().push(key.partition);
                }
                continue;
            };
            let told = Told {
                leader_epoch: partition.leader_epoch(),
                fetch_offset: partition.log.log_end_offset(),
                last_fetched_epoch: partition.log.last_epoch().unwrap_or(-1),
                log_start_offset: partition.log.log_start_offset(),
            };
            if session.told.insert(key, told) == Some(told) {
                continue;
            }
            topics.entry(key.topic_id).or_default().push(FetchPartition {
                partition: key.partition,
                current_leader_epoch: told.leader_epoch,
                fetch_offset: told.fetch_offset,
                last_fetched_epoch: told.last_fetched_epoch,
                log_start_offset: told.log_start_offset,
                partition_max_bytes: config.replica_fetch_max_bytes,
                replica_directory_id: config.directory_id,
                high_watermark: partition.high_watermark(),
            });
        }
        if session.told.is_empty() {
            // Nothing is left to ask for; what comes next begins a session of its own.
            *session = Session::default();
            return None;
        }
        Some(FetchRequest {
            replica_state: ReplicaState { replica_id: self.local.0, replica_epoch: self.broker_epoch },
            max_wait_ms: i32::try_from(config.replica_fetch_wait_max_ms).unwrap_or(i32::MAX),
            min_bytes: config.replica_fetch_min_bytes,
            max_bytes: config.replica_fetch_response_max_bytes,
            session_id: session.id,
            session_epoch: session.epoch,
            topics: topics
                .into_iter()
                .map(|(topic_id, partitions)| FetchTopic { topic_id, partitions, ..Default::default() })
                .collect(),
            forgotten_topics_data: forgotten_topics
                .into_iter()
                .map(|(topic_id, partitions)| ForgottenTopic { topic_id, partitions, ..Default::default() })
                .collect(),
            ..Default::default()
        })
    }
}

fn client_id(local: NodeId) -> String {
    format!("broker-{local}-fetcher")
}
