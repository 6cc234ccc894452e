//! Requests about groups. After each of them stands the state of the group, which a request that is refused leaves as it
//! was: how the coordinator describes it, and its committed offsets.
//!
//! `join NAME`, `sync NAME`, `heartbeat NAME`, `leave NAME`, `commit NAME T-P=OFFSET...` ask for a member; NAME stands for
//! its id and generation from its join on. `committed T-P...`, `delete-offsets T-P...`, `describe`, `list` and
//! `delete-group` ask for nobody. Words that all understand: `group=G` (g), `member=ID` and `generation=N` in place of
//! the member's own, `instance=I`, `version=V`. `none` stands for an empty text, `null` for none at all.
//!
//! More words: `join` session=MS rebalance=MS type=T protocols=P:METADATA,...; `sync` type=T protocol=P
//! assign=NAME:BYTES,...; `commit` metadata=LENGTH epoch=N retention=MS. METADATA and BYTES are `ok` (a subscription to
//! reads, an assignment of reads-0), `empty`, `garbage`, `cut` (what is ok, less its end) or `old` (of a version to come).

use bytes::Bytes;
use lab_core::{
    id::{NodeId, Uuid},
    wire::{
        consumer_protocol::{self, ConsumerProtocolAssignment, ConsumerProtocolSubscription, TopicPartitions},
        delete_groups::DeleteGroupsRequest,
        describe_groups::DescribeGroupsRequest,
        error::ErrorCode,
        find_coordinator::FindCoordinatorRequest,
        heartbeat::HeartbeatRequest,
        join_group::{JoinGroupRequest, JoinGroupRequestProtocol},
        leave_group::{LeaveGroupRequest, MemberIdentity},
        list_groups::ListGroupsRequest,
        offset_commit::{OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_delete::{OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic},
        offset_fetch::{
            OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
        },
        sync_group::{SyncGroupRequest, SyncGroupRequestAssignment},
    },
};

use super::{Asker, Words, name_of, split};

type Said = Result<String, String>;

fn text(words: &Words<'_>, name: &str) -> Option<String> {
    words.get(name).map(|text| if text == "none" { String::new() } else { text.into() })
}

fn group_id(words: &Words<'_>) -> String {
    text(words, "group").unwrap_or_else(|| "g".into())
}

/// Of requests that may be about several: `group=g,h`.
fn group_ids(words: &Words<'_>) -> Vec<String> {
    group_id(words).split(',').map(String::from).collect()
}

/// Partitions with the number after each: `t-0=5`, or without: `t-0`.
fn parts(words: &Words<'_>) -> Vec<(String, i32, i64)> {
    let all = words.0.iter().skip(1).map(|word| word.split_once('=').unwrap_or((word, "-1")));
    let parts = all.filter(|(name, _)| name.rsplit_once('-').is_some_and(|(_, index)| index.parse::<i32>().is_ok()));
    parts
        .map(|(name, number)| {
            let (topic, index) = split(name);
            (topic, index, number.parse().expect("an offset"))
        })
        .collect()
}

fn bytes(kind: &str, ok: Bytes) -> Bytes {
    match kind {
        "empty" => Bytes::new(),
        "garbage" => Bytes::from_static(&[7; 9]),
        "cut" => ok.slice(..ok.len() - 3),
        // Version 99, and all that is known of it.
        "old" => [&[0, 99], &ok[2..]].concat().into(),
        _ => ok,
    }
}

/// By name: Kafka puts first what it refused.
fn listed<'a>(answers: impl Iterator<Item = (&'a String, i32, i16)>) -> String {
    let mut all: Vec<String> = answers.map(|(name, index, code)| format!("{name}-{index} {}", name_of(code))).collect();
    all.sort();
    all.join(", ")
}

fn subscription() -> Bytes {
    consumer_protocol::encode(&ConsumerProtocolSubscription { topics: vec!["reads".into()], ..Default::default() })
}

fn assignment() -> Bytes {
    let assigned_partitions = vec![TopicPartitions { topic: "reads".into(), partitions: vec![0] }];
    consumer_protocol::encode(&ConsumerProtocolAssignment { assigned_partitions, user_data: None })
}

