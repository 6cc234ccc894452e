//! What a consumer does with a batch that the broker has stored and nobody can read.

use bytes::{Bytes, BytesMut};

use crate::{
    id::{NodeId, TopicPartition},
    sim::{Answer, Scenario, TopicSpec, World},
    view::ConsumerView,
    wire::{
        batch::{Batch, BatchBuilder, BatchHeader, Codec, HEADER_LEN, LOG_OVERHEAD},
        frame,
        produce::{PartitionProduceData, ProduceRequest, TopicProduceData},
        records::Records,
    },
};

/// Three records, the second with a length that is not true. A broker skips records of compressed batches without looking
/// at their lengths, Kafka's too; a consumer needs them.
fn poisoned() -> Bytes {
    let mut builder = BatchBuilder::new();
    (0..3).for_each(|i| builder.push(i, None, Some(b"value"), &[]));
    let plain = Batch::parse(&builder.build()).unwrap();
    let mut records = BytesMut::from(&plain.records_bytes()[..]);
    let second = records.len() / 3;
    records[second] = 100;
    let packed = Codec::Gzip.compress(&records);
    let batch_length = (HEADER_LEN - LOG_OVERHEAD + packed.len()) as i32;
    let mut header = BatchHeader { batch_length, attributes: Codec::Gzip as i16, ..plain.header };
    // Computes the checksum, too.
    header.set_max_timestamp(true, 2, &packed);
    header.set_max_timestamp(false, 2, &packed);
    [&header.encode()[..], &packed].concat().into()
}

fn produce(world: &mut World, batch: Bytes) {
    let data = PartitionProduceData { index: 0, records: batch.into() };
    let topic = TopicProduceData { name: "orders".into(), partition_data: vec![data], ..Default::default() };
    let request = ProduceRequest { acks: 1, timeout_ms: 1000, topic_data: vec![topic], ..Default::default() };
    let frame = Records::Parts(frame::request_parts(9, 1, "test", &request)).bytes();
    let Answer::Frame(answer) = world.ask(NodeId(1), frame, 3000) else { panic!("no answer") };
    let response = frame::parse_response::<ProduceRequest>(9, &answer).unwrap().1;
    assert_eq!(response.responses[0].partition_responses[0].error_code, 0, "the broker stores it");
}

fn consumer(world: &World) -> ConsumerView {
    world.view().consumers[0].clone()
}

#[test]
fn a_batch_that_cannot_be_read_stops_the_consumer_and_is_named() {
    let mut scenario = Scenario::cluster("unreadable", 1, 1);
    scenario.topics.push(TopicSpec {
        name: "orders".into(),
        partitions: 1,
        replication_factor: 1,
        configs: Vec::new(),
    });
    let reader = scenario.consumer(1101, "consumer-1");
    scenario.consumers.push(reader);
    let mut world = World::new(scenario, 1);
    world.run_for(8000);
    let mut good = BatchBuilder::new();
    good.push(1, None, Some(b"good"), &[]);
    produce(&mut world, good.clone().build());
    produce(&mut world, poisoned());
    produce(&mut world, good.build());
    world.run_for(5000);
    let view = consumer(&world);
    assert_eq!(view.read, 2, "what lies before it is read, once");
    let why = view.last_error.unwrap_or_default();
    let partition = TopicPartition::new("orders", 0);
    assert!(why.contains(&format!("cannot read {partition} at offset 2")), "{why}");
}
