//! What this replica believes, for people, and the delivery of what is committed.

use bytes::Bytes;

use super::{Raft, RaftEvent, Role};
use crate::{
    disk::Disk,
    id::NodeId,
    metadata::record::MetadataRecord,
    seam::Ctx,
    wire::batch::{Batch, ControlType, Record},
};

/// At most this much of the log is read for one delivery, so that a start on a long log does not stall its machine.
const DELIVER_BYTES: usize = 1 << 20;

/// The pieces of `ControllerView` that the quorum fills.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RaftView {
    /// unattached, prospective, candidate, follower, leader, resigned.
    pub role: &'static str,
    pub epoch: i32,
    pub leader: Option<NodeId>,
    pub voted_for: Option<NodeId>,
    /// Campaigning: who granted so far.
    pub votes: Vec<NodeId>,
    pub voters: Vec<NodeId>,
    pub log_start_offset: i64,
    pub log_end_offset: i64,
    /// -1: not known.
    pub high_watermark: i64,
}

impl Raft {
    pub fn view(&self) -> RaftView {
        let votes = match &self.role {
            Role::Prospective { ballots, .. } | Role::Candidate { ballots, .. } => {
                ballots.granted.iter().copied().collect()
            }
            _ => Vec::new(),
        };
        RaftView {
            role: self.role.name(),
            epoch: self.election.epoch,
            leader: self.election.leader,
            voted_for: self.election.voted.map(|vote| vote.id),
            votes,
            voters: self.config.voters.iter().map(|voter| voter.id).collect(),
            log_start_offset: self.log.start_offset(),
            log_end_offset: self.log.end_offset(),
            high_watermark: self.high_watermark.unwrap_or(-1),
        }
    }

    /// Whole batches of the log from the one that holds `offset`, about `max_bytes` of them, control batches too.
    pub fn read_batches(&self, disk: &dyn Disk, offset: i64, max_bytes: usize) -> Vec<Batch> {
        self.log.batches(disk, offset.max(self.log.start_offset()), max_bytes)
    }

    /// Offset up to which this replica's disk has confirmed its log: what it may be counted with.
    pub fn durable_end_offset(&self) -> i64 {
        self.log.durable_end()
    }

    /// First offset that has not been given out as [`RaftEvent::Committed`] (or in a snapshot).
    pub fn delivered_offset(&self) -> i64 {
        self.delivered
    }

    /// Gives the owner what lies below the high watermark, and then, if this node leads, its leadership.
    pub(super) fn deliver(&mut self, ctx: &mut Ctx<'_>) {
        self.has_more_to_deliver = false;
        if let Some(committed) = self.high_watermark
            && self.delivered < committed
        {
            let before = self.delivered;
            for batch in self.log.batches(ctx.disk, self.delivered, DELIVER_BYTES) {
                let header = &batch.header;
                if header.last_offset() >= committed {
                    break;
                }
                if header.last_offset() < self.delivered {
                    continue;
                }
                let records = if header.is_control() {
                    Vec::new()
                } else {
                    batch.records().filter_map(|record| record.ok()?.value).collect()
                };
                self.delivered = header.next_offset();
                self.delivered_timestamp = header.max_timestamp;
                self.events.push(RaftEvent::Committed {
                    base_offset: header.base_offset,
                    last_offset: header.last_offset(),
                    epoch: header.partition_leader_epoch,
                    timestamp: header.max_timestamp,
                    records,
                });
            }
            // Without progress the disk cannot be read; a wake would only find that again.
            self.has_more_to_deliver = before < self.delivered && self.delivered < committed;
        }
        if let Role::Leader(leader) = &self.role
            && !self.announced
            && leader.high_watermark.is_some()
            && self.delivered > leader.epoch_start_offset
        {
            self.announced = true;
            self.events.push(RaftEvent::BecameLeader { epoch: self.election.epoch });
        }
    }
}

/// A record in a few words.
pub(super) fn record_text(value: &Bytes) -> String {
    match MetadataRecord::decode(value) {
        Ok(record) => record.name().into(),
        Err(error) => format!("unreadable: {error}"),
    }
}

pub(super) fn batch_texts(batch: &Batch) -> Vec<String> {
    let text = |record: Record| {
        if batch.header.is_control() {
            let kind = record.key.as_deref().and_then(ControlType::from_key);
            kind.map_or_else(|| "a control record".into(), |kind| format!("{kind:?}"))
        } else {
            record_text(&record.value.unwrap_or_default())
        }
    };
    batch.records().filter_map(Result::ok).map(text).collect()
}
