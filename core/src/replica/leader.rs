//! What a leader knows of its followers, and the two rules that follow from it: how far the high watermark may go, and
//! who belongs into the in-sync replicas (`kafka.cluster.Partition`, `kafka.cluster.Replica`; KIP-497 for the asking).

use std::collections::BTreeMap;

use crate::{id::NodeId, seam::Time};

/// One remote replica, as its fetches describe it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Follower {
    /// `None`: it has not fetched from this leader in this epoch.
    pub log_end_offset: Option<i64>,
    pub log_start_offset: i64,
    /// Epoch of the broker that fetched (KIP-903); `None` until it did.
    pub broker_epoch: Option<i64>,
    /// The last moment when it had everything the leader had. `None`: not since this leader took over.
    pub last_caught_up: Option<Time>,
    last_fetch: Option<Time>,
    leader_end_at_last_fetch: i64,
}

impl Follower {
    /// Kafka's `Replica.isCaughtUp`: level with the leader, or level with it not longer ago than the limit.
    pub fn is_caught_up(&self, leader_end: i64, now: Time, lag_max_ms: u64) -> bool {
        self.log_end_offset == Some(leader_end) || self.last_caught_up.is_some_and(|at| now.ms_since(at) <= lag_max_ms)
    }

    /// Milliseconds since it was last caught up; since the start of the clock if it never was.
    pub fn lag_ms(&self, leader_end: i64, now: Time) -> u64 {
        if self.log_end_offset == Some(leader_end) { 0 } else { now.ms_since(self.last_caught_up.unwrap_or_default()) }
    }
}

/// What a follower's fetch says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FollowerFetch {
    pub follower: NodeId,
    pub broker_epoch: i64,
    /// Its log end: it asks for what comes next.
    pub fetch_offset: i64,
    pub log_start_offset: i64,
}

/// A set of in-sync replicas that the controller was asked for and has not confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingIsr {
    pub isr: Vec<NodeId>,
    pub change: IsrChange,
}

#[derive(Clone, Debug, PartialEq)]
pub enum IsrChange {
    Expand { joining: NodeId },
    Shrink { out: Vec<NodeId>, lag_ms: u64 },
}

/// The state of a partition's leader in one leader epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Leadership {
    /// Log end when this epoch began. A follower below it may miss records of an earlier epoch, so it cannot join the ISR.
    pub epoch_start_offset: i64,
    /// As confirmed by the controller.
    pub isr: Vec<NodeId>,
    pub pending: Option<PendingIsr>,
    followers: BTreeMap<NodeId, Follower>,
}

/// The broker epoch of a broker that may be in an ISR: registered, not fenced, not shutting down. `None` otherwise.
pub type ActiveEpoch<'a> = &'a dyn Fn(NodeId) -> Option<i64>;

impl Leadership {
    /// `is_new`: this broker did not lead the partition before. A leader that goes on in a new epoch keeps what it
    /// knows of its followers' positions (`Replica.resetReplicaState`).
    pub fn begin(
        before: Option<Self>,
        local: NodeId,
        replicas: &[NodeId],
        isr: Vec<NodeId>,
        leader_end: i64,
        now: Time,
    ) -> Self {
        let mut known = before.map(|l| l.followers).unwrap_or_default();
        let followers = replicas.iter().filter(|&&id| id != local).map(|&id| {
            let in_sync = isr.contains(&id);
            let caught_up = in_sync.then_some(now);
            let follower = match known.remove(&id) {
                Some(f) => Follower {
                    leader_end_at_last_fetch: leader_end,
                    last_fetch: caught_up,
                    last_caught_up: caught_up,
                    ..f
                },
                None => Follower {
                    log_start_offset: -1,
                    leader_end_at_last_fetch: -1,
                    last_caught_up: caught_up,
                    ..Follower::default()
                },
            };
            (id, follower)
        });
        let followers = followers.collect();
        Self { epoch_start_offset: leader_end, isr, pending: None, followers }
    }

