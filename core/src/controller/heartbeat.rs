//! Broker sessions: who was heard lately, and what a broker that is heard may become (KIP-631).
//!
//! A broker that is silent for `broker.session.timeout.ms` is fenced. The active controller looks for such brokers every
//! eighth of that time, so the silence lasts a little longer than the session (Kafka: `BrokerHeartbeatTracker`,
//! `QuorumController.maybeFenceStaleBroker`).

use std::collections::BTreeMap;

use super::{
    api::{Command, Decision, State},
    election,
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    id::{EventId, NodeId},
    metadata::{image::MetadataImage, registration::BrokerRegistration},
    seam::Time,
    wire::{
        broker_heartbeat::{BrokerHeartbeatRequest, BrokerHeartbeatResponse},
        error::ErrorCode,
        metadata_records::BrokerRegistrationChangeRecord,
    },
};

/// What is known of a broker beside its registration; not in the log, and begun anew by each active controller.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The registration it belongs to.
    pub epoch: i64,
    /// `None`: registered, and never heard by this controller.
    pub last_contact: Option<Time>,
    /// How far the broker has replayed the metadata log, by its last heartbeat.
    pub metadata_offset: i64,
    /// Set while it shuts down: once every active broker has replayed the log up to here, none of them still sends
    /// clients to it.
    pub controlled_shutdown_offset: Option<i64>,
    /// The event that brought its last heartbeat: the cause of a fencing for silence.
    pub cause: Option<EventId>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    brokers: BTreeMap<NodeId, Session>,
}

impl Sessions {
    /// Of a controller that has just become active: it has heard nobody, and gives every unfenced broker a whole session
    /// to find it (Kafka: `ClusterControlManager.activate`).
    pub(super) fn begin(image: &MetadataImage, now: Time) -> Self {
        let mut sessions = Self::default();
        for broker in image.brokers() {
            sessions.register(broker.id, broker.epoch);
            if !broker.fenced {
                sessions.touch(broker.id, broker.epoch, now, None);
            }
        }
        sessions
    }

    /// A new registration begins without a contact: the first heartbeat begins its session.
    pub(super) fn register(&mut self, id: NodeId, epoch: i64) {
        let same = self.brokers.get(&id).is_some_and(|s| s.epoch == epoch);
        if !same {
            let session = Session {
                epoch,
                last_contact: None,
                metadata_offset: -1,
                controlled_shutdown_offset: None,
                cause: None,
            };
            self.brokers.insert(id, session);
        }
    }

    pub(super) fn get(&self, id: NodeId) -> Option<&Session> {
        self.brokers.get(&id)
    }

    fn touch(&mut self, id: NodeId, epoch: i64, now: Time, cause: Option<EventId>) {
        if let Some(session) = self.brokers.get_mut(&id).filter(|s| s.epoch == epoch) {
            session.last_contact = Some(now);
            session.cause = cause;
        }
    }

    /// It was heard within the session time, fenced or not. Until that is over nobody else may take its id, so a broker
    /// that was killed and restarted at once has to wait.
    pub(super) fn is_valid(&self, broker: &BrokerRegistration, now: Time, session_ms: u64) -> bool {
        self.brokers
            .get(&broker.id)
            .filter(|s| s.epoch == broker.epoch)
            .and_then(|s| s.last_contact)
            .is_some_and(|contact| now <= contact.plus_ms(session_ms))
    }

    /// The next unfenced broker whose session has ended, and for how long it has been silent.
    pub(super) fn find_stale(&self, image: &MetadataImage, now: Time, session_ms: u64) -> Option<(NodeId, u64)> {
        image.brokers().filter(|b| !b.fenced && !self.is_valid(b, now, session_ms)).find_map(|b| {
            let contact = self.brokers.get(&b.id).filter(|s| s.epoch == b.epoch)?.last_contact?;
            Some((b.id, now.ms_since(contact)))
        })
    }

    /// How far the slowest active broker has replayed the log.
    fn lowest_active_offset(&self, image: &MetadataImage) -> i64 {
        let active = image.brokers().filter(|b| b.is_active());
        active.filter_map(|b| self.brokers.get(&b.id)).map(|s| s.metadata_offset).min().unwrap_or(i64::MAX)
    }
}

/// Kafka: `BrokerControlState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ControlState {
    Fenced,
    Unfenced,
    ControlledShutdown,
    ShutdownNow,
}

impl Command for BrokerHeartbeatRequest {
    const OF_USERS: bool = false;

    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.authorize(Operation::ClusterAction, Resource::Cluster) {
            return self.refuse(ErrorCode::ClusterAuthorizationFailed).into();
        }
        let id = NodeId(self.broker_id);
        let broker = match state.check_broker_epoch(id, self.broker_epoch) {
            Ok(broker) => broker.clone(),
            Err(error) => return self.refuse(error).into(),
        };
        state.sessions.touch(id, broker.epoch, state.now, state.cause);

