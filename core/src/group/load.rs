//! Taking over: the log of the partition is replayed, and the groups are as their last coordinator left them
//! (`CoordinatorLoaderImpl`, `GroupMetadataManager.replay` and `onLoaded`).

use super::{
    Env,
    classic::ClassicGroup,
    record::GroupRecord,
    shard::{Loading, Shard},
};
use crate::{
    trace::EventKind,
    wire::{
        batch::Batch,
        group_records::{GroupMetadataKey, GroupMetadataValue},
    },
};

impl Shard {
    /// Replays batches in order. What cannot be read is left out, as Kafka does.
    pub(super) fn replay(&mut self, batches: &[Batch], now_ms: i64) {
        let mut replayed = 0;
        for batch in batches {
            let next_offset = batch.header.next_offset();
            // Markers of transactions belong to offsets that the lab cannot have.
            if !batch.header.is_control() {
                for record in batch.records().flatten() {
                    replayed += 1;
                    let Some(key) = &record.key else { continue };
                    match GroupRecord::decode(key, record.value.as_ref()) {
                        Ok(GroupRecord::Group(key, value)) => self.replay_group(&key, value.as_ref()),
                        Ok(other) => self.replay_offset(record.offset, &other, now_ms),
                        Err(_) => {}
                    }
                }
            }
            if let Some(loading) = &mut self.loading {
                loading.next_offset = next_offset;
            }
        }
        if let Some(loading) = &mut self.loading {
            loading.records += replayed;
        }
    }

    fn replay_group(&mut self, key: &GroupMetadataKey, value: Option<&GroupMetadataValue>) {
        match value {
            Some(value) => {
                self.groups.insert(key.group.clone(), ClassicGroup::from_record(&key.group, value));
            }
            None => {
                self.groups.remove(&key.group);
            }
        }
    }

    /// The whole log has been replayed: the groups are served, and their members have a session to say that they live.
    pub(super) fn loaded(&mut self, env: &mut Env) {
        let Some(Loading { next_offset, records, .. }) = self.loading.take() else { return };
        self.last_written_is(next_offset);
        let (partition, groups) = (env.partition, self.groups.len() as u32);
        env.ctx.out.trace(|| EventKind::CoordinatorLoaded { partition, groups, records });
        let cause = env.ctx.out.cause();
        let max = usize::try_from(env.config.group_max_size).unwrap_or(usize::MAX);
        for group in self.groups.values_mut() {
            env.ctx.out.because(cause);
            let ids: Vec<String> = group.members.keys().cloned().collect();
            ids.iter().for_each(|id| group.refresh_session(env, id));
            if ids.len() > max {
                // Nobody has asked for anything yet.
                let _ = group.prepare_rebalance(env, "the group is larger than group.max.size");
            }
        }
        env.ctx.out.because(cause);
    }
}
