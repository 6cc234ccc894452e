//! Records followed from the producer to the log and to a reader, put together from facts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Evidence, Fact, Value, paths};
use crate::{
    id::{NodeId, TopicPartition},
    view::{ClusterView, ConsumerView, GroupView, PartitionView, ProcessState},
};

/// Which records a question is about.
#[derive(Default)]
pub(super) struct Filter {
    pub topic: Option<Value>,
    pub key: Option<Value>,
    pub acks: Option<Value>,
}

impl Filter {
    fn takes(&self, fact: &Fact) -> bool {
        let fits = |wanted: &Option<Value>, field| wanted.as_ref().is_none_or(|value| fact.field(field) == *value);
        fits(&self.topic, "topic") && fits(&self.key, "key")
    }
}

/// Acknowledged records that the present leader of their partition does not have. (offset, epoch) names a record: two
/// logs that agree on it agree on everything before it (KIP-101). A partition without leader has lost nothing yet.
pub(super) fn lost(evidence: &Evidence, filter: &Filter) -> i64 {
    let mut lost = 0;
    for ack in evidence.facts.iter().filter(|f| f.name == "ProduceAck" && filter.takes(f)) {
        let any = Value::from("any");
        if filter.acks.as_ref().is_some_and(|acks| *acks != any && *acks != ack.field("acks")) {
            continue;
        }
        let (Some(first), Some(count)) = (ack.field("offset").as_int(), ack.field("records").as_int()) else {
            continue;
        };
        let (Value::Text(topic), Some(partition)) = (ack.field("topic"), ack.field("partition").as_int()) else {
            continue;
        };
        let Some(p) = paths::partition(&evidence.view, &topic, partition) else { continue };
        let Some(leader) = paths::replica(&evidence.view, &topic, partition, p.leader.into()) else { continue };
        if evidence.view.node(NodeId(p.leader)).is_some_and(|n| n.process == ProcessState::Down) {
            continue;
        }
        let epoch_at = |offset: i64| {
            let begun = leader.epochs.iter().filter(|(_, start)| *start <= offset);
            begun.map(|(epoch, _)| i64::from(*epoch)).next_back()
        };
        for offset in first.max(leader.log_start_offset)..first.saturating_add(count.clamp(0, 100_000)) {
            let replaced =
                ack.field("epoch").as_int().is_some_and(|epoch| epoch_at(offset).is_some_and(|e| e != epoch));
            lost += i64::from(offset >= leader.log_end_offset || replaced);
        }
    }
    lost
}

/// Records that a topic holds more than once: one key, value and producer twice in a partition. Whether idempotence was
/// missing is seen by it (KIP-98). A view shows the newest records of a log; older ones are not counted.
pub(super) fn dup(evidence: &Evidence, topic: &str) -> i64 {
    let of_topic = evidence.view.headline().into_iter().map(|h| h.partition).filter(|p| p.topic == topic);
    let in_partition = |p: PartitionView| {
        let leader = paths::replica(&evidence.view, &p.topic, p.partition.into(), p.leader.into());
        let mut seen = BTreeSet::new();
        let tail = leader.map(|leader| leader.tail.iter()).into_iter().flatten();
        tail.filter(|r| !seen.insert((&r.key, &r.value, r.producer_id))).count() as i64
    };
    of_topic.map(in_partition).sum()
}

/// Whether some reader got two records in another order than the one in which they were handed to the producers.
pub(super) fn order_inverted(evidence: &Evidence, filter: &Filter) -> bool {
    let sent = sending_order(evidence);
    let mut newest: BTreeMap<String, usize> = BTreeMap::new();
    for read in evidence.facts.iter().filter(|f| f.name == "Delivered" && filter.takes(f)) {
        let place = (read.field("topic").to_string(), read.field("partition").as_int(), read.field("offset").as_int());
        let Some(order) = sent.get(&place) else { continue };
        let newest = newest.entry(read.field("reader").to_string()).or_default();
        if order < newest {
            return true;
        }
        *newest = *order;
    }
    false
}

