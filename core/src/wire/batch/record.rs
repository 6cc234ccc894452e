//! The records inside a batch.

use bytes::{Bytes, BytesMut};

use super::{
    BatchError, BatchHeader,
    varint::{put_varint, put_varlong, read_varint, read_varlong, varint_len, varlong_len},
};

/// One record, with its absolute offset and time. Keys and values share the memory of their batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    /// In the order written; keys may repeat.
    pub headers: Vec<RecordHeader>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    pub key: String,
    pub value: Option<Bytes>,
}

/// Iterator over the records of a batch, made by [`super::Batch::records`]. Stops after an error.
#[derive(Clone, Debug)]
pub struct Records {
    body: Result<Bytes, BatchError>,
    position: usize,
    left: i32,
    base_offset: i64,
    base_timestamp: i64,
    append_time: Option<i64>,
}

impl Records {
    pub(super) fn new(header: &BatchHeader, packed: Bytes, limit: usize) -> Self {
        let body = header.codec().and_then(|codec| codec.decompress(&packed, limit));
        Self {
            left: if body.is_err() { 1 } else { header.record_count },
            body,
            position: 0,
            base_offset: header.base_offset,
            base_timestamp: header.base_timestamp,
            append_time: header.is_log_append_time().then_some(header.max_timestamp),
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let body = match &self.body {
            Ok(body) => body,
            Err(error) => {
                self.left = 0;
                return Some(Err(error.clone()));
            }
        };
        let shape = RecordShape::parse(&body[self.position..]);
        let record = shape.and_then(|shape| {
            let at = self.position;
            let part = |range: Option<(usize, usize)>| range.map(|(from, len)| body.slice(at + from..at + from + len));
            let record = Record {
                offset: self.base_offset.wrapping_add(i64::from(shape.offset_delta)),
                timestamp: self.append_time.unwrap_or(self.base_timestamp.wrapping_add(shape.timestamp_delta)),
                key: part(shape.key),
                value: part(shape.value),
                headers: headers(body, at + shape.headers_at, at + shape.len)?,
            };
            Ok((record, shape.len))
        });
        match record {
            Ok((record, len)) => {
                self.position += len;
                self.left -= 1;
                Some(Ok(record))
            }
            Err(error) => {
                self.left = 0;
                Some(Err(error))
            }
        }
    }
}

/// Where the fields of one record lie: ranges are (start, length) from the record's first byte.
struct RecordShape {
    len: usize,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<(usize, usize)>,
    value: Option<(usize, usize)>,
    headers_at: usize,
}

impl RecordShape {
    fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        const CUT: BatchError = BatchError::Record("cut short");
        let RecordStart { len, body_at, timestamp_delta, offset_delta } = RecordStart::parse(bytes)?;
        let mut rest = &bytes[body_at..len];
        let mut blob = || {
            let blob_len = read_varint(&mut rest).ok_or(CUT)?;
            let Ok(blob_len) = usize::try_from(blob_len) else {
                return if blob_len == -1 { Ok(None) } else { Err(BatchError::Record("negative length")) };
            };
            let from = len - rest.len();
            rest = rest.get(blob_len..).ok_or(CUT)?;
            Ok(Some((from, blob_len)))
        };
        let key = blob()?;
        let value = blob()?;
        Ok(Self { len, timestamp_delta, offset_delta, key, value, headers_at: len - rest.len() })
    }
}

/// The fixed beginning of a record: all that a broker looks at.
pub(super) struct RecordStart {
    /// Of the whole record, its length prefix included.
    pub(super) len: usize,
    body_at: usize,
    pub(super) timestamp_delta: i64,
    pub(super) offset_delta: i32,
}

impl RecordStart {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        const CUT: BatchError = BatchError::Record("cut short");
        let mut rest = bytes;
        let body_len = read_varint(&mut rest).ok_or(CUT)?;
        let body_len = usize::try_from(body_len).map_err(|_| BatchError::Record("negative length"))?;
        let len = bytes.len() - rest.len() + body_len;
        let mut body = rest.get(..body_len).ok_or(CUT)?;
        body = body.get(1..).ok_or(CUT)?; // Attributes: none are defined.
        let timestamp_delta = read_varlong(&mut body).ok_or(CUT)?;
        let offset_delta = read_varint(&mut body).ok_or(CUT)?;
        Ok(Self { len, body_at: len - body.len(), timestamp_delta, offset_delta })
    }
}

fn headers(body: &Bytes, from: usize, to: usize) -> Result<Vec<RecordHeader>, BatchError> {
    const CUT: BatchError = BatchError::Record("headers cut short");
    let mut rest = &body[from..to];
    let count = read_varint(&mut rest).ok_or(CUT)?;
    let count = usize::try_from(count).map_err(|_| BatchError::Record("negative header count"))?;
    // A header takes two bytes at least: a larger count is a lie.
    if count > rest.len() / 2 {
        return Err(CUT);
    }
    let mut headers = Vec::with_capacity(count);
    for _ in 0..count {
        let key_len = read_varint(&mut rest).ok_or(CUT)?;
        let key_len = usize::try_from(key_len).map_err(|_| BatchError::Record("negative header key length"))?;
        let key = rest.get(..key_len).ok_or(CUT)?;
        rest = &rest[key_len..];
        let value_len = read_varint(&mut rest).ok_or(CUT)?;
        let value = match usize::try_from(value_len) {
            Ok(value_len) => {
                let at = to - rest.len();
                rest = rest.get(value_len..).ok_or(CUT)?;
                Some(body.slice(at..at + value_len))
            }
            Err(_) if value_len == -1 => None,
            Err(_) => return Err(BatchError::Record("negative header value length")),
        };
        headers.push(RecordHeader { key: String::from_utf8_lossy(key).into_owned(), value });
    }
    if rest.is_empty() { Ok(headers) } else { Err(BatchError::Record("bytes left over")) }
}

/// Appends one record to `out`.
pub(super) fn put_record(
    out: &mut BytesMut,
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[(&str, Option<&[u8]>)],
) {
    let blob_len = |blob: Option<&[u8]>| blob.map_or(1, |b| varint_len(b.len() as i32) + b.len());
    let put_blob = |out: &mut BytesMut, blob: Option<&[u8]>| match blob {
        Some(blob) => {
            put_varint(out, blob.len() as i32);
            out.extend_from_slice(blob);
        }
        None => put_varint(out, -1),
    };
    let mut len = 1 + varlong_len(timestamp_delta) + varint_len(offset_delta) + blob_len(key) + blob_len(value);
    len += varint_len(headers.len() as i32);
    len += headers.iter().map(|&(key, value)| blob_len(Some(key.as_bytes())) + blob_len(value)).sum::<usize>();

    out.reserve(len + 5);
    put_varint(out, len as i32);
    out.extend_from_slice(&[0]);
    put_varlong(out, timestamp_delta);
    put_varint(out, offset_delta);
    put_blob(out, key);
    put_blob(out, value);
    put_varint(out, headers.len() as i32);
    for &(key, value) in headers {
        put_blob(out, Some(key.as_bytes()));
        put_blob(out, value);
    }
}
