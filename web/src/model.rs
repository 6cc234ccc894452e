//! What is drawn of a view: small values that compare equal when nothing visible changed, so that nothing is redrawn.

mod api;
pub mod group;
mod strip;

use lab_core::{
    id::{NodeId, TopicPartition},
    trace::node_name,
    view::{BrokerView, ClusterView, ConsumerView, Headline, NodeView, PartitionView, ProcessState, ReplicaView},
};

pub use self::{
    api::{Family, api_mark},
    strip::{Pin, Role, Strip, strip},
};

/// Which sign a broker's card carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Alive,
    Fenced,
    Paused,
    Stopping,
    Down,
}

impl Condition {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Fenced => "fenced",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Down => "down",
        }
    }
}

pub fn condition(view: &ClusterView, node: &NodeView) -> Condition {
    match node.process {
        ProcessState::Down => Condition::Down,
        ProcessState::Paused => Condition::Paused,
        ProcessState::Stopping => Condition::Stopping,
        ProcessState::Alive if fenced(view, node.id) => Condition::Fenced,
        ProcessState::Alive => Condition::Alive,
    }
}

/// The active controller holds this broker for gone.
pub fn fenced(view: &ClusterView, broker: NodeId) -> bool {
    let active = view.active_controller().and_then(|n| n.controller.as_ref()?.active.as_ref());
    active.is_some_and(|active| active.brokers.iter().any(|b| b.id == broker && b.fenced))
}

/// When the session of a silent broker ends, and how long it has been silent: milliseconds.
pub fn countdown(view: &ClusterView, broker: NodeId) -> Option<(u64, u64, u64)> {
    let active = view.active_controller().and_then(|n| n.controller.as_ref()?.active.as_ref())?;
    let registration = active.brokers.iter().find(|b| b.id == broker && !b.fenced)?;
    let session = registration.session_ends.ms_since(registration.last_heartbeat);
    (session > 0)
        .then(|| (registration.session_ends.ms_since(view.at), view.at.ms_since(registration.last_heartbeat), session))
}

pub fn brokers(view: &ClusterView) -> impl Iterator<Item = (&NodeView, &BrokerView)> {
    view.nodes.iter().filter_map(|node| Some((node, node.broker.as_ref()?)))
}

pub fn controllers(view: &ClusterView) -> impl Iterator<Item = &NodeView> {
    view.nodes.iter().filter(|node| node.controller.is_some())
}

pub fn name_of(partition: &PartitionView) -> TopicPartition {
    TopicPartition::new(partition.topic.clone(), partition.partition)
}

pub fn replica<'a>(broker: &'a BrokerView, partition: &TopicPartition) -> Option<&'a ReplicaView> {
    broker.replicas.iter().find(|r| r.topic == partition.topic && r.partition == partition.partition)
}

/// Partitions in large letters; when no controller is active, the last thing the brokers themselves believe.
pub fn headlines(view: &ClusterView) -> Vec<Headline> {
    let mut headlines = view.headline();
    if headlines.is_empty() {
        headlines = believed(view);
    }
    // Kafka's own topics come after what people made.
    headlines.sort_by_key(|h| is_internal(&h.partition));
    headlines
}

/// `__consumer_offsets` and its like.
pub fn is_internal(partition: &PartitionView) -> bool {
    partition.topic.starts_with("__")
}

fn believed(view: &ClusterView) -> Vec<Headline> {
    let mut found: Vec<Headline> = Vec::new();
    for (node, broker) in brokers(view) {
        for r in &broker.replicas {
            let known = found.iter().position(|h| h.partition.topic == r.topic && h.partition.partition == r.partition);
            let at = known.unwrap_or_else(|| {
                let partition = PartitionView {
                    topic: r.topic.clone(),
                    partition: r.partition,
                    leader: -1,
                    leader_epoch: -1,
                    ..Default::default()
                };
                found.push(Headline { partition, high_watermark: -1, log_end_offset: -1 });
                found.len() - 1
            });
            let headline = &mut found[at];
            headline.partition.replicas.push(node.id);
            if r.is_leader && r.leader_epoch > headline.partition.leader_epoch {
                headline.partition.leader = node.id.0;
                headline.partition.leader_epoch = r.leader_epoch;
                headline.partition.isr = r.isr.clone();
                headline.high_watermark = r.high_watermark;
                headline.log_end_offset = r.log_end_offset;
            }
        }
    }
    found.sort_by(|a, b| (&a.partition.topic, a.partition.partition).cmp(&(&b.partition.topic, b.partition.partition)));
    found
}

