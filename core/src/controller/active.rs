//! What a controller has only while it is the active one: state ahead of the high watermark, sessions, requests that
//! wait, and timers.

use std::collections::VecDeque;

use super::{
    Controller,
    api::{Command, Decision, State},
    election, features,
    heartbeat::{self, Sessions},
    index::Index,
    reply::ReplyTo,
    write::{Batch, MAX_RECORDS, Silence},
};
use crate::{
    config::NodeConfig,
    metadata::image::MetadataImage,
    raft::NotLeader,
    seam::{Ctx, Part, Time},
    wire::{error::ErrorCode, metadata_records::NoOpRecord},
};

#[derive(Clone, Debug)]
pub(super) struct Active {
    pub(super) epoch: i32,
    /// What is committed, and what this leader has written since.
    pub(super) image: MetadataImage,
    /// Of `image`.
    pub(super) index: Index,
    pub(super) sessions: Sessions,
    /// In the order of their offsets.
    waiting: VecDeque<Waiting>,
    timers: Timers,
}

/// An answer that is ready, and must not be given before the high watermark has passed `offset`.
#[derive(Clone, Debug)]
struct Waiting {
    offset: i64,
    to: ReplyTo,
    answer: Vec<Part>,
    /// What is said instead when leadership is lost before.
    not_controller: Vec<Part>,
}

/// When each periodic task runs next (Kafka: `PeriodicTaskControlManager`).
#[derive(Clone, Debug)]
struct Timers {
    no_op: Time,
    fence: Time,
    balance: Time,
    unclean: Time,
}

/// Kafka: `unclean.leader.election.interval.ms`.
const UNCLEAN_INTERVAL_MS: u64 = 300_000;

impl Timers {
    fn new(now: Time, config: &NodeConfig) -> Self {
        Self {
            no_op: now.plus_ms(config.metadata_max_idle_interval_ms),
            fence: now.plus_ms(fence_interval_ms(config)),
            balance: if config.auto_leader_rebalance_enable {
                now.plus_ms(config.leader_imbalance_check_interval_seconds.saturating_mul(1000))
            } else {
                Time::MAX
            },
            unclean: now.plus_ms(UNCLEAN_INTERVAL_MS),
        }
    }
}

fn fence_interval_ms(config: &NodeConfig) -> u64 {
    (config.broker_session_timeout_ms / 8).max(1)
}

impl Active {
    pub(super) fn deadline(&self) -> Time {
        let Timers { no_op, fence, balance, unclean } = self.timers;
        no_op.min(fence).min(balance).min(unclean)
    }
}

impl Controller {
    /// Everything of earlier epochs has been replayed: from here on this controller decides.
    pub(super) fn become_active(&mut self, ctx: &mut Ctx<'_>, epoch: i32) {
        let now = ctx.now.mono;
        self.active = Some(Active {
            epoch,
            image: self.committed.clone(),
            index: Index::of(&self.committed),
            sessions: Sessions::begin(&self.committed, now),
            waiting: VecDeque::new(),
            timers: Timers::new(now, &self.config),
        });
        let bootstrap = features::bootstrap(&self.committed, &self.bootstrap, &self.config);
        // Refused: leadership is lost already, and the event that says so is on its way.
        let _ = self.write(ctx, bootstrap);
    }

    pub(super) fn resign(&mut self, ctx: &mut Ctx<'_>) {
        let Some(active) = self.active.take() else { return };
        for waiting in active.waiting {
            self.answer(ctx, &waiting.to, waiting.not_controller);
        }
    }

    /// Decides, writes, and answers when what was decided (and what it was decided from) is committed.
    pub(super) fn command<R: Command>(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, request: &R) {
        let refused = |error| to.frame_not_controller::<R>(&request.refuse(error));
        // A deadline that is over when the event comes in (`KafkaEventQueue`).
        if self.active.is_some() && request.timeout_ms() <= 0 {
            return to.send(ctx, to.frame::<R>(&request.refuse(ErrorCode::RequestTimedOut)));
        }
        let decide = |state: &mut State<'_>| request.decide(to.version, state);
        let Some(Decision { batch, response }) = self.decide(ctx, &to.principal, decide) else {
            to.send(ctx, refused(ErrorCode::NotController));
            return;
        };
        for event in self.loggers.take_news() {
            ctx.out.note(|| event);
        }
        if R::OF_USERS && batch.len() > MAX_RECORDS {
            to.send(ctx, to.frame::<R>(&request.refuse(ErrorCode::PolicyViolation)));
            return;
        }
        if self.write(ctx, batch).is_err() {
            to.send(ctx, refused(ErrorCode::NotController));
            return;
        }
        let answer = to.frame::<R>(&response);
        let active = self.active.as_mut().expect("the decision above was made by it");
        let offset = active.image.offset();
        if offset <= self.committed.offset() {
            to.send(ctx, answer);
            return;
        }
        to.park(ctx);
        let not_controller = refused(ErrorCode::NotController);
        active.waiting.push_back(Waiting { offset, to, answer, not_controller });
    }

