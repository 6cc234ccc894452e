//! Visiting all partitions every now and then, a bounded number in one step: with many of them a tick takes no longer, the
//! walk is only spread over more ticks.

use super::PartitionKey;
use crate::seam::Time;

/// Partitions visited in one step.
pub(super) const STEP: usize = 500;
/// Between the steps of one walk everybody else gets a turn.
const PAUSE_MS: u64 = 20;

#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// When the next step is due.
    pub next: Time,
    /// Where the walk goes on; `None`: at the beginning.
    pub after: Option<PartitionKey>,
}

impl Walk {
    pub(super) fn new(next: Time) -> Self {
        Self { next, after: None }
    }

    /// A step ended with `last`; `None`: there was no partition left.
    pub(super) fn stepped(&mut self, last: Option<PartitionKey>, visited: usize, now: Time, interval_ms: u64) {
        self.after = last.filter(|_| visited == STEP);
        self.next = now.plus_ms(if self.after.is_some() { PAUSE_MS } else { interval_ms });
    }
}
