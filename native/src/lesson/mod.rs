//! Lessons on a real cluster: `prepare` makes what a lesson's scenario starts from, `class` has its clients (`member` is one
//! of its consumers), `check` takes a lesson as its right scripts say.

pub mod check;
pub mod class;
mod member;
pub mod prepare;