    /// The controller said what the ISR and the replicas are, within this leader epoch.
    pub fn confirm(&mut self, local: NodeId, replicas: &[NodeId], isr: Vec<NodeId>) {
        self.isr = isr;
        self.pending = None;
        self.followers.retain(|id, _| replicas.contains(id));
        for &id in replicas.iter().filter(|&&id| id != local) {
            self.followers.entry(id).or_insert(Follower {
                log_start_offset: -1,
                leader_end_at_last_fetch: -1,
                ..Follower::default()
            });
        }
    }

    pub fn followers(&self) -> impl Iterator<Item = (NodeId, &Follower)> {
        self.followers.iter().map(|(&id, f)| (id, f))
    }

    pub fn follower(&self, id: NodeId) -> Option<&Follower> {
        self.followers.get(&id)
    }

    /// The largest set that may already be in force: with an expansion in flight the new one, with a shrink the old one.
    /// Whatever the controller decides, a record on all of these is safe (KIP-497).
    pub fn maximal_isr(&self) -> &[NodeId] {
        match &self.pending {
            Some(PendingIsr { isr, change: IsrChange::Expand { .. } }) => isr,
            _ => &self.isr,
        }
    }

    /// Remembers a fetch (`Replica.updateFetchStateOrThrow`). Returns whether the follower's end moved, or `None` when
    /// the node is no replica or an older incarnation of one.
    pub fn fetched(&mut self, fetch: FollowerFetch, leader_end: i64, now: Time) -> Option<bool> {
        let f = self.followers.get_mut(&fetch.follower)?;
        // An older incarnation's fetch must not stand for the new one (KIP-903).
        if f.broker_epoch.is_some_and(|known| fetch.broker_epoch != -1 && fetch.broker_epoch < known) {
            return None;
        }
        // Level now; or level with what the leader had when it last asked, which keeps followers of a busy leader in.
        let caught_up = if fetch.fetch_offset >= leader_end {
            Some(now)
        } else if fetch.fetch_offset >= f.leader_end_at_last_fetch {
            f.last_fetch
        } else {
            None
        };
        let moved = f.log_end_offset != Some(fetch.fetch_offset);
        f.last_caught_up = f.last_caught_up.max(caught_up);
        f.log_end_offset = Some(fetch.fetch_offset);
        f.log_start_offset = fetch.log_start_offset;
        f.last_fetch = Some(now);
        f.leader_end_at_last_fetch = leader_end;
        if fetch.broker_epoch != -1 {
            f.broker_epoch = Some(fetch.broker_epoch);
        }
        Some(moved)
    }

    /// How far every replica that counts has come: the maximal ISR, and those about to join it. `None` while the ISR is
    /// smaller than `min_isr`: then the high watermark stands still (`Partition.maybeIncrementLeaderHW`, KIP-966).
    pub fn replicated_to(
        &self,
        leader_end: i64,
        min_isr: usize,
        now: Time,
        lag_max_ms: u64,
        active: ActiveEpoch,
    ) -> Option<i64> {
        if self.isr.len() < min_isr {
            return None;
        }
        let mut end = leader_end;
        for (id, follower) in &self.followers {
            let theirs = follower.log_end_offset.unwrap_or(-1);
            if theirs >= end {
                continue;
            }
            let counts = self.maximal_isr().contains(id)
                || (follower.is_caught_up(leader_end, now, lag_max_ms) && is_eligible(*id, follower, active));
            if counts {
                end = theirs;
            }
        }
        Some(end)
    }

    /// Where the last of those replicas begins that are alive; -1 when one has not fetched yet.
    pub fn low_watermark(&self, own_log_start: i64, is_alive: impl Fn(NodeId) -> bool) -> i64 {
        let alive = self.followers.iter().filter(|(id, _)| is_alive(**id));
        alive.map(|(_, follower)| follower.log_start_offset).fold(own_log_start, i64::min)
    }

