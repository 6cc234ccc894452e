//! `replay`: a session of the simulator, or the recording of one node, run again and compared.

use std::{path::Path, time::Instant};

use clap::Args;
use lab_core::{
    recording::Recording,
    sim::{Session, World},
};
use serde_json::json;

use super::{print, simulate};
use crate::failure::{Failure, Outcome, While};

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The recording of a node (from `up --record`), or a session: a link, its text, or a file that holds it
    #[arg(value_name = "FILE-OR-LINK")]
    what: String,
    /// The hash that it ended with elsewhere; another one is a failure
    #[arg(long, value_name = "HEX")]
    hash: Option<String>,
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ReplayArgs) -> Outcome {
    let path = Path::new(&args.what);
    let bytes = if path.exists() {
        std::fs::read(path).doing(|| format!("cannot read {}", path.display()))?
    } else {
        args.what.clone().into_bytes()
    };
    let hash = if Recording::recognizes(&bytes) { recording(bytes, args.json)? } else { session(&bytes, args.json)? };
    match &args.hash {
        Some(wanted) if *wanted != hash => Err(Failure::new(format!("the run ended with hash {hash}, not {wanted}"))
            .next("It was recorded by another version of the lab, or this is a bug: a replay never differs.")),
        _ => Ok(()),
    }
}

fn recording(bytes: Vec<u8>, as_json: bool) -> Outcome<String> {
    let began = Instant::now();
    let recording = Recording::open(bytes).map_err(|error| Failure::new(error.to_string()))?;
    let replayed = recording.replay().map_err(|error| Failure::new(error.to_string()))?;
    let wall_ms = began.elapsed().as_millis() as u64;
    let hash = format!("{:016x}", replayed.hash);
    let program = &recording.header.program;
    if as_json {
        print::json(&json!({
            "node": program.node(), "program": program.name(), "made_by": recording.header.made_by,
            "inputs": replayed.inputs, "outputs": replayed.outputs, "at_ms": replayed.at.as_ms(),
            "ended": replayed.ended, "hash": hash, "wall_ms": wall_ms,
        }));
    } else {
        let end = if replayed.ended { "up to its clean end" } else { "up to where the recording was cut off" };
        println!(
            "{} {}: {} inputs replayed in {wall_ms} ms, {end}, each with the outcome that was recorded",
            program.name(),
            program.node(),
            replayed.inputs
        );
        println!("{} outputs, hash {hash}", replayed.outputs);
    }
    Ok(hash)
}

fn session(bytes: &[u8], as_json: bool) -> Outcome<String> {
    let no_session = |why: String| {
        Failure::new(format!("this is no session and no recording: {why}"))
            .next("A session is what the page's Share button copies; `kafka-lab up --record` writes recordings.")
    };
    let text = std::str::from_utf8(bytes).map_err(|_| no_session("it is not text".into()))?;
    // A whole address of the page will do: what counts follows `#s=`.
    let text = text.trim().rsplit("#s=").next().unwrap_or_default();
    let session = Session::from_link(text).map_err(|error| no_session(error.to_string()))?;
    let began = Instant::now();
    let world = World::from_session(&session).map_err(Failure::new)?;
    simulate::report(&world, &session.scenario, began.elapsed().as_millis() as u64, as_json);
    simulate::broken(&world)?;
    Ok(format!("{:016x}", world.hash()))
}
