//! The world: nodes, links, disks and time.

use bytes::Bytes;

use super::{History, Scenario, Session};
use crate::{
    id::{EventId, NodeId},
    seam::{Input, Now, Time},
    trace::{Event, FrameFacts},
    view::{Action, ClusterView},
};

/// One simulated cluster. `Clone` forks it; what is old is shared.
#[derive(Clone)]
pub struct World {
    scenario: Scenario,
    seed: u64,
    now: Time,
    events: History<Event>,
}

impl World {
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        Self { scenario, seed, now: Time::ZERO, events: History::new(50_000) }
    }

    /// A world at the session's cursor, its actions done.
    pub fn from_session(session: &Session) -> Result<Self, String> {
        Ok(Self::new(Scenario::parse(&session.scenario)?, session.seed))
    }

    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn now(&self) -> Time {
        self.now
    }

    /// Handles the next thing that happens. False: nothing ever will.
    pub fn step(&mut self) -> bool {
        unimplemented!("lands next")
    }

    /// Everything up to and including `to` happens.
    pub fn run_until(&mut self, _to: Time) {
        unimplemented!("lands next")
    }

    pub fn run_for(&mut self, ms: u64) {
        self.run_until(self.now.plus_ms(ms));
    }

    /// Runs until an event for which `wanted` holds, and all else of that instant, or until `limit`.
    pub fn run_until_event(&mut self, _wanted: impl FnMut(&Event) -> bool, _limit: Time) -> Option<Event> {
        unimplemented!("lands next")
    }

    /// Does what a person may do, after everything of this instant has happened. The error says why it cannot be done.
    pub fn act(&mut self, _action: &Action) -> Result<(), String> {
        unimplemented!("lands next")
    }

    /// Actions done so far and when.
    pub fn actions(&self) -> &[(Time, Action)] {
        unimplemented!("lands next")
    }

    pub fn view(&self) -> ClusterView {
        unimplemented!("lands next")
    }

    /// The newest 50,000 events, numbered from the beginning of the world.
    pub fn events(&self) -> &History<Event> {
        &self.events
    }

    /// Events from number `index` on.
    pub fn events_since(&self, index: usize) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.since(index)
    }

    pub fn event(&self, _id: EventId) -> Option<&Event> {
        unimplemented!("lands next")
    }

    /// Facts and bytes of a recently sent frame, by its `Sent` event.
    pub fn frame(&self, _event: EventId) -> Option<(FrameFacts, Bytes)> {
        unimplemented!("lands next")
    }

    /// Folds everything that machines were told and asked for since the beginning. Traces are left out.
    pub fn hash(&self) -> u64 {
        unimplemented!("lands next")
    }

    /// Whether events are recorded. Off, a run is several times faster; its hash is the same.
    pub fn set_tracing(&mut self, _tracing: bool) {
        unimplemented!("lands next")
    }

    /// From now on keeps every input, for [`Self::recorded`].
    pub fn record(&mut self) {
        unimplemented!("lands next")
    }

    pub fn recorded(&self) -> &[(Now, NodeId, Input)] {
        unimplemented!("lands next")
    }

    /// Promises that the checkers found broken. Empty, or there is a bug.
    pub fn violations(&self) -> &[String] {
        unimplemented!("lands next")
    }

    /// Frames delivered so far.
    pub fn frames_delivered(&self) -> u64 {
        unimplemented!("lands next")
    }
}
