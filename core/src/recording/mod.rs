//! Recordings: everything that reached one machine during one life of its process, and a hash of all that it did.
//!
//! A machine reads no clock, no socket and no random source, so its configuration, the files that it found, and the list
//! of its inputs decide everything it does, on a server and in a browser alike. A [`Recorder`] writes these down while a
//! driver runs the machine; [`Recording::replay`] runs the same program on a disk in memory and compares, input by
//! input. What it cannot give the same as recorded is a bug, or another version of the lab.
//!
//! The hash folds what a machine did to the world: each change of its disk, each request for durability or long work, and
//! the bytes of every frame. A file is named by the order in which it was opened, and a slice of a file counts as the
//! bytes that it stands for: numbers of files and of their generations are the disk's own affair, and two disks may
//! count differently. Traces are left out, because nobody pays for them unless somebody watches. Errors of the disk are
//! part of the recording, since no other disk would give them again.
//!
//! `file` is the form on disk, `watch` what stands between machine and disk, `recorder` and `replay` the two directions.

mod file;

mod watch;

mod recorder;
mod replay;

#[cfg(test)]
mod tests;

pub use self::{
    file::Header,
    recorder::{Recorder, Sink},
    replay::{Recording, Replayed},
};

use crate::seam::Time;

/// Why a recording does not replay. Each says what is wrong and what can be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("this is no recording: it does not begin with \"kafka-lab recording\". `kafka-lab up --record` makes one")]
    NotARecording,
    #[error(
        "the recording has form {found}, and this version of the lab reads form 1. Replay it with the version that made it"
    )]
    OtherForm { found: String },
    #[error("the recording has no header that can be read: {what}. Nothing of it can be replayed")]
    NoHeader { what: String },
    /// All before byte `at` is whole.
    #[error("the recording is damaged at byte {at}: {what}. What precedes can be replayed: `head -c {at} FILE`")]
    Damaged { at: u64, what: String },
    #[error("the machine does not start: {why}")]
    NotStarted { why: String },
    /// `inputs` came before it and had the outcome that was recorded.
    #[error("{input} had another outcome: hash {replayed:016x} instead of {recorded:016x}. {}", cure(made_by))]
    Differs { input: String, inputs: u64, at: Time, recorded: u64, replayed: u64, made_by: String },
}

/// What may be behind a difference.
fn cure(made_by: &str) -> String {
    let mine = file::VERSION;
    if made_by == mine {
        format!(
            "If this is the build that recorded it (both are version {mine}), this is a bug: a replay never differs"
        )
    } else {
        format!("It was recorded by version {made_by} and this is version {mine}: replay it with the one that made it")
    }
}
