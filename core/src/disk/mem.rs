//! A disk in memory that forgets like a real one.
//!
//! What was written is readable at once and survives the death of the process ([`MemDisk::process_crash`]). What was
//! not synced may be gone, or half there, when the power fails ([`MemDisk::power_loss`]): tails of files, truncations,
//! and changes of names, in their order. Cloning is cheap, because contents are shared until one side writes.

use std::{collections::BTreeMap, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::{Disk, DiskError, DiskResult, FileId, SyncTarget};
use crate::random;

/// Contents are kept in chunks of this many bytes. Only the last, unfinished chunk is copied when clones part.
const CHUNK: usize = 16 << 10;

/// A disk in memory. See the module.
#[derive(Clone, Debug, Default)]
pub struct MemDisk {
    files: BTreeMap<u64, MemFile>,
    names: BTreeMap<String, u64>,
    /// The names as they would be found after a power loss: what directory syncs have made safe.
    synced_names: BTreeMap<String, u64>,
    /// Changes of names since then, in order: as on a journaling file system, a power loss keeps some first ones.
    journal: Vec<NameChange>,
    handles: BTreeMap<FileId, u64>,
    next_file: u64,
    next_handle: u32,
    generations: u32,
    used: u64,
    capacity: Option<u64>,
    full: bool,
    broken: BTreeMap<String, String>,
}

/// A path leads to a file from now on, or to none.
type NameChange = (String, Option<u64>);

/// So many changes of names wait for a sync; then the oldest half reaches the platter by itself, as it does after some
/// seconds on a real disk.
const JOURNAL: usize = 512;

#[derive(Clone, Debug, Default)]
struct MemFile {
    content: Content,
    /// Content at the last sync.
    synced: Content,
    /// This many bytes of `content` are those of `synced`: fewer than all of them after a truncation, and then a power
    /// loss may bring the old bytes back.
    safe: usize,
    generation: u32,
}

impl MemFile {
    fn set_synced(&mut self) {
        self.synced = self.content.clone();
        self.safe = self.synced.len();
    }
}

/// Bytes in shared chunks: all but the last are full.
#[derive(Clone, Debug, Default)]
struct Content {
    chunks: Arc<Vec<Bytes>>,
    tail: Arc<BytesMut>,
}

impl Content {
    fn len(&self) -> usize {
        self.chunks.len() * CHUNK + self.tail.len()
    }

    fn append(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let tail = Arc::make_mut(&mut self.tail);
            let take = bytes.len().min(CHUNK - tail.len());
            tail.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if tail.len() == CHUNK {
                let full = std::mem::take(tail).freeze();
                Arc::make_mut(&mut self.chunks).push(full);
            }
        }
    }

    fn read(&self, position: usize, len: usize) -> Bytes {
        let end = self.len().min(position.saturating_add(len));
        if position >= end {
            return Bytes::new();
        }
        let chunk = position / CHUNK;
        if chunk < self.chunks.len() && (end - 1) / CHUNK == chunk {
            return self.chunks[chunk].slice(position - chunk * CHUNK..end - chunk * CHUNK);
        }
        let mut out = BytesMut::with_capacity(end - position);
        let mut at = position;
        while at < end {
            let chunk = at / CHUNK;
            let bytes: &[u8] = self.chunks.get(chunk).map_or(&self.tail[..], |c| &c[..]);
            let to = bytes.len().min(end - chunk * CHUNK);
            out.extend_from_slice(&bytes[at - chunk * CHUNK..to]);
            at = chunk * CHUNK + to;
        }
        out.freeze()
    }

    fn truncate(&mut self, len: usize) {
        if len >= self.len() {
            return;
        }
        let whole = len / CHUNK;
        if whole < self.chunks.len() {
            let tail = BytesMut::from(&self.chunks[whole][..len - whole * CHUNK]);
            Arc::make_mut(&mut self.chunks).truncate(whole);
            self.tail = Arc::new(tail);
        } else {
            Arc::make_mut(&mut self.tail).truncate(len - whole * CHUNK);
        }
    }
}

