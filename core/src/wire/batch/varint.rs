//! Zigzag varints, in which every number inside a record is written (`ByteUtils` of Apache Kafka).

use bytes::BytesMut;

/// Reads a signed varint of at most 32 bits and moves past it. `None`: cut short or too long.
pub(super) fn read_varint(bytes: &mut &[u8]) -> Option<i32> {
    // Most numbers in a record fit one byte.
    if let Some((&first, rest)) = bytes.split_first()
        && first < 0x80
    {
        *bytes = rest;
        return Some(((first >> 1) as i32) ^ -((first & 1) as i32));
    }
    let raw = u32::try_from(read_raw(bytes, 5)?).ok()?;
    Some(((raw >> 1) as i32) ^ -((raw & 1) as i32))
}

/// As [`read_varint`], 64 bits.
pub(super) fn read_varlong(bytes: &mut &[u8]) -> Option<i64> {
    let raw = read_raw(bytes, 10)?;
    Some(((raw >> 1) as i64) ^ -((raw & 1) as i64))
}

fn read_raw(bytes: &mut &[u8], longest: usize) -> Option<u64> {
    let mut value = 0_u64;
    for (i, &byte) in bytes.iter().take(longest).enumerate() {
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit only.
        if i == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * i);
        if byte & 0x80 == 0 {
            *bytes = &bytes[i + 1..];
            return Some(value);
        }
    }
    None
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
            assert_eq!(read_varint(&mut rest), Some(value));
            assert!(rest.is_empty());
        }
        for value in [0, -1, 1 << 35, i64::from(i32::MAX) * 3, i64::MAX, i64::MIN] {
            out.clear();
            put_varlong(&mut out, value);
            assert_eq!(out.len(), varlong_len(value), "{value}");
            let mut rest = &out[..];
            assert_eq!(read_varlong(&mut rest), Some(value));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_number_that_does_not_end_is_refused() {
        assert_eq!(read_varint(&mut &[0x80; 4][..]), None);
        assert_eq!(read_varint(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0x01][..]), None);
        assert_eq!(read_varint(&mut &[0xff, 0xff, 0xff, 0xff, 0x1f][..]), None);
        assert_eq!(read_varlong(&mut &[0xff; 11][..]), None);
        assert_eq!(read_varlong(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02][..]), None);
    }
}
