//! Following: one connection and one fetch session to each broker that leads something held here, pulling all of it
//! (Kafka: `ReplicaFetcherThread`, `AbstractFetcherThread`, `RemoteLeaderEndPoint`).

mod answer;
mod request;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use super::{PartitionKey, manager::ReplicaManager};
use crate::{
    id::{ConnId, NodeId},
    metadata::image::MetadataImage,
    seam::{Ctx, Output, Time},
};

/// Versions spoken between brokers of one lab; they are all alike, so nothing is negotiated.
const FETCH_VERSION: i16 = 18;
const LIST_OFFSETS_VERSION: i16 = 11;
/// `replica.socket.timeout.ms`: how long an answer may take before the connection is given up.
const SOCKET_TIMEOUT_MS: u64 = 30_000;
/// `reconnect.backoff.ms` of Kafka's network client.
const RECONNECT_BACKOFF_MS: u64 = 50;

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
    /// Those that are left out for a while, by until when.
    delayed: BTreeSet<(Time, PartitionKey)>,
    /// Those whose place has to be found again.
    lost: BTreeSet<PartitionKey>,
    /// Those of which something else may have to be asked than was asked last; all others stand as they are in the session.
    changed: BTreeSet<PartitionKey>,
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
            delayed: BTreeSet::new(),
            lost: BTreeSet::new(),
            changed: BTreeSet::new(),
        }
    }

    fn follow(&mut self, key: PartitionKey) {
        self.followed.insert(key, Followed::default());
        self.changed.insert(key);
    }

    fn unfollow(&mut self, key: PartitionKey) {
        if let Some(followed) = self.followed.remove(&key) {
            self.delayed.remove(&(followed.delayed_until, key));
            self.lost.remove(&key);
            self.changed.insert(key);
        }
    }

    /// Leaves the partition out until then.
    fn delay(&mut self, key: PartitionKey, until: Time) {
        if let Some(followed) = self.followed.get_mut(&key) {
            self.delayed.remove(&(followed.delayed_until, key));
            self.delayed.insert((until, key));
            followed.delayed_until = until;
            self.changed.insert(key);
        }
    }

    fn set_lost(&mut self, key: PartitionKey, lost: Option<Lost>) {
        if let Some(followed) = self.followed.get_mut(&key) {
            followed.lost = lost;
            self.changed.insert(key);
            if lost.is_some() {
                self.lost.insert(key);
            } else {
                self.lost.remove(&key);
            }
        }
    }

    /// Takes in again whose time has come.
    fn end_delays(&mut self, now: Time) {
        while let Some(&(until, key)) = self.delayed.first().filter(|(until, _)| *until <= now) {
            self.delayed.remove(&(until, key));
            self.changed.insert(key);
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
        let all_delayed = self.delayed.len() == self.followed.len();
        let first = self.delayed.first().filter(|_| all_delayed).map_or(Time::ZERO, |&(until, _)| until);
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
        self.fetchers.entry(leader).or_insert_with(|| Fetcher::new(leader)).follow(key);
    }

    pub(super) fn unfollow(&mut self, key: PartitionKey) {
        for fetcher in self.fetchers.values_mut() {
            fetcher.unfollow(key);
        }
    }

    /// What is asked of its leader next may be something else.
    pub(super) fn ask_anew(&mut self, key: PartitionKey) {
        for fetcher in self.fetchers.values_mut().filter(|f| f.followed.contains_key(&key)) {
            fetcher.changed.insert(key);
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
}
