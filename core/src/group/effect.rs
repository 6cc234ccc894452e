//! What the coordinator wants done: answers to send, records to append and how to go on when they are safe.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::record::GroupRecord;
use crate::{
    broker::Reply,
    id::EventId,
    wire::{
        delete_groups::{DeletableGroupResult, DeleteGroupsResponse},
        error::ErrorCode,
        heartbeat::HeartbeatResponse,
        join_group::JoinGroupResponse,
        leave_group::LeaveGroupResponse,
        offset_commit::OffsetCommitResponse,
        offset_delete::OffsetDeleteResponse,
        offset_fetch::{OffsetFetchResponse, OffsetFetchResponseGroup},
        sync_group::SyncGroupResponse,
    },
};

#[derive(Clone, Debug)]
pub enum Effect {
    Answer(Reply, Answer),
    Append {
        partition: i32,
        records: Vec<GroupRecord>,
        then: Then,
        cause: Option<EventId>,
    },
    /// A part of an answer about several groups is there.
    Gathered(u64, Part),
}

/// A whole answer, by its API.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Join(JoinGroupResponse),
    Sync(SyncGroupResponse),
    Heartbeat(HeartbeatResponse),
    Leave(LeaveGroupResponse),
    OffsetCommit(OffsetCommitResponse),
    OffsetFetch(OffsetFetchResponse),
    OffsetDelete(OffsetDeleteResponse),
    DeleteGroups(DeleteGroupsResponse),
}

/// How to go on when records are on every in-sync replica, or cannot be.
#[derive(Clone, Debug)]
pub enum Then {
    /// Nobody waits.
    Nothing,
    /// The answer; if the write failed, the same answer with an error everywhere.
    Answer(Reply, Answer),
    /// A join made a group: if the write fails it never was.
    NewGroup { group: String },
    /// The leader's assignment: members may have it now.
    Assignment { group: String, generation: i32, assignments: BTreeMap<String, Bytes> },
    /// A static member came back under a new id without a rebalance (KIP-345).
    StaticRejoin(Box<StaticRejoin>),
    /// One part of an answer that is collected from several groups.
    Part { gather: u64, part: Part },
}

#[derive(Clone, Debug)]
pub struct StaticRejoin {
    pub group: String,
    pub instance_id: String,
    pub old_member_id: String,
    pub new_member_id: String,
    pub old_leader: Option<String>,
    pub old_protocols: Vec<(String, Bytes)>,
    pub old_rebalance_timeout_ms: i32,
    pub old_session_timeout_ms: i32,
}

/// A group's part in an answer about several.
#[derive(Clone, Debug)]
pub enum Part {
    Deleted(Vec<DeletableGroupResult>),
    Fetched(OffsetFetchResponseGroup),
}

macro_rules! answers {
    ($($variant:ident($response:ident);)*) => {
        $(impl From<$response> for Answer {
            fn from(response: $response) -> Self {
                Self::$variant(response)
            }
        })*
    };
}

answers! {
    Join(JoinGroupResponse);
    Sync(SyncGroupResponse);
    Heartbeat(HeartbeatResponse);
    Leave(LeaveGroupResponse);
    OffsetCommit(OffsetCommitResponse);
    OffsetFetch(OffsetFetchResponse);
    OffsetDelete(OffsetDeleteResponse);
    DeleteGroups(DeleteGroupsResponse);
}

impl Answer {
    /// The answer to the same request after its write failed.
    pub fn with_error(self, error: ErrorCode) -> Self {
        let error_code = error.code();
        match self {
            Self::Join(_) => JoinGroupResponse { error_code, ..Default::default() }.into(),
            Self::Sync(_) => SyncGroupResponse { error_code, ..Default::default() }.into(),
            Self::Heartbeat(_) => HeartbeatResponse { error_code, ..Default::default() }.into(),
            Self::Leave(_) => LeaveGroupResponse { error_code, ..Default::default() }.into(),
            Self::OffsetCommit(mut response) => {
                for part in response.topics.iter_mut().flat_map(|t| &mut t.partitions) {
                    // What was refused for its own reasons keeps them.
                    if part.error_code == 0 {
                        part.error_code = error_code;
                    }
                }
                response.into()
            }
            Self::OffsetFetch(mut response) => {
                response.error_code = error_code;
                response.into()
            }
            Self::OffsetDelete(_) => OffsetDeleteResponse { error_code, ..Default::default() }.into(),
            Self::DeleteGroups(mut response) => {
                response.results.iter_mut().for_each(|r| r.error_code = error_code);
                response.into()
            }
        }
    }
}

impl Part {
    pub fn with_error(self, error: ErrorCode) -> Self {
        match self {
            Self::Deleted(mut results) => {
                results.iter_mut().for_each(|r| r.error_code = error.code());
                Self::Deleted(results)
            }
            Self::Fetched(group) => Self::Fetched(OffsetFetchResponseGroup {
                group_id: group.group_id,
                error_code: error.code(),
                ..Default::default()
            }),
        }
    }
}