    /// `None`: this is not the active controller.
    fn decide<T>(&mut self, ctx: &Ctx<'_>, principal: &str, decide: impl FnOnce(&mut State<'_>) -> T) -> Option<T> {
        let active = self.active.as_mut().filter(|_| self.raft.is_leader() && !self.shutting_down)?;
        Some(decide(&mut State {
            config: &self.config,
            image: &active.image,
            index: &active.index,
            sessions: &mut active.sessions,
            rng: &mut self.rng,
            now: ctx.now.mono,
            next_offset: self.raft.log_end_offset(),
            cause: ctx.out.cause(),
            principal,
            loggers: &mut self.loggers,
        }))
    }

    /// Tells people what was decided, and appends it. What follows is caused by the decision. What the controller does by
    /// itself may be more than one batch holds: then a crash may leave the first batches without the others, and whoever
    /// leads next decides about the rest anew (Kafka: `QuorumController.appendRecords`, results that are not atomic).
    fn write(&mut self, ctx: &mut Ctx<'_>, decided: Batch) -> Result<(), NotLeader> {
        for batch in decided.split(MAX_RECORDS) {
            let Some(active) = self.active.as_mut() else { break };
            let base_offset = self.raft.log_end_offset();
            let values = batch.records().iter().map(|record| record.encode()).collect();
            // Should the log refuse, leadership is lost, and the image with it.
            let Active { image, index, epoch, .. } = active;
            batch.apply(image, index, base_offset, self.config.broker_session_timeout_ms, ctx.out);
            let last_offset = self.raft.append(ctx, *epoch, values)?;
            assert_eq!(last_offset, image.offset(), "the log has grown behind the active controller's back");
        }
        Ok(())
    }

    /// Gives the answers that the high watermark has passed.
    pub(super) fn answer_committed(&mut self, ctx: &mut Ctx<'_>) {
        let committed = self.committed.offset();
        while let Some(active) = &mut self.active
            && active.waiting.front().is_some_and(|w| w.offset <= committed)
        {
            let waiting = active.waiting.pop_front().expect("there is one in front");
            self.answer(ctx, &waiting.to, waiting.answer);
        }
    }

    /// An answer to somebody who has gone is dropped.
    fn answer(&self, ctx: &mut Ctx<'_>, to: &ReplyTo, parts: Vec<Part>) {
        if self.connections.contains_key(&to.conn) {
            to.send(ctx, parts);
            to.unpark(ctx);
        }
    }

    pub(super) fn run_timers(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now.mono;
        let Some(active) = &mut self.active else { return };
        let due = |timer: &mut Time, again_ms: u64| {
            let due = *timer <= now;
            if due {
                *timer = now.plus_ms(again_ms);
            }
            due
        };
        let fence = due(&mut active.timers.fence, fence_interval_ms(&self.config));
        let balance =
            due(&mut active.timers.balance, self.config.leader_imbalance_check_interval_seconds.saturating_mul(1000));
        let unclean = due(&mut active.timers.unclean, UNCLEAN_INTERVAL_MS);
        let no_op = due(&mut active.timers.no_op, self.config.metadata_max_idle_interval_ms);
        if fence {
            self.fence_stale(ctx);
        }
        if balance {
            self.run(ctx, election::balance_leaders);
        }
        if unclean {
            self.run(ctx, election::elect_unclean);
        }
        // It moves the high watermark and tells followers that somebody is there (KIP-835).
        if no_op {
            self.run(ctx, |_, batch| batch.push(NoOpRecord {}));
        }
    }

    /// One broker at a time, so that the next is decided from the effect of the last
    /// (Kafka: `ReplicationControlManager.maybeFenceOneStaleBroker`).
    fn fence_stale(&mut self, ctx: &mut Ctx<'_>) {
        let session_ms = self.config.broker_session_timeout_ms;
        let timer = ctx.out.cause();
        loop {
            let mut fenced = None;
            self.run(ctx, |state, batch| {
                fenced = state.sessions.find_stale(state.image, state.now, session_ms);
                if let Some((id, silent_ms)) = fenced {
                    let cause = state.sessions.get(id).and_then(|s| s.cause);
                    batch.silence = Some(Silence { silent_ms, cause });
                    let broker = state.image.broker(id).expect("stale brokers are registered");
                    heartbeat::fence(broker, state, batch, &format!("has been silent for {silent_ms} ms"));
                }
            });
            if fenced.is_none() || !self.raft.is_leader() {
                break;
            }
        }
        ctx.out.because(timer);
    }

    /// A task of the controller's own.
    fn run(&mut self, ctx: &mut Ctx<'_>, task: impl FnOnce(&State<'_>, &mut Batch)) {
        let decided = self.decide(ctx, "User:controller", |state| {
            let mut batch = Batch::default();
            task(state, &mut batch);
            batch
        });
        if let Some(batch) = decided {
            // Refused: leadership is lost, and the event that says so is on its way.
            let _ = self.write(ctx, batch);
        }
    }
}
