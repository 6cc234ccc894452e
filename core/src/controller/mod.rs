//! The controller (KIP-631): a quorum voter, and the state machine that is replicated by it. The one whose voter leads is
//! the active controller. It decides from what is committed plus what it has written itself, writes each decision as
//! one batch of records, and answers when the high watermark has passed it (Kafka: `QuorumController`).
//!
//! Nothing is taken back: when leadership is lost, the state falls back to what is committed, and every request that
//! waits is answered NOT_CONTROLLER. What was written may still be committed by the next leader; the asker looks again.

// What an API is here.
mod api;
mod reply;
mod write;

// Brokers come and go.
mod heartbeat;
mod registration;

// Partitions: where, who leads, who is in sync, and which of them a broker matters to.
mod alter_partition;
mod election;
mod index;
mod partitions;
mod placement;
mod reassignment;

// What people ask for.
mod alter_partition_reassignments;
mod client_quotas;
mod configs;
mod create_partitions;
mod create_topics;
mod delete_topics;
mod elect_leaders;
mod list_partition_reassignments;
mod producer_ids;
mod unregister_broker;
mod update_features;
mod user_scram_credentials;

// What every controller can answer.
pub mod api_versions;
mod describe_cluster;
mod envelope;
mod features;
mod raft_voters;

// The machine's parts.
mod active;
mod snapshots;
mod view;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use self::{active::Active, api::Command, reply::ReplyTo, snapshots::Snapshots};
use crate::{
    config::NodeConfig,
    id::{ConnId, NodeId},
    metadata::{
        describe_configs::{self, Asked},
        image::MetadataImage,
        loggers::Loggers,
        record::MetadataRecord,
    },
    node::{StartError, check_formatted, read_bootstrap},
    raft::{Raft, RaftEvent},
    seam::{Ctx, Input, Listener, Machine, Output, Part, Time},
    security,
    wire::{
        allocate_producer_ids::AllocateProducerIdsRequest,
        alter_client_quotas::AlterClientQuotasRequest,
        alter_configs::AlterConfigsRequest,
        alter_partition::AlterPartitionRequest,
        alter_partition_reassignments::AlterPartitionReassignmentsRequest,
        alter_user_scram_credentials::AlterUserScramCredentialsRequest,
        api::ApiKey,
        api_versions::ApiVersionsRequest,
        broker_heartbeat::BrokerHeartbeatRequest,
        broker_registration::BrokerRegistrationRequest,
        create_partitions::CreatePartitionsRequest,
        create_topics::CreateTopicsRequest,
        delete_topics::DeleteTopicsRequest,
        describe_cluster::DescribeClusterRequest,
        describe_configs::DescribeConfigsRequest,
        describe_user_scram_credentials::{
            DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
            DescribeUserScramCredentialsResult,
        },
        elect_leaders::ElectLeadersRequest,
        error::ErrorCode,
        frame::{RequestHead, decode_body, parse_request, response_parts},
        incremental_alter_configs::IncrementalAlterConfigsRequest,
        list_partition_reassignments::ListPartitionReassignmentsRequest,
        unregister_broker::UnregisterBrokerRequest,
        update_features::UpdateFeaturesRequest,
    },
};

/// Where a controller keeps its log.
pub const METADATA_DIR: &str = "__cluster_metadata-0";

/// What is said of a forwarded request when no controller has answered it: the same error for all that it asks.
/// `None`: it cannot be read, or is none that a controller answers.
pub fn refusal(key: ApiKey, version: i16, correlation_id: i32, body: &Bytes, error: ErrorCode) -> Option<Vec<Part>> {
    fn of<R: Command>(version: i16, correlation_id: i32, body: &Bytes, error: ErrorCode) -> Option<Vec<Part>> {
        let request: R = decode_body(version, body).ok()?;
        Some(response_parts::<R>(version, correlation_id, &request.refuse(error)))
    }
    let refuse = match key {
        ApiKey::CreateTopics => of::<CreateTopicsRequest>,
        ApiKey::DeleteTopics => of::<DeleteTopicsRequest>,
        ApiKey::CreatePartitions => of::<CreatePartitionsRequest>,
        ApiKey::AlterConfigs => of::<AlterConfigsRequest>,
        ApiKey::IncrementalAlterConfigs => of::<IncrementalAlterConfigsRequest>,
        ApiKey::AlterClientQuotas => of::<AlterClientQuotasRequest>,
        ApiKey::AlterUserScramCredentials => of::<AlterUserScramCredentialsRequest>,
        ApiKey::ElectLeaders => of::<ElectLeadersRequest>,
        ApiKey::AlterPartitionReassignments => of::<AlterPartitionReassignmentsRequest>,
        ApiKey::ListPartitionReassignments => of::<ListPartitionReassignmentsRequest>,
        ApiKey::UpdateFeatures => of::<UpdateFeaturesRequest>,
        ApiKey::UnregisterBroker => of::<UnregisterBrokerRequest>,
        ApiKey::AddRaftVoter => raft_voters::addition_refused,
        ApiKey::RemoveRaftVoter => raft_voters::removal_refused,
        _ => return None,
    };
    refuse(version, correlation_id, body, error)
}

