//! What is wrong with a lesson: file, line, problem, cure.

use lab_core::goal::GoalError;
use thiserror::Error;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[error("lessons/{file}:{line}: {problem}; {cure}")]
pub struct Trouble {
    /// `kill-the-leader/lesson.toml`
    pub file: String,
    /// From 1.
    pub line: usize,
    pub problem: String,
    pub cure: String,
}

/// A file of a lesson, to say where in it something is wrong.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub folder: &'a str,
    pub file: &'a str,
    pub text: &'a str,
}

impl Source<'_> {
    /// At a byte of the file.
    pub fn trouble(&self, at: usize, problem: impl Into<String>, cure: impl Into<String>) -> Trouble {
        let line = 1 + self.text.bytes().take(at).filter(|b| *b == b'\n').count();
        self.at_line(line, problem, cure)
    }

    pub fn at_line(&self, line: usize, problem: impl Into<String>, cure: impl Into<String>) -> Trouble {
        let file = format!("{}/{}", self.folder, self.file);
        Trouble { file, line, problem: problem.into(), cure: cure.into() }
    }

    /// Inside a quoted expression that begins at a byte of the file.
    pub fn goal(&self, at: usize, error: &GoalError) -> Trouble {
        self.trouble(at + error.at + 1, error.problem.clone(), error.cure.clone())
    }
}
