//! Files behind core's [`Disk`]: the page cache is the operating system's, durability is a handle run elsewhere.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, IoSlice, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use lab_core::disk::{Disk, DiskError, DiskResult, FileId, FileSlice, SyncTarget};

/// Files kept open at most, whatever the process may: each costs the kernel memory, and opening again costs little.
const OPEN_FILES_MOST: usize = 4000;
/// Fewer would be opened and closed all the time.
const OPEN_FILES_LEAST: usize = 16;

/// A directory of files. All paths are relative to it.
#[derive(Debug)]
pub struct FileDisk {
    root: PathBuf,
    /// By file id: which file it is. Ids are never used again.
    handles: Vec<Option<usize>>,
    files: Vec<OpenFile>,
    /// Numbers in `files` that are free.
    free: Vec<usize>,
    /// In order, so that what lies below a directory is found without looking at all else.
    by_path: BTreeMap<String, usize>,
    /// Files with a descriptor that may be given up, by when they were last used: removed ones are not among them, for no
    /// name leads back to those.
    idle: RefCell<BTreeMap<u64, usize>>,
    /// How many may be in `idle`: beyond, the one unused for longest is closed, and opened again when it is needed.
    open_files: Cell<usize>,
    clock: Cell<u64>,
}

#[derive(Debug)]
struct OpenFile {
    path: String,
    /// The name leads to this file no more: it must not be opened again by name.
    unlinked: bool,
    file: RefCell<Option<Arc<File>>>,
    /// Its place in `idle`.
    last_used: Cell<u64>,
    /// Kept here, so that an append asks the system for nothing but the write.
    len: u64,
    generation: u32,
    users: u32,
}

/// Makes something durable, on whichever thread it is run.
#[derive(Debug)]
pub struct SyncHandle(SyncWork);

#[derive(Debug)]
enum SyncWork {
    File(Arc<File>),
    Path(PathBuf),
    Failed(DiskError),
}

impl SyncHandle {
    /// Waits until it is on the platter.
    pub fn run(self) -> DiskResult<()> {
        match self.0 {
            SyncWork::File(file) => file.sync_data().map_err(disk_error),
            SyncWork::Path(path) => {
                match File::open(&path) {
                    Ok(file) => file.sync_all().map_err(disk_error)?,
                    // Renamed away or removed: the directory has to say so durably.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(disk_error(error)),
                }
                sync_directory(&path).map_err(disk_error)
            }
            SyncWork::Failed(error) => Err(error),
        }
    }
}

