//! What is drawn of a view: small values that compare equal when nothing visible changed, so that nothing is redrawn.

pub mod group;

use lab_core::{
    id::{NodeId, TopicPartition},
    trace::node_name,
    view::{
        BrokerView, ClusterView, ConsumerView, Headline, NodeView, PartitionView, PositionView, ProcessState,
        ReplicaView,
    },
};

/// How a replica stands to its partition, according to the active controller and to the process that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Leader,
    InSync,
    Out,
}

/// One replica as a strip.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    pub broker: NodeId,
    pub partition: TopicPartition,
    pub role: Role,
    /// It led, and is down.
    pub was_leader: bool,
    /// The process is down: the strip shows what the disk holds.
    pub old: bool,
    pub log_start: i64,
    pub high_watermark: i64,
    pub log_end: i64,
    /// The newest end of any replica: all strips of a partition share this axis.
    pub axis_end: i64,
    pub epochs: Vec<(i32, i64)>,
    /// Cut lately: first and last offset.
    pub cut: Option<(i64, i64)>,
    /// Key of each record in the tail, with its offset. Only asked for where keys are drawn.
    pub keys: Vec<(i64, Option<String>)>,
    pub isr: String,
    /// Of the leader: who reads here.
    pub pins: Vec<Pin>,
}

/// Where readers stand in a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    /// Their letters.
    pub names: String,
    pub position: i64,
    /// -1: none.
    pub committed: i64,
}

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

/// The strip of one replica, or nothing if that broker holds none.
pub fn strip(view: &ClusterView, headline: &Headline, broker: NodeId, with_keys: bool) -> Option<Strip> {
    let partition = name_of(&headline.partition);
    let node = view.node(broker)?;
    let r = replica(node.broker.as_ref()?, &partition)?;
    let axis_end = brokers(view).filter_map(|(_, b)| replica(b, &partition)).map(|r| r.log_end_offset).max()?;
    let down = node.process == ProcessState::Down;
    let leads = headline.partition.leader == broker.0;
    let role = match () {
        () if leads && !down => Role::Leader,
        () if headline.partition.isr.contains(&broker) && !down => Role::InSync,
        () => Role::Out,
    };
    let keys = if with_keys { r.tail.iter().map(|x| (x.offset, x.key.clone())).collect() } else { Vec::new() };
    let p = &headline.partition;
    let isr = match role {
        Role::Leader => isr_words(p),
        Role::InSync => "in sync".into(),
        Role::Out if down && leads => "led until it died".into(),
        Role::Out if p.isr.contains(&broker) => "still in the ISR".into(),
        Role::Out => "out of ISR".into(),
    };
    Some(Strip {
        broker,
        role,
        was_leader: r.is_leader && role != Role::Leader,
        old: down,
        log_start: r.log_start_offset,
        high_watermark: r.high_watermark,
        log_end: r.log_end_offset,
        axis_end,
        epochs: r.epochs.clone(),
        cut: r.cut.first().zip(r.cut.last()).map(|(a, b)| (a.offset, b.offset)),
        keys,
        isr,
        pins: if role == Role::Leader { pins(view, &partition) } else { Vec::new() },
        partition,
    })
}

/// One pin for all that read the same offset next.
fn pins(view: &ClusterView, partition: &TopicPartition) -> Vec<Pin> {
    let mut pins: Vec<Pin> = Vec::new();
    for consumer in view.consumers.iter().filter(|c| c.process != ProcessState::Down) {
        let of = |p: &&PositionView| p.topic == partition.topic && p.partition == partition.partition;
        let Some(p) = consumer.positions.iter().find(of).filter(|p| p.position >= 0) else { continue };
        let letter: String = consumer.name.chars().take(1).collect();
        match pins.iter_mut().find(|pin| (pin.position, pin.committed) == (p.position, p.committed)) {
            Some(pin) => pin.names.push_str(&letter),
            None => pins.push(Pin { names: letter, position: p.position, committed: p.committed }),
        }
    }
    pins
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

/// The two letters of a request on its chip, and the shape of its family.
pub fn api_mark(api_key: i16) -> (&'static str, Family) {
    match api_key {
        0 => ("Pr", Family::Data),
        1 => ("Fe", Family::Data),
        2 => ("Of", Family::Data),
        3 => ("Me", Family::Data),
        8 => ("OC", Family::Group),
        9 => ("OF", Family::Group),
        10 => ("FC", Family::Group),
        11 => ("Jn", Family::Group),
        12 => ("Hb", Family::Group),
        13 => ("Lv", Family::Group),
        14 => ("Sy", Family::Group),
        18 => ("Av", Family::Data),
        19 => ("CT", Family::Quorum),
        20 => ("DT", Family::Quorum),
        22 => ("Id", Family::Data),
        23 => ("Ep", Family::Data),
        52 => ("Vo", Family::Quorum),
        53 => ("BQ", Family::Quorum),
        54 => ("EQ", Family::Quorum),
        55 => ("DQ", Family::Quorum),
        56 => ("AP", Family::Quorum),
        58 => ("En", Family::Quorum),
        59 => ("FS", Family::Quorum),
        62 => ("Re", Family::Quorum),
        63 => ("Hb", Family::Quorum),
        67 => ("PI", Family::Quorum),
        _ => ("··", Family::Data),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Data,
    Group,
    Quorum,
}
