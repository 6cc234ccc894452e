//! A broker: what clients talk to. It observes the metadata quorum, holds replicas of partitions, and forwards what only
//! the controller may decide. Its requests are in one file per API.

mod clients;
mod connections;

// With the controller, and what it decides.
mod controller_channel;
mod forward;
mod lifecycle;
mod observer;
mod shutdown;

// The group coordinator, beside the replicas.
mod groups;

// What many APIs need.
mod once;

// One file per API.
mod alter_configs;
mod delete_records;
mod describe_cluster;
mod describe_producers;
mod describe_topic_partitions;
mod fetch;
mod find_coordinator;
mod group_admin;
mod group_members;
mod group_offsets;
mod init_producer_id;
mod list_offsets;
mod log_dirs;
mod metadata;
mod offset_for_leader_epoch;
mod produce;
mod quotas_and_credentials;
mod telemetry;
mod transactions;

mod view;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytes::Bytes;

pub use self::connections::Reply;
use self::{
    connections::Connections,
    controller_channel::ControllerChannel,
    forward::Forwarded,
    init_producer_id::ProducerIds,
    lifecycle::{HEARTBEAT_VERSION, Lifecycle, REGISTRATION_VERSION},
    metadata::CREATE_TOPICS_VERSION,
    produce::Validating,
    shutdown::Shutdown,
};
use crate::{
    config::NodeConfig,
    controller::api_versions,
    group::GroupCoordinator,
    id::{ConnId, Token},
    log::checkpoint,
    metadata::{
        describe_configs::{self, Asked},
        image::MetadataImage,
        loggers::Loggers,
    },
    node::{StartError, check_formatted},
    raft::Raft,
    replica::manager::{Answer, ReplicaManager},
    seam::{Ctx, Input, Listener, Machine, Output, Time},
    security,
    wire::{
        allocate_producer_ids::AllocateProducerIdsRequest,
        alter_configs::AlterConfigsRequest,
        alter_partition::AlterPartitionRequest,
        api::{ApiKey, Request},
        api_versions::ApiVersionsRequest,
        broker_heartbeat::BrokerHeartbeatRequest,
        broker_registration::BrokerRegistrationRequest,
        create_topics::CreateTopicsRequest,
        delete_records::DeleteRecordsRequest,
        describe_configs::DescribeConfigsRequest,
        error::ErrorCode,
        fetch::FetchRequest,
        frame::{self, FrameError},
        incremental_alter_configs::IncrementalAlterConfigsRequest,
        list_config_resources::ListConfigResourcesRequest,
        message::Message,
    },
};

/// Where a broker keeps its copy of the metadata log; the controller of a combined node has its own beside it.
pub const METADATA_DIR: &str = "__cluster_metadata-observer-0";

const ALTER_PARTITION_VERSION: i16 = 3;
/// How often idle connections are looked for.
const IDLE_CHECK_MS: u64 = 60_000;

/// A broker node, or the broker's half of a combined one.
#[derive(Clone, Debug)]
pub struct Broker {
    config: Arc<NodeConfig>,
    conns: Connections,
    lifecycle: Lifecycle,
    shutdown: Option<Shutdown>,

    raft: Raft,
    /// The cluster as far as this broker has replayed the metadata log.
    image: MetadataImage,
    /// Quorum epoch of the last batch replayed.
    metadata_epoch: i32,
    /// The replicas are told what the metadata log says.
    publishing: bool,
    bytes_since_snapshot: u64,
    /// A record that could not be replayed: a bug, or damage.
    metadata_fault: Option<String>,

    replicas: ReplicaManager,
    /// Produces whose records are being opened by a job.
    validating: BTreeMap<Token, Validating>,

    /// Registration and heartbeats.
    heartbeats: ControllerChannel<Purpose>,
    /// Questions about ISRs.
    isrs: ControllerChannel<Purpose>,
    /// What clients want of the controller.
    forwarding: ControllerChannel<Purpose>,
    producer_ids: ProducerIds,
    groups: GroupCoordinator,
    loggers: Loggers,
    /// Topics on their way of being created because somebody asked for them.
    creating: BTreeSet<String>,

