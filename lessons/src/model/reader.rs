//! A lesson's files, read: every name in them known, every expression understood, every line of a script. What is wrong is
//! kept with its place.

use std::collections::{BTreeMap, BTreeSet};

use lab_core::{goal::Expr, seam::Time, sim::Scenario};
use toml::Spanned;

use super::{Goal, Lesson, REGIONS, Script, Step, StepKind};
use crate::{
    Words,
    fill::holes,
    line::{self, Line, duration_ms},
    raw::{RawLesson, RawQuizzes, Text},
    trouble::{Source, Trouble},
    words::loose_numbers,
};

pub(super) struct Reader<'a> {
    pub(super) lesson: Source<'a>,
    pub(super) quiz: Source<'a>,
    pub(super) english: Source<'a>,
    pub(super) words: Words,
    pub(super) troubles: Vec<Trouble>,
}

impl<'a> Reader<'a> {
    pub(super) fn lesson(&mut self, name: &str, raw: RawLesson, quizzes: RawQuizzes) -> Lesson {
        let source = self.lesson;
        let mut places = BTreeMap::new();
        let mut place = |key: String, source: &Source<'_>, text: &Text| {
            let at = source.trouble(text.span().start, "", "");
            places.insert(key, (at.file, at.line));
        };
        let scenario = raw.start.scenario.get_ref().clone();
        let mut begins_at = Time::ZERO;
        match Scenario::parse(&scenario) {
            Ok(parsed) => begins_at = parsed.opens_at,
            Err(error) => self.report(source, &raw.start.scenario, error, "write one of those"),
        }
        if let Some(at) = &raw.start.at {
            match duration_ms(at.get_ref()) {
                Ok(ms) => begins_at = Time::from_ms(ms),
                Err(error) => self.report(source, at, error, "as in at = \"15s\""),
            }
        }
        let facts = self.definitions(source, &raw.facts, &[]);
        let fact_names: Vec<String> = facts.iter().map(|(name, _)| name.clone()).collect();
        let live = self.definitions(source, &raw.live, &fact_names);
        let names: Vec<String> = fact_names.iter().cloned().chain(live.iter().map(|(n, _)| n.clone())).collect();

