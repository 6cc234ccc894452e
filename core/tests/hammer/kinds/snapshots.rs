//! Snapshots of the metadata log: read, and their records applied to an image.

use bytes::Bytes;
use fastrand::Rng;
use lab_core::{
    metadata::{image::MetadataImage, record::MetadataRecord},
    raft::snapshot,
    wire::metadata_records,
};

use super::{BLOCK, mutate::mutate, random, requests, within};

pub fn blocks() -> Box<dyn FnMut(u64)> {
    let palette = requests::palette();
    Box::new(move |seed| {
        let mut rng = Rng::with_seed(seed);
        for _ in 0..BLOCK {
            let records: Vec<Bytes> = (0..rng.usize(..8)).map(|_| record(&mut rng, &palette)).collect();
            let mut file = snapshot::encode(rng.i32(0..5), rng.i64(..), &records).to_vec();
            // A damaged file is refused for its checksum, so damage to the records themselves gets further.
            if rng.u8(..4) == 0 {
                mutate(&mut rng, &mut file);
            }
            let file = Bytes::from(file);
            within(file.len(), 64 << 10, 256, "a snapshot", || load(&file));
        }
    })
}

fn load(file: &Bytes) {
    let Ok(records) = snapshot::decode(file) else { return };
    let mut image = MetadataImage::default();
    for (offset, record) in records.iter().enumerate() {
        let Ok(record) = MetadataRecord::decode(record) else { continue };
        if image.apply(&record, offset as i64).is_ok() {
            // By the bytes: a record may hold a number that is none, which equals nothing.
            let again = MetadataRecord::decode(&record.encode()).expect("what is written can be read");
            assert_eq!(again.encode(), record.encode(), "{record:?}");
        }
    }
    drop(image.to_records());
}

/// Frame version, key and version of a record, then its fields.
fn record(rng: &mut Rng, palette: &random::Palette) -> Bytes {
    let schemas = metadata_records::SCHEMAS;
    let schema = schemas[rng.usize(..schemas.len())];
    let version = rng.i16(schema.versions.from..=schema.versions.to);
    let mut bytes = vec![1, schema.api_key.unwrap_or_default() as u8, version as u8];
    let size = rng.usize(1..4);
    bytes.extend(random::message_of(rng, schema, version, size, palette));
    if rng.u8(..3) == 0 {
        mutate(rng, &mut bytes);
    }
    bytes.into()
}
