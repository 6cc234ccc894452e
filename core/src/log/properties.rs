//! What must hold for every log, tried on random ones.

use bytes::Bytes;

use super::{AppendError, Log, LogConfig, OpenFrom, RecordRules, validator::validate};
use crate::{
    disk::{Disk, MemDisk},
    seam::Part,
    wire::batch::{Batch, BatchBuilder, BatchError, Codec, batches},
};

const DIR: &str = "t-0";

fn small() -> LogConfig {
    LogConfig { segment_bytes: 1500, index_interval_bytes: 200, ..LogConfig::default() }
}

/// A log and all that it should hold.
struct Run {
    rng: fastrand::Rng,
    disk: MemDisk,
    log: Log,
    epoch: i32,
    sequences: [i32; 3],
    /// Every batch appended and not cut off, as stored.
    model: Vec<Bytes>,
    flushed: i64,
    /// Since the last flush, so that a power loss may bring back what was cut off.
    truncated: bool,
    /// All batches of all producers were seen, none only in a snapshot, which holds the last one of each.
    all_seen: bool,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut disk = MemDisk::new();
        let (log, _) = Log::open(&mut disk, DIR, small(), false).unwrap();
        let rng = fastrand::Rng::with_seed(seed);
        Self {
            rng,
            disk,
            log,
            epoch: 0,
            sequences: [0; 3],
            model: Vec::new(),
            flushed: 0,
            truncated: false,
            all_seen: true,
        }
    }

    fn append(&mut self) {
        let producer = self.rng.usize(..4);
        let mut batch = BatchBuilder::new();
        if let Some(&sequence) = self.sequences.get(producer) {
            batch = batch.producer(producer as i64, 0, sequence);
        }
        if self.rng.u8(..5) == 0 {
            batch = batch.codec(Codec::Lz4);
        }
        let records = self.rng.i32(1..5);
        for _ in 0..records {
            let value = vec![self.rng.u8(..); self.rng.usize(..100)];
            batch.push(self.rng.i64(0..1000), None, Some(&value), &[]);
        }
        self.epoch += i32::from(self.rng.u8(..20) == 0);
        let before = self.log.log_end_offset();
        let appended = self.log.validate_and_append(&mut self.disk, &batch.build(), self.epoch, 0).unwrap();
        assert_eq!((appended.base_offset, appended.records), (before, i64::from(records)));
        if let Some(sequence) = self.sequences.get_mut(producer) {
            *sequence += records;
        }
        let stored = self.log.read_batches(&self.disk, before, 0).unwrap();
        self.model.push(stored[0].bytes.clone());
    }

    fn truncate(&mut self) {
        let to = self.rng.i64(0..=self.log.log_end_offset());
        self.log.truncate_to(&mut self.disk, to).unwrap();
        self.model.retain(|batch| Batch::parse(batch).unwrap().header.next_offset() <= to);
        // Whoever wrote what was cut begins where the log knows it.
        self.adopt_sequences();
        self.flushed = self.flushed.min(self.log.log_end_offset());
        self.epoch += 1;
        self.all_seen = false;
        self.truncated = true;
    }

    fn adopt_sequences(&mut self) {
        for (id, sequence) in self.sequences.iter_mut().enumerate() {
            *sequence = self.log.producers().get(id as i64).map_or(0, |entry| entry.last_sequence() + 1);
        }
    }

    fn flush(&mut self) {
        let flush = self.log.flush();
        flush.targets.iter().for_each(|target| self.disk.sync(target).unwrap());
        self.log.flushed(&flush);
        self.flushed = flush.up_to;
        self.truncated = false;
    }

    fn reopen(&mut self, from: OpenFrom) {
        let (log, recovery) = Log::open_from(&mut self.disk, DIR, small(), from).unwrap();
        self.log = log;
        assert_eq!(recovery.log_end_offset, self.log.log_end_offset());
    }

    fn stored(&self) -> Vec<Bytes> {
        let found = self.log.read_batches(&self.disk, self.log.log_start_offset(), usize::MAX).unwrap();
        found.into_iter().map(|batch| batch.bytes).collect()
    }

    /// Fetches of every size give what the model holds, and so does each lookup by offset.
    fn check_reads(&mut self) {
        let end = self.log.log_end_offset();
        let (max, mut offset, mut at) = (self.rng.usize(1..1000), 0, 0);
        while offset < end {
            let upto = self.rng.i64(offset + 1..=end);
            let fetched = self.log.read(&self.disk, offset, max, upto, true).unwrap();
            let mut bytes = 0;
            for part in &fetched.parts {
                let Part::File(slice) = part else { panic!("a log gives slices") };
                let read = self.disk.read_at(slice.file, slice.position, slice.len as usize).unwrap();
                bytes += read.len();
                for batch in batches(&read) {
                    let batch = match batch {
                        // Cut at the limit.
                        Err(BatchError::Incomplete { .. }) => break,
                        batch => batch.unwrap(),
                    };
                    assert_eq!(batch.bytes, self.model[at]);
                    assert!(batch.header.last_offset() < upto);
                    at += 1;
                }
            }
            assert!(bytes <= max.max(self.model[at.saturating_sub(1)].len()));
            if bytes == 0 {
                // The next batch reaches beyond `upto`.
                assert!(Batch::parse(&self.model[at]).unwrap().header.last_offset() >= upto);
                continue;
            }
            offset = fetched.next_offset;
        }
        assert_eq!(at, self.model.len());
    }

    fn check_times(&mut self) {
        let timestamp = self.rng.i64(0..1000);
        let all: Vec<_> =
            self.model.iter().flat_map(|batch| Batch::parse(batch).unwrap().records()).map(Result::unwrap).collect();
        let expected = all.iter().find(|record| record.timestamp >= timestamp).map(|r| (r.offset, r.timestamp));
        let found = self.log.offset_for_timestamp(&self.disk, timestamp).unwrap();
        assert_eq!(found.map(|f| (f.offset, f.timestamp)), expected);
        let newest = all.iter().map(|record| record.timestamp).max();
        let expected = all.iter().find(|record| Some(record.timestamp) == newest).map(|record| record.offset);
        assert_eq!(self.log.offset_of_max_timestamp(&self.disk).unwrap().map(|f| f.offset), expected);
    }
}

