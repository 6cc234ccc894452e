//! The events that people see, kept once: timeline, caption, event list and announcements are read from here.

use lab_core::{
    id::NodeId,
    seam::Time,
    trace::{Event, EventKind},
};

/// Older ones leave the timeline; the backend still knows them.
const KEPT: usize = 20_000;

/// A killed process is seen to end within this time.
const KILL_ENDS_MS: u64 = 1000;

/// Visible events of the current branch up to its head, oldest first.
#[derive(Default)]
pub struct Story {
    events: Vec<Event>,
    /// Number of the backend's events taken in, the hidden ones included.
    taken: usize,
    /// Changes whenever `events` does.
    pub version: u64,
}

impl Story {
    /// Number of the first event that has not been taken in.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Takes in what happened since, `count` being the number of all events up to now.
    pub fn extend(&mut self, new: Vec<Event>, count: usize, background: bool) {
        self.taken = count;
        let before = self.events.len();
        self.events.extend(new.into_iter().filter(|event| background || !event.kind.is_background()));
        let surplus = self.events.len().saturating_sub(KEPT);
        self.events.drain(..surplus);
        if self.events.len() != before || surplus > 0 {
            self.version += 1;
        }
    }

    /// Forgets all: another branch, or other events are wanted.
    pub fn clear(&mut self) {
        self.events.clear();
        self.taken = 0;
        self.version += 1;
    }

    pub fn all(&self) -> &[Event] {
        &self.events
    }

    /// Those up to and including `now`.
    pub fn until(&self, now: Time) -> &[Event] {
        &self.events[..self.events.partition_point(|event| event.at <= now)]
    }

    /// What made this node silent, if it still is: a kill rather than the end of the process that the kill brought about.
    pub fn befell(&self, node: NodeId, now: Time) -> Option<&Event> {
        let mut ended = None::<&Event>;
        for event in self.until(now).iter().rev().filter(|event| event.node == node) {
            match event.kind {
                EventKind::Stopped => ended = ended.or(Some(event)),
                EventKind::Killed | EventKind::PowerLost => {
                    return ended.filter(|ended| ended.at.ms_since(event.at) > KILL_ENDS_MS).or(Some(event));
                }
                EventKind::Paused if ended.is_none() => return Some(event),
                EventKind::Started | EventKind::Resumed => break,
                _ => {}
            }
        }
        ended
    }

    /// The newest thing worth a caption among those that are `shown`: what moved or changed, rather than the
    /// bookkeeping around it.
    pub fn caption(&self, now: Time, shown: impl Fn(&Event) -> bool) -> Option<&Event> {
        let told = |event: &&Event| {
            !matches!(event.kind, EventKind::FollowerCaughtUp { .. } | EventKind::RecordBuffered { .. }) && shown(event)
        };
        self.until(now).iter().rev().find(told)
    }
}
