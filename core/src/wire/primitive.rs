//! Kafka's primitive types on the wire, and the bounds that keep a hostile frame from costing more than it carries.
//!
//! A [`Reader`] never hands out what the frame does not hold, and an array reserves no more memory than the bytes that
//! are left could fill, whatever count it claims.

use bytes::Bytes;
use thiserror::Error;

use super::{records::Records, schema::Kind};
use crate::{id::Uuid, seam::Part};

/// How a struct is laid out: its version, and whether lengths are compact and tagged fields follow (KIP-482).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    pub version: i16,
    pub flexible: bool,
}

/// Why bytes are not a message. Positions count from the start of what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    #[error("{message} has no version {version}")]
    Version { message: &'static str, version: i16 },
    #[error("{needed} bytes are needed at byte {at}, {left} are left")]
    Short { at: usize, needed: usize, left: usize },
    #[error("an array of {count} elements at byte {at} cannot fit in the {left} bytes left")]
    Count { at: usize, count: usize, left: usize },
    #[error("the length at byte {at} is negative")]
    NegativeLength { at: usize },
    #[error("null at byte {at}, where this version has none")]
    Null { at: usize },
    #[error("a variable-length number at byte {at} is too long")]
    Varint { at: usize },
    #[error("the string at byte {at} has {len} bytes, above the 32767 that Kafka allows")]
    LongString { at: usize, len: usize },
    #[error("the string at byte {at} is not UTF-8")]
    Utf8 { at: usize },
    #[error("{left} bytes are left over at byte {at}")]
    Trailing { at: usize, left: usize },
}