impl Asker {
    /// `None`: that is no command about groups.
    pub fn group(&mut self, verb: &str, name: &str, words: &Words<'_>) -> Option<Said> {
        let said = match verb {
            "coordinator" => return Some(self.coordinator(name)),
            "join" => self.join(name, words),
            "sync" => self.sync(name, words),
            "heartbeat" => self.heartbeat(name, words),
            "leave" => self.leave(name, words),
            "commit" => self.offset_commit(name, words),
            "committed" => self.offset_fetch(words),
            "delete-offsets" => self.offset_delete(words),
            "describe" => self.describe(words),
            "list" => self.list(words),
            "delete-group" => self.delete_group(words),
            _ => return None,
        };
        let said = if words.flag("whole") { said.map(|_| std::mem::take(&mut self.last)) } else { said };
        // Kafka describes a group as it is in the log, which it has written to by then.
        self.cluster.wait_ms(100);
        let state = self.state(&group_ids(words)[0]).unwrap_or_else(|why| why);
        Some(Ok(format!("{}\n{state}", said.unwrap_or_else(|why| why))))
    }

    fn member(&self, name: &str, words: &Words<'_>) -> (String, i32) {
        let own = self.members.get(name).cloned().unwrap_or((String::new(), -1));
        let other = text(words, "member").map(|other| self.members.get(&other).map_or(other, |(id, _)| id.clone()));
        (other.unwrap_or(own.0), words.number("generation", own.1))
    }

    /// Waits until somebody serves the group.
    fn coordinator(&mut self, group: &str) -> Said {
        for _ in 0..200 {
            let request = FindCoordinatorRequest { coordinator_keys: vec![group.into()], ..Default::default() };
            let found = self.ask(4, &request)?.coordinators.remove(0);
            if found.error_code == 0 {
                self.asked = NodeId(found.node_id);
            }
            let request = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
            let served = self.ask(5, &request)?.groups[0].error_code;
            if found.error_code == 0 && served == 0 {
                return Ok("NONE".into());
            }
            self.cluster.wait_ms(50);
        }
        Err("nobody serves it".into())
    }

    /// What is known of the group from outside.
    fn state(&mut self, group: &str) -> Said {
        let request = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
        let described = self.ask(5, &request)?.groups.remove(0);
        if described.error_code != 0 {
            return Ok(format!("  {}", name_of(described.error_code)));
        }
        let protocol = format!("{}/{}", described.protocol_type, described.protocol_data);
        let mut members: Vec<usize> = described.members.iter().map(|m| m.member_assignment.len()).collect();
        // Member ids have no order that means anything.
        members.sort_unstable();
        let members: String = members.iter().map(|length| format!(" ({length} bytes)")).collect();
        let offsets = self.committed(group, None)?;
        Ok(format!("  {} {protocol}, {} members{members}; {offsets}", described.group_state, described.members.len()))
    }

    fn join(&mut self, name: &str, words: &Words<'_>) -> Said {
        let version = words.number("version", 9);
        let (member_id, _) = self.member(name, words);
        let protocols = words.get("protocols").unwrap_or("range");
        let protocol = |text: &str| {
            let (name, kind) = text.split_once(':').unwrap_or((text, "ok"));
            JoinGroupRequestProtocol { name: name.into(), metadata: bytes(kind, subscription()) }
        };
        let request = JoinGroupRequest {
            group_id: group_id(words),
            session_timeout_ms: words.number("session", 45_000),
            rebalance_timeout_ms: words.number("rebalance", 60_000),
            member_id,
            group_instance_id: text(words, "instance"),
            protocol_type: text(words, "type").unwrap_or_else(|| "consumer".into()),
            protocols: protocols.split(',').filter(|p| *p != "none").map(protocol).collect(),
            reason: None,
        };
        let r = self.ask(version, &request)?;
        let is_id = !r.member_id.is_empty() && r.member_id != request.member_id;
        if r.error_code == 0 || r.error_code == ErrorCode::MemberIdRequired.code() {
            self.members.insert(name.into(), (r.member_id.clone(), r.generation_id));
        }
        if r.error_code != 0 {
            let id = if is_id { ", and a member id" } else { "" };
            return Ok(format!("{}{id}", name_of(r.error_code)));
        }
        let leads = if r.leader == r.member_id { "leads" } else { "follows" };
        let (generation, members) = (r.generation_id, r.members.len());
        let protocol = r.protocol_name.unwrap_or_default();
        let skip = if r.skip_assignment { ", need not share out" } else { "" };
        Ok(format!("NONE, generation {generation}, {protocol}, {leads} {members} members{skip}"))
    }

