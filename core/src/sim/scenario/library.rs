//! The scenarios that have names: which cluster, which topics, which clients, which traffic.

use super::{Load, Scenario, TopicSpec, Traffic};
use crate::{assign::Assignor, client::ConsumerConfig, id::NodeId, seam::Time, view::Preset};

impl Scenario {
    pub(super) fn sandbox() -> Self {
        let mut scenario = Self::cluster("sandbox", 3, 3);
        scenario.topics.push(orders(3, 3, 2));
        // Some records are there to be looked at, and nothing has happened to them yet.
        scenario.opens_at = Time::from_ms(15_000);
        scenario.producers = vec![scenario.producer(1001, "P1"), scenario.producer(1002, "P2")];
        scenario.consumers = vec![scenario.consumer(1101, "A")];
        scenario.traffic.push(Traffic {
            from: Time::from_ms(4000),
            every_ms: 400,
            producers: vec![NodeId(1001), NodeId(1002)],
            topic: "orders".into(),
            keys: ["ana", "bob", "eve", "ida", "max", "zoe"].map(String::from).to_vec(),
        });
        scenario
    }

    pub(super) fn three_brokers() -> Self {
        let mut scenario = Self::cluster("three-brokers", 3, 3);
        scenario.topics.push(orders(3, 3, 1));
        scenario.producers = vec![scenario.producer(1001, "P1")];
        scenario.consumers = vec![scenario.consumer(1101, "A")];
        scenario.loads.push(Load {
            from: Time::from_ms(4000),
            producer: NodeId(1001),
            topic: "orders".into(),
            records_per_second: 1000,
            size_bytes: 100,
            keys: 1000,
        });
        scenario
    }

    pub(super) fn one_broker() -> Self {
        let mut scenario = Self::cluster("one-broker", 1, 1);
        scenario.topics.push(orders(1, 1, 1));
        scenario.producers = vec![scenario.producer(1001, "P1")];
        scenario.consumers = vec![scenario.consumer(1101, "A")];
        scenario.traffic.push(Traffic {
            from: Time::from_ms(4000),
            every_ms: 500,
            producers: vec![NodeId(1001)],
            topic: "orders".into(),
            keys: ["ana", "bob", "eve"].map(String::from).to_vec(),
        });
        scenario
    }

    /// Members begin on Kafka's own settings, cooperatively.
    pub(super) fn groups() -> Self {
        let mut scenario = Self::cluster("groups", 3, 3);
        scenario.topics.push(orders(6, 3, 2));
        scenario.opens_at = Time::from_ms(15_000);
        scenario.few_offsets_partitions();
        scenario.producers = vec![scenario.producer(1001, "P1")];
        let member = |(i, name): (i32, &str)| ConsumerConfig {
            group_id: Some("billing".into()),
            partition_assignment_strategy: vec![Assignor::CooperativeSticky],
            ..scenario.consumer(i, name)
        };
        scenario.consumers = (1101..).zip(["A", "B", "C", "D"]).map(member).collect();
        scenario.spare = vec![NodeId(1103), NodeId(1104)];
        scenario.traffic.push(Traffic {
            from: Time::from_ms(4000),
            every_ms: 200,
            producers: vec![NodeId(1001)],
            topic: "orders".into(),
            keys: (0..30).map(|i| format!("key-{i}")).collect(),
        });
        scenario
    }

    /// Two applications and one topic. Their consumers have Kafka's own settings: the range assignor, eagerly.
    pub(super) fn fan_out() -> Self {
        let mut scenario = Self::cluster("fan-out", 3, 3);
        scenario.topics.push(orders(4, 3, 2));
        scenario.opens_at = Time::from_ms(15_000);
        scenario.few_offsets_partitions();
        scenario.producers = vec![scenario.producer(1001, "P1")];
        let names = ["A", "B", "C", "D", "E", "F"];
        let member = |(i, name): (i32, &str)| {
            let group = if name == "F" { "audit" } else { "billing" };
            ConsumerConfig { group_id: Some(group.into()), ..scenario.consumer(i, name) }
        };
        scenario.consumers = (1101..).zip(names).map(member).collect();
        scenario.spare = (1102..=1106).map(NodeId).collect();
        scenario.traffic.push(Traffic {
            from: Time::from_ms(4000),
            every_ms: 250,
            producers: vec![NodeId(1001)],
            topic: "orders".into(),
            keys: (0..30).map(|i| format!("key-{i}")).collect(),
        });
        scenario
    }

    /// So few that all of them can be drawn.
    fn few_offsets_partitions(&mut self) {
        self.node_config.offsets_topic_num_partitions = 4;
        self.presets.push(Preset {
            key: "offsets.topic.num.partitions".into(),
            value: "4".into(),
            kafka_default: "50".into(),
        });
    }

    pub(super) fn nine_brokers() -> Self {
        let mut scenario = Self::cluster("nine-brokers", 3, 9);
        scenario.topics.push(orders(24, 3, 2));
        scenario.opens_at = Time::from_ms(15_000);
        scenario.producers = vec![scenario.producer(1001, "P1"), scenario.producer(1002, "P2")];
        scenario.consumers = vec![scenario.consumer(1101, "A")];
        scenario.traffic.push(Traffic {
            from: Time::from_ms(4000),
            every_ms: 50,
            producers: vec![NodeId(1001), NodeId(1002)],
            topic: "orders".into(),
            keys: (0..60).map(|i| format!("key-{i}")).collect(),
        });
        scenario
    }
}

fn orders(partitions: i32, replication_factor: i16, min_insync_replicas: i32) -> TopicSpec {
    let configs = if min_insync_replicas == 1 {
        Vec::new()
    } else {
        vec![("min.insync.replicas".into(), min_insync_replicas.to_string())]
    };
    TopicSpec { name: "orders".into(), partitions, replication_factor, configs }
}
