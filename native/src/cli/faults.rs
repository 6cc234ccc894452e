//! `status`, and what people do to a running cluster, through its control socket.

use std::path::Path;

use lab_core::view::Action;

use super::print;
use crate::{
    failure::{Failure, Outcome},
    supervisor::control::{self, Request},
};

pub(super) fn act(dir: &Path, action: Action) -> Outcome {
    match control::ask(dir, &Request::Act { act: action })?.error {
        None => Ok(()),
        Some(error) => Err(Failure::new(error)),
    }
}

pub(super) fn status(dir: &Path, json: bool) -> Outcome {
    let status = control::ask(dir, &Request::Status)?.status;
    let status = status.ok_or_else(|| Failure::new("the cluster is being stopped"))?;
    if json {
        print::json(&status);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = status
        .nodes
        .iter()
        .map(|node| {
            vec![
                node.id.to_string(),
                node.pid.map_or_else(|| "-".into(), |pid| pid.to_string()),
                node.roles.clone(),
                node.address.clone(),
                node.state.clone(),
                node.leaders.to_string(),
                node.replicas.to_string(),
                if node.rss_bytes == 0 { "-".into() } else { format!("{} MiB", node.rss_bytes >> 20) },
            ]
        })
        .collect();
    print::table(&["NODE", "PID", "ROLES", "ADDRESS", "STATE", "LEADS", "REPLICAS", "MEMORY"], &rows);
    let leader = status.quorum.leader.map_or_else(|| "nobody".into(), |leader| leader.to_string());
    println!("quorum: leader {leader}, epoch {}, high watermark {}", status.quorum.epoch, status.quorum.high_watermark);
    println!(
        "partitions: {}, under-replicated {}, without a leader {}",
        status.partitions, status.under_replicated, status.offline
    );
    for link in &status.links {
        println!("link: {link}");
    }
    println!("bootstrap: {}", status.bootstrap);
    if let Some(http) = &status.http {
        println!("page: {http}#live");
    }
    Ok(())
}