/// How many partitions got records of this key (or of any).
pub(super) fn distinct_partitions(evidence: &Evidence, filter: &Filter) -> i64 {
    let mut found: Vec<(String, Option<i64>)> = evidence
        .facts
        .iter()
        .filter(|f| f.name == "Produced" && filter.takes(f))
        .map(|f| (f.field("topic").to_string(), f.field("partition").as_int()))
        .collect();
    found.sort();
    found.dedup();
    found.len() as i64
}

/// Records that applications of the group worked off more than once since the evidence began: after a crash the next one
/// begins at the committed offset.
pub(super) fn redelivered(view: &ClusterView, group: &str, evidence: &Evidence) -> i64 {
    let again = |fact: &&Fact| fact.name == "Processed" && fact.at <= view.at && fact.field("times") == Value::Int(2);
    evidence.facts.iter().filter(again).filter(|fact| fact.field("group") == Value::from(group)).count() as i64
}

/// Records that the group was given since the evidence began, has committed, and that no application of it has worked off:
/// nobody will. Applications that take no time over a record are done with it at once, and tell nothing of that.
pub(super) fn skipped(view: &ClusterView, group: &GroupView, evidence: &Evidence) -> i64 {
    let ours = |fact: &&Fact| fact.field("group") == Value::from(group.id.as_str());
    let place = |fact: &Fact| {
        (fact.field("topic").to_string(), fact.field("partition").as_int(), fact.field("offset").as_int())
    };
    let named = |name| evidence.facts.iter().filter(move |fact| fact.name == name && fact.at <= view.at);
    // Who still runs comes to what it was given.
    let will_be_done = |given: &Fact| {
        let reader = given.field("reader");
        let is = |c: &&ConsumerView| reader == Value::from(c.name.as_str());
        let at_work =
            view.consumers.iter().find(is).is_some_and(|c| c.process != ProcessState::Down && c.unprocessed > 0);
        at_work && !named("ConsumerStop").any(|stop| stop.event > given.event && stop.field("reader") == reader)
    };
    let mut missing: BTreeSet<Place> = BTreeSet::new();
    let mut fine: BTreeSet<Place> = named("Processed").filter(ours).map(place).collect();
    for given in named("Delivered").filter(ours).filter(|fact| fact.field("processing_ms").as_int() > Some(0)) {
        let kept = if will_be_done(given) { &mut fine } else { &mut missing };
        kept.insert(place(given));
    }
    let committed = |place: &&Place| {
        let of = |(p, _): &&(TopicPartition, i64)| p.topic == place.0 && Some(i64::from(p.partition)) == place.1;
        group.committed.iter().find(of).is_some_and(|&(_, next)| place.2 < Some(next))
    };
    missing.difference(&fine).filter(committed).count() as i64
}

type Place = (String, Option<i64>, Option<i64>);

/// Where each record ended up, and as which of all that were sent. A producer's records of a partition are acknowledged
/// in the order in which it got them.
fn sending_order(evidence: &Evidence) -> BTreeMap<Place, usize> {
    let mut waiting: BTreeMap<(String, String, Option<i64>), VecDeque<usize>> = BTreeMap::new();
    let mut sent = BTreeMap::new();
    let mut count = 0;
    for fact in &evidence.facts {
        let of =
            || (fact.field("producer").to_string(), fact.field("topic").to_string(), fact.field("partition").as_int());
        match fact.name {
            "Produced" => {
                count += 1;
                waiting.entry(of()).or_default().push_back(count);
            }
            "ProduceAck" => {
                let (producer, topic, partition) = of();
                let queue = waiting.entry((producer, topic.clone(), partition)).or_default();
                let first = fact.field("offset").as_int().unwrap_or(-1);
                for i in 0..fact.field("records").as_int().unwrap_or_default() {
                    let Some(order) = queue.pop_front() else { break };
                    sent.insert((topic.clone(), partition, Some(first + i)), order);
                }
            }
            _ => {}
        }
    }
    sent
}
