//! An append-only list whose clones share what is old: events and frames of a world that is forked all the time.

use std::{collections::VecDeque, sync::Arc};

const CHUNK: usize = 1024;

/// Items are numbered from 0 for ever; the oldest chunks may be forgotten.
#[derive(Clone, Debug)]
pub struct History<T> {
    /// Full chunks of [`CHUNK`] items, shared between clones.
    chunks: VecDeque<Arc<Vec<T>>>,
    tail: Vec<T>,
    /// Number of the first item still kept; a multiple of [`CHUNK`].
    first: usize,
    keep: usize,
}

impl<T: Clone> History<T> {
    /// Keeps at least the newest `keep` items.
    pub fn new(keep: usize) -> Self {
        Self { chunks: VecDeque::new(), tail: Vec::new(), first: 0, keep }
    }

    pub fn push(&mut self, item: T) {
        self.tail.push(item);
        if self.tail.len() == CHUNK {
            self.chunks.push_back(Arc::new(std::mem::take(&mut self.tail)));
            while self.chunks.len() > self.keep.div_ceil(CHUNK) {
                self.chunks.pop_front();
                self.first += CHUNK;
            }
        }
    }

    /// Number of items ever pushed.
    pub fn len(&self) -> usize {
        self.first + self.chunks.len() * CHUNK + self.tail.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of the oldest item still kept.
    pub fn first(&self) -> usize {
        self.first
    }

    pub fn get(&self, index: usize) -> Option<&T> {
        let index = index.checked_sub(self.first)?;
        match self.chunks.get(index / CHUNK) {
            Some(chunk) => chunk.get(index % CHUNK),
            None => self.tail.get(index - self.chunks.len() * CHUNK),
        }
    }

    /// Items from number `index` on that are still kept, oldest first.
    pub fn since(&self, index: usize) -> impl DoubleEndedIterator<Item = &T> {
        (index.max(self.first)..self.len()).filter_map(|i| self.get(i))
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.since(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_hold_while_old_items_are_forgotten() {
        let mut history = History::new(2 * CHUNK);
        for i in 0..5 * CHUNK + 7 {
            history.push(i);
        }
        assert_eq!(history.len(), 5 * CHUNK + 7);
        assert_eq!(history.first(), 3 * CHUNK);
        assert_eq!(history.get(3 * CHUNK - 1), None);
        assert_eq!(history.get(3 * CHUNK), Some(&(3 * CHUNK)));
        assert_eq!(history.since(5 * CHUNK + 5).copied().collect::<Vec<_>>(), [5 * CHUNK + 5, 5 * CHUNK + 6]);
        assert_eq!(history.iter().next_back(), Some(&(5 * CHUNK + 6)));
    }
}
