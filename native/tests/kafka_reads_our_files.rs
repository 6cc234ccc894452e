//! Apache Kafka's own `kafka-dump-log` reads the files that our log writes: segments with every codec, indexes, producer
//! snapshots, and the metadata log. Skipped, with the reason, where Java or Kafka's jars are absent.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use kafka_lab::disk::FileDisk;
use lab_core::{
    assign::{Assignor, by_topic},
    disk::Disk,
    group::record::GroupRecord,
    id::{TopicPartition, Uuid},
    log::{Log, LogConfig},
    metadata::record::MetadataRecord,
    wire::{
        batch::{BatchBuilder, Codec, ControlType, control_batch},
        consumer_protocol::{self, ConsumerProtocolAssignment},
        control_records::{LeaderChangeMessage, Voter},
        group_records::{GroupMetadataKey, GroupMetadataValue, MemberMetadata, OffsetCommitKey, OffsetCommitValue},
        message::Message,
        metadata_records::{PartitionRecord, TopicRecord},
    },
};

const VERSION: &str = "4.3.1";

/// What a group coordinator writes: `--offsets-decoder` opens keys and values, and inside them what consumers wrote.
#[test]
fn offsets_of_groups() {
    let Some(kafka) = Kafka::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut disk = FileDisk::new(dir.path()).unwrap();
    let (mut log, _) = Log::open(&mut disk, "__consumer_offsets-9", LogConfig::default(), true).unwrap();
    let key = |topic: &str| OffsetCommitKey { group: "billing".into(), topic: topic.into(), partition: 2 };
    let value = OffsetCommitValue {
        offset: 42,
        leader_epoch: 3,
        metadata: "half way".into(),
        commit_timestamp: 1_700_000_000_000,
        topic_id: Uuid([7; 16]),
        ..Default::default()
    };
    let expiring = OffsetCommitValue { expire_timestamp: 1_800_000_000_000, ..value.clone() };
    let orders = [TopicPartition::new("orders", 2)];
    let subscription = Assignor::CooperativeSticky.subscription(&["orders".into()], &orders, 4);
    let assignment = ConsumerProtocolAssignment { assigned_partitions: by_topic(&orders), user_data: None };
    let group = GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation: 5,
        protocol: Some("cooperative-sticky".into()),
        leader: Some("A-1".into()),
        current_state_timestamp: 1_700_000_000_000,
        members: vec![MemberMetadata {
            member_id: "A-1".into(),
            group_instance_id: Some("a".into()),
            client_id: "A".into(),
            client_host: "/127.0.0.1".into(),
            rebalance_timeout: 300_000,
            session_timeout: 45_000,
            subscription: consumer_protocol::encode(&subscription),
            assignment: consumer_protocol::encode(&assignment),
        }],
    };
    let group_key = || GroupMetadataKey { group: "billing".into() };
    let records = [
        GroupRecord::Group(group_key(), Some(group)),
        GroupRecord::Offset(key("orders"), Some(value)),
        GroupRecord::Offset(key("old"), Some(expiring)),
        GroupRecord::Offset(key("old"), None),
        GroupRecord::Group(group_key(), None),
    ];
    let mut batch = BatchBuilder::new();
    for record in &records {
        batch.push(1_700_000_000_000, Some(&record.encode_key()), record.encode_value().as_deref(), &[]);
    }
    log.validate_and_append(&mut disk, &batch.build(), 0, 1_700_000_000_000).unwrap();
    log.close(&mut disk).unwrap();
    let file = dir.path().join("__consumer_offsets-9/00000000000000000000.log");
    let said = kafka.dump_log(&["--offsets-decoder"], &[file]);
    for words in [
        r#"key: {"type":"2","data":{"group":"billing"}} payload: {"version":"3","data":{"protocolType":"consumer","generation":5,"protocol":"cooperative-sticky","leader":"A-1""#,
        r#""subscription":{"topics":["orders"],"userData":null,"ownedPartitions":[{"topic":"orders","partitions":[2]}],"generationId":4,"rackId":null}"#,
        r#""assignment":{"assignedPartitions":[{"topic":"orders","partitions":[2]}],"userData":null}"#,
        r#"payload: {"version":"4","data":{"offset":42,"leaderEpoch":3,"metadata":"half way","commitTimestamp":1700000000000,"topicId":"BwcHBwcHBwcHBwcHBwcHBw"}}"#,
        r#"payload: {"version":"1","data":{"offset":42,"metadata":"half way","commitTimestamp":1700000000000,"expireTimestamp":1800000000000}}"#,
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    assert_eq!(said.lines().filter(|line| line.contains("payload: <DELETE>")).count(), 2, "{said}");
}

