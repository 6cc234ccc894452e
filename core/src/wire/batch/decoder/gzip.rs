//! gzip, as `java.util.zip.GZIPInputStream` of Java 17 reads it: members one after another, and what follows the last of
//! them is ignored when it is no header of a member.

use std::io::{self, ErrorKind, Read};

use flate2::Crc;
use zlib_rs::{Inflate, InflateFlush, Status};

use super::invalid;

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
/// The largest window of deflate, 32 KiB.
const WINDOW_BITS: u8 = 15;
/// The buffer between the packed bytes and the inflater.
const CHUNK_BYTES: usize = 8192;
/// Bytes behind a member, its trailer included, that are too few for another member.
const NO_ROOM_FOR_MEMBER: usize = 26;

pub(in super::super) struct GzipDecoder<'a> {
    rest: &'a [u8],
    inflate: Inflate,
    crc: Crc,
    done: bool,
    /// Bytes of `rest` that Java's inflater has been given.
    chunk_left: usize,
}

impl<'a> GzipDecoder<'a> {
    pub(super) fn new(packed: &'a [u8]) -> io::Result<Self> {
        let header = header_len(packed)?;
        Ok(Self {
            rest: &packed[header..],
            inflate: Inflate::new(false, WINDOW_BITS),
            crc: Crc::new(),
            done: false,
            chunk_left: 0,
        })
    }

    /// Checks the end of a member and goes on to the next. `Ok(false)`: there is none.
    fn next_member(&mut self) -> io::Result<bool> {
        let behind = self.rest.len();
        let (trailer, rest) = self.rest.split_first_chunk::<8>().ok_or_else(|| invalid("the trailer is cut short"))?;
        let (crc, len) = trailer.split_at(4);
        if crc != self.crc.sum().to_le_bytes() || len != self.crc.amount().to_le_bytes() {
            return Err(invalid("the checksum or the length in the trailer is wrong"));
        }
        let header = if behind > NO_ROOM_FOR_MEMBER { header_len(rest).ok() } else { None };
        let Some(header) = header else { return Ok(false) };
        (self.rest, self.chunk_left) = (&rest[header..], 0);
        self.inflate.reset(false);
        self.crc.reset();
        Ok(true)
    }
}

impl GzipDecoder<'_> {
    /// Unpacks into `buf` what fits, of as much input as Java gives to its inflater at a time (`Inflater.inflate`): what came
    /// before an error in the same call is lost.
    fn inflate(&mut self, buf: &mut [u8]) -> io::Result<(usize, Status)> {
        let mut filled = 0;
        loop {
            if self.chunk_left == 0 {
                self.chunk_left = CHUNK_BYTES.min(self.rest.len());
            }
            let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
            let input = &self.rest[..self.chunk_left];
            let status = self.inflate.decompress(input, &mut buf[filled..], InflateFlush::NoFlush);
            let status = status.map_err(|error| invalid(error.as_str()))?;
            let taken = (self.inflate.total_in() - taken) as usize;
            let given = (self.inflate.total_out() - given) as usize;
            (self.rest, self.chunk_left) = (&self.rest[taken..], self.chunk_left - taken);
            filled += given;
            let stuck = taken == 0 && given == 0;
            if status == Status::StreamEnd || stuck || filled == buf.len() || (filled > 0 && self.chunk_left == 0) {
                return Ok((filled, status));
            }
        }
    }
}

impl Read for GzipDecoder<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !self.done && !buf.is_empty() {
            let (filled, status) = self.inflate(buf)?;
            if filled > 0 {
                self.crc.update(&buf[..filled]);
                return Ok(filled);
            }
            match status {
                Status::StreamEnd => self.done = !self.next_member()?,
                _ => return Err(invalid("the data is cut short")),
            }
        }
        Ok(0)
    }
}

/// Length of the header of a member (RFC 1952).
fn header_len(bytes: &[u8]) -> io::Result<usize> {
    const HEADER_CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let cut = || io::Error::new(ErrorKind::InvalidData, "the header is cut short");
    let fixed = bytes.first_chunk::<10>().ok_or_else(cut)?;
    if fixed[..2] != MAGIC || fixed[2] != DEFLATE {
        return Err(invalid("not in gzip format"));
    }
    let flags = fixed[3];
    let mut at = fixed.len();
    if flags & EXTRA != 0 {
        let len = bytes.get(at..at + 2).ok_or_else(cut)?;
        at += 2 + usize::from(u16::from_le_bytes([len[0], len[1]]));
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = bytes.get(at..).ok_or_else(cut)?.iter().position(|&byte| byte == 0);
            at += end.ok_or_else(cut)? + 1;
        }
    }
    if flags & HEADER_CRC != 0 {
        let stored = bytes.get(at..at + 2).ok_or_else(cut)?;
        let mut crc = Crc::new();
        crc.update(&bytes[..at]);
        if *stored != crc.sum().to_le_bytes()[..2] {
            return Err(invalid("the header's checksum is wrong"));
        }
        at += 2;
    }
    if at > bytes.len() { Err(cut()) } else { Ok(at) }
}
