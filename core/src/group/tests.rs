//! Groups as text: `core/testdata/group/*.txt`. A coordinator and its log, driven by hand; who asks is named by the first
//! word after the command. `UPDATE=1` writes what was printed in place of what was expected.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf, sync::Arc};

use bytes::Bytes;

use super::{Answer, Caller, Effect, GroupCoordinator, record::GroupRecord, several::Gathered};
use crate::{
    broker::Reply,
    config::NodeConfig,
    disk::MemDisk,
    id::{ConnId, NodeId, TopicPartition},
    seam::{Ctx, Now, Outbox, Output, Time},
    wire::{
        api::ApiKey,
        batch::{Batch, BatchBuilder},
        error::ErrorCode,
        heartbeat::HeartbeatRequest,
        join_group::{JoinGroupRequest, JoinGroupRequestProtocol},
        leave_group::{LeaveGroupRequest, MemberIdentity},
        list_groups::ListGroupsRequest,
        offset_commit::{
            OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponse,
            OffsetCommitResponsePartition, OffsetCommitResponseTopic,
        },
        offset_delete::{
            OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic, OffsetDeleteResponse,
            OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
        },
        offset_fetch::{OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponseGroup},
        sync_group::{SyncGroupRequest, SyncGroupRequestAssignment},
    },
};

struct World {
    coordinator: GroupCoordinator,
    config: Arc<NodeConfig>,
    disk: MemDisk,
    out: Outbox,
    now_ms: u64,
    log: Vec<Batch>,
    end: i64,
    high_watermark: i64,
    /// Followers do not fetch.
    held: bool,
    fail: Option<ErrorCode>,
    /// Client to member id, generation; and member ids to short names.
    members: BTreeMap<String, (String, i32)>,
    names: BTreeMap<String, String>,
    printed: String,
}

const GROUP: &str = "g";

impl World {
    fn new() -> Self {
        let config = Arc::new(NodeConfig { offsets_topic_num_partitions: 1, ..NodeConfig::default() });
        let mut world = Self {
            coordinator: GroupCoordinator::new(Arc::clone(&config), Time::ZERO),
            config,
            disk: MemDisk::new(),
            out: Outbox::new(NodeId(1), 0, true),
            now_ms: 0,
            log: Vec::new(),
            end: 0,
            high_watermark: 0,
            held: false,
            fail: None,
            members: BTreeMap::new(),
            names: BTreeMap::new(),
            printed: String::new(),
        };
        world.load();
        world.printed.clear();
        world
    }

    fn with(&mut self, f: impl FnOnce(&mut GroupCoordinator, &mut Ctx)) {
        let now = Now { mono: Time::from_ms(self.now_ms), wall_ms: self.now_ms as i64 };
        f(&mut self.coordinator, &mut Ctx { now, disk: &mut self.disk, out: &mut self.out });
        for output in self.out.drain().collect::<Vec<_>>() {
            if let Output::Trace { kind, .. } = output {
                let text = self.short(&kind.text(NodeId(1)));
                writeln!(self.printed, "  {text}").unwrap();
            }
        }
    }

    fn lose_the_rest(&mut self) {
        self.with(|c, ctx| c.resigned(ctx, 0));
        self.settle();
        let high_watermark = self.high_watermark;
        self.log.retain(|b| b.header.next_offset() <= high_watermark);
        self.end = high_watermark;
    }

    fn load(&mut self) {
        let (log, high_watermark) = (self.log.clone(), self.high_watermark);
        self.with(|c, ctx| {
            c.elected(ctx, 0, 1, 0);
            c.replay(ctx, 0, &log, true);
            c.reached(ctx, 0, high_watermark);
        });
        self.settle();
    }

