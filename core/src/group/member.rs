//! One member of a group (`ClassicGroupMember`).

use bytes::Bytes;

use crate::{
    broker::Reply,
    wire::{
        describe_groups::DescribedGroupMember, group_records::MemberMetadata, join_group::JoinGroupRequestProtocol,
    },
};

#[derive(Clone, Debug)]
pub struct Member {
    pub id: String,
    /// `group.instance.id` of a static member (KIP-345).
    pub instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub rebalance_timeout_ms: i32,
    pub session_timeout_ms: i32,
    /// How it can share partitions out, the one it likes best first, each with its own metadata.
    pub protocols: Vec<(String, Bytes)>,
    pub assignment: Bytes,
    /// Its JoinGroup, parked until the join phase ends.
    pub awaiting_join: Option<Reply>,
    /// It came to the join phase, which failed with its JoinGroup: it was told so, and counts as there.
    pub joined_in_vain: bool,
    /// Its SyncGroup, parked until the assignment is stored.
    pub awaiting_sync: Option<Reply>,
    /// It has not been through a join phase yet; then no heartbeat is expected and its parked join does not count as one.
    pub is_new: bool,
}

impl Member {
    pub fn is_static(&self) -> bool {
        self.instance_id.is_some()
    }

    pub fn is_awaiting_join(&self) -> bool {
        self.awaiting_join.is_some() || self.joined_in_vain
    }

    /// Whoever waits for us need not send heartbeats.
    pub fn has_satisfied_heartbeat(&self) -> bool {
        !self.is_new && (self.is_awaiting_join() || self.awaiting_sync.is_some())
    }

    /// Same protocols in the same order with the same metadata: nothing to rebalance for.
    pub fn matches(&self, protocols: &[JoinGroupRequestProtocol]) -> bool {
        self.protocols.len() == protocols.len()
            && self.protocols.iter().zip(protocols).all(|((name, data), p)| *name == p.name && *data == p.metadata)
    }

    /// Its metadata under that protocol.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols.iter().find(|(name, _)| name == protocol).map(|(_, data)| data.clone()).unwrap_or_default()
    }

    /// The first of its protocols that everybody supports.
    pub fn vote<'a>(&self, candidates: &[&'a str]) -> Option<&'a str> {
        self.protocols.iter().find_map(|(name, _)| candidates.iter().find(|c| **c == name).copied())
    }

    pub fn describe(&self, protocol: Option<&str>) -> DescribedGroupMember {
        DescribedGroupMember {
            member_id: self.id.clone(),
            group_instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            member_metadata: protocol.map(|p| self.metadata(p)).unwrap_or_default(),
            member_assignment: self.assignment.clone(),
        }
    }

    /// As the group's record has it.
    pub fn to_record(&self, protocol: &str, assignment: Bytes) -> MemberMetadata {
        MemberMetadata {
            member_id: self.id.clone(),
            group_instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            rebalance_timeout: self.rebalance_timeout_ms,
            session_timeout: self.session_timeout_ms,
            subscription: self.metadata(protocol),
            assignment,
        }
    }

    pub fn from_record(record: &MemberMetadata, protocol: &str) -> Self {
        // Version 0 of the record had no timeout for rebalances.
        let rebalance_timeout_ms =
            if record.rebalance_timeout == -1 { record.session_timeout } else { record.rebalance_timeout };
        Self {
            id: record.member_id.clone(),
            instance_id: record.group_instance_id.clone(),
            client_id: record.client_id.clone(),
            client_host: record.client_host.clone(),
            rebalance_timeout_ms,
            session_timeout_ms: record.session_timeout,
            protocols: vec![(protocol.to_owned(), record.subscription.clone())],
            assignment: record.assignment.clone(),
            awaiting_join: None,
            joined_in_vain: false,
            awaiting_sync: None,
            is_new: false,
        }
    }
}
