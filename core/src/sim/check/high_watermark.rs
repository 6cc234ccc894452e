//! The high watermark: within the log, never falling while one leads, standing still below `min.insync.replicas`
//! (KIP-966), and never beyond what each in-sync replica has. A follower cuts off nothing below its own.

use std::collections::BTreeMap;

use super::{Findings, losses::Losses};
use crate::{
    broker::Broker,
    id::NodeId,
    replica::{PartitionKey, partition::Partition},
};

#[derive(Clone, Debug, Default)]
pub(super) struct HighWatermark {
    /// What each replica was last seen to have.
    replicas: BTreeMap<(NodeId, PartitionKey), Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    /// `None`: not leading.
    leads_in: Option<i32>,
    high_watermark: i64,
    log_end: i64,
    /// It has copied something since its process began. Before that its leader may count on what its last life had.
    has_copied: bool,
}

impl HighWatermark {
    pub(super) fn check(&mut self, id: NodeId, broker: &Broker, losses: &Losses, found: &mut Findings) {
        for p in broker.replicas().partitions().filter(|p| p.offline.is_none()) {
            let (high_watermark, log_end) = (p.high_watermark(), p.log.log_end_offset());
            let leads_in = p.leadership().map(|_| p.leader_epoch());
            let before = self.replicas.get(&(id, p.key)).copied();
            let has_copied = before.is_some_and(|b| b.has_copied || (b.log_end != log_end && leads_in.is_none()));
            self.replicas.insert((id, p.key), Seen { leads_in, high_watermark, log_end, has_copied });
            if !(p.log.log_start_offset()..=log_end).contains(&high_watermark) {
                let start = p.log.log_start_offset();
                let detail = format!("{} on {id}: {high_watermark} is not within {start}..={log_end}", p.name);
                found.add("high watermark within the log", detail);
            }
            let Some(before) = before else { continue };
            if log_end < before.high_watermark && !losses.touch(p.key, log_end) {
                let detail =
                    format!("{} on {id}: the log ends at {log_end}, {} was committed", p.name, before.high_watermark);
                found.add("nothing committed is cut off", detail);
            }
            if leads_in.is_some() && before.leads_in == leads_in {
                if high_watermark < before.high_watermark {
                    let detail =
                        format!("{} at leader {id}: from {} to {high_watermark}", p.name, before.high_watermark);
                    found.add("a leader's high watermark never falls", detail);
                }
                if high_watermark > before.high_watermark {
                    self.rose(id, p, found);
                }
            }
        }
    }

    fn rose(&self, id: NodeId, p: &Partition, found: &mut Findings) {
        let high_watermark = p.high_watermark();
        let isr = p.leadership().map(|l| l.maximal_isr()).unwrap_or_default();
        if isr.len() < p.effective_min_isr() {
            let detail =
                format!("{} at leader {id}: {high_watermark} with ISR {isr:?} of {}", p.name, p.effective_min_isr());
            found.add("below min.insync.replicas the high watermark stands still", detail);
        }
        // What has not copied since it was started is looked at when it has.
        let replica = |r: &NodeId| self.replicas.get(&(*r, p.key)).filter(|seen| seen.has_copied);
        for follower in isr.iter().filter(|&&r| r != id) {
            if let Some(seen) = replica(follower).filter(|seen| seen.log_end < high_watermark) {
                let end = seen.log_end;
                let detail = format!("{} at leader {id}: {high_watermark}, in-sync {follower} ends at {end}", p.name);
                found.add("the high watermark is on every in-sync replica", detail);
            }
        }
    }

    pub(super) fn ended(&mut self, id: NodeId) {
        self.replicas.retain(|(node, _), _| *node != id);
    }
}
