//! Records of `__cluster_metadata`: the cluster is the sum of these (KIP-631).

use bytes::Bytes;
use lab_derive::Message;

use super::schema::Schema;
use crate::id::Uuid;

/// The fields of the record with that type number, if it is one of those below.
pub fn schema(api_key: i16) -> Option<&'static Schema> {
    SCHEMAS.iter().copied().find(|schema| schema.api_key == Some(api_key))
}

/// All of them, in the order below.
pub const SCHEMAS: &[&Schema] = &[
    RegisterBrokerRecord::SCHEMA,
    UnregisterBrokerRecord::SCHEMA,
    TopicRecord::SCHEMA,
    PartitionRecord::SCHEMA,
    ConfigRecord::SCHEMA,
    ClientQuotaRecord::SCHEMA,
    UserScramCredentialRecord::SCHEMA,
    RemoveUserScramCredentialRecord::SCHEMA,
    PartitionChangeRecord::SCHEMA,
    RemoveTopicRecord::SCHEMA,
    FeatureLevelRecord::SCHEMA,
    ProducerIdsRecord::SCHEMA,
    BrokerRegistrationChangeRecord::SCHEMA,
    NoOpRecord::SCHEMA,
    BeginTransactionRecord::SCHEMA,
    EndTransactionRecord::SCHEMA,
    AbortTransactionRecord::SCHEMA,
    RegisterControllerRecord::SCHEMA,
    FenceBrokerRecord::SCHEMA,
    UnfenceBrokerRecord::SCHEMA,
    ClearElrRecord::SCHEMA,
];

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 0, versions = "0-4", flexible = "0+")]
pub struct RegisterBrokerRecord {
    #[wire(versions = "0+")]
    pub broker_id: i32,
    #[wire(versions = "2+", default = "false")]
    pub is_migrating_zk_broker: bool,
    #[wire(versions = "0+")]
    pub incarnation_id: Uuid,
    #[wire(versions = "0+")]
    pub broker_epoch: i64,
    #[wire(versions = "0+")]
    pub end_points: Vec<BrokerEndpoint>,
    #[wire(versions = "0+")]
    pub features: Vec<BrokerFeature>,
    #[wire(versions = "0+", nullable = "0+")]
    pub rack: Option<String>,
    #[wire(versions = "0+", default = "true")]
    pub fenced: bool,
    #[wire(versions = "1+", default = "false")]
    pub in_controlled_shutdown: bool,
    #[wire(versions = "3+", tag = 0)]
    pub log_dirs: Vec<Uuid>,
    #[wire(versions = "4+", nullable = "4+", default = "null", tag = 1)]
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct BrokerEndpoint {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub host: String,
    #[wire(versions = "0+")]
    pub port: u16,
    #[wire(versions = "0+")]
    pub security_protocol: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct BrokerFeature {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub min_supported_version: i16,
    #[wire(versions = "0+")]
    pub max_supported_version: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 1, versions = "0", flexible = "0+")]
pub struct UnregisterBrokerRecord {
    #[wire(versions = "0+")]
    pub broker_id: i32,
    #[wire(versions = "0+")]
    pub broker_epoch: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 2, versions = "0", flexible = "0+")]
pub struct TopicRecord {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub topic_id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 3, versions = "0-2", flexible = "0+")]
pub struct PartitionRecord {
    #[wire(versions = "0+", default = "-1")]
    pub partition_id: i32,
    #[wire(versions = "0+")]
    pub topic_id: Uuid,
    #[wire(versions = "0+")]
    pub replicas: Vec<i32>,
    #[wire(versions = "0+")]
    pub isr: Vec<i32>,
    #[wire(versions = "0+")]
    pub removing_replicas: Vec<i32>,
    #[wire(versions = "0+")]
    pub adding_replicas: Vec<i32>,
    #[wire(versions = "0+", default = "-1")]
    pub leader: i32,
    #[wire(versions = "0+", default = "0", tag = 0)]
    pub leader_recovery_state: i8,
    #[wire(versions = "0+", default = "-1")]
    pub leader_epoch: i32,
    #[wire(versions = "0+", default = "-1")]
    pub partition_epoch: i32,
    #[wire(versions = "1+")]
    pub directories: Vec<Uuid>,
    #[wire(versions = "2+", nullable = "2+", default = "null", tag = 1)]
    pub eligible_leader_replicas: Option<Vec<i32>>,
    #[wire(versions = "2+", nullable = "2+", default = "null", tag = 2)]
    pub last_known_elr: Option<Vec<i32>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 4, versions = "0", flexible = "0+")]
pub struct ConfigRecord {
    #[wire(versions = "0+")]
    pub resource_type: i8,
    #[wire(versions = "0+")]
    pub resource_name: String,
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+", nullable = "0+")]
    pub value: Option<String>,
}

/// One limit of one entity: each of a user, a client id and an address, or some of them together (KIP-546).
#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 14, versions = "0", flexible = "0+")]
pub struct ClientQuotaRecord {
    #[wire(versions = "0+")]
    pub entity: Vec<EntityData>,
    #[wire(versions = "0+")]
    pub key: String,
    #[wire(versions = "0+")]
    pub value: f64,
    #[wire(versions = "0+")]
    pub remove: bool,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct EntityData {
    #[wire(versions = "0+")]
    pub entity_type: String,
    /// `None`: the default of all entities of that type.
    #[wire(versions = "0+", nullable = "0+")]
    pub entity_name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 11, versions = "0", flexible = "0+")]
