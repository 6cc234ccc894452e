//! Requests about leaders, replicas, features, brokers and voters, of the controller:
//!
//! | command | what is asked |
//! |---|---|
//! | `place T 1,2;2,1 [CONFIG=VALUE...]` | CreateTopics with these replicas for each partition |
//! | `replicas T` | DescribeTopicPartitions: leader, epoch, replicas, and in any order who is in sync |
//! | `elect TYPE all`\|`none`\|`T-P...` | ElectLeaders; of type 0 (preferred), 1 (unclean), or any number |
//! | `reassign T-P=1,2... [same-factor]` | AlterPartitionReassignments; `T-P=null` cancels, `T-P=` has no replicas, `none` |
//! | `reassignments all`\|`none`\|`T-P...` | ListPartitionReassignments |
//! | `feature NAME=LEVEL... [type=N] [validate]` | UpdateFeatures; `_` stands for the empty name |
//! | `unregister ID` | UnregisterBroker |
//! | `add-voter ID`, `remove-voter ID` `[cluster=ID] [no-directory] [no-listener]` | AddRaftVoter, RemoveRaftVoter |
//!
//! All of them take `version=V`, those that have one `timeout=MS`.

use lab_core::{
    id::Uuid,
    wire::{
        add_raft_voter::{AddRaftVoterRequest, Listener},
        alter_partition_reassignments::{AlterPartitionReassignmentsRequest, ReassignablePartition, ReassignableTopic},
        create_topics::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreateTopicsRequest},
        describe_topic_partitions::{DescribeTopicPartitionsRequest, TopicRequest},
        elect_leaders::{ElectLeadersRequest, TopicPartitions},
        list_partition_reassignments::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsTopics},
        remove_raft_voter::RemoveRaftVoterRequest,
        unregister_broker::UnregisterBrokerRequest,
        update_features::{FeatureUpdateKey, UpdateFeaturesRequest},
    },
};

use super::{Asker, Words, name_of, split};

const OPTIONS: &[&str] = &["version", "timeout", "type", "cluster"];

fn ids(text: &str) -> Vec<i32> {
    text.split(',').filter(|id| !id.is_empty()).map(|id| id.parse().expect("an id")).collect()
}

fn said(code: i16, message: &Option<String>) -> String {
    message.as_ref().map_or_else(|| name_of(code), |message| format!("{}: {message}", name_of(code)))
}

/// The first line for all, and one for each part.
fn lines(top: String, parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().fold(top, |text, part| text + "\n" + &part)
}

impl Asker {
    /// `None`: it is another sort of command.
    pub fn reassignments(&mut self, verb: &str, words: &Words<'_>) -> Option<Result<String, String>> {
        Some(match verb {
            "place" => self.place(words),
            "replicas" => self.replicas(words),
            "elect" => self.elect(words),
            "reassign" => self.reassign(words),
            "reassignments" => self.list_reassignments(words),
            "feature" => self.feature(words),
            "unregister" => self.unregister(words),
            "add-voter" => self.add_voter(words),
            "remove-voter" => self.remove_voter(words),
            _ => return None,
        })
    }

