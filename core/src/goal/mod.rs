//! The language of goals: what a lesson wants to be true, and what a question asks, over views and events alone.
//!
//! It sees [`crate::view::ClusterView`] and [`crate::trace::Event`] and nothing else, so one goal is checked in the
//! simulator and on real processes. It is here and not with the lessons because its words are those of `view` and
//! `trace`: whoever renames a field meets the compiler in the same crate.
//!
//! ```text
//! ever(LeaderElected{kind: isr}) && lost(acks=all) == 0
//! now(t("orders").p(0).r(leader).leo >= 3)          # `leader` is a variable of the lesson
//! between(BrokerStop{graceful: true}, LeaderElected{}) < between(Killed{}, LeaderElected{})
//! [b for b in t("orders").p(0).isr if b != dead]
//! len(group("billing").members) == 5 && group("billing").owner("orders", 0) != none
//! ```
//!
//! Read `expr` (what an expression is), `parse` (how it is read), `names` (what there is, and what is said of a name that
//! there is not), `facts` (events by the names that lessons use), `evidence` (what has been seen) and `eval`.

mod eval;
mod evidence;
mod expr;
mod facts;
mod functions;
mod groups;
mod names;
mod parse;
mod paths;
mod properties;
mod records;
mod value;

pub use eval::Scope;
pub use evidence::{Evidence, Learner};
pub use expr::Expr;
pub use facts::Fact;
pub use value::Value;

use thiserror::Error;

/// What is wrong with an expression, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem}; {cure}")]
pub struct GoalError {
    /// Byte offset in the text of the expression.
    pub at: usize,
    pub problem: String,
    pub cure: String,
}

impl GoalError {
    pub(crate) fn new(at: usize, problem: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { at, problem: problem.into(), cure: cure.into() }
    }
}