impl FileDisk {
    /// Works in `root`, which is made when missing.
    pub fn new(root: impl Into<PathBuf>) -> DiskResult<Self> {
        let root = root.into();
        fs::create_dir_all(&root).map_err(disk_error)?;
        Ok(Self {
            root,
            handles: Vec::new(),
            files: Vec::new(),
            free: Vec::new(),
            by_path: BTreeMap::new(),
            idle: RefCell::default(),
            open_files: Cell::new(open_files()),
            clock: Cell::new(0),
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Path and content of every file, in order of the paths: how a recording begins.
    pub fn image(&self) -> DiskResult<Vec<(String, Bytes)>> {
        let mut image = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).map_err(disk_error)? {
                let path = entry.map_err(disk_error)?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&self.root).expect("it lies below");
                    let content = match fs::read(&path) {
                        // The other machine of a combined node has just removed it.
                        Err(error) if error.kind() == ErrorKind::NotFound => continue,
                        content => content.map_err(disk_error)?,
                    };
                    image.push((name.to_string_lossy().into_owned(), content.into()));
                }
            }
        }
        image.sort();
        Ok(image)
    }

    /// What [`lab_core::seam::Output::Sync`] asks for, ready to be run on another thread.
    pub fn sync_handle(&self, target: &SyncTarget) -> SyncHandle {
        let work = match target {
            SyncTarget::File(id) => self.opened(*id).map(|(_, file)| SyncWork::File(file)),
            SyncTarget::Path(path) => self.path(path).map(SyncWork::Path),
        };
        SyncHandle(work.unwrap_or_else(SyncWork::Failed))
    }

    /// The file of a slice, for a driver that copies from file to socket. `None`: it is closed, or was truncated since
    /// the slice was taken.
    pub fn pin(&self, slice: &FileSlice) -> Option<Arc<File>> {
        let (file, handle) = self.opened(slice.file).ok()?;
        (file.generation == slice.generation).then_some(handle)
    }

    /// The bytes of a slice. Fails when the file was truncated since the slice was taken: they may be others now.
    pub fn read_slice(&self, slice: &FileSlice) -> DiskResult<Bytes> {
        if self.file(slice.file)?.generation != slice.generation {
            return Err(DiskError::Broken("the file was truncated meanwhile".into()));
        }
        let bytes = self.read_at(slice.file, slice.position, slice.len as usize)?;
        if bytes.len() != slice.len as usize {
            return Err(DiskError::Broken("the file is shorter than it was".into()));
        }
        Ok(bytes)
    }

    fn number(&self, id: FileId) -> DiskResult<usize> {
        let number = self.handles.get(id.0 as usize).copied().flatten();
        number.ok_or_else(|| DiskError::NotFound(format!("file {}", id.0)))
    }

    fn file(&self, id: FileId) -> DiskResult<&OpenFile> {
        Ok(&self.files[self.number(id)?])
    }

    /// The file with its descriptor, opened again if it was closed for being idle.
    fn opened(&self, id: FileId) -> DiskResult<(&OpenFile, Arc<File>)> {
        let number = self.number(id)?;
        let open = &self.files[number];
        if let Some(file) = &*open.file.borrow() {
            if !open.unlinked {
                self.used(number, open);
            }
            return Ok((open, file.clone()));
        }
        if open.unlinked {
            return Err(DiskError::NotFound(open.path.clone()));
        }
        let path = self.path(&open.path)?;
        let file = Arc::new(self.with_room(|| open_append(&path)).map_err(disk_error)?);
        *open.file.borrow_mut() = Some(file.clone());
        self.used(number, open);
        self.close_idle();
        Ok((open, file))
    }

    /// Notes that a file with a descriptor is used now.
    fn used(&self, number: usize, open: &OpenFile) {
        self.clock.set(self.clock.get() + 1);
        let mut idle = self.idle.borrow_mut();
        idle.remove(&open.last_used.get());
        open.last_used.set(self.clock.get());
        idle.insert(self.clock.get(), number);
    }

    fn close_idle(&self) {
        let mut idle = self.idle.borrow_mut();
        while idle.len() > self.open_files.get() {
            let (_, oldest) = idle.pop_first().expect("there are more than may be");
            *self.files[oldest].file.borrow_mut() = None;
        }
    }

    /// Opens, and when the process has no descriptor left (sockets need some too), keeps only half as many files open from
    /// then on and tries again.
    fn with_room<T>(&self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        loop {
            let opened = open();
            let full = opened.as_ref().is_err_and(|error| {
                let full = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(|errno| errno.raw_os_error());
                error.raw_os_error().is_some_and(|code| full.contains(&code))
            });
            let kept = self.idle.borrow().len();
            if !full || kept == 0 {
                return opened;
            }
            self.open_files.set((kept / 2).max(OPEN_FILES_LEAST).min(kept - 1));
            self.close_idle();
        }
    }

    /// `path` below the root.
    fn path(&self, path: &str) -> DiskResult<PathBuf> {
        let plain = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if plain { Ok(self.root.join(path)) } else { Err(DiskError::Broken(format!("{path:?} is no path of a disk"))) }
    }

    /// Takes the open files at or below `path` out of the names.
    fn take_below(&mut self, path: &str) -> Vec<(String, usize)> {
        let mut taken: Vec<(String, usize)> = self.by_path.remove_entry(path).into_iter().collect();
        // What begins with `path/`: `0` is the next character after `/`.
        let (from, to) = (format!("{path}/"), format!("{path}0"));
        let below: Vec<String> = self.by_path.range(from..to).map(|(name, _)| name.clone()).collect();
        taken.extend(below.into_iter().filter_map(|name| self.by_path.remove_entry(&name)));
        taken
    }

    /// Names at or below `path` lead nowhere or elsewhere from now on.
    fn unlink(&mut self, path: &str) {
        for (_, number) in self.take_below(path) {
            let open = &mut self.files[number];
            open.unlinked = true;
            self.idle.borrow_mut().remove(&open.last_used.get());
        }
    }
}

