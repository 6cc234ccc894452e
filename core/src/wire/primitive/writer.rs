//! Writes a message into one buffer and the record data beside it.

use bytes::Bytes;

use super::{EncodeError, Format};
use crate::{seam::Part, wire::records::Records};

/// Writes a frame into one buffer; record data stays outside it, as parts.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    pub(super) buffer: Vec<u8>,
    /// What stands between the bytes of the buffer, and where.
    parts: Vec<(usize, Part)>,
    pub(super) lenient: bool,
}

impl Writer {
    pub fn new() -> Self {
        Self::with_capacity(256)
    }

    pub fn with_capacity(capacity: usize) -> Self {
        Self { buffer: Vec::with_capacity(capacity), parts: Vec::new(), lenient: false }
    }

    /// A writer that leaves out what a version cannot say instead of failing: fields it does not have are dropped, null
    /// where it has none is written as empty, and strings are cut to the length that Kafka allows. For responses: their
    /// version is the asker's choice, and no choice of a client may end a node.
    pub fn lenient() -> Self {
        Self { lenient: true, ..Self::new() }
    }

    #[inline]
    pub fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// The frame, in order.
    pub fn into_parts(self) -> Vec<Part> {
        let buffer = Bytes::from(self.buffer);
        let mut all = Vec::with_capacity(2 * self.parts.len() + 1);
        let mut from = 0;
        for (at, part) in self.parts {
            if from < at {
                all.push(Part::Bytes(buffer.slice(from..at)));
            }
            all.push(part);
            from = at;
        }
        if from < buffer.len() {
            all.push(Part::Bytes(buffer.slice(from..)));
        }
        all
    }

    /// The frame in one piece; copies only if there is record data in it.
    pub fn into_bytes(self) -> Bytes {
        if self.parts.is_empty() { self.buffer.into() } else { Records::Parts(self.into_parts()).bytes() }
    }

    /// Bytes written so far, parts included.
    pub fn len(&self) -> usize {
        self.buffer.len() + self.parts.iter().map(|(_, part)| part.len()).sum::<usize>()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Appends a piece as it is.
    pub fn part(&mut self, part: Part) {
        if !part.is_empty() {
            self.parts.push((self.buffer.len(), part));
        }
    }

    pub fn i8(&mut self, value: i8) {
        self.put(&value.to_be_bytes());
    }

    pub fn i16(&mut self, value: i16) {
        self.put(&value.to_be_bytes());
    }

    pub fn i32(&mut self, value: i32) {
        self.put(&value.to_be_bytes());
    }

    pub fn i64(&mut self, value: i64) {
        self.put(&value.to_be_bytes());
    }

    #[inline]
    pub fn uvarint(&mut self, value: u32) {
        self.base128(u64::from(value));
    }

    pub fn varint(&mut self, value: i32) {
        self.uvarint(((value << 1) ^ (value >> 31)) as u32);
    }

    pub fn varlong(&mut self, value: i64) {
        self.base128(((value << 1) ^ (value >> 63)) as u64);
    }

    fn base128(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.buffer.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.buffer.push(value as u8);
    }

    pub fn length(&mut self, len: usize, format: Format) -> Result<(), EncodeError> {
        // Kafka's lengths are an i32 everywhere; the compact form has one added.
        let length = i32::try_from(len).ok().filter(|&length| length < i32::MAX).ok_or(EncodeError::TooLong { len })?;
        if format.flexible {
            self.uvarint(length as u32 + 1);
        } else {
            self.i32(length);
        }
        Ok(())
    }

    pub fn null_length(&mut self, format: Format) {
        if format.flexible {
            self.uvarint(0);
        } else {
            self.i32(-1);
        }
    }

    /// Begins a tagged field; what follows up to [`Self::end_tag`] is its content.
    pub fn begin_tag(&mut self, tag: u32) -> TagMark {
        self.uvarint(tag);
        TagMark { start: self.buffer.len(), parts: self.parts.len() }
    }

    /// Puts the content's length before it.
    pub fn end_tag(&mut self, mark: TagMark) {
        assert_eq!(mark.parts, self.parts.len(), "no tagged field of Kafka holds record data");
        let end = self.buffer.len();
        self.uvarint((end - mark.start) as u32);
        let moved = self.buffer.len() - end;
        self.buffer[mark.start..].rotate_right(moved);
    }
}

/// Where a tagged field's content begins.
#[derive(Debug)]
pub struct TagMark {
    start: usize,
    parts: usize,
}
