//! The checkers, shown each step of each node, and what they found.

use super::World;
use crate::{
    id::EventId,
    program::Process,
    sim::{
        check::{Broken, Findings, Lost},
        network::NodeIndex,
    },
    trace::EventKind,
};

impl World {
    /// Hands the checkers what this node did. The results of clients are collected whether or not somebody checks.
    pub(super) fn check(&mut self, ix: NodeIndex) {
        let node = &mut self.nodes[ix];
        let Some(process) = &mut node.process else { return };
        let (deliveries, records) = (process.take_deliveries(), process.take_records());
        let Some(checks) = &mut self.checks else { return };
        let mut found = Findings::default();
        match process {
            Process::Controller(controller) => checks.controller(node.id, controller, &node.disk, &mut found),
            Process::Broker(broker) => checks.broker(node.id, broker, &node.disk, &mut found),
            Process::Producer(producer) => {
                let acks_all = producer.acks_all();
                deliveries.iter().for_each(|d| checks.delivered(node.id, d, acks_all, &mut found));
            }
            Process::Consumer(consumer) => {
                checks.consumer(node.id, consumer, &mut found);
                records.iter().for_each(|r| checks.read(r, &mut found));
            }
            Process::Admin(_) => {}
            #[cfg(test)]
            Process::Toy(_) => {}
        }
        self.tell(ix, None, found);
    }

    /// Makes events of what the checkers found at a node.
    pub(super) fn tell(&mut self, ix: NodeIndex, cause: Option<EventId>, found: Findings) {
        for Lost { partition, from, to, leader, leader_epoch } in found.lost {
            self.records_lost += (to - from) as u64;
            self.record_event(ix, cause, || EventKind::RecordsLost { partition, from, to, leader, leader_epoch });
        }
        for Broken { promise, detail } in found.broken {
            self.break_promise(ix, cause, promise, detail);
        }
    }

    /// Demands that the logs of all replicas are equal, and what was committed: for a cluster that is whole, in which
    /// nobody produces any more.
    pub fn check_converged(&mut self) {
        let Some(mut checks) = self.checks.take() else { return };
        for ix in 0..self.nodes.len() {
            let node = &self.nodes[ix];
            let mut found = Findings::default();
            if let Some(Process::Broker(broker)) = &node.process {
                checks.converged(node.id, broker, &node.disk, &mut found);
            }
            self.tell(ix, None, found);
        }
        self.checks = Some(checks);
    }

    /// Looks at everything that is cheap to look at only now and then: every leader has all that was acknowledged, and
    /// no request has waited for its answer for more than `limit_ms`.
    pub fn check_at_rest(&mut self, limit_ms: u64) {
        let Some(mut checks) = self.checks.take() else { return };
        let mut broken = Vec::new();
        for (ix, node) in self.nodes.iter().enumerate() {
            if let Some(Process::Broker(broker)) = &node.process {
                let mut found = Findings::default();
                checks.at_rest(node.id, broker, &node.disk, &mut found);
                broken.extend(found.broken.into_iter().map(|b| (ix, b.promise, b.detail)));
            }
        }
        self.checks = Some(checks);
        for conn in self.net.conns.values().filter(|c| c.ends.iter().all(|e| e.open && self.nodes[e.node].runs())) {
            let Some(oldest) = conn.facts.pending.front() else { continue };
            if self.now.ms_since(oldest.arrives_at) > limit_ms {
                let [from, to] = [0, 1].map(|i| self.nodes[conn.ends[i].node].id);
                let key = crate::wire::api::ApiKey::from_code(oldest.api_key).map_or("a request", |k| k.name());
                let detail = format!("{to} has not answered {key} of {from} since {} ms", oldest.arrives_at.as_ms());
                broken.push((conn.ends[1].node, "every request is answered once", detail));
            }
        }
        for (ix, promise, detail) in broken {
            self.break_promise(ix, None, promise, detail);
        }
    }

    /// Whether promises are checked after every step. On unless turned off, for speed.
    pub fn set_checking(&mut self, checking: bool) {
        if !checking {
            self.checks = None;
        } else if self.checks.is_none() {
            self.checks = Some(Box::default());
        }
    }

    /// Batches acknowledged to producers with acks=all, as far as they were counted.
    pub fn acknowledged(&self) -> usize {
        self.checks.as_ref().map_or(0, |checks| checks.acknowledged())
    }

    /// Committed records that unclean elections lost, with Kafka's leave.
    pub fn records_lost(&self) -> u64 {
        self.records_lost
    }

    pub(in crate::sim) fn break_promise(
        &mut self,
        ix: NodeIndex,
        cause: Option<EventId>,
        promise: &str,
        detail: String,
    ) {
        // A broken promise is found again and again; the first few tell all.
        if self.violations.len() < 20 {
            self.violations.push(format!("{promise}: {detail}"));
        }
        let promise = promise.to_string();
        self.record_event(ix, cause, || EventKind::PromiseBroken { promise, detail });
    }
}
