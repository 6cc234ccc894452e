//! Zigzag varints, in which every number inside a record is written (`ByteUtils` of Apache Kafka).

use bytes::BytesMut;

/// Why no number could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VarintError {
    /// The bytes end before the number does (`BufferUnderflowException`).
    Cut,
    /// It goes on behind the longest number that there is (`IllegalArgumentException`).
    Endless,
}

/// Reads a signed varint and moves past it: at most five bytes, of which Kafka drops what is above 32 bits.
pub(super) fn read_varint(bytes: &mut &[u8]) -> Result<i32, VarintError> {
    // Most numbers in a record fit one byte.
    if let Some((&first, rest)) = bytes.split_first()
        && first < 0x80
    {
        *bytes = rest;
        return Ok(((first >> 1) as i32) ^ -((first & 1) as i32));
    }
    let raw = read_raw(bytes, 5)? as u32;
    Ok(((raw >> 1) as i32) ^ -((raw & 1) as i32))
}

/// As [`read_varint`], at most ten bytes and 64 bits.
pub(super) fn read_varlong(bytes: &mut &[u8]) -> Result<i64, VarintError> {
    let raw = read_raw(bytes, 10)?;
    Ok(((raw >> 1) as i64) ^ -((raw & 1) as i64))
}

fn read_raw(bytes: &mut &[u8], longest: usize) -> Result<u64, VarintError> {
    let mut value = 0_u64;
    for (i, &byte) in bytes.iter().take(longest).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            *bytes = &bytes[i + 1..];
            return Ok(value);
        }
    }
    Err(if bytes.len() < longest { VarintError::Cut } else { VarintError::Endless })
}

/// As [`read_varint`], from a stream that gives `None` at its end. Java takes the end for a byte of ones, so a number that
/// is cut short is endless. The number is one of 64 bits that the caller cuts to what it wants.
pub(super) fn stream_varint<E>(
    longest: usize,
    mut next: impl FnMut() -> Result<Option<u8>, E>,
) -> Result<Option<u64>, E> {
    let mut value = 0_u64;
    for i in 0..longest {
        let Some(byte) = next()? else { return Ok(None) };
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

pub(super) fn put_varint(out: &mut BytesMut, value: i32) {
    put_raw(out, u64::from(((value << 1) ^ (value >> 31)) as u32));
}

pub(super) fn put_varlong(out: &mut BytesMut, value: i64) {
    put_raw(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn put_raw(out: &mut BytesMut, mut raw: u64) {
    let mut buffer = [0_u8; 10];
    let mut len = 0;
    while raw >= 0x80 {
        buffer[len] = (raw as u8) | 0x80;
        raw >>= 7;
        len += 1;
    }
    buffer[len] = raw as u8;
    out.extend_from_slice(&buffer[..=len]);
}

/// Bytes that [`put_varint`] takes.
pub(super) fn varint_len(value: i32) -> usize {
    raw_len(u64::from(((value << 1) ^ (value >> 31)) as u32))
}

/// Bytes that [`put_varlong`] takes.
pub(super) fn varlong_len(value: i64) -> usize {
    raw_len(((value << 1) ^ (value >> 63)) as u64)
}

fn raw_len(raw: u64) -> usize {
    (70 - (raw | 1).leading_zeros() as usize) / 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_in_as_many_bytes_as_announced() {
        let mut out = BytesMut::new();
        for value in [0, -1, 1, 63, 64, -64, -65, 127, 128, 8191, 8192, 1 << 20, i32::MAX, i32::MIN] {
            out.clear();
            put_varint(&mut out, value);
            assert_eq!(out.len(), varint_len(value), "{value}");
            let mut rest = &out[..];
            assert_eq!(read_varint(&mut rest), Ok(value));
            assert!(rest.is_empty());
        }
        for value in [0, -1, 1 << 35, i64::from(i32::MAX) * 3, i64::MAX, i64::MIN] {
            out.clear();
            put_varlong(&mut out, value);
            assert_eq!(out.len(), varlong_len(value), "{value}");
            let mut rest = &out[..];
            assert_eq!(read_varlong(&mut rest), Ok(value));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_number_that_does_not_end_is_refused() {
        assert_eq!(read_varint(&mut &[0x80; 4][..]), Err(VarintError::Cut));
        assert_eq!(read_varint(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0x01][..]), Err(VarintError::Endless));
        assert_eq!(read_varlong(&mut &[0xff; 11][..]), Err(VarintError::Endless));
        assert_eq!(read_varlong(&mut &[][..]), Err(VarintError::Cut));
    }

    #[test]
    fn bits_beyond_the_number_are_dropped() {
        assert_eq!(read_varint(&mut &[0xfe, 0xff, 0xff, 0xff, 0x7f][..]), Ok(i32::MAX));
        let mut longest = [0xff; 10];
        longest[9] = 0x7f;
        assert_eq!(read_varlong(&mut &longest[..]), Ok(i64::MIN));
    }
}
