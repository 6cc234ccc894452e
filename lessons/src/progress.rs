//! A lesson that somebody takes: which step, which goals, which hint. Fed with views and events, from wherever they come.

use lab_core::{
    goal::{Evidence, Value},
    trace::Event,
    view::ClusterView,
};

use crate::{Lesson, StepKind, Variables, line};

#[derive(Clone, Debug)]
pub struct Progress {
    pub evidence: Evidence,
    /// Values at the start of the lesson.
    pub facts: Variables,
    /// The step that was reached.
    pub step: usize,
    /// How many hints of the present goal have been asked for.
    pub hints: usize,
    /// All goals were met at one moment; that stays.
    pub passed: bool,
}

/// One goal at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoalState {
    pub name: String,
    pub met: bool,
}

impl Progress {
    /// Begins the lesson on a cluster as it is now.
    pub fn begin(lesson: &Lesson, view: &ClusterView) -> Self {
        let mut evidence = Evidence::begin(view);
        for goal in &lesson.goals {
            evidence.watch(&goal.is);
        }
        for done in lesson.steps.iter().filter_map(|step| step.done.as_ref()) {
            evidence.watch(done);
        }
        let mut facts = Variables::default();
        // What cannot be evaluated is shown as unknown; the check finds it before a learner does.
        let _ = facts.define(&lesson.facts, &evidence);
        Self { evidence, facts, step: 0, hints: 0, passed: false }
    }

    /// Time went on. `events` begin with the number that [`Evidence::seen`] says.
    pub fn observe<'a>(&mut self, lesson: &Lesson, view: &ClusterView, events: impl IntoIterator<Item = &'a Event>) {
        self.evidence.observe(view, events);
        self.passed |= self.goals(lesson).iter().all(|goal| goal.met);
    }

    /// The goals as they stand at this moment.
    pub fn goals(&self, lesson: &Lesson) -> Vec<GoalState> {
        let scope = self.facts.scope(&self.evidence);
        let met = |goal: &crate::Goal| goal.is.eval(&scope).is_ok_and(|value| value.is_true());
        lesson.goals.iter().map(|goal| GoalState { name: goal.name.clone(), met: met(goal) }).collect()
    }

    /// Whether the present step has been done, so that the next may come.
    pub fn step_done(&self, lesson: &Lesson) -> bool {
        let Some(step) = lesson.steps.get(self.step) else { return true };
        match &step.kind {
            StepKind::Predict(quiz) => self.evidence.learner.answers.contains_key(quiz),
            StepKind::Explain => true,
            StepKind::Act | StepKind::Observe => {
                let scope = self.facts.scope(&self.evidence);
                step.done.as_ref().is_none_or(|done| done.eval(&scope).is_ok_and(|value| value.is_true()))
            }
        }
    }

    /// The first goal that is not met: hints are about it.
    pub fn failing(&self, lesson: &Lesson) -> Option<String> {
        self.goals(lesson).into_iter().find(|goal| !goal.met).map(|goal| goal.name)
    }

    /// The hints that have been asked for, gentlest first.
    pub fn hints(&self, lesson: &Lesson) -> Vec<String> {
        let Some(goal) = self.failing(lesson) else { return Vec::new() };
        let all = lesson.words.items(&format!("goal.{goal}"));
        let variables = self.variables(lesson);
        all.iter().take(self.hints).map(|hint| variables.fill(hint)).collect()
    }

    /// Everything that words may name at this moment.
    pub fn variables(&self, lesson: &Lesson) -> Variables {
        let mut variables = self.facts.clone();
        let _ = variables.define(&lesson.live, &self.evidence);
        variables
    }

    /// The parts of the page that have come in so far.
    pub fn shown<'a>(&self, lesson: &'a Lesson) -> Vec<&'a str> {
        let steps = lesson.steps.iter().take(self.step + 1).flat_map(|step| &step.show);
        lesson.show.iter().chain(steps).map(String::as_str).collect()
    }

    /// What the present step offers as buttons: label, and the lines between its semicolons.
    pub fn offers(&self, lesson: &Lesson) -> Vec<(String, Result<Vec<line::Line>, String>)> {
        let Some(step) = lesson.steps.get(self.step) else { return Vec::new() };
        let labels = lesson.words.items(&format!("step.{}", step.name));
        let variables = self.variables(lesson);
        let offer = |(label, text): (&String, &String)| {
            let lines = text.split("; ").map(|text| line::read(&variables.fill(text), &[]));
            (variables.fill(label), lines.collect())
        };
        labels.iter().zip(&step.offer).map(offer).collect()
    }

    pub fn answered(&mut self, quiz: &str, text: &str, right: bool) {
        self.evidence.learner.answers.insert(quiz.into(), (text.into(), right));
    }

    /// Whether every fact is known: a real cluster comes up bit by bit.
    pub fn knows(&self, lesson: &Lesson) -> bool {
        lesson.facts.iter().all(|(name, _)| self.fact(name).is_some_and(|fact| !fact.is_none()))
    }

    /// A fact as plain text.
    pub fn fact(&self, name: &str) -> Option<&Value> {
        self.facts.0.get(name)
    }
}