    /// Appends, replicates and prints until nothing is left to do.
    fn settle(&mut self) {
        loop {
            if !self.held && self.high_watermark < self.end {
                self.high_watermark = self.end;
                let high_watermark = self.end;
                self.with(|c, ctx| c.reached(ctx, 0, high_watermark));
            }
            let effects = self.coordinator.take_effects();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                match effect {
                    Effect::Answer(reply, answer) => self.print_answer(&reply, answer),
                    Effect::Append { partition, records, then, .. } => {
                        match self.fail.filter(|_| !records.is_empty()) {
                            Some(error) => {
                                self.fail = None;
                                self.with(|c, ctx| c.append_failed(ctx, partition, then, error));
                            }
                            None => {
                                let end = self.append(&records);
                                self.with(|c, ctx| c.appended(ctx, partition, &records, end, then));
                            }
                        }
                    }
                    Effect::Gathered(id, part) => match self.coordinator.gathered(id, part, None) {
                        Some(Gathered::Deleted(reply, response)) => {
                            for r in response.results {
                                self.say(&reply, &format!("{} {}", r.group_id, name(r.error_code)));
                            }
                        }
                        Some(Gathered::Fetched(reply, groups)) => {
                            groups.iter().for_each(|g| self.print_fetch(&reply, g))
                        }
                        None => {}
                    },
                }
            }
        }
    }

    fn append(&mut self, records: &[GroupRecord]) -> Option<i64> {
        if records.is_empty() {
            return None;
        }
        let mut batch = BatchBuilder::new().at(self.end, 1);
        for record in records {
            batch.push(self.now_ms as i64, Some(&record.encode_key()), record.encode_value().as_deref(), &[]);
            let text = match record {
                GroupRecord::Group(key, Some(v)) => {
                    format!("group {} generation {} of {} members", key.group, v.generation, v.members.len())
                }
                GroupRecord::Group(key, None) => format!("group {} tombstone", key.group),
                GroupRecord::Offset(k, Some(v)) => {
                    format!("offset {} {}-{} {}", k.group, k.topic, k.partition, v.offset)
                }
                GroupRecord::Offset(k, None) => format!("offset {} {}-{} tombstone", k.group, k.topic, k.partition),
                GroupRecord::Unknown(kind) => format!("unknown {kind}"),
            };
            writeln!(self.printed, "  log {}: {text}", self.end).unwrap();
            self.end += 1;
        }
        self.log.push(Batch::parse(&batch.build()).unwrap());
        Some(self.end)
    }

    /// Member ids end in a random UUID; here they are named after their client and numbered.
    fn short(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (id, short) in &self.names {
            text = text.replace(id, short);
        }
        // An id that is seen for the first time.
        while let Some((from, to)) = find_uuid(&text) {
            let prefix = text[..from].rsplit([' ', ',', '=']).next().unwrap_or("").trim_end_matches('-').to_owned();
            let id = text[from - prefix.len() - 1..to].to_owned();
            let prefix = format!("{prefix}.");
            let number = 1 + self.names.values().filter(|n| n.starts_with(&prefix)).count();
            let short = format!("{prefix}{number}");
            text = text.replace(&id, &short);
            self.names.insert(id, short);
        }
        text
    }

    fn say(&mut self, reply: &Reply, text: &str) {
        let text = self.short(text);
        writeln!(self.printed, "{}: {text}", reply.client_id.as_deref().unwrap_or("?")).unwrap();
    }

    fn print_answer(&mut self, reply: &Reply, answer: Answer) {
        let who = reply.client_id.clone().unwrap_or_default();
        let text = match answer {
            Answer::Join(r) => {
                if !r.member_id.is_empty() && (r.error_code == 0 || r.error_code == ErrorCode::MemberIdRequired.code())
                {
                    self.members.insert(who, (r.member_id.clone(), r.generation_id));
                }
                if r.error_code != 0 {
                    format!("join {} {}", name(r.error_code), r.member_id)
                } else {
                    let members: Vec<&str> = r.members.iter().map(|m| m.member_id.as_str()).collect();
                    let skip = if r.skip_assignment { " skip-assignment" } else { "" };
                    format!(
                        "joined generation {} as {} by {} leader {} members {}{skip}",
                        r.generation_id,
                        r.member_id,
                        r.protocol_name.unwrap_or_default(),
                        r.leader,
                        members.join(",")
                    )
                }
            }
            Answer::Sync(r) if r.error_code == 0 => format!("synced {}", String::from_utf8_lossy(&r.assignment)),
            Answer::Sync(r) => format!("sync {}", name(r.error_code)),
            Answer::Heartbeat(r) => format!("heartbeat {}", name(r.error_code)),
            Answer::Leave(r) if r.members.is_empty() => format!("leave {}", name(r.error_code)),
            Answer::Leave(r) => {
                let one = |m: &crate::wire::leave_group::MemberResponse| {
                    let instance = m.group_instance_id.clone().unwrap_or_default();
                    format!("{}/{instance} {}", m.member_id, name(m.error_code))
                };
                format!("leave {}", r.members.iter().map(one).collect::<Vec<_>>().join(", "))
            }
            Answer::OffsetCommit(r) => {
                let all = r.topics.iter().flat_map(|t| {
                    t.partitions.iter().map(|p| format!("{}-{} {}", t.name, p.partition_index, name(p.error_code)))
                });
                format!("commit {}", all.collect::<Vec<_>>().join(", "))
            }
            Answer::OffsetDelete(r) => {
                let all = r.topics.iter().flat_map(|t| {
                    t.partitions.iter().map(|p| format!("{}-{} {}", t.name, p.partition_index, name(p.error_code)))
                });
                format!("delete-offsets {} {}", name(r.error_code), all.collect::<Vec<_>>().join(", "))
            }
            other => format!("{other:?}"),
        };
        self.say(reply, &text);
    }

    fn print_fetch(&mut self, reply: &Reply, group: &OffsetFetchResponseGroup) {
        let all = group.topics.iter().flat_map(|t| {
            t.partitions.iter().map(|p| format!("{}-{} {}", t.name, p.partition_index, p.committed_offset))
        });
        let text = format!("offsets {} {}", name(group.error_code), all.collect::<Vec<_>>().join(", "));
        self.say(reply, &text);
    }

    fn run(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let who = words.get(1).copied().unwrap_or_default();
        let options: BTreeMap<&str, &str> = words.iter().skip(2).filter_map(|w| w.split_once('=')).collect();
        let text = |key: &str| options.get(key).map(|&v| v.to_owned());
        let number = |key: &str, default: i32| options.get(key).map_or(default, |v| v.parse().unwrap());
        let group_id = match options.get("group") {
            Some(&"(empty)") => String::new(),
            Some(&group) => group.to_owned(),
            None => GROUP.to_owned(),
        };
        let known = self.members.get(who).cloned();
        // `member=B` borrows another's id, `member=x` is nobody's.
        let member_id = match options.get("member") {
            Some(&"(none)") => String::new(),
            Some(&other) => self.members.get(other).map_or(other.to_owned(), |(id, _)| id.clone()),
            None => known.as_ref().map(|(id, _)| id.clone()).unwrap_or_default(),
        };
        let generation = number("generation", known.as_ref().map_or(-1, |&(_, generation)| generation));
        let instance_id = text("instance");
        let reply = |api_key, version: i32| Reply {
            conn: ConnId(1),
            api_key,
            version: number("v", version) as i16,
            correlation_id: 0,
            client_id: Some(who.to_owned()),
            cause: None,
        };
        // `t-0=5`: partitions with offsets; `t-0`: partitions alone.
        let parts: Vec<(TopicPartition, i64)> = words.iter().skip(2).filter_map(|w| parse_part(w)).collect();
        match words[0] {
            "set" => {
                let mut config = (*self.config).clone();
                match who {
                    "initial-delay" => config.group_initial_rebalance_delay_ms = words[2].parse().unwrap(),
                    "max-size" => config.group_max_size = words[2].parse().unwrap(),
                    other => panic!("no setting {other}"),
                }
                self.config = Arc::new(config);
                self.coordinator = GroupCoordinator::new(Arc::clone(&self.config), Time::from_ms(self.now_ms));
                self.load();
                self.printed.clear();
            }
            "join" => {
                let protocols = text("protocols").unwrap_or("range".into());
                let protocol = |p: &str| {
                    let (name, metadata) = p.split_once(':').unwrap_or((p, ""));
                    let metadata = if metadata.is_empty() { subscription(&["t"]) } else { metadata.to_owned().into() };
                    JoinGroupRequestProtocol { name: name.into(), metadata }
                };
                let request = JoinGroupRequest {
                    group_id,
                    session_timeout_ms: number("session", 10_000),
                    rebalance_timeout_ms: number("rebalance", 60_000),
                    member_id,
                    group_instance_id: instance_id,
                    protocol_type: text("type").unwrap_or("consumer".into()),
                    protocols: protocols.split(',').filter(|p| *p != "(none)").map(protocol).collect(),
                    reason: None,
                };
                let caller = Caller { reply: reply(ApiKey::JoinGroup, 9), host: "/127.0.0.1".into() };
                self.with(|c, ctx| c.join(ctx, caller, &request));
            }
            "sync" => {
                let given = options.iter().filter_map(|(client, assignment)| {
                    let (member_id, _) = self.members.get(*client)?.clone();
                    Some(SyncGroupRequestAssignment { member_id, assignment: (*assignment).to_owned().into() })
                });
                let request = SyncGroupRequest {
                    group_id,
                    generation_id: generation,
                    assignments: given.collect(),
                    member_id,
                    group_instance_id: instance_id,
                    protocol_type: text("type"),
                    protocol_name: text("protocol"),
                };
                let reply = reply(ApiKey::SyncGroup, 5);
                self.with(|c, ctx| c.sync(ctx, reply, request));
            }
            "heartbeat" => {
                let request =
                    HeartbeatRequest { group_id, generation_id: generation, member_id, group_instance_id: instance_id };
                let reply = reply(ApiKey::Heartbeat, 4);
                self.with(|c, ctx| c.heartbeat(ctx, reply, &request));
            }
            "leave" => {
                let member =
                    MemberIdentity { member_id: member_id.clone(), group_instance_id: instance_id, reason: None };
                let reply = reply(ApiKey::LeaveGroup, 5);
                let request = if reply.version < 3 {
                    LeaveGroupRequest { group_id, member_id, members: Vec::new() }
                } else {
                    LeaveGroupRequest { group_id, member_id: String::new(), members: vec![member] }
                };
                self.with(|c, ctx| c.leave(ctx, reply, request));
            }
            "commit" => {
                let metadata = options.get("metadata").map(|n| "m".repeat(n.parse().unwrap()));
                let topic = |(p, offset): &(TopicPartition, i64)| OffsetCommitRequestTopic {
                    name: p.topic.clone(),
                    partitions: vec![OffsetCommitRequestPartition {
                        partition_index: p.partition,
                        committed_offset: *offset,
                        committed_leader_epoch: -1,
                        committed_metadata: metadata.clone(),
                    }],
                    ..Default::default()
                };
                let answered = |(p, _): &(TopicPartition, i64)| OffsetCommitResponseTopic {
                    name: p.topic.clone(),
                    partitions: vec![OffsetCommitResponsePartition { partition_index: p.partition, error_code: 0 }],
                    ..Default::default()
                };
                let request = OffsetCommitRequest {
                    group_id,
                    generation_id_or_member_epoch: generation,
                    member_id,
                    group_instance_id: instance_id,
                    retention_time_ms: i64::from(number("retention", -1)),
                    topics: parts.iter().map(topic).collect(),
                };
                let response =
                    OffsetCommitResponse { topics: parts.iter().map(answered).collect(), ..Default::default() };
                let reply = reply(ApiKey::OffsetCommit, 9);
                self.with(|c, ctx| c.offset_commit(ctx, reply, &request, response));
            }
            "fetch" => {
                let topic = |(p, _): &(TopicPartition, i64)| OffsetFetchRequestTopics {
                    name: p.topic.clone(),
                    partition_indexes: vec![p.partition],
                    ..Default::default()
                };
                let topics = (!parts.is_empty()).then(|| parts.iter().map(topic).collect());
                let group = OffsetFetchRequestGroup { group_id, topics, ..Default::default() };
                let stable = words.contains(&"stable");
                let reply = reply(ApiKey::OffsetFetch, 9);
                self.with(|c, ctx| c.offset_fetch(ctx, reply, &[group], stable));
            }
            "delete-offsets" => {
                let topic = |(p, _): &(TopicPartition, i64)| OffsetDeleteRequestTopic {
                    name: p.topic.clone(),
                    partitions: vec![OffsetDeleteRequestPartition { partition_index: p.partition }],
                };
                let answered = |(p, _): &(TopicPartition, i64)| OffsetDeleteResponseTopic {
                    name: p.topic.clone(),
                    partitions: vec![OffsetDeleteResponsePartition { partition_index: p.partition, error_code: 0 }],
                };
                let request = OffsetDeleteRequest { group_id, topics: parts.iter().map(topic).collect() };
                let response =
                    OffsetDeleteResponse { topics: parts.iter().map(answered).collect(), ..Default::default() };
                let reply = reply(ApiKey::OffsetDelete, 0);
                self.with(|c, ctx| c.offset_delete(ctx, reply, &request, response));
            }
            "delete" => {
                let reply = reply(ApiKey::DeleteGroups, 2);
                let groups = words[2..].iter().map(|&g| g.to_owned()).collect();
                self.with(|c, ctx| c.delete_groups(ctx, reply, groups));
            }
            "describe" => {
                let g = self.coordinator.describe(number("v", 6) as i16, &group_id);
                let members: Vec<&str> = g.members.iter().map(|m| m.member_id.as_str()).collect();
                let text = format!(
                    "{} {} {} type {:?} protocol {:?} members {}",
                    g.group_id,
                    name(g.error_code),
                    g.group_state,
                    g.protocol_type,
                    g.protocol_data,
                    members.join(",")
                );
                self.say(&reply(ApiKey::DescribeGroups, 6), &text);
            }
            "list" => {
                let filter = |key: &str| text(key).map(|s| vec![s]).unwrap_or_default();
                let request = ListGroupsRequest { states_filter: filter("state"), types_filter: filter("kind") };
                let response = self.coordinator.list(&request);
                let groups =
                    response.groups.iter().map(|g| format!("{} {} {}", g.group_id, g.group_state, g.group_type));
                let text = format!("{} {}", name(response.error_code), groups.collect::<Vec<_>>().join(", "));
                self.say(&reply(ApiKey::ListGroups, 5), &text);
            }
            "wait" => {
                let ms = match who.strip_suffix("ms") {
                    Some(ms) => ms.parse().unwrap(),
                    None => who.trim_end_matches('s').parse::<u64>().unwrap() * 1000,
                };
                let until = self.now_ms + ms;
                while let Some(at) = self.coordinator.deadline().filter(|at| at.as_ms() <= until) {
                    self.now_ms = self.now_ms.max(at.as_ms());
                    let before = self.printed.len();
                    self.with(|c, ctx| c.tick(ctx));
                    self.settle();
                    if self.printed.len() > before {
                        self.printed.insert_str(before, &format!("at {} ms\n", self.now_ms));
                    }
                }
                self.now_ms = until;
            }
            // Followers stop fetching, or go on.
            "hold" => self.held = true,
            "release" => self.held = false,
            "fail" => self.fail = ErrorCode::ALL.iter().copied().find(|e| e.name() == who),
            // The coordinator is another broker, and then this one again, which knows only the log. What was not on every
            // in-sync replica is gone.
            "failover" => {
                self.lose_the_rest();
                self.load();
            }
            // The same, up to where the log is to be read; `load` does that.
            "elect" => {
                self.lose_the_rest();
                self.with(|c, ctx| c.elected(ctx, 0, 1, 0));
            }
            "load" => self.load(),
            other => panic!("no command {other}"),
        }
        self.settle();
    }
}