        let quiz_names: BTreeSet<String> = quizzes.quizzes.iter().map(|q| q.name.get_ref().clone()).collect();
        let goal_names: BTreeSet<String> = raw.goals.iter().map(|g| g.name.get_ref().clone()).collect();
        let mut steps = Vec::new();
        for step in raw.steps {
            let key = format!("step.{}", step.name.get_ref());
            place(key.clone(), &source, &step.name);
            self.section(source, &step.name, &key, &names);
            let count = self.words.items(&key).len();
            if count != step.offer.len() {
                let problem = format!("the step offers {} buttons and the words have {count} labels", step.offer.len());
                self.report(source, &step.name, problem, format!("write one \"- label\" a button under ## {key}"));
            }
            for line in &step.offer {
                self.line(source, line, &names, &quiz_names);
            }
            let known = ["predict", "act", "observe", "explain"];
            let kind = match step.kind.get_ref().as_str() {
                "predict" => StepKind::Predict(step.quiz.as_ref().map(|q| q.get_ref().clone()).unwrap_or_default()),
                "act" => StepKind::Act,
                "observe" => StepKind::Observe,
                "explain" => StepKind::Explain,
                other => {
                    let problem = format!("a step cannot {other:?}");
                    self.report(source, &step.kind, problem, format!("write one of {}", known.join(", ")));
                    StepKind::Explain
                }
            };
            match (&kind, &step.quiz, &step.done) {
                (StepKind::Predict(_), None, _) => {
                    self.report(source, &step.name, "nothing is predicted here", "name a question: quiz = \"...\"");
                }
                (StepKind::Predict(_), Some(quiz), _) if !quiz_names.contains(quiz.get_ref()) => {
                    let known = quiz_names.iter().cloned().collect::<Vec<_>>().join(", ");
                    let problem = format!("quiz.toml has no question {:?}", quiz.get_ref());
                    self.report(source, quiz, problem, format!("it has {known}"));
                }
                (StepKind::Act | StepKind::Observe, _, None) => {
                    let problem = "nobody can tell when this step is done";
                    self.report(source, &step.name, problem, "write done = 'ever(...)'");
                }
                _ => {}
            }
            let done = step.done.as_ref().and_then(|done| self.expr(source, done, &fact_names));
            let show = self.regions(&step.show);
            let offer = step.offer.into_iter().map(Spanned::into_inner).collect();
            steps.push(Step { name: step.name.into_inner(), kind, done, offer, show });
        }
        let mut goals = Vec::new();
        for goal in raw.goals {
            let key = format!("goal.{}", goal.name.get_ref());
            place(key.clone(), &source, &goal.name);
            self.section(source, &goal.name, &key, &names);
            if self.words.items(&key).len() != 3 && self.words.has(&key) {
                let line = self.words.line(&key);
                let problem = format!("the goal has {} hints", self.words.items(&key).len());
                let cure = "write three, 1. to 3.: where to look, what to do, and the answer";
                self.troubles.push(self.english.at_line(line, problem, cure));
            }
            if let Some(is) = self.expr(source, &goal.is, &fact_names) {
                goals.push(Goal { name: goal.name.into_inner(), is });
            }
        }
        let mut scripts = Vec::new();
        for script in raw.scripts {
            if let Some(fails) = &script.fails {
                place(format!("script.{}", script.name), &source, fails);
                if !goal_names.contains(fails.get_ref()) {
                    let problem = format!("there is no goal {:?}", fails.get_ref());
                    let known = goal_names.iter().cloned().collect::<Vec<_>>().join(", ");
                    self.report(source, fails, problem, format!("the goals are {known}"));
                }
            } else if let Some(first) = script.lines.first() {
                place(format!("script.{}", script.name), &source, first);
            }
            for line in &script.lines {
                self.line(source, line, &names, &quiz_names);
            }
            let lines = script.lines.into_iter().map(Spanned::into_inner).collect();
            scripts.push(Script { name: script.name, fails: script.fails.map(Spanned::into_inner), lines });
        }
        let mut templates = Vec::new();
        for quiz in quizzes.quizzes {
            place(format!("quiz.{}", quiz.name.get_ref()), &self.quiz, &quiz.name);
            templates.extend(self.template(quiz, &scenario, &names, &quiz_names));
        }
        let show = self.regions(&raw.show);
        self.words_are_used(&steps, &goals, &templates);
        self.troubles.extend(loose_numbers(&self.english));
        self.enough(&raw.sources, raw.minutes, &scripts, &templates);
        Lesson {
            name: name.into(),
            number: raw.number,
            module: raw.module,
            minutes: raw.minutes,
            native: raw.native,
            sources: raw.sources,
            scenario,
            seed: raw.start.seed,
            begins_at,
            show,
            facts,
            live,
            steps,
            goals,
            scripts,
            quizzes: templates,
            words: std::mem::take(&mut self.words),
            places,
        }
    }

    pub(super) fn report(
        &mut self,
        source: Source<'_>,
        at: &Text,
        problem: impl Into<String>,
        cure: impl Into<String>,
    ) {
        self.troubles.push(source.trouble(at.span().start, problem, cure));
    }

    pub(super) fn expr(&mut self, source: Source<'_>, text: &Text, names: &[String]) -> Option<Expr> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match Expr::parse(text.get_ref(), &names) {
            Ok(expr) => Some(expr),
            Err(error) => {
                self.troubles.push(source.goal(text.span().start, &error));
                None
            }
        }
    }

    /// Definitions in an order in which each uses only those before it.
    pub(super) fn definitions(
        &mut self,
        source: Source<'_>,
        raw: &BTreeMap<String, Text>,
        known: &[String],
    ) -> Vec<(String, Expr)> {
        let mut known = known.to_vec();
        let mut waiting: Vec<(&String, &Text)> = raw.iter().collect();
        let mut defined = Vec::new();
        loop {
            let before = waiting.len();
            waiting.retain(|(name, text)| {
                let names: Vec<&str> = known.iter().map(String::as_str).collect();
                let Ok(expr) = Expr::parse(text.get_ref(), &names) else { return true };
                known.push((*name).clone());
                defined.push(((*name).clone(), expr));
                false
            });
            if waiting.len() == before {
                break;
            }
        }
        for (_, text) in waiting {
            self.expr(source, text, &known);
        }
        defined
    }

    pub(super) fn line(&mut self, source: Source<'_>, text: &Text, names: &[String], quizzes: &BTreeSet<String>) {
        // What stands after `until` is an expression; its braces are those of events.
        let is_until = text.get_ref().trim_start().starts_with("until ");
        for hole in if is_until { Vec::new() } else { holes(text.get_ref()) } {
            if !names.iter().any(|name| name == hole) {
                let problem = format!("{hole:?} is not defined");
                self.report(source, text, problem, format!("the names here are {}", names.join(", ")));
                return;
            }
        }
        let shown = if is_until { text.get_ref().clone() } else { blank_holes(text.get_ref()) };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for piece in if is_until { vec![shown.as_str()] } else { shown.split("; ").collect() } {
            match line::read(piece, &names) {
                Ok(Line::Answer { quiz, .. }) if !quizzes.contains(&quiz) => {
                    let known = quizzes.iter().cloned().collect::<Vec<_>>().join(", ");
                    self.report(source, text, format!("quiz.toml has no question {quiz:?}"), format!("it has {known}"));
                }
                Ok(_) => {}
                Err(why) => self.report(source, text, why, "see lessons/README.md for the words of a script"),
            }
        }
    }

    pub(super) fn regions(&mut self, raw: &[Text]) -> Vec<String> {
        for region in raw {
            if !REGIONS.contains(&region.get_ref().as_str()) {
                let problem = format!("the page has no part {:?}", region.get_ref());
                self.report(self.lesson, region, problem, format!("write some of {}", REGIONS.join(", ")));
            }
        }
        raw.iter().map(|region| region.get_ref().clone()).collect()
    }
}

/// Stands for a value that is not known yet, to see whether the rest of the line makes sense.
fn blank_holes(text: &str) -> String {
    let mut shown = text.to_string();
    for hole in holes(text) {
        shown = shown.replace(&format!("{{{hole}}}"), "1");
    }
    shown
}
