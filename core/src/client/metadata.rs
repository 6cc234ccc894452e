//! What a client knows of the cluster: topics, their ids, and who leads each partition (`Metadata`, `ConsumerMetadata`).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::links::{Links, Peer, backoff_ms};
use crate::{
    id::{Endpoint, TopicPartition, Uuid},
    seam::Ctx,
    trace::EventKind,
    wire::{
        error::ErrorCode,
        frame,
        metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse},
    },
};

#[derive(Clone, Copy, Debug)]
pub(super) struct MetadataSettings {
    pub(super) max_age_ms: u64,
    pub(super) retry_backoff_ms: u64,
    pub(super) retry_backoff_max_ms: u64,
    pub(super) allow_auto_topic_creation: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Metadata {
    settings: MetadataSettings,
    topics: BTreeMap<String, Topic>,
    /// Somebody found it wanting.
    stale: bool,
    asked: bool,
    updated_ms: Option<u64>,
    failures: u32,
    not_before_ms: u64,
}

/// A topic the client is interested in; without partitions until the cluster says it has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Topic {
    pub(super) id: Uuid,
    pub(super) partitions: Vec<Leader>,
    /// Why it is not known: an error code.
    pub(super) error: i16,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Leader {
    /// -1: nobody.
    pub(super) id: Peer,
    pub(super) epoch: i32,
}

impl Metadata {
    pub(super) fn new(settings: MetadataSettings) -> Self {
        let topics = BTreeMap::new();
        Self { settings, topics, stale: true, asked: false, updated_ms: None, failures: 0, not_before_ms: 0 }
    }

    /// Takes an interest in a topic from now on.
    pub(super) fn want(&mut self, topic: &str) {
        if !self.topics.contains_key(topic) {
            self.topics.insert(topic.into(), Topic::default());
            self.stale = true;
            self.not_before_ms = 0;
        }
    }

