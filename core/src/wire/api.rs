//! Kafka's APIs: their keys, which messages belong to them, the headers of each version, and what is advertised where.

use std::ops::RangeInclusive;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::message::Message;
use super::primitive::DecodeError;
use super::schema::Schema;
use crate::seam::Listener;

/// A request; its response goes with it.
pub trait Request: Message {
    const KEY: ApiKey;
    type Response: Message;
}

macro_rules! apis {
    (@flexible never flexible) => { i16::MAX };
    (@flexible flexible from $version:literal) => { $version };
    (@schema) => { None };
    (@schema $module:ident $message:ident) => { Some(super::$module::$message::SCHEMA) };
    (@check $version:ident $body:ident) => { Ok(()) };
    (@check $version:ident $body:ident $module:ident $message:ident) => {
        super::frame::decode_body::<super::$module::$message>($version, $body).map(|_| ())
    };
    ($($name:ident = $code:literal, $($flexible:ident)+ $($from:literal)?
        $(=> $module:ident::{$request:ident, $response:ident})?;)*) => {
        /// All of Kafka 4.3.1's keys by Kafka's names; [`ApiKey::versions`] tells which of them this project speaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(i16)]
        pub enum ApiKey {
            $($name = $code,)*
        }

        impl ApiKey {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// As Kafka's tools print it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// First version with compact lengths and tagged fields (KIP-482).
            const fn flexible_from(self) -> i16 {
                match self {
                    $(Self::$name => apis!(@flexible $($flexible)+ $($from)?),)*
                }
            }

            /// The request's fields, if this project has them.
            pub const fn request_schema(self) -> Option<&'static Schema> {
                match self {
                    $(Self::$name => apis!(@schema $($module $request)?),)*
                }
            }

            pub const fn response_schema(self) -> Option<&'static Schema> {
                match self {
                    $(Self::$name => apis!(@schema $($module $response)?),)*
                }
            }
        }

        impl ApiKey {
            /// Whether that is a request of this version: who passes it on unread would learn of it too late.
            pub fn check_request(self, version: i16, body: &Bytes) -> Result<(), DecodeError> {
                match self {
                    $(Self::$name => apis!(@check version body $($module $request)?),)*
                }
            }
        }

        $($(
            impl Request for super::$module::$request {
                const KEY: ApiKey = ApiKey::$name;
                type Response = super::$module::$response;
            }
        )?)*
    };
}

