//! The record data of Produce, Fetch and FetchSnapshot: bytes that no broker needs to look inside to pass on.

use bytes::{Bytes, BytesMut};

use super::primitive::{DecodeError, EncodeError, Format, Reader, Value, Writer};
use super::schema::Kind;
use crate::seam::Part;

/// Decoding gives `Bytes` (a slice of the frame, not a copy); a sender may give `Parts`, which leave as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Records {
    #[default]
    Null,
    Bytes(Bytes),
    Parts(Vec<Part>),
}

impl Records {
    pub fn len(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Bytes(bytes) => bytes.len(),
            Self::Parts(parts) => parts.iter().map(Part::len).sum(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The data in one piece: empty when null, copied together when it is in parts. What lies in a file is not read
    /// here; only senders hold such parts, and they have no reason to ask.
    pub fn bytes(&self) -> Bytes {
        match self {
            Self::Null => Bytes::new(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Parts(parts) => {
                let mut whole = BytesMut::with_capacity(self.len());
                for part in parts {
                    match part {
                        Part::Bytes(bytes) => whole.extend_from_slice(bytes),
                        Part::File(_) => debug_assert!(false, "record data in a file has no bytes here"),
                    }
                }
                whole.freeze()
            }
        }
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<Part>> for Records {
    fn from(parts: Vec<Part>) -> Self {
        Self::Parts(parts)
    }
}

impl Value for Records {
    const KIND: &'static Kind = &Kind::Records;

    fn min_size(format: Format) -> usize {
        if format.flexible { 1 } else { 4 }
    }

    /// Null is taken wherever records stand; only FetchSnapshot's are never null, and there it means empty.
    fn read(reader: &mut Reader<'_>, format: Format) -> Result<Self, DecodeError> {
        Ok(match reader.length(format)? {
            None => Self::Null,
            Some(len) => Self::Bytes(reader.slice(len)?),
        })
    }

    fn write(&self, writer: &mut Writer, format: Format) -> Result<(), EncodeError> {
        if self.is_null() {
            writer.null_length(format);
            return Ok(());
        }
        writer.length(self.len(), format)?;
        match self {
            Self::Null => {}
            Self::Bytes(bytes) => writer.part(Part::Bytes(bytes.clone())),
            Self::Parts(parts) => parts.iter().for_each(|part| writer.part(part.clone())),
        }
        Ok(())
    }
}
