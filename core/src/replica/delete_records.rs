//! DeleteRecords: the leader moves the start of its log, and answers when every live replica has moved its own
//! (`ReplicaManager.deleteRecords`, `DelayedDeleteRecords`, KIP-107). The segments go at the next look at retention.

use super::{
    PartitionKey,
    manager::{Answer, ReplicaManager},
    purgatory::{ParkedDeletion, WaitingDeletion},
};
use crate::{
    broker::Reply,
    id::Uuid,
    metadata::image::MetadataImage,
    seam::Ctx,
    wire::{
        delete_records::{
            DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsResponse, DeleteRecordsTopicResult,
        },
        error::ErrorCode,
    },
};

/// Instead of an offset: all that is committed.
const HIGH_WATERMARK: i64 = -1;
const NO_LOW_WATERMARK: i64 = -1;

/// What to delete of one topic, or why nothing.
#[derive(Clone, Debug)]
pub struct PlannedDeletion {
    pub name: String,
    pub topic_id: Result<Uuid, ErrorCode>,
    pub partitions: Vec<DeleteRecordsPartition>,
}

impl ReplicaManager {
    /// The answer comes out of [`ReplicaManager::take_answers`]: at once, or when the replicas are there, or when the time
    /// is up.
    pub fn delete_records(
        &mut self,
        ctx: &mut Ctx,
        image: &MetadataImage,
        reply: Reply,
        timeout_ms: u64,
        topics: Vec<PlannedDeletion>,
    ) {
        let (mut response, mut waiting) = (DeleteRecordsResponse::default(), Vec::new());
        for (topic_index, topic) in topics.into_iter().enumerate() {
            let mut partitions = Vec::with_capacity(topic.partitions.len());
            for (partition_index, asked) in topic.partitions.into_iter().enumerate() {
                let mut part =
                    DeleteRecordsPartitionResult { partition_index: asked.partition_index, ..Default::default() };
                let key = topic.topic_id.map(|topic_id| PartitionKey { topic_id, partition: asked.partition_index });
                let moved = key.and_then(|key| Ok((key, self.move_log_start(ctx, image, key, asked.offset)?)));
                match moved.and_then(|(key, required)| Ok((key, required, self.low_watermark(image, key)?))) {
                    Ok((key, required_offset, low)) => {
                        decide(&mut part, Ok(low));
                        if low < required_offset {
                            waiting.push(WaitingDeletion { key, required_offset, topic_index, partition_index });
                        }
                    }
                    Err(error) => decide(&mut part, Err(error)),
                }
                partitions.push(part);
            }
            response.topics.push(DeleteRecordsTopicResult { name: topic.name, partitions });
        }
        if waiting.is_empty() {
            self.answers.push(Answer::DeleteRecords(reply, response));
        } else {
            let deadline = ctx.now.mono.plus_ms(timeout_ms);
            self.purgatory.park_deletion(ParkedDeletion { reply, deadline, response, waiting });
        }
    }

    /// Returns where every replica's log has to begin (`Partition.deleteRecordsOnLeader`).
    fn move_log_start(
        &mut self,
        ctx: &mut Ctx,
        image: &MetadataImage,
        key: PartitionKey,
        offset: i64,
    ) -> Result<i64, ErrorCode> {
        let partition = self.find(image, key)?;
        partition.check_leader(-1)?;
        if !partition.settings.deletes {
            return Err(ErrorCode::PolicyViolation);
        }
        let high_watermark = partition.high_watermark();
        let start = if offset == HIGH_WATERMARK { high_watermark } else { offset };
        if !(0..=high_watermark).contains(&start) {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let partition = self.partitions.get_mut(&key).expect("it was just found");
        match partition.log.increment_log_start_offset(ctx.disk, start) {
            Ok(_) => {
                partition.log_start_moved();
                // Followers that wait for records hear of it with the next answer.
                self.touch(ctx, key);
                Ok(start)
            }
            Err(error) => {
                self.disk_refused(ctx, key, &error);
                Err(ErrorCode::KafkaStorageError)
            }
        }
    }

    /// Where the last of the live replicas begins (`Partition.lowWatermarkIfLeader`).
    fn low_watermark(&self, image: &MetadataImage, key: PartitionKey) -> Result<i64, ErrorCode> {
        let partition = self.find(image, key)?;
        let leadership = partition.check_leader(-1)?;
        let is_alive = |id| image.broker(id).is_some_and(|broker| !broker.fenced);
        Ok(leadership.low_watermark(partition.log.log_start_offset(), is_alive))
    }

    /// Answers the deletions that wait for this partition, as far as they need wait no longer.
    pub(super) fn settle_deletions(&mut self, image: &MetadataImage, key: PartitionKey) {
        if !self.purgatory.has_deletions() {
            return;
        }
        let low = self.low_watermark(image, key);
        let done = self.purgatory.decide_deletions(|waiting, response| {
            let reached = low.is_err() || low.is_ok_and(|low| low >= waiting.required_offset);
            let decided = waiting.key == key && reached;
            if decided {
                decide(part_of(response, waiting), low);
            }
            decided
        });
        self.answers.extend(done.into_iter().map(|parked| Answer::DeleteRecords(parked.reply, parked.response)));
    }

    /// The leader has deleted, and some replica has not said that it has too.
    pub(super) fn deletion_timed_out(&mut self, mut parked: ParkedDeletion) {
        for waiting in &parked.waiting {
            part_of(&mut parked.response, waiting).error_code = ErrorCode::RequestTimedOut.code();
        }
        self.answers.push(Answer::DeleteRecords(parked.reply, parked.response));
    }
}

fn decide(part: &mut DeleteRecordsPartitionResult, low_watermark: Result<i64, ErrorCode>) {
    part.low_watermark = low_watermark.unwrap_or(NO_LOW_WATERMARK);
    part.error_code = low_watermark.err().unwrap_or(ErrorCode::None).code();
}

fn part_of<'a>(
    response: &'a mut DeleteRecordsResponse,
    waiting: &WaitingDeletion,
) -> &'a mut DeleteRecordsPartitionResult {
    &mut response.topics[waiting.topic_index].partitions[waiting.partition_index]
}
