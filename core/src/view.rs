//! What people read ([`ClusterView`]) and what they may do ([`Action`]). The page knows nothing else of a cluster.
//!
//! Beliefs are kept apart: each node says what *it* believes. Two brokers that both think they lead can be drawn.
//! [`ClusterView::headline`] is the one shared reducer that says what to print in large letters.

mod action;
mod reduce;

pub use self::{action::Action, reduce::Headline};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    id::{NodeId, TopicPartition},
    seam::Time,
    wire::batch::Batch,
};

/// The cluster at one instant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterView {
    pub at: Time,
    /// Number of events recorded so far.
    pub events: u64,
    pub nodes: Vec<NodeView>,
    pub producers: Vec<ProducerView>,
    pub consumers: Vec<ConsumerView>,
    pub links: Vec<LinkView>,
    /// Frames that have been sent and not arrived.
    pub in_flight: Vec<FrameView>,
    /// Values that differ from Kafka's defaults so that the lab is usable.
    pub presets: Vec<Preset>,
    /// Promises the checkers found broken. Empty, or there is a bug.
    pub violations: Vec<String>,
}

/// State of a process, known to the world and not to the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessState {
    #[default]
    Alive,
    Down,
    Paused,
    /// Asked to stop, still handing over.
    Stopping,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    pub id: NodeId,
    pub process: ProcessState,
    /// When the beliefs below were read; older than `ClusterView::at` for a node that is down or paused.
    pub as_of: Time,
    pub address: String,
    pub pid: Option<u32>,
    pub rack: Option<String>,
    pub controller: Option<ControllerView>,
    pub broker: Option<BrokerView>,
}

/// What a quorum voter believes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ControllerView {
    /// unattached, prospective, candidate, follower, leader, resigned.
    pub role: String,
    pub epoch: i32,
    pub leader: Option<NodeId>,
    pub voted_for: Option<NodeId>,
    /// Candidates: who granted so far.
    pub votes: Vec<NodeId>,
    pub voters: Vec<NodeId>,
    pub log_end_offset: i64,
    pub high_watermark: i64,
    /// The newest records of the metadata log: offset, epoch, short name ("PartitionChange orders-0 leader 2").
    pub tail: Vec<MetadataRecordView>,
    /// Filled by the active controller only.
    pub active: Option<ActiveView>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetadataRecordView {
    pub offset: i64,
    pub epoch: i32,
    /// Two letters for the cell: PC, BR, TO, ...
    pub mark: String,
    pub text: String,
}

/// What the active controller holds true.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActiveView {
    pub brokers: Vec<RegistrationView>,
    pub partitions: Vec<PartitionView>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RegistrationView {
    pub id: NodeId,
    pub broker_epoch: i64,
    pub fenced: bool,
    pub in_controlled_shutdown: bool,
    pub last_heartbeat: Time,
    /// When the session ends if no heartbeat comes: the countdown of a dead broker.
    pub session_ends: Time,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PartitionView {
    pub topic: String,
    pub partition: i32,
    pub replicas: Vec<NodeId>,
    pub isr: Vec<NodeId>,
    pub elr: Vec<NodeId>,
    /// While a reassignment is under way: which of `replicas` are on their way in, and which on their way out.
    pub adding: Vec<NodeId>,
    pub removing: Vec<NodeId>,
    /// -1: nobody.
    pub leader: i32,
    pub leader_epoch: i32,
    pub partition_epoch: i32,
    pub min_insync_replicas: i32,
}

/// What a broker believes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BrokerView {
    pub broker_epoch: i64,
    pub fenced: bool,
    /// How far it has replayed the metadata log.
    pub metadata_offset: i64,
    pub controller: Option<NodeId>,
    pub replicas: Vec<ReplicaView>,
    /// The groups that it coordinates.
    pub groups: Vec<GroupView>,
    /// Requests waiting in purgatory: "Produce from 1001, until orders-0 HW 44".
    pub parked: Vec<String>,
    /// Open connections of clients.
    pub clients: Vec<ConnectionView>,
}

/// A connection of a client, as the broker at its other end sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// `client.id`; clients choose it.
    pub client_id: String,
    /// `HOST:PORT` that it connects from.
    pub address: String,
    /// "librdkafka 2.3.0", if it said so.
    pub software: String,
    /// APIs it has used, each with the version it last spoke.
    pub versions: Vec<(String, i16)>,
    pub requests: u64,
    /// "Fetch"
    pub last_request: String,
    pub last_at: Time,
    /// Consumers: where the last fetch began.
    pub positions: Vec<PositionView>,
}

/// A client of the cluster: all connections with one `client.id` from one host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientView {
    /// Made of name and host, the same everywhere: see [`ClientView::id_of`].
    pub id: NodeId,
    pub client_id: String,
    pub host: String,
    pub software: String,
    /// Brokers it is connected to.
    pub brokers: Vec<NodeId>,
    pub versions: Vec<(String, i16)>,
    pub requests: u64,
    pub last_request: String,
    pub last_at: Time,
    pub positions: Vec<PositionView>,
}

impl ClientView {
    /// Ids of real clients begin here; nodes and simulated clients have smaller ones.
    pub const FIRST_ID: i32 = 1_000_000;

