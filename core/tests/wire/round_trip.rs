//! Bytes to message to bytes, ours and the `kafka-protocol` crate's, for every message in every version.

use bytes::{Bytes, BytesMut};
use fastrand::Rng;
use kafka_protocol::protocol::{Decodable, Encodable, Message as TheirMessage};
use lab_core::{
    seam::Part,
    wire::{annotate, message::Message, records::Records},
};

use crate::{messages::for_each_message, random};

const ROUNDS: u64 = 60;

/// Random messages of every version: what was read is written back byte for byte, and annotation covers each byte once.
fn ours<M: Message>(mut each: impl FnMut(i16, &Bytes)) {
    for version in M::versions() {
        for seed in 0..ROUNDS {
            let mut rng = Rng::with_seed(seed);
            let size = 1 + (seed % 5) as usize;
            let bytes = Bytes::from(random::message(&mut rng, M::SCHEMA, version, size));
            let what = || format!("{} v{version}, seed {seed}", M::SCHEMA.name);
            let message = M::from_bytes(version, &bytes).unwrap_or_else(|error| panic!("{}: {error}", what()));
            assert_eq!(message.to_bytes(version).as_ref(), Ok(&bytes), "{}: {message:?}", what());
            assert_eq!(annotated_len(M::SCHEMA, version, &bytes), bytes.len(), "{}", what());
            each(version, &bytes);
        }
    }
}

/// Length of what annotation could read; checks that the notes follow each other without gaps.
fn annotated_len(schema: &'static lab_core::wire::schema::Schema, version: i16, bytes: &Bytes) -> usize {
    let mut at = 0;
    for note in annotate::annotate_message(schema, version, bytes) {
        if ["unreadable", "unknown", "left over"].contains(&note.kind) && !note.path.ends_with("tags") {
            break;
        }
        assert_eq!(note.range.start, at, "{note:?}");
        at = note.range.end;
    }
    at
}

/// The crate reads what we wrote and writes the same bytes. Gives the versions it does not have.
fn theirs<M: Message, T: TheirMessage + Decodable + Encodable>() -> Vec<i16> {
    ours::<M>(|version, bytes| {
        if (T::VERSIONS.min..=T::VERSIONS.max).contains(&version) {
            let mut left = bytes.clone();
            let message = T::decode(&mut left, version);
            let message = message.unwrap_or_else(|error| panic!("{} v{version}: {error}", M::SCHEMA.name));
            assert!(left.is_empty(), "{} v{version}: {} bytes left", M::SCHEMA.name, left.len());
            let mut written = BytesMut::new();
            message.encode(&mut written, version).expect("what was decoded can be encoded");
            assert_eq!(written, bytes, "{} v{version}", M::SCHEMA.name);
        }
    });
    M::versions().filter(|version| !(T::VERSIONS.min..=T::VERSIONS.max).contains(version)).collect()
}

#[test]
fn every_version_of_every_message_round_trips_and_agrees_with_the_kafka_protocol_crate() {
    let mut missing = Vec::new();
    macro_rules! visit {
        ($ours:ty, $theirs:ty) => {
            missing.extend(theirs::<$ours, $theirs>().into_iter().map(|version| (<$ours>::SCHEMA.name, version)));
        };
        ($ours:ty) => {
            ours::<$ours>(|_, _| {});
        };
    }
    for_each_message!(visit);
    // The crate has the schemas of Kafka 4.1; in these versions only our own two ends agree with each other here, and
    // `cargo xtask schemas` compares them with Kafka's own description.
    let expected = [
        ("ListOffsetsRequest", 11),
        ("ListOffsetsResponse", 11),
        ("OffsetCommitRequest", 10),
        ("OffsetFetchRequest", 10),
        ("InitProducerIdRequest", 6),
        ("BrokerHeartbeatRequest", 2),
        ("BrokerHeartbeatResponse", 2),
        ("DescribeLogDirsRequest", 5),
        ("DescribeLogDirsResponse", 5),
        ("AddRaftVoterRequest", 1),
        ("AddRaftVoterResponse", 1),
    ];
    assert_eq!(missing, expected);
}

#[test]
fn defaults_round_trip_in_every_version() {
    macro_rules! visit {
        ($ours:ty $(, $theirs:ty)?) => {
            for version in <$ours as Message>::versions() {
                let default = <$ours>::default();
                let name = <$ours>::SCHEMA.name;
                let bytes = default.to_bytes(version).unwrap_or_else(|error| panic!("{name} v{version}: {error}"));
                assert_eq!(<$ours>::from_bytes(version, &bytes), Ok(default), "{name} v{version}");
            }
        };
    }
    for_each_message!(visit);
}

#[test]
fn record_data_is_neither_copied_in_nor_out() {
    use lab_core::wire::produce::*;
    let data = Bytes::from(vec![7; 1000]);
    let records = Records::Parts(vec![Part::Bytes(data.slice(..400)), Part::Bytes(data.slice(400..))]);
    let partition_data = vec![PartitionProduceData { index: 3, records }];
    let topic_data = vec![TopicProduceData { partition_data, ..TopicProduceData::default() }];
    let request = ProduceRequest { topic_data, ..ProduceRequest::default() };
    for version in ProduceRequest::versions() {
        let parts = lab_core::wire::frame::request_parts(version, 1, "p", &request);
        let places: Vec<_> = parts
            .iter()
            .map(|part| match part {
                Part::Bytes(bytes) => bytes.as_ptr(),
                Part::File(_) => panic!("no file here"),
            })
            .collect();
        assert!(places.contains(&data.as_ptr()) && places.contains(&data[400..].as_ptr()));

        let frame = Records::Parts(parts).bytes();
        let (_, body) = lab_core::wire::frame::parse_request(&frame).unwrap();
        let back: ProduceRequest = lab_core::wire::frame::decode_body(version, &body).unwrap();
        let Records::Bytes(bytes) = &back.topic_data[0].partition_data[0].records else { panic!("no data") };
        assert_eq!(bytes, &data);
        assert!(frame.as_ptr_range().contains(&bytes.as_ptr()));
    }
}
