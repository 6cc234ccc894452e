//! Where views and events come from, and where actions go. The only folder that names the simulator or the socket.

mod bench;
mod live;
mod sim;

use bytes::Bytes;
use lab_core::{
    goal::Evidence,
    id::EventId,
    seam::Time,
    trace::Event,
    view::{Action, ClusterView},
};

pub use bench::{Run, bench};
pub use lab_core::sim::compare::{Comparison, Side};
use lab_lessons::{Lesson, Template, Variables, quiz::Question, stand_in};

pub use live::{Live, LiveState};
pub use sim::Sim;

/// A cluster that can be watched and acted upon.
pub enum Backend {
    /// Simulated in this page.
    Sim(Box<Sim>),
    /// Real processes behind a WebSocket.
    Live(Live),
}

/// What not every backend can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    Rewind,
    Fork,
    Share,
    Bytes,
    /// Stopping, killing and cutting off its processes.
    Faults,
}

/// The simulated cluster that a question about real processes was asked of.
#[derive(Clone, Debug, PartialEq)]
pub struct Instead {
    /// Which it is, and what is not as on the real one.
    pub says: String,
    /// Address of the page on which the answer happens.
    pub link: String,
}

/// Which event a step goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Next,
    Previous,
    NextInteresting,
    PreviousInteresting,
}

/// One line of history, to be named and switched to.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    pub name: String,
    pub current: bool,
    /// Number of the branch it left, and when.
    pub parent: Option<(usize, Time)>,
    pub head: Time,
}

impl Backend {
    /// `None` if it can; else the reason, to be shown where the control would be.
    pub fn cannot(&self, ability: Ability) -> Option<String> {
        match self {
            Self::Sim(_) => None,
            Self::Live(live) => live.cannot(ability),
        }
    }

    pub fn view(&self) -> ClusterView {
        match self {
            Self::Sim(sim) => sim.view(),
            Self::Live(live) => live.view(),
        }
    }

    /// The instant that [`Self::view`] shows.
    pub fn now(&self) -> Time {
        match self {
            Self::Sim(sim) => sim.now(),
            Self::Live(live) => live.now(),
        }
    }

    /// Where history begins to be worth watching: the cluster is up.
    pub fn opens_at(&self) -> Time {
        match self {
            Self::Sim(sim) => sim.opens_at(),
            Self::Live(_) => Time::ZERO,
        }
    }

    /// How far history has been recorded.
    pub fn head(&self) -> Time {
        match self {
            Self::Sim(sim) => sim.head(),
            Self::Live(live) => live.now(),
        }
    }

    /// Number of events up to [`Self::now`].
    pub fn event_count(&self) -> usize {
        match self {
            Self::Sim(sim) => sim.event_count(),
            Self::Live(live) => live.event_count(),
        }
    }

    /// Events from number `index` on, oldest first, as far as they are still kept.
    pub fn events_since(&self, index: usize) -> Vec<Event> {
        match self {
            Self::Sim(sim) => sim.events_since(index),
            Self::Live(live) => live.events_since(index),
        }
    }

    pub fn event(&self, id: EventId) -> Option<Event> {
        match self {
            Self::Sim(sim) => sim.event(id),
            Self::Live(live) => live.event(id),
        }
    }

    /// The bytes of the frame that this `Sent` event sent.
    pub fn frame(&self, id: EventId) -> Option<Bytes> {
        match self {
            Self::Sim(sim) => sim.frame(id),
            Self::Live(live) => live.frame(id),
        }
    }

    /// A question computed in a copy of the world. A real cluster has no copy: another stands in for it, and is named.
    pub fn ask(
        &self,
        lesson: &Lesson,
        template: &Template,
        facts: &Variables,
        before: &Evidence,
        seed: u64,
    ) -> Result<(Question, Option<Instead>), String> {
        match self {
            Self::Sim(sim) => Ok((sim.ask(lesson, template, facts, before, seed)?, None)),
            Self::Live(_) => {
                let found = stand_in(lesson, template, facts)?;
                let (facts, before) = (found.progress.variables(lesson), &found.progress.evidence);
                let question = Sim::session(&found.session)?.ask(lesson, template, &facts, before, seed)?;
                let link = format!("#s={}", found.answer(&question).to_link());
                Ok((question, Some(Instead { says: found.says(template), link })))
            }
        }
    }

    /// The simulator answers at once; a real cluster answers later, through its state.
    pub fn act(&mut self, action: &Action) -> Result<(), String> {
        match self {
            Self::Sim(sim) => sim.act(action),
            Self::Live(live) => live.act(action),
        }
    }

    /// Plays on to `to`. A real cluster plays by itself.
    pub fn run_until(&mut self, to: Time) {
        if let Self::Sim(sim) = self {
            sim.run_until(to);
        }
    }

    pub fn seek(&mut self, to: Time) {
        if let Self::Sim(sim) = self {
            sim.seek(to);
        }
    }

    /// The event it came to, if there was one.
    pub fn step(&mut self, step: Step, background: bool) -> Option<Event> {
        match self {
            Self::Sim(sim) => sim.step(step, background),
            Self::Live(_) => None,
        }
    }

    /// When the next frame that people see arrives, and when it left.
    pub fn flight(&self, background: bool) -> Option<(Time, Time)> {
        match self {
            Self::Sim(sim) => sim.flight(background),
            Self::Live(_) => None,
        }
    }

    pub fn branches(&self) -> Vec<Branch> {
        match self {
            Self::Sim(sim) => sim.branches(),
            Self::Live(_) => Vec::new(),
        }
    }

    pub fn fork(&mut self) -> Result<(), String> {
        match self {
            Self::Sim(sim) => sim.fork(),
            Self::Live(live) => Err(live.cannot(Ability::Fork).unwrap_or_default()),
        }
    }

    pub fn switch(&mut self, branch: usize) -> Result<(), String> {
        match self {
            Self::Sim(sim) => sim.switch(branch),
            Self::Live(live) => Err(live.cannot(Ability::Fork).unwrap_or_default()),
        }
    }

    /// What differs between two branches.
    pub fn compare(&self, left: usize, right: usize) -> Result<Comparison, String> {
        match self {
            Self::Sim(sim) => sim.compare(left, right),
            Self::Live(live) => Err(live.cannot(Ability::Fork).unwrap_or_default()),
        }
    }

    /// The fragment of an address that shows this again.
    pub fn share(&self) -> Result<String, String> {
        match self {
            Self::Sim(sim) => Ok(format!("s={}", sim.link())),
            Self::Live(live) => Err(live.cannot(Ability::Share).unwrap_or_default()),
        }
    }

    /// Seed of a simulated world.
    pub fn seed(&self) -> Option<u64> {
        match self {
            Self::Sim(sim) => Some(sim.seed()),
            Self::Live(_) => None,
        }
    }

    pub fn live(&self) -> Option<LiveState> {
        match self {
            Self::Sim(_) => None,
            Self::Live(live) => Some(live.state()),
        }
    }
}
