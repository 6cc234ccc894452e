//! Following: one connection and one fetch session to each broker that leads something held here, pulling all of it
//! (Kafka: `ReplicaFetcherThread`, `AbstractFetcherThread`, `RemoteLeaderEndPoint`).

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use bytes::Bytes;

use super::{
    PartitionKey,
    manager::{ReplicaManager, refused_by_disk},
    partition::Role,
};
use crate::{
    disk::DiskError,
    id::{ConnId, NodeId, Uuid},
    log::AppendError,
    metadata::image::MetadataImage,
    seam::{Ctx, Output, Time},
    trace::EventKind,
    wire::{
        error::ErrorCode,
        fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic, ForgottenTopic, PartitionData, ReplicaState},
        frame,
        list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
    },
};

/// Versions spoken between brokers of one lab; they are all alike, so nothing is negotiated.
const FETCH_VERSION: i16 = 18;
const LIST_OFFSETS_VERSION: i16 = 11;
/// `replica.socket.timeout.ms`: how long an answer may take before the connection is given up.
const SOCKET_TIMEOUT_MS: u64 = 30_000;
/// `reconnect.backoff.ms` of Kafka's network client.
const RECONNECT_BACKOFF_MS: u64 = 50;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

#[derive(Clone, Debug)]
pub struct Fetcher {
    leader: NodeId,
    link: Link,
    /// Nothing is sent or opened before.
    not_before: Time,
    next_correlation_id: i32,
    in_flight: Option<InFlight>,
    session: Session,
    followed: BTreeMap<PartitionKey, Followed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Down,
    Opening(ConnId),
    Up(ConnId),
}

#[derive(Clone, Copy, Debug, Default)]
struct Followed {
    /// Left out until then, after an error.
    delayed_until: Time,
    /// The leader does not have what we ask for: find out what it has.
    lost: Option<Lost>,
}

/// Steps to find our place again (`AbstractFetcherThread.fetchOffsetAndTruncate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    AsksLatest,
    AsksEarliest,
}

#[derive(Clone, Debug)]
struct InFlight {
    correlation_id: i32,
    sent_at: Time,
    what: Asked,
}

#[derive(Clone, Debug)]
enum Asked {
    Fetch,
    Offset { key: PartitionKey, leader_epoch: i32, step: Lost },
}

/// Our end of the leader's fetch session (KIP-227, `FetchSessionHandler`).
#[derive(Clone, Debug, Default)]
struct Session {
    id: i32,
    epoch: i32,
    /// What the leader knows of us.
    told: BTreeMap<PartitionKey, Told>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    leader_epoch: i32,
    fetch_offset: i64,
    last_fetched_epoch: i32,
    log_start_offset: i64,
}

impl Fetcher {
    fn new(leader: NodeId) -> Self {
        Self {
            leader,
            link: Link::Down,
            not_before: Time::ZERO,
            next_correlation_id: 0,
            in_flight: None,
            session: Session::default(),
            followed: BTreeMap::new(),
        }
    }

    fn conn(&self) -> Option<ConnId> {
        match self.link {
            Link::Down => None,
            Link::Opening(conn) | Link::Up(conn) => Some(conn),
        }
    }

    /// When it wants to do something of its own accord.
    fn deadline(&self) -> Option<Time> {
        if let Some(in_flight) = &self.in_flight {
            return Some(in_flight.sent_at.plus_ms(SOCKET_TIMEOUT_MS));
        }
        if self.followed.is_empty() || matches!(self.link, Link::Opening(_)) {
            return None;
        }
        let first = self.followed.values().map(|f| f.delayed_until).min()?;
        Some(first.max(self.not_before))
    }

    fn disconnected(&mut self, now: Time, backoff_ms: u64) {
        self.link = Link::Down;
        self.in_flight = None;
        self.session = Session::default();
        self.not_before = now.plus_ms(backoff_ms);
    }

