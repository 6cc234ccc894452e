//! Requests that come from outside of the world: tests ask a server as a stranger would, without a client in between.

use bytes::Bytes;

use super::World;
use crate::{
    disk::MemDisk,
    id::{ConnId, NodeId},
    seam::{Input, Listener},
    sim::process::Role,
};

/// What a server did with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Frame(Bytes),
    /// It closed the connection.
    Closed,
    /// It accepts no connections.
    Refused,
    /// The time was over.
    Nothing,
}

/// The connection from outside that is open.
#[derive(Clone, Debug)]
pub(super) struct Outside {
    pub(super) conn: ConnId,
    pub(super) answer: Answer,
}

/// Far above the connections that the world counts.
const FIRST_CONN: u64 = 1 << 40;

impl World {
    /// Sends one request frame to a server on a connection of its own, which takes no time, and lets the world go on
    /// until it is answered or `limit_ms` are over.
    ///
    /// # Panics
    /// When `server` is not a server of this world.
    pub fn ask(&mut self, server: NodeId, frame: Bytes, limit_ms: u64) -> Answer {
        let ix = self.index(server).expect("a server of this world");
        let listener = match self.nodes[ix].role {
            Role::Controller => Listener::Controller,
            _ => Listener::Broker,
        };
        if !self.nodes[ix].listening {
            return Answer::Refused;
        }
        self.asked += 1;
        let conn = ConnId(FIRST_CONN + self.asked);
        self.outside = Some(Outside { conn, answer: Answer::Nothing });
        let (peer, principal) = ("outside:1".into(), "User:ANONYMOUS".into());
        self.dispatch(ix, Input::Opened { conn, listener: Some(listener), peer, principal }, None);
        self.dispatch(ix, Input::Frame { conn, bytes: frame, cause: None }, None);
        let limit = self.now.plus_ms(limit_ms);
        while self.outside.as_ref().is_some_and(|o| o.answer == Answer::Nothing)
            && self.next_at().is_some_and(|at| at <= limit)
        {
            self.step();
        }
        let answer = self.outside.take().map_or(Answer::Nothing, |outside| outside.answer);
        if answer != Answer::Closed {
            self.dispatch(ix, Input::Closed { conn }, None);
        }
        answer
    }

    /// The disk of a node, to look at its files.
    pub fn disk(&self, node: NodeId) -> Option<&MemDisk> {
        self.index(node).map(|ix| &self.nodes[ix].disk)
    }

    /// The disk of a node, to break it.
    pub(in crate::sim) fn disk_mut(&mut self, node: NodeId) -> Result<&mut MemDisk, String> {
        let ix = self.index(node).ok_or_else(|| format!("there is no node {node}"))?;
        Ok(&mut self.nodes[ix].disk)
    }

    /// Takes what a server tells somebody outside.
    pub(super) fn tell_outside(&mut self, conn: ConnId, answer: impl FnOnce(&Self) -> Answer) {
        if self.outside.as_ref().is_some_and(|o| o.conn == conn && o.answer == Answer::Nothing) {
            self.outside = Some(Outside { conn, answer: answer(self) });
        }
    }
}
