//! Offset commits: how far the application has come, by itself every so often, when it says so, and before partitions are
//! given up (`ConsumerCoordinator`).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Membership, Stage, Tag, offsets::BY_NAME};
use crate::{
    client::links::Peer,
    id::TopicPartition,
    seam::Ctx,
    wire::{
        error::ErrorCode,
        frame,
        offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic},
    },
};

/// An offset commit that the application asked for.
#[derive(Clone, Debug)]
pub(super) struct ByHand {
    offsets: BTreeMap<TopicPartition, i64>,
    /// It waits for the answer until then.
    sync_until_ms: Option<u64>,
    sent: bool,
}

impl Membership {
    /// `commitSync` or `commitAsync`. Only the first is tried again, and waited for, until `default.api.timeout.ms` have
    /// passed (`ConsumerCoordinator.commitOffsetsSync`).
    pub(in crate::client) fn commit_by_hand(
        &mut self,
        ctx: &Ctx<'_>,
        offsets: BTreeMap<TopicPartition, i64>,
        sync: bool,
    ) {
        let sync_until_ms = sync.then_some(ctx.ms() + self.config.default_api_timeout_ms);
        self.by_hand = Some(ByHand { offsets, sync_until_ms, sent: false });
    }

    pub(in crate::client) fn waits_for_commit(&self) -> bool {
        self.gives_up_commit_ms().is_some()
    }

    /// When the `commitSync` that is waited for ends without success.
    pub(super) fn gives_up_commit_ms(&self) -> Option<u64> {
        self.by_hand.as_ref()?.sync_until_ms
    }

    /// Whether what was sent arrives after all stays open (`TimeoutException`).
    pub(super) fn give_up_commit(&mut self, ctx: &Ctx<'_>) {
        if self.gives_up_commit_ms().is_some_and(|until_ms| until_ms <= ctx.ms()) {
            self.by_hand = None;
            self.last_error = Some("an offset commit failed: default.api.timeout.ms have passed".into());
        }
    }

    /// Sends what the application wants committed, unless the group has gone on: then its offsets are not its own to
    /// commit (`CommitFailedException`, `RebalanceInProgressException`).
    pub(super) fn send_by_hand(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer) {
        if self.committing || self.not_before_ms > ctx.ms() {
            return;
        }
        let Some(by_hand) = &mut self.by_hand else { return };
        if self.stage != Stage::Stable {
            self.by_hand = None;
            self.last_error = Some("an offset commit failed: the group has gone on".into());
            return;
        }
        by_hand.sent = true;
        let (offsets, sync) = (by_hand.offsets.clone(), by_hand.sync_until_ms.is_some());
        if !self.commit(ctx, coordinator, &offsets) || !sync {
            self.by_hand = None;
        }
    }

    /// `enable.auto.commit`, while there is a generation to do it in.
    pub(super) fn commits_by_itself(&self) -> bool {
        self.config.enable_auto_commit && self.stage == Stage::Stable
    }

    /// In its listener, `onPartitionsRevoked`.
    pub(super) fn commits_on_revoke(&self) -> bool {
        !self.config.enable_auto_commit && self.config.application.as_ref().is_some_and(|a| a.commits.on_revoke())
    }

    pub(super) fn commits_before_giving_up(&self) -> bool {
        self.config.enable_auto_commit || self.commits_on_revoke()
    }

    /// Commits what was read of the partitions it owns. `false`: there is nothing new to commit.
    pub(super) fn commit(
        &mut self,
        ctx: &mut Ctx<'_>,
        coordinator: Peer,
        positions: &BTreeMap<TopicPartition, i64>,
    ) -> bool {
        let mine = |(p, _): &(&TopicPartition, &i64)| self.owned.contains(*p) && !self.unpositioned.contains(*p);
        let new = |(p, offset): &(&TopicPartition, &i64)| self.committed.get(*p) != Some(*offset);
        let offsets: BTreeMap<TopicPartition, i64> =
            positions.iter().filter(mine).filter(new).map(|(p, &o)| (p.clone(), o)).collect();
        let version = self.links.version::<OffsetCommitRequest>(coordinator, BY_NAME);
        let (Some(version), false, false) = (version, offsets.is_empty(), self.committing) else { return false };
        let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
        for (partition, &committed_offset) in &offsets {
            let part = OffsetCommitRequestPartition {
                partition_index: partition.partition,
                committed_offset,
                committed_leader_epoch: -1,
                committed_metadata: Some(String::new()),
            };
            match topics.iter_mut().find(|t| t.name == partition.topic) {
                Some(topic) => topic.partitions.push(part),
                None => topics.push(OffsetCommitRequestTopic {
                    name: partition.topic.clone(),
                    partitions: vec![part],
                    ..Default::default()
                }),
            }
        }
        let request = OffsetCommitRequest {
            group_id: self.group_id.clone(),
            generation_id_or_member_epoch: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.config.group_instance_id.clone().filter(|_| version >= 7),
            retention_time_ms: -1,
            topics,
        };
        self.committing = true;
        self.commits.sent += 1;
        self.commits.generation = self.generation;
        self.links.send(ctx, coordinator, version, &request, Tag::Commit(offsets));
        true
    }

    pub(super) fn commit_answered(
        &mut self,
        ctx: &mut Ctx<'_>,
        offsets: &BTreeMap<TopicPartition, i64>,
        version: i16,
        bytes: &Bytes,
    ) {
        self.committing = false;
        let Ok((_, response)) = frame::parse_response::<OffsetCommitRequest>(version, bytes) else { return };
        let mut refused = None;
        for topic in &response.topics {
            for part in &topic.partitions {
                let partition = TopicPartition::new(topic.name.as_str(), part.partition_index);
                match (ErrorCode::from_code(part.error_code), offsets.get(&partition)) {
                    (ErrorCode::None, Some(&offset)) if self.owned.contains(&partition) => {
                        self.committed.insert(partition, offset);
                    }
                    (ErrorCode::None, _) => {}
                    (error, _) => refused = Some(error),
                }
            }
        }
        if refused.is_none() {
            self.commits.accepted = self.commits.sent;
        }
        if self.by_hand.as_ref().is_some_and(|by_hand| by_hand.sent) && !refused.is_some_and(is_retriable) {
            self.by_hand = None;
        }
        if let Some(error) = refused
            && self.stage == Stage::Stable
        {
            self.refused(ctx, error);
        }
    }
}

/// `commitSync` sends it again.
fn is_retriable(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::CoordinatorNotAvailable
            | ErrorCode::NotCoordinator
            | ErrorCode::CoordinatorLoadInProgress
            | ErrorCode::RequestTimedOut
    )
}
