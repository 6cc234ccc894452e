//! The Kafka wire protocol. Read the modules in this order.

// How a message is read and written: the `Message` derive builds on these.
pub mod primitive;

pub mod schema;

pub mod records;

pub mod message;

// Frames: which API, which version, which header, which error.
pub mod header;

pub mod api;

pub mod frame;

pub mod error;

// Record batches: bytes that brokers store as they came.
pub mod batch;

// Data, in the order clients use them.
pub mod api_versions;
pub mod describe_cluster;
pub mod describe_topic_partitions;
pub mod fetch;
pub mod find_coordinator;
pub mod init_producer_id;
pub mod list_offsets;
pub mod metadata;
pub mod offset_for_leader_epoch;
pub mod produce;

// Groups.
pub mod consumer_protocol;
pub mod delete_groups;
pub mod delete_records;
pub mod describe_groups;
pub mod group_records;
pub mod heartbeat;
pub mod join_group;
pub mod leave_group;
pub mod list_groups;
pub mod offset_commit;
pub mod offset_delete;
pub mod offset_fetch;
pub mod sync_group;

// Administration.
pub mod alter_configs;
pub mod alter_partition_reassignments;
pub mod alter_replica_log_dirs;
pub mod create_partitions;
pub mod create_topics;
pub mod delete_topics;
pub mod describe_configs;
pub mod describe_log_dirs;
pub mod describe_producers;
pub mod describe_transactions;
pub mod get_telemetry_subscriptions;
pub mod incremental_alter_configs;
pub mod list_transactions;
pub mod push_telemetry;

// Quotas, and who may do what.
pub mod alter_client_quotas;
pub mod alter_user_scram_credentials;
pub mod create_acls;
pub mod create_delegation_token;
pub mod delete_acls;
pub mod describe_acls;
pub mod describe_client_quotas;
pub mod describe_delegation_token;
pub mod describe_user_scram_credentials;
pub mod elect_leaders;
pub mod expire_delegation_token;
pub mod list_config_resources;
pub mod list_partition_reassignments;
pub mod renew_delegation_token;
pub mod sasl_authenticate;
pub mod sasl_handshake;
pub mod unregister_broker;
pub mod update_features;

// The quorum.
pub mod add_raft_voter;
pub mod begin_quorum_epoch;
pub mod control_records;
pub mod describe_quorum;
pub mod end_quorum_epoch;
pub mod fetch_snapshot;
pub mod metadata_records;
pub mod remove_raft_voter;
pub mod update_raft_voter;
pub mod vote;

// Brokers and the controller.
pub mod allocate_producer_ids;
pub mod alter_partition;
pub mod broker_heartbeat;
pub mod broker_registration;
pub mod controller_registration;
pub mod envelope;

// Frames as people read them.
pub mod annotate;
