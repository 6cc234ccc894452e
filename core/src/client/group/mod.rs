//! A consumer's place in its group: it finds the coordinator, joins, is given partitions, says that it lives, and commits
//! how far it has read (`ConsumerCoordinator`, `AbstractCoordinator` of the Java client).
//!
//! It has connections of its own, as in the Java client, so that a parked fetch never delays a heartbeat. What it decides
//! comes out as [`Change`]s; the consumer reads what it is told to and nothing else.
//!
//! Heartbeats go out by themselves. All else waits until the application is in `poll()`: it joins, gives up what it
//! reads and takes what it is given only there, so that nothing is taken away from under its hands.

mod commit;
mod coordinator;
mod heartbeat;
mod leave;
mod offsets;
mod rebalance;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use self::commit::ByHand;
use super::{
    ConsumerConfig,
    links::{LinkEvent, LinkSettings, Links, Peer},
    metadata::Metadata,
};
use crate::{
    assign::Assignor,
    id::TopicPartition,
    seam::{Ctx, Input},
    wire::{error::ErrorCode, heartbeat::HeartbeatRequest},
};

/// What the consumer has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Read this partition from its committed offset, or from where `auto.offset.reset` says.
    Assigned(TopicPartition, Option<i64>),
    /// Stop reading these.
    Revoked(Vec<TopicPartition>),
}

/// Where the application is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Poll {
    Inside,
    /// It works on what it was given, since it last polled.
    Outside {
        since_ms: u64,
    },
}

/// What the checkers see of a member's offset commits, of which one is under way at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OffsetCommitCounts {
    pub sent: u64,
    /// Number of the last one that was accepted.
    pub accepted: u64,
    /// In which the last one was sent.
    pub generation: i32,
}

#[derive(Clone, Debug)]
enum Tag {
    FindCoordinator,
    Join,
    Sync,
    Heartbeat,
    Commit(BTreeMap<TopicPartition, i64>),
    FetchOffsets,
    Leave,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Unjoined,
    /// A join is on its way or parked: everybody is waited for.
    Joining,
    Syncing,
    Stable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    Asked,
    Sent,
    Done,
}

#[derive(Clone, Debug)]
pub(super) struct Membership {
    config: ConsumerConfig,
    group_id: String,
    links: Links<Tag>,
    rng: fastrand::Rng,

    coordinator: Option<Peer>,
    finding: bool,
    failures: u32,
    not_before_ms: u64,

    stage: Stage,
    member_id: String,
    generation: i32,
    assignor: Option<Assignor>,
    /// It is to join again as soon as it can.
    rejoin: bool,
    /// What it read was committed for the rebalance that it is about to join.
    prepared: bool,
    /// Came while the application worked.
    join_answer: Option<(i16, Bytes)>,
    /// Its assignment, not taken yet.
    given: Option<BTreeSet<TopicPartition>>,
    /// The group went on without it, and the application has not heard of it.
    lost: bool,
    owned: BTreeSet<TopicPartition>,
    /// As whom and in which generation it was given what it owns. A generation that never got an assignment is in no log,
    /// and its number may come again after a failover.
    owned_as: (String, i32),
    /// What it had when it last gave everything up, and since which generation: sticky assignors give it back.
    had: (Vec<TopicPartition>, i32),
    /// Leaders: partitions of each topic when they last shared out.
    shared_out: Option<BTreeMap<String, i32>>,

    /// Owned, and not known from where on.
    unpositioned: BTreeSet<TopicPartition>,
    fetching_offsets: bool,
    committed: BTreeMap<TopicPartition, i64>,
    committing: bool,
    /// Asked for by the application and not done.
    by_hand: Option<ByHand>,
    commits: OffsetCommitCounts,
    next_commit_ms: u64,

    heartbeat_sent: bool,
    next_heartbeat_ms: u64,
    leaving: Leaving,
    changes: Vec<Change>,
    last_error: Option<String>,
    /// An error after which it gives up.
    fatal: bool,
}

