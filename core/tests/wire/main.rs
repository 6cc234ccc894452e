//! The codec against itself, against the `kafka-protocol` crate and against hostile bytes: every message, every version.

mod captured;
mod hostile;
mod memory;
mod messages;
mod mutate;
mod random;
mod round_trip;