#[test]
fn crashes_power_losses_and_truncations_leave_a_prefix() {
    for seed in 0..150 {
        let mut run = Run::new(seed);
        for _ in 0..120 {
            match run.rng.u8(..40) {
                0 => run.truncate(),
                1..3 => run.flush(),
                3 => run.log.roll(&mut run.disk).unwrap(),
                4 => {
                    // kill -9: nothing is lost, and what producers did is known as before.
                    let (producers, epochs) = (run.log.producers().clone(), run.log.epochs().entries().to_vec());
                    run.disk.process_crash();
                    run.reopen(OpenFrom::default());
                    if run.all_seen {
                        assert_eq!(run.log.producers(), &producers);
                    }
                    let last = run.sequences;
                    run.adopt_sequences();
                    assert_eq!(run.sequences, last);
                    run.all_seen = true;
                    let end = run.log.log_end_offset();
                    assert!(run.log.epochs().entries().iter().eq(epochs.iter().filter(|&&(_, start)| start < end)));
                }
                5 => {
                    run.all_seen = false;
                    let point = run.log.recovery_point();
                    run.disk.process_crash();
                    run.reopen(OpenFrom { recovery_point: point, ..OpenFrom::default() });
                    let last = run.sequences;
                    run.adopt_sequences();
                    assert_eq!(run.sequences, last);
                }
                6 => {
                    run.log.close(&mut run.disk).unwrap();
                    run.all_seen = false;
                    run.reopen(OpenFrom { clean_shutdown: true, ..OpenFrom::default() });
                }
                7 => {
                    let (kept, point) = (run.flushed, run.log.recovery_point() * i64::from(run.rng.u8(..2)));
                    run.disk.power_loss(&mut run.rng);
                    run.reopen(OpenFrom { recovery_point: point, ..OpenFrom::default() });
                    assert!(run.log.log_end_offset() >= kept, "what was synced is there");
                    let stored = run.stored();
                    let durable =
                        run.model.iter().take_while(|b| Batch::parse(b).unwrap().header.next_offset() <= kept);
                    assert!(stored.iter().take(durable.clone().count()).eq(durable), "seed {seed}");
                    assert!(run.truncated || stored == run.model[..stored.len()], "seed {seed}");
                    run.model = stored;
                    run.truncated = true;
                    run.adopt_sequences();
                    run.epoch += 1;
                    run.all_seen = point == 0;
                }
                _ => run.append(),
            }
            assert_eq!(run.stored(), run.model, "seed {seed}");
        }
        run.check_reads();
        run.check_times();
    }
}

/// The last segment is cut at every single byte.
#[test]
fn a_crash_at_any_byte_leaves_a_prefix_and_recovery_is_idempotent() {
    let mut run = Run::new(7);
    (0..25).for_each(|_| run.append());
    run.disk.process_crash();
    let (last, len) = run.disk.files().filter(|(path, _)| path.ends_with(".log")).last().unwrap();
    let (last, disk) = (last.to_string(), run.disk.clone());
    for cut in 0..len {
        run.disk = disk.clone();
        let file = run.disk.open(&last).unwrap();
        run.disk.truncate(file, cut).unwrap();
        run.disk.close(file);
        run.reopen(OpenFrom::default());
        let stored = run.stored();
        assert_eq!(stored, run.model[..stored.len()]);
        let files: Vec<(String, u64)> = run.disk.files().map(|(path, len)| (path.into(), len)).collect();
        let (producers, epochs) = (run.log.producers().clone(), run.log.epochs().clone());

        run.disk.process_crash();
        run.reopen(OpenFrom::default());
        assert_eq!(run.stored(), stored);
        assert_eq!((run.log.producers(), run.log.epochs().entries()), (&producers, epochs.entries()));
        assert_eq!(run.disk.files().map(|(path, len)| (path.into(), len)).collect::<Vec<_>>(), files);
    }
}