pub struct UserScramCredentialRecord {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub mechanism: i8,
    #[wire(versions = "0+")]
    pub salt: Bytes,
    #[wire(versions = "0+")]
    pub stored_key: Bytes,
    #[wire(versions = "0+")]
    pub server_key: Bytes,
    #[wire(versions = "0+")]
    pub iterations: i32,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 22, versions = "0", flexible = "0+")]
pub struct RemoveUserScramCredentialRecord {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub mechanism: i8,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 5, versions = "0-2", flexible = "0+")]
pub struct PartitionChangeRecord {
    #[wire(versions = "0+", default = "-1")]
    pub partition_id: i32,
    #[wire(versions = "0+")]
    pub topic_id: Uuid,
    #[wire(versions = "0+", nullable = "0+", default = "null", tag = 0)]
    pub isr: Option<Vec<i32>>,
    #[wire(versions = "0+", default = "-2", tag = 1)]
    pub leader: i32,
    #[wire(versions = "0+", nullable = "0+", default = "null", tag = 2)]
    pub replicas: Option<Vec<i32>>,
    #[wire(versions = "0+", nullable = "0+", default = "null", tag = 3)]
    pub removing_replicas: Option<Vec<i32>>,
    #[wire(versions = "0+", nullable = "0+", default = "null", tag = 4)]
    pub adding_replicas: Option<Vec<i32>>,
    #[wire(versions = "0+", default = "-1", tag = 5)]
    pub leader_recovery_state: i8,
    #[wire(versions = "1+", nullable = "1+", default = "null", tag = 8)]
    pub directories: Option<Vec<Uuid>>,
    #[wire(versions = "2+", nullable = "2+", default = "null", tag = 6)]
    pub eligible_leader_replicas: Option<Vec<i32>>,
    #[wire(versions = "2+", nullable = "2+", default = "null", tag = 7)]
    pub last_known_elr: Option<Vec<i32>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 9, versions = "0", flexible = "0+")]
pub struct RemoveTopicRecord {
    #[wire(versions = "0+")]
    pub topic_id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 12, versions = "0", flexible = "0+")]
pub struct FeatureLevelRecord {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub feature_level: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 15, versions = "0", flexible = "0+")]
pub struct ProducerIdsRecord {
    #[wire(versions = "0+")]
    pub broker_id: i32,
    #[wire(versions = "0+", default = "-1")]
    pub broker_epoch: i64,
    #[wire(versions = "0+")]
    pub next_producer_id: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 17, versions = "0-3", flexible = "0+")]
pub struct BrokerRegistrationChangeRecord {
    #[wire(versions = "0+")]
    pub broker_id: i32,
    #[wire(versions = "0+")]
    pub broker_epoch: i64,
    #[wire(versions = "0+", tag = 0)]
    pub fenced: i8,
    #[wire(versions = "1+", tag = 1)]
    pub in_controlled_shutdown: i8,
    #[wire(versions = "2+", tag = 2)]
    pub log_dirs: Vec<Uuid>,
    #[wire(versions = "3+", nullable = "3+", default = "null", tag = 3)]
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 20, versions = "0", flexible = "0+")]
pub struct NoOpRecord {}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 23, versions = "0", flexible = "0+")]
pub struct BeginTransactionRecord {
    #[wire(versions = "0+", nullable = "0+", default = "null", tag = 0)]
    pub name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 24, versions = "0", flexible = "0+")]
pub struct EndTransactionRecord {}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 25, versions = "0", flexible = "0+")]
pub struct AbortTransactionRecord {
    #[wire(versions = "0+", nullable = "0+", default = "null", tag = 0)]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 27, versions = "0", flexible = "0+")]
pub struct RegisterControllerRecord {
    #[wire(versions = "0+")]
    pub controller_id: i32,
    #[wire(versions = "0+")]
    pub incarnation_id: Uuid,
    #[wire(versions = "0+")]
    pub zk_migration_ready: bool,
    #[wire(versions = "0+")]
    pub end_points: Vec<ControllerEndpoint>,
    #[wire(versions = "0+")]
    pub features: Vec<ControllerFeature>,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ControllerEndpoint {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub host: String,
    #[wire(versions = "0+")]
    pub port: u16,
    #[wire(versions = "0+")]
    pub security_protocol: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
pub struct ControllerFeature {
    #[wire(versions = "0+")]
    pub name: String,
    #[wire(versions = "0+")]
    pub min_supported_version: i16,
    #[wire(versions = "0+")]
    pub max_supported_version: i16,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 7, versions = "0", flexible = "0+")]
pub struct FenceBrokerRecord {
    #[wire(versions = "0+")]
    pub id: i32,
    #[wire(versions = "0+")]
    pub epoch: i64,
}

#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 8, versions = "0", flexible = "0+")]
pub struct UnfenceBrokerRecord {
    #[wire(versions = "0+")]
    pub id: i32,
    #[wire(versions = "0+")]
    pub epoch: i64,
}

/// Written when `min.insync.replicas` changes: who was eligible under the old minimum no longer is (KIP-966).
#[derive(Clone, Debug, PartialEq, Message)]
#[message(api_key = 28, versions = "0", flexible = "0+")]
pub struct ClearElrRecord {
    /// Empty: every topic.
    #[wire(versions = "0+")]
    pub topic_name: String,
}
