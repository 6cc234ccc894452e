//! Giving partitions up: a few of them, all of them, and the membership too.

use std::collections::BTreeMap;

use super::{Change, Leaving, Membership, Stage, Tag};
use crate::{
    client::links::Peer,
    id::TopicPartition,
    seam::Ctx,
    trace::EventKind,
    wire::leave_group::{LeaveGroupRequest, MemberIdentity},
};

impl Membership {
    /// The group goes on without this member. The application hears of it when it polls.
    pub(super) fn lose_all(&mut self) {
        self.stage = Stage::Unjoined;
        self.rejoin = true;
        self.prepared = false;
        self.had = (Vec::new(), -1);
        self.generation = -1;
        (self.join_answer, self.given) = (None, None);
        self.lost = true;
    }

    pub(super) fn give_up_all(&mut self, ctx: &mut Ctx<'_>, lost: bool) {
        let partitions: Vec<TopicPartition> = std::mem::take(&mut self.owned).into_iter().collect();
        self.give_up(ctx, partitions, lost);
    }

    pub(super) fn give_up(&mut self, ctx: &mut Ctx<'_>, partitions: Vec<TopicPartition>, lost: bool) {
        if partitions.is_empty() {
            return;
        }
        let (group, generation) = (&self.group_id, self.generation);
        ctx.out.trace(|| EventKind::PartitionsRevoked {
            group: group.clone(),
            generation,
            partitions: partitions.clone(),
            lost,
        });
        for partition in &partitions {
            self.unpositioned.remove(partition);
            self.committed.remove(partition);
        }
        self.changes.push(Change::Revoked(partitions));
    }

    /// Commits what it read and leaves, now that the application is done.
    pub(in crate::client) fn leave(&mut self) {
        if self.leaving == Leaving::No {
            self.leaving = Leaving::Asked;
            self.prepared = false;
            // Nobody to tell.
            if self.stage == Stage::Unjoined && (self.owned.is_empty() || self.lost) {
                self.leaving = Leaving::Done;
            }
        }
    }

    pub(super) fn say_goodbye(
        &mut self,
        ctx: &mut Ctx<'_>,
        coordinator: Peer,
        positions: &BTreeMap<TopicPartition, i64>,
    ) {
        if self.committing {
            return;
        }
        if self.commits_before_giving_up() && self.stage == Stage::Stable && !self.prepared {
            self.prepared = true;
            if self.commit(ctx, coordinator, positions) {
                return;
            }
        }
        self.give_up_all(ctx, false);
        let sent = self.send_leave(ctx, coordinator, "the consumer is being closed");
        self.leaving = if sent { Leaving::Sent } else { Leaving::Done };
    }

    /// Static members do not leave: they mean to come back (KIP-345).
    pub(super) fn send_leave(&mut self, ctx: &mut Ctx<'_>, coordinator: Peer, reason: &str) -> bool {
        let version = self.links.version::<LeaveGroupRequest>(coordinator, i16::MAX);
        let (Some(version), false, None) = (version, self.member_id.is_empty(), &self.config.group_instance_id) else {
            return false;
        };
        let mut request = LeaveGroupRequest { group_id: self.group_id.clone(), ..Default::default() };
        if version >= 3 {
            let reason = (version >= 5).then(|| reason.to_owned());
            request.members = vec![MemberIdentity { member_id: self.member_id.clone(), reason, ..Default::default() }];
        } else {
            request.member_id.clone_from(&self.member_id);
        }
        self.links.send(ctx, coordinator, version, &request, Tag::Leave);
        true
    }

    /// Whatever it was, or nothing: nobody waits for this member any more.
    pub(super) fn goodbye_answered(&mut self) {
        if self.leaving == Leaving::Sent {
            self.leaving = Leaving::Done;
        }
    }
}
