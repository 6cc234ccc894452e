//! zstd, as `ZstdInputStream` of zstd-jni reads it: frames one after another, with skippable ones between them. A frame that
//! is cut short is an error if it is the first, and the end of the data otherwise. What the blocks before a wrong one hold is
//! given before that is said.

use std::{
    borrow::Cow,
    io::{self, Cursor, Read},
};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::invalid;

const MAGIC: u32 = 0xFD2F_B528;
/// Skippable frames have this magic or one of the 15 above it.
const SKIPPABLE: u32 = 0x184D_2A50;
/// Of the frame's descriptor: a checksum follows the blocks.
const CHECKSUM: u8 = 0x04;
/// Of a block's header.
const LAST_BLOCK: u8 = 0x01;
const BLOCK_HEADER_LEN: usize = 3;
const MOST_BLOCK_BYTES: u64 = 128 << 10;
/// Types of blocks: as it is, one byte repeated, compressed, and one that is not used.
const RAW: u8 = 0;
const RUN: u8 = 1;
const PACKED: u8 = 2;
const RESERVED: u8 = 3;

pub(in super::super) struct ZstdDecoder<'a> {
    rest: &'a [u8],
    frame: Option<Box<Frame<'a>>>,
    /// A frame has been read to its end.
    some_finished: bool,
    /// What is wrong with the frame behind its whole blocks, which is said when all of them have been read.
    fault: Option<io::Error>,
}

struct Frame<'a> {
    decoder: FrameDecoder,
    source: Cursor<Cow<'a, [u8]>>,
    given: u64,
    /// What the header announces.
    content_size: Option<u64>,
    /// Where the header of the last block that was unpacked is, and where that block ends.
    last_block: Option<(u64, u64)>,
    /// Why the block behind it was not.
    fault: Option<io::Error>,
}

impl<'a> ZstdDecoder<'a> {
    pub(super) fn new(packed: &'a [u8]) -> Self {
        Self { rest: packed, frame: None, some_finished: false, fault: None }
    }

    /// Goes on to the next frame that has content. `Ok(false)`: there is none.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.rest.is_empty() {
            match frame_len(self.rest)? {
                FrameLen::Cut { last_whole_block, why } => {
                    let why = why.or((!self.some_finished).then_some("the frame is cut short"));
                    self.fault = why.map(invalid);
                    let rest = std::mem::take(&mut self.rest);
                    if let Some((header, end)) = last_whole_block {
                        self.frame = Some(Frame::open(finish(&rest[..end], header).into(), None)?);
                        return Ok(true);
                    }
                }
                FrameLen::Skippable(len) => {
                    self.rest = &self.rest[len..];
                    self.some_finished = true;
                }
                FrameLen::Whole { len, content_size } => {
                    let (frame, rest) = self.rest.split_at(len);
                    self.rest = rest;
                    self.frame = Some(Frame::open(frame.into(), content_size)?);
                    return Ok(true);
                }
            }
        }
        self.fault.take().map_or(Ok(false), Err)
    }
}

/// Makes a whole frame of what is there of one that is cut short: its last block ends with it, and there is no checksum.
fn finish(blocks: &[u8], last_header: usize) -> Vec<u8> {
    let mut frame = blocks.to_vec();
    frame[4] &= !CHECKSUM;
    frame[last_header] |= LAST_BLOCK;
    if block_type(frame[last_header]) == RAW {
        let size = (frame.len() - last_header - BLOCK_HEADER_LEN) as u32;
        let header = size << 3 | u32::from(LAST_BLOCK);
        frame[last_header..last_header + BLOCK_HEADER_LEN].copy_from_slice(&header.to_le_bytes()[..BLOCK_HEADER_LEN]);
    }
    frame
}

fn block_type(header: u8) -> u8 {
    header >> 1 & 0x03
}

impl<'a> Frame<'a> {
    fn open(bytes: Cow<'a, [u8]>, content_size: Option<u64>) -> io::Result<Box<Self>> {
        // A decoder of its own: one that is used again reserves what the header claims as window.
        let (mut decoder, mut source) = (FrameDecoder::new(), Cursor::new(bytes));
        decoder.init(&mut source).map_err(invalid)?;
        Ok(Box::new(Self { decoder, source, given: 0, content_size, last_block: None, fault: None }))
    }