impl Disk for FileDisk {
    fn open(&mut self, path: &str) -> DiskResult<FileId> {
        let id = FileId(u32::try_from(self.handles.len()).expect("fewer than four billion opens"));
        if let Some(&number) = self.by_path.get(path) {
            self.files[number].users += 1;
            self.handles.push(Some(number));
            return Ok(id);
        }
        let full = self.path(path)?;
        let file = match self.with_room(|| open_append(&full)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(full.parent().unwrap_or(&self.root)).map_err(disk_error)?;
                self.with_room(|| open_append(&full))
            }
            file => file,
        }
        .map_err(disk_error)?;
        let len = file.metadata().map_err(disk_error)?.len();
        let open = OpenFile {
            path: path.into(),
            unlinked: false,
            file: RefCell::new(Some(Arc::new(file))),
            last_used: Cell::new(0),
            len,
            generation: 0,
            users: 1,
        };
        let number = match self.free.pop() {
            Some(number) => {
                self.files[number] = open;
                number
            }
            None => {
                self.files.push(open);
                self.files.len() - 1
            }
        };
        self.used(number, &self.files[number]);
        self.close_idle();
        self.by_path.insert(path.into(), number);
        self.handles.push(Some(number));
        Ok(id)
    }

    fn close(&mut self, file: FileId) {
        let Ok(number) = self.number(file) else { return };
        self.handles[file.0 as usize] = None;
        let open = &mut self.files[number];
        open.users -= 1;
        if open.users == 0 {
            if open.file.take().is_some() {
                self.idle.get_mut().remove(&open.last_used.get());
            }
            if !open.unlinked {
                self.by_path.remove(&open.path);
            }
            // A file that is opened again begins at generation 0 in another id, so no slice of this one fits it.
            self.free.push(number);
        }
    }

    fn len(&self, file: FileId) -> DiskResult<u64> {
        Ok(self.file(file)?.len)
    }

    fn append(&mut self, file: FileId, parts: &[&[u8]]) -> DiskResult<u64> {
        let number = self.number(file)?;
        let (open, handle) = self.opened(file)?;
        let position = open.len;
        match write_all(&handle, parts) {
            Ok(written) => {
                self.files[number].len += written;
                Ok(position)
            }
            Err(error) => {
                // Half a batch must not stay: the next append would make it part of the log.
                handle.set_len(position).map_err(disk_error)?;
                Err(disk_error(error))
            }
        }
    }

    fn read_at(&self, file: FileId, position: u64, len: usize) -> DiskResult<Bytes> {
        let (open, handle) = self.opened(file)?;
        let left = usize::try_from(open.len.saturating_sub(position)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len.min(left)];
        let mut filled = 0;
        while filled < bytes.len() {
            match handle.read_at(&mut bytes[filled..], position + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(disk_error(error)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes.into())
    }

    fn truncate(&mut self, file: FileId, len: u64) -> DiskResult<()> {
        let number = self.number(file)?;
        let (open, handle) = self.opened(file)?;
        let shorter = len.min(open.len);
        handle.set_len(shorter).map_err(disk_error)?;
        self.files[number].len = shorter;
        self.files[number].generation += 1;
        Ok(())
    }

    fn generation(&self, file: FileId) -> u32 {
        self.file(file).map_or(u32::MAX, |file| file.generation)
    }

    fn read(&self, path: &str) -> DiskResult<Bytes> {
        let full = self.path(path)?;
        match self.with_room(|| fs::read(&full)) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(DiskError::NotFound(path.into())),
            Err(error) => Err(disk_error(error)),
        }
    }

    fn replace(&mut self, path: &str, bytes: &[u8], durable: bool) -> DiskResult<()> {
        let full = self.path(path)?;
        let aside = self.path(&format!("{path}.tmp"))?;
        let create = || self.with_room(|| File::create(&aside));
        let write = || {
            let mut file = match create() {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs::create_dir_all(full.parent().unwrap_or(&self.root))?;
                    create()?
                }
                file => file?,
            };
            file.write_all(bytes)?;
            if durable {
                file.sync_data()?;
            }
            fs::rename(&aside, &full)
        };
        if let Err(error) = write() {
            let _ = fs::remove_file(&aside);
            return Err(disk_error(error));
        }
        self.unlink(path);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> DiskResult<()> {
        let (full_from, full_to) = (self.path(from)?, self.path(to)?);
        fs::create_dir_all(full_to.parent().unwrap_or(&self.root)).map_err(disk_error)?;
        match fs::rename(full_from, full_to) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(DiskError::NotFound(from.into())),
            Err(error) => return Err(disk_error(error)),
        }
        self.unlink(to);
        for (path, number) in self.take_below(from) {
            let path = format!("{to}{}", &path[from.len()..]);
            self.files[number].path = path.clone();
            self.by_path.insert(path, number);
        }
        Ok(())
    }

    fn remove(&mut self, path: &str) -> DiskResult<()> {
        let full = self.path(path)?;
        let removed = match fs::symlink_metadata(&full) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&full),
            Ok(_) => fs::remove_file(&full),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(disk_error(error)),
            _ => self.unlink(path),
        }
        Ok(())
    }

    fn list(&self, dir: &str) -> DiskResult<Vec<String>> {
        let full = if dir.is_empty() { self.root.clone() } else { self.path(dir)? };
        let entries = match fs::read_dir(full) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(disk_error(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(disk_error)?;
            if holds_a_file(&entry).map_err(disk_error)? {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}

/// Whether this is a file, or a directory with one in it or below.
fn holds_a_file(entry: &fs::DirEntry) -> io::Result<bool> {
    if !entry.file_type()?.is_dir() {
        return Ok(true);
    }
    let inner = match fs::read_dir(entry.path()) {
        // The other machine of a combined node has just removed it.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        inner => inner?,
    };
    for inner in inner {
        if holds_a_file(&inner?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Opened for appending, so that the system finds the end by itself: a write never lands anywhere else.
fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// Writes all parts, in one call when the system takes them at once. Returns their length.
fn write_all(mut file: &File, parts: &[&[u8]]) -> io::Result<u64> {
    let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut rest = &mut slices[..];
    IoSlice::advance_slices(&mut rest, 0);
    let mut written = 0;
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(n) => {
                written += n as u64;
                IoSlice::advance_slices(&mut rest, n);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// Makes the entry of `path` in its directory durable.
fn sync_directory(path: &Path) -> io::Result<()> {
    match File::open(path.parent().unwrap_or(Path::new("."))) {
        Ok(dir) => dir.sync_all(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Half of what the process may open: sockets and what the threads of the disk hold need the rest.
fn open_files() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let half = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX) / 2);
    half.clamp(OPEN_FILES_LEAST, OPEN_FILES_MOST)
}

fn disk_error(error: io::Error) -> DiskError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge | ErrorKind::WriteZero => {
            DiskError::Full
        }
        ErrorKind::NotFound => DiskError::NotFound(error.to_string()),
        _ => DiskError::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
