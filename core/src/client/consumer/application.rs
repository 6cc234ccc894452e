//! A simulated application: the loop around `poll()` that people write. It works on each record for as long as it is
//! told, and commits offsets the way it was written to. With one here, a consumer can be slow, can lose records and can
//! read them twice, as it happens to people.
//!
//! As in Java, whatever concerns the group happens inside `poll()`, but for the heartbeats.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Consumer, FetchedRecord};
use crate::{
    client::group::{Membership, Poll},
    id::TopicPartition,
    seam::Ctx,
    trace::EventKind,
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApplicationConfig {
    /// How long it works on each record.
    pub processing_ms: u64,
    pub commits: OffsetCommits,
}

/// When the application commits offsets itself. It should, when `enable.auto.commit` is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffsetCommits {
    #[default]
    Never,
    /// `commitSync` of what it was given, then the work: a crash in between loses records.
    Before,
    /// The work, then `commitSync`: a crash in between lets the next one do it again.
    After,
    /// The work, then `commitAsync`, and `commitSync` in the listener that hears of revoked partitions.
    Async,
    /// Only in that listener.
    OnRevoke,
}

impl OffsetCommits {
    /// As a scenario writes it.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "never" => Self::Never,
            "before" => Self::Before,
            "after" => Self::After,
            "async" => Self::Async,
            "on-revoke" => Self::OnRevoke,
            _ => return None,
        })
    }

    pub(in crate::client) fn on_revoke(self) -> bool {
        matches!(self, Self::Async | Self::OnRevoke)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Application {
    config: ApplicationConfig,
    /// Given to it and not worked off.
    given: VecDeque<(TopicPartition, i64)>,
    doing: Doing,
    polled_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// It waits for records.
    Polling,
    /// It waits for the answer to its `commitSync`.
    Committing,
    /// It will be done with the first record at this time.
    Working { done_ms: u64 },
}

impl Application {
    pub(super) fn new(config: ApplicationConfig) -> Self {
        Self { config, given: VecDeque::new(), doing: Doing::Polling, polled_ms: 0 }
    }

    pub(super) fn set_processing_ms(&mut self, processing_ms: u64) {
        self.config.processing_ms = processing_ms;
    }

    pub(super) fn processing_ms(&self) -> u64 {
        self.config.processing_ms
    }

    pub(super) fn poll(&self) -> Poll {
        if self.doing == Doing::Polling { Poll::Inside } else { Poll::Outside { since_ms: self.polled_ms } }
    }

    /// What it works on, and how many records it was given and has not worked off.
    pub(super) fn work(&self) -> (Option<&(TopicPartition, i64)>, u64) {
        (self.given.front(), self.given.len() as u64)
    }

    pub(super) fn deadline_ms(&self) -> Option<u64> {
        if let Doing::Working { done_ms } = self.doing { Some(done_ms) } else { None }
    }

    /// With the next record, or if there is none, to the next poll.
    fn go_on(&mut self, now_ms: u64) {
        self.doing = match self.given.front() {
            Some(_) => Doing::Working { done_ms: now_ms + self.config.processing_ms },
            None => Doing::Polling,
        };
    }
}

impl Consumer {
    /// Lets the application do what its time has come for, until it polls again.
    pub(super) fn work(&mut self, ctx: &mut Ctx<'_>) {
        let waits = self.waits_for_commit();
        let Some(application) = &mut self.application else { return };
        if application.doing == Doing::Committing && !waits {
            application.go_on(ctx.ms());
        }
        let mut worked_off = false;
        while let Doing::Working { done_ms } = application.doing
            && done_ms <= ctx.ms()
        {
            let (partition, offset) = application.given.pop_front().expect("it works on something");
            // Whoever takes no time over a record tells nothing by it.
            if application.config.processing_ms > 0 {
                ctx.out.trace(|| EventKind::RecordProcessed { partition, offset });
            }
            application.go_on(done_ms);
            worked_off = application.doing == Doing::Polling;
        }
        match application.config.commits {
            OffsetCommits::After if worked_off => {
                application.doing = Doing::Committing;
                self.commit_by_hand(ctx, true);
            }
            OffsetCommits::Async if worked_off => self.commit_by_hand(ctx, false),
            _ => {}
        }
    }

    /// Gives the application what it polls for. Whether it has something to do now.
    pub(super) fn give(&mut self, ctx: &mut Ctx<'_>) -> bool {
        let waits = self.waits_for_commit();
        match &self.application {
            Some(application) if application.doing == Doing::Committing => return !waits,
            Some(application) if application.doing == Doing::Polling && !self.closing => {}
            _ => return false,
        }
        let records = self.hand_out(ctx);
        let Some(application) = self.application.as_mut().filter(|_| !records.is_empty()) else { return false };
        application.polled_ms = ctx.ms();
        application.given.extend(records.iter().map(|r| (r.partition.clone(), r.offset)));
        if application.config.commits == OffsetCommits::Before {
            application.doing = Doing::Committing;
            self.commit_by_hand(ctx, true);
        } else {
            application.go_on(ctx.ms());
        }
        self.given.extend(records);
        true
    }

    /// What a simulated application was given since the last call.
    pub fn take_records(&mut self) -> Vec<FetchedRecord> {
        std::mem::take(&mut self.given)
    }

    fn waits_for_commit(&self) -> bool {
        self.membership.as_ref().is_some_and(Membership::waits_for_commit)
    }

    /// `commitSync` or `commitAsync` of the positions. Without a group there is nothing to commit to.
    fn commit_by_hand(&mut self, ctx: &Ctx<'_>, sync: bool) {
        let positions = self.positions();
        if let Some(membership) = &mut self.membership {
            membership.commit_by_hand(ctx, positions, sync);
        }
    }
}
