//! The LZ4 frame format, as Kafka's own `Lz4BlockInputStream` reads it: one frame of independent blocks. It looks at the
//! checksums of the header and of blocks, not at that of the content, and at nothing behind the end mark.

use std::io::{self, ErrorKind, Read};

use twox_hash::XxHash32;

use super::invalid;

const MAGIC: u32 = 0x184D_2204;
const NOT_COMPRESSED: u32 = 1 << 31;
/// No block unpacks to more times its size: a byte can at most lengthen a match by 255.
const MOST_GROWTH: usize = 256;

pub(in super::super) struct Lz4Decoder<'a> {
    rest: &'a [u8],
    block_checksums: bool,
    content_checksum: bool,
    max_block_bytes: usize,
    block: Vec<u8>,
    position: usize,
    done: bool,
}

impl<'a> Lz4Decoder<'a> {
    pub(super) fn new(packed: &'a [u8]) -> io::Result<Self> {
        let cut = || invalid("the frame's header is cut short");
        if packed.len() < 6 {
            return Err(cut());
        }
        if packed[..4] != MAGIC.to_le_bytes() {
            return Err(invalid("not an LZ4 frame"));
        }
        let (flags, sizes) = (packed[4], packed[5]);
        if flags & 0x03 != 0 || sizes & 0x8f != 0 {
            return Err(invalid("reserved bits are set"));
        }
        if flags & 0x20 == 0 {
            return Err(invalid("linked blocks are not supported"));
        }
        if flags >> 6 != 1 {
            return Err(invalid(format!("version {} of the frame format is not supported", flags >> 6)));
        }
        let size_code = sizes >> 4;
        if size_code < 4 {
            return Err(invalid(format!("block size {size_code} is not supported")));
        }
        let descriptor_end = if flags & 0x08 == 0 { 6 } else { 14 };
        let descriptor = packed.get(4..descriptor_end).ok_or_else(cut)?;
        let checksum = packed.get(descriptor_end).ok_or_else(cut)?;
        if *checksum != (XxHash32::oneshot(0, descriptor) >> 8) as u8 {
            return Err(invalid("the header's checksum is wrong"));
        }
        Ok(Self {
            rest: &packed[descriptor_end + 1..],
            block_checksums: flags & 0x10 != 0,
            content_checksum: flags & 0x04 != 0,
            max_block_bytes: 1 << (2 * size_code + 8),
            block: Vec::new(),
            position: 0,
            done: false,
        })
    }

    fn read_block(&mut self) -> io::Result<()> {
        (self.position, self.block) = (0, Vec::new());
        let (size, after) = self.rest.split_first_chunk::<4>().ok_or_else(|| invalid("the end mark is missing"))?;
        let (size, after) = (u32::from_le_bytes(*size), after);
        let len = (size & !NOT_COMPRESSED) as usize;
        if len == 0 {
            self.done = true;
            if self.content_checksum && after.len() < 4 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            return Ok(());
        }
        if len > self.max_block_bytes {
            return Err(invalid(format!("a block of {len} bytes, of which {} are allowed", self.max_block_bytes)));
        }
        let packed = after.get(..len).ok_or_else(|| invalid("a block is cut short"))?;
        self.rest = &after[len..];
        let block = if size & NOT_COMPRESSED == 0 {
            let room = self.max_block_bytes.min(len * MOST_GROWTH);
            lz4_flex::block::decompress(packed, room)
                .or_else(|why| with_zeros(packed, room).ok_or(why))
                .map_err(invalid)?
        } else {
            packed.to_vec()
        };
        if self.block_checksums {
            let stored = self.rest.split_first_chunk::<4>().ok_or_else(|| io::Error::from(ErrorKind::UnexpectedEof))?;
            if *stored.0 != XxHash32::oneshot(0, packed).to_le_bytes() {
                return Err(invalid("a block's checksum is wrong"));
            }
            self.rest = stored.1;
        }
        self.block = block;
        Ok(())
    }

    /// What is left of the block, or the next block. Empty at the end, and for a block without content.
    fn available(&mut self) -> io::Result<&[u8]> {
        if !self.done && self.position == self.block.len() {
            self.read_block()?;
        }
        Ok(if self.done { &[] } else { &self.block[self.position..] })
    }

    /// Skips within the block (`skip`); zero at the end of it.
    pub(in super::super) fn skip(&mut self, bytes: usize) -> io::Result<usize> {
        let count = self.available()?.len().min(bytes);
        self.position += count;
        Ok(count)
    }
}

impl Read for Lz4Decoder<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let available = self.available()?;
        let count = available.len().min(buf.len());
        buf[..count].copy_from_slice(&available[..count]);
        self.position += count;
        Ok(count)
    }
}

/// A block in which a match points at itself, which `lz4_flex` refuses: liblz4, behind Kafka's reader, writes zeros for it
/// (`LZ4_decompress_safe`). `None`: the block is wrong elsewhere.
fn with_zeros(mut packed: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut block = Vec::new();
    loop {
        let token = take(&mut packed, 1)?[0];
        let literals = length(token >> 4, &mut packed)?;
        block.extend_from_slice(take(&mut packed, literals)?);
        if packed.is_empty() {
            return (block.len() <= room).then_some(block);
        }
        let distance = usize::from(u16::from_le_bytes(*take(&mut packed, 2)?.first_chunk()?));
        let len = length(token & 0x0f, &mut packed)? + 4;
        if block.len() + len > room {
            return None;
        }
        match block.len().checked_sub(distance)? {
            _ if distance == 0 => block.resize(block.len() + len, 0),
            from => (from..from + len).for_each(|at| block.push(block[at])),
        }
    }
}

/// Of literals or of a match: 15 goes on in bytes of their own.
fn length(short: u8, packed: &mut &[u8]) -> Option<usize> {
    let mut len = usize::from(short);
    if short == 15 {
        loop {
            let more = take(packed, 1)?[0];
            len += usize::from(more);
            if more != u8::MAX {
                break;
            }
        }
    }
    Some(len)
}

fn take<'a>(packed: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, rest) = packed.split_at_checked(len)?;
    *packed = rest;
    Some(head)
}