    pub(super) fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name).filter(|t| !t.partitions.is_empty())
    }

    /// Why a wanted topic has no partitions; 0 while nobody has answered.
    pub(super) fn topic_error(&self, name: &str) -> i16 {
        self.topics.get(name).map_or(0, |t| t.error)
    }

    pub(super) fn name_of(&self, id: Uuid) -> Option<&str> {
        self.topics.iter().find(|(_, t)| t.id == id).map(|(name, _)| name.as_str())
    }

    pub(super) fn leader(&self, topic: &str, partition: i32) -> Option<Leader> {
        self.topics.get(topic)?.partitions.get(usize::try_from(partition).ok()?).copied().filter(|l| l.id >= 0)
    }

    /// Something did not fit: ask again soon.
    pub(super) fn expire(&mut self) {
        self.stale = true;
    }

    /// Asks some broker if it is time to. `tag` marks the request.
    pub(super) fn refresh<T: Clone>(&mut self, ctx: &mut Ctx<'_>, links: &mut Links<T>, tag: T) {
        let now = ctx.ms();
        let old = self.updated_ms.is_some_and(|at| now >= at + self.settings.max_age_ms);
        if self.asked || now < self.not_before_ms || self.topics.is_empty() || !(self.stale || old) {
            return;
        }
        let Some(peer) = links.any_ready(ctx) else { return };
        let Some(version) = links.version::<MetadataRequest>(peer, i16::MAX) else { return };
        let topic = |name: &String| MetadataRequestTopic { name: Some(name.clone()), topic_id: Uuid::ZERO };
        let request = MetadataRequest {
            topics: Some(self.topics.keys().map(topic).collect()),
            allow_auto_topic_creation: self.settings.allow_auto_topic_creation,
            ..MetadataRequest::default()
        };
        (self.asked, self.stale) = (true, false);
        links.send(ctx, peer, version, &request, tag);
    }

    /// The request was lost.
    pub(super) fn lost(&mut self, ctx: &Ctx<'_>, rng: &mut fastrand::Rng) {
        (self.asked, self.stale) = (false, true);
        self.back_off(ctx.ms(), rng);
    }

    fn back_off(&mut self, now_ms: u64, rng: &mut fastrand::Rng) {
        self.failures += 1;
        let (base, max) = (self.settings.retry_backoff_ms, self.settings.retry_backoff_max_ms);
        self.not_before_ms = now_ms + backoff_ms(base, max, self.failures, rng);
    }

    /// Reads an answer. Leaders of an older epoch than is known are not believed: the broker that said so is behind.
    pub(super) fn answer<T: Clone>(
        &mut self,
        ctx: &mut Ctx<'_>,
        links: &mut Links<T>,
        version: i16,
        frame: &Bytes,
        rng: &mut fastrand::Rng,
    ) {
        let Ok((_, response)) = frame::parse_response::<MetadataRequest>(version, frame) else {
            return self.lost(ctx, rng);
        };
        self.asked = false;
        self.updated_ms = Some(ctx.ms());
        let endpoint = |host: &str, port: i32| Endpoint { host: host.into(), port: port as u16 };
        let brokers = response.brokers.iter().map(|b| (b.node_id, endpoint(&b.host, b.port))).collect();
        links.set_brokers(ctx, brokers);
        // A broker that is behind may leave out the leader that a newer answer named: it cannot be reached by that.
        let unknown = |l: &Leader| l.id >= 0 && !links.knows(l.id);
        let incomplete =
            self.take_topics(ctx, &response) || self.topics.values().flat_map(|t| &t.partitions).any(unknown);
        if incomplete {
            // A topic or a leader is missing: it may come to be, so ask again, less and less often.
            self.stale = true;
            self.back_off(ctx.ms(), rng);
        } else {
            self.failures = 0;
            // Also without need nobody asks more often than this.
            self.not_before_ms = ctx.ms() + self.settings.retry_backoff_ms;
        }
    }

    fn take_topics(&mut self, ctx: &mut Ctx<'_>, response: &MetadataResponse) -> bool {
        let mut incomplete = false;
        for found in &response.topics {
            let name = found.name.clone().unwrap_or_default();
            let Some(topic) = self.topics.get_mut(&name) else { continue };
            topic.error = found.error_code;
            if found.error_code != ErrorCode::None as i16 {
                incomplete = true;
                continue;
            }
            if topic.id != found.topic_id {
                // Another topic of the same name: what was known of the old one means nothing.
                *topic = Topic { id: found.topic_id, ..Topic::default() };
            }
            let count = found.partitions.iter().map(|p| p.partition_index + 1).max().unwrap_or(0).max(0) as usize;
            if count <= found.partitions.len() {
                topic.partitions.resize(count.max(topic.partitions.len()), Leader { id: -1, epoch: -1 });
            }
            for p in &found.partitions {
                incomplete |= p.leader_id < 0;
                let Some(known) = topic.partitions.get_mut(p.partition_index as usize) else { continue };
                let epoch = p.leader_epoch;
                if epoch < known.epoch && epoch >= 0 {
                    continue;
                }
                if (known.id, known.epoch) != (p.leader_id, epoch) {
                    let partition = p.partition_index;
                    ctx.out.trace(|| EventKind::LeaderLearned {
                        partition: TopicPartition::new(name.clone(), partition),
                        leader: p.leader_id,
                        leader_epoch: epoch,
                    });
                }
                *known = Leader { id: p.leader_id, epoch };
            }
        }
        incomplete
    }

    /// A leader learned from a hint in an answer (KIP-951). True if it is news.
    pub(super) fn hint(&mut self, ctx: &mut Ctx<'_>, topic: &str, partition: i32, leader: Peer, epoch: i32) -> bool {
        let Some(known) = self.topics.get_mut(topic).and_then(|t| t.partitions.get_mut(partition as usize)) else {
            return false;
        };
        if leader < 0 || epoch <= known.epoch {
            return false;
        }
        *known = Leader { id: leader, epoch };
        ctx.out.trace(|| EventKind::LeaderLearned {
            partition: TopicPartition::new(topic, partition),
            leader,
            leader_epoch: epoch,
        });
        true
    }

    pub(super) fn deadline_ms(&self) -> Option<u64> {
        if self.asked || self.topics.is_empty() {
            return None;
        }
        let aged = self.updated_ms.map(|at| at + self.settings.max_age_ms);
        if self.stale { Some(self.not_before_ms) } else { aged.map(|at| at.max(self.not_before_ms)) }
    }
}
