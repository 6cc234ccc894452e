//! What people see of a controller: its place in the quorum, the end of its log, and what it holds true when active.

use super::{Controller, active::Active};
use crate::{
    disk::Disk,
    id::{NodeId, Uuid},
    metadata::{image::MetadataImage, quotas::QuotaEntity, record::MetadataRecord},
    seam::Now,
    view::{ActiveView, ControllerView, MetadataRecordView, PartitionView, RegistrationView},
    wire::batch::{Batch, ControlType},
};

/// Records shown of the end of the log.
const TAIL: i64 = 32;
/// Enough for them in all but the strangest logs.
const TAIL_BYTES: usize = 64 << 10;

impl Controller {
    /// What this controller believes at `now`; `disk` is its own.
    pub fn view(&self, disk: &dyn Disk, now: Now) -> ControllerView {
        let newest = self.active.as_ref().map_or(&self.committed, |active| &active.image);
        ControllerView { tail: self.tail(disk, newest), ..self.brief_view(now) }
    }

    /// The same without the records of its log.
    pub fn brief_view(&self, now: Now) -> ControllerView {
        let mut view = self.bare_view(now);
        if let (Some(view), Some(active)) = (&mut view.active, &self.active) {
            view.partitions = self.partition_views(&active.image);
        }
        view
    }

    /// What takes as long however many partitions there are.
    pub fn bare_view(&self, now: Now) -> ControllerView {
        let raft = self.raft.view();
        ControllerView {
            role: raft.role.into(),
            epoch: raft.epoch,
            leader: raft.leader,
            voted_for: raft.voted_for,
            votes: raft.votes,
            voters: raft.voters,
            log_end_offset: raft.log_end_offset,
            high_watermark: raft.high_watermark,
            tail: Vec::new(),
            active: self.active.as_ref().map(|active| self.active_view(active, now)),
        }
    }

    fn tail(&self, disk: &dyn Disk, image: &MetadataImage) -> Vec<MetadataRecordView> {
        let from = self.raft.log_end_offset() - TAIL;
        let mut tail = Vec::new();
        for batch in self.raft.read_batches(disk, from.max(0), TAIL_BYTES) {
            record_views(&batch, image, &mut tail);
        }
        tail.retain(|record| record.offset >= from);
        tail
    }

    fn active_view(&self, active: &Active, now: Now) -> ActiveView {
        let session_ms = self.config.broker_session_timeout_ms;
        let brokers = active.image.brokers().map(|broker| {
            let session = active.sessions.get(broker.id).filter(|s| s.epoch == broker.epoch);
            let last_heartbeat = session.and_then(|s| s.last_contact);
            RegistrationView {
                id: broker.id,
                broker_epoch: broker.epoch,
                fenced: broker.fenced,
                in_controlled_shutdown: broker.in_controlled_shutdown,
                last_heartbeat: last_heartbeat.unwrap_or_default(),
                session_ends: last_heartbeat.map_or(now.mono, |at| at.plus_ms(session_ms)),
            }
        });
        ActiveView { brokers: brokers.collect(), partitions: Vec::new() }
    }

    fn partition_views(&self, image: &MetadataImage) -> Vec<PartitionView> {
        let partitions = image.topics().flat_map(|topic| {
            let min_insync_replicas = image.min_insync_replicas(&topic.name, &self.config);
            topic.partitions.iter().map(move |(&partition, p)| PartitionView {
                topic: topic.name.clone(),
                partition,
                replicas: p.replicas.clone(),
                isr: p.isr.clone(),
                elr: p.elr.clone(),
                adding: p.adding_replicas.clone(),
                removing: p.removing_replicas.clone(),
                leader: p.leader,
                leader_epoch: p.leader_epoch,
                partition_epoch: p.partition_epoch,
                min_insync_replicas,
            })
        });
        partitions.collect()
    }
}

fn record_views(batch: &Batch, image: &MetadataImage, views: &mut Vec<MetadataRecordView>) {
    let epoch = batch.header.partition_leader_epoch;
    for record in batch.records().filter_map(Result::ok) {
        let value = record.value.unwrap_or_default();
        let (mark, text) = if batch.header.is_control() {
            control_text(record.key.as_deref().and_then(ControlType::from_key))
        } else {
            match MetadataRecord::decode(&value) {
                Ok(record) => (record.mark(), sentence(&record, image)),
                Err(error) => ("??", error.to_string()),
            }
        };
        views.push(MetadataRecordView { offset: record.offset, epoch, mark: mark.into(), text });
    }
}

