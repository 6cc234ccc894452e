//! `groups list|describe|delete|reset-offsets`, on any Kafka cluster.

use std::collections::{BTreeMap, BTreeSet};

use clap::Subcommand;
use lab_core::{
    assign,
    client::OffsetReset,
    id::{Endpoint, TopicPartition},
    wire::{
        consumer_protocol::{self, ConsumerProtocolAssignment},
        delete_groups::DeleteGroupsRequest,
        describe_groups::{DescribeGroupsRequest, DescribedGroup},
        error::ErrorCode,
        find_coordinator::FindCoordinatorRequest,
        list_groups::ListGroupsRequest,
        list_offsets::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
        offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup},
    },
};
use serde_json::json;

use super::{Bootstrap, consume::offset, print};
use crate::{
    admin::{Client, refused},
    clock::Clock,
    failure::{Failure, Outcome},
};

/// Newer versions of OffsetCommit and OffsetFetch name topics by id.
const BY_NAME: i16 = 9;
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
/// The coordinator of a new cluster's first group is there after a moment.
const ATTEMPTS: u32 = 50;

#[derive(Debug, Subcommand)]
pub(super) enum GroupsCommand {
    /// Names and states of all groups
    List {
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
    /// Members of a group, committed offsets and lag
    Describe {
        group: String,
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
    /// Delete a group that has no members, with its offsets
    Delete {
        group: String,
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
    /// Move the committed offsets of a group that has no members
    ResetOffsets {
        group: String,
        /// earliest, latest, an offset, or @ and a timestamp in Unix milliseconds
        #[arg(long, value_parser = offset)]
        to: OffsetReset,
        /// This topic only [default: all that the group has committed]
        #[arg(long)]
        topic: Option<String>,
        /// Show what would be committed, and commit nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: GroupsCommand) -> Outcome {
    match command {
        GroupsCommand::List { bootstrap, json } => list(&bootstrap.address(), json),
        GroupsCommand::Describe { group, bootstrap, json } => describe(&bootstrap.address(), &group, json),
        GroupsCommand::Delete { group, bootstrap, json } => delete(&bootstrap.address(), &group, json),
        GroupsCommand::ResetOffsets { group, to, topic, dry_run, bootstrap, json } => {
            reset(&bootstrap.address(), &group, to, topic.as_deref(), dry_run, json)
        }
    }
}

/// Every broker tells of the groups that it coordinates.
fn list(bootstrap: &str, as_json: bool) -> Outcome {
    let brokers = Client::connect(bootstrap)?.metadata(Some(&[]))?.brokers;
    let mut groups = BTreeMap::new();
    for broker in brokers {
        let endpoint = Endpoint { host: broker.host, port: broker.port as u16 };
        let response = Client::connect_to(&endpoint)?.call(&ListGroupsRequest::default())?;
        if response.error_code != 0 {
            return Err(refused(
                &format!("broker {} does not list its groups", broker.node_id),
                response.error_code,
                None,
            ));
        }
        groups.extend(response.groups.into_iter().map(|g| (g.group_id.clone(), (g, broker.node_id))));
    }
    if as_json {
        let group = |(id, (g, coordinator)): (&String, &(lab_core::wire::list_groups::ListedGroup, i32))| json!({ "group": id, "state": g.group_state, "type": g.group_type, "coordinator": coordinator });
        print::json(&groups.iter().map(group).collect::<Vec<_>>());
    } else {
        let row = |(id, (g, coordinator)): (String, (lab_core::wire::list_groups::ListedGroup, i32))| {
            vec![id, g.group_state, g.group_type, coordinator.to_string()]
        };
        print::table(&["GROUP", "STATE", "TYPE", "COORDINATOR"], &groups.into_iter().map(row).collect::<Vec<_>>());
    }
    Ok(())
}

fn describe(bootstrap: &str, group_id: &str, as_json: bool) -> Outcome {
    let (mut coordinator, node_id) = coordinator(bootstrap, group_id)?;
    let group = described(&mut coordinator, group_id)?;
    let committed = committed(&mut coordinator, group_id)?;
    let mut owners: BTreeMap<TopicPartition, (String, String, String)> = BTreeMap::new();
    for member in &group.members {
        let assignment: ConsumerProtocolAssignment =
            consumer_protocol::decode(&member.member_assignment).unwrap_or_default();
        for partition in assign::flat(&assignment.assigned_partitions) {
            let owner = (member.member_id.clone(), member.client_host.clone(), member.client_id.clone());
            owners.insert(partition, owner);
        }
    }
    let partitions: BTreeSet<TopicPartition> = committed.keys().chain(owners.keys()).cloned().collect();
    let ends = offsets_at(bootstrap, &partitions, LATEST)?;
    let none = || ("-".to_owned(), "-".to_owned(), "-".to_owned());
    if as_json {
        let row = |p: &TopicPartition| {
            let owner = owners.get(p);
            let (at, end) = (committed.get(p), ends.get(p));
            let lag = at.zip(end).map(|(at, end)| end - at);
            json!({
                "topic": p.topic, "partition": p.partition, "committed": at, "log_end": end, "lag": lag,
                "member": owner.map(|o| &o.0), "client_id": owner.map(|o| &o.2),
            })
        };
        let members = group.members.iter().map(|m| json!({ "id": m.member_id, "client_id": m.client_id }));
        print::json(&json!({
            "group": group_id, "state": group.group_state, "protocol": group.protocol_data, "coordinator": node_id,
            "members": members.collect::<Vec<_>>(), "partitions": partitions.iter().map(row).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let count = group.members.len();
    println!(
        "group {group_id}: {}, {count} member{}, coordinator broker {node_id}{}",
        group.group_state,
        if count == 1 { "" } else { "s" },
        if group.protocol_data.is_empty() { String::new() } else { format!(", shared out by {}", group.protocol_data) }
    );
    let row = |p: &TopicPartition| {
        let (member, host, client) = owners.get(p).cloned().unwrap_or_else(none);
        let (at, end) = (committed.get(p), ends.get(p));
        let number = |n: Option<i64>| n.map_or("-".into(), |n| n.to_string());
        let lag = at.zip(end).map(|(at, end)| end - at);
        let cells = [p.topic.clone(), p.partition.to_string(), number(at.copied()), number(end.copied()), number(lag)];
        cells.into_iter().chain([member, host, client]).collect()
    };
    let headings = ["TOPIC", "PARTITION", "COMMITTED", "LOG END", "LAG", "MEMBER", "HOST", "CLIENT"];
    print::table(&headings, &partitions.iter().map(row).collect::<Vec<Vec<String>>>());
    Ok(())
}

fn delete(bootstrap: &str, group_id: &str, as_json: bool) -> Outcome {
    let (mut coordinator, _) = coordinator(bootstrap, group_id)?;
    let response = coordinator.call(&DeleteGroupsRequest { groups_names: vec![group_id.to_owned()] })?;
    match response.results.first().map(|r| r.error_code) {
        Some(0) if as_json => print::json(&json!({ "deleted": group_id })),
        Some(0) => println!("deleted group {group_id}"),
        Some(code) => return Err(refused(&format!("cannot delete group {group_id}"), code, None)),
        None => return Err(Failure::new("the broker did not answer for the group")),
    }
    Ok(())
}

fn reset(
    bootstrap: &str,
    group_id: &str,
    to: OffsetReset,
    topic: Option<&str>,
    dry_run: bool,
    as_json: bool,
) -> Outcome {
    let (mut coordinator, _) = coordinator(bootstrap, group_id)?;
    let before = committed(&mut coordinator, group_id)?;
    let partitions: BTreeSet<TopicPartition> = match topic {
        Some(topic) => partitions_of(bootstrap, topic)?,
        None => before.keys().cloned().collect(),
    };
    if partitions.is_empty() {
        return Err(Failure::new(format!("group {group_id} has committed nothing")).next("Name a topic with --topic."));
    }
    let (starts, ends) = (offsets_at(bootstrap, &partitions, EARLIEST)?, offsets_at(bootstrap, &partitions, LATEST)?);
    // Behind the newest record there is only the end.
    let since = |at| -> Outcome<BTreeMap<TopicPartition, i64>> {
        let found = offsets_at(bootstrap, &partitions, at)?;
        let found = |p| found.get(p).filter(|o| **o >= 0).copied();
        Ok(ends.iter().map(|(p, end)| (p.clone(), found(p).unwrap_or(*end))).collect())
    };
    let wanted: BTreeMap<TopicPartition, i64> = match to {
        OffsetReset::Earliest => starts.clone(),
        OffsetReset::Latest => ends.clone(),
        OffsetReset::Offset(offset) => partitions.iter().map(|p| (p.clone(), offset)).collect(),
        OffsetReset::None => return Err(Failure::new("none is no place to begin at")),
        OffsetReset::Timestamp(at) => since(at)?,
        OffsetReset::ByDuration(ms) => since(Clock::start().now().wall_ms.saturating_sub_unsigned(ms))?,
    };
    // An offset that the log does not have is moved to the nearest that it has, as Kafka's tool does.
    let within = |(p, offset): (TopicPartition, i64)| {
        let (start, end) = (starts.get(&p).copied().unwrap_or(0), ends.get(&p).copied().unwrap_or(offset));
        (p, offset.clamp(start, end.max(start)))
    };
    let wanted: BTreeMap<TopicPartition, i64> = wanted.into_iter().map(within).collect();
    let state = described(&mut coordinator, group_id).map(|g| g.group_state).unwrap_or_else(|_| "Dead".into());
    if !matches!(state.as_str(), "Empty" | "Dead") {
        return Err(Failure::new(format!("group {group_id} is {state}: its members would not notice a reset"))
            .next("Stop its consumers first; a consumer that was killed is out when its session has ended."));
    }
    if !dry_run {
        commit(&mut coordinator, group_id, &wanted)?;
    }
    if as_json {
        let row = |(p, offset): (&TopicPartition, &i64)| json!({ "topic": p.topic, "partition": p.partition, "from": before.get(p), "to": offset });
        print::json(
            &json!({ "group": group_id, "dry_run": dry_run, "offsets": wanted.iter().map(row).collect::<Vec<_>>() }),
        );
    } else {
        let from = |p: &TopicPartition| before.get(p).map_or("-".into(), ToString::to_string);
        let row = |(p, offset): (&TopicPartition, &i64)| {
            vec![p.topic.clone(), p.partition.to_string(), from(p), offset.to_string()]
        };
        let to = if dry_run { "WOULD BE" } else { "NOW" };
        print::table(&["TOPIC", "PARTITION", "BEFORE", to], &wanted.iter().map(row).collect::<Vec<_>>());
    }
    Ok(())
}

/// As somebody who is no member: generation -1.
fn commit(coordinator: &mut Client, group_id: &str, offsets: &BTreeMap<TopicPartition, i64>) -> Outcome {
    let mut topics: BTreeMap<&str, OffsetCommitRequestTopic> = BTreeMap::new();
    for (p, &committed_offset) in offsets {
        let topic = topics
            .entry(&p.topic)
            .or_insert_with(|| OffsetCommitRequestTopic { name: p.topic.clone(), ..Default::default() });
        topic.partitions.push(OffsetCommitRequestPartition {
            partition_index: p.partition,
            committed_offset,
            committed_leader_epoch: -1,
            committed_metadata: Some(String::new()),
        });
    }
    let request = OffsetCommitRequest {
        group_id: group_id.to_owned(),
        generation_id_or_member_epoch: -1,
        retention_time_ms: -1,
        topics: topics.into_values().collect(),
        ..Default::default()
    };
    let response = coordinator.call_up_to(BY_NAME, &request)?;
    for topic in &response.topics {
        if let Some(part) = topic.partitions.iter().find(|p| p.error_code != 0) {
            let what = format!("cannot commit for {}-{}", topic.name, part.partition_index);
            return Err(refused(&what, part.error_code, None));
        }
    }
    Ok(())
}

/// The broker that coordinates the group, and its id.
fn coordinator(bootstrap: &str, group_id: &str) -> Outcome<(Client, i32)> {
    let mut any = Client::connect(bootstrap)?;
    let request = FindCoordinatorRequest { coordinator_keys: vec![group_id.to_owned()], ..Default::default() };
    let mut last = 0;
    for _ in 0..ATTEMPTS {
        let response = any.call(&request)?;
        let Some(found) = response.coordinators.into_iter().next() else {
            return Err(Failure::new("the broker did not answer for the group"));
        };
        if found.error_code == 0 {
            let endpoint = Endpoint { host: found.host, port: found.port as u16 };
            return Ok((Client::connect_to(&endpoint)?, found.node_id));
        }
        last = found.error_code;
        if !ErrorCode::from_code(last).is_retriable() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    Err(refused(&format!("no broker coordinates group {group_id}"), last, None))
}

fn described(coordinator: &mut Client, group_id: &str) -> Outcome<DescribedGroup> {
    let request = DescribeGroupsRequest { groups: vec![group_id.to_owned()], ..Default::default() };
    let group = coordinator.call(&request)?.groups.into_iter().next();
    let group = group.ok_or_else(|| Failure::new("the broker did not answer for the group"))?;
    if group.error_code != 0 {
        let text = group.error_message.as_deref();
        return Err(refused(&format!("cannot describe group {group_id}"), group.error_code, text));
    }
    Ok(group)
}

fn committed(coordinator: &mut Client, group_id: &str) -> Outcome<BTreeMap<TopicPartition, i64>> {
    let group = OffsetFetchRequestGroup { group_id: group_id.to_owned(), topics: None, ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![group], ..Default::default() };
    let response = coordinator.call_up_to(BY_NAME, &request)?;
    let mut offsets = BTreeMap::new();
    for group in response.groups {
        if group.error_code != 0 {
            return Err(refused(&format!("cannot read the offsets of group {group_id}"), group.error_code, None));
        }
        for topic in group.topics {
            let of = |p: i32| TopicPartition::new(topic.name.as_str(), p);
            let known = topic.partitions.iter().filter(|p| p.committed_offset >= 0);
            offsets.extend(known.map(|p| (of(p.partition_index), p.committed_offset)));
        }
    }
    Ok(offsets)
}

fn partitions_of(bootstrap: &str, topic: &str) -> Outcome<BTreeSet<TopicPartition>> {
    let metadata = Client::connect(bootstrap)?.metadata(Some(&[topic.to_owned()]))?;
    let found = metadata.topics.first().ok_or_else(|| Failure::new("the broker did not answer for the topic"))?;
    if found.error_code != 0 {
        return Err(refused(&format!("cannot read topic {topic}"), found.error_code, None));
    }
    Ok(found.partitions.iter().map(|p| TopicPartition::new(topic, p.partition_index)).collect())
}

/// The offset at that time in each partition, asked of its leader.
fn offsets_at(
    bootstrap: &str,
    partitions: &BTreeSet<TopicPartition>,
    timestamp: i64,
) -> Outcome<BTreeMap<TopicPartition, i64>> {
    let topics: BTreeSet<String> = partitions.iter().map(|p| p.topic.clone()).collect();
    let mut offsets = BTreeMap::new();
    if topics.is_empty() {
        return Ok(offsets);
    }
    let names: Vec<String> = topics.into_iter().collect();
    let metadata = Client::connect(bootstrap)?.metadata(Some(&names))?;
    let mut by_leader: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
    for topic in &metadata.topics {
        let name = topic.name.clone().unwrap_or_default();
        for p in &topic.partitions {
            let partition = TopicPartition::new(name.as_str(), p.partition_index);
            if partitions.contains(&partition) {
                by_leader.entry(p.leader_id).or_default().push(partition);
            }
        }
    }
    for (leader, partitions) in by_leader {
        // Without a leader there is no answer, and the table shows a dash.
        let Some(broker) = metadata.brokers.iter().find(|b| b.node_id == leader) else { continue };
        let mut client = Client::connect_to(&Endpoint { host: broker.host.clone(), port: broker.port as u16 })?;
        let topic = |t: consumer_protocol::TopicPartitions| ListOffsetsTopic {
            name: t.topic,
            partitions: t
                .partitions
                .into_iter()
                .map(|partition_index| ListOffsetsPartition { partition_index, current_leader_epoch: -1, timestamp })
                .collect(),
        };
        let topics = assign::by_topic(&partitions).into_iter().map(topic).collect();
        let response = client.call(&ListOffsetsRequest { replica_id: -1, topics, ..Default::default() })?;
        for topic in response.topics {
            let good = topic.partitions.iter().filter(|p| p.error_code == 0);
            offsets.extend(good.map(|p| (TopicPartition::new(topic.name.as_str(), p.partition_index), p.offset)));
        }
    }
    Ok(offsets)
}
