//! A disk in memory that forgets like a real one.
//!
//! What was written is readable at once and survives the death of the process ([`MemDisk::process_crash`]). What was
//! not synced may be gone, or half there, when the power fails ([`MemDisk::power_loss`]): tails of files, truncations,
//! and changes of names, in their order. Cloning is cheap, because contents are shared until one side writes.

mod content;
mod faults;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;

use self::content::Content;
use super::{Disk, DiskError, DiskResult, FileId, SyncTarget};

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
    /// Names and handles that lead to it now, and names that may lead to it after a loss of power. Without either it is
    /// gone; counted, so that no change walks all files.
    present: u32,
    durable: u32,
}

impl MemFile {
    fn set_synced(&mut self) {
        self.synced = self.content.clone();
        self.safe = self.synced.len();
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
        disk.recount();
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

    /// Bytes of all files.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Paths of all files, sorted, with their lengths.
    pub fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.names.iter().map(|(path, file)| (path.as_str(), self.files[file].content.len() as u64))
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

    fn sync_file(&mut self, file: u64) {
        self.files.get_mut(&file).expect("names and handles point at files").set_synced();
    }

    /// The first `count` changes of names are durable.
    fn sync_names(&mut self, count: usize) {
        let mut released = Vec::new();
        for (path, file) in self.journal.drain(..count.min(self.journal.len())) {
            let before = match file {
                Some(file) => self.synced_names.insert(path, file),
                None => self.synced_names.remove(&path),
            };
            if let Some(before) = before {
                released.push(before);
            }
        }
        for file in released {
            self.files.get_mut(&file).expect("counted").durable -= 1;
            self.forget_if_unnamed(file);
        }
    }

    fn link(&mut self, path: String, file: u64) {
        self.files.get_mut(&file).expect("names point at files").present += 1;
        let before = self.names.insert(path.clone(), file);
        self.note_change((path, Some(file)));
        if let Some(before) = before {
            self.release(before);
        }
    }

    fn unlink(&mut self, path: String) {
        let before = self.names.remove(&path);
        self.note_change((path, None));
        if let Some(before) = before {
            self.release(before);
        }
    }

    /// A name or a handle no longer leads to it.
    fn release(&mut self, file: u64) {
        let held = self.files.get_mut(&file).expect("names and handles point at files");
        held.present -= 1;
        if held.present == 0 {
            self.used -= held.content.len() as u64;
        }
        self.forget_if_unnamed(file);
    }

    fn forget_if_unnamed(&mut self, file: u64) {
        let held = &self.files[&file];
        if held.present == 0 && held.durable == 0 {
            self.files.remove(&file);
        }
    }

    fn note_change(&mut self, change: NameChange) {
        if let Some(file) = change.1 {
            self.files.get_mut(&file).expect("names point at files").durable += 1;
        }
        self.journal.push(change);
        if self.journal.len() >= JOURNAL {
            self.sync_names(JOURNAL / 2);
        }
    }

    /// Counts anew what leads to each file, and drops what nothing leads to: after changes that touch all of them.
    fn recount(&mut self) {
        for file in self.files.values_mut() {
            (file.present, file.durable) = (0, 0);
        }
        for file in self.names.values().chain(self.handles.values()) {
            self.files.get_mut(file).expect("names and handles point at files").present += 1;
        }
        let journal = self.journal.iter().filter_map(|(_, file)| file.as_ref());
        for file in self.synced_names.values().chain(journal) {
            self.files.get_mut(file).expect("synced names point at files").durable += 1;
        }
        self.files.retain(|_, file| file.present > 0 || file.durable > 0);
        self.used = self.files.values().filter(|file| file.present > 0).map(|file| file.content.len() as u64).sum();
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
        self.files.get_mut(&file).expect("names point at files").present += 1;
        Ok(id)
    }

    fn close(&mut self, file: FileId) {
        if let Some(file) = self.handles.remove(&file) {
            self.release(file);
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
        self.used += bytes.len() as u64;
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
        Ok(())
    }

    fn remove(&mut self, path: &str) -> DiskResult<()> {
        self.check_broken(path)?;
        let gone: Vec<String> = self.names.keys().filter(|name| is_under(name, path)).cloned().collect();
        for path in gone {
            self.unlink(path);
        }
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