apis! {
    Produce = 0, flexible from 9 => produce::{ProduceRequest, ProduceResponse};
    Fetch = 1, flexible from 12 => fetch::{FetchRequest, FetchResponse};
    ListOffsets = 2, flexible from 6 => list_offsets::{ListOffsetsRequest, ListOffsetsResponse};
    Metadata = 3, flexible from 9 => metadata::{MetadataRequest, MetadataResponse};
    LeaderAndIsr = 4, never flexible;
    StopReplica = 5, never flexible;
    UpdateMetadata = 6, never flexible;
    ControlledShutdown = 7, never flexible;
    OffsetCommit = 8, flexible from 8 => offset_commit::{OffsetCommitRequest, OffsetCommitResponse};
    OffsetFetch = 9, flexible from 6 => offset_fetch::{OffsetFetchRequest, OffsetFetchResponse};
    FindCoordinator = 10, flexible from 3 => find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
    JoinGroup = 11, flexible from 6 => join_group::{JoinGroupRequest, JoinGroupResponse};
    Heartbeat = 12, flexible from 4 => heartbeat::{HeartbeatRequest, HeartbeatResponse};
    LeaveGroup = 13, flexible from 4 => leave_group::{LeaveGroupRequest, LeaveGroupResponse};
    SyncGroup = 14, flexible from 4 => sync_group::{SyncGroupRequest, SyncGroupResponse};
    DescribeGroups = 15, flexible from 5 => describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse};
    ListGroups = 16, flexible from 3 => list_groups::{ListGroupsRequest, ListGroupsResponse};
    SaslHandshake = 17, never flexible => sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};
    ApiVersions = 18, flexible from 3 => api_versions::{ApiVersionsRequest, ApiVersionsResponse};
    CreateTopics = 19, flexible from 5 => create_topics::{CreateTopicsRequest, CreateTopicsResponse};
    DeleteTopics = 20, flexible from 4 => delete_topics::{DeleteTopicsRequest, DeleteTopicsResponse};
    DeleteRecords = 21, flexible from 2 => delete_records::{DeleteRecordsRequest, DeleteRecordsResponse};
    InitProducerId = 22, flexible from 2 => init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
    OffsetForLeaderEpoch = 23, flexible from 4 => offset_for_leader_epoch::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
    AddPartitionsToTxn = 24, flexible from 3;
    AddOffsetsToTxn = 25, flexible from 3;
    EndTxn = 26, flexible from 3;
    WriteTxnMarkers = 27, flexible from 1;
    TxnOffsetCommit = 28, flexible from 3;
    DescribeAcls = 29, flexible from 2 => describe_acls::{DescribeAclsRequest, DescribeAclsResponse};
    CreateAcls = 30, flexible from 2 => create_acls::{CreateAclsRequest, CreateAclsResponse};
    DeleteAcls = 31, flexible from 2 => delete_acls::{DeleteAclsRequest, DeleteAclsResponse};
    DescribeConfigs = 32, flexible from 4 => describe_configs::{DescribeConfigsRequest, DescribeConfigsResponse};
    AlterConfigs = 33, flexible from 2 => alter_configs::{AlterConfigsRequest, AlterConfigsResponse};
    AlterReplicaLogDirs = 34, flexible from 2 => alter_replica_log_dirs::{AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse};
    DescribeLogDirs = 35, flexible from 2 => describe_log_dirs::{DescribeLogDirsRequest, DescribeLogDirsResponse};
    SaslAuthenticate = 36, flexible from 2 => sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
    CreatePartitions = 37, flexible from 2 => create_partitions::{CreatePartitionsRequest, CreatePartitionsResponse};
    CreateDelegationToken = 38, flexible from 2 => create_delegation_token::{CreateDelegationTokenRequest, CreateDelegationTokenResponse};
    RenewDelegationToken = 39, flexible from 2 => renew_delegation_token::{RenewDelegationTokenRequest, RenewDelegationTokenResponse};
    ExpireDelegationToken = 40, flexible from 2 => expire_delegation_token::{ExpireDelegationTokenRequest, ExpireDelegationTokenResponse};
    DescribeDelegationToken = 41, flexible from 2 => describe_delegation_token::{DescribeDelegationTokenRequest, DescribeDelegationTokenResponse};
    DeleteGroups = 42, flexible from 2 => delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse};
    ElectLeaders = 43, flexible from 2 => elect_leaders::{ElectLeadersRequest, ElectLeadersResponse};
    IncrementalAlterConfigs = 44, flexible from 1 => incremental_alter_configs::{IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse};
    AlterPartitionReassignments = 45, flexible from 0 => alter_partition_reassignments::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse};
    ListPartitionReassignments = 46, flexible from 0 => list_partition_reassignments::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};
    OffsetDelete = 47, never flexible => offset_delete::{OffsetDeleteRequest, OffsetDeleteResponse};
    DescribeClientQuotas = 48, flexible from 1 => describe_client_quotas::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};
    AlterClientQuotas = 49, flexible from 1 => alter_client_quotas::{AlterClientQuotasRequest, AlterClientQuotasResponse};
    DescribeUserScramCredentials = 50, flexible from 0 => describe_user_scram_credentials::{DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse};
    AlterUserScramCredentials = 51, flexible from 0 => alter_user_scram_credentials::{AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse};
    Vote = 52, flexible from 0 => vote::{VoteRequest, VoteResponse};
    BeginQuorumEpoch = 53, flexible from 1 => begin_quorum_epoch::{BeginQuorumEpochRequest, BeginQuorumEpochResponse};
    EndQuorumEpoch = 54, flexible from 1 => end_quorum_epoch::{EndQuorumEpochRequest, EndQuorumEpochResponse};
    DescribeQuorum = 55, flexible from 0 => describe_quorum::{DescribeQuorumRequest, DescribeQuorumResponse};
    AlterPartition = 56, flexible from 0 => alter_partition::{AlterPartitionRequest, AlterPartitionResponse};
    UpdateFeatures = 57, flexible from 0 => update_features::{UpdateFeaturesRequest, UpdateFeaturesResponse};
    Envelope = 58, flexible from 0 => envelope::{EnvelopeRequest, EnvelopeResponse};
    FetchSnapshot = 59, flexible from 0 => fetch_snapshot::{FetchSnapshotRequest, FetchSnapshotResponse};
    DescribeCluster = 60, flexible from 0 => describe_cluster::{DescribeClusterRequest, DescribeClusterResponse};
    DescribeProducers = 61, flexible from 0 => describe_producers::{DescribeProducersRequest, DescribeProducersResponse};
    BrokerRegistration = 62, flexible from 0 => broker_registration::{BrokerRegistrationRequest, BrokerRegistrationResponse};
    BrokerHeartbeat = 63, flexible from 0 => broker_heartbeat::{BrokerHeartbeatRequest, BrokerHeartbeatResponse};
    UnregisterBroker = 64, flexible from 0 => unregister_broker::{UnregisterBrokerRequest, UnregisterBrokerResponse};
    DescribeTransactions = 65, flexible from 0 => describe_transactions::{DescribeTransactionsRequest, DescribeTransactionsResponse};
    ListTransactions = 66, flexible from 0 => list_transactions::{ListTransactionsRequest, ListTransactionsResponse};
    AllocateProducerIds = 67, flexible from 0 => allocate_producer_ids::{AllocateProducerIdsRequest, AllocateProducerIdsResponse};
    ConsumerGroupHeartbeat = 68, flexible from 0;
    ConsumerGroupDescribe = 69, flexible from 0;
    ControllerRegistration = 70, flexible from 0 => controller_registration::{ControllerRegistrationRequest, ControllerRegistrationResponse};
    GetTelemetrySubscriptions = 71, flexible from 0 => get_telemetry_subscriptions::{GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse};
    PushTelemetry = 72, flexible from 0 => push_telemetry::{PushTelemetryRequest, PushTelemetryResponse};
    AssignReplicasToDirs = 73, flexible from 0;
    ListConfigResources = 74, flexible from 0 => list_config_resources::{ListConfigResourcesRequest, ListConfigResourcesResponse};
    DescribeTopicPartitions = 75, flexible from 0 => describe_topic_partitions::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};
    ShareGroupHeartbeat = 76, flexible from 0;
    ShareGroupDescribe = 77, flexible from 0;
    ShareFetch = 78, flexible from 0;
    ShareAcknowledge = 79, flexible from 0;
    AddRaftVoter = 80, flexible from 0 => add_raft_voter::{AddRaftVoterRequest, AddRaftVoterResponse};
    RemoveRaftVoter = 81, flexible from 0 => remove_raft_voter::{RemoveRaftVoterRequest, RemoveRaftVoterResponse};
    UpdateRaftVoter = 82, flexible from 0 => update_raft_voter::{UpdateRaftVoterRequest, UpdateRaftVoterResponse};
    InitializeShareGroupState = 83, flexible from 0;
    ReadShareGroupState = 84, flexible from 0;
    WriteShareGroupState = 85, flexible from 0;
    DeleteShareGroupState = 86, flexible from 0;
    ReadShareGroupStateSummary = 87, flexible from 0;
    StreamsGroupHeartbeat = 88, flexible from 0;
    StreamsGroupDescribe = 89, flexible from 0;
    DescribeShareGroupOffsets = 90, flexible from 0;
    AlterShareGroupOffsets = 91, flexible from 0;
    DeleteShareGroupOffsets = 92, flexible from 0;
}