    /// Fills `buf`, unless the frame ends.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            let count = self.decoder.read(&mut buf[filled..])?;
            filled += count;
            if count > 0 {
                continue;
            }
            if self.decoder.is_finished() {
                match self.fault.take() {
                    Some(fault) if filled == 0 => return Err(fault),
                    fault => self.fault = fault,
                }
                break;
            }
            let (header, one) = (self.source.position(), BlockDecodingStrategy::UptoBlocks(1));
            match self.decoder.decode_blocks(&mut self.source, one) {
                Ok(_) => self.last_block = Some((header, self.source.position())),
                Err(error) => self.end_before(invalid(error), filled)?,
            }
        }
        self.given += filled as u64;
        Ok(filled)
    }

    /// Ends with the last block that could be unpacked, of which the decoder keeps back what later ones may refer to:
    /// unpacks all of it again.
    fn end_before(&mut self, fault: io::Error, filled: usize) -> io::Result<()> {
        let Some((header, end)) = self.last_block else { return Err(fault) };
        let whole = finish(&self.source.get_ref()[..end as usize], header as usize);
        let mut again = Self::open(whole.into(), None)?;
        let given = self.given + filled as u64;
        let mut skipped = vec![0; usize::try_from(given).map_err(invalid)?.min(64 << 10)];
        while again.given < given {
            let most = skipped.len().min((given - again.given) as usize);
            if again.read(&mut skipped[..most])? == 0 {
                return Err(fault);
            }
        }
        *self = Self { given: self.given, fault: Some(fault), ..*again };
        Ok(())
    }

    fn is_finished(&self) -> bool {
        self.decoder.is_finished() && self.decoder.can_collect() == 0 && self.fault.is_none()
    }

    fn check(&self) -> io::Result<()> {
        if self.content_size.is_some_and(|size| size != self.given) {
            return Err(invalid("the content is not as long as the header says"));
        }
        let stored = self.decoder.get_checksum_from_data();
        if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
            return Err(invalid("the content's checksum is wrong"));
        }
        Ok(())
    }
}

impl Read for ZstdDecoder<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !buf.is_empty() {
            if self.frame.is_none() && !self.next_frame()? {
                break;
            }
            let frame = self.frame.as_mut().expect("there is a next one");
            let count = frame.read(buf)?;
            if frame.is_finished() {
                frame.check()?;
                self.frame = None;
                self.some_finished = true;
            }
            if count > 0 {
                return Ok(count);
            }
        }
        Ok(0)
    }
}

enum FrameLen {
    /// The bytes end before the frame does. Where the header of its last whole block is, and where that block ends.
    /// `why`: what is wrong with the one behind it, if it is there.
    Cut {
        last_whole_block: Option<(usize, usize)>,
        why: Option<&'static str>,
    },
    Skippable(usize),
    Whole {
        len: usize,
        content_size: Option<u64>,
    },
}

const NO_BLOCK: FrameLen = FrameLen::Cut { last_whole_block: None, why: None };

