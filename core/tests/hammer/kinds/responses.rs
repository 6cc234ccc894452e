//! Responses: decoded, annotated, and given to brokers, controllers, producers, consumers and admins that asked for them.

use bytes::Bytes;
use fastrand::Rng;
use lab_core::{
    client::{AdminConfig, ConsumerConfig, ProducerConfig},
    config::NodeConfig,
    disk::MemDisk,
    id::{Command, NodeId},
    node,
    program::Program,
    seam::Input,
    sim::Scenario,
    wire::{annotate, api::ApiKey, frame, message::Message, schema::Schema},
};

use super::{BLOCK, lone::Lone, messages::for_each_message, mutate::mutate, random, requests, within};

type Decode = fn(i16, &Bytes);

/// Machines keep what they are told, so a block may take this much.
const BASE: usize = 8 << 20;

pub fn blocks() -> Box<dyn FnMut(u64)> {
    let decoders = decoders();
    let palette = requests::palette();
    let starts = starts();
    Box::new(move |seed| {
        let mut rng = Rng::with_seed(seed);
        let (program, disk, command) = &starts[rng.usize(..starts.len())];
        let mut lone = Lone::start(program.clone(), disk.clone()).expect("a formatted disk");
        lone.input(Input::Wake);
        command.iter().for_each(|command| lone.input(Input::Command(command.clone())));
        for _ in 0..BLOCK {
            let key = ApiKey::ALL[rng.usize(..ApiKey::ALL.len())];
            if let Some(schema) = key.response_schema() {
                let version = rng.i16(schema.versions.from..=schema.versions.to);
                let bytes = body(&mut rng, schema, version, &palette);
                let decode = decoders.iter().find(|(name, _)| *name == schema.name).expect("every message is listed").1;
                within(bytes.len(), 256, 64, schema.name, || decode(version, &bytes));
                let what = annotate::What::Response { api_key: key, api_version: version };
                within(bytes.len(), 4096, 128, "annotating", || drop(annotate::annotate(&bytes, what)));
            }
            answer(&mut rng, &mut lone, &palette);
        }
    })
}

/// Answers one of the machine's requests, or lets time pass until it has some.
fn answer(rng: &mut Rng, lone: &mut Lone, palette: &random::Palette) {
    if lone.asked.is_empty() {
        return lone.wake();
    }
    let (conn, request) = lone.asked.swap_remove(rng.usize(..lone.asked.len()));
    let (head, _) = frame::parse_request(&request).expect("what a machine asks can be read");
    let schema = head.api_key.response_schema().expect("it reads what it asks for");
    let mut frame = head.correlation_id.to_be_bytes().to_vec();
    frame.extend(vec![0; head.api_key.response_header_version(head.api_version) as usize]);
    frame.extend(body(rng, schema, head.api_version, palette));
    let bytes = Bytes::from(frame);
    within(bytes.len(), BASE, 256, schema.name, || match rng.u8(..20) {
        0 => lone.input(Input::Closed { conn }),
        _ => lone.input(Input::Frame { conn, bytes, cause: None }),
    });
}

/// A response that means something, mostly; half of them are damaged.
fn body(rng: &mut Rng, schema: &Schema, version: i16, palette: &random::Palette) -> Bytes {
    let plain = random::Palette::default();
    let palette = if rng.u8(..8) == 0 { &plain } else { palette };
    let size = rng.usize(1..4);
    let mut bytes = random::message_of(rng, schema, version, size, palette);
    if rng.bool() {
        mutate(rng, &mut bytes);
    }
    bytes.into()
}

/// Every program there is, on its own fresh disk, and what is asked of it first.
fn starts() -> Vec<(Program, MemDisk, Vec<Command>)> {
    let scenario = Scenario::cluster("hammer", 3, 3);
    let bootstrap = scenario.bootstrap();
    let server = |id: i32| NodeConfig { node_id: NodeId(id), ..scenario.node_config.clone() };
    let formatted = |config: &NodeConfig| {
        let mut disk = MemDisk::new();
        node::format(&mut disk, config).expect("an empty disk");
        disk
    };
    let (controller, broker) = (server(101), server(1));
    let (controller_disk, broker_disk) = (formatted(&controller), formatted(&broker));
    let produce =
        Command::Produce { topic: "orders".into(), partition: None, key: Some("k".into()), value: "v".into() };
    let create = Command::CreateTopic { topic: "t".into(), partitions: 1, replication_factor: 1, configs: Vec::new() };
    let group = ConsumerConfig { group_id: Some("g".into()), ..scenario.consumer(1101, "A") };
    let admin = AdminConfig { id: NodeId(1000), bootstrap, ..AdminConfig::default() };
    let producer = ProducerConfig { allow_auto_topic_creation: true, ..scenario.producer(1001, "P") };
    vec![
        (Program::Controller(Box::new(controller)), controller_disk, vec![]),
        (Program::Broker(Box::new(broker)), broker_disk, vec![]),
        (Program::Producer(Box::new(producer)), MemDisk::new(), vec![produce, Command::Flush]),
        (Program::Consumer(Box::new(scenario.consumer(1102, "B"))), MemDisk::new(), vec![]),
        (Program::Consumer(Box::new(group)), MemDisk::new(), vec![]),
        (Program::Admin(Box::new(admin)), MemDisk::new(), vec![create]),
    ]
}

fn decoders() -> Vec<(&'static str, Decode)> {
    let mut all: Vec<(&'static str, Decode)> = Vec::new();
    macro_rules! visit {
        ($ours:ty $(, $theirs:ty)?) => {
            all.push((<$ours as Message>::SCHEMA.name, |version, bytes| drop(<$ours>::from_bytes(version, bytes))));
        };
    }
    for_each_message!(visit);
    all
}