impl Membership {
    pub(super) fn start(group_id: &str, config: &ConsumerConfig, mut rng: fastrand::Rng, now_ms: u64) -> Self {
        let settings = LinkSettings {
            request_timeout_ms: config.request_timeout_ms,
            reconnect_backoff_ms: config.reconnect_backoff_ms,
            reconnect_backoff_max_ms: config.reconnect_backoff_max_ms,
            connection_setup_timeout_ms: config.socket_connection_setup_timeout_ms,
        };
        Self {
            group_id: group_id.to_owned(),
            links: Links::new(&config.name, &config.bootstrap, settings, rng.fork()),
            config: config.clone(),
            rng,
            coordinator: None,
            finding: false,
            failures: 0,
            not_before_ms: 0,
            stage: Stage::Unjoined,
            member_id: String::new(),
            generation: -1,
            assignor: None,
            rejoin: true,
            prepared: false,
            join_answer: None,
            given: None,
            lost: false,
            owned: BTreeSet::new(),
            owned_as: (String::new(), -1),
            had: (Vec::new(), -1),
            shared_out: None,
            unpositioned: BTreeSet::new(),
            fetching_offsets: false,
            committed: BTreeMap::new(),
            committing: false,
            by_hand: None,
            commits: OffsetCommitCounts::default(),
            next_commit_ms: now_ms + config.auto_commit_interval_ms,
            heartbeat_sent: false,
            next_heartbeat_ms: 0,
            leaving: Leaving::No,
            changes: Vec::new(),
            last_error: None,
            fatal: false,
        }
    }

    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    pub(super) fn group_id(&self) -> &str {
        &self.group_id
    }

    pub(super) fn member_id(&self) -> &str {
        &self.member_id
    }

    pub(super) fn generation(&self) -> i32 {
        self.generation
    }

    /// What it may read, and as which member of which generation. A static member that was away comes back to what it had
    /// under another id (KIP-345): it is known by its instance.
    pub(super) fn owned(&self) -> (&str, i32, impl Iterator<Item = &TopicPartition>) {
        let member = self.config.group_instance_id.as_ref().unwrap_or(&self.owned_as.0);
        (member, self.owned_as.1, self.owned.iter())
    }

    pub(super) fn offset_commits(&self) -> OffsetCommitCounts {
        self.commits
    }

    pub(super) fn committed(&self, partition: &TopicPartition) -> Option<i64> {
        self.committed.get(partition).copied()
    }

    pub(super) fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// It said goodbye, or need not.
    pub(super) fn has_left(&self) -> bool {
        self.leaving == Leaving::Done
    }

    pub(super) fn handle(&mut self, ctx: &mut Ctx<'_>, input: &Input) {
        let mut events = Vec::new();
        self.links.handle(ctx, input, &mut events);
        self.take_events(ctx, events);
    }

    /// Does what can be done now. `positions`: how far the application was given each partition.
    pub(super) fn drive(
        &mut self,
        ctx: &mut Ctx<'_>,
        metadata: &Metadata,
        positions: &BTreeMap<TopicPartition, i64>,
        poll: Poll,
    ) {
        let mut events = Vec::new();
        self.links.expire(ctx, &mut events);
        self.take_events(ctx, events);
        if poll == Poll::Inside {
            self.catch_up(ctx, metadata, positions);
        }
        self.give_up_commit(ctx);
        if self.fatal || self.leaving == Leaving::Done {
            self.by_hand = None;
            return;
        }
        let Some(coordinator) = self.find_coordinator(ctx) else { return };
        if !self.links.ready(ctx, coordinator) {
            return;
        }
        if self.leaving == Leaving::Asked {
            return self.say_goodbye(ctx, coordinator, positions);
        }
        self.share_out_again(metadata);
        self.beat(ctx, coordinator);
        self.send_by_hand(ctx, coordinator);
        match poll {
            Poll::Outside { since_ms } => self.leave_unless_polled(ctx, coordinator, since_ms),
            // It waits for an offset commit before it gives up what it has.
            Poll::Inside if self.given.is_some() => {}
            Poll::Inside => {
                self.ask_committed(ctx, coordinator);
                if self.rejoin && matches!(self.stage, Stage::Unjoined | Stage::Stable) {
                    self.join_again(ctx, coordinator, positions);
                } else if self.commits_by_itself() && ctx.ms() >= self.next_commit_ms {
                    self.next_commit_ms = ctx.ms() + self.config.auto_commit_interval_ms;
                    self.commit(ctx, coordinator, positions);
                }
            }
        }
    }

