//! A running program of `xtask/peers`: a command to its standard input, its answer from its standard output.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::{interrupt, peers::install::Program};

/// How often it is looked whether the run is interrupted.
const LOOK: Duration = Duration::from_millis(200);

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done(Value),
    /// The library has no such thing, and why.
    Lacks(String),
    Failed(String),
}

/// Killed by pid when dropped.
pub struct Running {
    child: Child,
    input: ChildStdin,
    said: Receiver<String>,
    errors: Option<JoinHandle<String>>,
    /// As it said itself.
    pub version: String,
}

impl Running {
    pub fn start(program: &Program, bootstrap: &str, limit: Duration) -> Result<Self> {
        let mut child = Command::new(&program.path)
            .args(&program.args)
            .arg(bootstrap)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| program.path.display().to_string())?;
        let input = child.stdin.take().context("stdin is piped")?;
        let out = child.stdout.take().context("stdout is piped")?;
        let mut err = child.stderr.take().context("stderr is piped")?;
        let (tell, said) = channel();
        std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).try_for_each(|l| tell.send(l)));
        let errors = std::thread::spawn(move || {
            let mut all = Vec::new();
            let _ = err.read_to_end(&mut all);
            String::from_utf8_lossy(&all).into_owned()
        });
        let mut running = Self { child, input, said, errors: Some(errors), version: String::new() };
        let first = running.hear(limit).map_err(|why| anyhow!(why))?;
        running.version = first["version"].as_str().context("its first line names its version")?.to_owned();
        Ok(running)
    }

    /// After an error that `Running::is_alive` does not survive, it has to be started anew.
    pub fn ask(&mut self, command: &Value, limit: Duration) -> Answer {
        if let Err(error) = writeln!(self.input, "{command}").and_then(|()| self.input.flush()) {
            return Answer::Failed(format!("the program is gone: {error}"));
        }
        match self.hear(limit) {
            Err(why) => Answer::Failed(why),
            Ok(answer) => match (answer["error"].as_str(), answer["lacks"].as_str()) {
                (Some(error), _) => Answer::Failed(error.to_owned()),
                (None, Some(why)) => Answer::Lacks(why.to_owned()),
                (None, None) => Answer::Done(answer),
            },
        }
    }

    /// The next line that is a JSON object: libraries print lines of their own, too.
    fn hear(&mut self, limit: Duration) -> Result<Value, String> {
        let until = Instant::now() + limit;
        loop {
            match self.said.recv_timeout(LOOK.min(until.saturating_duration_since(Instant::now()))) {
                Ok(line) => {
                    if let Ok(answer @ Value::Object(_)) = serde_json::from_str(&line) {
                        return Ok(answer);
                    }
                }
                Err(RecvTimeoutError::Timeout) if interrupt::came() => {
                    self.end();
                    return Err("interrupted".to_owned());
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() < until => {}
                Err(RecvTimeoutError::Timeout) => {
                    self.end();
                    return Err(format!("hangs: no answer within {} s", limit.as_secs()));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.end();
                    let errors = self.errors.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
                    let lines: Vec<&str> = errors.lines().filter(|line| !line.trim().is_empty()).collect();
                    let last = lines[lines.len().saturating_sub(3)..].join(" | ");
                    return Err(format!("the program ended: {last}"));
                }
            }
        }
    }

    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
