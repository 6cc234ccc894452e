//! The cluster simulated in this page.

use bytes::Bytes;
use lab_core::{
    goal::Evidence,
    id::EventId,
    seam::Time,
    sim::{self, Session, timeline::Timeline},
    trace::{Event, EventKind},
    view::{Action, ClusterView},
};

use lab_lessons::{
    Lesson, Template, Variables,
    quiz::{self, Question},
};

use super::{Branch, Step};

/// How much simulated time a step may look ahead before it says that nothing comes.
const LOOK_AHEAD_MS: u64 = 30_000;
/// Steps handled in one go; a frame asks again, so the page stays responsive whatever happens in a millisecond.
const STEPS: usize = 20_000;

pub struct Sim {
    timeline: Timeline,
}

impl Sim {
    /// The world the page opens with.
    pub fn sandbox(seed: u64) -> Result<Self, String> {
        Self::scenario("sandbox", seed)
    }

    /// The beginning of a scenario, by its name.
    pub fn scenario(name: &str, seed: u64) -> Result<Self, String> {
        Self::session(&Session::new(name, seed))
    }

    /// Where a lesson begins.
    pub fn lesson(lesson: &Lesson) -> Result<Self, String> {
        Self::session(&Session { cursor: lesson.begins_at, ..Session::new(&lesson.scenario, lesson.seed) })
    }

    /// What was done in a session, at its cursor.
    pub fn session(session: &Session) -> Result<Self, String> {
        Ok(Self { timeline: Timeline::new(session)? })
    }

    /// Computes a question in a copy of the world.
    pub fn ask(
        &self,
        lesson: &Lesson,
        template: &Template,
        facts: &Variables,
        before: &Evidence,
        seed: u64,
    ) -> Result<Question, String> {
        quiz::ask(lesson, template, facts, before, self.timeline.world(), seed)
    }

    /// What a link says, or what is wrong with it.
    pub fn from_link(link: &str) -> Result<Self, String> {
        Self::session(&Session::from_link(link).map_err(|error| error.to_string())?)
    }

    pub fn link(&self) -> String {
        self.timeline.session().to_link()
    }

    pub fn seed(&self) -> u64 {
        self.timeline.world().seed()
    }

    pub fn view(&self) -> ClusterView {
        self.timeline.world().view()
    }

    pub fn now(&self) -> Time {
        self.timeline.now()
    }

    pub fn opens_at(&self) -> Time {
        self.timeline.world().scenario().opens_at
    }

    pub fn head(&self) -> Time {
        self.timeline.head()
    }

    pub fn event_count(&self) -> usize {
        self.timeline.world().events().len()
    }

    pub fn events_since(&self, index: usize) -> Vec<Event> {
        self.timeline.world().events_since(index).cloned().collect()
    }

    pub fn event(&self, id: EventId) -> Option<Event> {
        self.timeline.world().event(id).cloned()
    }

    pub fn frame(&self, id: EventId) -> Option<Bytes> {
        self.timeline.frame(id).map(|(_, bytes)| bytes)
    }

    pub fn act(&mut self, action: &Action) -> Result<(), String> {
        self.timeline.act(action)
    }

    pub fn run_until(&mut self, to: Time) {
        self.timeline.play(to, STEPS);
    }

    pub fn seek(&mut self, to: Time) {
        self.timeline.seek(to);
    }

    pub fn step(&mut self, step: Step, background: bool) -> Option<Event> {
        let wanted: fn(&Event) -> bool = if background { |_| true } else { sim::visible };
        match step {
            Step::Next => self.timeline.next_event(wanted, LOOK_AHEAD_MS),
            Step::Previous => self.timeline.previous_event(wanted),
            Step::NextInteresting => self.timeline.next_event(sim::interesting, LOOK_AHEAD_MS),
            Step::PreviousInteresting => self.timeline.previous_event(sim::interesting),
        }
    }

    pub fn flight(&self, background: bool) -> Option<(Time, Time)> {
        let now = self.now();
        let recent = |event: &&Event| event.at.plus_ms(5000) > now;
        let events = self.timeline.world().events();
        events
            .iter()
            .rev()
            .take(600)
            .take_while(recent)
            .filter_map(|event| match &event.kind {
                EventKind::Sent(frame) if frame.arrives_at > now && (background || !frame.background) => {
                    Some((event.at, frame.arrives_at))
                }
                _ => None,
            })
            .min_by_key(|(_, arrives)| *arrives)
    }

    pub fn branches(&self) -> Vec<Branch> {
        let current = self.timeline.current_branch();
        let name = |i: usize, b: &sim::timeline::Branch| match b.parent {
            None => "first run".to_string(),
            Some((_, at)) => {
                // Actions of the parent lie before the fork; the first one from there on is what made it another story.
                let own = b.actions.iter().find(|(done, _)| *done >= at).map(|(_, action)| said(action));
                let own: String = own.unwrap_or_else(|| "nothing done yet".into()).chars().take(28).collect();
                format!("fork {i}, {}.{:03} s: {own}", at.as_ms() / 1000, at.as_ms() % 1000)
            }
        };
        let branch = |(i, b): (usize, &sim::timeline::Branch)| Branch {
            name: name(i, b),
            current: i == current,
            parent: b.parent,
            head: b.head,
        };
        self.timeline.branches().iter().enumerate().map(branch).collect()
    }

    pub fn compare(&self, left: usize, right: usize) -> Result<sim::compare::Comparison, String> {
        sim::compare::compare(&self.timeline, left, right)
    }

    pub fn fork(&mut self) -> Result<(), String> {
        self.timeline.fork();
        Ok(())
    }

    pub fn switch(&mut self, branch: usize) -> Result<(), String> {
        let at = self.timeline.branches().get(branch).map_or(Time::ZERO, |b| b.head);
        self.timeline.switch(branch, at)
    }
}

/// An action in a few words: `kill 1`, `produce key you`.
fn said(action: &Action) -> String {
    match action {
        Action::Produce { key: Some(key), .. } => format!("produce key {key}"),
        Action::Produce { .. } => "produce".into(),
        other => sim::print_action(other).replace(':', " "),
    }
}
