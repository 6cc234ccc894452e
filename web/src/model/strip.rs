//! One replica's log as it is drawn: its ends, its epochs, and who reads in it.

use lab_core::{
    id::{NodeId, TopicPartition},
    view::{ClusterView, Headline, PositionView, ProcessState},
};

use super::{brokers, isr_words, name_of, replica};

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
