//! A world to run Kafka in: discrete events, one seed, links and disks that fail on command, and a memory of it all.
//!
//! Read `scenario` (what a world is made of), `world` (how it moves), `network`, `session` and `timeline` (how it is
//! kept, shared and rewound), `check` (what must never happen) and `fuzz` (trying to make it happen).

mod act;
#[cfg(test)]
mod any_request;
pub mod check;
pub mod compare;
pub mod facts;
pub mod fuzz;
mod history;
mod network;
mod node;
mod process;
mod scenario;
pub mod script;
mod session;
pub mod timeline;
#[cfg(test)]
pub(crate) mod toy;
mod view;
mod world;

pub use history::History;
pub use scenario::{Load, SCENARIOS, Scenario, TopicSpec, Traffic, broker_endpoint, controller_endpoint};
pub use session::{LinkError, Session, parse_action, print_action};
pub use world::{Answer, World};

use crate::trace::Event;

/// Events that people see by default: all but background traffic.
pub fn visible(event: &Event) -> bool {
    !event.kind.is_background()
}

/// Moments worth jumping to: faults, elections, ISR changes, errors.
pub fn interesting(event: &Event) -> bool {
    event.kind.is_interesting()
}