        let current = current_state(&broker, state.sessions);
        let next = self.next_state(current, &broker, state);
        let mut batch = Batch::default();
        if next != current {
            match next {
                ControlState::Unfenced => unfence(&broker, state, &mut batch),
                ControlState::Fenced => fence(&broker, state, &mut batch, "asked to be fenced"),
                ControlState::ShutdownNow if !broker.fenced => {
                    fence(&broker, state, &mut batch, "shut down cleanly");
                }
                ControlState::ShutdownNow => {}
                ControlState::ControlledShutdown => begin_controlled_shutdown(&broker, state, &mut batch),
            }
        }
        let end_of_batch = state.next_offset + batch.len() as i64 - 1;
        let session = state.sessions.brokers.get_mut(&id).expect("registered brokers have a session");
        session.metadata_offset = self.current_metadata_offset;
        match next {
            ControlState::ControlledShutdown => {
                session.controlled_shutdown_offset.get_or_insert(end_of_batch);
            }
            ControlState::Fenced | ControlState::ShutdownNow => session.controlled_shutdown_offset = None,
            ControlState::Unfenced => {}
        }
        let response = BrokerHeartbeatResponse {
            is_caught_up: self.current_metadata_offset >= broker.epoch,
            is_fenced: matches!(next, ControlState::Fenced | ControlState::ShutdownNow),
            should_shut_down: next == ControlState::ShutdownNow,
            ..Default::default()
        };
        Decision { batch, response }
    }

    fn refuse(&self, error: ErrorCode) -> BrokerHeartbeatResponse {
        BrokerHeartbeatResponse { error_code: error.code(), ..Default::default() }
    }
}

fn current_state(broker: &BrokerRegistration, sessions: &Sessions) -> ControlState {
    let shutting_down = sessions.get(broker.id).is_some_and(|s| s.controlled_shutdown_offset.is_some());
    if shutting_down {
        ControlState::ControlledShutdown
    } else if broker.fenced {
        ControlState::Fenced
    } else {
        ControlState::Unfenced
    }
}

trait NextState {
    fn next_state(&self, current: ControlState, broker: &BrokerRegistration, state: &State<'_>) -> ControlState;
}

impl NextState for BrokerHeartbeatRequest {
    /// Kafka: `BrokerHeartbeatManager.calculateNextBrokerState`.
    fn next_state(&self, current: ControlState, broker: &BrokerRegistration, state: &State<'_>) -> ControlState {
        let leads = || state.index.leads_any(broker.id);
        // The epoch is the offset of the registration, so a broker that has replayed it knows its own fencing state.
        let caught_up = self.current_metadata_offset >= broker.epoch;
        match current {
            ControlState::Fenced if self.want_shut_down => ControlState::ShutdownNow,
            ControlState::Fenced if !self.want_fence && caught_up => ControlState::Unfenced,
            ControlState::Fenced => ControlState::Fenced,
            ControlState::Unfenced => match (self.want_fence, self.want_shut_down) {
                (true, true) => ControlState::ShutdownNow,
                (true, false) => ControlState::Fenced,
                (false, true) if leads() => ControlState::ControlledShutdown,
                (false, true) => ControlState::ShutdownNow,
                (false, false) => ControlState::Unfenced,
            },
            ControlState::ControlledShutdown => {
                let offset = state.sessions.get(broker.id).and_then(|s| s.controlled_shutdown_offset);
                let known_to_all = offset.is_none_or(|o| o <= state.sessions.lowest_active_offset(state.image));
                if leads() || !known_to_all { ControlState::ControlledShutdown } else { ControlState::ShutdownNow }
            }
            ControlState::ShutdownNow => ControlState::ShutdownNow,
        }
    }
}

/// Takes the broker out of every ISR, moves its leaderships, and then fences it
/// (Kafka: `ReplicationControlManager.handleBrokerFenced`).
pub(super) fn fence(broker: &BrokerRegistration, state: &State<'_>, batch: &mut Batch, how: &str) {
    let why = format!("broker {} {how}", broker.id);
    election::remove_from_isrs(broker.id, state, batch, &why);
    batch.push(BrokerRegistrationChangeRecord { fenced: 1, ..change_of(broker) });
}

/// Unfences the broker and lets it lead what has no leader and waits for it (Kafka: `handleBrokerUnfenced`).
fn unfence(broker: &BrokerRegistration, state: &State<'_>, batch: &mut Batch) {
    batch.push(BrokerRegistrationChangeRecord { fenced: -1, ..change_of(broker) });
    election::elect_leaderless(broker.id, state, batch, &format!("broker {} is back", broker.id));
}

/// Moves its leaderships and takes it out of every ISR while it still serves (Kafka: `handleBrokerInControlledShutdown`).
fn begin_controlled_shutdown(broker: &BrokerRegistration, state: &State<'_>, batch: &mut Batch) {
    if !broker.in_controlled_shutdown {
        batch.push(BrokerRegistrationChangeRecord { in_controlled_shutdown: 1, ..change_of(broker) });
    }
    election::remove_from_isrs(broker.id, state, batch, &format!("broker {} is shutting down", broker.id));
}

fn change_of(broker: &BrokerRegistration) -> BrokerRegistrationChangeRecord {
    BrokerRegistrationChangeRecord { broker_id: broker.id.0, broker_epoch: broker.epoch, ..Default::default() }
}
