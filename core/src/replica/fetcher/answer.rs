//! What a leader answered: taken over, cut off after, or a reason to find our place again.

use bytes::Bytes;

use super::{Asked, FETCH_VERSION, LIST_OFFSETS_VERSION, Link, Lost, Session, Told};
use crate::{
    disk::DiskError,
    id::{ConnId, NodeId},
    log::AppendError,
    replica::{
        PartitionKey,
        manager::{ReplicaManager, refused_by_disk},
        partition::Role,
    },
    seam::{Ctx, Output},
    trace::EventKind,
    wire::{
        error::ErrorCode,
        fetch::{FetchRequest, FetchResponse, PartitionData},
        frame,
        list_offsets::ListOffsetsRequest,
    },
};

impl ReplicaManager {
    /// A leader answered.
    pub fn fetcher_frame(&mut self, ctx: &mut Ctx, conn: ConnId, bytes: &Bytes) {
        let now = ctx.now.mono;
        let backoff_ms = self.config.replica_fetch_backoff_ms;
        let Some(fetcher) = self.fetchers.values_mut().find(|f| f.link == Link::Up(conn)) else { return };
        let leader = fetcher.leader;
        let in_flight = fetcher.in_flight.take();
        let understood = in_flight.filter(|i| frame::peek_correlation_id(bytes) == Some(i.correlation_id)).is_some_and(
            |in_flight| match in_flight.what {
                Asked::Fetch => match frame::parse_response::<FetchRequest>(FETCH_VERSION, bytes) {
                    Ok((_, response)) => {
                        self.fetched(ctx, leader, response);
                        true
                    }
                    Err(_) => false,
                },
                Asked::Offset { key, leader_epoch, step } => {
                    match frame::parse_response::<ListOffsetsRequest>(LIST_OFFSETS_VERSION, bytes) {
                        Ok((_, response)) => {
                            let answer = response.topics.first().and_then(|t| t.partitions.first());
                            let offset = answer.filter(|a| a.error_code == 0).map(|a| a.offset);
                            self.offset_answered(ctx, leader, key, leader_epoch, step, offset);
                            true
                        }
                        Err(_) => false,
                    }
                }
            },
        );
        if !understood {
            ctx.out.push(Output::Close { conn });
            if let Some(fetcher) = self.fetchers.get_mut(&leader) {
                fetcher.disconnected(now, backoff_ms);
            }
        }
    }

    fn fetched(&mut self, ctx: &mut Ctx, leader: NodeId, response: FetchResponse) {
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        let session = &mut fetcher.session;
        match ErrorCode::from_code(response.error_code) {
            ErrorCode::None => {}
            // The leader forgot the session (it was restarted, or short of room): begin another, at once.
            ErrorCode::FetchSessionIdNotFound
            | ErrorCode::InvalidFetchSessionEpoch
            | ErrorCode::FetchSessionTopicIdError => {
                *session = Session::default();
                return;
            }
            _ => {
                *session = Session::default();
                fetcher.not_before = ctx.now.mono.plus_ms(self.config.replica_fetch_backoff_ms);
                return;
            }
        }
        if response.session_id == 0 {
            (session.id, session.epoch) = (0, 0);
        } else {
            session.id = response.session_id;
            session.epoch = session.epoch.checked_add(1).unwrap_or(1);
        }
        let cause = ctx.out.cause();
        for topic in response.responses {
            for data in topic.partitions {
                let key = PartitionKey { topic_id: topic.topic_id, partition: data.partition_index };
                let asked = self.fetchers.get(&leader).and_then(|f| f.session.told.get(&key)).copied();
                if let Some(asked) = asked {
                    ctx.out.because(cause);
                    self.take_over(ctx, leader, key, asked, data);
                }
            }
        }
    }

    /// What the leader said of one partition (`AbstractFetcherThread.processFetchRequest`).
    fn take_over(&mut self, ctx: &mut Ctx, leader: NodeId, key: PartitionKey, asked: Told, data: PartitionData) {
        let Some(partition) = self.partitions.get_mut(&key) else { return };
        let current = matches!(partition.role, Role::Follower)
            && partition.registration.leader() == Some(leader)
            && partition.leader_epoch() == asked.leader_epoch
            && partition.log.log_end_offset() == asked.fetch_offset
            && partition.offline.is_none();
        if !current {
            // The controller has decided something else since we asked.
            return;
        }
        match ErrorCode::from_code(data.error_code) {
            ErrorCode::None if data.diverging_epoch.epoch >= 0 => {
                self.truncate_to_leader(ctx, key, data.diverging_epoch.epoch, data.diverging_epoch.end_offset);
            }
            ErrorCode::None => match self.append_fetched(ctx, key, &data) {
                Ok(()) => {}
                Err(AppendError::Disk(error)) => {
                    if let (DiskError::Full, Some(partition)) = (&error, self.partitions.get(&key)) {
                        ctx.out.note(|| refused_by_disk(&partition.name, &error));
                    }
                    self.disk_refused(ctx, key, &error);
                }
                // What the leader sent cannot be: look again later, it may be damage on the way.
                Err(_) => self.delay(ctx, leader, key),
            },
            ErrorCode::OffsetOutOfRange => {
                if let Some(fetcher) = self.fetchers.get_mut(&leader) {
                    fetcher.set_lost(key, Some(Lost::AsksLatest));
                }
            }
            _ => self.delay(ctx, leader, key),
        }
    }

