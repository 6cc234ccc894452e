//! Forgetting offsets that nobody has used for `offsets.retention.minutes`, and groups that have neither members nor
//! offsets (KIP-211; `OffsetMetadataManager.cleanupExpiredOffsets`, `ClassicGroup.offsetExpirationCondition`).

use super::{
    Env, Then,
    classic::{ClassicGroup, State},
    delete_groups::group_tombstone,
    offset_delete::tombstone,
    offsets::OffsetAndMetadata,
    shard::Shard,
};
use crate::id::Uuid;

/// One write holds at most so many tombstones; the rest goes with the next.
const RECORDS_MAX: usize = 1000;

impl Shard {
    pub(super) fn expire(&mut self, env: &mut Env) {
        let (now_ms, retention_ms) = (env.ctx.now.wall_ms, env.config.offsets_retention_minutes.saturating_mul(60_000));
        let mut records = Vec::new();
        for group in self.groups.values() {
            let mut all_expired = true;
            let kept_since = group.expiration();
            for (partition, offset) in self.offsets.of(&group.id, true) {
                let expired = kept_since.as_ref().is_some_and(|since| match offset.expire_timestamp_ms {
                    Some(at) => now_ms >= at,
                    None => now_ms.saturating_sub(since(group, offset)) >= retention_ms,
                });
                if expired && !group.is_subscribed_to(&partition.topic) {
                    records.push(tombstone(&group.id, partition));
                } else {
                    all_expired = false;
                }
            }
            if all_expired && group.is_in(State::Empty) {
                records.push(group_tombstone(&group.id));
            }
        }
        while !records.is_empty() {
            let rest = records.split_off(records.len().min(RECORDS_MAX));
            env.append(std::mem::replace(&mut records, rest), Then::Nothing);
        }
    }

    /// A topic was deleted: what was read of it is of no more use (`onTopicsDeleted`).
    pub(super) fn topic_deleted(&mut self, env: &mut Env, topic: &str, topic_id: Uuid) {
        let mut records = Vec::new();
        for group in self.offsets.groups() {
            let gone = self.offsets.of(group, true).filter(|(partition, offset)| {
                partition.topic == topic && (offset.topic_id.is_zero() || offset.topic_id == topic_id)
            });
            records.extend(gone.map(|(partition, _)| tombstone(group, partition)));
        }
        if !records.is_empty() {
            env.append(records, Then::Nothing);
        }
    }
}

/// From when on an offset's retention counts.
type Since = fn(&ClassicGroup, &OffsetAndMetadata) -> i64;

impl ClassicGroup {
    /// `None`: nothing of this group expires now.
    fn expiration(&self) -> Option<Since> {
        match (&self.protocol_type, self.state) {
            // Simple: since each was committed.
            (None, _) => Some(|_, offset| offset.commit_timestamp_ms),
            // Since the last member left.
            (Some(_), State::Empty) => Some(|group, offset| match group.state_since_ms {
                -1 => offset.commit_timestamp_ms,
                since => since,
            }),
            // Of topics that it no longer reads: since each was committed.
            (Some(_), State::Stable) if self.uses_consumer_protocol() && self.subscribed_topics.is_some() => {
                Some(|_, offset| offset.commit_timestamp_ms)
            }
            _ => None,
        }
    }
}