    /// The id of the client of that name at the other end of a connection from `address`.
    pub fn id_of(client_id: &str, address: &str) -> NodeId {
        // FNV-1a: the same in every process.
        let bytes = client_id.bytes().chain([0]).chain(host_of(address).bytes());
        let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        NodeId(Self::FIRST_ID + (hash % 1_000_000_000) as i32)
    }
}

fn host_of(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

/// A group as its coordinator has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupView {
    pub id: String,
    /// Empty, PreparingRebalance, CompletingRebalance, Stable.
    pub state: String,
    pub generation: i32,
    /// How it shares out; empty while it has no members.
    pub protocol: String,
    /// Member id.
    pub leader: Option<String>,
    pub coordinator: NodeId,
    pub members: Vec<MemberView>,
    /// What it committed, whoever reads it now.
    pub committed: Vec<(TopicPartition, i64)>,
    /// Records of the partitions it has committed or reads that it has not committed yet. Known only where all brokers
    /// are looked at together ([`ClusterView::groups`]), otherwise 0.
    pub lag: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MemberView {
    pub id: String,
    pub instance_id: Option<String>,
    pub client_id: String,
    /// It has joined the rebalance and waits for the others.
    pub awaiting_join: bool,
    /// It waits for its assignment.
    pub awaiting_sync: bool,
    /// When its session ends if nothing is heard of it.
    pub session_ends: Option<Time>,
    pub partitions: Vec<PositionView>,
}

/// One replica of a partition, as the broker that holds it sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplicaView {
    pub topic: String,
    pub partition: i32,
    /// This broker believes that it leads.
    pub is_leader: bool,
    pub leader: i32,
    pub leader_epoch: i32,
    /// Leaders: the in-sync set as acknowledged by the controller.
    pub isr: Vec<NodeId>,
    /// Leaders: a set asked for and not yet answered.
    pub pending_isr: Option<Vec<NodeId>>,
    pub log_start_offset: i64,
    pub high_watermark: i64,
    pub log_end_offset: i64,
    /// Leader epochs and where each starts.
    pub epochs: Vec<(i32, i64)>,
    /// The newest records (at most 64): offset, epoch, key.
    pub tail: Vec<RecordView>,
    /// Records that were cut off lately, newest last (at most 16).
    pub cut: Vec<RecordView>,
    /// Leaders: what each follower has confirmed.
    pub followers: Vec<FollowerView>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordView {
    pub offset: i64,
    pub epoch: i32,
    pub key: Option<String>,
    /// -1: not idempotent.
    pub producer_id: i64,
    pub value: String,
}

impl RecordView {
    /// The records of a batch, as people see them. What cannot be read is left out.
    pub fn of(batch: &Batch) -> impl Iterator<Item = Self> {
        let (epoch, producer_id) = (batch.header.partition_leader_epoch, batch.header.producer_id);
        batch.records().flatten().map(move |record| {
            let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
            Self {
                offset: record.offset,
                epoch,
                key: record.key.as_ref().map(text),
                producer_id,
                value: record.value.as_ref().map(text).unwrap_or_default(),
            }
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FollowerView {
    pub id: NodeId,
    pub end_offset: i64,
    pub in_sync: bool,
    /// Milliseconds since it was last caught up.
    pub lag_ms: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProducerView {
    pub id: NodeId,
    /// "P1".
    pub name: String,
    pub acks: String,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub acked: u64,
    /// Buffered or in flight.
    pub waiting: u64,
    pub retries: u64,
    pub failed: u64,
    pub last_error: Option<String>,
    /// Per partition: the last acknowledged offset.
    pub acked_offsets: Vec<(TopicPartition, i64)>,
}

/// Of a simulated world also those that do not run, with what they last said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConsumerView {
    pub id: NodeId,
    /// "A".
    pub name: String,
    pub process: ProcessState,
    pub read: u64,
    pub positions: Vec<PositionView>,
    pub last_error: Option<String>,
    /// Its group, if it is in one.
    pub group_id: Option<String>,
    pub member_id: Option<String>,
    /// -1: in none.
    pub generation: i32,
    /// The record that its application works on, where it takes its time.
    pub working_on: Option<(TopicPartition, i64)>,
    /// Records that the application was given and has not worked off, that one included.
    pub unprocessed: u64,
    /// How long its application works on each record. One that takes no time tells nothing of being done with it.
    pub processing_ms: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PositionView {
    pub topic: String,
    pub partition: i32,
    pub position: i64,
    /// The high watermark in the last answer.
    pub high_watermark: i64,
    /// As far as this member knows; -1: it has committed nothing, or has no group.
    pub committed: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LinkView {
    pub a: NodeId,
    pub b: NodeId,
    pub cut: bool,
    /// With `cut`: only frames from `a` to `b` are stopped.
    pub one_way: bool,
    pub extra_ms: u64,
}

/// A frame on its way. `event` is the id of its `Sent` event, which fetches its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameView {
    pub event: crate::id::EventId,
    pub sent_at: Time,
    #[serde(flatten)]
    pub facts: crate::trace::FrameFacts,
}

/// A value that is not Kafka's default, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    pub key: String,
    pub value: String,
    pub kafka_default: String,
}
