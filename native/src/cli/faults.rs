//! `status`, and what people do to a running cluster, through its control socket.

use std::path::Path;

use lab_core::{id::NodeId, view::Action};
use serde_json::json;

use super::{OneNode, Running, print};
use crate::{
    failure::{Failure, Outcome},
    supervisor::{
        control::{self, Request},
        status::Status,
    },
};

/// Does something to a node.
pub(super) fn node(one: &OneNode, action: impl FnOnce(NodeId) -> Action) -> Outcome {
    let node = NodeId(one.id);
    act(&one.on, action(node), |status| json!(status.nodes.iter().find(|known| known.id == node)))
}

/// Does something to links.
pub(super) fn links(on: &Running, action: Action) -> Outcome {
    act(on, action, |status| json!(status.links))
}

fn act(on: &Running, action: Action, led_to: impl FnOnce(&Status) -> serde_json::Value) -> Outcome {
    let dir = on.dir.path();
    let asked = json!(action);
    if let Some(error) = control::ask(&dir, &Request::Act { act: action })?.error {
        return Err(Failure::new(error));
    }
    if on.json {
        print::json(&json!({ "asked": asked, "now": led_to(&status_of(&dir)?) }));
    }
    Ok(())
}

fn status_of(dir: &Path) -> Outcome<Status> {
    let status = control::ask(dir, &Request::Status)?.status;
    status.ok_or_else(|| Failure::new("the cluster is being stopped"))
}

pub(super) fn status(dir: &Path, json: bool) -> Outcome {
    let status = status_of(dir)?;
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
