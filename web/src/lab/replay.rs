//! The recording of a real node, run again in the browser: the same program must do the same here.

use lab_core::recording::{Recording, ReplayError};
use serde::Serialize;

/// What came of it.
#[derive(Serialize)]
pub struct Outcome {
    pub node: i32,
    pub program: &'static str,
    /// 16 hexadecimal digits, as `kafka-lab replay` prints them; where the replay differs, the hash it had there.
    pub hash: String,
    pub inputs: u64,
    /// Every input had the outcome that was recorded.
    pub matches: bool,
    /// What differs.
    pub why: Option<String>,
}

/// Replays a recording given as base64. What is no recording, or a damaged one, is an error that says so.
pub fn replay(base64: &str) -> Result<Outcome, String> {
    let window = web_sys::window().ok_or("there is no window")?;
    // The browser gives one character for each byte.
    let binary = window.atob(base64).map_err(|_| "this is not base64")?;
    let bytes: Vec<u8> = binary.chars().map(|c| c as u8).collect();
    let recording = Recording::open(bytes).map_err(|error| error.to_string())?;
    let program = &recording.header.program;
    let (node, name) = (program.node().0, program.name());
    let (hash, inputs, why) = match recording.replay() {
        Ok(replayed) => (replayed.hash, replayed.inputs, None),
        Err(error) => match &error {
            ReplayError::Differs { replayed, inputs, .. } => (*replayed, *inputs, Some(error.to_string())),
            _ => return Err(error.to_string()),
        },
    };
    Ok(Outcome { node, program: name, hash: format!("{hash:016x}"), inputs, matches: why.is_none(), why })
}
