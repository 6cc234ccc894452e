//! ListGroups: the groups that this broker coordinates, by state and type (KIP-518, KIP-848;
//! `GroupMetadataManager.listGroups`).

use super::shard::Shard;
use crate::wire::list_groups::{ListGroupsRequest, ListedGroup};

impl Shard {
    pub(super) fn list<'a>(&'a self, request: &'a ListGroupsRequest) -> impl Iterator<Item = ListedGroup> + 'a {
        let among = |list: &[String], word: &str| list.is_empty() || list.iter().any(|w| w.eq_ignore_ascii_case(word));
        self.groups.values().map(super::classic::ClassicGroup::listed).filter(move |group| {
            among(&request.states_filter, &group.group_state) && among(&request.types_filter, &group.group_type)
        })
    }
}
