//! Kafka's primitive types on the wire, and the bounds that keep a hostile frame from costing more than it carries.
//!
//! A [`Reader`] never hands out what the frame does not hold, and an array reserves no more memory than the bytes that
//! are left could fill, whatever count it claims.

mod reader;
mod types;
mod writer;

use thiserror::Error;

use super::schema::Kind;

pub use reader::Reader;
pub(in crate::wire) use types::decode_text;
pub use types::{read_nullable_struct, write_nullable_struct};
pub use writer::{TagMark, Writer};

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
    #[error("null at byte {at}, where this version has none")]
    Null { at: usize },
    #[error("a variable-length number at byte {at} is too long")]
    Varint { at: usize },
    #[error("the string at byte {at} has {len} bytes, above the 32767 that Kafka allows")]
    LongString { at: usize, len: usize },
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
