//! What the page and a running cluster say to each other over `/api/live`: JSON text frames, one message each.
//!
//! The page opens `ws://HOST/api/live?token=TOKEN`; the token of the run comes from `GET /api/session`, which only a page of
//! the same origin can read. The server then sends [`ServerMessage::Hello`] once, views several times a second and events
//! as they come. Each [`ClientMessage`] is answered by exactly one [`ServerMessage::Done`] with its id.

use serde::{Deserialize, Serialize};

use crate::{
    trace::Event,
    view::{Action, ClusterView},
};

/// The answer of `GET /api/session`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// A real cluster runs behind this server; without one there is only the page.
    pub live: bool,
    /// Proves that whoever opens `/api/live` could read this answer. Empty without a cluster.
    pub token: String,
}

/// Server to page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// First message of a connection.
    Hello {
        cluster_id: String,
        /// `HOST:PORT,...` for Kafka clients.
        bootstrap: String,
        /// Names of what a real cluster cannot do, with the reason, to be shown instead of the control.
        cannot: Vec<Cannot>,
    },
    /// All that is known now. `at` and every other time share one clock, that of the supervisor.
    View { view: Box<ClusterView> },
    /// Events in the order they became known; `dropped` events were lost before these because they came too fast.
    Events { events: Vec<Event>, dropped: u64 },
    /// Answer to the action with this id; `error` says why it was not done.
    Done { id: u64, error: Option<String> },
}

/// Something the simulator does and a real cluster does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cannot {
    /// "rewind", "power_loss", ...
    pub what: String,
    pub why: String,
}

/// Page to server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientMessage {
    /// Chosen by the page; comes back in [`ServerMessage::Done`].
    pub id: u64,
    #[serde(flatten)]
    pub action: Action,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    #[test]
    fn a_client_message_is_the_action_with_an_id() {
        let text = r#"{"id":7,"action":"kill","node":1}"#;
        let message = ClientMessage { id: 7, action: Action::Kill { node: NodeId(1) } };
        assert_eq!(serde_json::from_str::<ClientMessage>(text).unwrap(), message);
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
    }
}