/// Finds where a frame ends from the sizes in its headers (RFC 8878, section 3.1).
fn frame_len(bytes: &[u8]) -> io::Result<FrameLen> {
    let little_endian = |from: usize, len: usize| {
        let field = bytes.get(from..from + len)?;
        Some(field.iter().rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte)))
    };
    let is_start_of = |magic: u32, mask: u32| {
        let mut filled = magic.to_le_bytes();
        let have = bytes.len().min(4);
        filled[..have].copy_from_slice(&bytes[..have]);
        u32::from_le_bytes(filled) & mask == magic
    };
    if is_start_of(SKIPPABLE, !0xf) {
        let end = little_endian(4, 4).map(|len| 8 + len as usize);
        return Ok(end.filter(|&end| end <= bytes.len()).map_or(NO_BLOCK, FrameLen::Skippable));
    }
    if !is_start_of(MAGIC, !0) {
        return Err(invalid("neither a zstd frame nor a skippable one"));
    }
    let Some(&descriptor) = bytes.get(4) else { return Ok(NO_BLOCK) };
    if descriptor & 0x08 != 0 {
        return Err(invalid("a reserved bit of the frame's header is set"));
    }
    let single_segment = descriptor & 0x20 != 0;
    let mut at = 5 + usize::from(!single_segment);
    at += [0, 1, 2, 4][usize::from(descriptor & 0x03)];
    let size_len = match descriptor >> 6 {
        0 => usize::from(single_segment),
        code => 1 << code,
    };
    let Some(size) = little_endian(at, size_len) else { return Ok(NO_BLOCK) };
    let content_size = match size_len {
        0 => None,
        2 => Some(size + 256),
        _ => Some(size),
    };
    // Of a single segment the content is the window; otherwise its size is a power of two and some eighths (RFC 8878, 3.1.1.1.2).
    let window = match content_size {
        Some(size) if single_segment => size,
        _ => {
            let (exponent, eighths) = (bytes[5] >> 3, u64::from(bytes[5] & 7));
            (1 << (10 + exponent)) + (1 << (7 + exponent)) * eighths
        }
    };
    let most_block_bytes = window.min(MOST_BLOCK_BYTES) as usize;
    at += size_len;
    let mut last_whole_block = None;
    loop {
        let wrong = |why: &'static str| Ok(FrameLen::Cut { last_whole_block, why: Some(why) });
        let cut = FrameLen::Cut { last_whole_block, why: None };
        let Some(header) = little_endian(at, BLOCK_HEADER_LEN) else { return Ok(cut) };
        let (kind, size) = (block_type(header as u8), (header >> 3) as usize);
        let content = at + BLOCK_HEADER_LEN;
        let end = content
            + match kind {
                RUN => 1,
                RESERVED => return wrong("a block of the reserved type"),
                _ if size > most_block_bytes => return wrong("a block larger than the window, or than 128 KiB"),
                _ => size,
            };
        if end > bytes.len() {
            // Of a block that is not compressed, each byte is given as it comes.
            if kind == RAW && content < bytes.len() {
                last_whole_block = Some((at, bytes.len()));
            }
            return Ok(FrameLen::Cut { last_whole_block, why: None });
        }
        if kind == PACKED && has_reserved_mode(&bytes[content..end]).unwrap_or(false) {
            return wrong("a reserved bit of a block's modes is set");
        }
        last_whole_block = Some((at, end));
        at = end;
        if header as u8 & LAST_BLOCK != 0 {
            break;
        }
    }
    at += if descriptor & CHECKSUM != 0 { 4 } else { 0 };
    let cut = FrameLen::Cut { last_whole_block, why: None };
    Ok(if at <= bytes.len() { FrameLen::Whole { len: at, content_size } } else { cut })
}

/// Whether bits are set that have no meaning in the modes of a compressed block (RFC 8878, 3.1.1.3.2.1). libzstd looks at
/// them since 1.5.6, `ruzstd` does not. `None`: the block ends before.
fn has_reserved_mode(block: &[u8]) -> Option<bool> {
    let first = *block.first()?;
    let number =
        |len: usize| Some(block.get(..len)?.iter().rev().fold(0_u64, |number, &byte| number << 8 | u64::from(byte)));
    let format = first >> 2 & 0x03;
    let (header_len, size) = match (first & 0x03, format) {
        (0 | 1, 0 | 2) => (1, number(1)? >> 3),
        (0 | 1, 1) => (2, number(2)? >> 4),
        (0 | 1, _) => (3, number(3)? >> 4),
        (_, 0 | 1) => (3, number(3)? >> 14),
        (_, 2) => (4, number(4)? >> 18),
        (_, _) => (5, number(5)? >> 22),
    };
    let literals = if first & 0x03 == 1 { 1 } else { size as usize };
    let sequences = block.get(header_len + literals..)?;
    let modes = match *sequences.first()? {
        0 => return Some(false),
        1..128 => 1,
        128..255 => 2,
        255 => 3,
    };
    Some(sequences.get(modes)? & 0x03 != 0)
}
