//! New partitions: how many at once, on which brokers, who is in sync at the start
//! (Kafka: `ReplicationControlManager.buildPartitionRegistration`, `validateManualPartitionAssignment`).

use std::collections::BTreeSet;

use super::api::{ApiError, State, error};
use crate::{
    id::{NodeId, Uuid},
    metadata::{
        image::MetadataImage,
        registration::{PartitionRegistration, RECOVERED, nodes},
    },
    wire::error::ErrorCode,
};

pub(super) const DUPLICATE_NAME: &str = "Duplicate topic name.";

pub(super) fn all_fenced(factor: usize) -> ApiError {
    let why = "All brokers are currently fenced or in controlled shutdown.";
    let message = format!("Unable to replicate the partition {factor} time(s): {why}");
    (ErrorCode::InvalidReplicationFactor, Some(message))
}

/// The directory of a new replica. With several the broker would choose and report (KIP-858); brokers of the lab have one.
pub(super) fn default_dir(image: &MetadataImage, broker: NodeId) -> Uuid {
    match image.broker(broker).map(|b| b.log_dirs.as_slice()) {
        Some([only]) => *only,
        _ => Uuid::ZERO,
    }
}

/// Brokers that are registered, each once (Kafka: `ReplicationControlManager.validateManualPartitionAssignment`).
pub(super) fn check_assignment(brokers: &[i32], state: &State<'_>) -> Result<(), ApiError> {
    let refuse = |message: String| error(ErrorCode::InvalidReplicaAssignment, message);
    if brokers.is_empty() {
        return refuse("The manual partition assignment includes an empty replica list.".into());
    }
    let mut sorted = brokers.to_vec();
    sorted.sort_unstable();
    for (i, &broker) in sorted.iter().enumerate() {
        if state.image.broker(NodeId(broker)).is_none() {
            return refuse(format!(
                "The manual partition assignment includes broker {broker}, but no such broker is registered."
            ));
        }
        if i > 0 && sorted[i - 1] == broker {
            return refuse(format!("The manual partition assignment includes the broker {broker} more than once."));
        }
    }
    Ok(())
}

/// The same for a new partition, of which at least one broker must be alive.
pub(super) fn assigned_partition(
    id: i32,
    brokers: &[i32],
    factor: Option<usize>,
    state: &State<'_>,
) -> Result<PartitionRegistration, ApiError> {
    let refuse = |message: String| error(ErrorCode::InvalidReplicaAssignment, message);
    check_assignment(brokers, state)?;
    if let Some(factor) = factor.filter(|&f| f != brokers.len()) {
        return refuse(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with \
             previous partitions, which have {factor} replica(s).",
            brokers.len()
        ));
    }
    new_partition(nodes(brokers), state).map_or_else(
        || {
            refuse(format!(
                "All brokers specified in the manual partition assignment for partition {id} are fenced or in \
                 controlled shutdown."
            ))
        },
        Ok,
    )
}

/// All live replicas are in sync, since the log is empty. `None`: none is alive.
pub(super) fn new_partition(replicas: Vec<NodeId>, state: &State<'_>) -> Option<PartitionRegistration> {
    let isr: Vec<NodeId> = replicas.iter().copied().filter(|&r| state.image.is_active(r)).collect();
    let leader = isr.first()?.0;
    Some(PartitionRegistration {
        directories: replicas.iter().map(|&r| default_dir(state.image, r)).collect(),
        replicas,
        isr,
        elr: Vec::new(),
        last_known_elr: Vec::new(),
        removing_replicas: Vec::new(),
        adding_replicas: Vec::new(),
        leader,
        leader_recovery_state: RECOVERED,
        leader_epoch: 0,
        partition_epoch: 0,
    })
}

/// Those that stand in the list more than once.
pub(super) fn repeated<'a, T: Ord + Copy + 'a>(items: impl IntoIterator<Item = &'a T>) -> BTreeSet<T> {
    let mut seen = BTreeSet::new();
    items.into_iter().copied().filter(|item| !seen.insert(*item)).collect()
}
