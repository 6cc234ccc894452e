//! What a leader checks of a batch before it stores it (`LogValidator` and `ProduceRequest.validateRecords`).

use super::{Batch, BatchError, HEADER_LEN, record::RecordStart};

/// Checks that cost one pass over the header and, if the batch is not compressed, over the start of each record:
/// checksum, count, no control batch, sequences present. Compressed records are not opened here, since
/// that takes as long as it likes: see [`validate_records`].
pub fn validate_client_batch(batch: &Batch) -> Result<(), BatchError> {
    let header = &batch.header;
    if header.is_control() {
        return Err(BatchError::Invalid("clients may not write control batches"));
    }
    if header.record_count == 0 {
        return Err(BatchError::Invalid("a batch without records"));
    }
    if i64::from(header.record_count) != i64::from(header.last_offset_delta) + 1 {
        return Err(BatchError::Invalid("record count and last offset delta do not agree"));
    }
    // Without a producer id nobody looks at epoch and sequence, and clients leave what they like there.
    if header.has_producer_id() && header.base_sequence < 0 {
        return Err(BatchError::Invalid("a producer id without a sequence"));
    }
    header.codec()?;
    batch.check_crc()?;
    if header.is_compressed() { Ok(()) } else { walk(&batch.bytes[HEADER_LEN..], header.record_count) }
}

/// Opens every record, decompressing when needed to at most `limit` bytes: the long work of `Job::ValidateBatches`.
pub fn validate_records(batch: &Batch, limit: usize) -> Result<(), BatchError> {
    let mut expected = batch.header.base_offset;
    for record in batch.records_within(limit) {
        if record?.offset != expected {
            return Err(BatchError::Invalid("record offsets are not dense"));
        }
        expected += 1;
    }
    if expected == batch.header.next_offset() { Ok(()) } else { Err(BatchError::Invalid("record count is wrong")) }
}

/// Records follow each other, `count` of them. Which offset deltas they have, Kafka asks of compressed batches only.
fn walk(mut records: &[u8], count: i32) -> Result<(), BatchError> {
    for _ in 0..count {
        let start = RecordStart::parse(records)?;
        records = &records[start.len..];
    }
    if records.is_empty() { Ok(()) } else { Err(BatchError::Invalid("bytes after the last record")) }
}
