//! ListGroups: the groups that this broker coordinates, by state and type (KIP-518, KIP-848;
//! `GroupMetadataManager.listGroups`).

use super::shard::Shard;
use crate::wire::list_groups::{ListGroupsRequest, ListedGroup};

impl Shard {
    pub(super) fn list<'a>(&'a self, request: &'a ListGroupsRequest) -> impl Iterator<Item = ListedGroup> + 'a {
        // Kafka trims the states as Java does, and not the types (`GroupMetadataManager.listGroups`).
        let state = |asked: &str, state: &str| asked.trim_matches(|c| c <= ' ').eq_ignore_ascii_case(state);
        let kind = |asked: &str, kind: &str| asked.eq_ignore_ascii_case(kind);
        self.groups.values().map(super::classic::ClassicGroup::listed).filter(move |group| {
            let (states, types) = (&request.states_filter, &request.types_filter);
            (states.is_empty() || states.iter().any(|asked| state(asked, &group.group_state)))
                && (types.is_empty() || types.iter().any(|asked| kind(asked, &group.group_type)))
        })
    }
}
