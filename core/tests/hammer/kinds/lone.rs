//! One machine alone: a disk in memory, outputs performed at once, and nobody at the other end of its connections but
//! whoever writes the inputs.

use bytes::{Bytes, BytesMut};
use lab_core::{
    disk::{Disk, MemDisk},
    id::ConnId,
    node::StartError,
    program::{Process, Program},
    seam::{Ctx, Input, Machine, Now, Outbox, Output, Part, Time},
};

pub struct Lone {
    process: Process,
    disk: MemDisk,
    out: Outbox,
    now: Now,
    /// Requests on connections that it opened, not answered yet.
    pub asked: Vec<(ConnId, Bytes)>,
}

impl Lone {
    pub fn start(program: Program, mut disk: MemDisk) -> Result<Self, StartError> {
        let mut out = Outbox::new(program.node(), 0, false);
        let now = Now { mono: Time::from_ms(1), wall_ms: 1_700_000_000_000 };
        let process = program.start(&mut Ctx { now, disk: &mut disk, out: &mut out })?;
        let mut lone = Self { process, disk, out, now, asked: Vec::new() };
        lone.perform();
        Ok(lone)
    }

    pub fn input(&mut self, input: Input) {
        self.handle(input);
        self.perform();
    }

    /// Its next timer, if it has one.
    pub fn wake(&mut self) {
        let Some(at) = self.process.deadline() else { return };
        let later = at.max(self.now.mono);
        self.now.wall_ms += later.ms_since(self.now.mono) as i64;
        self.now.mono = later;
        self.input(Input::Wake);
    }

    fn handle(&mut self, input: Input) {
        self.out.begin(None);
        self.process.handle(&mut Ctx { now: self.now, disk: &mut self.disk, out: &mut self.out }, input);
    }

    /// Does what it asks for, until it asks for nothing more.
    fn perform(&mut self) {
        while !self.out.is_empty() {
            let outputs: Vec<Output> = self.out.drain().collect();
            for output in outputs {
                match output {
                    Output::Sync { token, target } => {
                        let result = self.disk.sync(&target);
                        self.handle(Input::Synced { token, result });
                    }
                    Output::Job { token, job } => {
                        let result = job.run();
                        self.handle(Input::JobDone { token, result });
                    }
                    Output::Open { conn, .. } => {
                        let (peer, principal) = ("lone:1".into(), "User:ANONYMOUS".into());
                        self.handle(Input::Opened { conn, listener: None, peer, principal });
                    }
                    Output::Send { conn, parts, .. } if conn.is_outbound() => {
                        let frame = self.whole(&parts);
                        self.asked.push((conn, frame));
                    }
                    Output::Close { conn } => {
                        self.asked.retain(|(asked, _)| *asked != conn);
                        self.handle(Input::Closed { conn });
                    }
                    _ => {}
                }
            }
        }
    }

    fn whole(&self, parts: &[Part]) -> Bytes {
        let mut frame = BytesMut::new();
        for part in parts {
            match part {
                Part::Bytes(bytes) => frame.extend_from_slice(bytes),
                Part::File(slice) => {
                    let read = self.disk.read_at(slice.file, slice.position, slice.len as usize);
                    frame.extend_from_slice(&read.unwrap_or_default());
                }
            }
        }
        frame.freeze()
    }
}
