//! Behaviour of logs as text files: `core/testdata/log/*.txt` hold commands, `----`, and what must come
//! out.

use std::{collections::BTreeMap, fmt::Write};

use bytes::Bytes;

use super::{AppendError, Appended, Log, LogConfig, OpenFrom, Recovery, checkpoint};
use crate::{
    disk::{Disk, DiskError, MemDisk},
    id::TopicPartition,
    seam::Part,
    testdata::{self, Words},
    wire::batch::{Batch, BatchBuilder, Codec, ControlType, batches, control_batch},
};

#[test]
fn text_files() {
    testdata::play("log", || {
        let mut world = World::default();
        move |command| world.run(command)
    });
}

/// Logs by name on one disk; commands act on the one in use.
#[derive(Default)]
struct World {
    disk: MemDisk,
    config: LogConfig,
    name: String,
    logs: BTreeMap<String, Log>,
    now_ms: i64,
}

impl World {
    fn log(&mut self) -> &mut Log {
        self.logs.get_mut(&self.name).expect("open a log first")
    }

    fn run(&mut self, command: &str) -> String {
        let (verb, words) = Words::of(command);
        match self.act(verb, &words) {
            Ok(said) => said,
            Err(error) => format!("disk error: {error}"),
        }
    }

    fn act(&mut self, verb: &str, words: &Words<'_>) -> Result<String, DiskError> {
        let mut out = String::new();
        match verb {
            "config" => {
                let config = &mut self.config;
                let set = |field: &mut u32, key: &str| *field = words.number(key).unwrap_or(*field);
                set(&mut config.segment_bytes, "segment.bytes");
                set(&mut config.index_interval_bytes, "index.interval.bytes");
                set(&mut config.max_message_bytes, "max.message.bytes");
                config.segment_ms = words.number("segment.ms").unwrap_or(config.segment_ms);
                config.retention_ms = words.number("retention.ms").unwrap_or(config.retention_ms);
                config.retention_bytes = words.number("retention.bytes").unwrap_or(config.retention_bytes);
                config.log_append_time |= words.flag("log-append-time");
            }
            "open" => {
                let from = OpenFrom {
                    clean_shutdown: words.flag("clean"),
                    recovery_point: words.number("recovery-point").unwrap_or(0),
                    log_start_offset: words.number("log-start").unwrap_or(0),
                };
                self.name = words.0[0].into();
                let (log, recovery) = Log::open_from(&mut self.disk, &self.name, self.config.clone(), from)?;
                self.logs.insert(self.name.clone(), log);
                out = describe_recovery(&recovery);
            }
            "use" => self.name = words.0[0].into(),
            "append" => return Ok(self.append(words)),
            "append-raw" => {
                let bytes = Bytes::copy_from_slice(words.0[0].as_bytes());
                let (disk, log) = (&mut self.disk, self.logs.get_mut(&self.name).unwrap());
                out = describe_append(log.validate_and_append(disk, &bytes, 0, 0));
            }
            "marker" => {
                let kind = if words.flag("abort") { ControlType::Abort } else { ControlType::Commit };
                let mut value = vec![0, 0];
                value.extend_from_slice(&words.number::<i32>("coordinator").unwrap_or(0).to_be_bytes());
                let (pid, epoch) = (words.number("pid").unwrap(), words.number("pepoch").unwrap_or(0));
                let mut batch = BatchBuilder::new().control().transactional().producer(pid, epoch, -1);
                batch.push(self.now_ms, Some(&kind.key()), Some(&value), &[]);
                let (disk, log) = (&mut self.disk, self.logs.get_mut(&self.name).unwrap());
                out = describe_append(log.append_internal(disk, &batch.build(), words.number("epoch").unwrap()));
            }
            "leader-change" => {
                let batch = control_batch(self.now_ms, &[(ControlType::LeaderChange, Bytes::from_static(b"x"))]);
                let (disk, log) = (&mut self.disk, self.logs.get_mut(&self.name).unwrap());
                out = describe_append(log.append_internal(disk, &batch, words.number("epoch").unwrap()));
            }
            // Copies from another log as a follower does, one fetch after another.
            "follow" => {
                let leader = self.logs[words.0[0]].clone();
                let max = words.number("max").unwrap_or(1000);
                let log = self.logs.get_mut(&self.name).unwrap();
                while log.log_end_offset() < leader.log_end_offset() {
                    let offset = log.log_end_offset();
                    let fetched = leader.read(&self.disk, offset, max, leader.log_end_offset(), true).unwrap();
                    let bytes = bytes_of(&self.disk, &fetched.parts);
                    let appended = log.append_as_follower(&mut self.disk, &bytes).unwrap().unwrap();
                    writeln!(out, "{}-{}", appended.base_offset, appended.last_offset).unwrap();
                    assert_eq!(log.log_end_offset(), fetched.next_offset);
                }
            }
            "read" => {
                let end = self.log().log_end_offset();
                let (offset, max) = (words.number("offset").unwrap(), words.number("max").unwrap_or(1 << 20));
                let upto = words.number("upto").unwrap_or(end);
                match self.logs[&self.name].read(&self.disk, offset, max, upto, words.flag("min-one")) {
                    Err(error) => writeln!(out, "error {}: {error}", error.code()).unwrap(),
                    Ok(fetched) => {
                        for batch in batches(&bytes_of(&self.disk, &fetched.parts)) {
                            match batch {
                                Ok(Batch { header, .. }) => {
                                    writeln!(out, "{}-{}", header.base_offset, header.last_offset()).unwrap();
                                }
                                Err(error) => writeln!(out, "{error}").unwrap(),
                            }
                        }
                        writeln!(out, "{} bytes, next {}", fetched.bytes, fetched.next_offset).unwrap();
                    }
                }
            }
            "epochs" => writeln!(out, "{:?}", self.log().epochs().entries()).unwrap(),
            "assign-epoch" => {
                let (epoch, start) = (words.number("epoch").unwrap(), words.number("start").unwrap());
                self.logs.get_mut(&self.name).unwrap().assign_epoch(&mut self.disk, epoch, start)?;
            }
            "end-offset" => {
                let epoch: i32 = words.number("epoch").unwrap();
                writeln!(out, "{:?}", self.log().end_offset_for_epoch(epoch)).unwrap();
            }
            "producers" => {
                for (id, entry) in self.log().producers().iter() {
                    let batches: Vec<String> = entry
                        .batches
                        .iter()
                        .map(|b| format!("{}..{}@{}", b.first_sequence(), b.last_sequence, b.first_offset()))
                        .collect();
                    write!(out, "{id} epoch {} batches [{}]", entry.producer_epoch, batches.join(" ")).unwrap();
                    if let Some(offset) = entry.current_txn_first_offset {
                        write!(out, " transaction open since {offset}").unwrap();
                    }
                    out.push('\n');
                }
            }
            "dump" => {
                let log = &self.logs[&self.name];
                let segments: Vec<i64> = log.segment_base_offsets().collect();
                let (start, end, point) = (log.log_start_offset(), log.log_end_offset(), log.recovery_point());
                writeln!(out, "segments {segments:?}, start {start}, end {end}, recovery point {point}").unwrap();
                for batch in log.read_batches(&self.disk, start, usize::MAX)? {
                    let (header, records) = (&batch.header, batch.records().map(|r| r.unwrap()));
                    let values: Vec<String> =
                        records.map(|r| String::from_utf8_lossy(&r.value.unwrap_or_default()).into_owned()).collect();
                    let (base, last, epoch) = (header.base_offset, header.last_offset(), header.partition_leader_epoch);
                    writeln!(out, "{base}-{last} epoch {epoch}: {}", values.join(" ")).unwrap();
                }
            }
            "files" => {
                let files = self.disk.files().filter(|(path, _)| path.starts_with(&self.name));
                files.for_each(|(path, len)| writeln!(out, "{path} {len}").unwrap());
            }
            "cat" => out = String::from_utf8(self.disk.read(words.0[0])?.to_vec()).unwrap(),
            "truncate" => {
                let offset = words.number("to").unwrap();
                self.logs.get_mut(&self.name).unwrap().truncate_to(&mut self.disk, offset)?;
                writeln!(out, "end {}", self.log().log_end_offset()).unwrap();
            }
            "restart-at" => {
                let offset = words.number("offset").unwrap();
                self.logs.get_mut(&self.name).unwrap().truncate_fully_and_start_at(&mut self.disk, offset)?;
            }
            "roll" => self.logs.get_mut(&self.name).unwrap().roll(&mut self.disk)?,
            "flush" => {
                let flush = self.log().flush();
                for target in &flush.targets {
                    self.disk.sync(target)?;
                }
                self.log().flushed(&flush);
                writeln!(out, "{} targets, recovery point {}", flush.targets.len(), flush.up_to).unwrap();
            }
            "close" => {
                let mut log = self.logs.remove(&self.name).unwrap();
                log.close(&mut self.disk)?;
            }
            "crash" => {
                self.logs.clear();
                self.disk.process_crash();
            }
            "power-loss" => {
                self.logs.clear();
                self.disk.power_loss(&mut fastrand::Rng::with_seed(words.number("seed").unwrap_or(0)));
            }
            "now" => self.now_ms = words.0[0].parse().unwrap(),
            "offset-for" => {
                let log = &self.logs[&self.name];
                let found = match words.number("timestamp") {
                    Some(timestamp) => log.offset_for_timestamp(&self.disk, timestamp),
                    None => log.offset_of_max_timestamp(&self.disk),
                };
                match found {
                    Ok(Some(f)) => {
                        writeln!(out, "offset {} at {} epoch {}", f.offset, f.timestamp, f.leader_epoch).unwrap()
                    }
                    Ok(None) => writeln!(out, "none").unwrap(),
                    Err(error) => writeln!(out, "{error}").unwrap(),
                }
            }
            "corrupt" => {
                let position = words.number("at").unwrap();
                self.disk.corrupt(words.0[0], position, words.number("byte").unwrap_or(0xaa));
            }
            "tear" => {
                let file = self.disk.open(words.0[0])?;
                let len = self.disk.len(file)?;
                self.disk.truncate(file, len - words.number::<u64>("bytes").unwrap())?;
                self.disk.close(file);
            }
            "remove" => self.disk.remove(words.0[0])?,
            "full" => self.disk.set_full(words.flag("on")),
            "retain" => {
                let (now_ms, end) = (self.now_ms, self.log().log_end_offset());
                let log = self.logs.get_mut(&self.name).unwrap();
                let gone = log.delete_old_segments(&mut self.disk, words.number("hw").unwrap_or(end), now_ms)?;
                log.remove_deleted(&mut self.disk, now_ms)?;
                writeln!(out, "{gone} gone, start {}", log.log_start_offset()).unwrap();
            }
            "start-offset" => {
                let offset = words.number("to").unwrap();
                self.logs.get_mut(&self.name).unwrap().increment_log_start_offset(&mut self.disk, offset)?;
            }
            other => panic!("unknown command {other}"),
        }
        Ok(out)
    }

