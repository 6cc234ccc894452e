//! DescribeGroups: state and members of a group (`GroupMetadataManager.describeGroups`).

use super::{
    classic::{ClassicGroup, State},
    shard::Shard,
};
use crate::wire::{describe_groups::DescribedGroup, error::ErrorCode};

/// From this version on a group that is not there is an error (KIP-1043); before, it is dead.
const GROUP_ID_NOT_FOUND_SINCE: i16 = 6;

impl Shard {
    pub(super) fn describe(&self, version: i16, group_id: &str) -> DescribedGroup {
        match self.groups.get(group_id) {
            Some(group) => group.describe(),
            None if version >= GROUP_ID_NOT_FOUND_SINCE => DescribedGroup {
                error_code: ErrorCode::GroupIdNotFound.code(),
                error_message: Some(format!("Group {group_id} not found.")),
                group_id: group_id.to_owned(),
                group_state: State::Dead.name().to_owned(),
                ..Default::default()
            },
            None => DescribedGroup {
                group_id: group_id.to_owned(),
                group_state: State::Dead.name().to_owned(),
                ..Default::default()
            },
        }
    }
}

impl ClassicGroup {
    /// What members said of themselves is shown only while it is in force.
    pub(super) fn describe(&self) -> DescribedGroup {
        let protocol = self.protocol.as_deref().filter(|_| self.is_in(State::Stable));
        DescribedGroup {
            group_id: self.id.clone(),
            group_state: self.state.name().to_owned(),
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            protocol_data: protocol.unwrap_or_default().to_owned(),
            members: self.members.values().map(|m| m.describe(protocol)).collect(),
            ..Default::default()
        }
    }
}
