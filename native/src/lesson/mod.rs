//! Lessons on a real cluster: `class` has the topics and clients of a lesson's scenario, `check` takes a lesson as its
//! right scripts say.

pub mod check;
pub mod class;
