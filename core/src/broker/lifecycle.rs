//! A broker's life in the cluster: it registers, catches up with the metadata, is unfenced, sends heartbeats, and hands
//! over before it goes (KIP-631; Kafka: `BrokerLifecycleManager`).

use super::{Broker, Purpose, controller_channel::Question};
use crate::{
    id::Uuid,
    metadata::features,
    seam::{Ctx, Output, Time},
    trace::EventKind,
    wire::{
        broker_heartbeat::{BrokerHeartbeatRequest, BrokerHeartbeatResponse},
        broker_registration::{BrokerRegistrationRequest, BrokerRegistrationResponse, Feature, Listener},
        error::ErrorCode,
    },
};

pub const REGISTRATION_VERSION: i16 = 4;
pub const HEARTBEAT_VERSION: i16 = 1;
/// First and longest wait before a registration that was refused is tried again.
const RETRY_MS: std::ops::RangeInclusive<u64> = 100..=1000;
/// While it hands over its partitions, a broker asks this often whether it may go.
const SHUTDOWN_POLL_MS: u64 = 50;

#[derive(Clone, Debug)]
pub struct Lifecycle {
    /// What the marker of a clean stop said; -1 when the last stop was not clean.
    previous_broker_epoch: i64,
    /// -1: not registered.
    pub broker_epoch: i64,
    /// As the controller last said.
    pub fenced: bool,
    /// It has replayed the metadata log beyond its own registration.
    ready: bool,
    /// Connections are accepted: since it was unfenced for the first time, and for good. A broker that is fenced again
    /// goes on answering (Kafka: `BrokerServer.startup` opens its sockets after `initialUnfenceFuture`).
    listening: bool,
    next_at: Time,
    retry_ms: u64,
    /// Set while it asks to be let go.
    pub wants_shutdown: bool,
    pub may_shut_down: bool,
    /// When the controller last answered anything.
    pub last_answer: Time,
}

impl Lifecycle {
    pub fn new(previous_broker_epoch: Option<i64>, now: Time) -> Self {
        Self {
            previous_broker_epoch: previous_broker_epoch.unwrap_or(-1),
            broker_epoch: -1,
            fenced: true,
            ready: false,
            listening: false,
            next_at: now,
            retry_ms: *RETRY_MS.start(),
            wants_shutdown: false,
            may_shut_down: false,
            last_answer: now,
        }
    }

    pub fn is_registered(&self) -> bool {
        self.broker_epoch >= 0
    }

    /// Speaks with the controller as soon as possible.
    pub fn hurry(&mut self, now: Time) {
        self.next_at = now;
    }

    pub fn deadline(&self) -> Time {
        self.next_at
    }
}

impl Broker {
    /// Registers or sends a heartbeat when it is time.
    pub(super) fn drive_lifecycle(&mut self, ctx: &mut Ctx) {
        let now = ctx.now.mono;
        let caught_up =
            self.image.broker(self.config.node_id).is_some_and(|me| me.epoch == self.lifecycle.broker_epoch);
        if self.lifecycle.is_registered() && caught_up && !self.lifecycle.ready {
            self.lifecycle.ready = true;
            self.begin_publishing(ctx);
            self.replicas.remove_strays(ctx, &self.image);
            self.lifecycle.hurry(now);
        }
        if now < self.lifecycle.next_at || !self.heartbeats.is_idle() {
            return;
        }
        // Time alone led here.
        ctx.out.because(None);
        self.lifecycle.next_at = now.plus_ms(self.config.broker_heartbeat_interval_ms);
        if self.lifecycle.is_registered() {
            let request = self.heartbeat();
            self.heartbeats.ask(ctx, HEARTBEAT_VERSION, &request, Purpose::Heartbeat, None);
        } else if !self.lifecycle.wants_shutdown {
            let request = self.registration();
            self.heartbeats.ask(ctx, REGISTRATION_VERSION, &request, Purpose::Register, None);
        }
    }