    fn correlation_id(&mut self) -> i32 {
        self.next_correlation_id = self.next_correlation_id.wrapping_add(1) & i32::MAX;
        self.next_correlation_id
    }
}

impl ReplicaManager {
    /// Begins to follow the partition's leader, at once and from our log's end, whatever was before.
    pub(super) fn follow(&mut self, key: PartitionKey) {
        self.unfollow(key);
        let serving = self.partitions.get(&key).filter(|p| p.offline.is_none());
        let Some(leader) = serving.and_then(|p| p.registration.leader()) else { return };
        debug_assert_ne!(leader, self.local);
        self.fetchers.entry(leader).or_insert_with(|| Fetcher::new(leader)).followed.insert(key, Followed::default());
    }

    pub(super) fn unfollow(&mut self, key: PartitionKey) {
        for fetcher in self.fetchers.values_mut() {
            fetcher.followed.remove(&key);
        }
    }

    /// Follows nobody any more. Returns the connections to be closed.
    pub fn stop_following(&mut self) -> Vec<ConnId> {
        std::mem::take(&mut self.fetchers).values().filter_map(Fetcher::conn).collect()
    }

    pub fn owns_conn(&self, conn: ConnId) -> bool {
        self.fetchers.values().any(|f| f.conn() == Some(conn))
    }

    pub(super) fn fetchers_deadline(&self) -> Option<Time> {
        self.fetchers.values().filter_map(Fetcher::deadline).min()
    }

    pub fn fetcher_opened(&mut self, ctx: &mut Ctx, conn: ConnId) {
        if let Some(fetcher) = self.fetchers.values_mut().find(|f| f.link == Link::Opening(conn)) {
            fetcher.link = Link::Up(conn);
            ctx.out.push(Output::Identified { conn, peer: fetcher.leader });
        }
    }

    pub fn fetcher_closed(&mut self, ctx: &mut Ctx, conn: ConnId) {
        if let Some(fetcher) = self.fetchers.values_mut().find(|f| f.conn() == Some(conn)) {
            // A connection that was lost is tried again soon; one that could not be had waits as long as Kafka does.
            let refused = matches!(fetcher.link, Link::Opening(_));
            let backoff_ms = if refused { self.config.replica_fetch_backoff_ms } else { RECONNECT_BACKOFF_MS };
            fetcher.disconnected(ctx.now.mono, backoff_ms);
        }
    }

    /// The address of a broker may have changed with its registration.
    pub fn broker_changed(&mut self, ctx: &mut Ctx, id: NodeId) {
        if let Some(fetcher) = self.fetchers.get_mut(&id)
            && fetcher.link == Link::Down
        {
            fetcher.not_before = ctx.now.mono;
        }
    }

    /// Opens what is to be opened and sends what is to be sent.
    pub fn drive_fetchers(&mut self, ctx: &mut Ctx, image: &MetadataImage) {
        let cause = ctx.out.cause();
        let mut after = NodeId(i32::MIN);
        while let Some((&leader, _)) = self.fetchers.range((Bound::Excluded(after), Bound::Unbounded)).next() {
            ctx.out.because(cause);
            self.drive_fetcher(ctx, image, leader);
            after = leader;
        }
    }

    fn drive_fetcher(&mut self, ctx: &mut Ctx, image: &MetadataImage, leader: NodeId) {
        let now = ctx.now.mono;
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        if let Some(in_flight) = &fetcher.in_flight {
            if now >= in_flight.sent_at.plus_ms(SOCKET_TIMEOUT_MS) {
                if let Some(conn) = fetcher.conn() {
                    ctx.out.push(Output::Close { conn });
                }
                fetcher.disconnected(now, RECONNECT_BACKOFF_MS);
            }
            return;
        }
        if fetcher.followed.is_empty() {
            if let Some(conn) = fetcher.conn() {
                ctx.out.push(Output::Close { conn });
            }
            self.fetchers.remove(&leader);
            return;
        }
        if now < fetcher.not_before {
            return;
        }
        match fetcher.link {
            Link::Opening(_) => {}
            Link::Down => {
                let endpoint = image.broker(leader).and_then(|b| b.endpoint(super::LISTENER)).cloned();
                match endpoint {
                    Some(endpoint) => fetcher.link = Link::Opening(ctx.out.open(endpoint)),
                    None => fetcher.not_before = now.plus_ms(self.config.replica_fetch_backoff_ms.max(1)),
                }
            }
            Link::Up(conn) => self.send_next(ctx, leader, conn),
        }
    }