#[test]
fn segments_indexes_and_snapshots() {
    let Some(kafka) = Kafka::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut disk = FileDisk::new(dir.path()).unwrap();
    let config = LogConfig { segment_bytes: 1 << 16, index_interval_bytes: 500, ..LogConfig::default() };
    let (mut log, _) = Log::open(&mut disk, "orders-0", config, true).unwrap();
    let headers: [(&str, Option<&[u8]>); 2] = [("trace", Some(b"1")), ("trace", None)];
    let mut sequence = 0;
    for round in 0..60_i64 {
        for codec in Codec::ALL {
            let mut batch = BatchBuilder::new().codec(codec).producer(4000, 0, sequence);
            for i in 0..5 {
                let value = vec![b'a' + (round % 26) as u8; 300];
                batch.push(1_700_000_000_000 + round * 10 + i, Some(b"key"), Some(&value), &headers);
            }
            sequence += 5;
            log.validate_and_append(&mut disk, &batch.build(), (round / 20) as i32, 1_700_000_000_000).unwrap();
        }
        let mut batch = BatchBuilder::new().producer(4001, 3, round as i32).transactional();
        batch.push(1_700_000_000_000 + round * 10, None, None, &[]);
        log.validate_and_append(&mut disk, &batch.build(), (round / 20) as i32, 1_700_000_000_000).unwrap();
    }
    let mut marker = BatchBuilder::new().control().transactional().producer(4001, 3, -1);
    marker.push(1_700_000_000_700, Some(&ControlType::Commit.key()), Some(&[0, 0, 0, 0, 0, 7]), &[]);
    log.append_internal(&mut disk, &marker.build(), 2).unwrap();
    let end = log.log_end_offset();
    log.close(&mut disk).unwrap();

    let names = disk.list("orders-0").unwrap();
    let path = |name: &String| dir.path().join("orders-0").join(name);
    let of = |suffix: &str| names.iter().filter(|name| name.ends_with(suffix)).map(path).collect::<Vec<_>>();
    assert!(of(".log").len() > 2, "{names:?}");

    let said = kafka.dump_log(&["--deep-iteration", "--print-data-log"], &of(".log"));
    assert!(said.contains(&format!("baseOffset: {} lastOffset: {}", end - 1, end - 1)), "{said}");
    for codec in Codec::ALL {
        let batches = said.lines().filter(|line| line.contains(&format!("compresscodec: {}", codec.name()))).count();
        assert!(batches >= 60, "{codec:?}: {batches}\n{said}");
    }
    let records = said.lines().filter(|line| line.trim_start().starts_with("| offset:")).count();
    assert_eq!(records as i64, end, "{said}");
    assert!(said.contains("isvalid: true") && !said.contains("isvalid: false"), "{said}");
    assert!(said.contains("headerKeys: [trace,trace]"), "{said}");
    assert!(said.contains("endTxnMarker: COMMIT coordinatorEpoch: 7"), "{said}");

    // A tool that finds an entry of an index wrong says "Found ..." or "Mismatches in".
    let said = kafka.dump_log(&[], &of("index"));
    assert!(said.lines().filter(|line| line.contains("offset: ")).count() > 50, "{said}");
    assert!(!said.contains("Mismatches") && !said.contains("Found") && !said.contains("out of order"), "{said}");

    let said = kafka.dump_log(&[], &of(".snapshot"));
    let last = format!(
        "producerId: 4000 producerEpoch: 0 coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong.empty lastTimestamp: \
         1700000000594 firstSequence: {} lastSequence: {}",
        sequence - 5,
        sequence - 1
    );
    assert!(said.contains(&last), "{said}");
    assert!(
        said.contains(
            "producerId: 4001 producerEpoch: 3 coordinatorEpoch: 7 currentTxnFirstOffset: OptionalLong.empty"
        ),
        "{said}"
    );
}

