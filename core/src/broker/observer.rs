//! The metadata log as this broker replays it, and what its replicas have to do about it (Kafka: `MetadataLoader`,
//! `BrokerMetadataPublisher`).

use std::collections::BTreeSet;

use bytes::Bytes;

use super::Broker;
use crate::{
    id::{NodeId, Uuid},
    metadata::{
        image::{Change, MetadataImage, ResourceType},
        record::MetadataRecord,
    },
    raft::RaftEvent,
    replica::PartitionKey,
    seam::Ctx,
    trace::EventKind,
};

/// What a batch of records touched.
#[derive(Debug, Default)]
struct Delta {
    partitions: BTreeSet<PartitionKey>,
    brokers: BTreeSet<NodeId>,
    /// Topics whose configuration changed.
    configured: BTreeSet<String>,
    /// Some broker's configuration changed, and with it what topics inherit.
    brokers_configured: bool,
    deleted: Vec<(String, Uuid)>,
}

impl Delta {
    fn is_empty(&self) -> bool {
        self.partitions.is_empty() && self.brokers.is_empty() && self.configured.is_empty() && !self.brokers_configured
    }

    fn add(&mut self, change: Change) {
        match change {
            Change::Nothing
            | Change::TopicCreated(_)
            | Change::Feature(_)
            // Kept and shown: nothing is held back by quotas yet.
            | Change::Quota { .. }
            | Change::ProducerIds
            | Change::ElrCleared(_) => {}
            Change::Broker { id, .. } => {
                self.brokers.insert(id);
            }
            Change::BrokerRemoved(broker) => {
                self.brokers.insert(broker.id);
            }
            Change::TopicDeleted(topic) => {
                self.add_all(topic.id, topic.partitions.keys());
                self.deleted.push((topic.name.clone(), topic.id));
            }
            Change::Partition { topic_id, partition, .. } => {
                self.partitions.insert(PartitionKey { topic_id, partition });
            }
            Change::Config { resource, .. } => match resource.kind {
                ResourceType::Topic => {
                    self.configured.insert(resource.name);
                }
                ResourceType::Broker => self.brokers_configured = true,
                ResourceType::ClientMetrics | ResourceType::Group => {}
            },
        }
    }

    fn add_all<'a>(&mut self, topic_id: Uuid, partitions: impl Iterator<Item = &'a i32>) {
        self.partitions.extend(partitions.map(|&partition| PartitionKey { topic_id, partition }));
    }

    /// Everything in either image: after a snapshot nobody knows what changed on the way.
    fn between(old: &MetadataImage, new: &MetadataImage) -> Self {
        let mut delta = Self { brokers_configured: true, ..Self::default() };
        for image in [old, new] {
            image.topics().for_each(|t| delta.add_all(t.id, t.partitions.keys()));
            delta.brokers.extend(image.brokers().map(|b| b.id));
        }
        delta
    }
}

impl Broker {
    /// Takes what the quorum told.
    pub(super) fn observe(&mut self, ctx: &mut Ctx) {
        // What became committed at once is published at once, as by `MetadataLoader`: after one record of several a leader
        // would act on an ISR that is out of date already.
        let mut delta = Delta::default();
        for event in self.raft.take_events() {
            match event {
                RaftEvent::Committed { base_offset, last_offset, epoch, records, .. } => {
                    self.bytes_since_snapshot += records.iter().map(Bytes::len).sum::<usize>() as u64;
                    for (offset, value) in (base_offset..).zip(&records) {
                        self.replay(offset, value, &mut delta);
                    }
                    self.image.advance(last_offset);
                    self.metadata_epoch = epoch;
                }
                RaftEvent::Snapshot { end_offset, epoch, records } => {
                    self.publish(ctx, &std::mem::take(&mut delta));
                    let old = std::mem::take(&mut self.image);
                    let mut ignored = Delta::default();
                    records.iter().for_each(|value| self.replay(end_offset - 1, value, &mut ignored));
                    self.image.advance(end_offset - 1);
                    self.metadata_epoch = epoch;
                    self.bytes_since_snapshot = 0;
                    delta = Delta::between(&old, &self.image);
                }
                // An observer never leads; who does is asked of `raft.leader()` whenever it matters.
                RaftEvent::LeaderChanged { .. } | RaftEvent::BecameLeader { .. } | RaftEvent::LostLeadership { .. } => {
                }
            }
        }
        self.publish(ctx, &delta);
        self.maybe_snapshot(ctx);
    }

    fn replay(&mut self, offset: i64, value: &Bytes, delta: &mut Delta) {
        let applied = MetadataRecord::decode(value)
            .map_err(|error| error.to_string())
            .and_then(|record| self.image.apply(&record, offset).map_err(|error| error.to_string()));
        match applied {
            Ok(change) => delta.add(change),
            // As Kafka's brokers: the record is left out, and the fault is shown to whoever looks.
            Err(why) => self.metadata_fault = Some(format!("offset {offset}: {why}")),
        }
    }

    /// Gives the replicas all that was replayed so far, when this process has read its own registration. Until then it
    /// may only watch: what the log says of this broker was said to its former life, which may have led with records
    /// that did not survive (Kafka: `BrokerServer` installs its publishers after the initial catch-up).
    pub(super) fn begin_publishing(&mut self, ctx: &mut Ctx) {
        if !self.publishing {
            self.publishing = true;
            let delta = Delta::between(&MetadataImage::default(), &self.image);
            self.publish(ctx, &delta);
        }
    }

    fn publish(&mut self, ctx: &mut Ctx, delta: &Delta) {
        if delta.is_empty() || !self.publishing {
            return;
        }
        let offset = self.image.offset();
        let cause = Some(ctx.out.trace(|| EventKind::MetadataReplayed { offset }));
        for &id in &delta.brokers {
            self.replicas.broker_changed(ctx, id);
        }
        if delta.brokers_configured {
            self.replicas.reconfigure(ctx, &self.image, None);
        } else {
            delta.configured.iter().for_each(|topic| self.replicas.reconfigure(ctx, &self.image, Some(topic)));
        }
        for &key in &delta.partitions {
            // Siblings: none of these causes the next.
            ctx.out.because(cause);
            self.replicas.apply(ctx, &self.image, key);
        }
        ctx.out.because(cause);
        self.coordinate(ctx);
        self.forget_topics(ctx, &delta.deleted);
        ctx.out.because(cause);
    }

    /// Keeps this broker's copy of the metadata log short (KIP-630).
    fn maybe_snapshot(&mut self, ctx: &mut Ctx) {
        if self.bytes_since_snapshot < self.config.metadata_log_max_record_bytes_between_snapshots {
            return;
        }
        self.bytes_since_snapshot = 0;
        let records: Vec<Bytes> = self.image.to_records().iter().map(MetadataRecord::encode).collect();
        self.raft.create_snapshot(ctx, self.image.offset() + 1, self.metadata_epoch, &records);
    }
}
