//! The `kafka-lab` binary.
fn main() {}