fn control_text(kind: Option<ControlType>) -> (&'static str, String) {
    match kind {
        Some(ControlType::LeaderChange) => ("LC", "LeaderChange: a controller was elected".into()),
        Some(kind) => ("CT", format!("{kind:?}")),
        None => ("CT", "a control record that is not known".into()),
    }
}

/// A record in a few words: what it is, of what, and what it sets.
fn sentence(record: &MetadataRecord, image: &MetadataImage) -> String {
    let topic = |id: Uuid| image.topic_by_id(id).map_or_else(|| id.to_string(), |t| t.name.clone());
    let list = |ids: &[i32]| ids.iter().map(i32::to_string).collect::<Vec<_>>().join(" ");
    let leader = |id: i32| if id < 0 { "nobody".into() } else { NodeId(id).to_string() };
    let what = match record {
        MetadataRecord::RegisterBroker(r) => format!("broker {} registers, epoch {}", r.broker_id, r.broker_epoch),
        MetadataRecord::UnregisterBroker(r) => format!("broker {}", r.broker_id),
        MetadataRecord::Topic(r) => r.name.clone(),
        MetadataRecord::RemoveTopic(r) => topic(r.topic_id),
        MetadataRecord::Partition(r) => {
            format!("{}-{} on {}, leader {}", topic(r.topic_id), r.partition_id, list(&r.replicas), leader(r.leader))
        }
        MetadataRecord::PartitionChange(r) => {
            let mut text = format!("{}-{}", topic(r.topic_id), r.partition_id);
            if let Some(replicas) = &r.replicas {
                text += &format!(" on [{}]", list(replicas));
            }
            for (what, ids) in [("adding", &r.adding_replicas), ("removing", &r.removing_replicas)] {
                if let Some(ids) = ids {
                    text += &format!(" {what} [{}]", list(ids));
                }
            }
            if r.leader != crate::metadata::registration::NO_LEADER_CHANGE {
                text += &format!(" leader {}", leader(r.leader));
            }
            if let Some(isr) = &r.isr {
                text += &format!(" in-sync [{}]", list(isr));
            }
            if let Some(elr) = r.eligible_leader_replicas.as_ref().filter(|elr| !elr.is_empty()) {
                text += &format!(" eligible [{}]", list(elr));
            }
            text
        }
        MetadataRecord::Config(r) => {
            let of = if r.resource_name.is_empty() { "all brokers" } else { &r.resource_name };
            format!("{of}: {} = {}", r.name, r.value.as_deref().unwrap_or("(not set)"))
        }
        MetadataRecord::ClientQuota(r) => {
            let entity = QuotaEntity::from_record(r).map_or_else(|| "somebody".into(), |entity| entity.to_string());
            let value = if r.remove { "(not set)".into() } else { r.value.to_string() };
            format!("{entity}: {} = {value}", r.key)
        }
        MetadataRecord::UserScramCredential(r) => format!("user {}", r.name),
        MetadataRecord::RemoveUserScramCredential(r) => format!("user {}", r.name),
        MetadataRecord::FeatureLevel(r) => format!("{} {}", r.name, r.feature_level),
        MetadataRecord::ProducerIds(r) => format!("next {}", r.next_producer_id),
        MetadataRecord::BrokerRegistrationChange(r) => {
            let fencing = match r.fenced {
                1 => " is fenced",
                -1 => " is unfenced",
                _ if r.in_controlled_shutdown != 0 => " is shutting down",
                _ => "",
            };
            format!("broker {}{fencing}", r.broker_id)
        }
        MetadataRecord::FenceBroker(r) => format!("broker {} is fenced", r.id),
        MetadataRecord::UnfenceBroker(r) => format!("broker {} is unfenced", r.id),
        MetadataRecord::RegisterController(r) => format!("controller {}", r.controller_id),
        MetadataRecord::ClearElr(r) if r.topic_name.is_empty() => "all topics".into(),
        MetadataRecord::ClearElr(r) => r.topic_name.clone(),
        MetadataRecord::BeginTransaction(r) => r.name.clone().unwrap_or_default(),
        MetadataRecord::AbortTransaction(r) => r.reason.clone().unwrap_or_default(),
        MetadataRecord::NoOp(_) | MetadataRecord::EndTransaction(_) => String::new(),
    };
    if what.is_empty() { record.name().into() } else { format!("{}: {what}", record.name()) }
}
