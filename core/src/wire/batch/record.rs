//! The records inside a batch.

use bytes::{Bytes, BytesMut};

use super::{
    BatchError, BatchHeader,
    varint::{VarintError, put_varint, put_varlong, read_varint, read_varlong, varint_len, varlong_len},
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
    /// Of a batch with this header and these bytes behind it, which may unpack to `limit` bytes.
    pub fn new(header: &BatchHeader, packed: Bytes, limit: usize) -> Self {
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

impl Records {
    fn read(&self, body: &Bytes) -> Result<(Record, usize), BatchError> {
        let read = BorrowedRecord::parse(&body[self.position..])?;
        if self.left == 1 && self.position + read.len < body.len() {
            return Err(BatchError::Record("bytes behind the last record"));
        }
        let part = |bytes: Option<&[u8]>| bytes.map(|bytes| body.slice_ref(bytes));
        let record = Record {
            offset: self.base_offset.wrapping_add(i64::from(read.offset_delta)),
            timestamp: self.append_time.unwrap_or(self.base_timestamp.wrapping_add(read.timestamp_delta)),
            key: part(read.key),
            value: part(read.value),
            headers: read
                .headers()
                .map(|(key, value)| RecordHeader { key: String::from_utf8_lossy(key).into_owned(), value: part(value) })
                .collect(),
        };
        Ok((record, read.len))
    }
}

impl Iterator for Records {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        match self.body.clone().and_then(|body| self.read(&body)) {
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

/// A whole record, checked, in the memory of its batch (`DefaultRecord.readFrom`).
#[derive(Clone, Copy, Debug)]
pub struct BorrowedRecord<'a> {
    /// Of the whole record, its length prefix included.
    pub len: usize,
    pub timestamp_delta: i64,
    pub offset_delta: i32,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    header_count: usize,
    headers: &'a [u8],
}

impl<'a> BorrowedRecord<'a> {
    /// Reads the record with which `bytes` begin. As in Kafka, any negative length is null, but not that of a header's key.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BatchError> {
        let mut rest = bytes;
        let body_len = read_varint(&mut rest).map_err(|error| match error {
            VarintError::Cut => BatchError::Record("cut short"),
            VarintError::Endless => BatchError::EndlessLength,
        })?;
        let body_len = usize::try_from(body_len).map_err(|_| BatchError::Record("negative length"))?;
        let body = rest.get(..body_len).ok_or(BatchError::Record("longer than what is there"))?;
        let len = bytes.len() - rest.len() + body_len;
        Self::parse_body(body, len)
    }

    /// Reads what follows the length prefix, all of it.
    pub(super) fn parse_body(body: &'a [u8], len: usize) -> Result<Self, BatchError> {
        const CUT: BatchError = BatchError::Record("cut short");
        let mut body = body.get(1..).ok_or(CUT)?; // Attributes: none are defined.
        let timestamp_delta = read_varlong(&mut body).map_err(|_| CUT)?;
        let offset_delta = read_varint(&mut body).map_err(|_| CUT)?;
        let key = read_blob(&mut body)?;
        let value = read_blob(&mut body)?;
        let header_count = read_varint(&mut body).map_err(|_| CUT)?;
        let header_count = usize::try_from(header_count).map_err(|_| BatchError::Record("negative header count"))?;
        let headers = body;
        for _ in 0..header_count {
            read_blob(&mut body)?.ok_or(BatchError::Record("negative header key length"))?;
            read_blob(&mut body)?;
        }
        if !body.is_empty() {
            return Err(BatchError::Record("bytes left over"));
        }
        Ok(Self { len, timestamp_delta, offset_delta, key, value, header_count, headers })
    }

    /// Keys and values of the headers.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let mut rest = self.headers;
        (0..self.header_count).map(move |_| {
            let mut blob = || read_blob(&mut rest).expect("they were read before");
            (blob().expect("a header's key is never null"), blob())
        })
    }
}

fn read_blob<'a>(bytes: &mut &'a [u8]) -> Result<Option<&'a [u8]>, BatchError> {
    const CUT: BatchError = BatchError::Record("cut short");
    let Ok(len) = usize::try_from(read_varint(bytes).map_err(|_| CUT)?) else { return Ok(None) };
    let (blob, rest) = bytes.split_at_checked(len).ok_or(CUT)?;
    *bytes = rest;
    Ok(Some(blob))
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