    fn send_next(&mut self, ctx: &mut Ctx, leader: NodeId, conn: ConnId) {
        let now = ctx.now.mono;
        let fetcher = self.fetchers.get_mut(&leader).expect("it is being driven");
        let lost = fetcher.followed.iter().find(|(_, f)| f.delayed_until <= now && f.lost.is_some());
        let (parts, what) = match lost {
            Some((&key, &Followed { lost: Some(step), .. })) => {
                let Some(partition) = self.partitions.get(&key) else { return };
                let timestamp = if step == Lost::AsksLatest { LATEST } else { EARLIEST };
                let (name, leader_epoch) = (&partition.name, partition.leader_epoch());
                let asked = ListOffsetsPartition {
                    partition_index: name.partition,
                    current_leader_epoch: leader_epoch,
                    timestamp,
                };
                let topics = vec![ListOffsetsTopic { name: name.topic.clone(), partitions: vec![asked] }];
                let request = ListOffsetsRequest { replica_id: self.local.0, topics, ..Default::default() };
                let id = fetcher.correlation_id();
                let parts = frame::request_parts(LIST_OFFSETS_VERSION, id, &client_id(self.local), &request);
                (parts, Asked::Offset { key, leader_epoch, step })
            }
            _ => {
                let Some(request) = self.fetch_request(now, leader) else { return };
                let fetcher = self.fetchers.get_mut(&leader).expect("it is being driven");
                let id = fetcher.correlation_id();
                (frame::request_parts(FETCH_VERSION, id, &client_id(self.local), &request), Asked::Fetch)
            }
        };
        let fetcher = self.fetchers.get_mut(&leader).expect("it is being driven");
        fetcher.in_flight = Some(InFlight { correlation_id: fetcher.next_correlation_id, sent_at: now, what });
        ctx.out.send(conn, parts);
    }