impl ApiKey {
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The versions that can be read and written; `None` for an API this project does not have.
    pub fn versions(self) -> Option<RangeInclusive<i16>> {
        self.request_schema().map(|schema| schema.versions.from..=schema.versions.to)
    }

    /// What ApiVersions says on that listener; `None`: not served there.
    pub fn advertised(self, listener: Listener) -> Option<RangeInclusive<i16>> {
        let served = match listener {
            Listener::Broker => BROKER_APIS,
            Listener::Controller => CONTROLLER_APIS,
        };
        let versions = self.versions().filter(|_| served.contains(&self))?;
        Some(match self {
            // librdkafka turns features off when it does not see Produce 0 (KAFKA-18659): Kafka advertises 0-2 and
            // refuses them.
            Self::Produce => 0..=*versions.end(),
            // Version 6 (two-phase transactions, KIP-939) is not stable in 4.3 and hidden by default.
            Self::InitProducerId => *versions.start()..=5,
            _ => versions,
        })
    }

    /// What is answered there. Kafka's brokers also answer requests about telemetry that they do not advertise, since
    /// nobody collects metrics (KIP-714).
    pub fn served(self, listener: Listener) -> Option<RangeInclusive<i16>> {
        match (self, listener) {
            (Self::GetTelemetrySubscriptions | Self::PushTelemetry, Listener::Broker) => self.versions(),
            _ => self.advertised(listener),
        }
    }