/// A controller node, or the controller's half of a combined one.
#[derive(Clone, Debug)]
pub struct Controller {
    config: Arc<NodeConfig>,
    rng: fastrand::Rng,
    raft: Raft,
    /// First records of a new cluster.
    bootstrap: Arc<Vec<MetadataRecord>>,
    /// What is known to be committed.
    committed: MetadataImage,
    /// Epoch of the last batch of it.
    committed_epoch: i32,
    /// Set while this controller is the active one.
    active: Option<Active>,
    /// Principals of accepted connections.
    connections: BTreeMap<ConnId, String>,
    snapshots: Snapshots,
    loggers: Loggers,
    shutting_down: bool,
    exited: bool,
    /// The log holds what cannot be replayed, so nothing that this controller would say could be trusted.
    failure: Option<String>,
}

impl Controller {
    /// Checks the folder, reads the log and takes its place in the quorum.
    ///
    /// # Errors
    /// [`StartError`] when the folder is not this node's or cannot be read, or the configuration does not fit.
    pub fn start(mut config: NodeConfig, ctx: &mut Ctx<'_>) -> Result<Self, StartError> {
        check_formatted(ctx.disk, &mut config)?;
        let bootstrap = read_bootstrap(ctx.disk)?;
        let raft = Raft::voter(&config, METADATA_DIR, ctx)?;
        let mut controller = Self {
            rng: fastrand::Rng::with_seed(config.seed ^ 0xC0_17_01),
            config: Arc::new(config),
            raft,
            bootstrap: Arc::new(bootstrap),
            committed: MetadataImage::default(),
            committed_epoch: 0,
            active: None,
            connections: BTreeMap::new(),
            snapshots: Snapshots::new(ctx.now.mono),
            loggers: Loggers::default(),
            shutting_down: false,
            exited: false,
            failure: None,
        };
        // At once: voters need each other to have a leader, and brokers ask here who that is.
        ctx.out.push(Output::Listen);
        controller.settle(ctx);
        Ok(controller)
    }

    /// The cluster as it is known to be committed here.
    pub fn image(&self) -> &MetadataImage {
        &self.committed
    }

    pub fn config(&self) -> &NodeConfig {
        &self.config
    }

    /// Its place in the quorum, for those who look at it from outside.
    pub fn raft(&self) -> &Raft {
        &self.raft
    }

    /// Why this controller takes no part any more.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref().or_else(|| self.raft.failure())
    }
}

impl Machine for Controller {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        match input {
            Input::Frame { conn, ref bytes, .. } if !self.raft.owns(conn) => self.handle_frame(ctx, conn, bytes),
            Input::Opened { conn, listener: Some(_), principal, .. } => {
                self.connections.insert(conn, principal);
            }
            Input::Closed { conn } => {
                self.connections.remove(&conn);
                self.raft.handle_input(ctx, &input);
            }
            Input::Shutdown => {
                self.shutting_down = true;
                self.raft.shutdown(ctx);
            }
            input => self.raft.handle_input(ctx, &input),
        }
        self.settle(ctx);
        // What a timer does is not caused by the frame that happened to come at that moment.
        ctx.out.because(None);
        self.run_timers(ctx);
        self.settle(ctx);
        self.maybe_snapshot(ctx);
        let ended = self.failure().is_some() || (self.shutting_down && self.raft.shutdown_complete());
        if ended && !self.exited {
            self.exited = true;
            ctx.out.push(Output::Exit);
        }
    }

    fn deadline(&self) -> Option<Time> {
        if self.exited {
            return None;
        }
        let active = self.active.as_ref().map(Active::deadline);
        self.raft.deadline().into_iter().chain(active).chain(self.snapshots.deadline(&self.config)).min()
    }
}