/// Consumers that read on their own.
pub fn without_group(view: &ClusterView) -> Vec<ConsumerView> {
    let alone = |c: &&ConsumerView| c.group_id.is_none() && c.process != ProcessState::Down;
    view.consumers.iter().filter(alone).cloned().collect()
}

/// `ISR 2/3 ≥ min 2`
pub fn isr_words(p: &PartitionView) -> String {
    let (isr, all, min) = (p.isr.len(), p.replicas.len(), p.min_insync_replicas);
    if (isr as i32) < min { format!("UNDER MIN {isr}/{all} < {min}") } else { format!("ISR {isr}/{all} ≥ min {min}") }
}

pub fn list(nodes: &[NodeId], between: &str) -> String {
    nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

/// A number that whoever only asks is not told.
pub fn known(number: impl Into<i64>) -> String {
    let number = number.into();
    if number < 0 { "not told".into() } else { number.to_string() }
}

/// The description of the contract: `leader broker 1, epoch 3, in-sync 1 2 3, high watermark 41, log end 42`.
pub fn partition_words(h: &Headline) -> String {
    let leader = if h.partition.leader < 0 { "none".into() } else { format!("broker {}", h.partition.leader) };
    format!(
        "leader {leader}, epoch {}, in-sync {}, high watermark {}, log end {}",
        h.partition.leader_epoch,
        list(&h.partition.isr, " "),
        h.high_watermark,
        h.log_end_offset
    )
}

/// `alive, rack b, leads orders-0, follows orders-1 (in sync)`
pub fn broker_words(view: &ClusterView, node: &NodeView, headlines: &[Headline]) -> String {
    let condition = condition(view, node);
    let mut words = vec![condition.word().to_string()];
    if condition != Condition::Fenced && fenced(view, node.id) {
        words.push("fenced".into());
    }
    words.extend(node.rack.as_ref().map(|rack| format!("rack {rack}")));
    for h in headlines.iter().filter(|h| h.partition.replicas.contains(&node.id)) {
        let name = name_of(&h.partition);
        words.push(match () {
            () if h.partition.leader == node.id.0 => format!("leads {name}"),
            () if h.partition.isr.contains(&node.id) => format!("follows {name} (in sync)"),
            () => format!("holds {name} (out of sync)"),
        });
    }
    words.extend(group::coordinated_by(view, node.id).into_iter().map(|id| format!("coordinates group {id}")));
    words.join(", ")
}

/// The whole cluster in one paragraph.
pub fn describe(view: &ClusterView) -> String {
    let headlines = headlines(view);
    let brokers =
        brokers(view).map(|(node, _)| format!("{}: {}", node_name(node.id), broker_words(view, node, &headlines)));
    let partitions = headlines.iter().map(|h| format!("{}: {}", name_of(&h.partition), partition_words(h)));
    let all: Vec<String> = brokers.chain(partitions).collect();
    format!("{}. {}.", up_words(view), all.join(". "))
}

/// `2 of 3 brokers up, 3 of 3 controllers`
pub fn up_words(view: &ClusterView) -> String {
    let up = |node: &&NodeView| node.process != ProcessState::Down;
    let (all_brokers, all_controllers) = (brokers(view).count(), controllers(view).count());
    let (brokers, controllers) =
        (brokers(view).map(|(n, _)| n).filter(up).count(), controllers(view).filter(up).count());
    format!("{brokers} of {all_brokers} brokers up, {controllers} of {all_controllers} controllers")
}
