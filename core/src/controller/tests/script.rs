//! Behaviour as text: `core/testdata/controller/*.txt` hold commands, `----`, and what must come out.
//!
//! | command | what it does |
//! |---|---|
//! | `new` [`unclean`] [`min-isr=N`] [`no-elr`] | begins anew |
//! | `join ID...` | registers brokers, lets them catch up, and from then on they send heartbeats |
//! | `register ID` [`incarnation=N`] [`previous=EPOCH`] [`rack=R`] [`cluster=C`] | one registration |
//! | `heartbeat ID` [`offset=N`] [`fence`] [`shutdown`] [`epoch=N`] | one heartbeat |
//! | `silence ID...`, `beat ID...` | stops and resumes heartbeats |
//! | `wait MS` | time passes |
//! | `create NAME` [`partitions=N`] [`rf=N`] [`assign=1,2;2,1`] [`validate`] [`k=v`...] | CreateTopics |
//! | `delete NAME...`, `grow NAME COUNT` [`assign=..`] | DeleteTopics, CreatePartitions |
//! | `alter ID TOPIC-P isr=1,2` [`leader-epoch=N`] [`epoch=N`] [`broker-epoch=N`] [`recovering`] | AlterPartition |
//! | `set`/`unset`/`append`/`subtract` `topic NAME`\|`broker ID`\|`brokers` `k=v` | IncrementalAlterConfigs |
//! | `describe topic NAME KEY...` | DescribeConfigs |
//! | `reassign TOPIC-P=1,2,3...` [`version=0`] [`same-factor`], `cancel TOPIC-P...`, `list` [`TOPIC-P...`] | Alter-, ListPartitionReassignments |
//! | `elect preferred`\|`unclean` [`TOPIC-P...`] | ElectLeaders; without partitions: of all |
//! | `feature NAME LEVEL` [`safe`\|`unsafe`] [`validate`], `features` | UpdateFeatures; what is finalized |
//! | `unregister ID` | UnregisterBroker |
//! | `pids ID` | AllocateProducerIds |
//! | `restart` | the controller dies and starts again |
//! | `topics`, `brokers`, `log` | partitions, registrations, records since the last `log` |
//! | `batches` | how many records each batch of more than one has, since the last `log` or `batches` |

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::{Bench, config, heartbeat, registration};
use crate::{
    id::NodeId,
    node,
    seam::Now,
    testdata::{self, Words},
    trace::EventKind,
    wire::{
        allocate_producer_ids::AllocateProducerIdsRequest,
        alter_partition::{AlterPartitionRequest, BrokerState, PartitionData, TopicData},
        alter_partition_reassignments::{AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic},
        create_partitions::{CreatePartitionsAssignment, CreatePartitionsRequest, CreatePartitionsTopic},
        create_topics::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
        delete_topics::{DeleteTopicState, DeleteTopicsRequest},
        describe_configs::{DescribeConfigsRequest, DescribeConfigsResource},
        elect_leaders::{ElectLeadersRequest, PartitionResult, TopicPartitions},
        error::ErrorCode,
        incremental_alter_configs::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest},
        list_partition_reassignments::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics},
        unregister_broker::UnregisterBrokerRequest,
        update_features::{FeatureUpdateKey, UpdateFeaturesRequest},
    },
};

#[test]
fn text_files() {
    testdata::play("controller", || {
        let mut story = Story::new(Bench::new(config()));
        move |command| story.run(command).join("\n")
    });
}

/// More at once are counted.
const EVENTS_SHOWN: usize = 100;

struct Story {
    bench: Bench,
    /// Brokers that send heartbeats by themselves.
    beating: BTreeSet<i32>,
    told_events: usize,
    told_offset: i64,
}

fn list(text: &str) -> Vec<i32> {
    text.split(',').filter(|id| !id.is_empty()).map(|id| id.parse().unwrap()).collect()
}

fn said(code: i16, message: &Option<String>) -> String {
    let name = ErrorCode::from_code(code).name();
    message.as_ref().map_or_else(|| name.into(), |message| format!("{name}: {message}"))
}

/// `orders-0`.
fn split(partition: &str) -> (String, i32) {
    let (topic, index) = partition.rsplit_once('-').unwrap();
    (topic.into(), index.parse().unwrap())
}

