//! From one generation to the next, as a member lives it: commit, give up (all, or later what moves), join, share out if
//! it leads, sync, take what it was given (KIP-429 for the cooperative way).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Membership, Stage, Tag};
use crate::{
    assign::{self, Assignor},
    client::{links::Peer, metadata::Metadata},
    id::TopicPartition,
    seam::Ctx,
    trace::EventKind,
    wire::{
        consumer_protocol::{self, ConsumerProtocolAssignment, ConsumerProtocolSubscription},
        error::ErrorCode,
        frame,
        join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse},
        sync_group::{SyncGroupRequest, SyncGroupRequestAssignment},
    },
};

/// A join may be parked for as long as the slowest member takes, and a little longer.
const JOIN_GRACE_MS: u64 = 5000;

impl Membership {
    /// All assignors must be, or the group rebalances eagerly (`ConsumerCoordinator`).
    fn is_cooperative(&self) -> bool {
        self.config.partition_assignment_strategy.iter().all(|a| a.is_cooperative())
    }

    pub(super) fn join_again(
        &mut self,
        ctx: &mut Ctx<'_>,
        coordinator: Peer,
        positions: &BTreeMap<TopicPartition, i64>,
    ) {
        if self.committing || self.heartbeat_sent || self.fetching_offsets || self.not_before_ms > ctx.ms() {
            return;
        }
        let commits_first = self.config.enable_auto_commit || self.commits_before_giving_up() && !self.is_cooperative();
        if commits_first && self.stage == Stage::Stable && !self.prepared {
            self.prepared = true;
            if self.commit(ctx, coordinator, positions) {
                return;
            }
        }
        let Some(version) = self.links.version::<JoinGroupRequest>(coordinator, i16::MAX) else { return };
        if !self.is_cooperative() && !self.owned.is_empty() {
            self.had = (self.owned.iter().cloned().collect(), self.generation);
            self.give_up_all(ctx, false);
        }
        let (had, generation) = if self.is_cooperative() {
            (self.owned.iter().cloned().collect(), self.generation)
        } else {
            self.had.clone()
        };
        let protocol = |assignor: &Assignor| {
            // An eager member owns nothing while it joins; only the sticky assignor hears what it had.
            let eager = !self.is_cooperative() && *assignor != Assignor::Sticky;
            let owned: &[TopicPartition] = if eager { &[] } else { &had };
            let subscription = assignor.subscription(&self.config.topics, owned, generation);
            JoinGroupRequestProtocol {
                name: assignor.name().to_owned(),
                metadata: consumer_protocol::encode(&subscription),
            }
        };
        let request = JoinGroupRequest {
            group_id: self.group_id.clone(),
            session_timeout_ms: self.config.session_timeout_ms as i32,
            rebalance_timeout_ms: self.config.max_poll_interval_ms as i32,
            member_id: self.member_id.clone(),
            group_instance_id: self.config.group_instance_id.clone(),
            protocol_type: "consumer".to_owned(),
            protocols: self.config.partition_assignment_strategy.iter().map(protocol).collect(),
            ..Default::default()
        };
        self.stage = Stage::Joining;
        (self.rejoin, self.prepared) = (false, false);
        let patience_ms = self.config.max_poll_interval_ms + JOIN_GRACE_MS;
        self.links.send_patiently(ctx, coordinator, version, &request, Tag::Join, patience_ms);
    }

    pub(super) fn joined(&mut self, ctx: &mut Ctx<'_>, version: i16, bytes: &Bytes, metadata: &Metadata) {
        if self.stage != Stage::Joining {
            return;
        }
        self.stage = Stage::Unjoined;
        self.rejoin = true;
        let Ok((_, response)) = frame::parse_response::<JoinGroupRequest>(version, bytes) else {
            return self.try_later(ctx, ErrorCode::UnknownServerError);
        };
        match ErrorCode::from_code(response.error_code) {
            ErrorCode::None => self.enter(ctx, response, metadata),
            ErrorCode::MemberIdRequired => self.member_id = response.member_id,
            // Its owned partitions are of no generation that counts any more.
            ErrorCode::UnknownMemberId => {
                self.member_id.clear();
                self.lose_all();
            }
            error => self.refused(ctx, error),
        }
    }