    /// `append epoch=1 a b c [pid=7 pepoch=0 seq=0] [codec=gzip] [txn] [ts=5] [step=1]`: words that are no options are
    /// the values of records, whose timestamps grow by `step`.
    fn append(&mut self, words: &Words<'_>) -> String {
        let mut batch = BatchBuilder::new();
        if let Some(pid) = words.number("pid") {
            let (epoch, sequence) = (words.number("pepoch").unwrap_or(0), words.number("seq").unwrap());
            batch = batch.producer(pid, epoch, sequence);
        }
        if let Some(codec) = words.text("codec") {
            batch = batch.codec(Codec::from_name(codec).unwrap());
        }
        if words.flag("txn") {
            batch = batch.transactional();
        }
        let (timestamp, step) = (words.number("ts").unwrap_or(self.now_ms), words.number("step").unwrap_or(0));
        let values = words.0.iter().filter(|word| !word.contains('=') && **word != "txn");
        for (i, value) in values.enumerate() {
            batch.push(timestamp + step * i as i64, None, Some(value.as_bytes()), &[]);
        }
        let epoch: i32 = words.number("epoch").unwrap();
        let log = self.logs.get_mut(&self.name).expect("open a log first");
        let before = log.clone();
        let result = log.validate_and_append(&mut self.disk, &batch.build(), epoch, self.now_ms);
        if result.is_err() {
            assert_eq!(log.log_end_offset(), before.log_end_offset());
            assert_eq!((log.producers(), log.size()), (before.producers(), before.size()));
        }
        describe_append(result)
    }
}