impl Controller {
    fn handle_frame(&mut self, ctx: &mut Ctx<'_>, conn: ConnId, bytes: &Bytes) {
        let Some(principal) = self.connections.get(&conn).cloned().filter(|_| self.failure.is_none()) else {
            return;
        };
        let handled = parse_request(bytes).ok().and_then(|(head, body)| {
            // An API that is not served here closes the connection, as in Kafka; so does one that cannot be read.
            head.api_key.advertised(Listener::Controller)?;
            let to = ReplyTo::new(conn, &head, principal);
            self.dispatch(ctx, to, &head, &body)
        });
        if handled.is_none() {
            ctx.out.push(Output::Close { conn });
        }
    }

    /// `None`: the request cannot be read.
    fn dispatch(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, head: &RequestHead, body: &Bytes) -> Option<()> {
        match head.api_key {
            ApiKey::Fetch
            | ApiKey::FetchSnapshot
            | ApiKey::Vote
            | ApiKey::BeginQuorumEpoch
            | ApiKey::EndQuorumEpoch
            | ApiKey::DescribeQuorum => {
                self.raft.handle_request(ctx, to.conn, head, body);
                Some(())
            }
            ApiKey::BrokerRegistration => {
                let request: BrokerRegistrationRequest = decode_body(to.version, body).ok()?;
                ctx.out.push(Output::Identified { conn: to.conn, peer: NodeId(request.broker_id) });
                self.command(ctx, to, &request);
                Some(())
            }
            ApiKey::BrokerHeartbeat => {
                let request: BrokerHeartbeatRequest = decode_body(to.version, body).ok()?;
                ctx.out.push(Output::Identified { conn: to.conn, peer: NodeId(request.broker_id) });
                self.command(ctx, to, &request);
                Some(())
            }
            ApiKey::AlterPartition => self.read::<AlterPartitionRequest>(ctx, to, body),
            ApiKey::AllocateProducerIds => self.read::<AllocateProducerIdsRequest>(ctx, to, body),
            ApiKey::CreateTopics => self.read::<CreateTopicsRequest>(ctx, to, body),
            ApiKey::DeleteTopics => self.read::<DeleteTopicsRequest>(ctx, to, body),
            ApiKey::CreatePartitions => self.read::<CreatePartitionsRequest>(ctx, to, body),
            ApiKey::AlterConfigs => self.read::<AlterConfigsRequest>(ctx, to, body),
            ApiKey::IncrementalAlterConfigs => self.read::<IncrementalAlterConfigsRequest>(ctx, to, body),
            ApiKey::ElectLeaders => self.read::<ElectLeadersRequest>(ctx, to, body),
            ApiKey::AlterPartitionReassignments => self.read::<AlterPartitionReassignmentsRequest>(ctx, to, body),
            ApiKey::ListPartitionReassignments => self.read::<ListPartitionReassignmentsRequest>(ctx, to, body),
            ApiKey::UpdateFeatures => self.read::<UpdateFeaturesRequest>(ctx, to, body),
            ApiKey::UnregisterBroker => self.read::<UnregisterBrokerRequest>(ctx, to, body),
            ApiKey::AddRaftVoter | ApiKey::RemoveRaftVoter | ApiKey::UpdateRaftVoter => {
                self.change_voters(ctx, &to, head.api_key, body)
            }
            ApiKey::AlterClientQuotas => self.read::<AlterClientQuotasRequest>(ctx, to, body),
            ApiKey::AlterUserScramCredentials => self.read::<AlterUserScramCredentialsRequest>(ctx, to, body),
            // A controller of Kafka advertises it and has no answer: brokers do.
            ApiKey::DescribeUserScramCredentials => {
                let request: DescribeUserScramCredentialsRequest = decode_body(to.version, body).ok()?;
                let error_code = ErrorCode::UnknownServerError.code();
                let nobody =
                    DescribeUserScramCredentialsResult { error_code, error_message: None, ..Default::default() };
                let results = vec![nobody; request.users.map_or(0, |users| users.len())];
                let response = DescribeUserScramCredentialsResponse {
                    error_code,
                    error_message: None,
                    results,
                    ..Default::default()
                };
                to.send(ctx, to.frame::<DescribeUserScramCredentialsRequest>(&response));
                Some(())
            }
            ApiKey::SaslHandshake
            | ApiKey::SaslAuthenticate
            | ApiKey::DescribeAcls
            | ApiKey::CreateAcls
            | ApiKey::DeleteAcls
            | ApiKey::CreateDelegationToken
            | ApiKey::RenewDelegationToken
            | ApiKey::ExpireDelegationToken
            | ApiKey::DescribeDelegationToken => {
                let asked = security::Asked {
                    api_key: head.api_key,
                    version: to.version,
                    correlation_id: head.correlation_id,
                    principal: &to.principal,
                    listener: Listener::Controller,
                };
                let parts = security::answer(asked, body)?;
                to.send(ctx, parts);
                Some(())
            }
            ApiKey::Envelope => match envelope::open(to.version, body)? {
                Ok(opened) => {
                    let to = to.within(&opened.head, opened.principal);
                    // What cannot be read was forwarded unread: the envelope is to blame, not the connection.
                    if self.dispatch(ctx, to.clone(), &opened.head, &opened.body).is_none() {
                        to.send(ctx, to.frame_refused(ErrorCode::InvalidRequest));
                    }
                    Some(())
                }
                Err(error) => {
                    to.send(ctx, to.frame_refused(error));
                    Some(())
                }
            },
            ApiKey::ApiVersions => self.api_versions(ctx, &to, head, body),
            ApiKey::DescribeCluster => {
                let request = decode_body(to.version, body).ok()?;
                let leader = self.raft.leader().map(|(id, _)| id);
                let response = describe_cluster::describe(to.version, &request, &self.config, leader);
                to.send(ctx, to.frame::<DescribeClusterRequest>(&response));
                Some(())
            }
            ApiKey::DescribeConfigs => {
                let request = decode_body(to.version, body).ok()?;
                let asked = Asked { image: &self.committed, node: &self.config, loggers: &self.loggers };
                let response = describe_configs::describe(&asked, &request);
                to.send(ctx, to.frame::<DescribeConfigsRequest>(&response));
                Some(())
            }
            _ => None,
        }
    }

