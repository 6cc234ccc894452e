//! Decompression as Java does it: what its readers tolerate is tolerated here, and nothing else.
//!
//! Each codec is a [`Read`] over the packed bytes that fails in the same call in which Java's stream throws, because a
//! broker reads records out of the stream one by one: whether a record or the stream is found wrong first decides which
//! error a client gets. No codec holds more than a block, or a window, of what it unpacks.
//!
//! `Ok(0)` means what a Java stream says with -1 (or with 0, as `Lz4BlockInputStream` does for an empty block). An error of
//! the kind [`ErrorKind::UnexpectedEof`] is a `BufferUnderflowException`, which Java takes for a broken record.

mod gzip;
mod lz4;
mod snappy;
mod zstd;

use std::io::{self, Error, ErrorKind, Read};

pub(super) use self::snappy::XERIAL_MAGIC;
use super::{BatchError, Codec};

/// What one batch is packed in.
pub(super) enum Decoder<'a> {
    None(&'a [u8]),
    Gzip(Box<gzip::GzipDecoder<'a>>),
    Snappy(snappy::SnappyDecoder<'a>),
    Lz4(lz4::Lz4Decoder<'a>),
    Zstd(zstd::ZstdDecoder<'a>),
}

impl<'a> Decoder<'a> {
    /// Reads as much as Java reads when it opens the stream (`Compression.wrapForInput`).
    pub(super) fn new(codec: Codec, packed: &'a [u8]) -> Result<Self, BatchError> {
        let decoder = match codec {
            Codec::None => Ok(Self::None(packed)),
            Codec::Gzip => gzip::GzipDecoder::new(packed).map(|d| Self::Gzip(Box::new(d))),
            Codec::Snappy => snappy::SnappyDecoder::new(packed).map(Self::Snappy),
            Codec::Lz4 => lz4::Lz4Decoder::new(packed).map(Self::Lz4),
            Codec::Zstd => Ok(Self::Zstd(zstd::ZstdDecoder::new(packed))),
        };
        decoder.map_err(|error| failed(codec, &error))
    }

    /// The buffer that Java puts before the stream (`decompressionOutputSize`).
    pub(super) fn chunk_bytes(codec: Codec) -> usize {
        if matches!(codec, Codec::Gzip | Codec::Zstd) { 16 << 10 } else { 2 << 10 }
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None(rest) => rest.read(buf),
            Self::Gzip(decoder) => decoder.read(buf),
            Self::Snappy(decoder) => decoder.read(buf),
            Self::Lz4(decoder) => decoder.read(buf),
            Self::Zstd(decoder) => decoder.read(buf),
        }
    }
}

pub(super) fn failed(codec: Codec, why: &Error) -> BatchError {
    BatchError::Decompress { codec: codec.name(), why: why.to_string() }
}

/// Bytes that no reader of this codec takes.
fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(codec: Codec, packed: &[u8]) -> Result<Vec<u8>, BatchError> {
        let mut out = Vec::new();
        Decoder::new(codec, packed)?.read_to_end(&mut out).map_err(|error| failed(codec, &error))?;
        Ok(out)
    }

    const TEXT: &[u8] = b"what one member, stream or frame holds; what one member, stream or frame holds";

    #[test]
    fn what_follows_a_whole_stream_is_read_as_java_does() {
        let twice = TEXT.repeat(2);
        for (codec, continues) in [(Codec::Gzip, true), (Codec::Snappy, true), (Codec::Zstd, true), (Codec::Lz4, false)]
        {
            let packed = codec.compress(TEXT);
            let expected = if continues { &twice[..] } else { TEXT };
            assert_eq!(read_all(codec, &packed.repeat(2)).unwrap(), expected, "{codec:?}");
            let rubbish = [&packed[..], b"rubbish behind, which is no header of anything"].concat();
            let tolerated = matches!(codec, Codec::Gzip | Codec::Lz4);
            assert_eq!(read_all(codec, &rubbish).is_ok(), tolerated, "{codec:?} with rubbish behind");
        }
    }

    #[test]
    fn skippable_zstd_frames_are_skipped() {
        let skip = [&0x184D_2A5C_u32.to_le_bytes()[..], &4_u32.to_le_bytes(), b"skip"].concat();
        let packed = Codec::Zstd.compress(TEXT);
        for frames in
            [[&skip[..], &packed].concat(), [&packed[..], &skip].concat(), [&skip[..], &skip, &packed].concat()]
        {
            assert_eq!(read_all(Codec::Zstd, &frames).unwrap(), TEXT);
        }
    }

    #[test]
    fn a_first_stream_cut_short_is_an_error_wherever_it_is_cut() {
        for codec in [Codec::Gzip, Codec::Lz4, Codec::Zstd] {
            let packed = codec.compress(TEXT);
            for end in 1..packed.len() {
                assert!(read_all(codec, &packed[..end]).is_err(), "{codec:?} cut at {end} of {}", packed.len());
            }
        }
    }
}
