//! What the controller decides and brokers believe: the leader is in the ISR, the ISR is of replicas that are not
//! fenced, epochs never go back, and at most one broker leads a partition in one leader epoch.

use std::collections::BTreeMap;

use super::Findings;
use crate::{broker::Broker, controller::Controller, id::NodeId, replica::PartitionKey};

#[derive(Clone, Debug, Default)]
pub(super) struct LeadershipCheck {
    /// Newest offset of the metadata log that was looked at, by controller.
    seen: BTreeMap<NodeId, i64>,
    /// Newest epochs that were decided: offset, leader epoch, partition epoch.
    decided: BTreeMap<PartitionKey, (i64, i32, i32)>,
    /// Who led in each leader epoch.
    leaders: BTreeMap<(PartitionKey, i32), NodeId>,
}

impl LeadershipCheck {
    pub(super) fn controller(&mut self, id: NodeId, controller: &Controller, found: &mut Findings) {
        let image = controller.image();
        if self.seen.insert(id, image.offset()) == Some(image.offset()) {
            return;
        }
        for topic in image.topics() {
            for (&index, p) in &topic.partitions {
                let name = || format!("{}-{index} at metadata offset {}", topic.name, image.offset());
                if p.leader >= 0 && !p.isr.contains(&NodeId(p.leader)) {
                    found.add("leader in ISR", format!("{}: leader {} is not in {:?}", name(), p.leader, p.isr));
                }
                if let Some(stranger) = p.isr.iter().chain(&p.elr).find(|r| !p.replicas.contains(r)) {
                    found.add("ISR of replicas", format!("{}: {stranger} is no replica", name()));
                }
                if let Some(both) = p.isr.iter().find(|r| p.elr.contains(r)) {
                    found.add("ISR and ELR apart", format!("{}: {both} is in both", name()));
                }
                // The last member stays in the ISR when it is fenced and nobody may succeed it.
                let fenced = |r: &&NodeId| image.broker(**r).is_none_or(|b| b.fenced);
                if let Some(fenced) = p.isr.iter().find(fenced)
                    && (p.isr.len() > 1 || p.leader == fenced.0)
                {
                    found.add("no fenced broker in ISR", format!("{}: {fenced} is fenced, ISR {:?}", name(), p.isr));
                }
                let key = PartitionKey { topic_id: topic.id, partition: index };
                let now = (image.offset(), p.leader_epoch, p.partition_epoch);
                let newest = self.decided.entry(key).or_insert(now);
                if now.0 >= newest.0 {
                    if now.1 < newest.1 || now.2 < newest.2 {
                        found.add("epochs grow", format!("{}: {now:?} after {newest:?}", name()));
                    }
                    *newest = now;
                }
            }
        }
    }

    pub(super) fn broker(&mut self, id: NodeId, broker: &Broker, found: &mut Findings) {
        for partition in broker.replicas().partitions() {
            if partition.leadership().is_none() {
                continue;
            }
            let epoch = partition.leader_epoch();
            let leader = *self.leaders.entry((partition.key, epoch)).or_insert(id);
            if leader != id {
                let detail = format!("{} had leaders {leader} and {id} in epoch {epoch}", partition.name);
                found.add("one leader per leader epoch", detail);
            }
        }
    }
}
