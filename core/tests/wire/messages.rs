//! The list of all messages, once for all tests.

/// Calls `$visit!(ours, theirs)` for each message, and `$visit!(ours)` for those the `kafka-protocol` crate does not have.
macro_rules! for_each_message {
    ($visit:ident) => {
        for_each_message! { @list $visit
            produce::ProduceRequest = ProduceRequest;
            produce::ProduceResponse = ProduceResponse;
            fetch::FetchRequest = FetchRequest;
            fetch::FetchResponse = FetchResponse;
            list_offsets::ListOffsetsRequest = ListOffsetsRequest;
            list_offsets::ListOffsetsResponse = ListOffsetsResponse;
            metadata::MetadataRequest = MetadataRequest;
            metadata::MetadataResponse = MetadataResponse;
            offset_commit::OffsetCommitRequest = OffsetCommitRequest;
            offset_commit::OffsetCommitResponse = OffsetCommitResponse;
            offset_fetch::OffsetFetchRequest = OffsetFetchRequest;
            offset_fetch::OffsetFetchResponse = OffsetFetchResponse;
            find_coordinator::FindCoordinatorRequest = FindCoordinatorRequest;
            find_coordinator::FindCoordinatorResponse = FindCoordinatorResponse;
            join_group::JoinGroupRequest = JoinGroupRequest;
            join_group::JoinGroupResponse = JoinGroupResponse;
            heartbeat::HeartbeatRequest = HeartbeatRequest;
            heartbeat::HeartbeatResponse = HeartbeatResponse;
            leave_group::LeaveGroupRequest = LeaveGroupRequest;
            leave_group::LeaveGroupResponse = LeaveGroupResponse;
            sync_group::SyncGroupRequest = SyncGroupRequest;
            sync_group::SyncGroupResponse = SyncGroupResponse;
            describe_groups::DescribeGroupsRequest = DescribeGroupsRequest;
            describe_groups::DescribeGroupsResponse = DescribeGroupsResponse;
            list_groups::ListGroupsRequest = ListGroupsRequest;
            list_groups::ListGroupsResponse = ListGroupsResponse;
            api_versions::ApiVersionsRequest = ApiVersionsRequest;
            api_versions::ApiVersionsResponse = ApiVersionsResponse;
            create_topics::CreateTopicsRequest = CreateTopicsRequest;
            create_topics::CreateTopicsResponse = CreateTopicsResponse;
            delete_topics::DeleteTopicsRequest = DeleteTopicsRequest;
            delete_topics::DeleteTopicsResponse = DeleteTopicsResponse;
            init_producer_id::InitProducerIdRequest = InitProducerIdRequest;
            init_producer_id::InitProducerIdResponse = InitProducerIdResponse;
            offset_for_leader_epoch::OffsetForLeaderEpochRequest = OffsetForLeaderEpochRequest;
            offset_for_leader_epoch::OffsetForLeaderEpochResponse = OffsetForLeaderEpochResponse;
            describe_configs::DescribeConfigsRequest = DescribeConfigsRequest;
            describe_configs::DescribeConfigsResponse = DescribeConfigsResponse;
            create_partitions::CreatePartitionsRequest = CreatePartitionsRequest;
            create_partitions::CreatePartitionsResponse = CreatePartitionsResponse;
            delete_groups::DeleteGroupsRequest = DeleteGroupsRequest;
            delete_groups::DeleteGroupsResponse = DeleteGroupsResponse;
            incremental_alter_configs::IncrementalAlterConfigsRequest = IncrementalAlterConfigsRequest;
            incremental_alter_configs::IncrementalAlterConfigsResponse = IncrementalAlterConfigsResponse;
            offset_delete::OffsetDeleteRequest = OffsetDeleteRequest;
            offset_delete::OffsetDeleteResponse = OffsetDeleteResponse;
            vote::VoteRequest = VoteRequest;
            vote::VoteResponse = VoteResponse;
            begin_quorum_epoch::BeginQuorumEpochRequest = BeginQuorumEpochRequest;
            begin_quorum_epoch::BeginQuorumEpochResponse = BeginQuorumEpochResponse;
            end_quorum_epoch::EndQuorumEpochRequest = EndQuorumEpochRequest;
            end_quorum_epoch::EndQuorumEpochResponse = EndQuorumEpochResponse;
            describe_quorum::DescribeQuorumRequest = DescribeQuorumRequest;
            describe_quorum::DescribeQuorumResponse = DescribeQuorumResponse;
            alter_partition::AlterPartitionRequest = AlterPartitionRequest;
            alter_partition::AlterPartitionResponse = AlterPartitionResponse;
            envelope::EnvelopeRequest = EnvelopeRequest;
            envelope::EnvelopeResponse = EnvelopeResponse;
            fetch_snapshot::FetchSnapshotRequest = FetchSnapshotRequest;
            fetch_snapshot::FetchSnapshotResponse = FetchSnapshotResponse;
            describe_cluster::DescribeClusterRequest = DescribeClusterRequest;
            describe_cluster::DescribeClusterResponse = DescribeClusterResponse;
            broker_registration::BrokerRegistrationRequest = BrokerRegistrationRequest;
            broker_registration::BrokerRegistrationResponse = BrokerRegistrationResponse;
            broker_heartbeat::BrokerHeartbeatRequest = BrokerHeartbeatRequest;
            broker_heartbeat::BrokerHeartbeatResponse = BrokerHeartbeatResponse;
            allocate_producer_ids::AllocateProducerIdsRequest = AllocateProducerIdsRequest;
            allocate_producer_ids::AllocateProducerIdsResponse = AllocateProducerIdsResponse;
            describe_topic_partitions::DescribeTopicPartitionsRequest = DescribeTopicPartitionsRequest;
            describe_topic_partitions::DescribeTopicPartitionsResponse = DescribeTopicPartitionsResponse;
            header::RequestHeader = RequestHeader;
            header::ResponseHeader = ResponseHeader;
            control_records::LeaderChangeMessage = LeaderChangeMessage;
            control_records::SnapshotHeaderRecord = SnapshotHeaderRecord;
            control_records::SnapshotFooterRecord = SnapshotFooterRecord;
            control_records::KRaftVersionRecord = KRaftVersionRecord;
            control_records::VotersRecord = VotersRecord;
            metadata_records::RegisterBrokerRecord;
            metadata_records::UnregisterBrokerRecord;
            metadata_records::TopicRecord;
            metadata_records::PartitionRecord;
            metadata_records::ConfigRecord;
            metadata_records::PartitionChangeRecord;
            metadata_records::RemoveTopicRecord;
            metadata_records::FeatureLevelRecord;
            metadata_records::ProducerIdsRecord;
            metadata_records::BrokerRegistrationChangeRecord;
            metadata_records::NoOpRecord;
            metadata_records::BeginTransactionRecord;
            metadata_records::EndTransactionRecord;
            metadata_records::AbortTransactionRecord;
            metadata_records::RegisterControllerRecord;
            metadata_records::FenceBrokerRecord;
            metadata_records::UnfenceBrokerRecord;
            metadata_records::ClearElrRecord;
        }
    };
    (@list $visit:ident $($module:ident::$ours:ident $(= $theirs:ident)?;)*) => {
        $($visit!(lab_core::wire::$module::$ours $(, kafka_protocol::messages::$theirs)?);)*
    };
}
pub(crate) use for_each_message;
