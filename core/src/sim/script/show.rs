//! What a script prints of a cluster: views, logs, and what became of records.

use std::{collections::BTreeMap, fmt::Write as _};

use super::parse_partition;
use crate::{
    id::{NodeId, TopicPartition},
    sim::World,
    trace::EventKind,
    view::{ClusterView, ProcessState, RecordView, ReplicaView},
};

fn ids(ids: &[NodeId]) -> String {
    ids.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ")
}

pub(super) fn view(view: &ClusterView, what: &str, out: &mut String) -> Result<(), String> {
    let mut line = |text: String| writeln!(out, "{}", text.trim_end()).expect("text grows");
    match what {
        "partitions" => {
            for h in view.headline() {
                let p = &h.partition;
                let elr = if p.elr.is_empty() { String::new() } else { format!(", ELR {}", ids(&p.elr)) };
                let moving = |what: &str, of: &[NodeId]| match of {
                    [] => String::new(),
                    of => format!(", {what} {}", ids(of)),
                };
                let moving = moving("adding", &p.adding) + &moving("removing", &p.removing);
                let name = format!("{}-{}", p.topic, p.partition);
                let (hw, end) = (h.high_watermark, h.log_end_offset);
                line(format!(
                    "{name}  leader {} epoch {}, ISR {} of {}{moving}{elr}, high watermark {hw}, log end {end}",
                    p.leader,
                    p.leader_epoch,
                    ids(&p.isr),
                    ids(&p.replicas)
                ));
            }
        }
        "brokers" => {
            for node in view.nodes.iter().filter(|n| n.broker.is_some()) {
                let b = node.broker.as_ref().expect("filtered");
                let fenced = if b.fenced { ", fenced" } else { "" };
                line(format!("{}  {:?}{fenced}", node.id, node.process).to_lowercase());
                for r in &b.replicas {
                    let role = if r.is_leader { "leads" } else { "follows" };
                    let (name, leader, epoch) = (format!("{}-{}", r.topic, r.partition), r.leader, r.leader_epoch);
                    let (hw, end) = (r.high_watermark, r.log_end_offset);
                    line(format!(
                        "   {name} {role} (leader {leader}, epoch {epoch}): high watermark {hw}, log end {end}"
                    ));
                }
            }
        }
        "quorum" => {
            for node in view.nodes.iter().filter(|n| n.controller.is_some()) {
                let c = node.controller.as_ref().expect("filtered");
                let leader = c.leader.map_or("nobody".into(), |l| l.to_string());
                let state = format!("{:?}", node.process).to_lowercase();
                line(format!("{}  {state}, {} in epoch {}, leader {leader}", node.id, c.role, c.epoch));
            }
        }
        "producers" => {
            for p in &view.producers {
                let error = p.last_error.as_ref().map(|e| format!(", last error {e}")).unwrap_or_default();
                line(format!(
                    "{}  acked {}, waiting {}, retries {}, failed {}, id {} epoch {}{error}",
                    p.name, p.acked, p.waiting, p.retries, p.failed, p.producer_id, p.producer_epoch
                ));
            }
        }
        "consumers" => {
            for c in &view.consumers {
                let at = c.positions.iter().map(|p| format!("{}-{} at {}", p.topic, p.partition, p.position));
                let work = match &c.working_on {
                    Some((partition, offset)) => {
                        format!("; {} to process, now offset {offset} of {partition}", c.unprocessed)
                    }
                    None => String::new(),
                };
                let error = c.last_error.as_ref().filter(|_| c.process == ProcessState::Down);
                let error = error.map(|e| format!("; ended: {e}")).unwrap_or_default();
                line(format!("{}  read {}: {}{work}{error}", c.name, c.read, at.collect::<Vec<_>>().join(", ")));
            }
        }
        "groups" => {
            for g in view.groups() {
                let (id, state, generation, lag) = (&g.id, &g.state, g.generation, g.lag);
                line(format!("{id}  {state}, generation {generation}, coordinator {}, lag {lag}", g.coordinator));
                for m in &g.members {
                    let reads: Vec<_> = m.partitions.iter().map(|p| format!("{}-{}", p.topic, p.partition)).collect();
                    line(format!("   {} reads {}", m.client_id, reads.join(" ")));
                }
                let committed: Vec<_> = g.committed.iter().map(|(p, offset)| format!("{p} {offset}")).collect();
                line(format!("   committed {}", committed.join(", ")));
            }
        }
        "links" => {
            for l in &view.links {
                let way = if l.one_way { "one way" } else { "both ways" };
                let cut = if l.cut { format!("cut {way}") } else { format!("{} ms slower", l.extra_ms) };
                line(format!("{}-{} {cut}", l.a, l.b));
            }
        }
        _ => return Err(format!("there is no view of {what:?}")),
    }
    Ok(())
}

/// What became of the records of a topic in the hands of applications that take their time over them.
pub(super) fn processed(world: &World, topic: &str, out: &mut String) {
    let view = world.view();
    let groups = view.groups();
    for h in view.headline().iter().filter(|h| h.partition.topic == topic) {
        let name = TopicPartition::new(topic, h.partition.partition);
        let mut times: BTreeMap<i64, u32> = (0..h.log_end_offset).map(|offset| (offset, 0)).collect();
        for event in world.events_since(0) {
            if let EventKind::RecordProcessed { partition, offset } = &event.kind
                && *partition == name
            {
                *times.entry(*offset).or_default() += 1;
            }
        }
        let committed = groups.iter().flat_map(|g| &g.committed).filter(|(p, _)| *p == name).map(|(_, offset)| *offset);
        let committed = committed.max().unwrap_or(0);
        let list = |wanted: &dyn Fn(i64, u32) -> bool| {
            let offsets: Vec<_> =
                times.iter().filter(|&(&o, &n)| wanted(o, n)).map(|(offset, _)| offset.to_string()).collect();
            if offsets.is_empty() { "none".into() } else { offsets.join(" ") }
        };
        let once = times.values().filter(|&&n| n > 0).count();
        let (twice, never) = (list(&|_, n| n > 1), list(&|offset, n| n == 0 && offset < committed));
        writeln!(out, "{name}  {once} processed, more than once: {twice}, committed and never: {never}")
            .expect("text grows");
    }
}

pub(super) fn log(view: &ClusterView, partition: &str, out: &mut String) -> Result<(), String> {
    let partition = parse_partition(partition)?;
    let record = |r: &RecordView| {
        let key = r.key.as_ref().map(|k| format!("{k}=")).unwrap_or_default();
        format!("{}:e{} {key}{}", r.offset, r.epoch, r.value)
    };
    let records = |records: &[RecordView]| records.iter().map(record).collect::<Vec<_>>().join(", ");
    for node in &view.nodes {
        let replicas: &[ReplicaView] = node.broker.as_ref().map_or(&[], |b| &b.replicas);
        let found = replicas.iter().find(|r| r.topic == partition.topic && r.partition == partition.partition);
        if let Some(r) = found {
            let state = format!("{:?}", node.process).to_lowercase();
            writeln!(out, "{} ({state})  {}", node.id, records(&r.tail)).expect("text grows");
            if !r.cut.is_empty() {
                writeln!(out, "   cut off: {}", records(&r.cut)).expect("text grows");
            }
        }
    }
    Ok(())
}
