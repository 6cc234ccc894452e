//! Where a consumer stands in one partition: what it was given, what was fetched and waits, where the next fetch begins.

use std::collections::VecDeque;

use super::FetchedRecord;
use crate::{client::OffsetReset, wire::batch::BatchError};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

#[derive(Clone, Debug)]
pub(super) struct Position {
    /// Where the next fetch begins. `None`: to be asked for.
    pub(super) fetch_offset: Option<i64>,
    /// Asked for with this timestamp, in the terms of ListOffsets. `None`: nobody says where to begin.
    pub(super) reset_to: Option<i64>,
    /// Where the fetch under way begins.
    pub(super) asked: Option<i64>,
    /// Fetched, and not given to the application yet.
    pub(super) records: VecDeque<FetchedRecord>,
    /// The application wants none of it for now (`KafkaConsumer.pause`).
    pub(super) paused: bool,
    /// Epoch of the last batch that was fetched.
    pub(super) last_epoch: i32,
    /// The high watermark in the last answer; -1 before.
    pub(super) high_watermark: i64,
    pub(super) busy: bool,
    /// What is at `fetch_offset` cannot be read, and why: nothing is fetched until the application seeks past it.
    pub(super) unreadable: Option<BatchError>,
    pub(super) failures: u32,
    pub(super) not_before_ms: u64,
}

impl Position {
    /// At the committed offset, or where a consumer begins that has none. `now_ms`: Unix milliseconds.
    pub(super) fn start(reset: OffsetReset, committed: Option<i64>, now_ms: i64) -> Self {
        let offset = if let OffsetReset::Offset(offset) = reset { Some(offset) } else { None };
        Self {
            fetch_offset: committed.or(offset),
            reset_to: timestamp(reset, now_ms),
            asked: None,
            records: VecDeque::new(),
            paused: false,
            last_epoch: -1,
            high_watermark: -1,
            busy: false,
            unreadable: None,
            failures: 0,
            not_before_ms: 0,
        }
    }

    /// The next record that the application will be given (`KafkaConsumer.position`).
    pub(super) fn position(&self) -> Option<i64> {
        self.records.front().map(|record| record.offset).or(self.fetch_offset)
    }

    /// Goes elsewhere. What was fetched is dropped, and what is being fetched will be.
    pub(super) fn seek(&mut self, to: OffsetReset, now_ms: i64) {
        let Self { fetch_offset, reset_to, .. } = Self::start(to, None, now_ms);
        (self.fetch_offset, self.reset_to, self.last_epoch) = (fetch_offset, reset_to, -1);
        self.unreadable = None;
        self.records.clear();
    }

    /// The log does not have the offset. What began at an offset or a time goes on at the beginning.
    pub(super) fn out_of_range(&mut self, reset: OffsetReset, now_ms: i64) {
        self.fetch_offset = None;
        self.last_epoch = -1;
        self.reset_to = match reset {
            OffsetReset::Timestamp(_) => Some(EARLIEST),
            reset => timestamp(reset, now_ms),
        };
    }

    /// No record is as new as the timestamp: begin at the end (`seekToEnd`).
    pub(super) fn begin_at_end(&mut self) {
        self.reset_to = Some(LATEST);
    }

    /// It has no position, and `auto.offset.reset` is none.
    pub(super) fn is_lost(&self) -> bool {
        self.fetch_offset.is_none() && self.reset_to.is_none()
    }
}

fn timestamp(reset: OffsetReset, now_ms: i64) -> Option<i64> {
    match reset {
        OffsetReset::Earliest | OffsetReset::Offset(_) => Some(EARLIEST),
        OffsetReset::Latest => Some(LATEST),
        OffsetReset::None => None,
        OffsetReset::ByDuration(ms) => Some(now_ms.saturating_sub_unsigned(ms).max(0)),
        OffsetReset::Timestamp(at) => Some(at),
    }
}