impl MemDisk {
    pub fn new() -> Self {
        Self::default()
    }

    /// A disk with these files, all of them durable.
    pub fn with_files(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let mut disk = Self::new();
        for (path, bytes) in files {
            let file = disk.new_file(&path);
            let new = disk.files.get_mut(&file).expect("just made");
            new.content.append(&bytes);
            new.set_synced();
        }
        disk.sync_names(usize::MAX);
        disk
    }

    /// Path and content of every file, in order of the paths.
    pub fn image(&self) -> Vec<(String, Bytes)> {
        self.names.iter().map(|(path, file)| (path.clone(), self.files[file].content.read(0, usize::MAX))).collect()
    }

    /// Makes `target` durable, as the driver does for [`crate::seam::Output::Sync`].
    pub fn sync(&mut self, target: &SyncTarget) -> DiskResult<()> {
        match target {
            SyncTarget::File(id) => {
                let file = self.handle(*id)?;
                self.check_broken_file(file)?;
                self.sync_file(file);
            }
            SyncTarget::Path(path) => {
                self.check_broken(path)?;
                let Some(&file) = self.names.get(path) else {
                    // What was renamed away or removed: the directory still says so durably.
                    self.sync_names(usize::MAX);
                    return Ok(());
                };
                self.sync_file(file);
                self.sync_names(usize::MAX);
            }
        }
        Ok(())
    }

    /// The process died: its open files are closed, everything it wrote is there.
    pub fn process_crash(&mut self) {
        self.handles.clear();
        self.forget_unnamed();
    }

    /// The power failed. Everything synced is there; of the rest, any prefix of what was appended to a file may be
    /// (sometimes with garbage where its last bytes should be), and the first so many of the creations, renames and
    /// removals since the last sync of a path: journaling file systems keep their order.
    pub fn power_loss(&mut self, rng: &mut fastrand::Rng) {
        self.handles.clear();
        for file in self.files.values_mut() {
            if file.safe < file.synced.len() && rng.bool() {
                file.content = file.synced.clone();
            } else {
                tear(&mut file.content, file.safe, rng);
            }
            file.set_synced();
            self.generations += 1;
            file.generation = self.generations;
        }
        let kept = random::index(rng, self.journal.len() + 1);
        self.sync_names(kept);
        self.journal.clear();
        self.names = self.synced_names.clone();
        self.forget_unnamed();
    }

    /// From now on nothing can be appended (`true`), as on a full file system.
    pub fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// Limits the bytes of all files together.
    pub fn set_capacity(&mut self, bytes: Option<u64>) {
        self.capacity = bytes;
    }

    /// Every access to `path` (or to what lies in it) fails from now on, with `why`; `None` heals it.
    pub fn break_file(&mut self, path: &str, why: Option<&str>) {
        match why {
            Some(why) => self.broken.insert(path.into(), why.into()),
            None => self.broken.remove(path),
        };
    }

