//! Recording a node: a machine with a tape beside it, or with none. Without one there is a branch and nothing else.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use lab_core::{
    program::Program,
    recording::{Header, Recorder, Sink},
    seam::{Ctx, Input, Machine, Outbox, Output, Time},
};
use tracing::{error, info};

use crate::{
    disk::FileDisk,
    failure::{Failure, Outcome, While},
};

/// A recording begins with all files of the node, and a replay keeps them in memory.
const FILES_MAX: usize = 256 << 20;

/// The file that a recording is written to, entry by entry: a node that is killed leaves all of it behind.
#[derive(Debug)]
pub(super) struct Tape {
    file: File,
    path: PathBuf,
    /// A disk that refused once gets no more: what follows a gap could not be replayed.
    broken: bool,
}

impl Sink for Tape {
    fn write(&mut self, bytes: &[u8]) {
        if self.broken {
            return;
        }
        if let Err(error) = self.file.write_all(bytes) {
            self.broken = true;
            error!("the recording {} ends here: {error}", self.path.display());
        }
    }
}

/// Begins the recording of a program that is about to start on `disk`, with an outbox of this salt. Each start of a
/// node writes a file of its own: `path`, then `path.2`, `path.3`, ...
pub(super) fn begin(path: &Path, program: Program, salt: u8, disk: &FileDisk) -> Outcome<Recorder<Tape>> {
    let files = disk.image().doing(|| format!("cannot read {}", disk.root().display()))?;
    let size: usize = files.iter().map(|(_, content)| content.len()).sum();
    if size > FILES_MAX {
        return Err(Failure::new(format!(
            "{} holds {} MB, and a recording begins with all of it: at most {} MB can be recorded",
            disk.root().display(),
            size >> 20,
            FILES_MAX >> 20
        ))
        .next("Record a cluster from its beginning: `kafka-lab up --fresh --record`."));
    }
    let (file, path) = create(path).doing(|| format!("cannot write the recording {}", path.display()))?;
    info!("the {} is recorded in {}", program.name(), path.display());
    let header = Header::new(program.clone(), &Outbox::new(program.node(), salt, false));
    Ok(Recorder::new(Tape { file, path, broken: false }, &header, files))
}

fn create(path: &Path) -> io::Result<(File, PathBuf)> {
    for life in 1.. {
        let mut numbered = path.as_os_str().to_owned();
        if life > 1 {
            numbered.push(format!(".{life}"));
        }
        match File::create_new(&numbered) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            file => return Ok((file?, numbered.into())),
        }
    }
    unreachable!("a folder has fewer files than there are numbers")
}

/// A machine and what records it.
#[derive(Debug)]
pub(super) struct Taped<M> {
    pub(super) machine: M,
    recorder: Option<Recorder<Tape>>,
}

impl<M> Taped<M> {
    /// Starts the machine, recorded if there is a recorder.
    pub(super) fn start<E>(
        mut recorder: Option<Recorder<Tape>>,
        ctx: &mut Ctx<'_>,
        start: impl FnOnce(&mut Ctx<'_>) -> Result<M, E>,
    ) -> Result<Self, E> {
        let machine = match &mut recorder {
            None => start(ctx)?,
            Some(recorder) => recorder.start(ctx, start)?,
        };
        Ok(Self { machine, recorder })
    }
}

impl<M: Machine> Machine for Taped<M> {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        let Some(recorder) = &mut self.recorder else { return self.machine.handle(ctx, input) };
        recorder.handle(&mut self.machine, ctx, input);
        if ctx.out.written().contains(&Output::Exit) {
            recorder.end();
            self.recorder = None;
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.machine.deadline()
    }
}