    next_idle_check: Time,
    rng: fastrand::Rng,
}

/// Why the controller was asked.
#[derive(Clone, Debug)]
enum Purpose {
    Register,
    Heartbeat,
    AlterPartition,
    ProducerIds,
    AutoCreate(Vec<String>),
    Forward(Forwarded),
    /// Like `Forward`, without an envelope.
    Relay(Forwarded),
}

impl Broker {
    /// Opens the data folder: its logs, and its copy of the metadata log. The broker then joins the cluster by itself.
    ///
    /// # Errors
    /// When the folder is not formatted or not this node's, or the disk cannot be read.
    pub fn start(mut config: NodeConfig, ctx: &mut Ctx<'_>) -> Result<Self, StartError> {
        check_formatted(ctx.disk, &mut config)?;
        let config = Arc::new(config);
        let now = ctx.now.mono;
        let previous_broker_epoch = checkpoint::take_clean_shutdown(ctx.disk)?;
        let raft = Raft::observer(&config, METADATA_DIR, ctx)?;
        let replicas = ReplicaManager::open(Arc::clone(&config), ctx, previous_broker_epoch.is_some())?;
        let id = config.node_id;
        let channel = |name: &str, timeout_ms| ControllerChannel::new(format!("broker-{id}-{name}"), timeout_ms);
        let mut broker = Self {
            conns: Connections::default(),
            lifecycle: Lifecycle::new(previous_broker_epoch, now),
            shutdown: None,
            raft,
            image: MetadataImage::default(),
            metadata_epoch: 0,
            publishing: false,
            bytes_since_snapshot: 0,
            metadata_fault: None,
            replicas,
            validating: BTreeMap::new(),
            // Half a session: one lost heartbeat must not end it (KAFKA-14392).
            heartbeats: channel("heartbeat", config.broker_session_timeout_ms / 2),
            isrs: channel("alter-partition", config.request_timeout_ms),
            forwarding: channel("forwarding", config.request_timeout_ms),
            producer_ids: ProducerIds::default(),
            groups: GroupCoordinator::new(Arc::clone(&config), now),
            loggers: Loggers::default(),
            creating: BTreeSet::new(),
            next_idle_check: now.plus_ms(IDLE_CHECK_MS),
            rng: fastrand::Rng::with_seed(config.seed ^ 0xb2_0c_e2),
            config,
        };
        broker.observe(ctx);
        broker.settle(ctx);
        Ok(broker)
    }

    /// The cluster as this broker knows it.
    pub fn image(&self) -> &MetadataImage {
        &self.image
    }

    /// Its copy of the metadata log, for those who look at it from outside.
    pub fn raft(&self) -> &Raft {
        &self.raft
    }

    /// Its replicas, for those who look at it from outside.
    pub fn replicas(&self) -> &ReplicaManager {
        &self.replicas
    }

    /// The groups that it coordinates.
    pub fn groups(&self) -> &GroupCoordinator {
        &self.groups
    }

    /// A metadata record that this broker could not make sense of, if there was one.
    pub fn metadata_fault(&self) -> Option<&str> {
        self.metadata_fault.as_deref()
    }

    fn principal(&self, conn: ConnId) -> String {
        self.conns.get(conn).map_or_else(String::new, |c| c.principal.clone())
    }

    fn close(&mut self, ctx: &mut Ctx, conn: ConnId) {
        ctx.out.push(Output::Close { conn });
        self.forget(conn);
    }

    fn forget(&mut self, conn: ConnId) {
        self.conns.closed(conn);
        self.replicas.forget_conn(conn);
    }

