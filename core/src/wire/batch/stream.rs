//! Reads records out of a compressed stream one by one, as a broker does: nothing is kept of what was read.
//!
//! It follows `DefaultRecord.readPartiallyFrom` and `ChunkedBytesStream` call by call, since their order decides whether a
//! broken record or a broken stream is found first, and the two are different errors.

use std::io::{self, ErrorKind, Read};

use super::{
    BatchError, Codec,
    decoder::{Decoder, failed},
    record::BorrowedRecord,
    varint::stream_varint,
};

/// What a broker looks at of a record in a batch that it stores as it came (`PartialDefaultRecord`).
#[derive(Clone, Copy, Debug)]
pub struct PartialRecord {
    pub timestamp_delta: i64,
    pub offset_delta: i32,
    pub has_key: bool,
}

pub struct RecordStream<'a> {
    codec: Codec,
    source: Decoder<'a>,
    chunk: Vec<u8>,
    position: usize,
    filled: usize,
    /// Bytes that may yet be unpacked.
    left: usize,
    limit: usize,
}

/// Why the stream gives no record.
enum Fault {
    /// `InvalidRecordException`.
    Record(&'static str),
    Stream(io::Error),
    TooLarge,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Stream(error)
    }
}

const CUT: Fault = Fault::Record("the records end too early");

impl<'a> RecordStream<'a> {
    /// Unpacks at most `limit` bytes.
    pub fn new(codec: Codec, packed: &'a [u8], limit: usize) -> Result<Self, BatchError> {
        let chunk = vec![0; Decoder::chunk_bytes(codec)];
        Ok(Self { codec, source: Decoder::new(codec, packed)?, chunk, position: 0, filled: 0, left: limit, limit })
    }

    /// The next record, of which keys, values and headers are skipped. Its length prefix is not looked at.
    pub fn next_partial(&mut self) -> Result<PartialRecord, BatchError> {
        self.partial().map_err(|fault| match fault {
            // `BufferUnderflowException`, which `readPartiallyFrom` catches.
            Fault::Stream(error) if error.kind() == ErrorKind::UnexpectedEof => BatchError::Record("cut short"),
            fault => self.error(fault),
        })
    }

    fn partial(&mut self) -> Result<PartialRecord, Fault> {
        self.varint()?;
        self.byte()?; // Attributes; at the end of the stream the next number finds out.
        let timestamp_delta = self.varlong()?;
        let offset_delta = self.varint()?;
        let key_len = self.varint()?;
        self.skip(key_len)?;
        let value_len = self.varint()?;
        self.skip(value_len)?;
        let headers = self.varint()?;
        if headers < 0 {
            return Err(Fault::Record("negative header count"));
        }
        for _ in 0..headers {
            let key_len = self.varint()?;
            if key_len < 0 {
                return Err(Fault::Record("negative header key length"));
            }
            self.skip(key_len)?;
            let value_len = self.varint()?;
            self.skip(value_len)?;
        }
        Ok(PartialRecord { timestamp_delta, offset_delta, has_key: key_len >= 0 })
    }

    /// Puts the next record, without its length prefix, into `body` and reads it whole (`DefaultRecord.readFrom`).
    pub fn next_whole<'b>(&mut self, body: &'b mut Vec<u8>) -> Result<BorrowedRecord<'b>, BatchError> {
        body.clear();
        let len = self.varint().and_then(|len| usize::try_from(len).map_err(|_| Fault::Record("negative length")));
        let mut missing = len.map_err(|fault| self.error(fault))?;
        while missing > 0 {
            if self.position == self.filled && self.fill().map_err(|fault| self.error(fault))? == 0 {
                return Err(self.error(CUT));
            }
            let count = missing.min(self.filled - self.position);
            body.extend_from_slice(&self.chunk[self.position..self.position + count]);
            (self.position, missing) = (self.position + count, missing - count);
        }
        BorrowedRecord::parse_body(body, body.len())
    }

    /// Whether there is nothing behind the records (`ensureNoneRemaining`).
    pub fn is_at_end(&mut self) -> Result<bool, BatchError> {
        self.byte().map(|byte| byte.is_none()).map_err(|fault| self.error(fault))
    }

    fn error(&self, fault: Fault) -> BatchError {
        match fault {
            Fault::Record(why) => BatchError::Record(why),
            Fault::Stream(error) => failed(self.codec, &error),
            Fault::TooLarge => BatchError::TooLarge { limit: self.limit },
        }
    }

    fn fill(&mut self) -> Result<usize, Fault> {
        (self.position, self.filled) = (0, 0);
        self.filled = self.source.read(&mut self.chunk)?;
        self.spend(self.filled)?;
        Ok(self.filled)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(bytes).ok_or(Fault::TooLarge)?;
        Ok(())
    }

    fn byte(&mut self) -> Result<Option<u8>, Fault> {
        if self.position == self.filled && self.fill()? == 0 {
            return Ok(None);
        }
        self.position += 1;
        Ok(Some(self.chunk[self.position - 1]))
    }

    fn varint(&mut self) -> Result<i32, Fault> {
        let raw = stream_varint(5, || self.byte())?.ok_or(CUT)? as u32;
        Ok(((raw >> 1) as i32) ^ -((raw & 1) as i32))
    }

    fn varlong(&mut self) -> Result<i64, Fault> {
        let raw = stream_varint(10, || self.byte())?.ok_or(CUT)?;
        Ok(((raw >> 1) as i64) ^ -((raw & 1) as i64))
    }

    /// Skips as many bytes; a negative length skips none.
    fn skip(&mut self, bytes: i32) -> Result<(), Fault> {
        let mut missing = usize::try_from(bytes).unwrap_or(0);
        while missing > 0 {
            let count = missing.min(self.filled - self.position);
            self.position += count;
            missing -= count;
            if missing == 0 {
                break;
            }
            // LZ4 skips in its own blocks; the others unpack into the buffer.
            let skipped = match &mut self.source {
                Decoder::Lz4(lz4) => lz4.skip(missing)?,
                _ => 0,
            };
            self.spend(skipped)?;
            missing -= skipped;
            if skipped == 0 {
                self.byte()?.ok_or(CUT)?;
                missing -= 1;
            }
        }
        Ok(())
    }
}
