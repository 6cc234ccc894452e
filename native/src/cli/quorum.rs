//! `quorum describe`: who leads the metadata quorum and how far each replica is.

use clap::Subcommand;
use lab_core::wire::describe_quorum::{DescribeQuorumRequest, PartitionData, ReplicaState, TopicData};
use serde_json::json;

use super::{Bootstrap, print};
use crate::{
    admin::{Client, refused},
    failure::{Failure, Outcome},
};

#[derive(Debug, Subcommand)]
pub(super) enum QuorumCommand {
    /// Leader, epoch, high watermark, voters and observers
    Describe {
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: QuorumCommand) -> Outcome {
    let QuorumCommand::Describe { bootstrap, json: as_json } = command;
    let partition = PartitionData { partition_index: 0 };
    let topic = TopicData { topic_name: "__cluster_metadata".into(), partitions: vec![partition] };
    let answer = Client::connect(&bootstrap.address())?.call(&DescribeQuorumRequest { topics: vec![topic] })?;
    let what = "cannot describe the quorum";
    if answer.error_code != 0 {
        return Err(refused(what, answer.error_code, answer.error_message.as_deref()));
    }
    let quorum = answer.topics.into_iter().next().and_then(|topic| topic.partitions.into_iter().next());
    let quorum = quorum.ok_or_else(|| Failure::new("the broker did not answer"))?;
    if quorum.error_code != 0 {
        return Err(refused(what, quorum.error_code, quorum.error_message.as_deref()));
    }
    let newest = quorum.current_voters.iter().chain(&quorum.observers).map(|replica| replica.log_end_offset).max();
    let newest = newest.unwrap_or_default();
    let kinds = [("voter", &quorum.current_voters), ("observer", &quorum.observers)];
    let all = kinds.iter().flat_map(|(kind, replicas)| replicas.iter().map(move |replica| (*kind, replica)));
    let all: Vec<(&str, &ReplicaState)> = all.collect();
    if as_json {
        let replicas: Vec<_> = all
            .iter()
            .map(|(kind, r)| {
                json!({ "id": r.replica_id, "kind": kind, "directory_id": r.replica_directory_id,
                    "log_end_offset": r.log_end_offset, "lag": newest - r.log_end_offset,
                    "last_fetch_timestamp": r.last_fetch_timestamp, "last_caught_up_timestamp": r.last_caught_up_timestamp })
            })
            .collect();
        print::json(&json!({
            "leader": quorum.leader_id, "epoch": quorum.leader_epoch, "high_watermark": quorum.high_watermark,
            "replicas": replicas,
        }));
        return Ok(());
    }
    println!("leader {}, epoch {}, high watermark {}", quorum.leader_id, quorum.leader_epoch, quorum.high_watermark);
    let rows = all.iter().map(|(kind, r)| {
        vec![
            r.replica_id.to_string(),
            (*kind).to_owned(),
            r.log_end_offset.to_string(),
            (newest - r.log_end_offset).to_string(),
            r.replica_directory_id.to_string(),
        ]
    });
    print::table(&["NODE", "KIND", "LOG END", "BEHIND BY", "DIRECTORY ID"], &rows.collect::<Vec<_>>());
    Ok(())
}