    /// Everything that follows from an input: to be called at the end of each.
    fn settle(&mut self, ctx: &mut Ctx) {
        self.tick(ctx);
        loop {
            self.answer_and_work(ctx);
            if let Some(question) = self.replicas.isr_question(ctx.now.mono) {
                self.isrs.ask(ctx, ALTER_PARTITION_VERSION, &question, Purpose::AlterPartition, None);
            }
            self.replicas.drive_fetchers(ctx, &self.image);
            self.drive_lifecycle(ctx);
            self.drive_channels(ctx);
            self.drive_shutdown(ctx);
            // What was given up just now may have let the next request of a connection in.
            if !self.conns.has_ready() {
                break;
            }
        }
        self.conns.mute_busy(ctx);
    }

    /// Sends what is ready, and works on frames until none is left that may be worked on.
    fn answer_and_work(&mut self, ctx: &mut Ctx) {
        loop {
            // First the coordinator: followers wait for what it appends, as for what any producer does.
            self.drive_groups(ctx);
            self.replicas.settle(ctx, &self.image);
            for answer in self.replicas.take_answers() {
                match answer {
                    Answer::Produce(reply, response) => self.answer_produce(ctx, &reply, &response),
                    Answer::Fetch(reply, response) => self.conns.answer::<FetchRequest>(ctx, &reply, &response),
                    Answer::DeleteRecords(reply, response) => {
                        self.conns.answer::<DeleteRecordsRequest>(ctx, &reply, &response);
                    }
                }
            }
            let Some((conn, bytes, cause)) = self.conns.next_frame() else { break };
            ctx.out.because(cause);
            // No answer can be given to what is not understood; Kafka closes the connection too.
            if self.request(ctx, conn, &bytes).is_err() {
                self.close(ctx, conn);
            }
        }
    }

