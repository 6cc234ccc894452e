//! Kafka's error codes: number, name, whether a client may try again, and what they mean.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    (@retriable retriable) => { true };
    (@retriable fatal) => { false };
    ($($variant:ident = $code:literal, $name:literal, $retriable:ident, $message:literal;)*) => {
        /// All codes of Kafka 4.3.1 (`org.apache.kafka.common.protocol.Errors`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(i16)]
        pub enum ErrorCode {
            $(
                #[doc = $message]
                $variant = $code,
            )*
        }

        impl ErrorCode {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// A code this project does not know is an unknown server error, as it is to Kafka's clients.
            pub const fn from_code(code: i16) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    _ => Self::UnknownServerError,
                }
            }

            /// Kafka's name, `NOT_LEADER_OR_FOLLOWER`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Whether the same request may succeed later: Kafka's class of it extends `RetriableException`.
            pub const fn is_retriable(self) -> bool {
                match self {
                    $(Self::$variant => error_codes!(@retriable $retriable),)*
                }
            }

            /// What it means, in lower case and without a full stop.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$variant => $message,)*
                }
            }
        }
    };
}

error_codes! {
    UnknownServerError = -1, "UNKNOWN_SERVER_ERROR", fatal, "something went wrong on the server that has no code of its own";
    None = 0, "NONE", fatal, "no error";
    OffsetOutOfRange = 1, "OFFSET_OUT_OF_RANGE", fatal, "the offset lies outside the log";
    CorruptMessage = 2, "CORRUPT_MESSAGE", retriable, "the batch fails its checksum or is malformed";
    UnknownTopicOrPartition = 3, "UNKNOWN_TOPIC_OR_PARTITION", retriable, "this broker has no such partition";
    InvalidFetchSize = 4, "INVALID_FETCH_SIZE", fatal, "the fetch size makes no sense";
    LeaderNotAvailable = 5, "LEADER_NOT_AVAILABLE", retriable, "the partition has no leader right now";
    NotLeaderOrFollower = 6, "NOT_LEADER_OR_FOLLOWER", retriable, "this broker does not lead (or hold) the partition";
    RequestTimedOut = 7, "REQUEST_TIMED_OUT", retriable, "the time allowed for the request has passed";
    BrokerNotAvailable = 8, "BROKER_NOT_AVAILABLE", fatal, "the broker is not available";
    ReplicaNotAvailable = 9, "REPLICA_NOT_AVAILABLE", retriable, "the replica is not available here";
    MessageTooLarge = 10, "MESSAGE_TOO_LARGE", fatal, "the batch is larger than the server takes";
    StaleControllerEpoch = 11, "STALE_CONTROLLER_EPOCH", fatal, "the controller epoch is an old one";
    OffsetMetadataTooLarge = 12, "OFFSET_METADATA_TOO_LARGE", fatal, "the metadata of the offset is too large";
    NetworkException = 13, "NETWORK_EXCEPTION", retriable, "the connection broke before an answer came";
    CoordinatorLoadInProgress = 14, "COORDINATOR_LOAD_IN_PROGRESS", retriable, "the coordinator is still loading its state";
    CoordinatorNotAvailable = 15, "COORDINATOR_NOT_AVAILABLE", retriable, "there is no coordinator yet";
    NotCoordinator = 16, "NOT_COORDINATOR", retriable, "another broker coordinates this";
    InvalidTopicException = 17, "INVALID_TOPIC_EXCEPTION", fatal, "the topic name is not valid, or the topic is internal";
    RecordListTooLarge = 18, "RECORD_LIST_TOO_LARGE", fatal, "the batches are larger than a segment";
    NotEnoughReplicas = 19, "NOT_ENOUGH_REPLICAS", retriable, "fewer replicas are in sync than min.insync.replicas asks";
    NotEnoughReplicasAfterAppend = 20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", retriable, "the records were appended, but too few replicas were in sync then";
    InvalidRequiredAcks = 21, "INVALID_REQUIRED_ACKS", fatal, "acks must be -1, 0 or 1";
    IllegalGeneration = 22, "ILLEGAL_GENERATION", fatal, "the generation is not the current one of the group";
    InconsistentGroupProtocol = 23, "INCONSISTENT_GROUP_PROTOCOL", fatal, "the member and its group have no protocol in common";
    InvalidGroupId = 24, "INVALID_GROUP_ID", fatal, "the group id is not valid";
    UnknownMemberId = 25, "UNKNOWN_MEMBER_ID", fatal, "the group does not know this member";
    InvalidSessionTimeout = 26, "INVALID_SESSION_TIMEOUT", fatal, "the session timeout is outside the range the broker allows";
    RebalanceInProgress = 27, "REBALANCE_IN_PROGRESS", fatal, "the group is rebalancing; join again";
    InvalidCommitOffsetSize = 28, "INVALID_COMMIT_OFFSET_SIZE", fatal, "the offsets to store are too large";
    TopicAuthorizationFailed = 29, "TOPIC_AUTHORIZATION_FAILED", fatal, "not authorized for the topic";
    GroupAuthorizationFailed = 30, "GROUP_AUTHORIZATION_FAILED", fatal, "not authorized for the group";
    ClusterAuthorizationFailed = 31, "CLUSTER_AUTHORIZATION_FAILED", fatal, "not authorized for the cluster";
    InvalidTimestamp = 32, "INVALID_TIMESTAMP", fatal, "the timestamp is outside the range allowed";
    UnsupportedSaslMechanism = 33, "UNSUPPORTED_SASL_MECHANISM", fatal, "the SASL mechanism is not offered";
    IllegalSaslState = 34, "ILLEGAL_SASL_STATE", fatal, "this is not the next step of SASL";
    UnsupportedVersion = 35, "UNSUPPORTED_VERSION", fatal, "this version of the API is not served";
    TopicAlreadyExists = 36, "TOPIC_ALREADY_EXISTS", fatal, "a topic of this name exists";
    InvalidPartitions = 37, "INVALID_PARTITIONS", fatal, "the number of partitions is not valid";
    InvalidReplicationFactor = 38, "INVALID_REPLICATION_FACTOR", fatal, "the replication factor is below one or above the number of usable brokers";
    InvalidReplicaAssignment = 39, "INVALID_REPLICA_ASSIGNMENT", fatal, "the replica assignment is not valid";
    InvalidConfig = 40, "INVALID_CONFIG", fatal, "the configuration is not valid";
    NotController = 41, "NOT_CONTROLLER", retriable, "another node is the active controller";
    InvalidRequest = 42, "INVALID_REQUEST", fatal, "the request contradicts itself or the protocol";
    UnsupportedForMessageFormat = 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", fatal, "the message format of the log cannot do this";
    PolicyViolation = 44, "POLICY_VIOLATION", fatal, "a policy of the cluster forbids it";
    OutOfOrderSequenceNumber = 45, "OUT_OF_ORDER_SEQUENCE_NUMBER", fatal, "the sequence number does not follow the last one";
    DuplicateSequenceNumber = 46, "DUPLICATE_SEQUENCE_NUMBER", fatal, "the sequence number was already used";
    InvalidProducerEpoch = 47, "INVALID_PRODUCER_EPOCH", fatal, "the producer epoch is an old one";
    InvalidTxnState = 48, "INVALID_TXN_STATE", fatal, "the transaction is not in a state that allows this";
    InvalidProducerIdMapping = 49, "INVALID_PRODUCER_ID_MAPPING", fatal, "the producer id does not belong to this transactional id";
    InvalidTransactionTimeout = 50, "INVALID_TRANSACTION_TIMEOUT", fatal, "the transaction timeout is above transaction.max.timeout.ms";
    ConcurrentTransactions = 51, "CONCURRENT_TRANSACTIONS", retriable, "another operation of this transaction is still under way";
    TransactionCoordinatorFenced = 52, "TRANSACTION_COORDINATOR_FENCED", fatal, "a newer transaction coordinator has taken over";
    TransactionalIdAuthorizationFailed = 53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", fatal, "not authorized for the transactional id";
    SecurityDisabled = 54, "SECURITY_DISABLED", fatal, "security features are off";
    OperationNotAttempted = 55, "OPERATION_NOT_ATTEMPTED", fatal, "not tried, because another part of the request failed";
    KafkaStorageError = 56, "KAFKA_STORAGE_ERROR", retriable, "the log directory failed";
    LogDirNotFound = 57, "LOG_DIR_NOT_FOUND", fatal, "no such log directory";
    SaslAuthenticationFailed = 58, "SASL_AUTHENTICATION_FAILED", fatal, "authentication failed";
    UnknownProducerId = 59, "UNKNOWN_PRODUCER_ID", fatal, "the broker holds no state for this producer id";
    ReassignmentInProgress = 60, "REASSIGNMENT_IN_PROGRESS", fatal, "the partition is being reassigned";
    DelegationTokenAuthDisabled = 61, "DELEGATION_TOKEN_AUTH_DISABLED", fatal, "delegation tokens are off";
    DelegationTokenNotFound = 62, "DELEGATION_TOKEN_NOT_FOUND", fatal, "no such delegation token";
    DelegationTokenOwnerMismatch = 63, "DELEGATION_TOKEN_OWNER_MISMATCH", fatal, "the token belongs to another principal";
    DelegationTokenRequestNotAllowed = 64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", fatal, "tokens cannot be asked for on this kind of connection";
    DelegationTokenAuthorizationFailed = 65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", fatal, "not authorized for the token";
    DelegationTokenExpired = 66, "DELEGATION_TOKEN_EXPIRED", fatal, "the token has expired";
    InvalidPrincipalType = 67, "INVALID_PRINCIPAL_TYPE", fatal, "the type of principal is not supported";
    NonEmptyGroup = 68, "NON_EMPTY_GROUP", fatal, "the group has members";
    GroupIdNotFound = 69, "GROUP_ID_NOT_FOUND", fatal, "no such group";
    FetchSessionIdNotFound = 70, "FETCH_SESSION_ID_NOT_FOUND", retriable, "no such fetch session";
    InvalidFetchSessionEpoch = 71, "INVALID_FETCH_SESSION_EPOCH", retriable, "the epoch does not follow in the fetch session";
    ListenerNotFound = 72, "LISTENER_NOT_FOUND", retriable, "the leader has no listener of the name used here";
    TopicDeletionDisabled = 73, "TOPIC_DELETION_DISABLED", fatal, "topics cannot be deleted here";
    FencedLeaderEpoch = 74, "FENCED_LEADER_EPOCH", retriable, "the leader epoch of the request is older than the broker's";
    UnknownLeaderEpoch = 75, "UNKNOWN_LEADER_EPOCH", retriable, "the leader epoch of the request is newer than the broker's";
    UnsupportedCompressionType = 76, "UNSUPPORTED_COMPRESSION_TYPE", fatal, "the client cannot read this compression";
    StaleBrokerEpoch = 77, "STALE_BROKER_EPOCH", fatal, "the broker epoch is not the one registered last";
    OffsetNotAvailable = 78, "OFFSET_NOT_AVAILABLE", retriable, "a new leader does not know its high watermark yet";
    MemberIdRequired = 79, "MEMBER_ID_REQUIRED", fatal, "join again with the member id given";
    PreferredLeaderNotAvailable = 80, "PREFERRED_LEADER_NOT_AVAILABLE", retriable, "the preferred leader is not available";
    GroupMaxSizeReached = 81, "GROUP_MAX_SIZE_REACHED", fatal, "the group is full";
    FencedInstanceId = 82, "FENCED_INSTANCE_ID", fatal, "another member took this group.instance.id";
    EligibleLeadersNotAvailable = 83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", retriable, "no replica may become leader";
    ElectionNotNeeded = 84, "ELECTION_NOT_NEEDED", retriable, "the partition has the leader it should have";
    NoReassignmentInProgress = 85, "NO_REASSIGNMENT_IN_PROGRESS", fatal, "no reassignment is under way";
    GroupSubscribedToTopic = 86, "GROUP_SUBSCRIBED_TO_TOPIC", fatal, "the group is subscribed to the topic";
    InvalidRecord = 87, "INVALID_RECORD", fatal, "a record is not valid";
    UnstableOffsetCommit = 88, "UNSTABLE_OFFSET_COMMIT", retriable, "transactional offsets are still open";
    ThrottlingQuotaExceeded = 89, "THROTTLING_QUOTA_EXCEEDED", retriable, "a quota is exceeded";
    ProducerFenced = 90, "PRODUCER_FENCED", fatal, "a newer producer has this transactional id";
    ResourceNotFound = 91, "RESOURCE_NOT_FOUND", fatal, "the resource does not exist";
    DuplicateResource = 92, "DUPLICATE_RESOURCE", fatal, "the resource is named twice";
    UnacceptableCredential = 93, "UNACCEPTABLE_CREDENTIAL", fatal, "the credential is not acceptable";
    InconsistentVoterSet = 94, "INCONSISTENT_VOTER_SET", fatal, "sender or receiver is not one of the voters";
    InvalidUpdateVersion = 95, "INVALID_UPDATE_VERSION", fatal, "the feature version is not valid";
    FeatureUpdateFailed = 96, "FEATURE_UPDATE_FAILED", fatal, "the feature could not be updated";
    PrincipalDeserializationFailure = 97, "PRINCIPAL_DESERIALIZATION_FAILURE", fatal, "the forwarded principal cannot be read";
    SnapshotNotFound = 98, "SNAPSHOT_NOT_FOUND", fatal, "no such snapshot";
    PositionOutOfRange = 99, "POSITION_OUT_OF_RANGE", fatal, "the position is outside the snapshot";
    UnknownTopicId = 100, "UNKNOWN_TOPIC_ID", retriable, "this broker has no topic with this id";
    DuplicateBrokerRegistration = 101, "DUPLICATE_BROKER_REGISTRATION", fatal, "a live broker has this id";
    BrokerIdNotRegistered = 102, "BROKER_ID_NOT_REGISTERED", fatal, "no broker of this id is registered";
    InconsistentTopicId = 103, "INCONSISTENT_TOPIC_ID", retriable, "the topic id is not the one of the log";
    InconsistentClusterId = 104, "INCONSISTENT_CLUSTER_ID", fatal, "the node belongs to another cluster";
    TransactionalIdNotFound = 105, "TRANSACTIONAL_ID_NOT_FOUND", fatal, "no such transactional id";
    FetchSessionTopicIdError = 106, "FETCH_SESSION_TOPIC_ID_ERROR", retriable, "the fetch session mixes topic ids and names";
    IneligibleReplica = 107, "INELIGIBLE_REPLICA", fatal, "a replica of the new ISR may not be in it";
    NewLeaderElected = 108, "NEW_LEADER_ELECTED", fatal, "the change was made and brought another leader";
    OffsetMovedToTieredStorage = 109, "OFFSET_MOVED_TO_TIERED_STORAGE", fatal, "the offset lies in tiered storage";
    FencedMemberEpoch = 110, "FENCED_MEMBER_EPOCH", fatal, "the member epoch is an old one; join again";
    UnreleasedInstanceId = 111, "UNRELEASED_INSTANCE_ID", fatal, "another member still has this instance id";
    UnsupportedAssignor = 112, "UNSUPPORTED_ASSIGNOR", fatal, "the assignor is not supported";
    StaleMemberEpoch = 113, "STALE_MEMBER_EPOCH", fatal, "the member epoch is an old one; retry after the next heartbeat";
    MismatchedEndpointType = 114, "MISMATCHED_ENDPOINT_TYPE", fatal, "this endpoint is of the other type (broker or controller)";
    UnsupportedEndpointType = 115, "UNSUPPORTED_ENDPOINT_TYPE", fatal, "this type of endpoint is not supported";
    UnknownControllerId = 116, "UNKNOWN_CONTROLLER_ID", fatal, "no such controller";
    UnknownSubscriptionId = 117, "UNKNOWN_SUBSCRIPTION_ID", fatal, "no such telemetry subscription";
    TelemetryTooLarge = 118, "TELEMETRY_TOO_LARGE", fatal, "the telemetry is too large";
    InvalidRegistration = 119, "INVALID_REGISTRATION", fatal, "the registration is not valid";
    TransactionAbortable = 120, "TRANSACTION_ABORTABLE", fatal, "the transaction can only be aborted";
    InvalidRecordState = 121, "INVALID_RECORD_STATE", fatal, "the record is not in a state that can be acknowledged";
    ShareSessionNotFound = 122, "SHARE_SESSION_NOT_FOUND", retriable, "no such share session";
    InvalidShareSessionEpoch = 123, "INVALID_SHARE_SESSION_EPOCH", retriable, "the epoch does not follow in the share session";
    FencedStateEpoch = 124, "FENCED_STATE_EPOCH", fatal, "the state epoch of the share group is another";
    InvalidVoterKey = 125, "INVALID_VOTER_KEY", fatal, "the voter key names another replica";
    DuplicateVoter = 126, "DUPLICATE_VOTER", fatal, "the voter is already one";
    VoterNotFound = 127, "VOTER_NOT_FOUND", fatal, "no such voter";
    InvalidRegularExpression = 128, "INVALID_REGULAR_EXPRESSION", fatal, "the regular expression is not valid";
    RebootstrapRequired = 129, "REBOOTSTRAP_REQUIRED", fatal, "metadata is too old; bootstrap again";
    StreamsInvalidTopology = 130, "STREAMS_INVALID_TOPOLOGY", fatal, "the topology is not valid";
    StreamsInvalidTopologyEpoch = 131, "STREAMS_INVALID_TOPOLOGY_EPOCH", fatal, "the epoch of the topology is not valid";
    StreamsTopologyFenced = 132, "STREAMS_TOPOLOGY_FENCED", fatal, "a newer topology is known";
    ShareSessionLimitReached = 133, "SHARE_SESSION_LIMIT_REACHED", retriable, "there are too many share sessions";
}

impl ErrorCode {
    pub const fn code(self) -> i16 {
        self as i16
    }

    pub const fn is_ok(self) -> bool {
        matches!(self, Self::None)
    }
}

// The table above writes the variants, so none of them can carry `#[default]`.
#[allow(clippy::derivable_impls)]
impl Default for ErrorCode {
    fn default() -> Self {
        Self::None
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.message())
    }
}

impl From<ErrorCode> for i16 {
    fn from(code: ErrorCode) -> Self {
        code.code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_complete_and_go_both_ways() {
        let codes: Vec<i16> = ErrorCode::ALL.iter().map(|error| error.code()).collect();
        assert_eq!(codes, (-1..=133).collect::<Vec<_>>());
        for &error in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_code(error.code()), error);
        }
        assert_eq!(ErrorCode::from_code(999), ErrorCode::UnknownServerError);
    }
}
