//! What machines ask for, performed in order.

use super::{World, queue::What};
use crate::{
    id::NodeId,
    seam::{Listener, Output, Time},
    sim::network::{Item, NodeIndex},
    trace::Event,
};

impl World {
    pub(super) fn perform_outputs(&mut self, ix: NodeIndex) {
        let mut outputs = std::mem::take(&mut self.outputs);
        outputs.extend(self.nodes[ix].out.drain());
        for output in outputs.drain(..) {
            self.perform(ix, output);
        }
        self.outputs = outputs;
        self.check(ix);
        self.arm(ix);
    }

    fn perform(&mut self, ix: NodeIndex, output: Output) {
        self.fold_output(&output);
        match output {
            Output::Listen => self.nodes[ix].listening = true,
            Output::Open { conn, to } => {
                let listener = if to.port == 9093 { Listener::Controller } else { Listener::Broker };
                let target = to.host.rsplit('-').next().and_then(|id| id.parse().ok());
                match target.and_then(|id| self.index(NodeId(id))) {
                    Some(target) => {
                        let key = self.net.connect(ix, conn, target, listener);
                        self.nodes[ix].conns.insert(conn, key);
                        let at = self.now_plus_latency(ix, target, 0);
                        self.plan(at, What::Connect { conn: key });
                    }
                    // No such host: the name cannot be resolved, which a client learns as a closed connection.
                    None => {
                        let key = self.net.connect(ix, conn, ix, listener);
                        self.nodes[ix].conns.insert(conn, key);
                        self.push(key, 1, Item::Closed { cause: None }, 0);
                    }
                }
            }
            Output::Close { conn } => self.close(ix, conn, None),
            Output::Send { conn, parts, cause } => self.send(ix, conn, parts, cause),
            Output::Mute { conn } => self.set_muted(ix, conn, true),
            Output::Unmute { conn } => self.set_muted(ix, conn, false),
            Output::Sync { token, target } => {
                let incarnation = self.nodes[ix].incarnation;
                let at = Time(self.now.0 + self.scenario.fsync_us);
                self.plan(at, What::Synced { node: ix, incarnation, token, target });
            }
            Output::Job { token, job } => {
                let result = Box::new(job.run());
                let incarnation = self.nodes[ix].incarnation;
                let at = Time(self.now.0 + self.scenario.job_us);
                self.plan(at, What::JobDone { node: ix, incarnation, token, result });
            }
            // Links know their nodes anyway.
            Output::Identified { .. } => {}
            Output::Exit => self.exited(ix),
            Output::Trace { id, cause, kind, note: _ } => {
                let node = self.nodes[ix].id;
                self.events.push(Event { id, at: self.now, node, cause, kind: *kind });
            }
        }
    }
}
