//! What a node process and its supervisor tell each other: JSON, one message a line, over a socket pair that the node
//! inherits as its standard input. End of file means that the supervisor is gone: the node stops cleanly.

use lab_core::{
    id::EventId,
    trace::Event,
    view::{BrokerView, ControllerView},
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
};

pub use super::requests::RequestFigures;
use crate::driver::{Counters, LinkTable};

/// Supervisor to node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Faults to apply from now on, all of them.
    Links { table: LinkTable },
    /// Somebody watches the page: report often, and send events.
    Watch { on: bool },
    /// Report now.
    Report,
    /// The bytes of this frame, whose event was sent before.
    Frame { frame: EventId },
}

/// Node to supervisor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    Report(Box<Report>),
    Events {
        events: Vec<Event>,
        dropped: u64,
    },
    /// `None`: it is no longer kept.
    Frame {
        frame: EventId,
        kept: Option<KeptFrame>,
    },
}

/// The first bytes of a frame, in hexadecimal, and how long it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFrame {
    pub hex: String,
    pub len: u32,
}

/// A node about itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// With partitions, replicas and groups: only for those who ask, since there may be very many.
    pub whole: bool,
    pub controller: Option<ControllerView>,
    pub broker: Option<BrokerView>,
    pub counters: Counters,
    /// Resident memory.
    pub rss_bytes: u64,
    /// User and system time since the process started.
    pub cpu_ms: u64,
    /// By API, of the listeners.
    pub requests: Vec<RequestFigures>,
    /// Times that an ISR was asked to shrink or to grow, and that this member won an election of the quorum.
    pub isr_shrinks: u64,
    pub isr_expands: u64,
    pub elections: u64,
}

/// Reads messages of one kind, one a line.
pub struct Lines(tokio::io::Lines<BufReader<OwnedReadHalf>>);

/// Writes messages, one a line.
pub struct LineWriter(OwnedWriteHalf);

pub fn split(stream: UnixStream) -> (Lines, LineWriter) {
    let (read, write) = stream.into_split();
    (Lines(BufReader::new(read).lines()), LineWriter(write))
}

impl Lines {
    /// `None` at the end of the stream, which is also how a broken one ends.
    pub async fn next<T: for<'de> Deserialize<'de>>(&mut self) -> Option<Result<T, serde_json::Error>> {
        let line = self.0.next_line().await.ok().flatten()?;
        Some(serde_json::from_str(&line))
    }
}

impl Report {
    /// What a report left out is taken from the one before.
    pub fn complete_from(&mut self, before: Self) {
        if self.whole {
            return;
        }
        if let (Some(now), Some(before)) = (&mut self.broker, before.broker) {
            (now.replicas, now.groups) = (before.replicas, before.groups);
        }
        let active = |report: ControllerView| report.active;
        if let (Some(now), Some(before)) =
            (self.controller.as_mut().and_then(|c| c.active.as_mut()), before.controller.and_then(active))
        {
            now.partitions = before.partitions;
        }
    }
}

impl LineWriter {
    pub async fn send<T: Serialize>(&mut self, message: &T) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(message).map_err(std::io::Error::other)?;
        line.push(b'\n');
        self.0.write_all(&line).await
    }
}