/// Why a message cannot be written in a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    #[error("{message} has no version {version}")]
    Version { message: &'static str, version: i16 },
    #[error("version {version} cannot carry {field}")]
    Unsupported { field: &'static str, version: i16 },
    #[error("{field} cannot be null in version {version}")]
    Null { field: &'static str, version: i16 },
    #[error("a length of {len} does not fit its field")]
    TooLong { len: usize },
}

impl EncodeError {
    #[cold]
    pub fn unsupported(field: &'static str, version: i16) -> Self {
        Self::Unsupported { field, version }
    }

    #[cold]
    pub fn null(field: &'static str, version: i16) -> Self {
        Self::Null { field, version }
    }
}

/// A type that stands in a message.
pub trait Value: Sized {
    const KIND: &'static Kind;

    /// The fewest bytes it can take: what bounds the arrays of it.
    fn min_size(format: Format) -> usize;
    fn read(reader: &mut Reader<'_>, format: Format) -> Result<Self, DecodeError>;
    fn write(&self, writer: &mut Writer, format: Format) -> Result<(), EncodeError>;
}

/// A type that may be null in versions that say so.
pub trait Nullable: Value {
    fn read_nullable(reader: &mut Reader<'_>, format: Format) -> Result<Option<Self>, DecodeError>;
    fn write_nullable(value: Option<&Self>, writer: &mut Writer, format: Format) -> Result<(), EncodeError>;
}

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
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
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

    /// The length before bytes, records or an array; `None` is null. Checked against nothing yet.
    #[inline]
    pub fn length(&mut self, format: Format) -> Result<Option<usize>, DecodeError> {
        let at = self.position();
        if format.flexible {
            return Ok((self.uvarint()? as usize).checked_sub(1));
        }
        self.i32().and_then(|length| Self::signed_length(at, i64::from(length)))
    }

    /// The length before a string, which is two bytes in rigid versions.
    #[inline]
    pub fn string_length(&mut self, format: Format) -> Result<Option<usize>, DecodeError> {
        let at = self.position();
        if format.flexible {
            return self.length(format);
        }
        self.i16().and_then(|length| Self::signed_length(at, i64::from(length)))
    }

    fn signed_length(at: usize, length: i64) -> Result<Option<usize>, DecodeError> {
        match length {
            -1 => Ok(None),
            _ => usize::try_from(length).map(Some).map_err(|_| DecodeError::NegativeLength { at }),
        }
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

/// Writes a frame into one buffer; record data stays outside it, as parts.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    buffer: Vec<u8>,
    /// What stands between the bytes of the buffer, and where.
    parts: Vec<(usize, Part)>,
    lenient: bool,
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

macro_rules! number {
    ($($type:ty, $kind:ident, $size:literal;)*) => {$(
        impl Value for $type {
            const KIND: &'static Kind = &Kind::$kind;

            #[inline]
            fn min_size(_: Format) -> usize {
                $size
            }

            #[inline]
            fn read(reader: &mut Reader<'_>, _: Format) -> Result<Self, DecodeError> {
                reader.array().map(Self::from_be_bytes)
            }

            #[inline]
            fn write(&self, writer: &mut Writer, _: Format) -> Result<(), EncodeError> {
                writer.put(&self.to_be_bytes());
                Ok(())
            }
        }
    )*};
}

number! {
    i8, Int8, 1;
    i16, Int16, 2;
    u16, Uint16, 2;
    i32, Int32, 4;
    u32, Uint32, 4;
    i64, Int64, 8;
    f64, Float64, 8;
}

impl Value for bool {
    const KIND: &'static Kind = &Kind::Bool;

    fn min_size(_: Format) -> usize {
        1
    }

    fn read(reader: &mut Reader<'_>, _: Format) -> Result<Self, DecodeError> {
        reader.i8().map(|byte| byte != 0)
    }

    fn write(&self, writer: &mut Writer, _: Format) -> Result<(), EncodeError> {
        writer.i8(i8::from(*self));
        Ok(())
    }
}

impl Value for Uuid {
    const KIND: &'static Kind = &Kind::Uuid;

    fn min_size(_: Format) -> usize {
        16
    }

    fn read(reader: &mut Reader<'_>, _: Format) -> Result<Self, DecodeError> {
        reader.array().map(Self)
    }

    fn write(&self, writer: &mut Writer, _: Format) -> Result<(), EncodeError> {
        writer.put(&self.0);
        Ok(())
    }
}

/// `read` is `read_nullable` that refuses null, and `write` is `write_nullable` of something.
macro_rules! not_null {
    () => {
        #[inline]
        fn read(reader: &mut Reader<'_>, format: Format) -> Result<Self, DecodeError> {
            let at = reader.position();
            Self::read_nullable(reader, format)?.ok_or(DecodeError::Null { at })
        }

        #[inline]
        fn write(&self, writer: &mut Writer, format: Format) -> Result<(), EncodeError> {
            Self::write_nullable(Some(self), writer, format)
        }
    };
}

impl Value for String {
    const KIND: &'static Kind = &Kind::String;

    fn min_size(format: Format) -> usize {
        if format.flexible { 1 } else { 2 }
    }

    not_null!();
}

impl Nullable for String {
    fn read_nullable(reader: &mut Reader<'_>, format: Format) -> Result<Option<Self>, DecodeError> {
        let Some(len) = reader.string_length(format)? else { return Ok(None) };
        let at = reader.position();
        // As Kafka: a compact length can say more than the two bytes of rigid versions, but may not.
        if len > i16::MAX as usize {
            return Err(DecodeError::LongString { at, len });
        }
        let text = std::str::from_utf8(reader.take(len)?).map_err(|_| DecodeError::Utf8 { at })?;
        Ok(Some(text.to_owned()))
    }

    fn write_nullable(value: Option<&Self>, writer: &mut Writer, format: Format) -> Result<(), EncodeError> {
        let Some(text) = value else {
            if format.flexible {
                writer.uvarint(0);
            } else {
                writer.i16(-1);
            }
            return Ok(());
        };
        let text = if writer.lenient { cut(text, i16::MAX as usize) } else { text };
        let length = i16::try_from(text.len()).map_err(|_| EncodeError::TooLong { len: text.len() })?;
        if format.flexible {
            writer.uvarint(length as u32 + 1);
        } else {
            writer.i16(length);
        }
        writer.put(text.as_bytes());
        Ok(())
    }
}

/// The beginning of a text, at most `most` bytes, whole characters.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Value for Bytes {
    const KIND: &'static Kind = &Kind::Bytes;

    fn min_size(format: Format) -> usize {
        if format.flexible { 1 } else { 4 }
    }

    not_null!();
}

impl Nullable for Bytes {
    fn read_nullable(reader: &mut Reader<'_>, format: Format) -> Result<Option<Self>, DecodeError> {
        reader.length(format)?.map(|len| reader.slice(len)).transpose()
    }

    fn write_nullable(value: Option<&Self>, writer: &mut Writer, format: Format) -> Result<(), EncodeError> {
        match value {
            None => writer.null_length(format),
            Some(bytes) => {
                writer.length(bytes.len(), format)?;
                writer.put(bytes);
            }
        }
        Ok(())
    }
}

impl<T: Value> Value for Vec<T> {
    const KIND: &'static Kind = &Kind::Array(T::KIND);

    fn min_size(format: Format) -> usize {
        if format.flexible { 1 } else { 4 }
    }

    not_null!();
}

impl<T: Value> Nullable for Vec<T> {
    fn read_nullable(reader: &mut Reader<'_>, format: Format) -> Result<Option<Self>, DecodeError> {
        let at = reader.position();
        let Some(count) = reader.length(format)? else { return Ok(None) };
        let left = reader.remaining();
        if count > left / T::min_size(format).max(1) {
            return Err(DecodeError::Count { at, count, left });
        }
        // Elements can be larger in memory than on the wire, so a count that would fit still reserves only the memory
        // that the bytes left would fill; from there the vector grows as elements really come.
        let mut elements = Self::with_capacity(count.min(left / size_of::<T>().max(1)));
        for _ in 0..count {
            elements.push(T::read(reader, format)?);
        }
        Ok(Some(elements))
    }

    fn write_nullable(value: Option<&Self>, writer: &mut Writer, format: Format) -> Result<(), EncodeError> {
        match value {
            None => writer.null_length(format),
            Some(elements) => {
                writer.length(elements.len(), format)?;
                writer.buffer.reserve(elements.len() * T::min_size(format));
                for element in elements {
                    element.write(writer, format)?;
                }
            }
        }
        Ok(())
    }
}

/// A nullable struct has a byte before it: negative for null, 1 for a struct (KIP-893).
pub fn read_nullable_struct<T: Value>(reader: &mut Reader<'_>, format: Format) -> Result<Option<T>, DecodeError> {
    if reader.i8()? < 0 { Ok(None) } else { T::read(reader, format).map(Some) }
}

pub fn write_nullable_struct<T: Value>(
    value: Option<&T>,
    writer: &mut Writer,
    format: Format,
) -> Result<(), EncodeError> {
    match value {
        None => writer.i8(-1),
        Some(value) => {
            writer.i8(1);
            value.write(writer, format)?;
        }
    }
    Ok(())
}
