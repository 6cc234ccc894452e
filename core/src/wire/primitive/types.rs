//! How each of Kafka's primitive types stands on the wire.

use bytes::Bytes;

use super::{DecodeError, EncodeError, Format, Nullable, Reader, Value, Writer};
use crate::{id::Uuid, wire::schema::Kind};

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
        Ok(Some(decode_text(reader.take(len)?)))
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

/// As Java decodes: what is no UTF-8 becomes U+FFFD, and nothing is refused for it (`Utils.utf8`). One stands for as much as
/// could have begun a character, as in Rust, and one for a whole surrogate, which Rust counts byte by byte.
pub(in crate::wire) fn decode_text(mut bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    while let Some(chunk) = bytes.utf8_chunks().next() {
        text.push_str(chunk.valid());
        let rest = &bytes[chunk.valid().len()..];
        let malformed = match rest {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xed, 0xa0..=0xbf, ..] => 2,
            _ => chunk.invalid().len(),
        };
        if malformed > 0 {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        bytes = &rest[malformed..];
    }
    text
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
