//! Reads a frame from front to back, and never more than it holds.

use bytes::Bytes;

use super::{DecodeError, Format};

/// Reads a frame from front to back. Bytes and records are slices of the frame, never copies.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    frame: &'a Bytes,
    /// What is left of the frame, or of the tagged field being read.
    left: &'a [u8],
    /// Where `left` ends in the frame.
    end: usize,
}

impl<'a> Reader<'a> {
    pub fn new(frame: &'a Bytes) -> Self {
        Self { frame, left: frame, end: frame.len() }
    }

    pub fn position(&self) -> usize {
        self.end - self.left.len()
    }

    pub fn remaining(&self) -> usize {
        self.left.len()
    }

    /// An error unless everything was read.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(DecodeError::Trailing { at: self.position(), left }),
        }
    }

    /// The next `len` bytes.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, left) = self.left.split_at_checked(len).ok_or_else(|| self.short(len))?;
        self.left = left;
        Ok(bytes)
    }

    #[cold]
    fn short(&self, needed: usize) -> DecodeError {
        DecodeError::Short { at: self.position(), needed, left: self.remaining() }
    }

    /// The next `len` bytes as a slice that shares the frame's memory.
    pub fn slice(&mut self, len: usize) -> Result<Bytes, DecodeError> {
        let at = self.position();
        self.take(len)?;
        Ok(self.frame.slice(at..at + len))
    }

    /// All that is left, as a slice that shares the frame's memory.
    pub fn rest(&mut self) -> Bytes {
        let rest = self.frame.slice(self.position()..self.end);
        self.left = &[];
        rest
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (bytes, left) = self.left.split_first_chunk().ok_or_else(|| self.short(N))?;
        self.left = left;
        Ok(*bytes)
    }

    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        self.array().map(i8::from_be_bytes)
    }

    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        self.array().map(i16::from_be_bytes)
    }

    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_be_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_be_bytes)
    }

    /// Unsigned, seven bits a byte, least significant first; at most five bytes.
    #[inline]
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        // Nearly all of Kafka's are below 128: lengths, tags, numbers of tags.
        match self.left {
            [byte, left @ ..] if *byte < 0x80 => {
                self.left = left;
                Ok(u32::from(*byte))
            }
            _ => self.base128(5).map(|value| value as u32),
        }
    }

    /// Signed, zigzag.
    pub fn varint(&mut self) -> Result<i32, DecodeError> {
        self.uvarint().map(|value| (value >> 1) as i32 ^ -((value & 1) as i32))
    }

    /// Signed, zigzag, at most ten bytes.
    pub fn varlong(&mut self) -> Result<i64, DecodeError> {
        self.base128(10).map(|value| (value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn base128(&mut self, most: u32) -> Result<u64, DecodeError> {
        let at = self.position();
        let mut value = 0;
        for i in 0..most {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                // The last byte of the longest form has room for four bits of 32, or one of 64.
                let spare = if most == 5 { byte >> 4 } else { byte >> 1 };
                return if i + 1 == most && spare != 0 { Err(DecodeError::Varint { at }) } else { Ok(value) };
            }
        }
        Err(DecodeError::Varint { at })
    }

    /// The length before bytes, records or an array; `None` is null, which Kafka takes every negative length for. Checked
    /// against nothing yet.
    #[inline]
    pub fn length(&mut self, format: Format) -> Result<Option<usize>, DecodeError> {
        let length = if format.flexible { (self.uvarint()? as i32).wrapping_sub(1) } else { self.i32()? };
        Ok(usize::try_from(length).ok())
    }

    /// The length before a string, which is two bytes in rigid versions.
    #[inline]
    pub fn string_length(&mut self, format: Format) -> Result<Option<usize>, DecodeError> {
        if format.flexible {
            return self.length(format);
        }
        Ok(usize::try_from(self.i16()?).ok())
    }

    /// Begins a tagged field: what is read until [`Self::end_tag`] stays within it. Gives its tag and what to hand back.
    pub fn begin_tag(&mut self) -> Result<(u32, usize), DecodeError> {
        let tag = self.uvarint()?;
        let len = self.uvarint()? as usize;
        let content = self.left.get(..len).ok_or_else(|| self.short(len))?;
        let outer = self.end;
        self.end = self.position() + len;
        self.left = content;
        Ok((tag, outer))
    }

    pub fn skip_tag(&mut self) {
        self.left = &[];
    }

    pub fn end_tag(&mut self, outer: usize) -> Result<(), DecodeError> {
        self.finish()?;
        self.left = &self.frame[self.end..outer];
        self.end = outer;
        Ok(())
    }

    /// Skips a whole section of tagged fields.
    pub fn skip_tags(&mut self) -> Result<(), DecodeError> {
        for _ in 0..self.uvarint()? {
            let (_, outer) = self.begin_tag()?;
            self.skip_tag();
            self.end_tag(outer)?;
        }
        Ok(())
    }
}