    /// Bytes of all files.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Paths of all files, sorted, with their lengths.
    pub fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.names.iter().map(|(path, file)| (path.as_str(), self.files[file].content.len() as u64))
    }

    /// Changes a byte where it lies, durably: bit rot, for tests. Past the end nothing happens.
    pub fn corrupt(&mut self, path: &str, position: u64, byte: u8) {
        if let Some(file) = self.names.get(path).and_then(|file| self.files.get_mut(file)) {
            let mut bytes = file.content.read(0, usize::MAX).to_vec();
            if let Some(at) = bytes.get_mut(position as usize) {
                *at = byte;
                file.content = Content::default();
                file.content.append(&bytes);
                file.set_synced();
            }
        }
    }

    fn handle(&self, id: FileId) -> DiskResult<u64> {
        self.handles.get(&id).copied().ok_or_else(|| DiskError::NotFound(format!("file {}", id.0)))
    }

    fn file(&self, id: FileId) -> DiskResult<&MemFile> {
        let file = self.handle(id)?;
        self.check_broken_file(file)?;
        Ok(&self.files[&file])
    }

    fn new_file(&mut self, path: &str) -> u64 {
        self.next_file += 1;
        self.files.insert(self.next_file, MemFile::default());
        let file = self.next_file;
        self.link(path.into(), file);
        file
    }

    fn check_space(&self, more: u64) -> DiskResult<()> {
        if self.full || self.capacity.is_some_and(|capacity| self.used + more > capacity) {
            return Err(DiskError::Full);
        }
        Ok(())
    }

    fn check_broken(&self, path: &str) -> DiskResult<()> {
        if self.broken.is_empty() {
            return Ok(());
        }
        let hit = self.broken.iter().find(|(broken, _)| is_under(path, broken));
        hit.map_or(Ok(()), |(_, why)| Err(DiskError::Broken(why.clone())))
    }

    fn check_broken_file(&self, file: u64) -> DiskResult<()> {
        if self.broken.is_empty() {
            return Ok(());
        }
        let mut paths = self.names.iter().filter(|&(_, &f)| f == file).map(|(path, _)| path);
        paths.try_for_each(|path| self.check_broken(path))
    }

    fn sync_file(&mut self, file: u64) {
        self.files.get_mut(&file).expect("names and handles point at files").set_synced();
    }

    /// The first `count` changes of names are durable.
    fn sync_names(&mut self, count: usize) {
        for (path, file) in self.journal.drain(..count.min(self.journal.len())) {
            match file {
                Some(file) => self.synced_names.insert(path, file),
                None => self.synced_names.remove(&path),
            };
        }
        self.forget_unnamed();
    }

    fn link(&mut self, path: String, file: u64) {
        self.names.insert(path.clone(), file);
        self.note_change((path, Some(file)));
    }

    fn unlink(&mut self, path: String) {
        self.names.remove(&path);
        self.note_change((path, None));
    }

    fn note_change(&mut self, change: NameChange) {
        self.journal.push(change);
        if self.journal.len() >= JOURNAL {
            self.sync_names(JOURNAL / 2);
        }
    }

    /// Drops files that no name (present or synced) and no handle points at.
    fn forget_unnamed(&mut self) {
        let (names, synced, handles) = (&self.names, &self.synced_names, &self.handles);
        let journal = self.journal.iter().filter_map(|(_, file)| *file);
        let sorted = |mut files: Vec<u64>| {
            files.sort_unstable();
            files.dedup();
            files
        };
        let used = sorted(names.values().chain(handles.values()).copied().collect());
        let kept = sorted(used.iter().chain(synced.values()).copied().chain(journal).collect());
        self.files.retain(|file, _| kept.binary_search(file).is_ok());
        self.used = used.iter().map(|file| self.files[file].content.len() as u64).sum();
    }
}

/// Keeps a random prefix of what was appended after the first `safe` bytes; one time in four its last bytes are garbage, as when a
/// file grew on the platter before its bytes got there.
fn tear(content: &mut Content, safe: usize, rng: &mut fastrand::Rng) {
    let len = content.len();
    if len <= safe {
        return;
    }
    let kept = safe + random::index(rng, len - safe + 1);
    content.truncate(kept);
    if kept > safe && rng.u8(..4) == 0 {
        let garbage = 1 + random::index(rng, (kept - safe).min(512));
        content.truncate(kept - garbage);
        content.append(&vec![0; garbage]);
    }
}