    fn request(&mut self, ctx: &mut Ctx, conn: ConnId, bytes: &Bytes) -> Result<(), FrameError> {
        fn read<R: Message>(version: i16, body: &Bytes) -> Result<R, FrameError> {
            Ok(frame::decode_body(version, body)?)
        }
        let (head, body) = frame::parse_request(bytes)?;
        let (key, version) = (head.api_key, head.api_version);
        if let Some(client) = self.conns.client_mut(conn) {
            client.asked(&head, ctx.now.mono);
        }
        let mut reply = Reply::new(conn, head, ctx.out.cause());
        let served = key.served(Listener::Broker).ok_or(FrameError::UnknownApiKey(key.code()))?;
        // Also one that can be read here and is not stable yet (InitProducerId 6).
        if !served.contains(&version) && key != ApiKey::ApiVersions {
            return Err(FrameError::UnknownApiKey(key.code()));
        }
        match key {
            // The one API that is answered in any version (KIP-511).
            ApiKey::ApiVersions if !served.contains(&version) => {
                reply.version = 0;
                self.conns.answer::<ApiVersionsRequest>(ctx, &reply, &api_versions::unsupported());
            }
            ApiKey::ApiVersions => {
                let request: ApiVersionsRequest = read(version, &body)?;
                if let Some(client) = self.conns.client_mut(conn) {
                    client.introduced(&request);
                }
                let response = api_versions::describe(&self.image, version, &request, Listener::Broker);
                self.conns.answer::<ApiVersionsRequest>(ctx, &reply, &response);
            }
            ApiKey::Produce => self.produce(ctx, reply, read(version, &body)?),
            ApiKey::Fetch => self.fetch(ctx, reply, read(version, &body)?),
            ApiKey::Metadata => self.metadata(ctx, &reply, read(version, &body)?),
            ApiKey::ListOffsets => self.list_offsets(ctx, &reply, read(version, &body)?),
            ApiKey::OffsetForLeaderEpoch => self.offset_for_leader_epoch(ctx, &reply, read(version, &body)?),
            ApiKey::DeleteRecords => self.delete_records(ctx, reply, read(version, &body)?),
            ApiKey::FindCoordinator => self.find_coordinator(ctx, &reply, read(version, &body)?),
            ApiKey::InitProducerId => self.init_producer_id(ctx, reply, &read(version, &body)?),
            ApiKey::JoinGroup => self.join_group(ctx, reply, &read(version, &body)?),
            ApiKey::SyncGroup => self.sync_group(ctx, reply, read(version, &body)?),
            ApiKey::Heartbeat => self.group_heartbeat(ctx, reply, &read(version, &body)?),
            ApiKey::LeaveGroup => self.leave_group(ctx, reply, read(version, &body)?),
            ApiKey::OffsetCommit => self.offset_commit(ctx, reply, read(version, &body)?),
            ApiKey::OffsetFetch => self.offset_fetch(ctx, reply, read(version, &body)?),
            ApiKey::OffsetDelete => self.offset_delete(ctx, reply, &read(version, &body)?),
            ApiKey::DescribeGroups => self.describe_groups(ctx, &reply, &read(version, &body)?),
            ApiKey::ListGroups => self.list_groups(ctx, &reply, &read(version, &body)?),
            ApiKey::DeleteGroups => self.delete_groups(ctx, reply, read(version, &body)?),
            ApiKey::DescribeCluster => self.describe_cluster(ctx, &reply, &read(version, &body)?),
            ApiKey::DescribeTopicPartitions => self.describe_topic_partitions(ctx, &reply, &read(version, &body)?),
            ApiKey::DescribeConfigs => {
                let asked = Asked { image: &self.image, node: &self.config, loggers: &self.loggers };
                let response = describe_configs::describe(&asked, &read(version, &body)?);
                self.conns.answer::<DescribeConfigsRequest>(ctx, &reply, &response);
            }
            ApiKey::ListConfigResources => {
                let response = describe_configs::list(&self.image, version, &read(version, &body)?);
                self.conns.answer::<ListConfigResourcesRequest>(ctx, &reply, &response);
            }
            ApiKey::AlterConfigs => {
                let request: AlterConfigsRequest = read(version, &body)?;
                self.alter_configs(ctx, reply, bytes, body, &request);
            }
            ApiKey::IncrementalAlterConfigs => {
                let request: IncrementalAlterConfigsRequest = read(version, &body)?;
                self.alter_configs(ctx, reply, bytes, body, &request);
            }
            ApiKey::DescribeLogDirs => self.describe_log_dirs(ctx, &reply, &read(version, &body)?),
            ApiKey::AlterReplicaLogDirs => self.alter_replica_log_dirs(ctx, &reply, read(version, &body)?),
            ApiKey::DescribeProducers => self.describe_producers(ctx, &reply, read(version, &body)?),
            ApiKey::DescribeTransactions => self.describe_transactions(ctx, &reply, read(version, &body)?),
            ApiKey::ListTransactions => self.list_transactions(ctx, &reply, read(version, &body)?),
            ApiKey::DescribeClientQuotas => self.describe_client_quotas(ctx, &reply, &read(version, &body)?),
            ApiKey::DescribeUserScramCredentials => {
                self.describe_user_scram_credentials(ctx, &reply, read(version, &body)?);
            }
            ApiKey::GetTelemetrySubscriptions => {
                self.get_telemetry_subscriptions(ctx, &reply, &read(version, &body)?);
            }
            ApiKey::PushTelemetry => self.push_telemetry(ctx, &reply, &read(version, &body)?),
            ApiKey::SaslHandshake
            | ApiKey::SaslAuthenticate
            | ApiKey::DescribeAcls
            | ApiKey::CreateAcls
            | ApiKey::DeleteAcls
            | ApiKey::CreateDelegationToken
            | ApiKey::RenewDelegationToken
            | ApiKey::ExpireDelegationToken
            | ApiKey::DescribeDelegationToken => {
                let (principal, correlation_id) = (self.principal(conn), reply.correlation_id);
                let principal = principal.as_str();
                let listener = Listener::Broker;
                let asked = security::Asked { api_key: key, version, correlation_id, principal, listener };
                match security::answer(asked, &body) {
                    Some(parts) => self.conns.answer_frame(ctx, &reply, parts),
                    None => self.close(ctx, conn),
                }
            }
            ApiKey::CreateTopics
            | ApiKey::DeleteTopics
            | ApiKey::CreatePartitions
            | ApiKey::AlterClientQuotas
            | ApiKey::AlterUserScramCredentials
            | ApiKey::ElectLeaders
            | ApiKey::AlterPartitionReassignments
            | ApiKey::ListPartitionReassignments
            | ApiKey::UpdateFeatures
            | ApiKey::UnregisterBroker
            | ApiKey::AddRaftVoter
            | ApiKey::RemoveRaftVoter
            | ApiKey::DescribeQuorum => {
                key.check_request(version, &body)?;
                self.forward(ctx, reply, bytes, body);
            }
            other => return Err(FrameError::UnknownApiKey(other.code())),
        }
        Ok(())
    }