impl Story {
    fn new(bench: Bench) -> Self {
        let (told_events, told_offset) = (bench.events.len(), bench.controller.committed.offset());
        Self { bench, beating: BTreeSet::new(), told_events, told_offset }
    }

    fn run(&mut self, command: &str) -> Vec<String> {
        let (verb, words) = Words::of(command);
        let mut out = match verb {
            "new" => self.begin(&words),
            "join" => {
                self.bench.join(&words.ids());
                self.beating.extend(words.ids());
                Vec::new()
            }
            "register" => self.register(&words),
            "heartbeat" => self.heartbeat(&words),
            "silence" => {
                words.ids().iter().for_each(|id| {
                    self.beating.remove(id);
                });
                Vec::new()
            }
            "beat" => {
                self.beating.extend(words.ids());
                Vec::new()
            }
            "wait" => {
                self.wait(words.ids()[0] as u64);
                Vec::new()
            }
            "create" => self.create(&words),
            "delete" => self.delete(&words),
            "grow" => self.grow(&words),
            "alter" => self.alter(&words),
            "set" | "unset" | "append" | "subtract" => self.configure(verb, &words),
            "describe" => self.describe(&words),
            "reassign" | "cancel" => self.reassign(&words),
            "list" => self.reassignments(&words),
            "elect" => self.elect(&words),
            "feature" => self.feature(&words),
            "features" => {
                self.bench.controller.committed.features().map(|(name, level)| format!("{name} {level}")).collect()
            }
            "unregister" => self.unregister(&words),
            "pids" => self.producer_ids(&words),
            "restart" => {
                self.bench.restart();
                self.bench.wait_ms(100);
                Vec::new()
            }
            "topics" => self.topics(),
            "brokers" => self.brokers(),
            "log" => return self.log(),
            "batches" => return self.batches(),
            other => panic!("no such command: {other}"),
        };
        out.extend(self.events());
        out
    }

    fn begin(&mut self, words: &Words<'_>) -> Vec<String> {
        let mut config = config();
        config.unclean_leader_election_enable = words.flag("unclean");
        config.min_insync_replicas = words.number("min-isr").unwrap_or(1);
        *self = Self::new(Bench::new(config));
        Vec::new()
    }

    fn epoch(&self, id: i32) -> i64 {
        self.bench.controller.committed.broker(NodeId(id)).map_or(-1, |b| b.epoch)
    }

    fn register(&mut self, words: &Words<'_>) -> Vec<String> {
        let id = words.ids()[0];
        let mut request = registration(id, words.number("incarnation").unwrap_or(1));
        request.previous_broker_epoch = match words.text("previous") {
            Some("clean") => self.epoch(id),
            Some(epoch) => epoch.parse().unwrap(),
            None => -1,
        };
        request.rack = words.text("rack").map(Into::into);
        if let Some(cluster) = words.text("cluster") {
            request.cluster_id = cluster.into();
        }
        if let Some(dir) = words.number::<u8>("dir") {
            request.log_dirs = vec![crate::id::Uuid([dir; 16])];
        }
        let response = self.bench.ask(&request);
        if response.error_code != 0 {
            return vec![said(response.error_code, &None)];
        }
        vec![format!("epoch {}", response.broker_epoch)]
    }

    fn heartbeat(&mut self, words: &Words<'_>) -> Vec<String> {
        let id = words.0[0].parse().unwrap();
        let latest = self.bench.controller.committed.offset();
        let epoch = words.number("epoch").unwrap_or_else(|| self.epoch(id));
        let mut request = heartbeat(id, epoch, words.number("offset").unwrap_or(latest));
        request.want_fence = words.flag("fence");
        request.want_shut_down = words.flag("shutdown");
        let response = self.bench.ask(&request);
        if response.error_code != 0 {
            return vec![said(response.error_code, &None)];
        }
        let is = |flag: bool, yes: &str, no: &str| String::from(if flag { yes } else { no });
        let mut text = is(response.is_fenced, "fenced", "unfenced");
        text += &is(response.is_caught_up, ", caught up", ", behind");
        text += &is(response.should_shut_down, ", may shut down", "");
        vec![text]
    }

