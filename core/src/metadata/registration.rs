//! What the image knows of one broker, one controller and one partition, and how change records alter it.

use crate::{
    id::{Endpoint, NodeId, Uuid},
    wire::metadata_records::{
        BrokerRegistrationChangeRecord, PartitionChangeRecord, PartitionRecord, RegisterBrokerRecord,
        RegisterControllerRecord,
    },
};

/// Nobody leads (Kafka: `LeaderConstants.NO_LEADER`).
pub const NO_LEADER: i32 = -1;
/// In a change record: the leader stays, and so does its epoch (Kafka: `LeaderConstants.NO_LEADER_CHANGE`).
pub const NO_LEADER_CHANGE: i32 = -2;
/// The leader has all committed records (Kafka: `LeaderRecoveryState.RECOVERED`).
pub const RECOVERED: i8 = 0;
/// Elected uncleanly; the leader has yet to settle what is in its log (Kafka: `LeaderRecoveryState.RECOVERING`, KIP-704).
pub const RECOVERING: i8 = 1;
const NO_RECOVERY_CHANGE: i8 = -1;

/// An address by the listener's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedEndpoint {
    pub name: String,
    pub endpoint: Endpoint,
    /// Kafka's number of the protocol: 0 is PLAINTEXT.
    pub security_protocol: i16,
}

/// Versions of a feature that a node can work with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportedFeature {
    pub name: String,
    pub min: i16,
    pub max: i16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerRegistration {
    pub id: NodeId,
    /// Offset of the record that registered it.
    pub epoch: i64,
    pub incarnation_id: Uuid,
    pub endpoints: Vec<NamedEndpoint>,
    pub features: Vec<SupportedFeature>,
    pub rack: Option<String>,
    /// A fenced broker leads nothing, is in no ISR, and clients do not see it.
    pub fenced: bool,
    pub in_controlled_shutdown: bool,
    pub log_dirs: Vec<Uuid>,
}

