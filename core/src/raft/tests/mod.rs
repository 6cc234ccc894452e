//! The quorum in a small world of its own: scripts with golden output, and random faults under checkers.

mod check;
mod random;
mod script;
mod world;