    fn enter(&mut self, ctx: &mut Ctx<'_>, response: JoinGroupResponse, metadata: &Metadata) {
        let Some(coordinator) = self.coordinator else { return };
        self.failures = 0;
        self.member_id.clone_from(&response.member_id);
        self.generation = response.generation_id;
        self.assignor = response.protocol_name.as_deref().and_then(Assignor::parse);
        let leads = response.leader == response.member_id;
        self.shared_out = None;
        let assignments = match self.assignor {
            Some(assignor) if leads && !response.skip_assignment => self.share_out(assignor, &response, metadata),
            _ => Vec::new(),
        };
        let Some(version) = self.links.version::<SyncGroupRequest>(coordinator, i16::MAX) else { return };
        let request = SyncGroupRequest {
            group_id: self.group_id.clone(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.config.group_instance_id.clone(),
            protocol_type: Some("consumer".to_owned()),
            protocol_name: response.protocol_name,
            assignments,
        };
        self.stage = Stage::Syncing;
        self.rejoin = false;
        let patience_ms = self.config.max_poll_interval_ms + JOIN_GRACE_MS;
        self.links.send_patiently(ctx, coordinator, version, &request, Tag::Sync, patience_ms);
    }

    /// The leader decides who reads what.
    fn share_out(
        &mut self,
        assignor: Assignor,
        response: &JoinGroupResponse,
        metadata: &Metadata,
    ) -> Vec<SyncGroupRequestAssignment> {
        let member = |m: &crate::wire::join_group::JoinGroupResponseMember| {
            // A subscription that cannot be read is one to nothing.
            let subscription: ConsumerProtocolSubscription = consumer_protocol::decode(&m.metadata).unwrap_or_default();
            assignor.member(&m.member_id, m.group_instance_id.as_deref(), &subscription)
        };
        let members: Vec<assign::Member> = response.members.iter().map(member).collect();
        let topics = counts(members.iter().flat_map(|m| &m.topics), metadata);
        let assignment = assignor.assign(&topics, &members);
        self.shared_out = Some(topics);
        assignment
            .into_iter()
            .map(|(member_id, partitions)| {
                let assigned_partitions = assign::by_topic(&partitions);
                let message = ConsumerProtocolAssignment { assigned_partitions, user_data: None };
                SyncGroupRequestAssignment { member_id, assignment: consumer_protocol::encode(&message) }
            })
            .collect()
    }

    /// A leader that sees more partitions than it shared out lets the group rebalance.
    pub(super) fn share_out_again(&mut self, metadata: &Metadata) {
        let Some(shared_out) = &self.shared_out else { return };
        let now = counts(shared_out.keys().chain(&self.config.topics), metadata);
        if self.stage == Stage::Stable && now != *shared_out {
            self.rejoin = true;
        }
    }

    pub(super) fn synced(&mut self, ctx: &mut Ctx<'_>, version: i16, bytes: &Bytes) {
        if self.stage != Stage::Syncing {
            return;
        }
        self.stage = Stage::Unjoined;
        self.rejoin = true;
        let Ok((_, response)) = frame::parse_response::<SyncGroupRequest>(version, bytes) else {
            return self.try_later(ctx, ErrorCode::UnknownServerError);
        };
        match ErrorCode::from_code(response.error_code) {
            ErrorCode::None => self.take(ctx, &response.assignment),
            ErrorCode::RebalanceInProgress => {}
            error => self.refused(ctx, error),
        }
    }

    fn take(&mut self, ctx: &mut Ctx<'_>, assignment: &Bytes) {
        // No assignment at all is one of nothing.
        let message: ConsumerProtocolAssignment = consumer_protocol::decode(assignment).unwrap_or_default();
        self.given = Some(assign::flat(&message.assigned_partitions).into_iter().collect());
        self.stage = Stage::Stable;
        self.last_error = None;
        (self.rejoin, self.prepared) = (false, false);
        self.next_heartbeat_ms = ctx.ms() + self.config.heartbeat_interval_ms;
    }

    /// In `poll()` the application hears what it reads from now on. Before it gives anything up it may commit how far it
    /// came, in the new generation (`ConsumerCoordinator.onJoinComplete`).
    pub(super) fn take_assignment(&mut self, ctx: &mut Ctx<'_>, positions: &BTreeMap<TopicPartition, i64>) {
        let Some(given) = &self.given else { return };
        let revoked: Vec<TopicPartition> = self.owned.difference(given).cloned().collect();
        if !revoked.is_empty() && self.commits_on_revoke() && !self.prepared {
            self.prepared = true;
            if let Some(coordinator) = self.coordinator {
                self.commit(ctx, coordinator, positions);
            }
        }
        if self.committing {
            return;
        }
        let given = self.given.take().expect("looked at above");
        self.prepared = false;
        let added: Vec<TopicPartition> = given.difference(&self.owned).cloned().collect();
        let (group, generation) = (&self.group_id, self.generation);
        let (member, partitions) = (&self.member_id, &given);
        ctx.out.trace(|| EventKind::PartitionsAssigned {
            group: group.clone(),
            generation,
            member: member.clone(),
            partitions: partitions.iter().cloned().collect(),
        });
        self.owned = given;
        self.owned_as = (self.member_id.clone(), self.generation);
        self.unpositioned.extend(added);
        if !revoked.is_empty() {
            // Cooperative: now that it is given up, the next rebalance gives it to somebody.
            self.give_up(ctx, revoked, false);
            self.rejoin = true;
        }
    }
}

fn counts<'a>(topics: impl Iterator<Item = &'a String>, metadata: &Metadata) -> BTreeMap<String, i32> {
    topics.filter_map(|t| Some((t.clone(), metadata.topic(t)?.partitions.len() as i32))).collect()
}
