//! What every API of the active controller has in common: it decides from the state, and can be refused.

use super::{heartbeat::Sessions, index::Index, write::Batch};
use crate::{
    authorize::{Operation, Resource, authorize},
    config::NodeConfig,
    id::{EventId, NodeId},
    metadata::{
        configs,
        image::{MetadataImage, TopicImage},
        loggers::Loggers,
        registration::BrokerRegistration,
    },
    seam::Time,
    wire::{api::Request, error::ErrorCode},
};

/// What a decision is made from: everything committed, and what this leader has written since.
pub(super) struct State<'a> {
    pub config: &'a NodeConfig,
    pub image: &'a MetadataImage,
    pub index: &'a Index,
    pub sessions: &'a mut Sessions,
    pub rng: &'a mut fastrand::Rng,
    pub now: Time,
    /// Where the batch of this decision will begin.
    pub next_offset: i64,
    /// The event that brought the request.
    pub cause: Option<EventId>,
    pub principal: &'a str,
    pub loggers: &'a mut Loggers,
}

/// The records to write, and the answer to give once they are committed.
pub(super) struct Decision<T> {
    pub batch: Batch,
    pub response: T,
}

impl<T> From<T> for Decision<T> {
    fn from(response: T) -> Self {
        Self { batch: Batch::default(), response }
    }
}

/// A request that only the active controller can answer.
pub(super) trait Command: Request {
    /// Users ask for it: it is written as one batch or, when that would be too large, not at all. What brokers ask for is
    /// never too large, since the cluster could not go on without it (Kafka: `QuorumController.MAX_RECORDS_PER_USER_OP`).
    const OF_USERS: bool = true;

    /// Changes nothing but sessions: the records do the rest when they are applied.
    fn decide(&self, version: i16, state: &mut State<'_>) -> Decision<Self::Response>;

    /// Until then it must be decided. What only brokers send has no such field.
    fn timeout_ms(&self) -> i32 {
        i32::MAX
    }

    /// The answer when there is no decision, with the same error for all that was asked.
    fn refuse(&self, error: ErrorCode) -> Self::Response;
}

/// An error for one element of a request.
pub(super) type ApiError = (ErrorCode, Option<String>);

pub(super) fn error<T>(code: ErrorCode, message: impl Into<String>) -> Result<T, ApiError> {
    Err((code, Some(message.into())))
}

impl State<'_> {
    pub(super) fn authorize(&self, operation: Operation, resource: Resource<'_>) -> bool {
        authorize(self.principal, operation, resource)
    }

    /// The request must come from the current incarnation of the broker (Kafka: `ClusterControlManager.checkBrokerEpoch`).
    pub(super) fn check_broker_epoch(&self, id: NodeId, epoch: i64) -> Result<&BrokerRegistration, ErrorCode> {
        self.image.broker(id).filter(|broker| broker.epoch == epoch).ok_or(ErrorCode::StaleBrokerEpoch)
    }

    /// Never more than the first partition has replicas (Kafka: `ReplicationControlManager.getTopicEffectiveMinIsr`).
    pub(super) fn effective_min_isr(&self, topic: &TopicImage) -> usize {
        let min_isr = self.image.min_insync_replicas(&topic.name, self.config);
        let replicas = topic.partitions.get(&0).map_or(usize::MAX, |p| p.replicas.len());
        usize::try_from(min_isr).unwrap_or(1).min(replicas)
    }

    pub(super) fn elr_enabled(&self) -> bool {
        self.image.feature_level(configs::ELR_VERSION) > 0
    }
}
