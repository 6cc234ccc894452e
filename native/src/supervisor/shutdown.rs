//! Ending all nodes within 10 seconds, whatever state they are in: brokers hand over first, then the controllers end.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::{Message, Supervisor};

/// Brokers may hand over for this long (a node gives up by itself after 6 s).
const BROKERS_WITHIN: Duration = Duration::from_millis(6700);
/// What still runs after this is killed.
const ALL_WITHIN: Duration = Duration::from_millis(9000);
/// A killed process is reaped at once; this is for a kernel that is busy.
const REAPED_WITHIN: Duration = Duration::from_millis(9800);

impl Supervisor {
    pub(super) async fn stop_all(&mut self) {
        let began = Instant::now();
        self.ask_to_stop(true);
        self.wait_until(began + BROKERS_WITHIN, |node_is_broker| node_is_broker).await;
        self.ask_to_stop(false);
        self.wait_until(began + ALL_WITHIN, |_| true).await;
        for node in self.nodes.values().filter(|node| node.runs()) {
            warn!("node {} did not stop within {} s: killed", node.id(), ALL_WITHIN.as_secs());
            node.signal(Signal::KILL);
        }
        self.wait_until(began + REAPED_WITHIN, |_| true).await;
    }

    fn ask_to_stop(&mut self, brokers: bool) {
        let nodes = self.nodes.values_mut().filter(|node| node.runs() && node.is_broker() == brokers);
        nodes.for_each(super::process::NodeProcess::ask_to_stop);
    }

    /// Goes on taking messages until the nodes that `which` names (by being brokers) have ended.
    async fn wait_until(&mut self, deadline: Instant, which: impl Fn(bool) -> bool) {
        while self.nodes.values().any(|node| node.runs() && which(node.is_broker())) {
            match timeout_at(deadline, self.inbox.recv()).await {
                Ok(Some(Message::Act(_, reply))) => drop(reply.send(Err("the cluster is being stopped".into()))),
                Ok(Some(message)) => self.take(message),
                Ok(None) | Err(_) => return,
            }
        }
    }
}