    fn place(&mut self, words: &Words<'_>) -> Result<String, String> {
        let assignment = |(partition_index, replicas): (i32, &str)| CreatableReplicaAssignment {
            partition_index,
            broker_ids: ids(replicas),
        };
        let config = |(name, value)| CreatableTopicConfig { name, value: Some(value) };
        let topic = CreatableTopic {
            name: words.0[1].into(),
            num_partitions: -1,
            replication_factor: -1,
            assignments: (0..).zip(words.0[2].split(';')).map(assignment).collect(),
            configs: words.others(OPTIONS).into_iter().map(config).collect(),
        };
        let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 5000, validate_only: false };
        let topic = &self.ask(7, &request)?.topics[0];
        let answer = said(topic.error_code, &topic.error_message);
        self.cluster.wait_ms(1000);
        Ok(answer)
    }

    fn replicas(&mut self, words: &Words<'_>) -> Result<String, String> {
        let topics = vec![TopicRequest { name: words.0[1].into() }];
        let request = DescribeTopicPartitionsRequest { topics, response_partition_limit: 100, cursor: None };
        let response = self.ask(0, &request)?;
        let topic = &response.topics[0];
        let partition = |p: &lab_core::wire::describe_topic_partitions::DescribeTopicPartitionsResponsePartition| {
            let mut isr = p.isr_nodes.clone();
            isr.sort_unstable();
            let (index, leader, epoch) = (p.partition_index, p.leader_id, p.leader_epoch);
            format!("{index} on {:?} leader {leader} epoch {epoch} in sync {isr:?}", p.replica_nodes)
        };
        Ok(lines(name_of(topic.error_code), topic.partitions.iter().map(partition)))
    }

    fn elect(&mut self, words: &Words<'_>) -> Result<String, String> {
        let topic_partitions = match words.0[2] {
            "all" => None,
            "none" => Some(Vec::new()),
            _ => Some(
                words.0[2..]
                    .iter()
                    .filter(|w| !w.contains('='))
                    .map(|w| {
                        let (topic, index) = split(w);
                        TopicPartitions { topic, partitions: vec![index] }
                    })
                    .collect(),
            ),
        };
        let request = ElectLeadersRequest {
            election_type: words.0[1].parse().expect("a type"),
            topic_partitions,
            timeout_ms: words.number("timeout", 5000),
        };
        let response = self.ask(words.number("version", 2), &request)?;
        self.cluster.wait_ms(500);
        let parts = response.replica_election_results.iter().flat_map(|t| {
            t.partition_result
                .iter()
                .map(move |p| (t, p))
                .map(|(t, p)| format!("{}-{} {}", t.topic, p.partition_id, said(p.error_code, &p.error_message)))
        });
        Ok(lines(name_of(response.error_code), parts))
    }

    fn reassign(&mut self, words: &Words<'_>) -> Result<String, String> {
        let topics = words.others(OPTIONS).into_iter().map(|(partition, replicas)| {
            let (name, partition_index) = split(&partition);
            let replicas = (replicas != "null").then(|| ids(&replicas));
            ReassignableTopic { name, partitions: vec![ReassignablePartition { partition_index, replicas }] }
        });
        let request = AlterPartitionReassignmentsRequest {
            timeout_ms: words.number("timeout", 5000),
            allow_replication_factor_change: !words.flag("same-factor"),
            topics: topics.collect(),
        };
        let response = self.ask(words.number("version", 1), &request)?;
        // A move takes its time where the new replica has to be asked for.
        self.cluster.wait_ms(3000);
        let parts = response.responses.iter().flat_map(|t| {
            t.partitions
                .iter()
                .map(move |p| (t, p))
                .map(|(t, p)| format!("{}-{} {}", t.name, p.partition_index, said(p.error_code, &p.error_message)))
        });
        let top = said(response.error_code, &response.error_message);
        Ok(lines(format!("{top}, factor may change: {}", response.allow_replication_factor_change), parts))
    }

    fn list_reassignments(&mut self, words: &Words<'_>) -> Result<String, String> {
        let topics = match words.0[1] {
            "all" => None,
            "none" => Some(Vec::new()),
            _ => Some(
                words.0[1..]
                    .iter()
                    .filter(|w| !w.contains('='))
                    .map(|w| {
                        let (name, index) = split(w);
                        ListPartitionReassignmentsTopics { name, partition_indexes: vec![index] }
                    })
                    .collect(),
            ),
        };
        let request = ListPartitionReassignmentsRequest { timeout_ms: words.number("timeout", 5000), topics };
        let response = self.ask(0, &request)?;
        let parts = response.topics.iter().flat_map(|t| {
            t.partitions.iter().map(move |p| (t, p)).map(|(t, p)| {
                let (index, adding, removing) = (p.partition_index, &p.adding_replicas, &p.removing_replicas);
                format!("{}-{index} on {:?} adding {adding:?} removing {removing:?}", t.name, p.replicas)
            })
        });
        Ok(lines(said(response.error_code, &response.error_message), parts))
    }

    fn feature(&mut self, words: &Words<'_>) -> Result<String, String> {
        let version = words.number("version", 1);
        let upgrade_type = if version == 0 { 1 } else { words.number("type", 1) };
        let update = |(feature, level): (String, String)| FeatureUpdateKey {
            feature: feature.replace('_', ""),
            max_version_level: level.parse().expect("a level"),
            upgrade_type,
            ..Default::default()
        };
        let request = UpdateFeaturesRequest {
            timeout_ms: words.number("timeout", 5000),
            feature_updates: words.others(OPTIONS).into_iter().map(update).collect(),
            validate_only: words.flag("validate"),
        };
        let response = self.ask(version, &request)?;
        let parts = response.results.iter().map(|r| format!("{} {}", r.feature, said(r.error_code, &r.error_message)));
        // The controller that is asked says who it is.
        let top = said(response.error_code, &response.error_message).replace("controller 101", "controller 1");
        Ok(lines(top, parts))
    }

    fn unregister(&mut self, words: &Words<'_>) -> Result<String, String> {
        let response = self.ask(0, &UnregisterBrokerRequest { broker_id: words.0[1].parse().expect("an id") })?;
        Ok(said(response.error_code, &response.error_message))
    }

    fn add_voter(&mut self, words: &Words<'_>) -> Result<String, String> {
        let listener = Listener { name: "CONTROLLER".into(), host: "127.0.0.1".into(), port: 9 };
        let request = AddRaftVoterRequest {
            cluster_id: words.get("cluster").map(Into::into),
            timeout_ms: words.number("timeout", 1000),
            voter_id: words.0[1].parse().expect("an id"),
            voter_directory_id: directory(words),
            listeners: if words.flag("no-listener") { Vec::new() } else { vec![listener] },
            ack_when_committed: true,
        };
        let response = self.ask(words.number("version", 1), &request)?;
        Ok(said(response.error_code, &response.error_message))
    }

    fn remove_voter(&mut self, words: &Words<'_>) -> Result<String, String> {
        let request = RemoveRaftVoterRequest {
            cluster_id: words.get("cluster").map(Into::into),
            voter_id: words.0[1].parse().expect("an id"),
            voter_directory_id: directory(words),
        };
        let response = self.ask(0, &request)?;
        Ok(said(response.error_code, &response.error_message))
    }
}

fn directory(words: &Words<'_>) -> Uuid {
    if words.flag("no-directory") { Uuid::ZERO } else { Uuid([7; 16]) }
}
