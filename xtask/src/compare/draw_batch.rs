//! Draws record batches: valid ones, and what can be wrong with them field by field, down to the codec's frame.

use fastrand::Rng;

use super::{
    batch::{Batch, Blob, Damage, Record, TIMESTAMP},
    codec::Codec,
    names,
};

pub fn valid(rng: &mut Rng) -> Batch {
    let mut batch = Batch::of(rng.i64(1..4));
    batch.codec = pick(
        rng,
        &[
            Codec::None,
            Codec::None,
            Codec::None,
            Codec::Gzip,
            Codec::Snappy,
            Codec::BareSnappy,
            Codec::Lz4,
            Codec::Zstd,
        ],
    );
    for record in &mut batch.records {
        match rng.u8(..8) {
            0 => record.key = Blob::Null,
            1 => record.value = Blob::Null,
            2 => record.headers.push((Blob::Of("h"), Blob::Of("1"))),
            3 => record.headers.extend([(Blob::Of("h"), Blob::Null), (Blob::Of("h"), Blob::Of(""))]),
            4 => record.value = Blob::Of(LONG),
            _ => {}
        }
    }
    if rng.u8(..5) == 0 {
        batch.producer_id = names::PRODUCER + rng.i64(..2);
        batch.producer_epoch = 0;
        batch.base_sequence = pick(rng, &[0, 0, 0, 1, 2, 3, 4, 5, 6]);
    }
    batch
}

/// Long enough that a codec makes it shorter.
const LONG: &str = "the same words again and again, the same words again and again, the same words again and again";

/// A batch with one or two things wrong.
pub fn odd(rng: &mut Rng) -> Batch {
    let mut batch = valid(rng);
    for _ in 0..rng.u8(1..3) {
        match rng.u8(..24) {
            0..8 => mutate_records(rng, &mut batch),
            8..15 => mutate_frame(rng, &mut batch),
            _ => mutate_header(rng, &mut batch),
        }
    }
    batch
}

fn pick<T: Clone>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())].clone()
}

fn mutate_header(rng: &mut Rng, batch: &mut Batch) {
    let last = batch.records.len() as i32 - 1;
    match rng.u8(..17) {
        0 => batch.base_offset = pick(rng, &[1, 5, -1, i64::MAX, i64::MIN]),
        1 => batch.length_off_by = pick(rng, &[1, -1, 10, -10, -61, i32::MAX, -1000]),
        2 => batch.leader_epoch = pick(rng, &[0, 1, i32::MAX, -2]),
        3 => batch.magic = pick(rng, &[0, 1, 3, -1, 127]),
        4 => batch.crc_is_wrong = true,
        5 => batch.codec = Codec::Unknown(pick(rng, &[5, 6, 7])),
        6 => batch.attributes |= pick(rng, &[8, 0x10, 0x20, 0x30, 0x40, 0x80, 0x100, 0x4000, -0x8000]),
        7 => batch.last_offset_delta = Some(pick(rng, &[last + 1, last - 1, 0, -1, i32::MAX, i32::MIN])),
        8 => batch.base_timestamp = pick(rng, &[-1, -2, 0, i64::MAX, i64::MIN, TIMESTAMP * 2]),
        9 => batch.max_timestamp = Some(pick(rng, &[-1, 0, TIMESTAMP, TIMESTAMP + 5, i64::MAX, i64::MIN])),
        10 => batch.producer_id = pick(rng, &[names::PRODUCER, -1, -2, 0, i64::MAX]),
        11 => batch.producer_epoch = pick(rng, &[0, 1, -1, -2, i16::MAX]),
        12 => batch.base_sequence = pick(rng, &[0, 1, -1, -2, i32::MAX]),
        13 => batch.count = Some(pick(rng, &[0, 1, 2, 3, 4, -1, i32::MAX, i32::MIN])),
        14 => {
            batch.records.clear();
            batch.count = pick(rng, &[None, Some(0), Some(1)]);
        }
        15 => batch.records = Batch::of(rng.i64(1..100)).records,
        _ => {
            batch.producer_id = names::PRODUCER;
            batch.producer_epoch = pick(rng, &[0, 0, 1, -1]);
            batch.base_sequence = pick(rng, &[0, 1, 2, 3, -1, i32::MAX]);
        }
    }
}

fn mutate_records(rng: &mut Rng, batch: &mut Batch) {
    if batch.records.is_empty() {
        return;
    }
    let at = rng.usize(..batch.records.len());
    let claims = Blob::Claims(pick(rng, &[-1, -2, 1, 2, 100, i64::from(i32::MAX), i64::from(i32::MIN), 1 << 40]));
    let record: &mut Record = &mut batch.records[at];
    match rng.u8(..16) {
        0 => record.length_off_by = pick(rng, &[1, -1, 5, -5, -100, i64::from(i32::MAX), 1 << 40]),
        1 => record.attributes = pick(rng, &[1, 0x80, 0xff]),
        2 => record.timestamp_delta = pick(rng, &[-1, 1000, i64::MAX, i64::MIN, -TIMESTAMP - 5]),
        3 => record.offset_delta = pick(rng, &[0, 1, 5, -1, i64::from(i32::MAX), i64::from(i32::MIN), 1 << 40]),
        4 => record.key = claims,
        5 => record.value = claims,
        6 => record.headers = vec![(Blob::Null, Blob::Of("v"))],
        7 => record.headers = vec![(claims, Blob::Of("v"))],
        8 => record.headers = vec![(Blob::Of("k"), claims)],
        9 => record.header_count = Some(pick(rng, &[-1, 1, 2, 100, i64::from(i32::MAX), i64::from(i32::MIN)])),
        10 => record.trailing = rng.usize(1..4),
        11 => batch.plain.push(Damage::Cut(rng.usize(1..12))),
        12 => batch.plain.push(Damage::Append(vec![pick(rng, &[0, 1, 2, 14, 0xff]); rng.usize(1..12)])),
        13 => batch.plain.push(Damage::Flip(rng.usize(..1000), rng.u8(..8))),
        14 => drop(batch.records.swap_remove(at)),
        _ => batch.plain.push(Damage::Twice),
    }
}

fn mutate_frame(rng: &mut Rng, batch: &mut Batch) {
    if batch.codec == Codec::None {
        batch.codec = pick(rng, &[Codec::Gzip, Codec::Snappy, Codec::BareSnappy, Codec::Lz4, Codec::Zstd]);
    }
    // A skippable frame, which zstd and LZ4 share.
    let skippable = vec![0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7];
    batch.packed.push(match rng.u8(..10) {
        0 | 1 => Damage::Cut(rng.usize(1..10)),
        2 => Damage::Append(vec![pick(rng, &[0, 1, 0xff]); rng.usize(1..10)]),
        3 => Damage::Append(skippable),
        4 => Damage::Prepend(skippable),
        5 => Damage::Twice,
        6 => Damage::Cut(1000),
        _ => Damage::Flip(rng.usize(..1000), rng.u8(..8)),
    });
}