    /// What ApiVersions lists on that listener, by key.
    pub fn all_advertised(listener: Listener) -> impl Iterator<Item = (Self, RangeInclusive<i16>)> {
        Self::ALL.iter().filter_map(move |&key| key.advertised(listener).map(|versions| (key, versions)))
    }

    /// Version of the request's header: 2 is flexible.
    pub const fn request_header_version(self, version: i16) -> i16 {
        if version >= self.flexible_from() { 2 } else { 1 }
    }

    /// Version of the response's header: 1 is flexible. ApiVersions keeps 0 for ever, since a client that asks in a
    /// version the broker does not know gets its answer in version 0 (KIP-511).
    pub const fn response_header_version(self, version: i16) -> i16 {
        match self {
            Self::ApiVersions => 0,
            _ if version >= self.flexible_from() => 1,
            _ => 0,
        }
    }
}

/// Served to clients and to other brokers.
const BROKER_APIS: &[ApiKey] = &[
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::ListOffsets,
    ApiKey::Metadata,
    ApiKey::OffsetCommit,
    ApiKey::OffsetFetch,
    ApiKey::FindCoordinator,
    ApiKey::JoinGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::SyncGroup,
    ApiKey::DescribeGroups,
    ApiKey::ListGroups,
    ApiKey::SaslHandshake,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::DeleteRecords,
    ApiKey::InitProducerId,
    ApiKey::OffsetForLeaderEpoch,
    ApiKey::DescribeAcls,
    ApiKey::CreateAcls,
    ApiKey::DeleteAcls,
    ApiKey::DescribeConfigs,
    ApiKey::AlterConfigs,
    ApiKey::AlterReplicaLogDirs,
    ApiKey::DescribeLogDirs,
    ApiKey::SaslAuthenticate,
    ApiKey::CreatePartitions,
    ApiKey::CreateDelegationToken,
    ApiKey::RenewDelegationToken,
    ApiKey::ExpireDelegationToken,
    ApiKey::DescribeDelegationToken,
    ApiKey::DeleteGroups,
    ApiKey::ElectLeaders,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::AlterPartitionReassignments,
    ApiKey::ListPartitionReassignments,
    ApiKey::OffsetDelete,
    ApiKey::DescribeClientQuotas,
    ApiKey::AlterClientQuotas,
    ApiKey::DescribeUserScramCredentials,
    ApiKey::AlterUserScramCredentials,
    ApiKey::DescribeQuorum,
    ApiKey::UpdateFeatures,
    ApiKey::DescribeCluster,
    ApiKey::ListConfigResources,
    ApiKey::DescribeProducers,
    ApiKey::DescribeTransactions,
    ApiKey::ListTransactions,
    ApiKey::UnregisterBroker,
    ApiKey::DescribeTopicPartitions,
    ApiKey::AddRaftVoter,
    ApiKey::RemoveRaftVoter,
];

