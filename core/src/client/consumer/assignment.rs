//! What the consumer reads: everything it was told to, or what its group gives it.

use std::collections::BTreeMap;

use super::{Consumer, application::Application, position::Position};
use crate::{
    client::group::{Change, Membership, OffsetCommitCounts, Poll},
    id::TopicPartition,
    seam::Ctx,
};

impl Consumer {
    /// Where the application is. Whoever closes a consumer has done with what it was given.
    pub(super) fn where_application_is(&self) -> Poll {
        match &self.application {
            Some(application) => Application::poll(application),
            None if self.polling || self.closing => Poll::Inside,
            None => Poll::Outside { since_ms: self.polled_ms },
        }
    }

    /// Takes all partitions of the wanted topics, as they become known.
    pub(super) fn assign(&mut self, now_ms: i64) {
        let config = &self.config;
        let all = config.topics.iter().flat_map(|name| {
            let count = self.metadata.topic(name).map_or(0, |t| t.partitions.len());
            (0..count as i32).map(move |p| TopicPartition::new(name, p))
        });
        for partition in all.chain(config.partitions.iter().cloned()) {
            let start = self.config.auto_offset_reset;
            self.positions.entry(partition).or_insert_with(|| Position::start(start, None, now_ms));
        }
    }

    /// Reads what the group says, or everything.
    pub(super) fn follow_group(&mut self, ctx: &mut Ctx<'_>) {
        let (positions, poll) = (self.positions(), self.where_application_is());
        let Some(membership) = &mut self.membership else { return self.assign(ctx.now.wall_ms) };
        if self.closing && poll == Poll::Inside {
            membership.leave();
        }
        membership.drive(ctx, &self.metadata, &positions, poll);
        let start = self.config.auto_offset_reset;
        for change in membership.take_changes() {
            match change {
                Change::Assigned(partition, committed) => {
                    self.positions.insert(partition, Position::start(start, committed, ctx.now.wall_ms));
                }
                // What was fetched of them and not handed out yet goes too: another member will read it.
                Change::Revoked(partitions) => self.positions.retain(|p, _| !partitions.contains(p)),
            }
        }
    }

    /// How far the application was given each partition. Only groups want to know.
    pub(super) fn positions(&self) -> BTreeMap<TopicPartition, i64> {
        let position = |(p, position): (&TopicPartition, &Position)| Some((p.clone(), position.position()?));
        if self.membership.is_some() { self.positions.iter().filter_map(position).collect() } else { BTreeMap::new() }
    }

    /// A partition without a position, and nobody who says where to begin, or a record that cannot be read: `poll()`
    /// throws, and a simulated application ends (`NoOffsetForPartitionException`, `OffsetOutOfRangeException`,
    /// `CorruptRecordException`).
    pub(super) fn fail_if_lost(&mut self, ctx: &mut Ctx<'_>) {
        if self.where_application_is() != Poll::Inside || self.failed.is_some() {
            return;
        }
        let lost = self.positions.iter().find(|(_, p)| p.is_lost()).map(|(partition, _)| {
            format!("there is no offset to read {partition} from, and auto.offset.reset is none")
        });
        // A driver asks for itself, and may seek.
        let unreadable = if self.application.is_some() { self.unreadable() } else { None };
        if let Some(why) = lost.or(unreadable) {
            self.failed = Some(why);
            self.closing = true;
            self.follow_group(ctx);
        }
    }

    /// It was asked to end and has said goodbye to its group.
    pub fn is_closed(&self) -> bool {
        let done = self.where_application_is() == Poll::Inside;
        self.closing && done && self.membership.as_ref().is_none_or(Membership::has_left)
    }

    /// Its place in a group, for the checkers: group, generation of the assignment, member or instance id and what it may read.
    pub fn ownership(&self) -> Option<(&str, i32, &str, Vec<&TopicPartition>)> {
        let m = self.membership.as_ref()?;
        let (member_id, generation, owned) = m.owned();
        Some((m.group_id(), generation, member_id, owned.collect()))
    }

    /// Its offset commits, for the checkers.
    pub fn offset_commits(&self) -> OffsetCommitCounts {
        self.membership.as_ref().map_or_else(Default::default, Membership::offset_commits)
    }
}
