//! An interview: each question opens the cluster that it is about, and is asked of it as a lesson would.

use std::{collections::BTreeSet, rc::Rc};

use lab_lessons::{
    Lesson,
    interview::{self, Item, Wish},
    lessons,
};

use super::{Asked, Lab, State, course::Course, opening};
use crate::{
    backend::{Backend, Sim},
    memory::{Answer, Memory},
};

/// How far somebody is in an interview.
#[derive(Default)]
pub struct Interview {
    items: Vec<Item>,
    at: usize,
    /// The follow-up to the present question, once it is asked.
    follow_up: Option<Item>,
    sure: Option<bool>,
    answers: Vec<Answer>,
    trouble: Option<String>,
}

/// What the interview's pane draws.
#[derive(Clone, PartialEq)]
pub struct InterviewView {
    pub place: Place,
    pub answers: Vec<Answer>,
    pub trouble: Option<String>,
}

#[derive(Clone, PartialEq)]
pub enum Place {
    /// What shall be asked?
    Choosing,
    Asking {
        number: usize,
        of: usize,
        concept: String,
        /// A follow-up says what is different now.
        says: Option<String>,
        asked: Asked,
        sure: Option<bool>,
        showing: bool,
    },
    Done,
}

impl Interview {
    fn item(&self) -> Option<&Item> {
        self.follow_up.as_ref().or(self.items.get(self.at))
    }

    pub fn view(&self, course: Option<&Course>) -> InterviewView {
        let asked = course.and_then(|course| Some((course.asked.clone()?, course.back_to.is_some())));
        let place = match (self.item(), asked) {
            (Some(item), Some((asked, showing))) => Place::Asking {
                number: self.at + 1,
                of: self.items.len(),
                concept: item.concept.clone(),
                says: item.says.clone(),
                asked,
                sure: self.sure,
                showing,
            },
            _ if self.items.is_empty() => Place::Choosing,
            _ => Place::Done,
        };
        InterviewView { place, answers: self.answers.clone(), trouble: self.trouble.clone() }
    }

    /// Whether an answer may be locked in: one has said how sure one is.
    pub fn may_lock(&self) -> bool {
        self.sure.is_some()
    }

    /// Keeps an answer, here and in the browser.
    pub fn answered(&mut self, right: bool) {
        let Some(item) = self.item() else { return };
        let answer = Answer {
            at_ms: js_sys::Date::now(),
            lesson: item.lesson.clone(),
            quiz: item.quiz.clone(),
            concept: item.concept.clone(),
            level: item.level.clone(),
            follow: item.says.is_some(),
            right,
            sure: self.sure.unwrap_or_default(),
        };
        Memory::answered(answer.clone());
        self.answers.push(answer);
    }
}

impl Lab {
    /// Begins: the questions are drawn anew each time.
    pub fn begin_interview(&self, level: &str, modules: BTreeSet<String>) {
        let seed = js_sys::Date::now() as u64;
        let wish = Wish { level: level.into(), modules, seed, weak: Memory::load().weak() };
        let items = interview::draw(&lessons(), &wish);
        let trouble = items.is_empty().then(|| "There is no such question yet: choose more topics.".to_owned());
        self.change(|state| {
            state.interview = Some(Interview { items, trouble, ..Interview::default() });
            open(state);
        });
    }

    pub fn say_sure(&self, sure: bool) {
        self.change(|state| {
            let locked = state.course.as_ref().and_then(|c| c.asked.as_ref()).is_some_and(|asked| asked.locked);
            if let Some(interview) = state.interview.as_mut().filter(|_| !locked) {
                interview.sure = Some(sure);
            }
        });
    }

    /// The follow-up to the present question, or the next question.
    pub fn go_on(&self) {
        self.change(|state| {
            let Some(interview) = &mut state.interview else { return };
            let asked = interview.items.get(interview.at).filter(|_| interview.follow_up.is_none());
            let follow_up = asked.and_then(|item| interview::follow_up(&find(&item.lesson)?, item));
            interview.at += usize::from(follow_up.is_none());
            interview.follow_up = follow_up;
            open(state);
        });
    }

    /// Back to the choice of what shall be asked.
    pub fn another_interview(&self) {
        self.change(|state| {
            state.interview = Some(Interview::default());
            state.course = None;
        });
    }
}

fn find(name: &str) -> Option<Lesson> {
    lessons().into_iter().find(|lesson| lesson.name == name)
}

/// Opens the cluster of the present question and asks it.
fn open(state: &mut State) {
    let Some(interview) = &mut state.interview else { return };
    interview.sure = None;
    state.course = None;
    let Some(item) = interview.item().cloned() else { return };
    let opened = find(&item.lesson).ok_or_else(|| format!("there is no lesson {}", item.lesson)).and_then(|lesson| {
        let (session, progress) = interview::prepare(&lesson, &item)?;
        Ok((Sim::session(&session)?, lesson, progress))
    });
    match opened {
        Ok((sim, lesson, progress)) => {
            state.backend = Backend::Sim(Box::new(sim));
            state.playing = false;
            state.jumps += 1;
            state.story.clear();
            state.from = opening(&state.backend);
            state.course = Some(Course::asking(Rc::new(lesson), progress, &state.backend, &item.quiz));
        }
        Err(why) => interview.trouble = Some(why),
    }
}