    /// Brokers that beat do so every two seconds.
    fn wait(&mut self, ms: u64) {
        let end = self.bench.now.plus_ms(ms);
        while self.bench.now < end {
            self.bench.wait_ms(end.ms_since(self.bench.now).min(2000));
            for id in self.beating.clone() {
                let offset = self.bench.controller.committed.offset();
                let epoch = self.epoch(id);
                self.bench.ask(&heartbeat(id, epoch, offset));
            }
        }
    }

    fn create(&mut self, words: &Words<'_>) -> Vec<String> {
        // An underscore stands for the empty name.
        let name = words.plain().next().unwrap().replace("(empty)", "").replace("(long)", &"a".repeat(250));
        let assignments: Vec<CreatableReplicaAssignment> = words
            .text("assign")
            .map(|text| {
                let assignment = |(partition_index, ids): (i32, &str)| match ids.split_once(':') {
                    Some((index, ids)) => {
                        CreatableReplicaAssignment { partition_index: index.parse().unwrap(), broker_ids: list(ids) }
                    }
                    None => CreatableReplicaAssignment { partition_index, broker_ids: list(ids) },
                };
                (0..).zip(text.split(';')).map(assignment).collect()
            })
            .unwrap_or_default();
        let pair = |(name, value): (&str, &str)| CreatableTopicConfig {
            name: name.into(),
            value: (value != "null").then(|| value.into()),
        };
        let topic = CreatableTopic {
            name,
            num_partitions: words.number("partitions").unwrap_or(-1),
            replication_factor: words.number("rf").unwrap_or(-1),
            assignments,
            configs: words.others(&["partitions", "rf", "assign"]).into_iter().map(pair).collect(),
        };
        let twice = words.flag("twice");
        let topics = if twice { vec![topic.clone(), topic] } else { vec![topic] };
        let request = CreateTopicsRequest { topics, validate_only: words.flag("validate"), ..Default::default() };
        let results = self.bench.ask(&request).topics;
        let text = |r: &crate::wire::create_topics::CreatableTopicResult| match r.error_code {
            0 => format!("ok: partitions={} rf={}", r.num_partitions, r.replication_factor),
            code => said(code, &r.error_message),
        };
        results.iter().map(text).collect()
    }

    fn delete(&mut self, words: &Words<'_>) -> Vec<String> {
        let topics = words.plain().map(|name| DeleteTopicState { name: Some(name.into()), ..Default::default() });
        let request = DeleteTopicsRequest { topics: topics.collect(), timeout_ms: 5000, ..Default::default() };
        let responses = self.bench.ask(&request).responses;
        responses.iter().map(|r| said(r.error_code, &r.error_message)).collect()
    }

    fn grow(&mut self, words: &Words<'_>) -> Vec<String> {
        let mut plain = words.plain();
        let name = plain.next().unwrap().into();
        let count = plain.next().unwrap().parse().unwrap();
        let assignment = |ids: &str| CreatePartitionsAssignment { broker_ids: list(ids) };
        let assignments = words.text("assign").map(|text| text.split(';').map(assignment).collect());
        let topics = vec![CreatePartitionsTopic { name, count, assignments }];
        let request = CreatePartitionsRequest { topics, validate_only: words.flag("validate"), timeout_ms: 5000 };
        let results = self.bench.ask(&request).results;
        results.iter().map(|r| said(r.error_code, &r.error_message)).collect()
    }

    fn alter(&mut self, words: &Words<'_>) -> Vec<String> {
        let mut plain = words.plain();
        let broker: i32 = plain.next().unwrap().parse().unwrap();
        let (topic, partition) = plain.next().unwrap().rsplit_once('-').unwrap();
        let index: i32 = partition.parse().unwrap();
        let image = &self.bench.controller.committed;
        let topic_id = image.topic_id(topic).unwrap_or_default();
        let known = image.partition(topic, index);
        let member_epoch = |id: i32| {
            let asked = words.others(&[]).into_iter().find_map(|(k, v)| (k == format!("epoch-of-{id}")).then_some(v));
            asked.map_or_else(|| self.epoch(id), |epoch| epoch.parse().unwrap())
        };
        let member = |id: i32| BrokerState { broker_id: id, broker_epoch: member_epoch(id) };
        let data = PartitionData {
            partition_index: index,
            leader_epoch: words.number("leader-epoch").unwrap_or_else(|| known.map_or(0, |p| p.leader_epoch)),
            partition_epoch: words.number("epoch").unwrap_or_else(|| known.map_or(0, |p| p.partition_epoch)),
            new_isr_with_epochs: list(words.text("isr").unwrap()).into_iter().map(member).collect(),
            leader_recovery_state: i8::from(words.flag("recovering")),
            ..Default::default()
        };
        let request = AlterPartitionRequest {
            broker_id: broker,
            broker_epoch: words.number("broker-epoch").unwrap_or_else(|| self.epoch(broker)),
            topics: vec![TopicData { topic_id, partitions: vec![data] }],
        };
        let response = self.bench.ask(&request);
        if response.error_code != 0 {
            return vec![said(response.error_code, &None)];
        }
        let p = &response.topics[0].partitions[0];
        if p.error_code != 0 {
            return vec![said(p.error_code, &None)];
        }
        vec![format!("ok: leader={} epoch={}.{} isr={:?}", p.leader_id, p.leader_epoch, p.partition_epoch, p.isr)]
    }

