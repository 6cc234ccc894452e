//! Running a recording again.

use bytes::Bytes;

use super::{
    ReplayError,
    file::{Entry, Header, Reader, is_recording},
    watch::{Watch, WatchedDisk},
};
use crate::{
    disk::{DiskError, MemDisk},
    program::Process,
    seam::{Ctx, Input, Machine, Now, Outbox, Time},
};

/// A recording that was opened. `Clone` is cheap.
#[derive(Clone, Debug)]
pub struct Recording {
    pub header: Header,
    entries: Reader,
}

/// What a recording came to when it ran again, every input with the outcome that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Of all that the machine did.
    pub hash: u64,
    /// Inputs, not counting the start.
    pub inputs: u64,
    /// What the machine asked for. Traces are not counted.
    pub outputs: u64,
    /// When the last input came.
    pub at: Time,
    /// The machine ended cleanly. Else it was killed, or still runs: the recording stops where it was cut off.
    pub ended: bool,
}

impl Recording {
    /// Whether these bytes claim to be a recording.
    pub fn recognizes(bytes: &[u8]) -> bool {
        is_recording(bytes)
    }

    /// Reads the header. The rest is read while it is replayed.
    pub fn open(bytes: impl Into<Bytes>) -> Result<Self, ReplayError> {
        let (header, entries) = Reader::open(bytes.into())?;
        Ok(Self { header, entries })
    }

    /// Runs the program again on a disk in memory, with the files, inputs and disk errors of the recording, and compares
    /// the hash after each input.
    pub fn replay(&self) -> Result<Replayed, ReplayError> {
        let mut entries = self.entries.clone();
        let mut files = Vec::new();
        let first = loop {
            match entries.next()? {
                Some(Entry::File { path, content }) => files.push((path, content)),
                other => break other,
            }
        };
        let out = Outbox::resume(self.header.program.node(), self.header.numbering);
        let mut replay = Replay {
            header: &self.header,
            disk: MemDisk::with_files(files),
            out,
            watch: Watch::default(),
            process: None,
            done: Replayed { hash: 0, inputs: 0, outputs: 0, at: Time::ZERO, ended: false },
        };
        let mut entry = first;
        while let Some(told) = entry {
            let damaged = |what: &str| ReplayError::Damaged { at: entries.at(), what: what.into() };
            let (now, input) = match told {
                Entry::Told { now, input } if input.is_some() == replay.process.is_some() => (now, input),
                Entry::End if replay.process.is_some() => {
                    replay.done.ended = true;
                    break;
                }
                _ => return Err(damaged("an entry stands where it cannot")),
            };
            if now.mono < replay.done.at {
                return Err(damaged("its time goes backwards"));
            }
            let did = match entries.next()? {
                Some(Entry::Did { errors, hash }) => Some((errors, u64::from_le_bytes(hash))),
                None => None,
                Some(_) => return Err(ReplayError::Damaged { at: entries.at(), what: "an outcome is missing".into() }),
            };
            replay.step(now, input, did)?;
            entry = entries.next()?;
        }
        Ok(replay.done)
    }
}

struct Replay<'a> {
    header: &'a Header,
    disk: MemDisk,
    out: Outbox,
    watch: Watch,
    process: Option<Process>,
    done: Replayed,
}

impl Replay<'_> {
    /// `did` is missing when the machine never finished this input: it was killed in it, or died of it. Then it runs to
    /// show why, and does not count.
    fn step(
        &mut self,
        now: Now,
        input: Option<Input>,
        did: Option<(Vec<(u32, DiskError)>, u64)>,
    ) -> Result<(), ReplayError> {
        let name = input.as_ref().map_or_else(|| "the start".into(), |input| self.name(input, now));
        let started = input.is_none();
        self.watch.plan(did.as_ref().map_or_else(Vec::new, |(errors, _)| errors.clone()));
        self.out.begin(None);
        let mut disk = WatchedDisk { disk: &mut self.disk, watch: &mut self.watch };
        let mut ctx = Ctx { now, disk: &mut disk, out: &mut self.out };
        match (&mut self.process, input) {
            (Some(process), Some(input)) => process.handle(&mut ctx, input),
            _ => {
                let process = self.header.program.clone().start(&mut ctx);
                self.process = Some(process.map_err(|error| ReplayError::NotStarted { why: error.to_string() })?);
            }
        }
        let (errors, replayed) = self.watch.end_step(&mut self.disk, self.out.written());
        self.out.drain();
        if let Some(process) = &mut self.process {
            // Drivers collect the results of clients after each input.
            drop((process.take_deliveries(), process.take_records()));
        }
        let Some((recorded_errors, recorded)) = did else { return Ok(()) };
        if recorded != replayed || recorded_errors != errors {
            let made_by = self.header.made_by.clone();
            let inputs = self.done.inputs;
            return Err(ReplayError::Differs { input: name, inputs, at: now.mono, recorded, replayed, made_by });
        }
        self.done.hash = replayed;
        self.done.outputs = self.watch.outputs;
        self.done.inputs += u64::from(!started);
        self.done.at = now.mono;
        Ok(())
    }

    /// For a sentence about it.
    fn name(&self, input: &Input, now: Now) -> String {
        let what = match input {
            Input::Wake => "a wake".into(),
            Input::Opened { conn, .. } => format!("the opening of connection {}", conn.0),
            Input::Frame { conn, bytes, .. } => format!("a frame of {} bytes on connection {}", bytes.len(), conn.0),
            Input::Writable { conn } => format!("room on connection {}", conn.0),
            Input::Closed { conn } => format!("the end of connection {}", conn.0),
            Input::Synced { .. } => "an answer of the disk".into(),
            Input::JobDone { .. } => "the result of a job".into(),
            Input::Shutdown => "the request to stop".into(),
            Input::Command(_) => "a command".into(),
        };
        format!("input {} ({what}, at {} ms)", self.done.inputs + 1, now.mono.as_ms())
    }
}
