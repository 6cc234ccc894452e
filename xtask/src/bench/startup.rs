//! How long a node takes to serve.

use std::{path::Path, time::Instant};

use anyhow::Result;

use super::cluster::{Ours, wait_port};
use crate::peer::{self, Peer};

/// From exec to the first answered connection of one combined node.
pub fn startup(binary: &Path) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let cluster = Ours::up(binary, 1)?;
        times.push(begun.elapsed().as_secs_f64());
        drop(cluster);
    }
    times.sort_by(f64::total_cmp);
    println!("start-up: one node `up` to ready {:.2} s (median of 5; aim: 0.3 s to serving)", times[2]);
    if let Some(libs) = peer::jars()? {
        let begun = Instant::now();
        let peer = Peer::up(&libs, 1)?;
        wait_port(&peer.bootstrap)?;
        println!("start-up: Apache Kafka, one node, format and start {:.2} s", begun.elapsed().as_secs_f64());
    }
    Ok(())
}
