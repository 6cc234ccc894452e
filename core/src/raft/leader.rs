//! What a quorum leader does: opens its epoch, appends, counts what the voters have, and notices when they have gone
//! silent (Kafka's `LeaderState`).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{
    NotLeader, Raft, Role,
    quorum_state_file::{ElectionState, ReplicaKey},
};
use crate::{
    config::NodeConfig,
    id::{NodeId, Uuid},
    seam::{Ctx, Time},
    trace::EventKind,
    wire::{
        batch::{BatchBuilder, ControlType},
        control_records::{LeaderChangeMessage, Voter},
        message::Message,
    },
};

/// A leader that has not been fetched from by the majority for this many fetch timeouts resigns (times ten).
const CHECK_QUORUM_FACTOR_X10: u64 = 15;

/// An observer that has not fetched for so long is forgotten.
const OBSERVER_SESSION_MS: u64 = 300_000;

/// Observers remembered for DescribeQuorum, whoever they say they are.
const OBSERVERS_MAX: usize = 1000;

#[derive(Clone, Debug)]
pub(super) struct Leader {
    /// Where the epoch's first record, the leader change, lies. Nothing is committed by counting before it is (Raft 5.4.2).
    pub(super) epoch_start_offset: i64,
    /// Unknown until the first record of this epoch is on a majority.
    pub(super) high_watermark: Option<i64>,
    /// The other voters.
    pub(super) voters: BTreeMap<NodeId, Progress>,
    pub(super) observers: BTreeMap<ReplicaKey, Progress>,
    check_quorum_deadline: Time,
    /// Voters that have fetched since the check-quorum timer was set.
    fetched: BTreeSet<NodeId>,
}

/// What the leader knows of another replica.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) directory_id: Uuid,
    /// Its fetch offset: what it has on disk.
    pub(super) end_offset: Option<i64>,
    pub(super) last_fetch: Option<Time>,
    pub(super) last_fetch_wall_ms: i64,
    /// Wall time when it last had all the leader had.
    pub(super) last_caught_up_wall_ms: Option<i64>,
    /// When it is to be told of the epoch next.
    pub(super) begin_at: Time,
}

impl Leader {
    fn new(config: &NodeConfig, epoch_start_offset: i64, now: Time) -> Self {
        let others = config.voters.iter().filter(|voter| voter.id != config.node_id);
        Self {
            epoch_start_offset,
            high_watermark: None,
            voters: others.map(|voter| (voter.id, Progress::default())).collect(),
            observers: BTreeMap::new(),
            check_quorum_deadline: check_quorum_deadline(config, now),
            fetched: Default::default(),
        }
    }

    /// What is due already waits for a connection or an answer, and these have deadlines of their own.
    pub(super) fn deadline(&self, now: Time) -> Time {
        let begin = self.voters.values().map(|voter| voter.begin_at).filter(|at| *at > now).min();
        if self.voters.is_empty() { Time::MAX } else { self.check_quorum_deadline.min(begin.unwrap_or(Time::MAX)) }
    }

    pub(super) fn check_quorum_expired(&self, now: Time) -> bool {
        !self.voters.is_empty() && self.check_quorum_deadline <= now
    }

    /// The other voters, most caught up first.
    pub(super) fn successors(&self) -> Vec<ReplicaKey> {
        let mut voters: Vec<_> = self.voters.iter().collect();
        voters.sort_by_key(|(id, progress)| (std::cmp::Reverse(progress.end_offset), **id));
        voters.iter().map(|(id, progress)| ReplicaKey { id: **id, directory_id: progress.directory_id }).collect()
    }
}

fn check_quorum_deadline(config: &NodeConfig, now: Time) -> Time {
    now.plus_ms(config.controller_quorum_fetch_timeout_ms * CHECK_QUORUM_FACTOR_X10 / 10)
}

impl Raft {
    /// Won: opens the epoch with a record of its own, so that what earlier epochs left can be committed below it.
    pub(super) fn become_leader(&mut self, ctx: &mut Ctx<'_>, votes: Vec<NodeId>) {
        let epoch = self.election.epoch;
        ctx.out.note(|| EventKind::QuorumLeaderElected { epoch, votes: votes.clone() });
        let leader = Leader::new(&self.config, self.log.end_offset(), self.now);
        let election = ElectionState { leader: Some(self.config.node_id), ..self.election };
        self.enter(ctx, election, Role::Leader(Box::new(leader)));
        let voter = |id: &NodeId| Voter { voter_id: id.0, ..Default::default() };
        let message = LeaderChangeMessage {
            version: 0,
            leader_id: self.config.node_id.0,
            voters: self.config.voters.iter().map(|v| voter(&v.id)).collect(),
            granting_voters: votes.iter().map(voter).collect(),
        };
        let value = message.to_bytes(0).expect("a leader change fits its schema");
        let mut batch = BatchBuilder::new().control().at(self.log.end_offset(), epoch);
        batch.push(ctx.now.wall_ms, Some(&ControlType::LeaderChange.key()), Some(&value), &[]);
        let named = || vec![format!("LeaderChange leader {}", self.config.node_id)];
        let base_offset = self.log.end_offset();
        match self.log.append(ctx.disk, &batch.build()) {
            Ok(()) => {
                ctx.out.trace(|| EventKind::MetadataAppended {
                    base_offset,
                    last_offset: base_offset,
                    records: named(),
                });
            }
            Err(_) => self.resign(ctx),
        }
    }

