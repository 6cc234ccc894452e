//! Record batches with each codec, right and wrong: parsed, unpacked, read, annotated, and produced to a broker.

use bytes::Bytes;
use fastrand::Rng;
use lab_core::{
    id::NodeId,
    sim::Answer,
    wire::{
        annotate,
        batch::{self, BatchBuilder, Codec},
        frame,
        produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
        records::Records,
    },
};

use super::{BLOCK, mutate::mutate, requests, within};

const HEADER_LEN: usize = 61;
/// Records unfold to no more than this here.
const LIMIT: usize = 1 << 20;

pub fn blocks() -> Box<dyn FnMut(u64)> {
    let world = requests::running();
    Box::new(move |seed| {
        let mut rng = Rng::with_seed(seed);
        let mut world = world.clone();
        for _ in 0..BLOCK {
            let bytes = hostile(&mut rng);
            // zstd's tables and windows are of a size that its frame asks for, within the decoder's own bound.
            within(bytes.len(), 16 * LIMIT, 64, "reading a batch", || read(&bytes));
            within(bytes.len(), 16 * LIMIT, 128, "annotating a batch", || {
                drop(annotate::annotate_batches(&bytes, true));
            });
            let produce = produce(bytes.clone());
            within(bytes.len(), 64 << 20, 256, "producing a batch", || {
                assert_ne!(world.ask(NodeId(1), produce, 20), Answer::Refused, "the broker has ended");
            });
        }
    })
}

fn read(bytes: &Bytes) {
    for batch in batch::batches(bytes) {
        let Ok(batch) = batch else { break };
        let _ = batch.check_crc();
        for record in batch.records_within(LIMIT) {
            if record.is_err() {
                break;
            }
        }
        for codec in Codec::ALL {
            let _ = codec.decompress(&batch.bytes.slice(HEADER_LEN.min(batch.bytes.len())..), LIMIT);
        }
    }
}

/// A batch of up to a few records, damaged before it is packed, after, or in its header; its checksum is often right.
fn hostile(rng: &mut Rng) -> Bytes {
    let codec = Codec::ALL[rng.usize(..Codec::ALL.len())];
    let mut builder = BatchBuilder::new();
    if rng.u8(..3) == 0 {
        builder = builder.producer(rng.i64(-1..3), rng.i16(-1..2), rng.i32(-1..5));
    }
    let long = [b'x'; 200];
    for _ in 0..rng.u8(1..5) {
        let value = if rng.bool() { &long[..] } else { b"v" };
        builder.push(rng.i64(0..1000), Some(b"key"), Some(value), &[("h", Some(b"1"))]);
    }
    let plain = builder.build();
    let (mut header, mut records) = (plain[..HEADER_LEN].to_vec(), plain[HEADER_LEN..].to_vec());
    if rng.u8(..3) == 0 {
        mutate(rng, &mut records);
    }
    let mut packed = codec.compress(&records);
    if rng.u8(..2) == 0 {
        mutate(rng, &mut packed);
    }
    header[22] = codec as u8;
    if rng.u8(..3) == 0 {
        let at = rng.usize(21..HEADER_LEN);
        header[at] = rng.u8(..);
    }
    header[8..12].copy_from_slice(&((HEADER_LEN - 12 + packed.len()) as i32).to_be_bytes());
    let mut all = [header, packed].concat();
    if rng.u8(..4) > 0 {
        let crc = crc32c::crc32c(&all[21..]);
        all[17..21].copy_from_slice(&crc.to_be_bytes());
    }
    if rng.u8(..8) == 0 {
        mutate(rng, &mut all);
    }
    all.into()
}

fn produce(batch: Bytes) -> Bytes {
    let data = TopicProduceData {
        name: "orders".into(),
        partition_data: vec![PartitionProduceData { index: 0, records: batch.into() }],
        ..Default::default()
    };
    let request = ProduceRequest { acks: 1, timeout_ms: 100, topic_data: vec![data], ..Default::default() };
    Records::Parts(frame::request_parts(9, 1, "hammer", &request)).bytes()
}
