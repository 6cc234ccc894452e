//! The page's one handle on the cluster: components send it wishes, and it publishes a [`Snapshot`] to draw.

mod course;
mod interview;
mod open;
mod replay;
mod time;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use bytes::Bytes;
use lab_core::{
    id::EventId,
    seam::Time,
    trace::Event,
    view::{Action, ClusterView},
};
use lab_lessons::{Lesson, Progress};
use yew::Callback;

use course::Course;
pub use course::{Asked, CourseView};
use interview::Interview;
pub use interview::{InterviewView, Place};

pub use self::replay::replay;
use crate::{
    backend::{Ability, Backend, Branch, Comparison, LiveState},
    pace,
    story::Story,
};

/// Everything that is drawn at one instant.
#[derive(Clone, PartialEq)]
pub struct Snapshot {
    pub view: Rc<ClusterView>,
    pub now: Time,
    pub head: Time,
    /// Left end of the time line: the opening, or earlier once somebody stepped there.
    pub from: Time,
    pub playing: bool,
    pub speed: f64,
    pub background: bool,
    /// Compared by version, read through [`Lab::story`].
    pub story: u64,
    /// Visible events up to now and in all.
    pub position: (usize, usize),
    pub branches: Rc<Vec<Branch>>,
    pub seed: Option<u64>,
    pub live: Option<LiveState>,
    /// What cannot be rewound says why.
    pub no_rewind: Option<String>,
    /// Why its processes cannot be stopped or killed here.
    pub no_faults: Option<String>,
    /// Counts steps and seeks, so that listeners can tell them from playing.
    pub jumps: u64,
    /// The lesson that is taken.
    pub course: Option<Rc<CourseView>>,
    /// The interview that is held.
    pub interview: Option<Rc<InterviewView>>,
}

struct State {
    backend: Backend,
    playing: bool,
    speed: f64,
    background: bool,
    attention_until: Time,
    from: Time,
    story: Story,
    jumps: u64,
    course: Option<Course>,
    /// Its questions are asked through `course`.
    interview: Option<Interview>,
    /// A lesson on a real cluster, which has to come up first.
    to_come: Option<Lesson>,
}

impl State {
    /// Begins the lesson that was waited for, once the real cluster has what it is about.
    fn begin_live_lesson(&mut self) -> Result<(), String> {
        let Backend::Live(live) = &self.backend else { return Ok(()) };
        let Some(begun) = self.to_come.as_ref().and(live.lesson_begun()) else { return Ok(()) };
        let Some(lesson) = self.to_come.take() else { return Ok(()) };
        begun?;
        let view = self.backend.view();
        if view.headline().is_empty() && !lesson.facts.is_empty() || !Progress::begin(&lesson, &view).knows(&lesson) {
            // Not yet.
            self.to_come = Some(lesson);
            return Ok(());
        }
        self.course = Some(Course::new(lesson, &self.backend));
        Ok(())
    }
}

struct Inner {
    state: RefCell<State>,
    publish: RefCell<Callback<Rc<Snapshot>>>,
    /// Sentences for the person: refusals and results.
    say: RefCell<Callback<String>>,
    /// Set while a live message is handled, to publish once.
    pending: Cell<bool>,
}

#[derive(Clone)]
pub struct Lab(Rc<Inner>);

impl PartialEq for Lab {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// The time line begins this long before the opening, so that what is done at once can be rewound.
const BEFORE_US: u64 = 1_000_000;

impl Lab {
    fn new(backend: Backend) -> Self {
        let state = State {
            from: opening(&backend),
            backend,
            playing: false,
            speed: 1.0,
            background: false,
            attention_until: Time::ZERO,
            story: Story::default(),
            jumps: 0,
            course: None,
            interview: None,
            to_come: None,
        };
        Self(Rc::new(Inner {
            state: RefCell::new(state),
            publish: RefCell::default(),
            say: RefCell::default(),
            pending: Cell::new(false),
        }))
    }

    pub fn listen(&self, publish: Callback<Rc<Snapshot>>, say: Callback<String>) {
        *self.0.publish.borrow_mut() = publish;
        *self.0.say.borrow_mut() = say;
    }

    pub fn say(&self, text: impl Into<String>) {
        let say = self.0.say.borrow().clone();
        say.emit(text.into());
    }

