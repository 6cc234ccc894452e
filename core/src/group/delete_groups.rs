//! DeleteGroups: a group without members goes, with its offsets (KIP-229; `GroupCoordinatorShard.deleteGroups`).

use super::{Env, Part, Then, classic::State, offset_delete::tombstone, record::GroupRecord, shard::Shard};
use crate::wire::{delete_groups::DeletableGroupResult, error::ErrorCode, group_records::GroupMetadataKey};

impl Shard {
    /// Those of the groups that live here.
    pub(super) fn delete_groups(&mut self, env: &mut Env, groups: Vec<String>, gather: u64) {
        let mut records = Vec::new();
        let results = groups.into_iter().map(|group_id| {
            let error = match self.groups.get(&group_id).map(|g| g.state) {
                None | Some(State::Dead) => ErrorCode::GroupIdNotFound,
                Some(State::Empty) => {
                    records.extend(self.offsets.of(&group_id, true).map(|(p, _)| tombstone(&group_id, p)));
                    records.push(group_tombstone(&group_id));
                    ErrorCode::None
                }
                Some(_) => ErrorCode::NonEmptyGroup,
            };
            DeletableGroupResult { group_id, error_code: error.code() }
        });
        let part = Part::Deleted(results.collect());
        env.append(records, Then::Part { gather, part });
    }
}

pub(super) fn group_tombstone(group: &str) -> GroupRecord {
    GroupRecord::Group(GroupMetadataKey { group: group.to_owned() }, None)
}
