//! What a lesson means: its files read, every name in them known, every expression understood. Or all that is wrong.

use std::collections::{BTreeMap, BTreeSet};

use lab_core::{goal::Expr, seam::Time, sim::Scenario};
use toml::Spanned;

use crate::{
    Folder, Words,
    fill::holes,
    interview::follow_key,
    line::{self, Line, duration_ms},
    raw::{RawLesson, RawQuiz, RawQuizzes, Text},
    trouble::{Source, Trouble},
    words::loose_numbers,
};

/// Parts of the page that a lesson may bring in.
pub const REGIONS: [&str; 8] =
    ["controllers", "metadata", "faults", "producers", "consumers", "inspector", "timeline", "console"];

#[derive(Clone, Debug)]
pub struct Lesson {
    pub name: String,
    pub number: u32,
    pub module: String,
    pub minutes: u32,
    pub native: bool,
    pub sources: Vec<String>,
    pub scenario: String,
    pub seed: u64,
    pub begins_at: Time,
    pub show: Vec<String>,
    pub facts: Vec<(String, Expr)>,
    pub live: Vec<(String, Expr)>,
    pub steps: Vec<Step>,
    pub goals: Vec<Goal>,
    pub scripts: Vec<Script>,
    pub quizzes: Vec<Template>,
    pub words: Words,
    /// Where things stand, for the check: (file, line) of goals, scripts and quizzes by name.
    pub(crate) places: BTreeMap<String, (String, usize)>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub name: String,
    pub kind: StepKind,
    pub done: Option<Expr>,
    /// Lines to offer as buttons; their labels are the items of the words `step.NAME`.
    pub offer: Vec<String>,
    pub show: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Asks this question before anything happens.
    Predict(String),
    Act,
    Observe,
    Explain,
}

#[derive(Clone, Debug)]
pub struct Goal {
    pub name: String,
    pub is: Expr,
}

#[derive(Clone, Debug)]
pub struct Script {
    pub name: String,
    /// `None`: it reaches every goal. Else the goal that it does not reach, whose hint it must get.
    pub fails: Option<String>,
    pub lines: Vec<String>,
}

/// A question that is computed from a cluster (see [`crate::quiz`]).
#[derive(Clone, Debug)]
pub struct Template {
    pub name: String,
    pub concept: String,
    pub level: String,
    pub at_end: bool,
    pub draw: Vec<(String, Expr)>,
    pub lets: Vec<(String, Expr)>,
    pub lines: Vec<String>,
    /// What an interview changes in the scenario to ask once more.
    pub follow: Option<String>,
    pub answer: Option<Expr>,
    pub many: bool,
    pub options: Vec<Choice>,
    pub pinned: Pinned,
}

#[derive(Clone, Debug)]
pub struct Choice {
    pub name: String,
    pub value: Option<Expr>,
    pub holds: Option<Expr>,
    pub because: String,
}

#[derive(Clone, Debug)]
pub struct Pinned {
    pub is_where: Expr,
    pub right: Vec<String>,
    pub text: Option<String>,
    pub asked: String,
    pub said: String,
}

impl Lesson {
    /// Reads a folder. The errors are all that can be found without running anything.
    pub fn read(folder: &Folder) -> Result<Self, Vec<Trouble>> {
        let source = |file, text| Source { folder: folder.name, file, text };
        let (lesson, quiz, english) =
            (source("lesson.toml", folder.lesson), source("quiz.toml", folder.quiz), source("en.md", folder.words));
        let raw: RawLesson = toml_of(&lesson).map_err(|trouble| vec![trouble])?;
        let raw_quizzes: RawQuizzes = toml_of(&quiz).map_err(|trouble| vec![trouble])?;
        let mut reader = Reader { lesson, quiz, english, words: Words::read(folder.words), troubles: Vec::new() };
        let read = reader.lesson(folder.name, raw, raw_quizzes);
        reader.troubles.sort();
        reader.troubles.dedup();
        if reader.troubles.is_empty() { Ok(read) } else { Err(reader.troubles) }
    }

    pub fn quiz(&self, name: &str) -> Option<&Template> {
        self.quizzes.iter().find(|quiz| quiz.name == name)
    }

    pub(crate) fn trouble(&self, of: &str, problem: impl Into<String>, cure: impl Into<String>) -> Trouble {
        let fallback = (format!("{}/lesson.toml", self.name), 1);
        let (file, line) = self.places.get(of).cloned().unwrap_or(fallback);
        Trouble { file, line, problem: problem.into(), cure: cure.into() }
    }
}