fn bytes_of(disk: &MemDisk, parts: &[Part]) -> Bytes {
    let mut bytes = Vec::new();
    for part in parts {
        match part {
            Part::Bytes(part) => bytes.extend_from_slice(part),
            Part::File(slice) => {
                assert_eq!(slice.generation, disk.generation(slice.file));
                bytes.extend_from_slice(&disk.read_at(slice.file, slice.position, slice.len as usize).unwrap());
            }
        }
    }
    bytes.into()
}

fn describe_append(result: Result<Appended, AppendError>) -> String {
    match result {
        Ok(a) if a.log_append_time_ms >= 0 => {
            format!("{}-{} at {}", a.base_offset, a.last_offset, a.log_append_time_ms)
        }
        Ok(a) => format!("{}-{}", a.base_offset, a.last_offset),
        Err(error) => format!("error {}: {error}", error.code()),
    }
}

fn describe_recovery(recovery: &Recovery) -> String {
    let mut out = format!("end {}", recovery.log_end_offset);
    if recovery.segments_recovered > 0 {
        write!(out, ", {} segments read again", recovery.segments_recovered).unwrap();
    }
    if recovery.cut_bytes > 0 {
        write!(out, ", {} bytes cut", recovery.cut_bytes).unwrap();
    }
    if let Some(reason) = &recovery.reason {
        write!(out, ": {reason}").unwrap();
    }
    out
}

