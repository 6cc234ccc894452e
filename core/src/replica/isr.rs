//! Asking the controller for another ISR (KIP-497): all partitions that want one in one request, one request at a time
//! (Kafka: `DefaultAlterPartitionManager`, `Partition.submitAlterPartition`).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    PartitionKey,
    leader::{IsrChange, PendingIsr},
    manager::{ReplicaManager, active_epoch},
};
use crate::{
    id::{NodeId, Uuid},
    metadata::{
        image::MetadataImage,
        registration::{RECOVERED, nodes},
    },
    seam::{Ctx, Time},
    trace::EventKind,
    wire::{
        alter_partition::{
            AlterPartitionRequest, AlterPartitionResponse, BrokerState, PartitionData, ResponsePartitionData, TopicData,
        },
        error::ErrorCode,
    },
};

/// As Kafka waits before it asks again.
const RETRY_MS: u64 = 50;

#[derive(Clone, Debug, Default)]
pub struct IsrQuestions {
    /// Wanted and not yet sent.
    waiting: BTreeSet<PartitionKey>,
    /// Sent and not yet answered, and what was asked.
    asked: Option<BTreeMap<PartitionKey, Asked>>,
    /// Nothing is asked before: the last answer was an error.
    not_before: Option<Time>,
}

#[derive(Clone, Debug)]
struct Asked {
    leader_epoch: i32,
    partition_epoch: i32,
    pending: PendingIsr,
}

impl IsrQuestions {
    pub fn forget(&mut self, key: PartitionKey) {
        self.waiting.remove(&key);
    }

    pub fn deadline(&self) -> Option<Time> {
        self.not_before.filter(|_| !self.waiting.is_empty())
    }
}

impl ReplicaManager {
    /// A follower fetched: should it join the ISR?
    pub(super) fn maybe_expand_isr(
        &mut self,
        ctx: &mut Ctx,
        image: &MetadataImage,
        key: PartitionKey,
        follower: NodeId,
    ) {
        let Some(partition) = self.partitions.get_mut(&key) else { return };
        let high_watermark = partition.high_watermark();
        let Some(leadership) = partition.leadership_mut() else { return };
        let Some(pending) = leadership.expansion(follower, high_watermark, &active_epoch(image)) else { return };
        leadership.pending = Some(pending);
        let name = &partition.name;
        ctx.out.note(|| EventKind::IsrExpandAsked { partition: name.clone(), joining: follower });
        self.isr_questions.waiting.insert(key);
    }

    /// The timer: which of its in-sync replicas lag too far behind?
    pub(super) fn shrink_isr(&mut self, ctx: &mut Ctx, key: PartitionKey) {
        let lag_max_ms = self.config.replica_lag_time_max_ms;
        let Some(partition) = self.partitions.get_mut(&key).filter(|p| p.offline.is_none()) else { return };
        let leader_end = partition.log.log_end_offset();
        let name = &partition.name;
        let super::partition::Role::Leader(leadership) = &mut partition.role else { return };
        let Some(pending) = leadership.shrinkage(self.local, leader_end, ctx.now.mono, lag_max_ms) else { return };
        if let IsrChange::Shrink { out, lag_ms } = &pending.change {
            // Time alone led here: nothing that happened before in this input did.
            ctx.out.note_because(None, || EventKind::IsrShrinkAsked {
                partition: name.clone(),
                out: out.clone(),
                lag_ms: *lag_ms,
            });
        }
        leadership.pending = Some(pending);
        self.isr_questions.waiting.insert(key);
    }