    fn configure(&mut self, verb: &str, words: &Words<'_>) -> Vec<String> {
        let (resource_type, resource_name, rest) = match words.0.as_slice() {
            ["topic", name, rest @ ..] => (2, (*name).to_owned(), rest),
            ["broker", id, rest @ ..] => (4, (*id).to_owned(), rest),
            ["brokers", rest @ ..] => (4, String::new(), rest),
            [number, name, rest @ ..] => (number.parse().unwrap(), (*name).to_owned(), rest),
            _ => panic!("of what?"),
        };
        let config_operation = ["set", "unset", "append", "subtract"].iter().position(|v| *v == verb).unwrap() as i8;
        let config = |word: &&str| {
            let (name, value) = word.split_once('=').map_or((*word, None), |(k, v)| (k, Some(v.to_owned())));
            AlterableConfig { name: name.into(), config_operation, value }
        };
        let resource =
            AlterConfigsResource { resource_type, resource_name, configs: rest.iter().map(config).collect() };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
        let responses = self.bench.ask(&request).responses;
        responses.iter().map(|r| said(r.error_code, &r.error_message)).collect()
    }

    fn describe(&mut self, words: &Words<'_>) -> Vec<String> {
        let (resource_type, resource_name, keys) = match words.0.as_slice() {
            ["topic", name, keys @ ..] => (2, *name, keys),
            ["broker", id, keys @ ..] => (4, *id, keys),
            ["brokers", keys @ ..] => (4, "", keys),
            _ => panic!("of what?"),
        };
        let keys: Vec<String> = keys.iter().map(|k| (*k).to_owned()).collect();
        let resource = DescribeConfigsResource {
            resource_type,
            resource_name: resource_name.into(),
            configuration_keys: (!keys.is_empty()).then_some(keys),
        };
        let request =
            DescribeConfigsRequest { resources: vec![resource], include_synonyms: true, ..Default::default() };
        let result = self.bench.ask(&request).results.remove(0);
        if result.error_code != 0 {
            return vec![said(result.error_code, &result.error_message)];
        }
        let text = |c: &crate::wire::describe_configs::DescribeConfigsResourceResult| {
            let synonym = |s: &crate::wire::describe_configs::DescribeConfigsSynonym| {
                format!("{}:{}={}", s.source, s.name, s.value.clone().unwrap_or_default())
            };
            let synonyms: Vec<String> = c.synonyms.iter().map(synonym).collect();
            format!("{}={} from {{{}}}", c.name, c.value.clone().unwrap_or_default(), synonyms.join(", "))
        };
        result.configs.iter().map(text).collect()
    }

    fn reassign(&mut self, words: &Words<'_>) -> Vec<String> {
        let asked = words.0.iter().filter(|word| !word.starts_with("version=") && **word != "same-factor");
        let topic = |word: &&str| {
            let (partition, replicas) = word.split_once('=').map_or((*word, None), |(p, ids)| (p, Some(list(ids))));
            let (name, partition_index) = split(partition);
            ReassignableTopic { name, partitions: vec![ReassignablePartition { partition_index, replicas }] }
        };
        let request = AlterPartitionReassignmentsRequest {
            topics: asked.map(topic).collect(),
            allow_replication_factor_change: !words.flag("same-factor"),
            ..Default::default()
        };
        let response = self.bench.ask_at(words.number("version").unwrap_or(1), &request);
        if response.error_code != 0 {
            return vec![said(response.error_code, &response.error_message)];
        }
        response.responses.iter().flat_map(|t| &t.partitions).map(|p| said(p.error_code, &p.error_message)).collect()
    }

