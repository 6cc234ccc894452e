//! What has been seen of a cluster since a lesson began: the newest view, views that were given a name, and facts.
//!
//! Whoever watches a cluster feeds it: [`Evidence::observe`] after every stretch of time, [`Evidence::rewind`] when the
//! person goes back. It never looks at a cluster by itself, so a real one and a simulated one are the same to it.

use std::collections::BTreeMap;

use super::{Expr, Fact, Scope, Value, expr::Node, facts};
use crate::{
    id::{NodeId, TopicPartition},
    seam::Time,
    trace::Event,
    view::{ClusterView, ReplicaView},
};

/// What the person did beside the cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learner {
    /// Single steps through events.
    pub stepped: i64,
    /// For each question answered: the text of the answer, and whether it was right.
    pub answers: BTreeMap<String, (String, bool)>,
}

#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub(super) view: ClusterView,
    pub(super) marks: BTreeMap<String, ClusterView>,
    pub(super) facts: Vec<Fact>,
    pub learner: Learner,
    /// Events looked at so far, as numbered by the world.
    seen: u64,
    /// What `held` asks about: the expression by its place in memory of text, and when it changed.
    held: BTreeMap<String, (Expr, Vec<(Time, bool)>)>,
}

impl Evidence {
    /// Begins to watch: what was before `view` is not part of it. The view is the mark `start`.
    pub fn begin(view: &ClusterView) -> Self {
        let mut evidence = Self { view: view.clone(), seen: view.events, ..Self::default() };
        evidence.mark("start");
        evidence
    }

    /// Gives the present view a name for `was(name)`.
    pub fn mark(&mut self, name: &str) {
        self.marks.insert(name.into(), self.view.clone());
    }

    pub fn marked(&self, name: &str) -> bool {
        self.marks.contains_key(name)
    }

    /// Watches for how long the conditions of `held(...)` in this goal have been true.
    pub fn watch(&mut self, goal: &Expr) {
        goal.visit(&mut |expr| {
            if let Node::Call { on: None, name, args } = &expr.node
                && name == "held"
                && let Some(condition) = args.first()
            {
                self.held.entry(key(&condition.value)).or_insert_with(|| (condition.value.clone(), Vec::new()));
            }
        });
    }

    /// Time went on: `events` are those since the last call, beginning with number [`Self::seen`].
    pub fn observe<'a>(&mut self, view: &ClusterView, events: impl IntoIterator<Item = &'a Event>) {
        self.view = view.clone();
        for event in events {
            for (name, fields) in facts::of_event(event, self) {
                self.facts.push(Fact { event: self.seen, at: event.at, name, fields });
            }
            self.seen += 1;
        }
        let conditions: Vec<(String, Expr)> = self.held.iter().map(|(k, (e, _))| (k.clone(), e.clone())).collect();
        for (key, condition) in conditions {
            let holds = condition.eval(&Scope::new(self)).is_ok_and(|value| value.is_true());
            let (_, changes) = self.held.get_mut(&key).expect("its own key");
            if changes.last().map(|(_, held)| *held) != Some(holds) {
                changes.push((view.at, holds));
            }
        }
    }

    /// Number of the next event wanted.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The person went back in time: what came later has not happened. `events` is the number of events until then.
    pub fn rewind(&mut self, view: &ClusterView, events: u64) {
        self.facts.retain(|fact| fact.event < events);
        self.seen = self.seen.min(events);
        self.view = view.clone();
        self.marks.retain(|name, mark| name == "start" || mark.at <= view.at);
        for (_, changes) in self.held.values_mut() {
            changes.retain(|(at, _)| *at <= view.at);
        }
    }

    pub fn view(&self) -> &ClusterView {
        &self.view
    }

    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// For how long a watched condition has been true without a break, in milliseconds.
    pub(super) fn held_ms(&self, condition: &Expr) -> Option<u64> {
        let (_, changes) = self.held.get(&key(condition))?;
        let (since, holds) = changes.last()?;
        holds.then(|| self.view.at.ms_since(*since))
    }

    pub(super) fn acks_of(&self, producer: NodeId) -> Value {
        let found = self.view.producers.iter().find(|p| p.id == producer);
        found.map_or(Value::None, |p| p.acks.as_str().into())
    }

    /// The group of a reader.
    pub(super) fn group_of(&self, consumer: NodeId) -> Value {
        let found = self.view.consumers.iter().find(|c| c.id == consumer).and_then(|c| c.group_id.as_deref());
        found.map_or(Value::None, Value::from)
    }

    /// How long the application of a reader works on each record.
    pub(super) fn processing_ms(&self, consumer: NodeId) -> Value {
        let found = self.view.consumers.iter().find(|c| c.id == consumer);
        found.map_or(Value::None, |c| Value::Int(c.processing_ms as i64))
    }

    /// How often applications of this group have worked off a record. Without a group: applications without one.
    pub(super) fn processed(&self, group: &Value, partition: &TopicPartition, offset: i64) -> i64 {
        let same = |fact: &&Fact| {
            fact.name == "Processed"
                && fact.field("offset") == Value::Int(offset)
                && is(fact, partition)
                && fact.field("group") == *group
        };
        self.facts.iter().filter(same).count() as i64
    }

    /// Size of the in-sync set when the newest fact was seen.
    pub(super) fn isr_size(&self, partition: &TopicPartition) -> Value {
        let about =
            |fact: &&Fact| matches!(fact.name, "LeaderElected" | "IsrShrink" | "IsrExpand") && is(fact, partition);
        if let Some(fact) = self.facts.iter().rev().find(about) {
            return fact.field("size");
        }
        let start = self.marks.get("start").unwrap_or(&self.view);
        let headline = start.headline();
        let found = headline
            .iter()
            .find(|h| h.partition.topic == partition.topic && h.partition.partition == partition.partition);
        found.map_or(Value::None, |h| Value::Int(h.partition.isr.len() as i64))
    }

    /// The epoch in which the leader appended this offset, as far as that was seen.
    pub(super) fn appended_epoch(&self, partition: &TopicPartition, offset: i64) -> Value {
        let covers = |fact: &&Fact| {
            fact.name == "Appended"
                && is(fact, partition)
                && fact.field("leader").is_true()
                && fact.field("offset").as_int().is_some_and(|base| base <= offset)
                && fact.field("last").as_int().is_some_and(|last| last >= offset)
        };
        self.facts.iter().rev().find(covers).map_or(Value::None, |fact| fact.field("epoch"))
    }

    /// The key of a record that some replica still shows.
    pub(super) fn key_at(&self, partition: &TopicPartition, offset: i64) -> Value {
        let of = |r: &&ReplicaView| r.topic == partition.topic && r.partition == partition.partition;
        let replicas =
            self.view.nodes.iter().filter_map(|n| n.broker.as_ref()).flat_map(|b| b.replicas.iter().filter(of));
        let record = replicas.flat_map(|r| &r.tail).find(|record| record.offset == offset);
        record.and_then(|record| record.key.as_deref()).map_or(Value::None, Value::from)
    }
}

pub(super) fn is(fact: &Fact, partition: &TopicPartition) -> bool {
    fact.field("topic") == Value::from(partition.topic.as_str())
        && fact.field("partition") == Value::Int(partition.partition.into())
}

/// Two expressions that read the same are the same condition, wherever they stand.
fn key(expr: &Expr) -> String {
    let mut key = String::new();
    expr.visit(&mut |e| {
        let mut node = format!("{:?}", e.node);
        node.truncate(node.find("Expr").unwrap_or(node.len()));
        key.push_str(&node);
    });
    key
}
