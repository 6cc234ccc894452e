//! What goes wrong with a disk: crashes, losses of power, no room, files that cannot be read, bits that rot.

use super::{Content, MemDisk, is_under};
use crate::{
    disk::{DiskError, DiskResult},
    random,
};

impl MemDisk {
    /// The process died: its open files are closed, everything it wrote is there.
    pub fn process_crash(&mut self) {
        self.handles.clear();
        self.recount();
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
        self.recount();
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

    pub(super) fn check_space(&self, more: u64) -> DiskResult<()> {
        if self.full || self.capacity.is_some_and(|capacity| self.used + more > capacity) {
            return Err(DiskError::Full);
        }
        Ok(())
    }

    pub(super) fn check_broken(&self, path: &str) -> DiskResult<()> {
        if self.broken.is_empty() {
            return Ok(());
        }
        let hit = self.broken.iter().find(|(broken, _)| is_under(path, broken));
        hit.map_or(Ok(()), |(_, why)| Err(DiskError::Broken(why.clone())))
    }

    pub(super) fn check_broken_file(&self, file: u64) -> DiskResult<()> {
        if self.broken.is_empty() {
            return Ok(());
        }
        let mut paths = self.names.iter().filter(|&(_, &f)| f == file).map(|(path, _)| path);
        paths.try_for_each(|path| self.check_broken(path))
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
