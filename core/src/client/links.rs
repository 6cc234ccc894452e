//! A client's connections: one to each broker it talks to, versions agreed on first, requests answered in order, lost
//! ones reported, reconnects with back-off (`NetworkClient`).

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use crate::{
    id::{ConnId, Endpoint, NodeId},
    seam::{Ctx, Input},
    trace::EventKind,
    wire::{
        api::{ApiKey, Request},
        api_versions::ApiVersionsRequest,
        error::ErrorCode,
        frame,
        message::Message,
    },
};

/// A broker as the client names it: its id, or a negative number for an address it was told to start from.
pub(super) type Peer = i32;

#[derive(Clone, Copy, Debug)]
pub(super) struct LinkSettings {
    pub(super) request_timeout_ms: u64,
    pub(super) reconnect_backoff_ms: u64,
    pub(super) reconnect_backoff_max_ms: u64,
    pub(super) connection_setup_timeout_ms: u64,
}

/// Something a client wants to know. `T` is what it attached to the request.
#[derive(Clone, Debug)]
pub(super) enum LinkEvent<T> {
    Answer {
        peer: Peer,
        tag: T,
        version: i16,
        frame: Bytes,
    },
    /// The connection broke or the answer took too long. Whether the request was carried out is unknown.
    Lost {
        peer: Peer,
        tag: T,
    },
    /// A connection broke or could not be opened: what is known of the cluster may be old.
    Down,
}

#[derive(Clone, Debug)]
pub(super) struct Links<T> {
    client_id: String,
    settings: LinkSettings,
    bootstrap: BTreeMap<Peer, Endpoint>,
    brokers: BTreeMap<Peer, Endpoint>,
    conns: BTreeMap<ConnId, Conn<T>>,
    failures: BTreeMap<Peer, Failures>,
    next_correlation: i32,
    rng: fastrand::Rng,
}

#[derive(Clone, Debug)]
struct Conn<T> {
    peer: Peer,
    state: State,
    opened_ms: u64,
    in_flight: VecDeque<InFlight<T>>,
}

#[derive(Clone, Debug)]
enum State {
    Connecting,
    Negotiating,
    /// Per API key: the versions that the broker serves.
    Ready(BTreeMap<i16, (i16, i16)>),
}

#[derive(Clone, Debug)]
struct InFlight<T> {
    correlation_id: i32,
    version: i16,
    sent_ms: u64,
    /// How long its answer may take.
    timeout_ms: u64,
    /// `None`: the handshake's own.
    tag: Option<T>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    not_before_ms: u64,
}

/// Exponential back-off with 20 % jitter either way, as in Kafka's `ExponentialBackoff`. `failures` begins at 1.
pub(super) fn backoff_ms(base: u64, max: u64, failures: u32, rng: &mut fastrand::Rng) -> u64 {
    let raised = base.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(max).max(base);
    raised * rng.u64(80..=120) / 100
}

impl<T: Clone> Links<T> {
    pub(super) fn new(client_id: &str, bootstrap: &[Endpoint], settings: LinkSettings, rng: fastrand::Rng) -> Self {
        let bootstrap = bootstrap.iter().zip(1..).map(|(endpoint, i)| (-i, endpoint.clone())).collect();
        Self {
            client_id: client_id.into(),
            settings,
            bootstrap,
            brokers: BTreeMap::new(),
            conns: BTreeMap::new(),
            failures: BTreeMap::new(),
            next_correlation: 0,
            rng,
        }
    }

    /// Learns where the brokers are. Connections to addresses of the bootstrap list have done their work.
    pub(super) fn set_brokers(&mut self, ctx: &mut Ctx<'_>, brokers: BTreeMap<Peer, Endpoint>) {
        if brokers.is_empty() {
            return;
        }
        let stale = |c: &Conn<T>| c.in_flight.is_empty() && self.is_stale(&brokers, c.peer);
        let stale: Vec<ConnId> = self.conns.iter().filter(|(_, c)| stale(c)).map(|(&id, _)| id).collect();
        for conn in stale {
            self.conns.remove(&conn);
            ctx.out.push(crate::seam::Output::Close { conn });
        }
        self.brokers = brokers;
    }

    /// Learns where one broker is, from a hint in an answer (KIP-951).
    pub(super) fn add_broker(&mut self, peer: Peer, endpoint: Endpoint) {
        self.brokers.insert(peer, endpoint);
    }

    /// Whether it knows where that broker is.
    pub(super) fn knows(&self, peer: Peer) -> bool {
        self.brokers.contains_key(&peer)
    }

    fn is_stale(&self, brokers: &BTreeMap<Peer, Endpoint>, peer: Peer) -> bool {
        peer < 0 || brokers.get(&peer) != self.brokers.get(&peer)
    }

