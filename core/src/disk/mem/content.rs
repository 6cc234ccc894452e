//! What is in a file: bytes that clones share until one of them writes.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

/// Contents are kept in chunks of this many bytes. Only the last, unfinished chunk is copied when clones part.
const CHUNK: usize = 16 << 10;

/// Bytes in shared chunks: all but the last are full.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    chunks: Arc<Vec<Bytes>>,
    tail: Arc<BytesMut>,
}

impl Content {
    pub(super) fn len(&self) -> usize {
        self.chunks.len() * CHUNK + self.tail.len()
    }

    pub(super) fn append(&mut self, mut bytes: &[u8]) {
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

    pub(super) fn read(&self, position: usize, len: usize) -> Bytes {
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

    pub(super) fn truncate(&mut self, len: usize) {
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
