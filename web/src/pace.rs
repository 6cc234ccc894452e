//! How fast simulated time passes on the screen.
//!
//! A message takes 4 ms; nobody can follow that. So while a message is under way time is stretched until a hop takes
//! [`HOP_MS`], and while nothing is under way it is compressed. Routine traffic, long after anything happened, hops
//! faster. The page prints the factors: time is folded, never faked.

use lab_core::seam::Time;

use crate::backend::Backend;

/// A hop worth watching, and one of routine traffic, in milliseconds on the screen.
pub const HOP_MS: f64 = 450.0;
pub const ROUTINE_HOP_MS: f64 = 60.0;
/// How much faster waiting is shown.
pub const WAITING: f64 = 10.0;
/// Simulated milliseconds after something of interest that are shown at full length.
pub const ATTENTION_MS: u64 = 600;
/// While waiting, time advances in steps as small as this, so that no message leaves unseen.
const STRIDE_US: f64 = 1000.0;

pub const SPEEDS: [f64; 7] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

/// Plays `elapsed_ms` of screen time.
pub fn advance(backend: &mut Backend, elapsed_ms: f64, speed: f64, attention_until: Time, background: bool) {
    let mut left_ms = elapsed_ms * speed;
    // Each turn either uses up time or delivers a frame; the bound keeps a storm of frames from stopping the page.
    for _ in 0..300 {
        if left_ms <= 0.0 {
            break;
        }
        let now = backend.now();
        let Some((sent, arrives)) = backend.flight(background) else {
            let stride = STRIDE_US.min(left_ms * 1000.0 * WAITING).max(1.0);
            backend.run_until(Time(now.0 + stride as u64));
            left_ms -= stride / 1000.0 / WAITING;
            continue;
        };
        let hop_ms = if now <= attention_until { HOP_MS } else { ROUTINE_HOP_MS };
        let us_per_ms = arrives.0.saturating_sub(sent.0).max(1) as f64 / hop_ms;
        let needed_ms = arrives.0.saturating_sub(now.0) as f64 / us_per_ms;
        if needed_ms > left_ms {
            backend.run_until(Time(now.0 + (left_ms * us_per_ms).max(1.0) as u64));
            break;
        }
        backend.run_until(arrives);
        left_ms -= needed_ms.max(0.01);
    }
}

/// What the badge says.
pub fn badge(speed: f64) -> String {
    let times = |factor: f64| if factor >= 2.0 { format!("{factor:.0}") } else { format!("{factor:.1}") };
    format!("a 4 ms hop is shown ×{} slower, waiting ×{} faster", times(HOP_MS / 4.0 / speed), times(WAITING * speed))
}

/// `12.431 s`
pub fn seconds(at: Time) -> String {
    format!("{}.{:03} s", at.as_ms() / 1000, at.as_ms() % 1000)
}