    fn channels(&mut self) -> [&mut ControllerChannel<Purpose>; 3] {
        [&mut self.heartbeats, &mut self.isrs, &mut self.forwarding]
    }

    fn drive_channels(&mut self, ctx: &mut Ctx) {
        let controller = self.raft.leader();
        let mut given_up = Vec::new();
        for channel in self.channels() {
            given_up.extend(channel.drive(ctx, controller.as_ref()));
        }
        for purpose in given_up {
            match purpose {
                Purpose::Forward(forwarded) | Purpose::Relay(forwarded) => {
                    self.refuse_forwarded(ctx, forwarded, ErrorCode::RequestTimedOut);
                }
                Purpose::AutoCreate(topics) => topics.iter().for_each(|name| {
                    self.creating.remove(name);
                }),
                Purpose::Register | Purpose::Heartbeat | Purpose::AlterPartition | Purpose::ProducerIds => {}
            }
        }
    }

    /// The controller answered on one of the channels.
    fn controller_answered(&mut self, ctx: &mut Ctx, conn: ConnId, bytes: &Bytes) {
        let Some(channel) = self.channels().into_iter().find(|c| c.owns(conn)) else { return };
        let Some(question) = channel.answered(ctx, bytes) else { return };
        match question.purpose.clone() {
            Purpose::Register => match read::<BrokerRegistrationRequest>(REGISTRATION_VERSION, bytes) {
                Some(response) => self.registered(ctx, question, &response),
                None => self.heartbeats.again(ctx, question),
            },
            Purpose::Heartbeat => match read::<BrokerHeartbeatRequest>(HEARTBEAT_VERSION, bytes) {
                Some(response) => self.heard(ctx, question, &response),
                None => self.heartbeats.again(ctx, question),
            },
            Purpose::AlterPartition => {
                let response = read::<AlterPartitionRequest>(ALTER_PARTITION_VERSION, bytes);
                match response {
                    Some(response) if response.error_code != ErrorCode::NotController.code() => {
                        self.replicas.isr_answered(ctx, &self.image, Ok(response));
                    }
                    _ => self.isrs.again(ctx, question),
                }
            }
            Purpose::ProducerIds => match read::<AllocateProducerIdsRequest>(0, bytes) {
                Some(response) => self.producer_ids_allocated(ctx, question, &response),
                None => self.forwarding.again(ctx, question),
            },
            Purpose::AutoCreate(topics) => match read::<CreateTopicsRequest>(CREATE_TOPICS_VERSION, bytes) {
                Some(response) if response.topics.iter().any(|t| t.error_code == ErrorCode::NotController.code()) => {
                    self.forwarding.again(ctx, question);
                }
                // Created, or refused: whoever asks for it again finds out.
                _ => topics.iter().for_each(|name| {
                    self.creating.remove(name);
                }),
            },
            Purpose::Forward(forwarded) => self.envelope_answered(ctx, question, forwarded, bytes),
            Purpose::Relay(forwarded) => self.relay_answered(ctx, question, forwarded, bytes),
        }
    }