    fn registration(&self) -> BrokerRegistrationRequest {
        let config = &self.config;
        BrokerRegistrationRequest {
            broker_id: config.node_id.0,
            cluster_id: config.cluster_id.clone(),
            incarnation_id: config.incarnation_id,
            listeners: vec![Listener {
                name: crate::replica::LISTENER.into(),
                host: config.advertised.host.clone(),
                port: config.advertised.port,
                security_protocol: 0,
            }],
            features: features::SUPPORTED
                .iter()
                .map(|&(name, min_supported_version, max_supported_version)| Feature {
                    name: name.into(),
                    min_supported_version,
                    max_supported_version,
                })
                .collect(),
            rack: config.rack.clone(),
            log_dirs: vec![config.directory_id],
            previous_broker_epoch: self.lifecycle.previous_broker_epoch,
            ..Default::default()
        }
    }

    fn heartbeat(&self) -> BrokerHeartbeatRequest {
        BrokerHeartbeatRequest {
            broker_id: self.config.node_id.0,
            broker_epoch: self.lifecycle.broker_epoch,
            current_metadata_offset: self.image.offset(),
            // With its only log directory failed, Kafka's broker halts. This one stays up and asks to be fenced, which
            // has the same effect for everybody else: what it led is led by others.
            want_fence: !self.lifecycle.ready || !self.replicas.is_healthy(),
            want_shut_down: self.lifecycle.wants_shutdown,
            offline_log_dirs: Vec::<Uuid>::new(),
            ..Default::default()
        }
    }

    pub(super) fn registered(
        &mut self,
        ctx: &mut Ctx,
        question: Question<Purpose>,
        response: &BrokerRegistrationResponse,
    ) {
        let now = ctx.now.mono;
        self.lifecycle.last_answer = now;
        match ErrorCode::from_code(response.error_code) {
            ErrorCode::None => {
                self.lifecycle.broker_epoch = response.broker_epoch;
                self.replicas.broker_epoch = response.broker_epoch;
                self.lifecycle.retry_ms = *RETRY_MS.start();
                self.lifecycle.hurry(now);
            }
            ErrorCode::NotController => self.heartbeats.again(ctx, question),
            error => {
                // Most often our own former life, whose session has to end first. Kafka waits up to half a session here;
                // a shorter wait only makes the return quicker. Anything else is for whoever looks after this node.
                if error != ErrorCode::DuplicateBrokerRegistration
                    && let Some((by, _)) = self.raft.leader()
                {
                    ctx.out.note(|| EventKind::TurnedAway { by, error: error.code() });
                }
                self.lifecycle.next_at = now.plus_ms(self.lifecycle.retry_ms);
                self.lifecycle.retry_ms = (self.lifecycle.retry_ms * 2).min(*RETRY_MS.end());
            }
        }
    }

    pub(super) fn heard(&mut self, ctx: &mut Ctx, question: Question<Purpose>, response: &BrokerHeartbeatResponse) {
        let now = ctx.now.mono;
        match ErrorCode::from_code(response.error_code) {
            ErrorCode::None => {
                self.lifecycle.last_answer = now;
                self.lifecycle.fenced = response.is_fenced;
                if !response.is_fenced && !self.lifecycle.listening && !self.lifecycle.wants_shutdown {
                    self.lifecycle.listening = true;
                    ctx.out.push(Output::Listen);
                }
                self.lifecycle.may_shut_down |= self.lifecycle.wants_shutdown && response.should_shut_down;
                if self.lifecycle.wants_shutdown {
                    self.lifecycle.next_at = now.plus_ms(SHUTDOWN_POLL_MS);
                }
            }
            ErrorCode::NotController => self.heartbeats.again(ctx, question),
            // The cluster was told to forget this broker, or knows a newer incarnation of it. Kafka's broker goes on
            // knocking, and registers only when it is started again.
            error @ (ErrorCode::StaleBrokerEpoch | ErrorCode::BrokerIdNotRegistered) => {
                if !self.lifecycle.fenced
                    && let Some((by, _)) = self.raft.leader()
                {
                    ctx.out.note(|| EventKind::TurnedAway { by, error: error.code() });
                }
                self.lifecycle.fenced = true;
                // Nobody counts on it, so it need not hand anything over.
                self.lifecycle.may_shut_down |= self.lifecycle.wants_shutdown;
            }
            _ => self.lifecycle.next_at = now.plus_ms(*RETRY_MS.start()),
        }
    }
}