    /// The request to send now, if there is something to ask and no question is open.
    pub fn isr_question(&mut self, now: Time) -> Option<AlterPartitionRequest> {
        let questions = &mut self.isr_questions;
        if questions.asked.is_some() || questions.waiting.is_empty() || questions.not_before.is_some_and(|at| now < at)
        {
            return None;
        }
        questions.not_before = None;
        let mut topics: BTreeMap<Uuid, Vec<PartitionData>> = BTreeMap::new();
        let mut asked = BTreeMap::new();
        for key in std::mem::take(&mut self.isr_questions.waiting) {
            let Some(partition) = self.partitions.get(&key) else { continue };
            let Some(leadership) = partition.leadership() else { continue };
            let Some(pending) = leadership.pending.clone() else { continue };
            let (leader_epoch, partition_epoch) = (partition.leader_epoch(), partition.registration.partition_epoch);
            let states = leadership.with_epochs(&pending.isr, self.local, self.broker_epoch);
            topics.entry(key.topic_id).or_default().push(PartitionData {
                partition_index: key.partition,
                leader_epoch,
                new_isr: Vec::new(),
                new_isr_with_epochs: states
                    .into_iter()
                    .map(|(id, broker_epoch)| BrokerState { broker_id: id.0, broker_epoch })
                    .collect(),
                // A leader takes its own log for the truth from its first moment on, so after an unclean election its
                // first question also ends the recovery (Kafka: `Partition.makeLeader`, KIP-704). Otherwise the
                // controller would refuse every larger ISR.
                leader_recovery_state: RECOVERED,
                partition_epoch,
            });
            asked.insert(key, Asked { leader_epoch, partition_epoch, pending });
        }
        if asked.is_empty() {
            return None;
        }
        self.isr_questions.asked = Some(asked);
        let topics = topics.into_iter().map(|(topic_id, partitions)| TopicData { topic_id, partitions }).collect();
        Some(AlterPartitionRequest { broker_id: self.local.0, broker_epoch: self.broker_epoch, topics })
    }

    /// The controller's answer, or the reason why there is none.
    pub fn isr_answered(
        &mut self,
        ctx: &mut Ctx,
        image: &MetadataImage,
        answer: Result<AlterPartitionResponse, ErrorCode>,
    ) {
        let Some(mut asked) = self.isr_questions.asked.take() else { return };
        if let Ok(response) = answer.as_ref().map_err(|&e| e)
            && response.error_code == 0
        {
            for topic in &response.topics {
                for partition in &topic.partitions {
                    let key = PartitionKey { topic_id: topic.topic_id, partition: partition.partition_index };
                    if let Some(asked) = asked.remove(&key) {
                        self.one_answered(ctx, image, key, &asked, partition);
                    }
                }
            }
        }
        // Not answered: the question stands.
        for (key, asked) in asked {
            if self.still_pending(key, &asked) {
                self.ask_again(ctx, key);
            }
        }
    }

    fn still_pending(&self, key: PartitionKey, asked: &Asked) -> bool {
        self.partitions.get(&key).is_some_and(|p| {
            p.leader_epoch() == asked.leader_epoch
                && p.registration.partition_epoch == asked.partition_epoch
                && p.leadership().and_then(|l| l.pending.as_ref()) == Some(&asked.pending)
        })
    }

    /// `Partition.handleAlterPartitionUpdate` and `handleAlterPartitionError`.
    fn one_answered(
        &mut self,
        ctx: &mut Ctx,
        image: &MetadataImage,
        key: PartitionKey,
        asked: &Asked,
        answer: &ResponsePartitionData,
    ) {
        if !self.still_pending(key, asked) {
            // The metadata log was faster.
            return;
        }
        let partition = self.partitions.get_mut(&key).expect("it is pending");
        let replicas = partition.registration.replicas.clone();
        let Some(leadership) = partition.leadership_mut() else { return };
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => {
                if answer.leader_epoch != asked.leader_epoch || answer.partition_epoch < asked.partition_epoch {
                    return;
                }
                let isr = nodes(&answer.isr);
                leadership.confirm(self.local, &replicas, isr.clone());
                partition.registration.isr = isr;
                partition.registration.partition_epoch = answer.partition_epoch;
                self.advance_high_watermark(ctx, image, key);
                self.touch(ctx, key);
            }
            // The controller knows better who may be in the ISR: back to what it confirmed last.
            ErrorCode::IneligibleReplica | ErrorCode::OperationNotAttempted => {
                leadership.pending = None;
                self.advance_high_watermark(ctx, image, key);
            }
            // It has news for us that the metadata log will bring. Until then the larger set stays in force.
            ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::InvalidUpdateVersion
            | ErrorCode::InvalidRequest
            | ErrorCode::NewLeaderElected => {}
            _ => self.ask_again(ctx, key),
        }
    }

    fn ask_again(&mut self, ctx: &Ctx, key: PartitionKey) {
        self.isr_questions.waiting.insert(key);
        self.isr_questions.not_before = Some(ctx.now.mono.plus_ms(RETRY_MS));
    }
}