    /// The ISR to ask for now that `id` has fetched, if it should join (`Partition.needsExpandIsr`).
    pub fn expansion(&self, id: NodeId, high_watermark: i64, active: ActiveEpoch) -> Option<PendingIsr> {
        if self.pending.is_some() || self.isr.contains(&id) {
            return None;
        }
        let follower = self.followers.get(&id)?;
        let end = follower.log_end_offset?;
        let in_sync = end >= high_watermark && end >= self.epoch_start_offset;
        if !in_sync || !is_eligible(id, follower, active) {
            return None;
        }
        let mut isr = self.isr.clone();
        isr.push(id);
        Some(PendingIsr { isr, change: IsrChange::Expand { joining: id } })
    }

    /// The ISR to ask for without those that lag (`Partition.needsShrinkIsr`).
    pub fn shrinkage(&self, local: NodeId, leader_end: i64, now: Time, lag_max_ms: u64) -> Option<PendingIsr> {
        if self.pending.is_some() {
            return None;
        }
        let lags = |id: &&NodeId| {
            **id != local && !self.followers.get(id).is_some_and(|f| f.is_caught_up(leader_end, now, lag_max_ms))
        };
        let out: Vec<NodeId> = self.isr.iter().filter(lags).copied().collect();
        if out.is_empty() {
            return None;
        }
        let lag_ms =
            out.iter().filter_map(|id| Some(self.followers.get(id)?.lag_ms(leader_end, now))).min().unwrap_or(0);
        let isr = self.isr.iter().filter(|id| !out.contains(id)).copied().collect();
        Some(PendingIsr { isr, change: IsrChange::Shrink { out, lag_ms } })
    }

    /// With the broker epochs that AlterPartition v3 wants beside each id (KIP-903): -1 where none is known.
    pub fn with_epochs(&self, isr: &[NodeId], local: NodeId, local_epoch: i64) -> Vec<(NodeId, i64)> {
        let epoch = |id| {
            if id == local { local_epoch } else { self.followers.get(&id).and_then(|f| f.broker_epoch).unwrap_or(-1) }
        };
        isr.iter().map(|&id| (id, epoch(id))).collect()
    }
}

