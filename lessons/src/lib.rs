//! Lessons. Each is a folder beside `src`: `lesson.toml` (state, steps, goals, scripts), `en.md` (words), `quiz.toml`
//! (questions). No Rust belongs to a lesson; `README.md` beside this crate's manifest says how to write one.
//!
//! Read `raw` (what the files hold), `model` (what it means, or where it is wrong), `progress` (a lesson that somebody
//! takes), `quiz` (questions computed from a cluster), `stand_in` (those of a cluster that cannot be copied), `interview`
//! (questions of all lessons) and `check` (whether a lesson keeps what it promises).
#![forbid(unsafe_code)]

pub mod check;
mod fill;
pub mod interview;
mod line;
mod model;
mod progress;
pub mod quiz;
mod raw;
mod stand_in;
mod trouble;
mod words;

pub use fill::Variables;
pub use line::{Line, read as read_line};
pub use model::{Goal, Lesson, REGIONS, Script, Step, StepKind, Template};
pub use progress::{GoalState, Progress};
pub use stand_in::{StandIn, stand_in};
pub use trouble::Trouble;
pub use words::{Inline, Words, inline};

/// The files of a lesson, as they were written.
#[derive(Clone, Copy, Debug)]
pub struct Folder {
    pub name: &'static str,
    pub lesson: &'static str,
    pub words: &'static str,
    pub quiz: &'static str,
}

/// Every lesson there is.
pub const FOLDERS: &[Folder] = include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// The lessons in the order in which they are taught; those with mistakes are missing (`check` names the mistakes).
pub fn lessons() -> Vec<Lesson> {
    let mut lessons: Vec<Lesson> = FOLDERS.iter().filter_map(|folder| Lesson::read(folder).ok()).collect();
    lessons.sort_by_key(|lesson| lesson.number);
    lessons
}

/// One lesson by the name of its folder. The error says which there are.
pub fn lesson(name: &str) -> Result<Lesson, String> {
    let Some(folder) = FOLDERS.iter().find(|folder| folder.name == name) else {
        let names: Vec<&str> = FOLDERS.iter().map(|folder| folder.name).collect();
        return Err(format!("there is no lesson {name:?}; there are {}", names.join(", ")));
    };
    Lesson::read(folder).map_err(|troubles| troubles.first().map_or_else(String::new, ToString::to_string))
}
