//! The two clocks a driver hands to its machine.

use std::time::{SystemTime, UNIX_EPOCH};

use lab_core::seam::{Now, Time};
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// Reads the time. All processes of one cluster share an origin on the machine's monotonic clock, so that times in
/// their views and events can be compared and drawn on one axis.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin_us: u64,
}

/// Microseconds of the machine's monotonic clock, which all processes share.
pub fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

impl Clock {
    /// Time zero is now.
    pub fn start() -> Self {
        Self { origin_us: monotonic_us() }
    }

    /// Time zero is `origin_us` of the monotonic clock: what the supervisor tells its nodes.
    pub fn with_origin(origin_us: u64) -> Self {
        Self { origin_us: origin_us.min(monotonic_us()) }
    }

    pub fn origin_us(self) -> u64 {
        self.origin_us
    }

    pub fn time(self) -> Time {
        Time(monotonic_us().saturating_sub(self.origin_us))
    }

    pub fn now(self) -> Now {
        let wall_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        Now { mono: self.time(), wall_ms }
    }

    /// When tokio should wake a sleeper that waits for `time`.
    pub fn instant(self, time: Time) -> Instant {
        let left = time.0.saturating_sub(self.time().0);
        // A year is "never", and keeps the addition from overflowing.
        Instant::now() + std::time::Duration::from_micros(left.min(31_536_000_000_000))
    }
}
