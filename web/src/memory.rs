//! What the page remembers of a learner between visits: one object in local storage, read and written here only.

use std::collections::BTreeMap;

use gloo::storage::{LocalStorage, Storage};
use serde::{Deserialize, Serialize};

const KEY: &str = "kafka-lab.learner";
/// Older answers are forgotten.
const ANSWERS: usize = 400;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// By name of the lesson.
    pub lessons: BTreeMap<String, Taken>,
    /// Of interviews, oldest first.
    pub answers: Vec<Answer>,
}

/// How far a lesson was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Taken {
    /// The farthest step, from 0.
    pub step: usize,
    pub passed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Milliseconds since 1970.
    pub at_ms: f64,
    pub lesson: String,
    pub quiz: String,
    pub concept: String,
    pub level: String,
    /// It was a follow-up.
    pub follow: bool,
    pub right: bool,
    pub sure: bool,
}

impl Memory {
    pub fn load() -> Self {
        LocalStorage::get(KEY).unwrap_or_default()
    }

    /// A browser that refuses storage forgets.
    fn store(&self) {
        let _ = LocalStorage::set(KEY, self);
    }

    pub fn lesson(name: &str, now: Taken) {
        let mut memory = Self::load();
        let taken = memory.lessons.entry(name.into()).or_default();
        let before = *taken;
        *taken = Taken { step: before.step.max(now.step), passed: before.passed || now.passed };
        if *taken != before || before == Taken::default() {
            memory.store();
        }
    }

    pub fn answered(answer: Answer) {
        let mut memory = Self::load();
        memory.answers.push(answer);
        let surplus = memory.answers.len().saturating_sub(ANSWERS);
        memory.answers.drain(..surplus);
        memory.store();
    }

    /// Concepts whose last answer was wrong: 2 for whoever was sure of it, else 1.
    pub fn weak(&self) -> BTreeMap<String, u32> {
        let newest: BTreeMap<&String, &Answer> = self.answers.iter().map(|a| (&a.concept, a)).collect();
        let wrong = newest.into_iter().filter(|(_, answer)| !answer.right);
        wrong.map(|(concept, answer)| (concept.clone(), 1 + u32::from(answer.sure))).collect()
    }
}
