//! The event log: the one truth for people. Animation, timeline, "Why?", announcements, goals and golden traces are
//! projections of it. Each kind knows its sentence ([`EventKind::text`]) and the rule of Kafka behind it ([`EventKind::rule`]).

mod rule;
mod sort;
mod text;

pub use text::node_name;

use serde::{Deserialize, Serialize};

use crate::{
    id::{EventId, NodeId, TopicPartition},
    seam::Time,
};

/// One thing that happened, as the world recorded it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub at: Time,
    pub node: NodeId,
    /// The earlier event that led here.
    pub cause: Option<EventId>,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What can happen. Numbers are Kafka's own: offsets, epochs, error codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    // The world: what a person did, and frames on links. Written by the driver.
    Killed,
    PowerLost,
    StopAsked,
    Stopped,
    Started,
    Paused,
    Resumed,
    LinkCut {
        a: NodeId,
        b: NodeId,
        one_way: bool,
    },
    LinkSlowed {
        a: NodeId,
        b: NodeId,
        ms: u64,
    },
    LinksHealed,
    LinkReset {
        a: NodeId,
        b: NodeId,
    },
    /// The node's disk filled up, or has room again.
    DiskFull {
        full: bool,
    },
    ConfigChanged {
        resource: String,
        key: String,
        /// Missing when the key is back at its default.
        value: Option<String>,
        /// Why the value changes nothing, when it does not.
        without_effect: Option<String>,
    },
    /// A frame left a node. `background`: heartbeats, empty fetches and metadata polls, hidden by default.
    Sent(Box<FrameFacts>),

    // The quorum (KIP-595, KIP-996).
    RaftRole {
        role: String,
        epoch: i32,
        leader: Option<NodeId>,
    },
    VoteGranted {
        to: NodeId,
        epoch: i32,
        pre_vote: bool,
    },
    VoteRefused {
        to: NodeId,
        epoch: i32,
        pre_vote: bool,
        reason: String,
    },
    QuorumLeaderElected {
        epoch: i32,
        votes: Vec<NodeId>,
    },
    MetadataAppended {
        base_offset: i64,
        last_offset: i64,
        records: Vec<String>,
    },
    MetadataHighWatermark {
        offset: i64,
    },
    MetadataTruncated {
        to: i64,
        from: i64,
    },
    MetadataReplayed {
        offset: i64,
    },
    /// The quorum or its controller will have nothing to do with this node, and asking again does not help.
    TurnedAway {
        by: NodeId,
        error: i16,
    },

    // The controller.
    BrokerRegistered {
        broker: NodeId,
        broker_epoch: i64,
    },
    BrokerFenced {
        broker: NodeId,
        silent_ms: u64,
        session_ms: u64,
    },
    BrokerUnfenced {
        broker: NodeId,
    },
    BrokerShuttingDown {
        broker: NodeId,
    },
    /// Somebody had the cluster forget it (KIP-746).
    BrokerUnregistered {
        broker: NodeId,
    },
    /// Another level of a feature was finalized; 0: it is off.
    FeatureChanged {
        feature: String,
        level: i16,
    },
    TopicCreated {
        topic: String,
        partitions: i32,
    },
    /// Other replicas, or the beginning or end of a move to others (KIP-455). What the controller decided beside that
    /// follows as [`Self::PartitionChanged`].
    AssignmentChanged {
        partition: TopicPartition,
        replicas: Vec<NodeId>,
        adding: Vec<NodeId>,
        removing: Vec<NodeId>,
        previous_replicas: Vec<NodeId>,
    },
    TopicDeleted {
        topic: String,
    },
    /// The controller decided on new leadership or ISR for a partition. `leader` -1: none.
    PartitionChanged {
        partition: TopicPartition,
        leader: i32,
        leader_epoch: i32,
        partition_epoch: i32,
        isr: Vec<NodeId>,
        previous_leader: i32,
        previous_isr: Vec<NodeId>,
        why: String,
    },

    // A broker's partitions.
    BecameLeader {
        partition: TopicPartition,
        leader_epoch: i32,
        start_offset: i64,
    },
    BecameFollower {
        partition: TopicPartition,
        leader: i32,
        leader_epoch: i32,
    },
    Appended {
        partition: TopicPartition,
        base_offset: i64,
        last_offset: i64,
        leader_epoch: i32,
        as_leader: bool,
    },
    /// An idempotent producer's retry was recognized and not stored again (KIP-98).
    DuplicateRecognized {
        partition: TopicPartition,
        producer_id: i64,
        base_sequence: i32,
        base_offset: i64,
    },
    AppendRefused {
        partition: TopicPartition,
        error: i16,
        why: String,
    },
    /// An acks=all request waits until the high watermark reaches `required_offset`.
    ProduceParked {
        partition: TopicPartition,
        required_offset: i64,
    },
    ProduceAnswered {
        partition: TopicPartition,
        base_offset: i64,
        error: i16,
    },
    HighWatermark {
        partition: TopicPartition,
        from: i64,
        to: i64,
        as_leader: bool,
    },
    FollowerCaughtUp {
        partition: TopicPartition,
        follower: NodeId,
        end_offset: i64,
    },
    IsrShrinkAsked {
        partition: TopicPartition,
        out: Vec<NodeId>,
        lag_ms: u64,
    },
    IsrExpandAsked {
        partition: TopicPartition,
        joining: NodeId,
    },
    Truncated {
        partition: TopicPartition,
        from: i64,
        to: i64,
        why: String,
    },
    Recovered {
        partition: TopicPartition,
        end_offset: i64,
        cut_bytes: u64,
    },
    ProducerIdsAllocated {
        first: i64,
        count: i32,
    },

    // Groups, as their coordinator sees them.
    /// The groups of this partition of `__consumer_offsets` are served from here now.
    CoordinatorLoaded {
        partition: i32,
        groups: u32,
        records: u64,
    },
    /// Somebody wants to join and was given an id to do it with (KIP-394).
    MemberIdGiven {
        group: String,
        member: String,
    },
    MemberJoined {
        group: String,
        member: String,
        client: String,
        instance_id: Option<String>,
    },
    /// A static member is back under a new id, and nothing was rebalanced (KIP-345).
    StaticMemberReturned {
        group: String,
        instance_id: String,
        old_member: String,
        member: String,
    },
    MemberLeft {
        group: String,
        member: String,
        why: String,
    },
    RebalanceStarted {
        group: String,
        generation: i32,
        members: u32,
        why: String,
    },
    /// Everybody joined who will: the leader has to share out.
    GenerationBegan {
        group: String,
        generation: i32,
        protocol: String,
        leader: String,
        members: Vec<String>,
    },
    /// The group's leader handed in who reads what.
    AssignmentGiven {
        group: String,
        generation: i32,
        leader: String,
    },
    GroupStable {
        group: String,
        generation: i32,
    },
    OffsetCommitted {
        group: String,
        member: String,
        generation: i32,
        partition: TopicPartition,
        offset: i64,
    },
    OffsetCommitRefused {
        group: String,
        member: String,
        error: i16,
    },

    // Clients.
    /// A consumer knows what it reads in this generation.
    PartitionsAssigned {
        group: String,
        generation: i32,
        member: String,
        partitions: Vec<TopicPartition>,
    },
    /// A consumer stopped reading these. `lost`: its group went on without it.
    PartitionsRevoked {
        group: String,
        generation: i32,
        partitions: Vec<TopicPartition>,
        lost: bool,
    },
    RecordBuffered {
        partition: TopicPartition,
        key: Option<String>,
    },
    BatchSent {
        partition: TopicPartition,
        base_sequence: i32,
        records: i32,
        attempt: u32,
    },
    BatchAcked {
        partition: TopicPartition,
        base_offset: i64,
        records: i32,
    },
    BatchRetried {
        partition: TopicPartition,
        error: i16,
        why: String,
    },
    BatchFailed {
        partition: TopicPartition,
        error: i16,
        why: String,
    },
    ConnectRefused {
        to: NodeId,
    },
    LeaderLearned {
        partition: TopicPartition,
        leader: i32,
        leader_epoch: i32,
    },
    /// The application was given these by `poll()`.
    RecordsRead {
        partition: TopicPartition,
        from: i64,
        to: i64,
    },
    /// A simulated application that takes its time has worked off a record.
    RecordProcessed {
        partition: TopicPartition,
        offset: i64,
    },

    // Checkers.
    /// An unclean election made a leader of a broker that lacks committed records: the world saw what it lacks.
    RecordsLost {
        partition: TopicPartition,
        from: i64,
        to: i64,
        leader: i32,
        leader_epoch: i32,
    },
    PromiseBroken {
        promise: String,
        detail: String,
    },
}

/// What is known of a frame without opening it in the wire panel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameFacts {
    pub from: NodeId,
    pub to: NodeId,
    pub api_key: i16,
    pub api_version: i16,
    pub correlation_id: i32,
    pub response: bool,
    pub bytes: u32,
    /// When it will arrive, if nothing happens to the link.
    pub arrives_at: Time,
    /// Hidden unless the person asks: nothing was learned or moved by it.
    pub background: bool,
    /// Number of records carried, for Produce requests and Fetch responses.
    pub records: u32,
    /// A short sentence: "Fetch orders-0 from 42", "answers Fetch: orders-0 records 42-43, high watermark 42".
    pub label: String,
}