/// Bytes of any file of a log may be anything: opening, reading and appending end in results, never in a panic.
#[test]
fn hostile_files_never_panic() {
    let mut run = Run::new(11);
    (0..40).for_each(|_| run.append());
    run.log.close(&mut run.disk).unwrap();
    let (disk, mut rng) = (run.disk.clone(), fastrand::Rng::with_seed(13));
    let files: Vec<(String, u64)> = disk.files().map(|(path, len)| (path.into(), len)).collect();
    for round in 0..3000 {
        let mut disk = disk.clone();
        for _ in 0..rng.usize(1..4) {
            let (path, len) = &files[rng.usize(..files.len())];
            if rng.u8(..8) == 0 {
                let garbage: Vec<u8> = (0..rng.usize(..200)).map(|_| rng.u8(..)).collect();
                disk.replace(path, &garbage, true).unwrap();
            } else if *len > 0 {
                // Heads of batches are where the lengths are.
                let at = if rng.bool() { rng.u64(..*len) } else { rng.u64(..(*len).min(61)) };
                disk.corrupt(path, at, rng.u8(..));
            }
        }
        let from = OpenFrom {
            clean_shutdown: round % 2 == 0,
            recovery_point: rng.i64(0..60),
            log_start_offset: rng.i64(0..60),
        };
        let Ok((mut log, _)) = Log::open_from(&mut disk, DIR, small(), from) else { continue };
        let _ = log.read_batches(&disk, rng.i64(0..80), 10_000);
        let _ = log.read(&disk, rng.i64(0..80), rng.usize(..500), rng.i64(0..80), rng.bool());
        let _ = log.offset_for_timestamp(&disk, rng.i64(0..1000));
        let _ = log.offset_of_max_timestamp(&disk);
        let mut batch = BatchBuilder::new().producer(1, 0, 5);
        batch.push(1, None, None, &[]);
        let _ = log.validate_and_append(&mut disk, &batch.build(), 99, 0);
        let _ = log.truncate_to(&mut disk, rng.i64(0..80));
        let _ = log.close(&mut disk);
    }
}

/// Random and nearly right batches from the network.
#[test]
fn hostile_batches_never_panic() {
    let mut rng = fastrand::Rng::with_seed(17);
    let mut disk = MemDisk::new();
    let (mut log, _) = Log::open(&mut disk, DIR, small(), false).unwrap();
    for _ in 0..20_000 {
        let mut batch = BatchBuilder::new().producer(rng.i64(..3), 0, rng.i32(0..9)).codec(Codec::ALL[rng.usize(..5)]);
        (0..rng.usize(..4)).for_each(|_| batch.push(rng.i64(..), Some(b"k"), Some(b"v"), &[("h", None)]));
        let mut bytes = batch.build().to_vec();
        for _ in 0..rng.usize(..4) {
            let at = rng.usize(..bytes.len());
            bytes[at] = rng.u8(..);
        }
        if rng.bool() && bytes.len() > 21 {
            let crc = crc32c::crc32c(&bytes[21..]);
            bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        }
        bytes.truncate(rng.usize(..bytes.len() * 4));
        let bytes = Bytes::from(bytes);
        for batch in batches(&bytes).flatten() {
            batch.records_within(1 << 16).for_each(drop);
            let rules = RecordRules::new(&LogConfig::default(), 0);
            let _ = validate(&batch.bytes, &rules);
        }
        let result = match rng.u8(..3) {
            0 => log.validate_and_append(&mut disk, &bytes, 1, 0).map(Some),
            1 => log.append_internal(&mut disk, &bytes, 1).map(Some),
            _ => log.append_as_follower(&mut disk, &bytes),
        };
        if let Err(error) = result {
            assert!(!matches!(error, AppendError::Disk(_)), "{error}");
        }
        if log.log_end_offset() > 1 << 40 || rng.u8(..50) == 0 {
            log.truncate_fully_and_start_at(&mut disk, 0).unwrap();
        }
    }
}

/// Clones share what is large and go their own ways.
#[test]
fn a_fork_does_not_touch_its_origin() {
    let mut run = Run::new(3);
    (0..30).for_each(|_| run.append());
    let (disk, log, stored) = (run.disk.clone(), run.log.clone(), run.stored());
    (0..30).for_each(|_| run.append());
    run.truncate();
    let again: Vec<Bytes> = log.read_batches(&disk, 0, usize::MAX).unwrap().into_iter().map(|b| b.bytes).collect();
    assert_eq!(again, stored);
}
