//! What a command says when it cannot do what was asked: the cause, the next step, and the exit code.

use std::fmt;

/// Printed to stderr by `main`; never with a backtrace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    cause: String,
    next: Option<String>,
    code: u8,
}

/// Done, or a [`Failure`].
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Exit code 1.
    pub fn new(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), next: None, code: 1 }
    }

    /// Exit code 2: the command was used wrongly.
    pub fn usage(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), next: None, code: 2 }
    }

    /// What to do about it, as a sentence.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    pub fn code(&self) -> u8 {
        self.code
    }

    pub fn cause(&self) -> &str {
        &self.cause
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)?;
        match &self.next {
            Some(next) => write!(f, "\n  {next}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// Turns any error into a [`Failure`] that says what was being done.
pub trait While<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T, E: fmt::Display> While<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|error| Failure::new(format!("{}: {error}", what())))
    }
}