    /// Whether requests can be sent to `peer` now. If not, it is being connected to, unless it must rest first.
    pub(super) fn ready(&mut self, ctx: &mut Ctx<'_>, peer: Peer) -> bool {
        if let Some(conn) = self.conn_to(peer) {
            return matches!(conn.state, State::Ready(_));
        }
        let Some(endpoint) = self.brokers.get(&peer).or_else(|| self.bootstrap.get(&peer)) else { return false };
        if self.failures.get(&peer).is_none_or(|f| f.not_before_ms <= ctx.ms()) {
            let conn = ctx.out.open(endpoint.clone());
            let opened_ms = ctx.ms();
            self.conns.insert(conn, Conn { peer, state: State::Connecting, opened_ms, in_flight: VecDeque::new() });
        }
        false
    }

    /// Some broker to ask what any broker knows: a ready one with the fewest requests in flight. `None`: one is being
    /// connected to. When no known broker can be, the bootstrap list is tried again (KIP-899).
    pub(super) fn any_ready(&mut self, ctx: &mut Ctx<'_>) -> Option<Peer> {
        let ready = self.conns.values().filter(|c| matches!(c.state, State::Ready(_)));
        if let Some(conn) = ready.min_by_key(|c| c.in_flight.len()) {
            return Some(conn.peer);
        }
        if self.conns.values().any(|c| ctx.ms().saturating_sub(c.opened_ms) < 1000) {
            return None;
        }
        let now = ctx.ms();
        let rested = |peer: &&Peer| self.failures.get(peer).is_none_or(|f| f.not_before_ms <= now);
        let free = |peer: &&Peer| self.conn_to(**peer).is_none();
        let mut candidates: Vec<Peer> = self.brokers.keys().filter(rested).filter(free).copied().collect();
        if candidates.is_empty() {
            candidates = self.bootstrap.keys().filter(rested).filter(free).copied().collect();
        }
        let peer =
            (!candidates.is_empty()).then(|| candidates[crate::random::index(&mut self.rng, candidates.len())])?;
        self.ready(ctx, peer);
        None
    }

    pub(super) fn in_flight(&self, peer: Peer) -> usize {
        self.conn_to(peer).map_or(0, |c| c.in_flight.len())
    }

    /// The highest version of `R` that both sides speak, at most `limit`. `None`: none, or the peer is not ready.
    pub(super) fn version<R: Request>(&self, peer: Peer, limit: i16) -> Option<i16> {
        let State::Ready(versions) = &self.conn_to(peer)?.state else { return None };
        let &(low, high) = versions.get(&R::KEY.code())?;
        let version = high.min(*R::versions().end()).min(limit);
        (version >= low && version >= *R::versions().start()).then_some(version)
    }

    /// Sends to a ready peer. The answer, or its loss, comes back with `tag`.
    pub(super) fn send<R: Request>(&mut self, ctx: &mut Ctx<'_>, peer: Peer, version: i16, request: &R, tag: T) {
        self.send_patiently(ctx, peer, version, request, tag, self.settings.request_timeout_ms);
    }

    /// As [`Self::send`], for a request that is parked for long: its answer may take `timeout_ms`.
    pub(super) fn send_patiently<R: Request>(
        &mut self,
        ctx: &mut Ctx<'_>,
        peer: Peer,
        version: i16,
        request: &R,
        tag: T,
        timeout_ms: u64,
    ) {
        let id = self.send_quietly(ctx, peer, version, request);
        let Some((correlation_id, conn)) = id else { return };
        let in_flight = InFlight { correlation_id, version, sent_ms: ctx.ms(), timeout_ms, tag: Some(tag) };
        self.conns.get_mut(&conn).expect("just sent on it").in_flight.push_back(in_flight);
    }

    /// Sends a request that is never answered (acks=0).
    pub(super) fn send_quietly<R: Request>(
        &mut self,
        ctx: &mut Ctx<'_>,
        peer: Peer,
        version: i16,
        request: &R,
    ) -> Option<(i32, ConnId)> {
        let conn = self.conns.iter().find(|(_, c)| c.peer == peer).map(|(&id, _)| id)?;
        self.next_correlation = (self.next_correlation + 1) & i32::MAX;
        // A version that is all the broker has and that cannot say this: never sent, so lost when its time is over.
        if let Ok(parts) = frame::try_request_parts(version, self.next_correlation, &self.client_id, request) {
            ctx.out.send(conn, parts);
        }
        Some((self.next_correlation, conn))
    }

    /// Takes inputs about connections; what the client wants to know of is appended to `events`.
    pub(super) fn handle(&mut self, ctx: &mut Ctx<'_>, input: &Input, events: &mut Vec<LinkEvent<T>>) {
        match input {
            Input::Opened { conn, .. } => self.opened(ctx, *conn),
            Input::Frame { conn, bytes, .. } => self.frame(ctx, *conn, bytes, events),
            Input::Closed { conn } => self.closed(ctx, *conn, events),
            _ => {}
        }
    }

    /// Gives up what took too long: the connection is closed, since its answers come in order.
    pub(super) fn expire(&mut self, ctx: &mut Ctx<'_>, events: &mut Vec<LinkEvent<T>>) {
        let now = ctx.ms();
        let expired = |c: &Conn<T>| self.conn_deadline(c) <= now;
        let late: Vec<ConnId> = self.conns.iter().filter(|(_, c)| expired(c)).map(|(&id, _)| id).collect();
        for conn in late {
            ctx.out.push(crate::seam::Output::Close { conn });
            self.closed(ctx, conn, events);
        }
    }

