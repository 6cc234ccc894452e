//! What a lesson means: its files read, every name in them known, every expression understood. Or all that is wrong.

mod demands;
mod reader;
mod template;

use std::collections::BTreeMap;

use lab_core::{goal::Expr, seam::Time};

use self::reader::Reader;
use crate::{
    Folder, Words,
    raw::{RawLesson, RawQuizzes},
    trouble::{Source, Trouble},
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
