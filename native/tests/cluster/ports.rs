//! Ports for processes under test: below those that the system gives to outgoing connections, and never twice to the
//! tests of one process.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering},
};

/// The controllers of a cluster listen this far above its brokers.
const CONTROLLERS_AFTER: u16 = 100;
/// Ports of one cluster side by side: brokers, its page, and room to add a node.
const CLUSTER: u16 = 5;

/// A port such that all that a cluster uses are free: this one and the four that follow it, and those 100 above them.
pub fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two test programs at the same time begin at different places of 20,000 to 32,000.
    let begin = (std::process::id() % 60) as u16 * 2 * CONTROLLERS_AFTER;
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let in_a_row = CONTROLLERS_AFTER / CLUSTER;
        let (hundreds, rest) = (next / in_a_row, next % in_a_row);
        let base = 20_000 + (begin + hundreds * 2 * CONTROLLERS_AFTER) % 12_000 + rest * CLUSTER;
        let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if (0..CLUSTER).all(|i| free(base + i) && free(base + CONTROLLERS_AFTER + i)) {
            return base;
        }
    }
}