    /// When [`Self::expire`] has work, or a peer that rests may be tried again.
    pub(super) fn deadline_ms(&self, now_ms: u64) -> Option<u64> {
        let late = self.conns.values().map(|c| self.conn_deadline(c)).filter(|&at| at < u64::MAX);
        let rested = self.failures.values().map(|f| f.not_before_ms).filter(|&at| at > now_ms);
        late.chain(rested).min()
    }

    fn conn_deadline(&self, conn: &Conn<T>) -> u64 {
        match (&conn.state, conn.in_flight.front()) {
            (State::Connecting, _) => conn.opened_ms + self.settings.connection_setup_timeout_ms,
            (_, Some(oldest)) => oldest.sent_ms + oldest.timeout_ms,
            (_, None) => u64::MAX,
        }
    }

    fn conn_to(&self, peer: Peer) -> Option<&Conn<T>> {
        self.conns.values().find(|c| c.peer == peer)
    }

    fn opened(&mut self, ctx: &mut Ctx<'_>, conn: ConnId) {
        if let Some(c) = self.conns.get_mut(&conn) {
            c.state = State::Negotiating;
            let peer = c.peer;
            self.handshake(ctx, peer, *ApiVersionsRequest::versions().end());
        }
    }

    fn handshake(&mut self, ctx: &mut Ctx<'_>, peer: Peer, version: i16) {
        let request = ApiVersionsRequest {
            client_software_name: "kafka-lab".into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
        };
        if let Some((correlation_id, conn)) = self.send_quietly(ctx, peer, version, &request) {
            let sent_ms = ctx.ms();
            let timeout_ms = self.settings.request_timeout_ms;
            let in_flight = InFlight { correlation_id, version, sent_ms, timeout_ms, tag: None };
            self.conns.get_mut(&conn).expect("just sent on it").in_flight.push_back(in_flight);
        }
    }

    fn frame(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, bytes: &Bytes, events: &mut Vec<LinkEvent<T>>) {
        let Some(c) = self.conns.get_mut(&conn) else { return };
        let peer = c.peer;
        let answered = frame::peek_correlation_id(bytes);
        let Some(request) = c.in_flight.pop_front().filter(|r| Some(r.correlation_id) == answered) else {
            // Not an answer to what was asked: nothing on this connection can be trusted any more.
            ctx.out.push(crate::seam::Output::Close { conn });
            self.closed(ctx, conn, events);
            return;
        };
        match request.tag {
            Some(tag) => events.push(LinkEvent::Answer { peer, tag, version: request.version, frame: bytes.clone() }),
            None => self.negotiated(ctx, conn, request.version, bytes, events),
        }
    }

    /// A broker that does not know the version of the question answers in version 0 and says so (KIP-511).
    fn negotiated(
        &mut self,
        ctx: &mut Ctx<'_>,
        conn: ConnId,
        version: i16,
        bytes: &Bytes,
        events: &mut Vec<LinkEvent<T>>,
    ) {
        let read = |version| frame::parse_response::<ApiVersionsRequest>(version, bytes).map(|(_, response)| response);
        let peer = self.conns[&conn].peer;
        let response = read(version).or_else(|_| read(0));
        match response {
            Ok(response) if response.error_code == 0 => {
                let versions = response.api_keys.iter().map(|k| (k.api_key, (k.min_version, k.max_version))).collect();
                self.conns.get_mut(&conn).expect("it has just spoken").state = State::Ready(versions);
                self.failures.remove(&peer);
            }
            Ok(response) if response.error_code == ErrorCode::UnsupportedVersion as i16 && version > 0 => {
                let versions = response.api_keys.iter().find(|k| k.api_key == ApiKey::ApiVersions.code());
                self.handshake(ctx, peer, versions.map_or(0, |k| k.max_version).min(version - 1).max(0));
            }
            _ => {
                ctx.out.push(crate::seam::Output::Close { conn });
                self.closed(ctx, conn, events);
            }
        }
    }

    fn closed(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, events: &mut Vec<LinkEvent<T>>) {
        let Some(c) = self.conns.remove(&conn) else { return };
        let peer = c.peer;
        if matches!(c.state, State::Connecting) && peer >= 0 {
            ctx.out.trace(|| EventKind::ConnectRefused { to: NodeId(peer) });
        }
        let (base, max) = (self.settings.reconnect_backoff_ms, self.settings.reconnect_backoff_max_ms);
        let failures = self.failures.entry(peer).or_default();
        failures.count += 1;
        failures.not_before_ms = ctx.ms() + backoff_ms(base, max, failures.count, &mut self.rng);
        let lost = c.in_flight.into_iter().filter_map(|r| r.tag);
        events.extend(lost.map(|tag| LinkEvent::Lost { peer, tag }));
        events.push(LinkEvent::Down);
    }
}
