//! Hostile bytes: nothing panics, and nothing takes more memory than a small multiple of what the frame carries.

use bytes::Bytes;
use fastrand::Rng;
use lab_core::wire::{annotate, api::ApiKey, frame, message::Message, schema::Schema};

use crate::{memory::peak, messages::for_each_message, mutate::mutate, random};

/// An element of an array is at most this much larger in memory than on the wire (a vector that grows included):
/// measured, see the test that prints it. Kafka's own objects are no smaller.
const MOST_PER_BYTE: usize = 64;

fn decode_within_bounds<M: Message>(version: i16, bytes: &Bytes) {
    let taken = peak(|| drop(M::from_bytes(version, bytes)));
    let name = M::SCHEMA.name;
    assert!(taken <= 256 + MOST_PER_BYTE * bytes.len(), "{name} v{version}: {taken} bytes for {}", bytes.len());
}

#[test]
fn no_mutation_of_any_message_panics_or_takes_more_memory_than_it_carries() {
    fn message<M: Message>() {
        for version in M::versions() {
            for seed in 0..300 {
                let mut rng = Rng::with_seed(seed);
                let mut bytes = random::message(&mut rng, M::SCHEMA, version, 1 + (seed % 4) as usize);
                mutate(&mut rng, &mut bytes);
                let bytes = Bytes::from(bytes);
                decode_within_bounds::<M>(version, &bytes);
                annotation_covers(M::SCHEMA, version, &bytes);
            }
        }
    }
    macro_rules! visit {
        ($ours:ty $(, $theirs:ty)?) => {
            message::<$ours>();
        };
    }
    for_each_message!(visit);
}

#[test]
fn no_cut_of_any_message_is_read_as_a_whole_one() {
    fn message<M: Message>() {
        for version in M::versions() {
            let bytes = Bytes::from(random::message(&mut Rng::with_seed(1), M::SCHEMA, version, 2));
            for end in 0..bytes.len() {
                let cut = bytes.slice(..end);
                assert!(M::from_bytes(version, &cut).is_err(), "{} v{version} cut to {end}", M::SCHEMA.name);
                decode_within_bounds::<M>(version, &cut);
                annotation_covers(M::SCHEMA, version, &cut);
            }
        }
    }
    macro_rules! visit {
        ($ours:ty $(, $theirs:ty)?) => {
            message::<$ours>();
        };
    }
    for_each_message!(visit);
}

#[test]
fn noise_of_any_length_is_within_bounds() {
    fn message<M: Message>() {
        for version in M::versions() {
            for seed in 0..20 {
                let mut rng = Rng::with_seed(seed);
                // Small bytes make small lengths, which get further than noise does.
                let highest = [255, 3, 1][seed as usize % 3];
                let bytes: Vec<u8> = (0..rng.usize(..5000)).map(|_| rng.u8(..=highest)).collect();
                decode_within_bounds::<M>(version, &Bytes::from(bytes));
            }
        }
    }
    macro_rules! visit {
        ($ours:ty $(, $theirs:ty)?) => {
            message::<$ours>();
        };
    }
    for_each_message!(visit);
}

/// Six bytes that make the `kafka-protocol` crate ask for gigabytes and abort.
#[test]
fn a_count_of_two_thousand_million_in_six_bytes_costs_nothing() {
    for bytes in [&[0x7f, 0xff, 0xff, 0xff, 0, 0][..], &[0xff, 0xff, 0xff, 0xff, 0x07, 0]] {
        macro_rules! visit {
            ($ours:ty $(, $theirs:ty)?) => {
                for version in <$ours as Message>::versions() {
                    decode_within_bounds::<$ours>(version, &Bytes::from_static(bytes));
                }
            };
        }
        for_each_message!(visit);
    }
}

#[test]
fn hostile_frames_are_refused_or_annotated_as_far_as_they_can_be_read() {
    let mut rng = Rng::with_seed(3);
    for _ in 0..20_000 {
        let key = ApiKey::ALL[rng.usize(..ApiKey::ALL.len())];
        let mut bytes = [key.code().to_be_bytes(), rng.i16(0..14).to_be_bytes()].concat();
        bytes.extend((0..rng.usize(..80)).map(|_| rng.u8(..=3)));
        mutate(&mut rng, &mut bytes);
        let bytes = Bytes::from(bytes);
        let taken = peak(|| drop(frame::parse_request(&bytes)));
        assert!(taken <= 256 + bytes.len(), "{taken} for a header in {} bytes", bytes.len());
        let what = match rng.bool() {
            true => annotate::What::Request,
            false => annotate::What::Response { api_key: key, api_version: rng.i16(0..14) },
        };
        covers(&bytes, annotate::annotate(&bytes, what));
    }
}

#[test]
fn hostile_batches_are_annotated_to_the_end() {
    use lab_core::wire::batch::BatchBuilder;
    let mut rng = Rng::with_seed(4);
    for round in 0..5_000 {
        let mut builder = BatchBuilder::new();
        for _ in 0..rng.u8(1..4) {
            builder.push(rng.i64(0..1000), Some(b"key"), Some(&[1, 2, 3]), &[]);
        }
        let mut bytes = builder.build().to_vec();
        // Bit flips only in half of the rounds: cuts and insertions rarely get past the header.
        match round % 2 {
            0 => mutate(&mut rng, &mut bytes),
            _ => {
                let at = rng.usize(..bytes.len());
                bytes[at] ^= 1 << rng.u8(..8);
            }
        }
        let bytes = Bytes::from(bytes);
        covers(&bytes, annotate::annotate_batches(&bytes, rng.bool()));
    }
}

fn annotation_covers(schema: &'static Schema, version: i16, bytes: &Bytes) {
    covers(bytes, annotate::annotate_message(schema, version, bytes));
}

/// Whatever the bytes are, the notes follow each other and reach the end.
fn covers(bytes: &Bytes, notes: Vec<annotate::Note>) {
    let mut at = 0;
    for note in &notes {
        assert_eq!(note.range.start, at, "{notes:#?}");
        at = note.range.end;
    }
    assert_eq!(at, bytes.len(), "{notes:#?}");
}
