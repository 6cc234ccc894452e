//! `log dump FILE`: the batches and records of a segment, ours or Apache Kafka's.

use std::path::PathBuf;

use bytes::Bytes;
use clap::Subcommand;
use lab_core::{
    metadata::record::MetadataRecord,
    wire::batch::{Batch, batches},
};
use serde_json::{Value, json};

use super::print;
use crate::failure::{Failure, Outcome, While};

#[derive(Debug, Subcommand)]
pub(super) enum LogCommand {
    /// Print the batches and records of a segment
    Dump {
        /// A .log file
        file: PathBuf,
        /// Headers of batches only
        #[arg(long)]
        batches: bool,
        /// Records are those of __cluster_metadata [default: where the folder's name says so]
        #[arg(long)]
        metadata: bool,
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: LogCommand) -> Outcome {
    let LogCommand::Dump { file, batches: headers_only, metadata, json: as_json } = command;
    let bytes = Bytes::from(std::fs::read(&file).doing(|| format!("cannot read {}", file.display()))?);
    let metadata = metadata || file.to_string_lossy().contains("__cluster_metadata");
    let mut position = 0;
    for batch in batches(&bytes) {
        let batch = batch.map_err(|error| damaged(&file, position, &error.to_string()))?;
        let crc = batch.check_crc();
        let header = &batch.header;
        let codec = header.codec().map_or("unknown", |codec| codec.name());
        if as_json {
            print::json(&json!({
                "position": position, "base_offset": header.base_offset, "last_offset": header.last_offset(),
                "count": header.record_count, "leader_epoch": header.partition_leader_epoch, "codec": codec,
                "transactional": header.is_transactional(), "control": header.is_control(),
                "producer_id": header.producer_id, "producer_epoch": header.producer_epoch,
                "base_sequence": header.base_sequence, "max_timestamp": header.max_timestamp,
                "size": header.total_len(), "crc_ok": crc.is_ok(),
                "records": if headers_only { Value::Null } else { records(&batch, metadata) },
            }));
        } else {
            println!(
                "offsets {}-{} at byte {position}, {} record(s), {} bytes, epoch {}, codec {codec}, producer {} epoch {} sequence {}{}{}{}",
                header.base_offset,
                header.last_offset(),
                header.record_count,
                header.total_len(),
                header.partition_leader_epoch,
                header.producer_id,
                header.producer_epoch,
                header.base_sequence,
                if header.is_transactional() { ", transactional" } else { "" },
                if header.is_control() { ", control" } else { "" },
                if crc.is_ok() { "" } else { ", CRC IS WRONG" },
            );
            if !headers_only {
                for record in records(&batch, metadata).as_array().into_iter().flatten() {
                    println!("  {record}");
                }
            }
        }
        crc.map_err(|error| damaged(&file, position, &error.to_string()))?;
        position += header.total_len();
    }
    Ok(())
}

fn damaged(file: &std::path::Path, position: usize, what: &str) -> Failure {
    Failure::new(format!("{} is damaged at byte {position}: {what}", file.display())).next(
        "A node cuts a damaged end off when it starts after an unclean stop, and fetches it again from the leader.",
    )
}

fn records(batch: &Batch, metadata: bool) -> Value {
    let text = |bytes: &Option<Bytes>| bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let records = batch.records().map(|record| match record {
        Ok(record) => {
            let value = match &record.value {
                Some(value) if metadata && !batch.header.is_control() => match MetadataRecord::decode(value) {
                    Ok(decoded) => json!(format!("{decoded:?}")),
                    Err(error) => json!(format!("not a metadata record: {error}")),
                },
                _ => json!(text(&record.value)),
            };
            json!({ "offset": record.offset, "timestamp": record.timestamp, "key": text(&record.key), "value": value })
        }
        Err(error) => json!({ "error": error.to_string() }),
    });
    Value::Array(records.collect())
}
