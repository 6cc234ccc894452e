//! A simulated node: its process, if one runs, and what outlives it: the disk and the numbering of its events.

use std::collections::{BTreeMap, VecDeque};

use super::{network::ConnKey, process::Role};
use crate::{
    disk::MemDisk,
    id::{ConnId, EventId, NodeId},
    program::Process,
    recording::Recorder,
    seam::{Input, Outbox, Time},
    view::{ConsumerView, NodeView, ProcessState, ProducerView},
};

#[derive(Clone)]
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) role: Role,
    pub(super) state: ProcessState,
    pub(super) process: Option<Process>,
    /// The process accepts connections.
    pub(super) listening: bool,
    /// Writes down what the process does, when the world is recorded.
    pub(super) recorder: Option<Box<Recorder>>,
    pub(super) disk: MemDisk,
    pub(super) out: Outbox,
    /// Counts starts; answers to the syncs and jobs of an earlier process find nobody.
    pub(super) incarnation: u32,
    /// The earliest wake in the world's queue.
    pub(super) wake_at: Option<Time>,
    /// Wakes at one instant, to notice a machine that asks for the past for ever.
    pub(super) idle_wakes: u32,
    /// What happened while it was paused.
    pub(super) parked: VecDeque<Input>,
    pub(super) conns: BTreeMap<ConnId, ConnKey>,
    /// Numbers the events that the world records in this node's name.
    world_events: u64,
    /// What ended or paused it.
    pub(super) ended_by: Option<EventId>,
    pub(super) last_view: LastView,
}

/// What the node last believed, kept when it dies or pauses.
#[derive(Clone, Default)]
pub(super) struct LastView {
    pub(super) node: Option<Box<NodeView>>,
    pub(super) producer: Option<ProducerView>,
    pub(super) consumer: Option<ConsumerView>,
}

impl Node {
    pub(super) fn new(id: NodeId, role: Role, tracing: bool) -> Self {
        Self {
            id,
            role,
            state: ProcessState::Down,
            process: None,
            listening: false,
            recorder: None,
            disk: MemDisk::new(),
            out: Outbox::new(id, 0, tracing),
            incarnation: 0,
            wake_at: None,
            idle_wakes: 0,
            parked: VecDeque::new(),
            conns: BTreeMap::new(),
            world_events: 2 << 36,
            ended_by: None,
            last_view: LastView::default(),
        }
    }

    pub(super) fn next_world_event(&mut self) -> EventId {
        self.world_events += 1;
        EventId::new(self.id, self.world_events)
    }

    /// Whether inputs reach it now.
    pub(super) fn runs(&self) -> bool {
        self.process.is_some() && self.state != ProcessState::Paused
    }
}