    pub fn snapshot(&self) -> Rc<Snapshot> {
        let state = &mut *self.0.state.borrow_mut();
        let count = state.backend.event_count();
        let taken = state.story.taken();
        if count > taken {
            let new = state.backend.events_since(taken);
            state.story.extend(new, count, state.background);
        }
        let now = state.backend.now();
        state.from = state.from.min(now);
        let view = Rc::new(state.backend.view());
        if let Some(course) = &mut state.course {
            course.observe(&state.backend, &view);
        }
        let interview = state.interview.as_ref().map(|interview| Rc::new(interview.view(state.course.as_ref())));
        let course = state.course.as_ref().filter(|_| interview.is_none()).map(|course| Rc::new(course.view()));
        Rc::new(Snapshot {
            view,
            now,
            head: state.backend.head().max(now),
            from: state.from,
            playing: state.playing,
            speed: state.speed,
            background: state.background,
            story: state.story.version,
            position: (state.story.until(now).len(), state.story.all().len()),
            branches: Rc::new(state.backend.branches()),
            seed: state.backend.seed(),
            live: state.backend.live(),
            no_rewind: state.backend.cannot(Ability::Rewind),
            no_faults: state.backend.cannot(Ability::Faults),
            jumps: state.jumps,
            course,
            interview,
        })
    }

    fn publish(&self) {
        let snapshot = self.snapshot();
        let publish = self.0.publish.borrow().clone();
        publish.emit(snapshot);
    }

    /// Changes the state, then publishes what came of it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.0.state.borrow_mut());
        self.publish();
        result
    }

    // Reading.

    pub fn story<T>(&self, read: impl FnOnce(&Story) -> T) -> T {
        read(&self.0.state.borrow().story)
    }

    pub fn event(&self, id: EventId) -> Option<Event> {
        self.0.state.borrow().backend.event(id)
    }

    pub fn events_since(&self, index: usize) -> Vec<Event> {
        self.0.state.borrow().backend.events_since(index)
    }

    pub fn frame(&self, id: EventId) -> Result<Bytes, String> {
        let state = self.0.state.borrow();
        match state.backend.cannot(Ability::Bytes) {
            Some(why) => Err(why),
            None => state.backend.frame(id).ok_or_else(|| "the bytes of this frame are no longer kept".into()),
        }
    }

    pub fn view(&self) -> ClusterView {
        self.0.state.borrow().backend.view()
    }

    pub fn compare(&self, left: usize, right: usize) -> Result<Comparison, String> {
        self.0.state.borrow().backend.compare(left, right)
    }

    // Acting.

    /// Does it, and says why if it cannot be done.
    pub fn act(&self, action: &Action) -> Result<(), String> {
        self.change(|state| {
            let in_the_past = state.backend.now() < state.backend.head();
            let result = state.backend.act(action);
            if result.is_ok() {
                if in_the_past {
                    state.story.clear();
                }
                state.attention_until = state.backend.now().plus_ms(pace::ATTENTION_MS);
                state.jumps += 1;
            }
            result
        })
    }

    pub fn is_live(&self) -> bool {
        matches!(self.0.state.borrow().backend, Backend::Live(_))
    }

    /// As [`Self::act`], for those who wait for a real cluster's answer.
    pub fn act_then(&self, action: &Action, done: impl FnOnce(Result<(), String>) + 'static) {
        match &mut self.0.state.borrow_mut().backend {
            Backend::Live(live) => live.act_then(action, done),
            Backend::Sim(sim) => done(sim.act(action)),
        }
    }

    /// As [`Self::act`], telling the person what went wrong.
    pub fn wish(&self, action: &Action) {
        if let Err(error) = self.act(action) {
            self.say(error);
        }
    }

    pub fn share(&self) -> Result<String, String> {
        self.0.state.borrow().backend.share()
    }

    pub fn no_faults(&self) -> Option<String> {
        self.0.state.borrow().backend.cannot(Ability::Faults)
    }

    pub fn no_rewind(&self) -> Option<String> {
        self.0.state.borrow().backend.cannot(Ability::Rewind)
    }
}

/// Where the time line begins.
fn opening(backend: &Backend) -> Time {
    Time(backend.opens_at().0.saturating_sub(BEFORE_US)).min(backend.now())
}