    fn tick(&mut self, ctx: &mut Ctx) {
        let now = ctx.now.mono;
        let cause = ctx.out.cause();
        self.replicas.tick(ctx, &self.image);
        self.drive_producer_ids(ctx);
        self.groups.tick(ctx);
        if now >= self.next_idle_check {
            self.next_idle_check = now.plus_ms(IDLE_CHECK_MS);
            for conn in self.conns.idle(now, self.config.connections_max_idle_ms) {
                self.close(ctx, conn);
            }
        }
        ctx.out.because(cause);
    }
}

impl Machine for Broker {
    fn handle(&mut self, ctx: &mut Ctx<'_>, input: Input) {
        if self.shutdown == Some(Shutdown::Done) {
            return;
        }
        match input {
            Input::Wake => self.raft.handle_input(ctx, &Input::Wake),
            // No more work is taken on: the logs are being closed.
            Input::Opened { conn, listener: Some(_), .. } if self.is_closing() => ctx.out.push(Output::Close { conn }),
            Input::Opened { conn, listener: Some(_), peer, principal } => {
                self.conns.opened(conn, peer, principal, ctx.now.mono);
            }
            Input::Opened { conn, .. } if self.raft.owns(conn) => self.raft.handle_input(ctx, &input),
            Input::Opened { conn, .. } => {
                self.replicas.fetcher_opened(ctx, conn);
                for channel in self.channels() {
                    channel.opened(ctx, conn);
                }
            }
            Input::Frame { conn, .. } if self.raft.owns(conn) => self.raft.handle_input(ctx, &input),
            Input::Frame { conn, bytes, .. } if self.replicas.owns_conn(conn) => {
                self.replicas.fetcher_frame(ctx, conn, &bytes);
            }
            Input::Frame { conn, bytes, .. } if conn.is_outbound() => self.controller_answered(ctx, conn, &bytes),
            Input::Frame { conn, bytes, cause } => {
                let max_bytes = self.config.socket_request_max_bytes as usize;
                if !self.conns.received(conn, bytes, cause, ctx.now.mono, max_bytes) {
                    self.close(ctx, conn);
                }
            }
            Input::Closed { conn } => {
                self.raft.handle_input(ctx, &input);
                self.replicas.fetcher_closed(ctx, conn);
                for channel in self.channels() {
                    if channel.owns(conn) {
                        channel.closed(ctx);
                    }
                }
                self.forget(conn);
            }
            Input::Synced { token, ref result } => {
                if self.raft.owns_token(token) {
                    self.raft.handle_input(ctx, &input);
                } else {
                    self.replicas.synced(ctx, token, result.clone());
                }
            }
            Input::JobDone { token, result } => {
                if let Some(validating) = self.validating.remove(&token) {
                    self.validated(ctx, validating, result);
                }
            }
            Input::Shutdown => self.begin_shutdown(ctx),
            Input::Writable { .. } | Input::Command(_) => {}
        }
        self.observe(ctx);
        self.settle(ctx);
    }

    fn deadline(&self) -> Option<Time> {
        if self.shutdown == Some(Shutdown::Done) {
            return None;
        }
        let channels = [&self.heartbeats, &self.isrs, &self.forwarding].into_iter().map(ControllerChannel::deadline);
        // A heartbeat that is due waits for the one before it, whose end is an input.
        let lifecycle = self.heartbeats.is_idle().then(|| self.lifecycle.deadline());
        let others = [
            self.raft.deadline(),
            self.producer_ids.deadline(),
            self.shutdown_deadline(),
            self.groups.deadline(),
            lifecycle,
        ];
        let soonest = channels.chain(others).flatten().min();
        let always = self.replicas.deadline().min(self.next_idle_check);
        Some(soonest.map_or(always, |at| at.min(always)))
    }
}

fn read<R: Request>(version: i16, bytes: &Bytes) -> Option<R::Response> {
    frame::parse_response::<R>(version, bytes).ok().map(|(_, response)| response)
}
