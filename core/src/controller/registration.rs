//! BrokerRegistration (key 62): a broker joins, and gets its epoch (KIP-631; Kafka: `ClusterControlManager.registerBroker`).

use std::collections::BTreeSet;

use super::{
    api::{Command, Decision, State},
    election, features,
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    id::{NodeId, Uuid},
    metadata::{configs, registration::BrokerRegistration},
    wire::{
        broker_registration::{BrokerRegistrationRequest, BrokerRegistrationResponse},
        error::ErrorCode,
        metadata_records::{BrokerEndpoint, BrokerFeature, RegisterBrokerRecord},
    },
};

/// No registration is known: no broker can have stopped cleanly from it.
const UNKNOWN_EPOCH: i64 = -2;

impl Command for BrokerRegistrationRequest {
    const OF_USERS: bool = false;

    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.authorize(Operation::ClusterAction, Resource::Cluster) {
            return self.refuse(ErrorCode::ClusterAuthorizationFailed).into();
        }
        let id = NodeId(self.broker_id);
        let existing = state.image.broker(id).cloned();
        if let Err(error) = check(self, existing.as_ref(), state) {
            return self.refuse(error).into();
        }
        let mut record = record_of(self);
        let mut batch = Batch::default();
        // The same incarnation again: its registration is amended, and it stays as fenced as it was.
        let same = existing.as_ref().filter(|b| b.incarnation_id == self.incarnation_id);
        if let Some(broker) = same {
            record.broker_epoch = broker.epoch;
            record.fenced = broker.fenced;
            record.in_controlled_shutdown = broker.in_controlled_shutdown;
        } else {
            leave_behind(self, existing.as_ref(), state, &mut batch);
            record.broker_epoch = state.next_offset;
        }
        let broker_epoch = record.broker_epoch;
        batch.push(record);
        state.sessions.register(id, broker_epoch);
        Decision { batch, response: BrokerRegistrationResponse { broker_epoch, ..Default::default() } }
    }

    fn refuse(&self, error: ErrorCode) -> BrokerRegistrationResponse {
        BrokerRegistrationResponse { error_code: error.code(), ..Default::default() }
    }
}

fn check(
    request: &BrokerRegistrationRequest,
    existing: Option<&BrokerRegistration>,
    state: &State<'_>,
) -> Result<(), ErrorCode> {
    if request.cluster_id != state.config.cluster_id {
        return Err(ErrorCode::InconsistentClusterId);
    }
    // Negative ids mean "nobody" elsewhere.
    if request.broker_id < 0 {
        return Err(ErrorCode::InvalidRequest);
    }
    if let Some(broker) = existing.filter(|b| b.incarnation_id != request.incarnation_id) {
        // Two processes with one id, or one that was restarted before its old session ended; that passes by itself.
        if state.sessions.is_valid(broker, state.now, state.config.broker_session_timeout_ms) {
            return Err(ErrorCode::DuplicateBrokerRegistration);
        }
    }
    if request.is_migrating_zk_broker {
        return Err(ErrorCode::BrokerIdNotRegistered);
    }
    let dirs: BTreeSet<Uuid> = request.log_dirs.iter().copied().collect();
    let of_another =
        |b: &BrokerRegistration| b.id.0 != request.broker_id && b.log_dirs.iter().any(|d| dirs.contains(d));
    if dirs.is_empty()
        || dirs.len() != request.log_dirs.len()
        || dirs.iter().any(|d| is_reserved(*d))
        || state.image.brokers().any(of_another)
    {
        return Err(ErrorCode::InvalidRegistration);
    }
    if !request.features.iter().any(|f| f.name == configs::METADATA_VERSION) {
        return Err(ErrorCode::InvalidRegistration);
    }
    features::check_supported(state.image, |name| {
        let feature = request.features.iter().find(|f| f.name == name)?;
        Some(feature.min_supported_version..=feature.max_supported_version)
    })
}

/// Ids that mean "none" or "lost" (Kafka: `DirectoryId.reserved`).
fn is_reserved(directory: Uuid) -> bool {
    let bytes = directory.0;
    bytes[..15].iter().all(|&b| b == 0) && bytes[15] < 100
}

/// What a new incarnation means for the partitions of the old one. `previous_broker_epoch` comes from the file that
/// only a clean stop leaves behind (KIP-966).
fn leave_behind(
    request: &BrokerRegistrationRequest,
    existing: Option<&BrokerRegistration>,
    state: &State<'_>,
    batch: &mut Batch,
) {
    let id = NodeId(request.broker_id);
    let clean = request.previous_broker_epoch == existing.map_or(UNKNOWN_EPOCH, |b| b.epoch);
    if clean || !state.elr_enabled() {
        election::remove_from_isrs(id, state, batch, &format!("broker {id} was restarted"));
    } else {
        let why = format!("broker {id} was restarted after an unclean stop and may have lost its last writes");
        election::forget_unclean(id, state, batch, &why);
    }
}

fn record_of(request: &BrokerRegistrationRequest) -> RegisterBrokerRecord {
    RegisterBrokerRecord {
        broker_id: request.broker_id,
        incarnation_id: request.incarnation_id,
        end_points: request
            .listeners
            .iter()
            .map(|l| BrokerEndpoint {
                name: l.name.clone(),
                host: l.host.clone(),
                port: l.port,
                security_protocol: l.security_protocol,
            })
            .collect(),
        features: request
            .features
            .iter()
            .map(|f| BrokerFeature {
                name: f.name.clone(),
                min_supported_version: f.min_supported_version,
                max_supported_version: f.max_supported_version,
            })
            .collect(),
        rack: request.rack.clone(),
        fenced: true,
        log_dirs: request.log_dirs.clone(),
        ..Default::default()
    }
}