    pub(in crate::replica) fn delay(&mut self, ctx: &Ctx, leader: NodeId, key: PartitionKey) {
        let until = ctx.now.mono.plus_ms(self.config.replica_fetch_backoff_ms);
        if let Some(fetcher) = self.fetchers.get_mut(&leader) {
            fetcher.delay(key, until);
        }
    }

    fn append_fetched(&mut self, ctx: &mut Ctx, key: PartitionKey, data: &PartitionData) -> Result<(), AppendError> {
        let partition = self.partitions.get_mut(&key).expect("its caller found it");
        if !data.records.is_empty()
            && let Some(appended) = partition.log.append_as_follower(ctx.disk, &data.records.bytes())?
        {
            let name = &partition.name;
            ctx.out.trace(|| EventKind::Appended {
                partition: name.clone(),
                base_offset: appended.base_offset,
                last_offset: appended.last_offset,
                leader_epoch: appended.leader_epoch,
                as_leader: false,
            });
        }
        let moved = partition.advance_as_follower(ctx, data.high_watermark);
        // What the leader deleted (retention, DeleteRecords) is deleted here too, as far as it is committed.
        let start = data.log_start_offset.min(partition.high_watermark());
        if partition.log.increment_log_start_offset(ctx.disk, start)? {
            partition.log_start_moved();
        }
        self.changed(key);
        // Consumers may wait here too (KIP-392, `ReplicaManager.completeDelayedFetchRequests`).
        if moved {
            self.touch(ctx, key);
        }
        Ok(())
    }

    /// Our last epoch ended elsewhere on the leader: cut off what it does not have
    /// (`AbstractFetcherThread.getOffsetTruncationState`). Several rounds may be needed when epochs interleave.
    fn truncate_to_leader(&mut self, ctx: &mut Ctx, key: PartitionKey, leader_epoch: i32, leader_end: i64) {
        let partition = self.partitions.get_mut(&key).expect("its caller found it");
        let end = partition.log.log_end_offset();
        let to = match partition.log.end_offset_for_epoch(leader_epoch) {
            // Epochs the leader never saw lie between: cut there and ask again.
            Some((epoch, our_end)) if epoch != leader_epoch => our_end.min(end),
            Some((_, our_end)) => our_end.min(leader_end).min(end),
            None => leader_end.min(end),
        };
        let why = || format!("epoch {leader_epoch} ends at {leader_end} on the leader, and ours goes on to {end}");
        match partition.truncate(ctx, to, why) {
            Ok(()) => self.changed(key),
            Err(error) => self.take_offline(ctx, key, &error),
        }
    }

    fn offset_answered(
        &mut self,
        ctx: &mut Ctx,
        leader: NodeId,
        key: PartitionKey,
        leader_epoch: i32,
        step: Lost,
        offset: Option<i64>,
    ) {
        let Some(offset) = offset else { return self.delay(ctx, leader, key) };
        let Some(partition) = self.partitions.get_mut(&key) else { return };
        let Some(fetcher) = self.fetchers.get_mut(&leader).filter(|f| f.followed.contains_key(&key)) else { return };
        if partition.leader_epoch() != leader_epoch {
            return;
        }
        let end = partition.log.log_end_offset();
        let done = match step {
            // We have more than the leader: it was elected without us (unclean election).
            Lost::AsksLatest if offset < end => {
                fetcher.set_lost(key, None);
                partition.truncate(ctx, offset, || format!("the leader's log ends at {offset}"))
            }
            Lost::AsksLatest => {
                fetcher.set_lost(key, Some(Lost::AsksEarliest));
                Ok(())
            }
            // The leader deleted what we would need next: our log has nothing that leads up to what it still has.
            Lost::AsksEarliest => {
                fetcher.set_lost(key, None);
                if offset > end {
                    partition.start_over_at(ctx, offset, || format!("the leader's log begins at {offset}"))
                } else {
                    partition.log.increment_log_start_offset(ctx.disk, offset).map(|_| partition.log_start_moved())
                }
            }
        };
        match done {
            Ok(()) => self.changed(key),
            Err(error) => self.take_offline(ctx, key, &error),
        }
    }
}
