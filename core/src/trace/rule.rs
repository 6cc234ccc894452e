//! Which rule of Kafka is behind an event.

use crate::trace::EventKind;

impl EventKind {
    /// The class of Apache Kafka 4.3 that holds this rule and, where there is one, the proposal that introduced it. Empty
    /// for what a person or the world did.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Killed
            | Self::PowerLost
            | Self::Started
            | Self::Paused
            | Self::Resumed
            | Self::LinkCut { .. }
            | Self::LinkSlowed { .. }
            | Self::LinksHealed
            | Self::LinkReset { .. }
            | Self::DiskFull { .. }
            | Self::Sent(_) => "",
            Self::StopAsked | Self::Stopped | Self::BrokerShuttingDown { .. } => "BrokerLifecycleManager, KIP-631",
            Self::ConfigChanged { .. } => "ConfigurationControlManager",
            Self::RaftRole { .. } => "QuorumState, KIP-595",
            Self::VoteGranted { pre_vote: true, .. } | Self::VoteRefused { pre_vote: true, .. } => {
                "KafkaRaftClient, KIP-996"
            }
            Self::VoteGranted { .. } | Self::VoteRefused { .. } => "KafkaRaftClient, KIP-595",
            Self::QuorumLeaderElected { .. } => "CandidateState, KIP-595",
            Self::MetadataAppended { .. } => "QuorumController, KIP-631",
            Self::MetadataHighWatermark { .. } => "LeaderState, KIP-595",
            Self::MetadataTruncated { .. } => "KafkaRaftClient, KIP-595",
            Self::MetadataReplayed { .. } => "MetadataLoader, KIP-631",
            Self::TurnedAway { .. } => "ClusterControlManager, KIP-595",
            Self::BrokerRegistered { .. } => "ClusterControlManager, KIP-631",
            Self::BrokerFenced { .. } => "BrokerHeartbeatManager, KIP-631",
            Self::BrokerUnfenced { .. } | Self::TopicCreated { .. } | Self::TopicDeleted { .. } => {
                "ReplicationControlManager, KIP-631"
            }
            Self::BrokerUnregistered { .. } => "ReplicationControlManager, KIP-746",
            Self::FeatureChanged { .. } => "FeatureControlManager, KIP-584",
            Self::AssignmentChanged { .. } => "PartitionReassignmentReplicas, KIP-455",
            Self::PartitionChanged { .. } => "PartitionChangeBuilder, KIP-631",
            Self::BecameLeader { .. } => "Partition.makeLeader, KIP-101",
            Self::BecameFollower { .. } => "Partition.makeFollower, KIP-101",
            Self::Appended { as_leader: true, .. } | Self::AppendRefused { .. } => "Partition.appendRecordsToLeader",
            Self::Appended { as_leader: false, .. } | Self::HighWatermark { as_leader: false, .. } => {
                "ReplicaFetcherThread"
            }
            Self::DuplicateRecognized { .. } => "ProducerStateManager, KIP-98",
            Self::ProduceParked { .. } => "DelayedProduce",
            Self::ProduceAnswered { .. } => "ReplicaManager",
            Self::HighWatermark { as_leader: true, .. } => "Partition.maybeIncrementLeaderHW",
            Self::FollowerCaughtUp { .. } => "Replica.updateFetchStateOrThrow",
            Self::IsrShrinkAsked { .. } => "Partition.maybeShrinkIsr, KIP-497",
            Self::IsrExpandAsked { .. } => "Partition.maybeExpandIsr, KIP-497",
            Self::Truncated { .. } => "AbstractFetcherThread, KIP-101",
            Self::Recovered { .. } => "LogLoader",
            Self::ProducerIdsAllocated { .. } => "ProducerIdControlManager, KIP-730",
            Self::CoordinatorLoaded { .. } => "CoordinatorRuntime",
            Self::PartitionsAssigned { .. } | Self::PartitionsRevoked { .. } => "ConsumerCoordinator, KIP-429",
            Self::MemberIdGiven { .. } => "GroupMetadataManager, KIP-394",
            Self::StaticMemberReturned { .. } => "GroupMetadataManager, KIP-345",
            Self::RebalanceStarted { .. } => "GroupMetadataManager, KIP-134",
            Self::MemberJoined { .. }
            | Self::MemberLeft { .. }
            | Self::GenerationBegan { .. }
            | Self::AssignmentGiven { .. }
            | Self::GroupStable { .. } => "GroupMetadataManager",
            Self::OffsetCommitted { .. } | Self::OffsetCommitRefused { .. } => "OffsetMetadataManager",
            Self::RecordBuffered { .. } => "RecordAccumulator, KIP-480",
            Self::BatchSent { .. } | Self::BatchAcked { .. } => "Sender",
            Self::BatchRetried { .. } | Self::BatchFailed { .. } => "Sender, KIP-98",
            Self::ConnectRefused { .. } => "NetworkClient",
            Self::LeaderLearned { .. } => "Metadata",
            Self::RecordsRead { .. } => "Fetcher",
            Self::RecordProcessed { .. } => "the application",
            Self::RecordsLost { .. } => "PartitionChangeBuilder (KIP-966)",
            Self::PromiseBroken { .. } => "the lab's checkers",
        }
    }
}