    fn reassignments(&mut self, words: &Words<'_>) -> Vec<String> {
        let topic = |word: &str| {
            let (name, index) = split(word);
            ListPartitionReassignmentsTopics { name, partition_indexes: vec![index] }
        };
        let topics: Vec<ListPartitionReassignmentsTopics> = words.plain().map(topic).collect();
        let topics = (!topics.is_empty()).then_some(topics);
        let response = self.bench.ask(&ListPartitionReassignmentsRequest { topics, ..Default::default() });
        let lines = response.topics.iter().flat_map(|t| {
            t.partitions.iter().map(|p| {
                let (index, adding, removing) = (p.partition_index, &p.adding_replicas, &p.removing_replicas);
                format!("{}-{index} on {:?} adding {adding:?} removing {removing:?}", t.name, p.replicas)
            })
        });
        lines.collect()
    }

    fn elect(&mut self, words: &Words<'_>) -> Vec<String> {
        let election_type = i8::from(words.0[0] == "unclean");
        let topic = |word: &str| {
            let (topic, index) = split(word);
            TopicPartitions { topic, partitions: vec![index] }
        };
        let topics: Vec<TopicPartitions> = words.plain().skip(1).map(topic).collect();
        let topic_partitions = (!topics.is_empty()).then_some(topics);
        let request = ElectLeadersRequest { election_type, topic_partitions, ..Default::default() };
        let response = self.bench.ask(&request);
        if response.error_code != 0 {
            return vec![said(response.error_code, &None)];
        }
        let lines = response.replica_election_results.iter().flat_map(|t| {
            let of = |p: &PartitionResult| {
                format!("{}-{} {}", t.topic, p.partition_id, said(p.error_code, &p.error_message))
            };
            t.partition_result.iter().map(of).collect::<Vec<_>>()
        });
        lines.collect()
    }

    fn feature(&mut self, words: &Words<'_>) -> Vec<String> {
        let upgrade_type = match (words.flag("safe"), words.flag("unsafe")) {
            (true, _) => 2,
            (_, true) => 3,
            _ => words.number("type").unwrap_or(1),
        };
        let max_version_level = words.0[1].parse().unwrap();
        let update =
            FeatureUpdateKey { feature: words.0[0].into(), max_version_level, upgrade_type, ..Default::default() };
        let request = UpdateFeaturesRequest {
            feature_updates: vec![update],
            validate_only: words.flag("validate"),
            ..Default::default()
        };
        let response = self.bench.ask(&request);
        vec![said(response.error_code, &response.error_message)]
    }

    fn unregister(&mut self, words: &Words<'_>) -> Vec<String> {
        let response = self.bench.ask(&UnregisterBrokerRequest { broker_id: words.ids()[0] });
        vec![said(response.error_code, &response.error_message)]
    }

    fn producer_ids(&mut self, words: &Words<'_>) -> Vec<String> {
        let broker_id = words.ids()[0];
        let broker_epoch = words.number("epoch").unwrap_or_else(|| self.epoch(broker_id));
        let response = self.bench.ask(&AllocateProducerIdsRequest { broker_id, broker_epoch });
        if response.error_code != 0 {
            return vec![said(response.error_code, &None)];
        }
        vec![format!("from {}, {} of them", response.producer_id_start, response.producer_id_len)]
    }