/// Served by controllers to each other and to brokers.
const CONTROLLER_APIS: &[ApiKey] = &[
    ApiKey::Fetch,
    ApiKey::SaslHandshake,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::DescribeAcls,
    ApiKey::CreateAcls,
    ApiKey::DeleteAcls,
    ApiKey::DescribeConfigs,
    ApiKey::AlterConfigs,
    ApiKey::SaslAuthenticate,
    ApiKey::CreatePartitions,
    ApiKey::CreateDelegationToken,
    ApiKey::RenewDelegationToken,
    ApiKey::ExpireDelegationToken,
    ApiKey::DescribeDelegationToken,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::AlterClientQuotas,
    ApiKey::DescribeUserScramCredentials,
    ApiKey::AlterUserScramCredentials,
    ApiKey::ElectLeaders,
    ApiKey::AlterPartitionReassignments,
    ApiKey::ListPartitionReassignments,
    ApiKey::Vote,
    ApiKey::BeginQuorumEpoch,
    ApiKey::EndQuorumEpoch,
    ApiKey::DescribeQuorum,
    ApiKey::AlterPartition,
    ApiKey::UpdateFeatures,
    ApiKey::Envelope,
    ApiKey::FetchSnapshot,
    ApiKey::DescribeCluster,
    ApiKey::BrokerRegistration,
    ApiKey::BrokerHeartbeat,
    ApiKey::UnregisterBroker,
    ApiKey::AllocateProducerIds,
    ApiKey::AddRaftVoter,
    ApiKey::RemoveRaftVoter,
    ApiKey::UpdateRaftVoter,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Key, first and last version in the ApiVersions response of Apache Kafka 4.3.1 on its broker listener.
    #[rustfmt::skip]
    const KAFKA_BROKER: &[(i16, i16, i16)] = &[
        (0, 0, 13), (1, 4, 18), (2, 1, 11), (3, 0, 13), (8, 2, 10), (9, 1, 10), (10, 0, 6), (11, 0, 9), (12, 0, 4),
        (13, 0, 5), (14, 0, 5), (15, 0, 6), (16, 0, 5), (17, 0, 1), (18, 0, 4), (19, 2, 7), (20, 1, 6), (21, 0, 2),
        (22, 0, 5), (23, 2, 4), (24, 0, 5), (25, 0, 4), (26, 0, 5), (27, 1, 2), (28, 0, 5), (29, 1, 3), (30, 1, 3),
        (31, 1, 3), (32, 1, 4), (33, 0, 2), (34, 1, 2), (35, 1, 5), (36, 0, 2), (37, 0, 3), (38, 1, 3), (39, 1, 2),
        (40, 1, 2), (41, 1, 3), (42, 0, 2), (43, 0, 2), (44, 0, 1), (45, 0, 1), (46, 0, 0), (47, 0, 0), (48, 0, 1),
        (49, 0, 1), (50, 0, 0), (51, 0, 0), (55, 0, 2), (57, 0, 2), (60, 0, 2), (61, 0, 0), (64, 0, 0), (65, 0, 0),
        (66, 0, 2), (68, 0, 1), (69, 0, 1), (74, 0, 1), (75, 0, 0), (76, 1, 1), (77, 1, 1), (78, 1, 2), (79, 1, 2),
        (80, 0, 1), (81, 0, 0), (83, 0, 0), (84, 0, 0), (85, 0, 1), (86, 0, 0), (87, 0, 1), (88, 0, 0), (89, 0, 0),
        (90, 0, 1), (91, 0, 0), (92, 0, 0),
    ];
    /// And on its controller listener.
    #[rustfmt::skip]
    const KAFKA_CONTROLLER: &[(i16, i16, i16)] = &[
        (1, 4, 18), (17, 0, 1), (18, 0, 4), (19, 2, 7), (20, 1, 6), (29, 1, 3), (30, 1, 3), (31, 1, 3), (32, 1, 4),
        (33, 0, 2), (36, 0, 2), (37, 0, 3), (38, 1, 3), (39, 1, 2), (40, 1, 2), (41, 1, 3), (43, 0, 2), (44, 0, 1),
        (45, 0, 1), (46, 0, 0), (49, 0, 1), (50, 0, 0), (51, 0, 0), (52, 0, 2), (53, 0, 1), (54, 0, 1), (55, 0, 2),
        (56, 2, 3), (57, 0, 2), (58, 0, 0), (59, 0, 1), (60, 0, 2), (62, 0, 4), (63, 0, 2), (64, 0, 0), (67, 0, 0),
        (70, 0, 0), (73, 0, 0), (80, 0, 1), (81, 0, 0), (82, 0, 0),
    ];

    #[test]
    fn what_is_advertised_is_advertised_by_kafka_in_the_same_versions() {
        for (listener, kafka) in [(Listener::Broker, KAFKA_BROKER), (Listener::Controller, KAFKA_CONTROLLER)] {
            for (key, versions) in ApiKey::all_advertised(listener) {
                let entry = (key.code(), *versions.start(), *versions.end());
                assert!(kafka.contains(&entry), "{listener:?}: {entry:?}");
            }
        }
        assert_eq!(ApiKey::all_advertised(Listener::Broker).count(), BROKER_APIS.len());
        assert_eq!(ApiKey::all_advertised(Listener::Controller).count(), CONTROLLER_APIS.len());
    }

    /// What Kafka's brokers and controllers serve and the lab's may not, as `fidelity` says: transactions, the newer kinds
    /// of groups, several log directories, voters that come and go; and what is on its way.
    #[rustfmt::skip]
    const MAY_BE_MISSING: &[ApiKey] = &[
        ApiKey::AddPartitionsToTxn, ApiKey::AddOffsetsToTxn, ApiKey::EndTxn, ApiKey::WriteTxnMarkers, ApiKey::TxnOffsetCommit,
        ApiKey::ConsumerGroupHeartbeat, ApiKey::ConsumerGroupDescribe,
        ApiKey::ShareGroupHeartbeat, ApiKey::ShareGroupDescribe, ApiKey::ShareFetch, ApiKey::ShareAcknowledge,
        ApiKey::InitializeShareGroupState, ApiKey::ReadShareGroupState, ApiKey::WriteShareGroupState,
        ApiKey::DeleteShareGroupState, ApiKey::ReadShareGroupStateSummary, ApiKey::DescribeShareGroupOffsets,
        ApiKey::AlterShareGroupOffsets, ApiKey::DeleteShareGroupOffsets,
        ApiKey::StreamsGroupHeartbeat, ApiKey::StreamsGroupDescribe,
        ApiKey::AssignReplicasToDirs,
        ApiKey::AddRaftVoter, ApiKey::RemoveRaftVoter, ApiKey::UpdateRaftVoter, ApiKey::ControllerRegistration,
        ApiKey::AlterConfigs, ApiKey::ListConfigResources, ApiKey::ElectLeaders, ApiKey::AlterPartitionReassignments,
        ApiKey::ListPartitionReassignments, ApiKey::UpdateFeatures, ApiKey::UnregisterBroker,
    ];

    #[test]
    fn no_api_of_kafka_is_missing_without_a_word() {
        for (listener, kafka) in [(Listener::Broker, KAFKA_BROKER), (Listener::Controller, KAFKA_CONTROLLER)] {
            for &(code, ..) in kafka {
                let key = ApiKey::from_code(code).expect("a key of Kafka's");
                let there = key.advertised(listener).is_some() || MAY_BE_MISSING.contains(&key);
                assert!(there, "{listener:?}: {}", key.name());
            }
        }
    }

    #[test]
    fn request_and_response_are_flexible_from_the_version_the_table_says() {
        for &key in ApiKey::ALL {
            assert_eq!(ApiKey::from_code(key.code()), Some(key));
            for schema in [key.request_schema(), key.response_schema()].into_iter().flatten() {
                assert_eq!(schema.api_key, Some(key.code()), "{}", schema.name);
                for version in key.versions().expect("has schemas") {
                    let flexible = key.request_header_version(version) == 2;
                    assert_eq!(schema.flexible.contains(version), flexible, "{} v{version}", schema.name);
                }
            }
        }
    }
}
