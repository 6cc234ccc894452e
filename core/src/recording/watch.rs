//! What stands between a machine and its disk while it is recorded or replayed: it numbers calls, folds changes, and
//! remembers errors, or gives those that were recorded.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
};

use bytes::Bytes;

use crate::{
    disk::{Disk, DiskError, DiskResult, FileId, SyncTarget},
    hash::Fold,
    seam::{Output, Part},
};

/// What a machine has done so far. The same for recording and replay, so that they cannot count differently.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    fold: Fold,
    /// Files are known by the order in which they were opened.
    files: BTreeMap<FileId, u64>,
    opened: u64,
    /// Calls in this step that can fail.
    calls: Cell<u32>,
    errors: RefCell<Vec<(u32, DiskError)>>,
    /// Replay: the errors to give in this step.
    planned: RefCell<VecDeque<(u32, DiskError)>>,
    pub(super) outputs: u64,
}

impl Watch {
    /// A step begins, in which these calls fail whatever the disk says.
    pub(super) fn plan(&mut self, errors: Vec<(u32, DiskError)>) {
        self.planned = RefCell::new(errors.into());
    }

    /// The step is over: `outputs` is what the machine asked for in it. Gives the errors of the disk and the hash so far.
    pub(super) fn end_step(&mut self, disk: &mut dyn Disk, outputs: &[Output]) -> (Vec<(u32, DiskError)>, u64) {
        for output in outputs {
            self.fold_output(disk, output);
        }
        self.fold.word(self.calls.take().into());
        self.planned.borrow_mut().clear();
        (self.errors.take(), self.fold.finish())
    }

    fn words(&mut self, words: &[u64]) {
        words.iter().for_each(|&word| self.fold.word(word));
    }

    fn call<T>(&self, run: impl FnOnce() -> DiskResult<T>) -> DiskResult<T> {
        let number = self.calls.get();
        self.calls.set(number.wrapping_add(1));
        let mut planned = self.planned.borrow_mut();
        let fails_now = planned.front().is_some_and(|(call, _)| *call == number);
        let result = match fails_now.then(|| planned.pop_front()).flatten() {
            Some((_, error)) => Err(error),
            None => run(),
        };
        if let Err(error) = &result {
            self.errors.borrow_mut().push((number, error.clone()));
        }
        result
    }

    fn file(&self, file: FileId) -> u64 {
        self.files.get(&file).copied().unwrap_or(u64::MAX)
    }

    fn fold_output(&mut self, disk: &mut dyn Disk, output: &Output) {
        self.outputs += u64::from(!matches!(output, Output::Trace { .. }));
        match output {
            Output::Open { conn, to } => {
                self.words(&[1, conn.0, to.port.into()]);
                self.fold.bytes(to.host.as_bytes());
            }
            Output::Close { conn } => self.words(&[2, conn.0]),
            Output::Send { conn, parts, cause: _ } => {
                self.words(&[3, conn.0, parts.len() as u64]);
                for part in parts {
                    match part {
                        Part::Bytes(bytes) => self.fold.bytes(bytes),
                        // Cut short meanwhile: no driver sends it.
                        Part::File(slice) if disk.generation(slice.file) != slice.generation => self.words(&[4]),
                        Part::File(slice) => {
                            let read = self.call(|| disk.read_at(slice.file, slice.position, slice.len as usize));
                            self.fold.bytes(&read.unwrap_or_default());
                        }
                    }
                }
            }
            Output::Mute { conn } => self.words(&[5, conn.0]),
            Output::Unmute { conn } => self.words(&[6, conn.0]),
            Output::Sync { token, target: SyncTarget::File(file) } => {
                let file = self.file(*file);
                self.words(&[7, token.0, file]);
            }
            Output::Sync { token, target: SyncTarget::Path(path) } => {
                self.words(&[8, token.0]);
                self.fold.bytes(path.as_bytes());
            }
            Output::Job { token, job } => self.words(&[9, token.0, job.size() as u64]),
            Output::Identified { conn, peer } => self.words(&[10, conn.0, peer.0 as u64]),
            Output::Exit => self.words(&[11]),
            Output::Listen => self.words(&[12]),
            Output::Trace { .. } => {}
        }
    }
}

/// The disk that the machine sees.
pub(super) struct WatchedDisk<'a> {
    pub(super) disk: &'a mut dyn Disk,
    pub(super) watch: &'a mut Watch,
}

impl WatchedDisk<'_> {
    /// A call that changes something: what it changed is folded once it has.
    fn change<T>(
        &mut self,
        kind: u64,
        names: &[&str],
        run: impl FnOnce(&mut dyn Disk) -> DiskResult<T>,
    ) -> DiskResult<T> {
        let Self { disk, watch } = self;
        let result = watch.call(|| run(*disk))?;
        watch.words(&[kind]);
        names.iter().for_each(|name| watch.fold.bytes(name.as_bytes()));
        Ok(result)
    }
}

impl Disk for WatchedDisk<'_> {
    fn open(&mut self, path: &str) -> DiskResult<FileId> {
        let file = self.change(20, &[path], |disk| disk.open(path))?;
        self.watch.files.insert(file, self.watch.opened);
        self.watch.opened += 1;
        Ok(file)
    }

    fn close(&mut self, file: FileId) {
        let number = self.watch.files.remove(&file).unwrap_or(u64::MAX);
        self.watch.words(&[21, number]);
        self.disk.close(file);
    }

    fn len(&self, file: FileId) -> DiskResult<u64> {
        self.watch.call(|| self.disk.len(file))
    }

    fn append(&mut self, file: FileId, parts: &[&[u8]]) -> DiskResult<u64> {
        let position = self.change(22, &[], |disk| disk.append(file, parts))?;
        let number = self.watch.file(file);
        self.watch.words(&[number, position]);
        parts.iter().for_each(|part| self.watch.fold.bytes(part));
        Ok(position)
    }

    fn read_at(&self, file: FileId, position: u64, len: usize) -> DiskResult<Bytes> {
        self.watch.call(|| self.disk.read_at(file, position, len))
    }

    fn truncate(&mut self, file: FileId, len: u64) -> DiskResult<()> {
        self.change(23, &[], |disk| disk.truncate(file, len))?;
        let number = self.watch.file(file);
        self.watch.words(&[number, len]);
        Ok(())
    }

    fn generation(&self, file: FileId) -> u32 {
        self.disk.generation(file)
    }

    fn read(&self, path: &str) -> DiskResult<Bytes> {
        self.watch.call(|| self.disk.read(path))
    }

    fn replace(&mut self, path: &str, bytes: &[u8], durable: bool) -> DiskResult<()> {
        self.change(24, &[path], |disk| disk.replace(path, bytes, durable))?;
        self.watch.words(&[durable.into()]);
        self.watch.fold.bytes(bytes);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> DiskResult<()> {
        self.change(25, &[from, to], |disk| disk.rename(from, to))
    }

    fn remove(&mut self, path: &str) -> DiskResult<()> {
        self.change(26, &[path], |disk| disk.remove(path))
    }

    fn list(&self, dir: &str) -> DiskResult<Vec<String>> {
        self.watch.call(|| self.disk.list(dir))
    }
}