impl BrokerRegistration {
    /// May lead partitions and join ISRs (Kafka: `ClusterControlManager.isActive`).
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }

    /// The address of the listener with that name, or else the first.
    pub fn endpoint(&self, listener: &str) -> Option<&Endpoint> {
        let named = self.endpoints.iter().find(|e| e.name == listener);
        named.or_else(|| self.endpoints.first()).map(|e| &e.endpoint)
    }

    pub(super) fn from_record(record: &RegisterBrokerRecord) -> Self {
        Self {
            id: NodeId(record.broker_id),
            epoch: record.broker_epoch,
            incarnation_id: record.incarnation_id,
            endpoints: record
                .end_points
                .iter()
                .map(|e| NamedEndpoint {
                    name: e.name.clone(),
                    endpoint: Endpoint { host: e.host.clone(), port: e.port },
                    security_protocol: e.security_protocol,
                })
                .collect(),
            features: record
                .features
                .iter()
                .map(|f| SupportedFeature {
                    name: f.name.clone(),
                    min: f.min_supported_version,
                    max: f.max_supported_version,
                })
                .collect(),
            rack: record.rack.clone(),
            fenced: record.fenced,
            in_controlled_shutdown: record.in_controlled_shutdown,
            log_dirs: record.log_dirs.clone(),
        }
    }

    pub(super) fn to_record(&self) -> RegisterBrokerRecord {
        use crate::wire::metadata_records::{BrokerEndpoint, BrokerFeature};
        RegisterBrokerRecord {
            broker_id: self.id.0,
            is_migrating_zk_broker: false,
            incarnation_id: self.incarnation_id,
            broker_epoch: self.epoch,
            end_points: self
                .endpoints
                .iter()
                .map(|e| BrokerEndpoint {
                    name: e.name.clone(),
                    host: e.endpoint.host.clone(),
                    port: e.endpoint.port,
                    security_protocol: e.security_protocol,
                })
                .collect(),
            features: self
                .features
                .iter()
                .map(|f| BrokerFeature {
                    name: f.name.clone(),
                    min_supported_version: f.min,
                    max_supported_version: f.max,
                })
                .collect(),
            rack: self.rack.clone(),
            fenced: self.fenced,
            in_controlled_shutdown: self.in_controlled_shutdown,
            log_dirs: self.log_dirs.clone(),
            cordoned_log_dirs: None,
        }
    }

    /// Signs of `fenced`: 1 fences, -1 unfences, 0 leaves it. Controlled shutdown can only begin; it ends with a new
    /// registration (Kafka: `BrokerRegistrationFencingChange`, `BrokerRegistrationInControlledShutdownChange`).
    pub(super) fn change(&mut self, change: &BrokerRegistrationChangeRecord) {
        match change.fenced {
            1 => self.fenced = true,
            -1 => self.fenced = false,
            _ => {}
        }
        if change.in_controlled_shutdown == 1 {
            self.in_controlled_shutdown = true;
        }
        if !change.log_dirs.is_empty() {
            self.log_dirs.clone_from(&change.log_dirs);
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerRegistration {
    pub id: NodeId,
    pub incarnation_id: Uuid,
    pub endpoints: Vec<NamedEndpoint>,
    pub features: Vec<SupportedFeature>,
}

impl ControllerRegistration {
    pub(super) fn from_record(record: &RegisterControllerRecord) -> Self {
        Self {
            id: NodeId(record.controller_id),
            incarnation_id: record.incarnation_id,
            endpoints: record
                .end_points
                .iter()
                .map(|e| NamedEndpoint {
                    name: e.name.clone(),
                    endpoint: Endpoint { host: e.host.clone(), port: e.port },
                    security_protocol: e.security_protocol,
                })
                .collect(),
            features: record
                .features
                .iter()
                .map(|f| SupportedFeature {
                    name: f.name.clone(),
                    min: f.min_supported_version,
                    max: f.max_supported_version,
                })
                .collect(),
        }
    }

    pub(super) fn to_record(&self) -> RegisterControllerRecord {
        use crate::wire::metadata_records::{ControllerEndpoint, ControllerFeature};
        RegisterControllerRecord {
            controller_id: self.id.0,
            incarnation_id: self.incarnation_id,
            zk_migration_ready: false,
            end_points: self
                .endpoints
                .iter()
                .map(|e| ControllerEndpoint {
                    name: e.name.clone(),
                    host: e.endpoint.host.clone(),
                    port: e.endpoint.port,
                    security_protocol: e.security_protocol,
                })
                .collect(),
            features: self
                .features
                .iter()
                .map(|f| ControllerFeature {
                    name: f.name.clone(),
                    min_supported_version: f.min,
                    max_supported_version: f.max,
                })
                .collect(),
        }
    }
}

/// One partition as the controller last decided (Kafka: `PartitionRegistration`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionRegistration {
    /// In assignment order: the first is the preferred leader.
    pub replicas: Vec<NodeId>,
    /// Parallel to `replicas`.
    pub directories: Vec<Uuid>,
    pub isr: Vec<NodeId>,
    /// Eligible leader replicas: left the ISR when it fell below the minimum, and have all committed records (KIP-966).
    pub elr: Vec<NodeId>,
    /// With an empty ISR: who led last.
    pub last_known_elr: Vec<NodeId>,
    pub removing_replicas: Vec<NodeId>,
    pub adding_replicas: Vec<NodeId>,
    /// [`NO_LEADER`]: nobody.
    pub leader: i32,
    pub leader_recovery_state: i8,
    /// Grows with each change of the leader.
    pub leader_epoch: i32,
    /// Grows with each change of anything.
    pub partition_epoch: i32,
}

impl PartitionRegistration {
    pub fn leader(&self) -> Option<NodeId> {
        (self.leader >= 0).then_some(NodeId(self.leader))
    }

    /// The first replica of the assignment leads.
    pub fn has_preferred_leader(&self) -> bool {
        self.replicas.first().map(|r| r.0) == Some(self.leader)
    }

    /// Replicas are being added or removed (KIP-455).
    pub fn is_reassigning(&self) -> bool {
        !self.adding_replicas.is_empty() || !self.removing_replicas.is_empty()
    }

    pub(super) fn from_record(record: &PartitionRecord) -> Self {
        Self {
            replicas: nodes(&record.replicas),
            directories: record.directories.clone(),
            isr: nodes(&record.isr),
            elr: record.eligible_leader_replicas.as_deref().map(nodes).unwrap_or_default(),
            last_known_elr: record.last_known_elr.as_deref().map(nodes).unwrap_or_default(),
            removing_replicas: nodes(&record.removing_replicas),
            adding_replicas: nodes(&record.adding_replicas),
            leader: record.leader,
            leader_recovery_state: record.leader_recovery_state,
            leader_epoch: record.leader_epoch,
            partition_epoch: record.partition_epoch,
        }
    }

    /// The record that makes this partition anew.
    pub fn to_record(&self, topic_id: Uuid, partition_id: i32) -> PartitionRecord {
        let some = |list: &[NodeId]| (!list.is_empty()).then(|| numbers(list));
        PartitionRecord {
            partition_id,
            topic_id,
            replicas: numbers(&self.replicas),
            isr: numbers(&self.isr),
            removing_replicas: numbers(&self.removing_replicas),
            adding_replicas: numbers(&self.adding_replicas),
            leader: self.leader,
            leader_recovery_state: self.leader_recovery_state,
            leader_epoch: self.leader_epoch,
            partition_epoch: self.partition_epoch,
            directories: self.directories.clone(),
            eligible_leader_replicas: some(&self.elr),
            last_known_elr: some(&self.last_known_elr),
        }
    }

    /// Naming a leader, even the same one, begins a new leader epoch; any change begins a new partition epoch
    /// (Kafka: `PartitionRegistration.merge`).
    pub fn change(&mut self, change: &PartitionChangeRecord) {
        let set = |to: &mut Vec<NodeId>, from: &Option<Vec<i32>>| {
            if let Some(from) = from {
                *to = nodes(from);
            }
        };
        set(&mut self.isr, &change.isr);
        set(&mut self.replicas, &change.replicas);
        set(&mut self.removing_replicas, &change.removing_replicas);
        set(&mut self.adding_replicas, &change.adding_replicas);
        set(&mut self.elr, &change.eligible_leader_replicas);
        set(&mut self.last_known_elr, &change.last_known_elr);
        if let Some(directories) = &change.directories {
            self.directories.clone_from(directories);
        }
        if change.leader != NO_LEADER_CHANGE {
            self.leader = change.leader;
            self.leader_epoch = self.leader_epoch.saturating_add(1);
        }
        if change.leader_recovery_state != NO_RECOVERY_CHANGE {
            self.leader_recovery_state = change.leader_recovery_state;
        }
        self.partition_epoch = self.partition_epoch.saturating_add(1);
    }
}

pub fn nodes(ids: &[i32]) -> Vec<NodeId> {
    ids.iter().copied().map(NodeId).collect()
}

pub fn numbers(ids: &[NodeId]) -> Vec<i32> {
    ids.iter().map(|id| id.0).collect()
}
