//! What every message can do: be read and written in any of its versions, and describe itself.

use std::ops::RangeInclusive;

use bytes::Bytes;

use super::{
    primitive::{DecodeError, EncodeError, Format, Reader, Value, Writer},
    schema::Schema,
};

/// A request, response, header or record value; derived by `lab_derive::Message` for structs with `#[message(..)]`.
pub trait Message: Value + Default + Clone + PartialEq + std::fmt::Debug {
    const SCHEMA: &'static Schema;

    fn versions() -> RangeInclusive<i16>;

    /// How this version is laid out.
    fn format(version: i16) -> Format;

    /// Reads one message and leaves the reader behind it.
    fn decode(version: i16, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if !Self::versions().contains(&version) {
            return Err(DecodeError::Version { message: Self::SCHEMA.name, version });
        }
        Self::read(reader, Self::format(version))
    }

    /// Appends the message. On an error the writer holds half a message and is of no more use.
    fn encode(&self, version: i16, writer: &mut Writer) -> Result<(), EncodeError> {
        if !Self::versions().contains(&version) {
            return Err(EncodeError::Version { message: Self::SCHEMA.name, version });
        }
        self.write(writer, Self::format(version))
    }

    /// The message alone, as the values of records hold it.
    fn to_bytes(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut writer = Writer::new();
        self.encode(version, &mut writer)?;
        Ok(writer.into_bytes())
    }

    /// A message that fills `bytes` exactly.
    fn from_bytes(version: i16, bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let message = Self::decode(version, &mut reader)?;
        reader.finish()?;
        Ok(message)
    }
}