/// `path` is `dir` or lies below it.
fn is_under(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Disk for MemDisk {
    fn open(&mut self, path: &str) -> DiskResult<FileId> {
        self.check_broken(path)?;
        let file = match self.names.get(path) {
            Some(&file) => file,
            None => self.new_file(path),
        };
        self.next_handle += 1;
        let id = FileId(self.next_handle);
        self.handles.insert(id, file);
        Ok(id)
    }

    fn close(&mut self, file: FileId) {
        if let Some(file) = self.handles.remove(&file)
            && !self.names.values().any(|&named| named == file)
        {
            self.forget_unnamed();
        }
    }

    fn len(&self, file: FileId) -> DiskResult<u64> {
        Ok(self.file(file)?.content.len() as u64)
    }

    fn append(&mut self, file: FileId, parts: &[&[u8]]) -> DiskResult<u64> {
        let file = self.handle(file)?;
        self.check_broken_file(file)?;
        let more: usize = parts.iter().map(|part| part.len()).sum();
        self.check_space(more as u64)?;
        self.used += more as u64;
        let content = &mut self.files.get_mut(&file).expect("handles point at files").content;
        let position = content.len() as u64;
        for part in parts {
            content.append(part);
        }
        Ok(position)
    }

    fn read_at(&self, file: FileId, position: u64, len: usize) -> DiskResult<Bytes> {
        Ok(self.file(file)?.content.read(position as usize, len))
    }

    fn truncate(&mut self, file: FileId, len: u64) -> DiskResult<()> {
        let file = self.handle(file)?;
        self.check_broken_file(file)?;
        self.generations += 1;
        let generation = self.generations;
        let file = self.files.get_mut(&file).expect("handles point at files");
        let before = file.content.len();
        file.content.truncate(len as usize);
        file.safe = file.safe.min(len as usize);
        file.generation = generation;
        self.used -= (before - file.content.len()) as u64;
        Ok(())
    }

    fn generation(&self, file: FileId) -> u32 {
        self.handles.get(&file).map_or(u32::MAX, |file| self.files[file].generation)
    }

    fn read(&self, path: &str) -> DiskResult<Bytes> {
        self.check_broken(path)?;
        let file = self.names.get(path).ok_or_else(|| DiskError::NotFound(path.into()))?;
        Ok(self.files[file].content.read(0, usize::MAX))
    }

    fn replace(&mut self, path: &str, bytes: &[u8], durable: bool) -> DiskResult<()> {
        self.check_broken(path)?;
        self.check_space(bytes.len() as u64)?;
        let file = self.new_file(path);
        let new = self.files.get_mut(&file).expect("just made");
        new.content.append(bytes);
        if durable {
            new.set_synced();
        }
        self.forget_unnamed();
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> DiskResult<()> {
        self.check_broken(from)?;
        self.check_broken(to)?;
        let moved: Vec<String> = self.names.keys().filter(|path| is_under(path, from)).cloned().collect();
        if moved.is_empty() {
            return Err(DiskError::NotFound(from.into()));
        }
        for path in moved {
            // The new name first: no crash finds neither.
            self.link(format!("{to}{}", &path[from.len()..]), self.names[&path]);
            self.unlink(path);
        }
        self.forget_unnamed();
        Ok(())
    }

    fn remove(&mut self, path: &str) -> DiskResult<()> {
        self.check_broken(path)?;
        let gone: Vec<String> = self.names.keys().filter(|name| is_under(name, path)).cloned().collect();
        for path in gone {
            self.unlink(path);
        }
        self.forget_unnamed();
        Ok(())
    }

    fn list(&self, dir: &str) -> DiskResult<Vec<String>> {
        self.check_broken(dir)?;
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let below =
            self.names.range(prefix.clone()..).map(|(path, _)| path).take_while(|path| path.starts_with(&prefix));
        let mut names: Vec<String> = Vec::new();
        for path in below {
            let name = path[prefix.len()..].split('/').next().expect("split gives at least one");
            if names.last().is_none_or(|last| last != name) {
                names.push(name.into());
            }
        }
        // A directory sorts by its slash among the paths, by its name alone here.
        names.sort();
        names.dedup();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::suite;

    fn written(disk: &mut MemDisk, path: &str, bytes: &[u8]) -> FileId {
        let file = disk.open(path).unwrap();
        disk.append(file, &[bytes]).unwrap();
        file
    }

    #[test]
    fn behaves_like_every_disk() {
        suite::check(&mut MemDisk::new());
    }

    #[test]
    fn a_process_crash_loses_nothing_written() {
        let mut disk = MemDisk::new();
        let file = written(&mut disk, "a", b"hello");
        disk.replace("b", b"1", false).unwrap();
        disk.process_crash();
        assert!(disk.len(file).is_err(), "its files are closed");
        assert_eq!(disk.read("a").unwrap(), "hello");
        assert_eq!(disk.read("b").unwrap(), "1");
    }

    #[test]
    fn a_power_loss_keeps_what_was_synced() {
        for seed in 0..200 {
            let mut disk = MemDisk::new();
            let file = written(&mut disk, "d/a", b"hello");
            disk.sync(&SyncTarget::Path("d/a".into())).unwrap();
            disk.append(file, &[b", world"]).unwrap();
            disk.sync(&SyncTarget::File(file)).unwrap();
            disk.append(file, &[&[b'x'; 1000]]).unwrap();
            disk.power_loss(&mut fastrand::Rng::with_seed(seed));
            let found = disk.read("d/a").unwrap();
            assert!(found.starts_with(b"hello, world") && found.len() <= 1012);
        }
    }

    /// Each of the things that may happen does happen under some seed.
    #[test]
    fn a_power_loss_takes_what_was_not_synced() {
        let (mut lost, mut torn, mut kept, mut zeros) = (0, 0, 0, 0);
        let (mut old, mut new) = (0, 0);
        let mut revived = 0;
        for seed in 0..400 {
            let mut disk = MemDisk::new();
            disk.replace("vote", b"old", true).unwrap();
            disk.sync(&SyncTarget::Path("vote".into())).unwrap();
            let cut = written(&mut disk, "e/cut", b"0123456789");
            disk.sync(&SyncTarget::Path("e/cut".into())).unwrap();
            written(&mut disk, "d/a", &[b'x'; 600]);
            disk.replace("vote", b"new", true).unwrap();
            disk.truncate(cut, 2).unwrap();
            disk.append(cut, &[b"ab"]).unwrap();
            disk.power_loss(&mut fastrand::Rng::with_seed(seed));
            match disk.read("d/a") {
                Err(_) => lost += 1,
                Ok(found) if found.contains(&0) => zeros += 1,
                Ok(found) if found.len() < 600 => torn += 1,
                Ok(_) => kept += 1,
            }
            match &disk.read("vote").unwrap()[..] {
                b"old" => old += 1,
                b"new" => new += 1,
                other => panic!("a durable replace leaves old or new, not {other:?}"),
            }
            let cut = disk.read("e/cut").unwrap();
            assert!(cut.starts_with(b"01"));
            revived += u32::from(cut.len() == 10);
        }
        assert!(lost > 0 && torn > 0 && kept > 0 && zeros > 0 && old > 0 && new > 0 && revived > 0);
    }

    #[test]
    fn clones_part_ways() {
        let mut disk = MemDisk::new();
        let file = written(&mut disk, "a", &[1; 40_000]);
        let mut fork = disk.clone();
        fork.append(file, &[&[2; 10]]).unwrap();
        disk.truncate(file, 3).unwrap();
        assert_eq!((disk.len(file), fork.len(file)), (Ok(3), Ok(40_010)));
        assert_eq!(fork.read_at(file, 39_999, 3).unwrap(), [1, 2, 2][..]);
        assert_eq!((disk.used(), fork.used()), (3, 40_010));
    }

    #[test]
    fn faults_are_errors_and_change_nothing() {
        let mut disk = MemDisk::new();
        let file = written(&mut disk, "d/a", b"hello");
        disk.set_full(true);
        assert_eq!(disk.append(file, &[b"x"]), Err(DiskError::Full));
        assert_eq!(disk.replace("d/b", b"x", false), Err(DiskError::Full));
        disk.set_full(false);
        disk.set_capacity(Some(7));
        assert_eq!(disk.append(file, &[b"xyz"]), Err(DiskError::Full));
        assert_eq!(disk.append(file, &[b"xy"]), Ok(5));
        disk.break_file("d", Some("bad sector"));
        assert_eq!(disk.read_at(file, 0, 1), Err(DiskError::Broken("bad sector".into())));
        assert_eq!(disk.sync(&SyncTarget::File(file)), Err(DiskError::Broken("bad sector".into())));
        disk.break_file("d", None);
        assert_eq!(disk.read("d/a").unwrap(), "helloxy");
    }
}