/// A fenced, leaving or reborn broker must not enter the ISR: the controller would refuse it anyway (KIP-841, KIP-903).
fn is_eligible(id: NodeId, follower: &Follower, active: ActiveEpoch) -> bool {
    active(id).is_some_and(|epoch| follower.broker_epoch.is_none_or(|theirs| theirs == epoch))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG_MAX_MS: u64 = 30_000;
    const ONE: NodeId = NodeId(1);
    const TWO: NodeId = NodeId(2);
    const THREE: NodeId = NodeId(3);

    fn leadership(isr: &[NodeId], leader_end: i64) -> Leadership {
        Leadership::begin(None, ONE, &[ONE, TWO, THREE], isr.to_vec(), leader_end, Time::ZERO)
    }

    fn all_active(_: NodeId) -> Option<i64> {
        Some(7)
    }

    fn fetch(leadership: &mut Leadership, follower: NodeId, fetch_offset: i64, leader_end: i64, at_ms: u64) {
        let fetch = FollowerFetch { follower, broker_epoch: 7, fetch_offset, log_start_offset: 0 };
        leadership.fetched(fetch, leader_end, Time::from_ms(at_ms)).unwrap();
    }

    #[test]
    fn high_watermark_waits_for_every_in_sync_replica() {
        let mut l = leadership(&[ONE, TWO, THREE], 10);
        let replicated = |l: &Leadership| l.replicated_to(12, 1, Time::ZERO, LAG_MAX_MS, &all_active);
        assert_eq!(replicated(&l), Some(-1), "nobody has fetched yet");
        fetch(&mut l, TWO, 12, 12, 1);
        fetch(&mut l, THREE, 11, 12, 1);
        assert_eq!(replicated(&l), Some(11));
        fetch(&mut l, THREE, 12, 12, 2);
        assert_eq!(replicated(&l), Some(12));
    }

    #[test]
    fn high_watermark_stands_still_below_min_isr() {
        let mut l = leadership(&[ONE, TWO], 10);
        fetch(&mut l, TWO, 12, 12, 1);
        assert_eq!(l.replicated_to(12, 3, Time::ZERO, LAG_MAX_MS, &all_active), None);
    }

    #[test]
    fn high_watermark_waits_for_a_replica_about_to_join() {
        let mut l = leadership(&[ONE, TWO], 10);
        fetch(&mut l, TWO, 12, 12, 40_000);
        // Level with the leader's end at its previous fetch: caught up, eligible, not yet a member.
        fetch(&mut l, THREE, 10, 10, 40_000);
        fetch(&mut l, THREE, 11, 12, 40_001);
        assert_eq!(l.replicated_to(12, 1, Time::from_ms(40_002), LAG_MAX_MS, &all_active), Some(11));
        let three_is_fenced = |id| (id != THREE).then_some(7);
        assert_eq!(l.replicated_to(12, 1, Time::from_ms(40_002), LAG_MAX_MS, &three_is_fenced), Some(12));
    }

    #[test]
    fn follower_of_a_busy_leader_stays_in_sync() {
        let mut l = leadership(&[ONE, TWO], 0);
        // Never level with the leader, but always with what the leader had at the fetch before.
        for i in 1..100 {
            fetch(&mut l, TWO, (i - 1) * 10, i * 10, i as u64 * 1000);
        }
        assert_eq!(l.shrinkage(ONE, 990, Time::from_ms(99_000), LAG_MAX_MS), None);
    }

    #[test]
    fn shrinks_after_the_limit_and_not_before() {
        let mut l = leadership(&[ONE, TWO, THREE], 0);
        fetch(&mut l, TWO, 5, 5, 1000);
        fetch(&mut l, THREE, 5, 5, 20_000);
        // The log has grown since, so being level no longer helps.
        assert_eq!(l.shrinkage(ONE, 6, Time::from_ms(31_000), LAG_MAX_MS), None);
        let pending = l.shrinkage(ONE, 6, Time::from_ms(31_001), LAG_MAX_MS).unwrap();
        assert_eq!(pending.isr, [ONE, THREE]);
        assert_eq!(pending.change, IsrChange::Shrink { out: vec![TWO], lag_ms: 30_001 });
        // Until the controller answers, the old set must hold a record for it to be safe.
        l.pending = Some(pending);
        assert_eq!(l.maximal_isr(), [ONE, TWO, THREE]);
        assert_eq!(l.shrinkage(ONE, 6, Time::from_ms(90_000), LAG_MAX_MS), None, "one question at a time");
    }

    #[test]
    fn expands_only_beyond_the_start_of_the_epoch() {
        let mut l = leadership(&[ONE, TWO], 10);
        fetch(&mut l, THREE, 9, 10, 1);
        assert_eq!(l.expansion(THREE, 5, &all_active), None, "above the high watermark, below the epoch's start");
        fetch(&mut l, THREE, 10, 10, 2);
        let pending = l.expansion(THREE, 5, &all_active).unwrap();
        assert_eq!(pending.isr, [ONE, TWO, THREE]);
        l.pending = Some(pending);
        assert_eq!(l.maximal_isr(), [ONE, TWO, THREE], "counts at once: the controller may already have agreed");
    }

    #[test]
    fn a_reborn_follower_joins_only_under_its_new_epoch() {
        let mut l = leadership(&[ONE, TWO], 0);
        fetch(&mut l, THREE, 0, 0, 1);
        assert_eq!(l.expansion(THREE, 0, &|_| Some(8)), None);
        let stale = FollowerFetch { follower: THREE, broker_epoch: 6, fetch_offset: 0, log_start_offset: 0 };
        assert_eq!(l.fetched(stale, 0, Time::ZERO), None);
    }
}
