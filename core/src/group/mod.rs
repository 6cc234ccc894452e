//! Consumer groups, the classic protocol: who is a member, who reads which partition, and how far each group has read
//! (Kafka: `GroupCoordinatorService`, `GroupMetadataManager`, `OffsetMetadataManager`).
//!
//! A broker coordinates the groups whose partition of `__consumer_offsets` it leads. The coordinator here touches
//! neither log nor connection. It answers with [`Effect`]s: records to append, and answers to send. The broker appends,
//! and says when every in-sync replica has the records; only then does anybody hear of what they hold.

// Where a group lives, and what it leaves in the log.
pub mod placement;
pub mod record;

// One group: its members, its states, its timers.
pub mod member;
pub mod timers;

pub mod classic;

mod rebalance;

// One file per API that a group answers.
mod heartbeat;
mod join;
mod leave;
mod sync;

// All groups of one partition, and their offsets.
pub mod offsets;
pub mod shard;

mod delete_groups;
mod describe_groups;
mod expire;
mod list_groups;
mod load;
mod offset_commit;
mod offset_delete;
mod offset_fetch;

// All of them.
pub mod coordinator;
pub mod effect;
mod requests;
pub mod several;
mod view;

#[cfg(test)]
mod tests;

pub use self::{
    coordinator::GroupCoordinator,
    effect::{Answer, Effect, Part, Then},
};

use crate::{
    broker::Reply,
    config::NodeConfig,
    seam::{Ctx, Time},
    wire::error::ErrorCode,
};

/// The topic that coordinators keep their state in.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// The member id of who has none yet.
pub const UNKNOWN_MEMBER_ID: &str = "";

/// A group's client as its broker knows it: what goes into the list of members.
#[derive(Clone, Debug)]
pub struct Caller {
    pub reply: Reply,
    /// Address without a port, as Kafka prints it: `/127.0.0.1`.
    pub host: String,
}

/// What every step of a group may use.
pub(crate) struct Env<'a, 'c> {
    pub ctx: &'a mut Ctx<'c>,
    pub config: &'a NodeConfig,
    pub rng: &'a mut fastrand::Rng,
    pub timers: &'a mut timers::Timers,
    pub effects: &'a mut Vec<Effect>,
    /// Partition of `__consumer_offsets`.
    pub partition: i32,
}

impl Env<'_, '_> {
    pub fn now(&self) -> Time {
        self.ctx.now.mono
    }

    /// Answers at once.
    pub fn answer(&mut self, mut reply: Reply, answer: impl Into<Answer>) {
        reply.cause = self.ctx.out.cause();
        self.effects.push(Effect::Answer(reply, answer.into()));
    }

    /// Appends records, and goes on with `then` when they are safe. Without records it goes on when all that was
    /// appended before is safe, so that nobody hears of what may yet be lost (`CoordinatorRuntime`).
    pub fn append(&mut self, records: Vec<record::GroupRecord>, then: Then) {
        let cause = self.ctx.out.cause();
        self.effects.push(Effect::Append { partition: self.partition, records, then, cause });
    }

    /// A fresh member id (`ClassicGroup.generateMemberId`).
    pub fn member_id(&mut self, prefix: &str) -> String {
        let mut bytes = [0_u8; 16];
        self.rng.fill(&mut bytes);
        (bytes[6], bytes[8]) = ((bytes[6] & 0x0f) | 0x40, (bytes[8] & 0x3f) | 0x80);
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        format!("{prefix}-{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// What clients are told when a write of the coordinator failed: the errors of produce mean nothing to them
/// (`CoordinatorOperationExceptionHelper`).
pub fn client_error(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::UnknownTopicOrPartition
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::NotEnoughReplicasAfterAppend
        | ErrorCode::RequestTimedOut => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge | ErrorCode::InvalidFetchSize => {
            ErrorCode::UnknownServerError
        }
        other => other,
    }
}