fn find_uuid(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    (1..text.len().saturating_sub(35)).find_map(|from| {
        let shape = |(i, &b): (usize, &u8)| {
            if matches!(i, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() }
        };
        (bytes[from - 1] == b'-' && bytes[from..from + 36].iter().enumerate().all(shape)).then_some((from, from + 36))
    })
}

fn parse_part(word: &str) -> Option<(TopicPartition, i64)> {
    let (part, offset) = word.split_once('=').unwrap_or((word, "-1"));
    let (topic, partition) = part.rsplit_once('-')?;
    Some((TopicPartition::new(topic, partition.parse().ok()?), offset.parse().ok()?))
}

/// A subscription, version 0.
fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = vec![0, 0];
    bytes.extend((topics.len() as i32).to_be_bytes());
    for topic in topics {
        bytes.extend((topic.len() as i16).to_be_bytes());
        bytes.extend(topic.as_bytes());
    }
    bytes.extend((-1_i32).to_be_bytes());
    bytes.into()
}

fn name(code: i16) -> &'static str {
    match ErrorCode::from_code(code) {
        ErrorCode::None => "ok",
        error => error.name(),
    }
}

#[test]
fn groups_do_as_it_is_written() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/group");
    let mut files: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let mut different = Vec::new();
    for file in files {
        let expected = fs::read_to_string(&file).unwrap();
        let mut printed = String::new();
        let mut world = World::new();
        for block in expected.trim_end().split("\n\n") {
            let commands = block.split("\n----").next().unwrap_or_default();
            for line in commands.lines() {
                writeln!(printed, "{line}").unwrap();
                if !line.starts_with('#') {
                    world.run(line);
                }
            }
            write!(printed, "----\n{}\n", std::mem::take(&mut world.printed)).unwrap();
        }
        let printed = format!("{}\n", printed.trim_end());
        if printed != expected && std::env::var("UPDATE").is_ok() {
            fs::write(&file, printed).unwrap();
        } else if printed != expected {
            let line = printed.lines().zip(expected.lines()).position(|(p, e)| p != e).unwrap_or_default();
            let show = |text: &str| text.lines().skip(line).take(8).collect::<Vec<_>>().join("\n   ");
            let (got, wanted) = (show(&printed), show(&expected));
            different.push(format!("{}, line {}\n  got\n   {got}\n  expected\n   {wanted}", file.display(), line + 1));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}
