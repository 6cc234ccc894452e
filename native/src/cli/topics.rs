//! `topics list|create|describe|delete`.

use clap::Subcommand;
use lab_core::wire::delete_topics::{DeleteTopicState, DeleteTopicsRequest};
use serde_json::json;

use super::{Bootstrap, pair, print};
use crate::{
    admin::{self, Client, refused},
    failure::{Failure, Outcome},
};

#[derive(Debug, Subcommand)]
pub(super) enum TopicsCommand {
    /// Names of all topics
    List {
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
    /// Create a topic
    Create {
        topic: String,
        /// Number of partitions [default: the cluster's num.partitions]
        #[arg(long, default_value_t = -1, hide_default_value = true, allow_negative_numbers = true)]
        partitions: i32,
        /// Copies of each partition [default: the cluster's default.replication.factor]
        #[arg(long, default_value_t = -1, hide_default_value = true, allow_negative_numbers = true)]
        replication_factor: i16,
        /// A key of the topic's configuration
        #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
        config: Vec<(String, String)>,
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
    /// Leaders, replicas and in-sync replicas of each partition
    Describe {
        /// All topics when missing
        topics: Vec<String>,
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
    /// Delete a topic with all its records
    Delete {
        topic: String,
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: TopicsCommand) -> Outcome {
    match command {
        TopicsCommand::List { bootstrap, json } => list(&bootstrap.address(), json),
        TopicsCommand::Create { topic, partitions, replication_factor, config, bootstrap, json } => {
            admin::create_topic(&bootstrap.address(), &topic, partitions, replication_factor, &config)?;
            if json {
                print::json(&json!({ "created": topic }));
            } else {
                println!("created topic {topic}");
            }
            Ok(())
        }
        TopicsCommand::Describe { topics, bootstrap, json } => describe(&bootstrap.address(), &topics, json),
        TopicsCommand::Delete { topic, bootstrap, json } => delete(&bootstrap.address(), &topic, json),
    }
}

fn list(bootstrap: &str, as_json: bool) -> Outcome {
    let metadata = Client::connect(bootstrap)?.metadata(None)?;
    let mut names: Vec<String> = metadata.topics.into_iter().filter_map(|topic| topic.name).collect();
    names.sort();
    if as_json {
        print::json(&names);
    } else {
        names.iter().for_each(|name| println!("{name}"));
    }
    Ok(())
}

fn describe(bootstrap: &str, topics: &[String], as_json: bool) -> Outcome {
    let wanted = (!topics.is_empty()).then_some(topics);
    let metadata = Client::connect(bootstrap)?.metadata(wanted)?;
    let mut rows = Vec::new();
    let mut values = Vec::new();
    let mut topics = metadata.topics;
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    for mut topic in topics {
        let name = topic.name.unwrap_or_default();
        if topic.error_code != 0 {
            return Err(refused(&format!("cannot describe topic {name}"), topic.error_code, None));
        }
        topic.partitions.sort_by_key(|partition| partition.partition_index);
        for partition in topic.partitions {
            values.push(json!({
                "topic": name, "topic_id": topic.topic_id, "partition": partition.partition_index,
                "leader": partition.leader_id, "leader_epoch": partition.leader_epoch,
                "replicas": partition.replica_nodes, "isr": partition.isr_nodes, "offline": partition.offline_replicas,
            }));
            rows.push(vec![
                name.clone(),
                partition.partition_index.to_string(),
                if partition.leader_id < 0 { "none".into() } else { partition.leader_id.to_string() },
                partition.leader_epoch.to_string(),
                print::ids(&partition.replica_nodes),
                print::ids(&partition.isr_nodes),
            ]);
        }
    }
    if as_json {
        print::json(&values);
    } else {
        print::table(&["TOPIC", "PARTITION", "LEADER", "EPOCH", "REPLICAS", "IN SYNC"], &rows);
    }
    Ok(())
}

fn delete(bootstrap: &str, topic: &str, as_json: bool) -> Outcome {
    let request = DeleteTopicsRequest {
        topics: vec![DeleteTopicState { name: Some(topic.into()), ..Default::default() }],
        topic_names: vec![topic.into()],
        timeout_ms: 30_000,
    };
    let answer = Client::connect(bootstrap)?.call(&request)?;
    let result = answer.responses.first().ok_or_else(|| Failure::new("the broker did not answer for the topic"))?;
    if result.error_code != 0 {
        return Err(refused(
            &format!("cannot delete topic {topic}"),
            result.error_code,
            result.error_message.as_deref(),
        ));
    }
    if as_json {
        print::json(&json!({ "deleted": topic }));
    } else {
        println!("deleted topic {topic}");
    }
    Ok(())
}
