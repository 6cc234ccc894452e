//! What will happen, in a total order of time and number, and the moving on to it.

use std::cmp::Reverse;

use super::World;
use crate::{
    disk::SyncTarget,
    id::{Command, Token},
    job::JobResult,
    seam::{Input, Time},
    sim::network::{ConnKey, NodeIndex},
    trace::Event,
};

/// Something that will happen.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    at: Time,
    /// Breaks ties: what was planned first happens first.
    number: u64,
    what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Wake {
        node: NodeIndex,
        incarnation: u32,
    },
    /// The front of a flow reaches the other end.
    Arrive {
        conn: ConnKey,
        side: usize,
    },
    Connect {
        conn: ConnKey,
    },
    Synced {
        node: NodeIndex,
        incarnation: u32,
        token: Token,
        target: SyncTarget,
    },
    JobDone {
        node: NodeIndex,
        incarnation: u32,
        token: Token,
        result: Box<JobResult>,
    },
    HeldTooLong {
        conn: ConnKey,
        side: usize,
        since: Time,
    },
    Traffic(usize),
    Load(usize),
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl World {
    /// Handles the next thing that happens. False: nothing ever will.
    pub fn step(&mut self) -> bool {
        let Some(Reverse(Entry { at, what, .. })) = self.queue.pop() else { return false };
        debug_assert!(at >= self.now, "nothing happens in the past");
        self.now = self.now.max(at);
        match what {
            What::Wake { node, incarnation } => self.wake(node, incarnation),
            What::Arrive { conn, side } => self.arrive(conn, side),
            What::Connect { conn } => self.connect_arrives(conn),
            What::Synced { node, incarnation, token, target } => {
                if self.nodes[node].incarnation == incarnation && self.nodes[node].process.is_some() {
                    let result = self.nodes[node].disk.sync(&target);
                    self.answer(node, Input::Synced { token, result });
                }
            }
            What::JobDone { node, incarnation, token, result } => {
                if self.nodes[node].incarnation == incarnation && self.nodes[node].process.is_some() {
                    self.answer(node, Input::JobDone { token, result: *result });
                }
            }
            What::HeldTooLong { conn, side, since } => {
                let held = self.net.conns.get(&conn).is_some_and(|c| c.flows[side].held_since == Some(since));
                if held {
                    self.break_conn(conn, None);
                }
            }
            What::Traffic(i) => self.traffic(i),
            What::Load(i) => {
                let load = &self.scenario.loads[i];
                let command = Command::Load {
                    topic: load.topic.clone(),
                    records_per_second: load.records_per_second,
                    size_bytes: load.size_bytes,
                    keys: load.keys,
                };
                if let Some(node) = self.index(load.producer) {
                    self.answer(node, Input::Command(command));
                }
            }
        }
        true
    }

    /// When the next thing happens.
    pub fn next_at(&self) -> Option<Time> {
        self.queue.peek().map(|Reverse(entry)| entry.at)
    }

    /// Everything up to and including `to` happens.
    pub fn run_until(&mut self, to: Time) {
        while self.next_at().is_some_and(|at| at <= to) {
            self.step();
        }
        self.now = self.now.max(to);
    }

    pub fn run_for(&mut self, ms: u64) {
        self.run_until(self.now.plus_ms(ms));
    }

    /// Runs until an event for which `wanted` holds, and all else of that instant, or until `limit`.
    pub fn run_until_event(&mut self, mut wanted: impl FnMut(&Event) -> bool, limit: Time) -> Option<Event> {
        let mut seen = self.events.len();
        while self.next_at().is_some_and(|at| at <= limit) {
            self.step();
            let found = self.events.since(seen).find(|event| wanted(event)).cloned();
            if found.is_some() {
                self.run_until(self.now);
                return found;
            }
            seen = self.events.len();
        }
        self.now = self.now.max(limit);
        None
    }

    pub(super) fn plan(&mut self, at: Time, what: What) {
        self.next_entry += 1;
        self.queue.push(Reverse(Entry { at, number: self.next_entry, what }));
    }
}