    /// What `poll()` begins with: what has come since the last.
    fn catch_up(&mut self, ctx: &mut Ctx<'_>, metadata: &Metadata, positions: &BTreeMap<TopicPartition, i64>) {
        if let Some((version, frame)) = self.join_answer.take() {
            self.joined(ctx, version, &frame, metadata);
        }
        self.take_assignment(ctx, positions);
        if std::mem::take(&mut self.lost) {
            self.give_up_all(ctx, true);
        }
    }

    pub(super) fn deadline_ms(&self, now_ms: u64, poll: Poll) -> Option<u64> {
        let mut deadlines: Vec<u64> = self.links.deadline_ms(now_ms).into_iter().collect();
        deadlines.extend(self.gives_up_commit_ms());
        if self.not_before_ms > now_ms {
            deadlines.push(self.not_before_ms);
        }
        // While something is on its way there is nothing to wake for but its answer, or its loss.
        if self.is_connected() {
            if self.stage == Stage::Stable && !self.heartbeat_sent {
                deadlines.push(self.next_heartbeat_ms);
            }
            match poll {
                Poll::Inside if self.commits_by_itself() => deadlines.push(self.next_commit_ms),
                Poll::Outside { since_ms } if matches!(self.stage, Stage::Syncing | Stage::Stable) => {
                    deadlines.push(since_ms + self.config.max_poll_interval_ms);
                }
                _ => {}
            }
        }
        deadlines.into_iter().map(|at| at.max(now_ms + 1)).min()
    }

    fn is_connected(&self) -> bool {
        self.coordinator.is_some_and(|c| self.links.version::<HeartbeatRequest>(c, i16::MAX).is_some())
    }

    fn take_events(&mut self, ctx: &mut Ctx<'_>, events: Vec<LinkEvent<Tag>>) {
        for event in events {
            match event {
                LinkEvent::Answer { tag, version, frame, .. } => match tag {
                    Tag::FindCoordinator => self.coordinator_found(ctx, version, &frame),
                    Tag::Join => self.join_answer = Some((version, frame)),
                    Tag::Sync => self.synced(ctx, version, &frame),
                    Tag::Heartbeat => self.heard(ctx, version, &frame),
                    Tag::Commit(offsets) => self.commit_answered(ctx, &offsets, version, &frame),
                    Tag::FetchOffsets => self.committed_fetched(ctx, version, &frame),
                    Tag::Leave => self.goodbye_answered(),
                },
                LinkEvent::Lost { tag, .. } => {
                    match tag {
                        Tag::FindCoordinator => self.finding = false,
                        Tag::Join | Tag::Sync => {
                            self.stage = Stage::Unjoined;
                            self.rejoin = true;
                        }
                        Tag::Heartbeat => self.heartbeat_sent = false,
                        Tag::Commit(_) => self.committing = false,
                        Tag::FetchOffsets => self.fetching_offsets = false,
                        Tag::Leave => self.goodbye_answered(),
                    }
                    self.coordinator = None;
                    self.try_later(ctx, ErrorCode::NetworkException);
                }
                // The coordinator that was named cannot be reached: by now another one may be.
                LinkEvent::Down if self.coordinator.is_some() && !self.is_connected() => {
                    self.coordinator = None;
                    self.try_later(ctx, ErrorCode::CoordinatorNotAvailable);
                }
                LinkEvent::Down => {}
            }
        }
    }
}