fn toml_of<T: serde::de::DeserializeOwned>(source: &Source<'_>) -> Result<T, Trouble> {
    toml::from_str(source.text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let problem = error.message().lines().collect::<Vec<_>>().join(" ");
        let cure =
            if source.text.is_empty() { "write this file" } else { "see lessons/README.md for what a file holds" };
        source.trouble(at, problem, cure)
    })
}

struct Reader<'a> {
    lesson: Source<'a>,
    quiz: Source<'a>,
    english: Source<'a>,
    words: Words,
    troubles: Vec<Trouble>,
}

impl<'a> Reader<'a> {
    fn lesson(&mut self, name: &str, raw: RawLesson, quizzes: RawQuizzes) -> Lesson {
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

    fn template(
        &mut self,
        raw: RawQuiz,
        scenario: &str,
        facts: &[String],
        quizzes: &BTreeSet<String>,
    ) -> Option<Template> {
        let source = self.quiz;
        let draw = self.definitions(source, &raw.draw, facts);
        let mut names: Vec<String> = facts.iter().cloned().chain(draw.iter().map(|(n, _)| n.clone())).collect();
        let lets = self.definitions(source, &raw.lets, &names);
        names.extend(lets.iter().map(|(n, _)| n.clone()));
        for line in &raw.lines {
            self.line(source, line, &names, quizzes);
        }
        let answer = raw.answer.as_ref().and_then(|answer| self.expr(source, answer, &names));
        let key = format!("quiz.{}", raw.name.get_ref());
        let mut with_value = names.clone();
        with_value.push("value".into());
        self.section(source, &raw.name, &key, &with_value);
        let mut options = Vec::new();
        let mut labels: Vec<&str> = raw.options.iter().map(|o| o.name.get_ref().as_str()).collect();
        if raw.answer.is_some() {
            labels.push("answer");
        }
        for label in labels {
            if self.words.has(&key) && crate::quiz::label(&self.words, &key, label).is_none() {
                let line = self.words.line(&key);
                let problem = format!("option {label:?} has no words");
                let cure = format!("write an item \"- {label}: what it says | why it is right or wrong\"");
                self.troubles.push(self.english.at_line(line, problem, cure));
            }
        }
        for option in raw.options {
            if option.value.is_some() == option.holds.is_some() {
                let cure = if raw.answer.is_some() { "give it a value" } else { "say when it holds" };
                self.report(source, &option.name, "the option has not exactly one of value and holds", cure);
            }
            let value = option.value.as_ref().and_then(|e| self.expr(source, e, &names));
            let holds = option.holds.as_ref().and_then(|e| self.expr(source, e, &names));
            options.push(Choice { name: option.name.into_inner(), value, holds, because: option.because });
        }
        let at_end = match raw.at.as_ref().map(|at| at.get_ref().as_str()) {
            None | Some("start") => false,
            Some("end") => true,
            Some(other) => {
                let at = raw.at.as_ref()?;
                self.report(source, at, format!("a question cannot be asked at {other:?}"), "write start or end");
                false
            }
        };
        if !["B", "I", "A"].contains(&raw.level.get_ref().as_str()) {
            self.report(source, &raw.level, format!("there is no level {:?}", raw.level.get_ref()), "write B, I or A");
        }
        if let Some(follow) = &raw.follow {
            self.section(source, follow, &follow_key(raw.name.get_ref()), &[]);
            if let Err(error) = Scenario::parse(&format!("{scenario},{}", follow.get_ref())) {
                self.report(source, follow, error, "write one of those");
            }
            if at_end {
                let cure = "ask it at the start, or leave follow away";
                self.report(source, follow, "what was done in a lesson cannot be done in another cluster", cure);
            }
        }
        for right in &raw.pinned.right {
            let known = options.iter().any(|o| o.name == *right.get_ref()) || right.get_ref() == "answer";
            if !known {
                let problem = format!("there is no option {:?}", right.get_ref());
                self.report(source, right, problem, "name an option, or answer");
            }
        }
        let is_where = self.expr(source, &raw.pinned.is_where, &names)?;
        Some(Template {
            name: raw.name.into_inner(),
            concept: raw.concept,
            level: raw.level.into_inner(),
            at_end,
            draw,
            lets,
            lines: raw.lines.into_iter().map(Spanned::into_inner).collect(),
            follow: raw.follow.map(Spanned::into_inner),
            answer,
            many: raw.many,
            options,
            pinned: Pinned {
                is_where,
                right: raw.pinned.right.into_iter().map(Spanned::into_inner).collect(),
                text: raw.pinned.text,
                asked: raw.pinned.asked,
                said: raw.pinned.said,
            },
        })
    }

    fn report(&mut self, source: Source<'_>, at: &Text, problem: impl Into<String>, cure: impl Into<String>) {
        self.troubles.push(source.trouble(at.span().start, problem, cure));
    }

    fn expr(&mut self, source: Source<'_>, text: &Text, names: &[String]) -> Option<Expr> {
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
    fn definitions(
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

    fn line(&mut self, source: Source<'_>, text: &Text, names: &[String], quizzes: &BTreeSet<String>) {
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

    fn regions(&mut self, raw: &[Text]) -> Vec<String> {
        for region in raw {
            if !REGIONS.contains(&region.get_ref().as_str()) {
                let problem = format!("the page has no part {:?}", region.get_ref());
                self.report(self.lesson, region, problem, format!("write some of {}", REGIONS.join(", ")));
            }
        }
        raw.iter().map(|region| region.get_ref().clone()).collect()
    }

    /// The words that go with something: there, short enough, and with values that are known.
    fn section(&mut self, source: Source<'_>, of: &Text, key: &str, names: &[String]) {
        if !self.words.has(key) {
            self.report(source, of, format!("en.md has no words for {key}"), format!("write a section ## {key}: ..."));
            return;
        }
        let line = self.words.line(key);
        let paragraphs = self.words.paragraphs(key);
        let count: usize = paragraphs.iter().map(|p| p.split_whitespace().count()).sum();
        let texts: Vec<String> = paragraphs
            .iter()
            .chain(self.words.items(key))
            .map(String::as_str)
            .chain([self.words.heading(key)])
            .map(String::from)
            .collect();
        if count > 75 {
            let problem = format!("{key} has {count} words, more than fit beside a cluster");
            self.troubles.push(self.english.at_line(line, problem, "keep it to 60"));
        }
        for text in texts {
            for hole in holes(&text) {
                if !names.iter().any(|name| name == hole) {
                    let problem = format!("the value {{{hole}}} in {key} is not defined");
                    let cure = format!("define it under [facts] or [live]; there are {}", names.join(", "));
                    self.troubles.push(self.english.at_line(line, problem, cure));
                }
            }
        }
    }

    /// Sections that nothing refers to are mistakes of spelling.
    fn words_are_used(&mut self, steps: &[Step], goals: &[Goal], templates: &[Template]) {
        let mut known: BTreeSet<String> = ["simplified", "for-real", "done"].map(String::from).into();
        known.extend(steps.iter().map(|s| format!("step.{}", s.name)));
        known.extend(goals.iter().map(|g| format!("goal.{}", g.name)));
        known.extend(templates.iter().map(|t| format!("quiz.{}", t.name)));
        known.extend(templates.iter().filter(|t| t.follow.is_some()).map(|t| follow_key(&t.name)));
        let keys: Vec<String> = self.words.keys().map(String::from).collect();
        for key in keys {
            if !known.contains(&key) && self.troubles.is_empty() {
                let all = known.iter().cloned().collect::<Vec<_>>().join(", ");
                let line = self.words.line(&key);
                self.troubles.push(self.english.at_line(
                    line,
                    format!("nothing is called {key}"),
                    format!("there are {all}"),
                ));
            }
        }
        for key in ["simplified", "for-real", "done"] {
            if !self.words.has(key) {
                self.troubles.push(self.english.at_line(
                    1,
                    format!("the section {key} is missing"),
                    format!("write ## {key}: ..."),
                ));
            }
        }
    }

    /// What every lesson must have.
    fn enough(&mut self, sources: &[String], minutes: u32, scripts: &[Script], templates: &[Template]) {
        let mut want = |enough: bool, problem: &str, cure: &str| {
            if !enough {
                self.troubles.push(self.lesson.at_line(1, problem, cure));
            }
        };
        want(!sources.is_empty(), "no source is given", "write sources = [\"class, KIP or command\", ...]");
        want((1..=10).contains(&minutes), "a lesson takes one to ten minutes", "split it");
        let right = scripts.iter().filter(|s| s.fails.is_none()).count();
        want(right >= 2, "there are fewer than two right scripts", "write two ways to reach the goals");
        want(
            scripts.len() - right >= 2,
            "there are fewer than two wrong scripts",
            "write two that fail, each with fails = \"goal\"",
        );
        want(templates.len() >= 2, "there are fewer than two questions", "write two or more [[quiz]] in quiz.toml");
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
