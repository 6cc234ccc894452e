//! What the page and a running cluster say to each other over `/api/live`: JSON text frames, one message each.
//!
//! The page opens `ws://HOST/api/live?token=TOKEN`; the token of the run comes from `GET /api/session`, which only a page of
//! the same origin can read. The server then sends [`ServerMessage::Hello`] once, several times a second the sections of
//! the view that have changed ([`Update`]), and events as they come. Each [`ClientMessage`] is answered by exactly one
//! [`ServerMessage::Done`] or [`ServerMessage::Frame`] with its id.

mod clients;
mod sections;

use serde::{Deserialize, Serialize};

pub use clients::add_clients;
pub use sections::{Assembly, Changes, Section, Update};

use crate::{id::EventId, trace::Event, view::Action};

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
    /// What has changed. `at` and every other time share one clock, that of the supervisor.
    Update(Box<Update>),
    /// Events in the order they became known; `dropped` events were lost before these because they came too fast.
    Events { events: Vec<Event>, dropped: u64 },
    /// Answer to the action with this id; `error` says why it was not done.
    Done { id: u64, error: Option<String> },
    /// Answer to [`Ask::Frame`]: the bytes without their length prefix in hexadecimal, of which a long frame has only the
    /// first; `len` is how long it was.
    Frame { id: u64, frame: EventId, hex: String, len: u32 },
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
    /// Chosen by the page; comes back in the answer.
    pub id: u64,
    #[serde(flatten)]
    pub ask: Ask,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ask {
    /// The bytes of a frame whose `Sent` event was seen lately.
    Frame {
        frame: EventId,
    },
    /// The topics and clients of this lesson.
    Lesson {
        lesson: String,
    },
    Act(Action),
}

/// Bytes as hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

/// The bytes that [`to_hex`] was given; `None` for anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    #[test]
    fn a_client_message_is_what_it_asks_with_an_id() {
        for (text, ask) in [
            (r#"{"id":7,"action":"kill","node":1}"#, Ask::Act(Action::Kill { node: NodeId(1) })),
            (r#"{"id":7,"frame":41}"#, Ask::Frame { frame: EventId(41) }),
            (r#"{"id":7,"lesson":"isr"}"#, Ask::Lesson { lesson: "isr".into() }),
        ] {
            let message = ClientMessage { id: 7, ask };
            assert_eq!(serde_json::from_str::<ClientMessage>(text).unwrap(), message);
            assert_eq!(serde_json::to_string(&message).unwrap(), text);
        }
    }

    #[test]
    fn hexadecimal_digits_there_and_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
        assert_eq!((from_hex("0"), from_hex("0g"), from_hex("")), (None, None, Some(Vec::new())));
    }
}
