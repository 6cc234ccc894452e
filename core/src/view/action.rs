//! What people may do to a cluster.

use serde::{Deserialize, Serialize};

use crate::{client::ConsumerCommand, id::NodeId};

/// What a person may do. The simulator carries all of it out; a backend that cannot says so in the returned text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// SIGKILL.
    Kill {
        node: NodeId,
    },
    /// SIGTERM.
    Stop {
        node: NodeId,
    },
    Start {
        node: NodeId,
    },
    /// SIGSTOP.
    Pause {
        node: NodeId,
    },
    /// SIGCONT.
    Resume {
        node: NodeId,
    },
    /// Kill, and lose what was not synced.
    PowerLoss {
        node: NodeId,
    },
    Cut {
        a: NodeId,
        b: NodeId,
        one_way: bool,
    },
    Slow {
        a: NodeId,
        b: NodeId,
        ms: u64,
    },
    /// Heals every link: nothing is cut or slow any more.
    Heal,
    /// Breaks the connections between two nodes at once; they may connect again.
    Reset {
        a: NodeId,
        b: NodeId,
    },
    /// Fills the node's disk, so that every append fails, or frees it again.
    DiskFull {
        node: NodeId,
        full: bool,
    },
    /// `producer` missing: the first one.
    Produce {
        producer: Option<NodeId>,
        topic: String,
        partition: Option<i32>,
        key: Option<String>,
        value: String,
    },
    Load {
        producer: Option<NodeId>,
        topic: String,
        records_per_second: u32,
        size_bytes: u32,
        keys: u32,
    },
    /// Starts another member of a group. `consumer` missing: the first that does not run.
    AddConsumer {
        consumer: Option<NodeId>,
    },
    /// Lets a consumer commit, leave its group and end. To crash it is to kill it.
    RemoveConsumer {
        consumer: NodeId,
    },
    /// Tells the application of a consumer something: to take its time, to seek, to pause a partition.
    TellConsumer {
        consumer: NodeId,
        command: ConsumerCommand,
    },
    CreateTopic {
        topic: String,
        partitions: i32,
        replication_factor: i16,
        configs: Vec<(String, String)>,
    },
}