    pub(super) fn append_as_leader(
        &mut self,
        ctx: &mut Ctx<'_>,
        epoch: i32,
        records: &[Bytes],
    ) -> Result<i64, NotLeader> {
        self.now = ctx.now.mono;
        let refused = NotLeader { leader: self.election.leader, epoch: self.election.epoch };
        if !self.is_leader() || epoch != self.election.epoch {
            return Err(refused);
        }
        assert!(!records.is_empty(), "an append has at least one record");
        let base_offset = self.log.end_offset();
        let mut batch = BatchBuilder::new().at(base_offset, epoch);
        for record in records {
            batch.push(ctx.now.wall_ms, None, Some(record), &[]);
        }
        if self.log.append(ctx.disk, &batch.build()).is_err() {
            // A leader that cannot write is none: somebody with room on the disk shall lead.
            self.resign(ctx);
            return Err(refused);
        }
        let last_offset = self.log.end_offset() - 1;
        ctx.out.trace(|| {
            let records = records.iter().map(super::view::record_text).collect();
            EventKind::MetadataAppended { base_offset, last_offset, records }
        });
        Ok(last_offset)
    }

    /// A replica fetched: what it asked for is what it has. `fetch_offset` `None`: it is loading a snapshot.
    pub(super) fn note_fetch(&mut self, ctx: &Ctx<'_>, replica: ReplicaKey, fetch_offset: Option<i64>) {
        let log_end_offset = self.log.end_offset();
        let needed = self.config.voters.len() / 2;
        let fetch_timeout_ms = self.config.controller_quorum_fetch_timeout_ms;
        let Role::Leader(leader) = &mut self.role else { return };
        let now = self.now;
        let progress = if let Some(progress) = leader.voters.get_mut(&replica.id) {
            leader.fetched.insert(replica.id);
            if leader.fetched.len() >= needed {
                leader.fetched.clear();
                leader.check_quorum_deadline = check_quorum_deadline(&self.config, now);
            }
            // It knows who leads, so it need not be told for a while.
            progress.begin_at = now.plus_ms(fetch_timeout_ms / 2);
            progress
        } else {
            let stale = |p: &Progress| p.last_fetch.is_none_or(|at| now.ms_since(at) >= OBSERVER_SESSION_MS);
            leader.observers.retain(|_, progress| !stale(progress));
            if replica.id.0 < 0 || (leader.observers.len() >= OBSERVERS_MAX && !leader.observers.contains_key(&replica))
            {
                return;
            }
            leader.observers.entry(replica).or_default()
        };
        progress.directory_id = replica.directory_id;
        progress.last_fetch = Some(now);
        progress.last_fetch_wall_ms = ctx.now.wall_ms;
        if let Some(offset) = fetch_offset {
            progress.end_offset = Some(offset);
            if offset >= log_end_offset {
                progress.last_caught_up_wall_ms = Some(ctx.now.wall_ms);
            }
        }
    }

    /// The offset that a majority of voters has on disk, once a record of this epoch is below it
    /// (`LeaderState.maybeUpdateHighWatermark`). This node counts with what its disk has confirmed.
    pub(super) fn advance_high_watermark(&mut self, ctx: &mut Ctx<'_>) {
        let durable = self.log.durable_end();
        let Role::Leader(leader) = &mut self.role else { return };
        let mut ends: Vec<i64> = leader.voters.values().map(|voter| voter.end_offset.unwrap_or(-1)).collect();
        ends.push(durable);
        ends.sort_unstable_by(|a, b| b.cmp(a));
        let offset = ends[ends.len() / 2];
        if offset > leader.epoch_start_offset && leader.high_watermark.is_none_or(|known| offset > known) {
            leader.high_watermark = Some(offset);
            self.raise_high_watermark(ctx, offset);
        }
    }

    pub(super) fn raise_high_watermark(&mut self, ctx: &mut Ctx<'_>, offset: i64) {
        debug_assert!(offset <= self.log.end_offset());
        if self.high_watermark.is_none_or(|known| offset > known) {
            self.high_watermark = Some(offset);
            ctx.out.trace(|| EventKind::MetadataHighWatermark { offset });
        }
    }
}