    fn sync(&mut self, name: &str, words: &Words<'_>) -> Said {
        let (member_id, generation_id) = self.member(name, words);
        let given = words.get("assign").into_iter().flat_map(|all| all.split(','));
        let given = given.map(|text| {
            let (name, kind) = text.split_once(':').unwrap_or((text, "ok"));
            let member_id = self.members.get(name).map_or(name.to_owned(), |(id, _)| id.clone());
            SyncGroupRequestAssignment { member_id, assignment: bytes(kind, assignment()) }
        });
        let named = |what: &str, usual: &str| match words.get(what) {
            Some("null") => None,
            _ => Some(text(words, what).unwrap_or_else(|| usual.into())),
        };
        let request = SyncGroupRequest {
            group_id: group_id(words),
            generation_id,
            assignments: given.collect(),
            member_id,
            group_instance_id: text(words, "instance"),
            protocol_type: named("type", "consumer"),
            protocol_name: named("protocol", "range"),
        };
        let r = self.ask(words.number("version", 5), &request)?;
        Ok(if r.error_code == 0 { format!("NONE, {} bytes", r.assignment.len()) } else { name_of(r.error_code) })
    }

    fn heartbeat(&mut self, name: &str, words: &Words<'_>) -> Said {
        let (member_id, generation_id) = self.member(name, words);
        let group_instance_id = text(words, "instance");
        let request = HeartbeatRequest { group_id: group_id(words), generation_id, member_id, group_instance_id };
        Ok(name_of(self.ask(words.number("version", 4), &request)?.error_code))
    }

    fn leave(&mut self, name: &str, words: &Words<'_>) -> Said {
        let version = words.number("version", 5);
        let (member_id, _) = self.member(name, words);
        let mut request = LeaveGroupRequest { group_id: group_id(words), ..Default::default() };
        if version >= 3 {
            let group_instance_id = text(words, "instance");
            request.members = vec![MemberIdentity { member_id, group_instance_id, ..Default::default() }];
        } else {
            request.member_id = member_id;
        }
        let r = self.ask(version, &request)?;
        let each: Vec<String> = r.members.iter().map(|m| name_of(m.error_code)).collect();
        Ok(format!("{} {}", name_of(r.error_code), each.join(" ")).trim_end().into())
    }

    fn offset_commit(&mut self, name: &str, words: &Words<'_>) -> Said {
        let (member_id, generation_id_or_member_epoch) = self.member(name, words);
        let metadata = words.get("metadata").map(|length| "m".repeat(length.parse().expect("a length")));
        let version = words.number("version", 9);
        let topic = |(name, partition_index, committed_offset): (String, i32, i64)| OffsetCommitRequestTopic {
            topic_id: if version >= 10 { self.topic_id(&name) } else { Uuid::ZERO },
            name,
            partitions: vec![OffsetCommitRequestPartition {
                partition_index,
                committed_offset,
                committed_leader_epoch: words.number("epoch", -1),
                committed_metadata: metadata.clone(),
            }],
        };
        let topics = parts(words).into_iter().map(topic).collect();
        let request = OffsetCommitRequest {
            group_id: group_id(words),
            generation_id_or_member_epoch,
            member_id,
            group_instance_id: text(words, "instance"),
            retention_time_ms: words.number("retention", -1),
            topics,
        };
        let r = self.ask(version, &request)?;
        let each =
            r.topics.iter().flat_map(|t| t.partitions.iter().map(|p| (&t.name, p.partition_index, p.error_code)));
        Ok(listed(each))
    }

