//! Snappy, as `SnappyInputStream` of snappy-java reads it: chunks behind the xerial header, more streams behind the first,
//! or one raw block without any header.

use std::io::{self, Read};

use super::invalid;

/// The framing that the Java client puts around snappy blocks. librdkafka writes it too, and reads raw blocks.
pub(in super::super) const XERIAL_MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
/// The magic and two version numbers, of which nobody looks at those of the first stream.
const HEADER_LEN: usize = 16;

pub(in super::super) struct SnappyDecoder<'a> {
    rest: &'a [u8],
    block: Vec<u8>,
    position: usize,
    done: bool,
}

impl<'a> SnappyDecoder<'a> {
    pub(super) fn new(packed: &'a [u8]) -> io::Result<Self> {
        if packed.is_empty() {
            return Err(invalid("there is nothing to decompress"));
        }
        let mut decoder = Self { rest: &[], block: Vec::new(), position: 0, done: false };
        if packed.len() >= HEADER_LEN && packed.starts_with(XERIAL_MAGIC) {
            decoder.rest = &packed[HEADER_LEN..];
        } else {
            decoder.unpack(packed)?;
            decoder.done = true;
        }
        Ok(decoder)
    }

    fn unpack(&mut self, block: &[u8]) -> io::Result<()> {
        let len = snap::raw::decompress_len(block).map_err(invalid)?;
        // No block can grow its bytes more than about 22 times (3 bytes make 64): a larger claim is told to make us allocate.
        if len > block.len().saturating_mul(32) {
            return Err(invalid("the announced size cannot be true"));
        }
        (self.position, self.block) = (0, vec![0; len]);
        let written = snap::raw::Decoder::new().decompress(block, &mut self.block).map_err(invalid)?;
        if written == len { Ok(()) } else { Err(invalid("the announced size is wrong")) }
    }

    /// `hasNextChunk`.
    fn next_chunk(&mut self) -> io::Result<bool> {
        while !self.done {
            let Some((len, after)) = self.rest.split_first_chunk::<4>() else {
                self.done = true;
                break;
            };
            if len == XERIAL_MAGIC.first_chunk::<4>().expect("it is longer") {
                let header = self.rest.first_chunk::<HEADER_LEN>().ok_or_else(|| invalid("a header is cut short"))?;
                self.rest = &self.rest[HEADER_LEN..];
                if !header.starts_with(XERIAL_MAGIC) {
                    return Ok(false);
                }
                let version = i32::from_be_bytes([header[8], header[9], header[10], header[11]]);
                if version < 1 {
                    return Err(invalid("the version of a stream that follows is older than 1"));
                }
                continue;
            }
            let len = u32::from_be_bytes(*len) as usize;
            let block = after.get(..len).ok_or_else(|| invalid("a chunk is cut short"))?;
            self.rest = &after[len..];
            self.unpack(block)?;
            return Ok(true);
        }
        Ok(false)
    }
}

impl Read for SnappyDecoder<'_> {
    /// Fills all of `buf`, if there is as much.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            if self.position == self.block.len() {
                if !self.next_chunk()? {
                    break;
                }
                continue;
            }
            let count = (self.block.len() - self.position).min(buf.len() - filled);
            buf[filled..filled + count].copy_from_slice(&self.block[self.position..self.position + count]);
            (self.position, filled) = (self.position + count, filled + count);
        }
        Ok(filled)
    }
}
