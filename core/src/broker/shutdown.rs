//! A clean end (KIP-291, KIP-631): hand over leadership, sync the logs, leave the marker that nothing needs recovery.
//!
//! Every wait has a bound. Kafka's broker waits for the controller for as long as it takes, and hangs when the quorum is
//! gone before it; this one goes after a few seconds, and its partitions are then moved when its session ends.

use super::Broker;
use crate::{
    log::checkpoint,
    seam::{Ctx, Output, Time},
};

/// The controller must say something this often while it hands our partitions over.
const SILENCE_MAX_MS: u64 = 2000;
/// And must be done by then.
const HAND_OVER_MAX_MS: u64 = 5000;
const FLUSH_MAX_MS: u64 = 2500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    HandingOver { since: Time },
    Flushing { until: Time },
    Done,
}

impl Broker {
    pub(super) fn begin_shutdown(&mut self, ctx: &mut Ctx) {
        if self.shutdown.is_some() {
            return;
        }
        let now = ctx.now.mono;
        self.shutdown = Some(Shutdown::HandingOver { since: now });
        self.lifecycle.wants_shutdown = true;
        self.lifecycle.last_answer = now;
        self.lifecycle.hurry(now);
        self.drive_shutdown(ctx);
    }

    pub(super) fn drive_shutdown(&mut self, ctx: &mut Ctx) {
        let now = ctx.now.mono;
        if let Some(Shutdown::HandingOver { since }) = self.shutdown {
            let pointless = !self.config.controlled_shutdown_enable || !self.lifecycle.is_registered();
            let given_up = now >= self.hand_over_ends(since);
            if pointless || given_up || self.lifecycle.may_shut_down {
                self.shutdown = Some(Shutdown::Flushing { until: now.plus_ms(FLUSH_MAX_MS) });
                // What came after the sync would not be covered by it.
                for conn in self.conns.all().into_iter().chain(self.replicas.stop_following()) {
                    ctx.out.push(Output::Close { conn });
                    self.forget(conn);
                }
                self.replicas.flush_all(ctx);
                self.raft.shutdown(ctx);
            }
        }
        if let Some(Shutdown::Flushing { until }) = self.shutdown {
            let flushed = !self.replicas.is_flushing();
            if flushed || now >= until {
                let in_order = self.replicas.close(ctx.disk);
                if in_order && flushed {
                    // Written last: it vouches for all the rest. If it cannot be written, the next start recovers.
                    let _ = checkpoint::write_clean_shutdown(ctx.disk, self.lifecycle.broker_epoch);
                }
                self.shutdown = Some(Shutdown::Done);
                ctx.out.push(Output::Exit);
            }
        }
    }

    /// The logs are being closed, or are.
    pub(super) fn is_closing(&self) -> bool {
        matches!(self.shutdown, Some(Shutdown::Flushing { .. } | Shutdown::Done))
    }

    fn hand_over_ends(&self, since: Time) -> Time {
        self.lifecycle.last_answer.plus_ms(SILENCE_MAX_MS).min(since.plus_ms(HAND_OVER_MAX_MS))
    }

    pub(super) fn shutdown_deadline(&self) -> Option<Time> {
        match self.shutdown? {
            Shutdown::HandingOver { since } => Some(self.hand_over_ends(since)),
            Shutdown::Flushing { until } => Some(until),
            Shutdown::Done => None,
        }
    }
}