    /// Offsets of the group: of these partitions, or of all that it has.
    fn committed(&mut self, group: &str, of: Option<Vec<OffsetFetchRequestTopics>>) -> Said {
        let asked = OffsetFetchRequestGroup { group_id: group.into(), topics: of, ..Default::default() };
        let request = OffsetFetchRequest { groups: vec![asked], ..Default::default() };
        let r = self.ask(9, &request)?.groups.remove(0);
        if r.error_code != 0 {
            return Ok(name_of(r.error_code));
        }
        let mut all: Vec<String> = Vec::new();
        for topic in &r.topics {
            for p in &topic.partitions {
                let metadata = match p.metadata.as_deref().unwrap_or_default().len() {
                    0 => String::new(),
                    length => format!(" and {length} of metadata"),
                };
                let error = if p.error_code == 0 { String::new() } else { format!(" {}", name_of(p.error_code)) };
                all.push(format!("{}-{} at {}{metadata}{error}", topic.name, p.partition_index, p.committed_offset));
            }
        }
        all.sort();
        Ok(if all.is_empty() { "no offsets".into() } else { all.join(", ") })
    }

    fn offset_fetch(&mut self, words: &Words<'_>) -> Said {
        let topic =
            |(name, index, _)| OffsetFetchRequestTopics { name, partition_indexes: vec![index], ..Default::default() };
        let topics: Vec<_> = parts(words).into_iter().map(topic).collect();
        let version = words.number("version", 9);
        if version >= 8 && !words.flag("whole") {
            return self.committed(&group_id(words), Some(topics));
        }
        let mut request = OffsetFetchRequest::default();
        if version >= 8 {
            let asked =
                |group_id| OffsetFetchRequestGroup { group_id, topics: Some(topics.clone()), ..Default::default() };
            request.groups = group_ids(words).into_iter().map(asked).collect();
        } else {
            let old = |t: OffsetFetchRequestTopics| OffsetFetchRequestTopic {
                name: t.name,
                partition_indexes: t.partition_indexes,
            };
            request.group_id = group_id(words);
            request.topics = Some(topics.into_iter().map(old).collect());
        }
        Ok(name_of(self.ask(version, &request)?.error_code))
    }

    fn offset_delete(&mut self, words: &Words<'_>) -> Said {
        let topic = |(name, partition_index, _)| OffsetDeleteRequestTopic {
            name,
            partitions: vec![OffsetDeleteRequestPartition { partition_index }],
        };
        let topics = parts(words).into_iter().map(topic).collect();
        let r = self.ask(0, &OffsetDeleteRequest { group_id: group_id(words), topics })?;
        let each =
            r.topics.iter().flat_map(|t| t.partitions.iter().map(|p| (&t.name, p.partition_index, p.error_code)));
        Ok(format!("{} {}", name_of(r.error_code), listed(each)).trim_end().into())
    }

    fn describe(&mut self, words: &Words<'_>) -> Said {
        let request = DescribeGroupsRequest { groups: group_ids(words), ..Default::default() };
        let r = self.ask(words.number("version", 5), &request)?.groups.remove(0);
        Ok(format!("{}, {}", name_of(r.error_code), r.group_state))
    }

    fn list(&mut self, words: &Words<'_>) -> Said {
        let list = |name| text(words, name).into_iter().collect();
        let request = ListGroupsRequest { states_filter: list("state"), types_filter: list("type") };
        let r = self.ask(words.number("version", 5), &request)?;
        let mut groups: Vec<String> =
            r.groups.iter().map(|g| format!(", {} {} {}", g.group_id, g.group_state, g.group_type)).collect();
        groups.sort();
        Ok(format!("{}{}", name_of(r.error_code), groups.concat()))
    }

    fn delete_group(&mut self, words: &Words<'_>) -> Said {
        let r = self.ask(words.number("version", 2), &DeleteGroupsRequest { groups_names: group_ids(words) })?;
        Ok(name_of(r.results[0].error_code))
    }
}
