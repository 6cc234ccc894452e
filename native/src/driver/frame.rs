//! Splits a byte stream into frames: a 4-byte big-endian length, then that many bytes. All the driver knows of Kafka.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

/// Read at least this much at a time.
const READ_MIN: usize = 16 << 10;
/// Room for a frame of up to this size is made at once; beyond it only as fast as bytes arrive, so that a peer that
/// announces 100 MiB and sends nothing holds no memory.
const RESERVE_AT_ONCE: usize = 1 << 20;
/// An empty buffer larger than this is given back.
const KEEP: usize = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    #[error("a frame of {0} bytes is announced: a length is never negative")]
    Negative(i32),
    #[error("a frame of {len} bytes is announced, more than socket.request.max.bytes={max}")]
    TooLarge { len: usize, max: usize },
}

/// The bytes of one connection that have arrived and were not taken yet.
#[derive(Debug)]
pub struct FrameBuffer {
    bytes: BytesMut,
    max: usize,
}

impl FrameBuffer {
    pub fn new(max: usize) -> Self {
        Self { bytes: BytesMut::new(), max }
    }

    /// The next whole frame, without its length; `None` when more bytes are needed. Does not copy.
    pub fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(len) = self.announced()? else { return Ok(None) };
        if self.bytes.len() < 4 + len {
            return Ok(None);
        }
        self.bytes.advance(4);
        Ok(Some(self.bytes.split_to(len).freeze()))
    }

    /// Where to read into: has room for the rest of the announced frame, or for some of it when it is large.
    pub fn room(&mut self) -> &mut BytesMut {
        let have = self.bytes.len();
        let missing = match self.announced() {
            Ok(Some(len)) => (4 + len).saturating_sub(have),
            _ => 0,
        };
        let at_once = RESERVE_AT_ONCE.max(have);
        self.bytes.reserve(missing.clamp(READ_MIN, at_once));
        &mut self.bytes
    }

    /// Gives a large empty buffer back; called when the peer pauses.
    pub fn rest(&mut self) {
        if self.bytes.is_empty() && self.bytes.capacity() > KEEP {
            self.bytes = BytesMut::new();
        }
    }

    fn announced(&self) -> Result<Option<usize>, FrameError> {
        let Some(prefix) = self.bytes.first_chunk::<4>() else { return Ok(None) };
        let len = i32::from_be_bytes(*prefix);
        let size = usize::try_from(len).map_err(|_| FrameError::Negative(len))?;
        if size > self.max { Err(FrameError::TooLarge { len: size, max: self.max }) } else { Ok(Some(size)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_whole_however_they_went_in() {
        let mut stream = Vec::new();
        for len in [0usize, 1, 3, 70_000, 5] {
            stream.extend((len as i32).to_be_bytes());
            stream.extend(vec![len as u8; len]);
        }
        for chunk in [1, 3, 4, 7, 65_536, stream.len()] {
            let mut buffer = FrameBuffer::new(100_000);
            let mut lens = Vec::new();
            for piece in stream.chunks(chunk) {
                buffer.room().extend_from_slice(piece);
                while let Some(frame) = buffer.next().unwrap() {
                    assert!(frame.iter().all(|&b| b == frame.len() as u8));
                    lens.push(frame.len());
                }
            }
            assert_eq!(lens, [0, 1, 3, 70_000, 5]);
        }
    }

    #[test]
    fn a_hostile_length_is_refused_and_reserves_nothing() {
        for (len, error) in [
            (-1, FrameError::Negative(-1)),
            (i32::MAX, FrameError::TooLarge { len: i32::MAX as usize, max: 100 << 20 }),
        ] {
            let mut buffer = FrameBuffer::new(100 << 20);
            buffer.room().extend_from_slice(&i32::to_be_bytes(len));
            assert_eq!(buffer.next(), Err(error));
        }
        // Allowed but not sent: at most a mebibyte is set aside.
        let mut buffer = FrameBuffer::new(100 << 20);
        buffer.room().extend_from_slice(&i32::to_be_bytes(100 << 20));
        assert!(buffer.room().capacity() <= 2 << 20);
    }
}
