//! Which question belongs to which answer: the same connection, API and correlation id.

use lab_core::{
    id::EventId,
    seam::Time,
    trace::{EventKind, FrameFacts},
};

use crate::lab::{Lab, Snapshot};

/// One message of a pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Half {
    pub id: EventId,
    pub sent_at: Time,
    pub facts: FrameFacts,
}

/// A question and its answer, as far as they have been sent and are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pair {
    pub question: Option<Half>,
    pub answer: Option<Half>,
}

/// The pair that a message belongs to. The newest fitting partner is the right one: correlation ids count up.
pub fn of(lab: &Lab, snapshot: &Snapshot, chosen: EventId, facts: &FrameFacts) -> Pair {
    let fits = |other: &FrameFacts| {
        other.correlation_id == facts.correlation_id
            && other.response != facts.response
            && other.api_key == facts.api_key
            && (other.from, other.to) == (facts.to, facts.from)
    };
    let other = lab.story(|story| {
        story.until(snapshot.now).iter().rev().find_map(|event| match &event.kind {
            EventKind::Sent(facts) if fits(facts) => {
                Some(Half { id: event.id, sent_at: event.at, facts: (**facts).clone() })
            }
            _ => None,
        })
    });
    let sent_at = lab.event(chosen).map_or(Time::ZERO, |event| event.at);
    let this = Some(Half { id: chosen, sent_at, facts: facts.clone() });
    if facts.response { Pair { question: other, answer: this } } else { Pair { question: this, answer: other } }
}