    fn topics(&self) -> Vec<String> {
        let view = self.bench.controller.view(&self.bench.disk, Now { mono: self.bench.now, wall_ms: 0 });
        let ids = |ids: &[NodeId]| ids.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(" ");
        let text = |p: &crate::view::PartitionView| {
            let leader = if p.leader < 0 { "nobody".into() } else { p.leader.to_string() };
            let mut text = format!(
                "{}-{} on [{}] leader {leader} epoch {}.{} in-sync [{}]",
                p.topic,
                p.partition,
                ids(&p.replicas),
                p.leader_epoch,
                p.partition_epoch,
                ids(&p.isr)
            );
            for (what, moving) in [("adding", &p.adding), ("removing", &p.removing)] {
                if !moving.is_empty() {
                    write!(text, " {what} [{}]", ids(moving)).unwrap();
                }
            }
            if !p.elr.is_empty() {
                write!(text, " eligible [{}]", ids(&p.elr)).unwrap();
            }
            let registration = self.bench.controller.committed.partition(&p.topic, p.partition).unwrap();
            if !registration.last_known_elr.is_empty() {
                write!(text, " last leader [{}]", ids(&registration.last_known_elr)).unwrap();
            }
            if registration.leader_recovery_state != 0 {
                text += " recovering";
            }
            text
        };
        view.active.unwrap().partitions.iter().map(text).collect()
    }

    fn brokers(&self) -> Vec<String> {
        let view = self.bench.controller.view(&self.bench.disk, Now { mono: self.bench.now, wall_ms: 0 });
        let text = |b: &crate::view::RegistrationView| {
            let mut state = String::from(if b.fenced { "fenced" } else { "unfenced" });
            if b.in_controlled_shutdown {
                state += ", shutting down";
            }
            format!(
                "broker {} epoch {} {state}, session ends in {} ms",
                b.id,
                b.broker_epoch,
                b.session_ends.ms_since(self.bench.now)
            )
        };
        view.active.unwrap().brokers.iter().map(text).collect()
    }

    /// No-op records are left out.
    fn log(&mut self) -> Vec<String> {
        let view = self.bench.controller.view(&self.bench.disk, Now { mono: self.bench.now, wall_ms: 0 });
        let from = std::mem::replace(&mut self.told_offset, view.log_end_offset - 1);
        let new = view.tail.iter().filter(|r| r.offset > from && r.mark != "NO");
        new.map(|r| format!("{} {}", r.mark, r.text)).collect()
    }

    fn batches(&mut self) -> Vec<String> {
        let raft = &self.bench.controller.raft;
        let from = std::mem::replace(&mut self.told_offset, raft.log_end_offset() - 1) + 1;
        let batches = raft.read_batches(&self.bench.disk, from, usize::MAX);
        let count = |header: &crate::wire::batch::BatchHeader| header.next_offset() - header.base_offset;
        let counts = batches.iter().map(|batch| count(&batch.header)).filter(|&count| count > 1);
        counts.map(|count| format!("a batch of {count} records")).collect()
    }

    /// What the controller decided since the last time; of very much only how much.
    fn events(&mut self) -> Vec<String> {
        let new = &self.bench.events[self.told_events..];
        let shown = |kind: &&EventKind| {
            matches!(
                kind,
                EventKind::BrokerRegistered { .. }
                    | EventKind::BrokerFenced { .. }
                    | EventKind::BrokerUnfenced { .. }
                    | EventKind::BrokerShuttingDown { .. }
                    | EventKind::BrokerUnregistered { .. }
                    | EventKind::FeatureChanged { .. }
                    | EventKind::AssignmentChanged { .. }
                    | EventKind::TopicCreated { .. }
                    | EventKind::TopicDeleted { .. }
                    | EventKind::PartitionChanged { .. }
            )
        };
        let mut lines: Vec<String> =
            new.iter().filter(shown).map(|kind| format!("  {}", kind.text(super::ME))).collect();
        if lines.len() > EVENTS_SHOWN {
            let first = lines[..2].join("\n");
            lines = vec![first, format!("  and {} more", lines.len() - 2)];
        }
        self.told_events = self.bench.events.len();
        lines
    }
}

/// What is committed survives, whatever the controller was doing.
#[test]
fn the_image_is_a_function_of_the_log() {
    let mut bench = Bench::new(config());
    bench.join(&[1, 2, 3]);
    let before: BTreeMap<_, _> = bench.controller.committed.brokers().map(|b| (b.id, b.clone())).collect();
    let (image, offset) = (bench.controller.committed.clone(), bench.controller.committed.offset());
    bench.restart();
    for broker in bench.controller.committed.brokers() {
        assert_eq!(Some(broker), before.get(&broker.id));
    }
    assert!(bench.controller.committed.offset() > offset, "a new epoch has begun");
    assert_eq!(bench.controller.committed.to_records(), image.to_records());
    assert!(node::read_bootstrap(&bench.disk).is_ok());
}