    fn read<R: Command>(&mut self, ctx: &mut Ctx<'_>, to: ReplyTo, body: &Bytes) -> Option<()> {
        let request: R = decode_body(to.version, body).ok()?;
        self.command(ctx, to, &request);
        Some(())
    }

    fn api_versions(&self, ctx: &mut Ctx<'_>, to: &ReplyTo, head: &RequestHead, body: &Bytes) -> Option<()> {
        if !ApiKey::ApiVersions.versions()?.contains(&to.version) {
            let parts = response_parts::<ApiVersionsRequest>(0, head.correlation_id, &api_versions::unsupported());
            to.send(ctx, parts);
            return Some(());
        }
        let request = decode_body(to.version, body).ok()?;
        let response = api_versions::describe(&self.committed, to.version, &request, Listener::Controller);
        to.send(ctx, to.frame::<ApiVersionsRequest>(&response));
        Some(())
    }

    /// Takes in what the quorum did, until it has no more to tell.
    fn settle(&mut self, ctx: &mut Ctx<'_>) {
        loop {
            let events = self.raft.take_events();
            if events.is_empty() || self.failure.is_some() {
                return;
            }
            for event in events {
                self.take_event(ctx, event);
            }
        }
    }

    fn take_event(&mut self, ctx: &mut Ctx<'_>, event: RaftEvent) {
        match event {
            RaftEvent::Committed { base_offset, last_offset, epoch, records, .. } => {
                self.committed_epoch = epoch;
                self.snapshots.committed(&records);
                for (offset, value) in (base_offset..).zip(&records) {
                    self.replay(offset, value);
                }
                self.committed.advance(last_offset);
                self.answer_committed(ctx);
            }
            RaftEvent::Snapshot { end_offset, epoch, records } => {
                self.committed_epoch = epoch;
                self.committed = MetadataImage::default();
                for value in &records {
                    self.replay(end_offset - 1, value);
                }
                self.committed.advance(end_offset - 1);
                self.snapshots.loaded(ctx.now.mono);
            }
            RaftEvent::BecameLeader { epoch } => self.become_active(ctx, epoch),
            RaftEvent::LostLeadership { .. } => self.resign(ctx),
            RaftEvent::LeaderChanged { .. } => {}
        }
    }

    fn replay(&mut self, offset: i64, value: &Bytes) {
        let applied = MetadataRecord::decode(value)
            .map_err(|error| format!("metadata record {offset}: {error}"))
            .and_then(|record| self.committed.apply(&record, offset).map_err(|error| error.to_string()));
        if let Err(why) = applied {
            self.failure.get_or_insert(why);
        }
    }
}
