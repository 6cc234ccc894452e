//! The form of a recording: a line that says what it is, a header, then entries. Each is framed by its length and a
//! checksum, so that a recording that was cut off (its process was killed) ends at the last whole entry, and one that
//! was damaged says where. Reading allocates no more than what is there.

use bytes::{Buf, Bytes};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::ReplayError;
use crate::{
    disk::DiskError,
    program::Program,
    seam::{Input, Now, Numbering, Outbox},
};

/// Begins every recording; the number is that of the form.
const MAGIC: &str = "kafka-lab recording ";
const FORM: &str = "1";
/// Of the lab that records.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Length and checksum (CRC-32C) before each entry, both little-endian.
const PREFIX: usize = 8;

/// What a recording says before anything happens. JSON, so that people can read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the lab.
    pub made_by: String,
    pub program: Program,
    /// Where its ids begin: a simulated node goes on counting from one life to the next.
    pub numbering: Numbering,
}

impl Header {
    /// For a program about to start with this outbox.
    pub fn new(program: Program, out: &Outbox) -> Self {
        Self { made_by: VERSION.into(), program, numbering: out.numbering() }
    }
}

/// One entry. `I` is an [`Input`] read, or a reference to one to be written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Entry<I> {
    /// A file that the machine found. These come first.
    File { path: String, content: Bytes },
    /// What the machine was told, and when. `None`: it started. Written before the machine works on it.
    Told { now: Now, input: Option<I> },
    /// What came of it: the errors that its disk returned, by the number of the call, and the hash so far.
    Did { errors: Vec<(u32, DiskError)>, hash: [u8; 8] },
    /// It ended cleanly.
    End,
}

/// The bytes before the first entry.
pub(super) fn begin(header: &Header) -> Vec<u8> {
    let mut out = format!("{MAGIC}{FORM}\n").into_bytes();
    frame(&serde_json::to_vec(header).expect("plain data"), &mut out);
    out
}

pub(super) fn write(entry: &Entry<&Input>, out: &mut Vec<u8>) {
    frame(&postcard::to_allocvec(entry).expect("plain data"), out);
}

fn frame(payload: &[u8], out: &mut Vec<u8>) {
    let len = u32::try_from(payload.len()).expect("an entry is far below 4 GB");
    out.extend(len.to_le_bytes());
    out.extend(crc32c::crc32c(payload).to_le_bytes());
    out.extend(payload);
}

/// Whether these bytes claim to be a recording, of whatever form.
pub(super) fn is_recording(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC.as_bytes())
}

/// Reads entries one by one.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    rest: Bytes,
    /// Bytes read so far.
    at: u64,
}

impl Reader {
    /// Reads up to the first entry.
    pub(super) fn open(bytes: Bytes) -> Result<(Header, Self), ReplayError> {
        let claim = bytes.strip_prefix(MAGIC.as_bytes()).ok_or(ReplayError::NotARecording)?;
        let form = claim.iter().take(20).take_while(|&&byte| byte != b'\n').copied().collect::<Vec<u8>>();
        if form != FORM.as_bytes() {
            return Err(ReplayError::OtherForm { found: String::from_utf8_lossy(&form).into_owned() });
        }
        let begins = (MAGIC.len() + FORM.len() + 1).min(bytes.len());
        let mut reader = Self { rest: bytes.slice(begins..), at: begins as u64 };
        let unreadable = |what: String| ReplayError::NoHeader { what };
        let payload = reader.payload().map_err(|error| unreadable(error.to_string()))?;
        let payload = payload.ok_or_else(|| unreadable("the recording ends too early".into()))?;
        let header = serde_json::from_slice(&payload).map_err(|error| unreadable(error.to_string()))?;
        Ok((header, reader))
    }

    /// The next entry; `None` at the end, which may be in the middle of an entry that never was written whole.
    pub(super) fn next(&mut self) -> Result<Option<Entry<Input>>, ReplayError> {
        let at = self.at;
        let Some(payload) = self.payload()? else { return Ok(None) };
        decode(&payload).map(Some).map_err(|what| ReplayError::Damaged { at, what })
    }

    fn payload(&mut self) -> Result<Option<Bytes>, ReplayError> {
        let word = |i: usize| self.rest.get(i..i + 4).map(|b| u32::from_le_bytes(b.try_into().expect("four bytes")));
        let (Some(len), Some(crc)) = (word(0), word(4)) else { return Ok(None) };
        let len = len as usize;
        if self.rest.len() - PREFIX < len {
            return Ok(None);
        }
        let payload = self.rest.slice(PREFIX..PREFIX + len);
        if crc32c::crc32c(&payload) != crc {
            return Err(ReplayError::Damaged { at: self.at, what: "a checksum does not fit its bytes".into() });
        }
        self.rest.advance(PREFIX + len);
        self.at += (PREFIX + len) as u64;
        Ok(Some(payload))
    }

    pub(super) fn at(&self) -> u64 {
        self.at
    }
}

fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    match postcard::take_from_bytes(payload) {
        Ok((entry, [])) => Ok(entry),
        Ok((_, rest)) => Err(format!("an entry is followed by {} bytes that mean nothing", rest.len())),
        Err(error) => Err(format!("an entry cannot be read: {error}")),
    }
}
