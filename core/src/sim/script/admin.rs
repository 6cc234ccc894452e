//! What a script asks of a broker, as an admin client does, and what the broker answers.

use std::fmt::Write as _;

use super::{parse_node, parse_partition};
use crate::{
    id::NodeId,
    sim::{Answer, World},
    view::ProcessState,
    wire::{
        alter_partition_reassignments::{AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic},
        api::Request,
        delete_records::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic},
        delete_topics::{DeleteTopicState, DeleteTopicsRequest},
        elect_leaders::{ElectLeadersRequest, TopicPartitions},
        error::ErrorCode,
        frame,
        incremental_alter_configs::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest},
        metadata::MetadataRequest,
        records::Records,
    },
};

/// Asks a broker that runs, as an admin client does.
fn ask<R: Request>(world: &mut World, version: i16, request: &R) -> Result<R::Response, String> {
    let view = world.view();
    let alive = view.nodes.iter().find(|n| n.broker.is_some() && n.process == ProcessState::Alive);
    let broker = alive.ok_or("no broker is alive")?.id;
    ask_node(world, broker, version, request)
}

fn ask_node<R: Request>(world: &mut World, broker: NodeId, version: i16, request: &R) -> Result<R::Response, String> {
    let frame = Records::Parts(frame::request_parts(version, 1, "script", request)).bytes();
    match world.ask(broker, frame, 30_000) {
        Answer::Frame(bytes) => frame::parse_response::<R>(version, &bytes).map(|(_, r)| r).map_err(|e| e.to_string()),
        other => Err(format!("no answer: {other:?}")),
    }
}

pub(super) fn config(world: &mut World, words: &[String], out: &mut String) -> Result<(), String> {
    let (topic, settings) = words.split_first().ok_or("of which topic?")?;
    let mut configs = Vec::new();
    for setting in settings {
        let (name, value) = setting.split_once('=').ok_or("a setting is written KEY=VALUE")?;
        configs.push(AlterableConfig { name: name.into(), config_operation: 0, value: Some(value.into()) });
    }
    let resource = AlterConfigsResource { resource_type: 2, resource_name: topic.clone(), configs };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    let code = ask(world, 1, &request)?.responses.first().map_or(0, |r| r.error_code);
    writeln!(out, "config {topic}: {}", ErrorCode::from_code(code).name()).expect("text grows");
    Ok(())
}

pub(super) fn delete(world: &mut World, words: &[String], out: &mut String) -> Result<(), String> {
    let topic = words.first().ok_or("which topic?")?;
    let topics = vec![DeleteTopicState { name: Some(topic.clone()), ..Default::default() }];
    let request = DeleteTopicsRequest { topics, timeout_ms: 5000, ..Default::default() };
    let code = ask(world, 6, &request)?.responses.first().map_or(0, |r| r.error_code);
    writeln!(out, "delete {topic}: {}", ErrorCode::from_code(code).name()).expect("text grows");
    Ok(())
}

/// `orders-0=3,1` moves the partition, `orders-0` alone cancels its move.
pub(super) fn reassign(world: &mut World, words: &[String], out: &mut String) -> Result<(), String> {
    let topic = |word: &String| {
        let (name, replicas) = word.split_once('=').map_or((word.as_str(), None), |(n, ids)| (n, Some(ids)));
        let ids =
            |text: &str| text.split(',').map(|id| id.parse().map_err(|_| "a broker is a number".to_owned())).collect();
        let replicas = replicas.map(ids).transpose()?;
        let partition = parse_partition(name)?;
        let asked = ReassignablePartition { partition_index: partition.partition, replicas };
        Ok(ReassignableTopic { name: partition.topic, partitions: vec![asked] })
    };
    let topics = words.iter().map(topic).collect::<Result<_, String>>()?;
    let request = AlterPartitionReassignmentsRequest { topics, ..Default::default() };
    for topic in ask(world, 1, &request)?.responses {
        for p in topic.partitions {
            let error = ErrorCode::from_code(p.error_code).name();
            writeln!(out, "reassign {}-{}: {error}", topic.name, p.partition_index).expect("text grows");
        }
    }
    Ok(())
}

/// Gives the named partitions to their preferred leaders.
pub(super) fn elect(world: &mut World, words: &[String], out: &mut String) -> Result<(), String> {
    let topic = |word: &String| {
        let partition = parse_partition(word)?;
        Ok(TopicPartitions { topic: partition.topic, partitions: vec![partition.partition] })
    };
    let topics = words.iter().map(topic).collect::<Result<_, String>>()?;
    let request = ElectLeadersRequest { topic_partitions: Some(topics), ..Default::default() };
    for topic in ask(world, 2, &request)?.replica_election_results {
        for p in topic.partition_result {
            let error = ErrorCode::from_code(p.error_code).name();
            writeln!(out, "elect {}-{}: {error}", topic.topic, p.partition_id).expect("text grows");
        }
    }
    Ok(())
}

pub(super) fn metadata(world: &mut World, words: &[String], out: &mut String) -> Result<(), String> {
    let node = parse_node(words.first().ok_or("of which node?")?)?;
    let response = match ask_node(world, node, 12, &MetadataRequest { topics: None, ..Default::default() }) {
        Ok(response) => response,
        Err(why) => {
            writeln!(out, "{why}").expect("text grows");
            return Ok(());
        }
    };
    let brokers: Vec<String> = response.brokers.iter().map(|broker| broker.node_id.to_string()).collect();
    writeln!(out, "brokers {}", brokers.join(" ")).expect("text grows");
    for topic in &response.topics {
        let name = topic.name.as_deref().unwrap_or_default();
        for p in &topic.partitions {
            writeln!(out, "{name}-{}  leader {} epoch {}", p.partition_index, p.leader_id, p.leader_epoch)
                .expect("text grows");
        }
    }
    Ok(())
}

pub(super) fn delete_records(world: &mut World, words: &[String], out: &mut String) -> Result<(), String> {
    let [node, name, offset] = words else { return Err("of which node, partition and up to which offset?".into()) };
    let node = NodeId(node.parse().map_err(|_| "a node is a number")?);
    let partition = parse_partition(name)?;
    let offset = offset.parse().map_err(|_| "an offset is a number")?;
    let asked = DeleteRecordsPartition { partition_index: partition.partition, offset };
    let topics = vec![DeleteRecordsTopic { name: partition.topic, partitions: vec![asked] }];
    let response = ask_node(world, node, 2, &DeleteRecordsRequest { topics, timeout_ms: 5000 })?;
    let part = response.topics.first().and_then(|t| t.partitions.first()).ok_or("an answer without the partition")?;
    let error = ErrorCode::from_code(part.error_code).name();
    writeln!(out, "delete-records {name}: {error}, low watermark {}", part.low_watermark).expect("text grows");
    Ok(())
}
