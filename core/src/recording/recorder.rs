//! Writing a recording while a machine runs.

use bytes::Bytes;

use super::{
    file::{self, Entry, Header},
    watch::{Watch, WatchedDisk},
};
use crate::seam::{Ctx, Input, Machine};

/// Where a recording goes. What was written is there even if the process dies at once.
pub trait Sink {
    fn write(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Stands in for the machine at its driver: hands it every input, and writes down what it was and what came of it.
#[derive(Clone, Debug)]
pub struct Recorder<S = Vec<u8>> {
    sink: S,
    watch: Watch,
}

impl<S: Sink> Recorder<S> {
    /// Begins a recording. `files` is all that the machine will find on its disk: path and content, sorted by path.
    pub fn new(mut sink: S, header: &Header, files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        sink.write(&file::begin(header));
        let mut recorder = Self { sink, watch: Watch::default() };
        for (path, content) in files {
            recorder.write(&Entry::File { path, content });
        }
        recorder
    }

    /// Starts the machine with `start`.
    pub fn start<R>(&mut self, ctx: &mut Ctx<'_>, start: impl FnOnce(&mut Ctx<'_>) -> R) -> R {
        self.step(ctx, None, start)
    }

    /// Hands `machine` one input. The input is written before the machine has it: if the machine dies of it, the
    /// recording shows of what.
    pub fn handle(&mut self, machine: &mut impl Machine, ctx: &mut Ctx<'_>, input: Input) {
        let now = ctx.now;
        self.write(&Entry::Told { now, input: Some(&input) });
        self.watched(ctx, |ctx| machine.handle(ctx, input));
    }

    fn step<R>(&mut self, ctx: &mut Ctx<'_>, input: Option<&Input>, run: impl FnOnce(&mut Ctx<'_>) -> R) -> R {
        let now = ctx.now;
        self.write(&Entry::Told { now, input });
        self.watched(ctx, run)
    }

    fn watched<R>(&mut self, ctx: &mut Ctx<'_>, run: impl FnOnce(&mut Ctx<'_>) -> R) -> R {
        let written = ctx.out.written().len();
        let mut disk = WatchedDisk { disk: &mut *ctx.disk, watch: &mut self.watch };
        let result = run(&mut Ctx { now: ctx.now, disk: &mut disk, out: &mut *ctx.out });
        let (errors, hash) = self.watch.end_step(ctx.disk, &ctx.out.written()[written..]);
        self.write(&Entry::Did { errors, hash: hash.to_le_bytes() });
        result
    }

    /// The machine has ended cleanly: nothing follows.
    pub fn end(&mut self) {
        self.write(&Entry::End);
    }

    pub fn sink(&self) -> &S {
        &self.sink
    }

    pub fn into_sink(self) -> S {
        self.sink
    }

    fn write(&mut self, entry: &Entry<&Input>) {
        let mut bytes = Vec::new();
        file::write(entry, &mut bytes);
        self.sink.write(&bytes);
    }
}
