//! Time travel: keyframes of the world and replay between them. Acting in the past forks, and both branches stay.

use super::{Session, World};
use crate::{
    id::EventId,
    seam::Time,
    trace::{Event, FrameFacts},
    view::Action,
};
use bytes::Bytes;

/// One line of history. Branch 0 is the first; another began where somebody acted in the past.
#[derive(Clone, Debug)]
pub struct Branch {
    /// The branch it left, and when.
    pub parent: Option<(usize, Time)>,
    pub actions: Vec<(Time, Action)>,
    /// How far it has been played.
    pub head: Time,
}

/// A world that can be rewound.
#[derive(Clone)]
pub struct Timeline {
    world: World,
    branches: Vec<Branch>,
    current: usize,
}

impl Timeline {
    /// Opens a session and plays it to its cursor (or to where its scenario has something to show, if that is later
    /// and the session is new).
    pub fn new(session: &Session) -> Result<Self, String> {
        let world = World::from_session(session)?;
        let branch = Branch { parent: None, actions: session.actions.clone(), head: world.now() };
        Ok(Self { world, branches: vec![branch], current: 0 })
    }

    /// The world at the cursor.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The cursor.
    pub fn now(&self) -> Time {
        self.world.now()
    }

    /// How far the current branch has been played: the right end of the slider.
    pub fn head(&self) -> Time {
        self.branches[self.current].head
    }

    /// Moves the cursor anywhere, also beyond the head. Exact: the same time always shows the same state.
    pub fn seek(&mut self, _to: Time) {
        unimplemented!("lands next")
    }

    /// Plays on towards `to` but handles at most `max_steps` steps, for a frame's budget. True when `to` was reached.
    pub fn play(&mut self, _to: Time, _max_steps: usize) -> bool {
        unimplemented!("lands next")
    }

    /// Does `action` at the cursor. In the past of the branch this forks: a new branch becomes current.
    pub fn act(&mut self, _action: &Action) -> Result<(), String> {
        unimplemented!("lands next")
    }

    /// Moves to the next event for which `wanted` holds (see [`super::visible`], [`super::interesting`]), playing on
    /// for at most `limit_ms` of simulated time. `None`: there was none, and the cursor is where it was.
    pub fn next_event(&mut self, _wanted: fn(&Event) -> bool, _limit_ms: u64) -> Option<Event> {
        unimplemented!("lands next")
    }

    /// Moves back to the newest event before the cursor for which `wanted` holds.
    pub fn previous_event(&mut self, _wanted: fn(&Event) -> bool) -> Option<Event> {
        unimplemented!("lands next")
    }

    /// Facts and bytes of a frame, rebuilt by replay when they have been forgotten.
    pub fn frame(&self, _event: EventId) -> Option<(FrameFacts, Bytes)> {
        unimplemented!("lands next")
    }

    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    pub fn current_branch(&self) -> usize {
        self.current
    }

    /// Makes another branch current, the cursor at `at` (at most its head).
    pub fn switch(&mut self, _branch: usize, _at: Time) -> Result<(), String> {
        unimplemented!("lands next")
    }

    /// The current branch as a session, the cursor where it is.
    pub fn session(&self) -> Session {
        unimplemented!("lands next")
    }
}
