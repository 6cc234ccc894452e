//! What sort of event it is: who shows it, and to which partition it belongs.

use crate::{id::TopicPartition, trace::EventKind};

impl EventKind {
    /// What a person did, from the outside.
    pub fn is_action(&self) -> bool {
        matches!(
            self,
            Self::Killed
                | Self::PowerLost
                | Self::StopAsked
                | Self::Started
                | Self::Paused
                | Self::Resumed
                | Self::LinkCut { .. }
                | Self::LinkSlowed { .. }
                | Self::LinksHealed
                | Self::LinkReset { .. }
                | Self::DiskFull { .. }
        )
    }

    /// A moment worth stopping at: a fault, an election, a change of the ISR, a rebalance, lost or refused records.
    pub fn is_interesting(&self) -> bool {
        self.is_action()
            || matches!(
                self,
                Self::Stopped
                    | Self::ConfigChanged { .. }
                    | Self::QuorumLeaderElected { .. }
                    | Self::MetadataTruncated { .. }
                    | Self::BrokerFenced { .. }
                    | Self::BrokerUnfenced { .. }
                    | Self::BrokerShuttingDown { .. }
                    | Self::BrokerUnregistered { .. }
                    | Self::FeatureChanged { .. }
                    | Self::AssignmentChanged { .. }
                    | Self::TopicCreated { .. }
                    | Self::TopicDeleted { .. }
                    | Self::PartitionChanged { .. }
                    | Self::BecameLeader { .. }
                    | Self::DuplicateRecognized { .. }
                    | Self::AppendRefused { .. }
                    | Self::Truncated { .. }
                    | Self::MemberLeft { .. }
                    | Self::RebalanceStarted { .. }
                    | Self::GroupStable { .. }
                    | Self::BatchRetried { .. }
                    | Self::BatchFailed { .. }
                    | Self::RecordsLost { .. }
                    | Self::PromiseBroken { .. }
            )
    }

    /// Hidden by default: a frame that taught nobody anything, and the steady tick of the metadata log. Still part of
    /// the chain of causes.
    pub fn is_background(&self) -> bool {
        match self {
            Self::Sent(frame) => frame.background,
            Self::MetadataAppended { records, .. } => records.iter().all(|record| record.starts_with("NoOp")),
            Self::MetadataReplayed { .. } | Self::MetadataHighWatermark { .. } => true,
            _ => false,
        }
    }

    /// The partition this is about.
    pub fn partition(&self) -> Option<&TopicPartition> {
        match self {
            Self::PartitionChanged { partition, .. }
            | Self::AssignmentChanged { partition, .. }
            | Self::BecameLeader { partition, .. }
            | Self::BecameFollower { partition, .. }
            | Self::Appended { partition, .. }
            | Self::DuplicateRecognized { partition, .. }
            | Self::AppendRefused { partition, .. }
            | Self::ProduceParked { partition, .. }
            | Self::ProduceAnswered { partition, .. }
            | Self::HighWatermark { partition, .. }
            | Self::FollowerCaughtUp { partition, .. }
            | Self::IsrShrinkAsked { partition, .. }
            | Self::IsrExpandAsked { partition, .. }
            | Self::Truncated { partition, .. }
            | Self::Recovered { partition, .. }
            | Self::RecordBuffered { partition, .. }
            | Self::BatchSent { partition, .. }
            | Self::BatchAcked { partition, .. }
            | Self::BatchRetried { partition, .. }
            | Self::BatchFailed { partition, .. }
            | Self::LeaderLearned { partition, .. }
            | Self::OffsetCommitted { partition, .. }
            | Self::RecordsRead { partition, .. }
            | Self::RecordProcessed { partition, .. } => Some(partition),
            _ => None,
        }
    }
}
