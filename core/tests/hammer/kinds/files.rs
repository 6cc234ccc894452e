//! Files of a node that ran: damaged, then opened by whoever opens them at a start. Logs with their indexes, epochs and
//! producer snapshots by `Log`; what describes the node, its quorum and its metadata by a whole node; recordings by the
//! replay.

use bytes::Bytes;
use fastrand::Rng;
use lab_core::{
    config::NodeConfig,
    disk::MemDisk,
    log::{Log, LogConfig, OpenFrom, checkpoint},
    program::Program,
    recording::Recording,
    seam::Time,
    sim::{Scenario, World},
};

use super::{BLOCK, lone::Lone, mutate::mutate, within};

/// The files of one node, and what starts on them.
struct Node {
    program: Program,
    files: Vec<(String, Bytes)>,
}

pub fn blocks() -> Box<dyn FnMut(u64)> {
    let (nodes, recordings) = ran();
    Box::new(move |seed| {
        let mut rng = Rng::with_seed(seed);
        for _ in 0..BLOCK {
            match rng.u8(..16) {
                0 => recording(&mut rng, &recordings),
                _ => file(&mut rng, &nodes),
            }
        }
    })
}

/// A cluster that ran for some seconds, with a producer and a group.
fn ran() -> (Vec<Node>, Vec<Bytes>) {
    let mut scenario = Scenario::parse("one-broker").expect("a scenario");
    scenario.node_config.offsets_topic_num_partitions = 1;
    let mut world = World::recorded(scenario, 1);
    world.set_checking(false);
    world.run_until(Time::from_ms(8_000));
    let recordings = world.recordings();
    let programs = recordings.iter().filter_map(|bytes| Recording::open(bytes.clone()).ok());
    let server = |program: &Program| matches!(program, Program::Broker(_) | Program::Controller(_));
    let programs = programs.map(|recording| recording.header.program).filter(server);
    let nodes = programs.map(|program| {
        let disk = world.disk(program.node()).expect("a server has a disk");
        Node { files: disk.image(), program }
    });
    (nodes.collect(), recordings)
}

fn file(rng: &mut Rng, nodes: &[Node]) {
    let node = &nodes[rng.usize(..nodes.len())];
    let mut files = node.files.clone();
    for _ in 0..rng.u8(1..3) {
        let at = rng.usize(..files.len());
        let mut bytes = files[at].1.to_vec();
        match rng.u8(..8) {
            0 => bytes.clear(),
            1 => bytes = (0..rng.usize(..200)).map(|_| rng.u8(..)).collect(),
            2 => bytes.extend_from_within(..),
            _ => mutate(rng, &mut bytes),
        }
        files[at].1 = bytes.into();
    }
    let size: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    let disk = MemDisk::with_files(files);
    match rng.u8(..4) {
        0 => within(size, 16 << 20, 64, "a start", || start(node, disk)),
        _ => within(size, 16 << 20, 64, "opening logs", || open_logs(rng, disk)),
    }
}

fn start(node: &Node, disk: MemDisk) {
    let Ok(mut lone) = Lone::start(node.program.clone(), disk) else { return };
    (0..4).for_each(|_| lone.wake());
}

/// Every log on the disk, from what its checkpoints say, and some reading of it.
fn open_logs(rng: &mut Rng, mut disk: MemDisk) {
    for name in [checkpoint::REPLICATION_OFFSET, checkpoint::RECOVERY_POINT, checkpoint::LOG_START_OFFSET] {
        let _ = checkpoint::read_offsets(&disk, name);
    }
    let _ = checkpoint::take_clean_shutdown(&mut disk);
    let mut dirs: Vec<String> =
        disk.files().filter_map(|(path, _)| Some(path.rsplit_once('/')?.0.to_owned())).collect();
    dirs.dedup();
    for dir in dirs {
        let _ = checkpoint::read_partition_metadata(&disk, &dir);
        let from = OpenFrom {
            clean_shutdown: rng.bool(),
            recovery_point: if rng.bool() { 0 } else { rng.i64(0..20) },
            log_start_offset: if rng.bool() { 0 } else { rng.i64(0..20) },
        };
        let config = LogConfig::from(&NodeConfig::default());
        let Ok((log, _)) = Log::open_from(&mut disk, &dir, config, from) else { continue };
        assert!(log.log_start_offset() <= log.log_end_offset(), "{dir}");
        let _ = log.read(&disk, log.log_start_offset(), 1 << 20, log.log_end_offset(), true);
        let _ = log.read_batches(&disk, log.log_start_offset(), 1 << 16);
        let _ = log.offset_for_timestamp(&disk, rng.i64(0..2_000_000_000_000));
        let _ = log.offset_of_max_timestamp(&disk);
    }
}

fn recording(rng: &mut Rng, recordings: &[Bytes]) {
    let whole = &recordings[rng.usize(..recordings.len())];
    // The beginning is enough: a whole one takes long to replay.
    let mut bytes = whole[..whole.len().min(rng.usize(1_000..8_000))].to_vec();
    mutate(rng, &mut bytes);
    within(bytes.len(), 64 << 20, 64, "a recording", || {
        if let Ok(recording) = Recording::open(bytes) {
            let _ = recording.replay();
        }
    });
}