    /// Asks for everything that comes next in the followed partitions; within a session only what changed is said.
    fn fetch_request(&mut self, now: Time, leader: NodeId) -> Option<FetchRequest> {
        let config = &self.config;
        let fetcher = self.fetchers.get_mut(&leader)?;
        let mut wanted: BTreeMap<PartitionKey, Told> = BTreeMap::new();
        for (&key, followed) in &fetcher.followed {
            let Some(partition) = self.partitions.get(&key).filter(|p| p.offline.is_none()) else { continue };
            if followed.delayed_until <= now && followed.lost.is_none() {
                wanted.insert(
                    key,
                    Told {
                        leader_epoch: partition.leader_epoch(),
                        fetch_offset: partition.log.log_end_offset(),
                        last_fetched_epoch: partition.log.last_epoch().unwrap_or(-1),
                        log_start_offset: partition.log.log_start_offset(),
                    },
                );
            }
        }
        if wanted.is_empty() {
            return None;
        }
        let session = &mut fetcher.session;
        let forgotten: BTreeSet<PartitionKey> =
            session.told.keys().filter(|k| !wanted.contains_key(k)).copied().collect();
        let mut topics: BTreeMap<Uuid, Vec<FetchPartition>> = BTreeMap::new();
        for (key, told) in &wanted {
            if session.epoch > 0 && session.told.get(key) == Some(told) {
                continue;
            }
            topics.entry(key.topic_id).or_default().push(FetchPartition {
                partition: key.partition,
                current_leader_epoch: told.leader_epoch,
                fetch_offset: told.fetch_offset,
                last_fetched_epoch: told.last_fetched_epoch,
                log_start_offset: told.log_start_offset,
                partition_max_bytes: config.replica_fetch_max_bytes,
                replica_directory_id: config.directory_id,
                high_watermark: self.partitions[key].high_watermark(),
            });
        }
        let mut forgotten_topics: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
        if session.epoch > 0 {
            for key in forgotten {
                forgotten_topics.entry(key.topic_id).or_default().push(key.partition);
            }
        }
        session.told = wanted;
        Some(FetchRequest {
            replica_state: ReplicaState { replica_id: self.local.0, replica_epoch: self.broker_epoch },
            max_wait_ms: i32::try_from(config.replica_fetch_wait_max_ms).unwrap_or(i32::MAX),
            min_bytes: config.replica_fetch_min_bytes,
            max_bytes: config.replica_fetch_response_max_bytes,
            session_id: session.id,
            session_epoch: session.epoch,
            topics: topics
                .into_iter()
                .map(|(topic_id, partitions)| FetchTopic { topic_id, partitions, ..Default::default() })
                .collect(),
            forgotten_topics_data: forgotten_topics
                .into_iter()
                .map(|(topic_id, partitions)| ForgottenTopic { topic_id, partitions, ..Default::default() })
                .collect(),
            ..Default::default()
        })
    }

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
        let told = session.told.clone();
        let cause = ctx.out.cause();
        for topic in response.responses {
            for data in topic.partitions {
                let key = PartitionKey { topic_id: topic.topic_id, partition: data.partition_index };
                if let Some(&asked) = told.get(&key) {
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
                if let Some(followed) = self.fetchers.get_mut(&leader).and_then(|f| f.followed.get_mut(&key)) {
                    followed.lost = Some(Lost::AsksLatest);
                }
            }
            _ => self.delay(ctx, leader, key),
        }
    }

    pub(super) fn delay(&mut self, ctx: &Ctx, leader: NodeId, key: PartitionKey) {
        let until = ctx.now.mono.plus_ms(self.config.replica_fetch_backoff_ms);
        if let Some(followed) = self.fetchers.get_mut(&leader).and_then(|f| f.followed.get_mut(&key)) {
            followed.delayed_until = until;
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
        partition.advance_as_follower(ctx, data.high_watermark);
        // What the leader deleted (retention, DeleteRecords) is deleted here too, as far as it is committed.
        let start = data.log_start_offset.min(partition.high_watermark());
        if partition.log.increment_log_start_offset(ctx.disk, start)? {
            partition.log_start_moved();
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
        if let Err(error) = partition.truncate(ctx, to, why) {
            self.take_offline(ctx, key, &error);
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
        let Some(followed) = self.fetchers.get_mut(&leader).and_then(|f| f.followed.get_mut(&key)) else { return };
        if partition.leader_epoch() != leader_epoch {
            return;
        }
        let end = partition.log.log_end_offset();
        let done = match step {
            // We have more than the leader: it was elected without us (unclean election).
            Lost::AsksLatest if offset < end => {
                followed.lost = None;
                partition.truncate(ctx, offset, || format!("the leader's log ends at {offset}"))
            }
            Lost::AsksLatest => {
                followed.lost = Some(Lost::AsksEarliest);
                Ok(())
            }
            // The leader deleted what we would need next: our log has nothing that leads up to what it still has.
            Lost::AsksEarliest => {
                followed.lost = None;
                if offset > end {
                    partition.start_over_at(ctx, offset, || format!("the leader's log begins at {offset}"))
                } else {
                    partition.log.increment_log_start_offset(ctx.disk, offset).map(|_| partition.log_start_moved())
                }
            }
        };
        if let Err(error) = done {
            self.take_offline(ctx, key, &error);
        }
    }
}

fn client_id(local: NodeId) -> String {
    format!("broker-{local}-fetcher")
}