#[test]
fn checkpoints_are_kafkas_files() {
    let mut disk = MemDisk::new();
    let offsets: BTreeMap<_, _> = [(TopicPartition::new("b", 1), 9), (TopicPartition::new("a", 10), 7)].into();
    checkpoint::write_offsets(&mut disk, checkpoint::REPLICATION_OFFSET, &offsets, true).unwrap();
    assert_eq!(disk.read("replication-offset-checkpoint").unwrap(), "0\n2\na 10 7\nb 1 9\n");
    assert_eq!(checkpoint::read_offsets(&disk, checkpoint::REPLICATION_OFFSET).unwrap(), offsets);
    assert!(checkpoint::read_offsets(&disk, checkpoint::RECOVERY_POINT).unwrap().is_empty());
    disk.replace(checkpoint::RECOVERY_POINT, b"0\n2\na 10 7\n", false).unwrap();
    assert!(checkpoint::read_offsets(&disk, checkpoint::RECOVERY_POINT).is_err(), "a line is missing");

    let id = crate::id::Uuid::METADATA_TOPIC;
    checkpoint::write_partition_metadata(&mut disk, "a-10", id).unwrap();
    assert_eq!(disk.read("a-10/partition.metadata").unwrap(), "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ");
    assert_eq!(checkpoint::read_partition_metadata(&disk, "a-10"), Some(id));

    assert_eq!(checkpoint::take_clean_shutdown(&mut disk).unwrap(), None);
    checkpoint::write_clean_shutdown(&mut disk, 42).unwrap();
    assert_eq!(checkpoint::take_clean_shutdown(&mut disk).unwrap(), Some(42));
    assert_eq!(checkpoint::take_clean_shutdown(&mut disk).unwrap(), None);
}