#[test]
fn the_metadata_log() {
    let Some(kafka) = Kafka::find() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut disk = FileDisk::new(dir.path()).unwrap();
    let (mut log, _) = Log::open(&mut disk, "__cluster_metadata-0", LogConfig::default(), true).unwrap();
    let voter = Voter { voter_id: 101, voter_directory_id: Uuid::ZERO };
    let change =
        LeaderChangeMessage { version: 0, leader_id: 101, voters: vec![voter.clone()], granting_voters: vec![voter] };
    let batch = control_batch(1_700_000_000_000, &[(ControlType::LeaderChange, change.to_bytes(0).unwrap())]);
    log.append_internal(&mut disk, &batch, 1).unwrap();
    let topic_id = Uuid([9; 16]);
    let topic = MetadataRecord::Topic(TopicRecord { name: "orders".into(), topic_id });
    let partition = MetadataRecord::Partition(PartitionRecord {
        partition_id: 0,
        topic_id,
        replicas: vec![1, 2],
        isr: vec![1, 2],
        leader: 1,
        leader_epoch: 0,
        partition_epoch: 0,
        directories: vec![Uuid([1; 16]), Uuid([2; 16])],
        ..PartitionRecord::default()
    });
    let mut batch = BatchBuilder::new();
    for record in [topic, partition] {
        let value: Bytes = record.encode();
        batch.push(1_700_000_000_000, None, Some(&value), &[]);
    }
    log.append_internal(&mut disk, &batch.build(), 1).unwrap();
    log.close(&mut disk).unwrap();

    let file = dir.path().join("__cluster_metadata-0/00000000000000000000.log");
    let said = kafka.dump_log(&["--cluster-metadata-decoder", "--deep-iteration"], &[file]);
    assert!(said.contains("LeaderChange: {\"version\":0,\"leaderId\":101"), "{said}");
    assert!(said.contains("{\"type\":\"TOPIC_RECORD\",\"version\":0,\"data\":{\"name\":\"orders\""), "{said}");
    assert!(said.contains("\"type\":\"PARTITION_RECORD\"") && said.contains("\"isr\":[1,2]"), "{said}");
}

/// Java and Kafka's jars.
struct Kafka {
    class_path: String,
}

impl Kafka {
    /// Looks where `cargo xtask` puts the jars, in `$PEER_DIR/libs`, and in Maven's repository.
    fn find() -> Option<Self> {
        if Command::new("java").arg("-version").output().is_err() {
            eprintln!("skipped: java is not installed");
            return None;
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("native is in a workspace");
        let mut folders = vec![workspace.join("target/peer/libs")];
        folders.extend(env::var_os("PEER_DIR").map(|peer| Path::new(&peer).join("libs")));
        let tools = format!("kafka-tools-{VERSION}.jar");
        if let Some(folder) = folders.iter().find(|folder| folder.join(&tools).exists()) {
            return Some(Self { class_path: folder.join("*").display().to_string() });
        }
        let repository = Path::new(&env::var_os("HOME")?).join(".m2/repository");
        if repository.join(format!("org/apache/kafka/kafka-tools/{VERSION}")).join(&tools).exists() {
            let mut jars = Vec::new();
            collect_jars(&repository, &mut jars);
            let jars: Vec<String> = jars.iter().map(|jar| jar.display().to_string()).collect();
            return Some(Self { class_path: jars.join(":") });
        }
        eprintln!("skipped: no jars of Apache Kafka {VERSION} in {folders:?} or ~/.m2");
        None
    }

    fn dump_log(&self, arguments: &[&str], files: &[PathBuf]) -> String {
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let output = Command::new("java")
            .args(["-cp", &self.class_path, "org.apache.kafka.tools.DumpLogSegments", "--files", &files.join(",")])
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !complaint.contains("Exception"), "{complaint}\n{said}");
        said
    }
}

fn collect_jars(folder: &Path, jars: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect_jars(&path, jars);
        } else if path.extension().is_some_and(|extension| extension == "jar") {
            jars.push(path);
        }
    }
}
