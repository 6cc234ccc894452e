//! Draws requests that mean something over the prepared state: each field by its name, in Kafka's own words.

use std::sync::Arc;

use fastrand::Rng;

use super::{
    draw_batch, draw_config,
    names::{self, PREFIX},
    schema::{Api, Field, Kind},
    value::Value,
};

/// Topics of a round, in the order in which their ids are learnt; `u` is never created.
pub const TOPICS: [&str; 6] = ["a", "b", "c", "t", "x", "y"];

pub struct Draw<'a> {
    pub rng: &'a mut Rng,
    pub api: &'a Api,
    pub version: i16,
}

impl Draw<'_> {
    pub fn body(&mut self) -> Value {
        let fields = self.api.request.fields.clone();
        self.fields(&fields)
    }

    fn fields(&mut self, fields: &Arc<Vec<Field>>) -> Value {
        let mut values: Vec<Value> = fields.iter().map(|field| self.field(field)).collect();
        self.agree(fields, &mut values);
        Value::Struct(values)
    }

    fn field(&mut self, field: &Field) -> Value {
        if !field.versions.contains(self.version) {
            return Value::default_of(field);
        }
        if field.nullable.contains(self.version) && self.one_in(if field.default.is_some() { 2 } else { 8 }) {
            return Value::Null;
        }
        // A tagged field is seldom said.
        if field.tagged.contains(self.version) && !self.one_in(4) {
            return Value::default_of(field);
        }
        self.kind(&field.kind, field)
    }

    fn kind(&mut self, kind: &Kind, field: &Field) -> Value {
        match kind {
            Kind::Array(element) => {
                let most = if self.seldom_listed(field) { 1 } else { 3 };
                let count = [1, 1, 1, 1, 1, 2, 2, 0, most][self.rng.usize(..9)];
                let count = if self.seldom_listed(field) && !self.one_in(3) { 0 } else { count };
                let mut items: Vec<Value> = Vec::new();
                for _ in 0..count {
                    let item = self.kind(element, field);
                    // Said twice is for the mutations.
                    if !items.contains(&item) {
                        items.push(item);
                    }
                }
                Value::Array(items)
            }
            Kind::Struct(fields) => self.fields(fields),
            Kind::Bool => Value::Bool(self.rng.bool()),
            Kind::Float64 => Value::Float(self.pick(&[1e6, 1e9, 0.0, 1.5])),
            Kind::Records => Value::Batches(vec![draw_batch::valid(self.rng)]),
            Kind::Bytes => Value::Bytes(self.bytes(field)),
            Kind::Uuid => Value::Uuid(match field.name.as_str() {
                "TopicId" => names::topic_id(self.topic()),
                _ => [0; 16],
            }),
            Kind::Text => Value::Text(self.text(field).into_bytes()),
            Kind::Int(_) | Kind::Uint16 | Kind::Uint32 => Value::Int(self.int(field)),
        }
    }

    /// Lists that are empty in most requests.
    fn seldom_listed(&self, field: &Field) -> bool {
        matches!(
            (self.api.name(), field.name.as_str()),
            ("CreateTopics" | "CreatePartitions", "Assignments")
                | ("Fetch", "ForgottenTopicsData")
                | (_, "StatesFilter" | "TypesFilter" | "StateFilters" | "ProducerIdFilters")
        )
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(..n) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())].clone()
    }

    fn topic(&mut self) -> usize {
        self.pick(&[0, 0, 0, 0, 1, 1, 2, 3, 4, 5])
    }

    fn topic_name(&mut self) -> String {
        let at = self.topic();
        let name = match self.api.name() {
            "CreateTopics" => self.pick(&["n", "m", "n.1", "a", "o_1"]),
            "DeleteTopics" => self.pick(&["x", "y", "u", "n"]),
            _ if self.one_in(20) => "u",
            _ => TOPICS[at],
        };
        format!("{PREFIX}{name}")
    }

    fn text(&mut self, field: &Field) -> String {
        let of_round = |name: &str| format!("{PREFIX}{name}");
        match (field.entity.as_str(), field.name.as_str(), self.api.name()) {
            ("topicName", ..) | (_, "TopicName", _) => self.topic_name(),
            ("groupId", ..) | (_, "GroupId", _) | (_, "CoordinatorKeys" | "Key", "FindCoordinator") => {
                of_round(self.pick(&["g", "g", "g", "e", "e", "u", "n"]))
            }
            ("transactionalId", ..) | (_, "TransactionalId", _) => of_round("txn"),
            (_, "MemberId", _) => match self.rng.u8(..4) {
                0 => String::new(),
                _ => format!("compare-{}", names::member(0)),
            },
            (_, "GroupInstanceId" | "InstanceId", _) => self.pick(&["i1", "i2"]).into(),
            (_, "ProtocolType", _) => "consumer".into(),
            (_, "ProtocolName", _) | (_, "Name", "JoinGroup") => self.pick(&["range", "range", "roundrobin"]).into(),
            (_, "ResourceName", _) => self.topic_name(),
            (_, "ConfigurationKeys", _) | (_, "Name", "CreateTopics" | "AlterConfigs" | "IncrementalAlterConfigs") => {
                draw_config::name(self.rng, 2)
            }
            (_, "Value", "CreateTopics" | "AlterConfigs" | "IncrementalAlterConfigs") => {
                draw_config::value(self.rng, "retention.ms")
            }
            (_, "StatesFilter", _) => self.pick(&["Stable", "Empty", "stable", "Dead"]).into(),
            (_, "TypesFilter", _) => self.pick(&["classic", "consumer", "Classic", "share"]).into(),
            (_, "StateFilters", _) => self.pick(&["Ongoing", "Empty", "CompleteCommit"]).into(),
            (_, "ClientSoftwareName" | "ClientSoftwareVersion", _) => self.pick(&["compare", "1.0", "a-b.c"]).into(),
            (_, "Mechanism", _) => self.pick(&["PLAIN", "SCRAM-SHA-256"]).into(),
            (_, "Principal" | "PrincipalFilter", _) => "User:ana".into(),
            (_, "PrincipalType" | "OwnerPrincipalType", _) => "User".into(),
            (_, "PrincipalName" | "OwnerPrincipalName", _) => "ana".into(),
            (_, "Host" | "HostFilter", _) => self.pick(&["*", "127.0.0.1"]).into(),
            (_, "EntityType", _) => self.pick(&["user", "client-id", "ip"]).into(),
            (_, "Match" | "EntityName", _) => of_round("q"),
            (_, "Key", "AlterClientQuotas") => {
                self.pick(&["producer_byte_rate", "consumer_byte_rate", "request_percentage"]).into()
            }
            (_, "Feature", _) => {
                self.pick(&["metadata.version", "eligible.leader.replicas.version", "no.such.version"]).into()
            }
            (_, "Path", _) => "/tmp/nowhere".into(),
            (_, "CommittedMetadata", _) => self.pick(&["", "m"]).into(),
            (_, "Reason", _) => "because".into(),
            (_, "SubscribedTopicRegex" | "TransactionalIdPattern", _) => format!("{PREFIX}.*"),
            (_, "ServerAssignor", _) => self.pick(&["uniform", "range"]).into(),
            (_, "ClusterId", _) => "cluster".into(),
            _ => of_round("s"),
        }
    }

    fn int(&mut self, field: &Field) -> i64 {
        match (field.entity.as_str(), field.name.as_str(), self.api.name()) {
            (_, "ReplicaId", _) => self.pick(&[-1, -1, -1, -1, -1, -1, -2, 1]),
            ("brokerId", ..) => 1,
            ("producerId", ..) | (_, "ProducerId", _) => match self.api.name() {
                "InitProducerId" => self.pick(&[-1, -1, -1, names::PRODUCER]),
                _ => self.pick(&[names::PRODUCER, names::PRODUCER, names::PRODUCER + 1, -1]),
            },
            (_, "ProducerEpoch", "InitProducerId") => self.pick(&[-1, -1, -1, 0]),
            (_, "ProducerEpoch", _) => self.pick(&[0, 0, 0, 1, -1]),
            (_, "Acks", _) => self.pick(&[-1, -1, -1, -1, 1, 1, 0]),
            (_, "TimeoutMs" | "timeoutMs", _) => self.pick(&[3000, 3000, 3000, 30_000]),
            (_, "TransactionTimeoutMs", _) => self.pick(&[60_000, 10_000, 900_001]),
            (_, "MaxWaitMs", _) => self.pick(&[0, 0, 0, 100]),
            (_, "MinBytes", _) => self.pick(&[0, 1, 1]),
            (_, "MaxBytes", _) => self.pick(&[0x7fff_ffff, 0x7fff_ffff, 1 << 20, 200, 1]),
            (_, "PartitionMaxBytes", _) => self.pick(&[1 << 20, 1 << 20, 1 << 20, 150, 75, 1, 0]),
            (_, "SessionId", _) => self.pick(&[0, 0, 0, 0, names::SESSION, names::SESSION + 1]),
            (_, "SessionEpoch", _) => self.pick(&[-1, -1, -1, 0, 0, 1, 2]),
            (_, "FetchOffset" | "Offset" | "CommittedOffset" | "FirstOffset" | "LastOffset" | "StartOffset", _) => {
                self.rng.i64(0..8)
            }
            (_, "CurrentLeaderEpoch" | "CommittedLeaderEpoch" | "LastFetchedEpoch", _) => {
                self.pick(&[-1, -1, -1, -1, 0, 0, 1])
            }
            (_, "LeaderEpoch", _) => self.pick(&[0, 0, 1]),
            (_, "LogStartOffset" | "ReplicaEpoch", _) => -1,
            (_, "HighWatermark", "Fetch") => 0x7fff_ffff_ffff_ffff,
            (_, "Timestamp", _) => {
                let time = super::batch::TIMESTAMP;
                self.pick(&[-1, -1, -2, -2, -3, -4, -5, -6, 0, time, time + 1, time + 10_000])
            }
            (_, "PartitionIndex" | "Partition" | "Index" | "Partitions" | "PartitionIndexes", _) => {
                self.pick(&[0, 0, 0, 0, 0, 1, 1, 2])
            }
            (_, "GenerationId" | "GenerationIdOrMemberEpoch", _) => self.pick(&[1, 1, 1, 2, -1]),
            // Longer than a round on a slow machine.
            (_, "SessionTimeoutMs", _) => self.pick(&[60_000, 120_000]),
            (_, "RebalanceTimeoutMs", _) => self.pick(&[2000, 3000]),
            (_, "RetentionTimeMs", _) => -1,
            (_, "KeyType", _) => self.pick(&[0, 0, 0, 0, 1]),
            (_, "NumPartitions", _) => self.pick(&[1, 1, 2, 3, -1]),
            (_, "ReplicationFactor", _) => self.pick(&[1, 1, 1, -1]),
            (_, "Count", _) => self.pick(&[1, 2, 3, 4]),
            (_, "ResourceType" | "ResourceTypes", "DescribeConfigs" | "ListConfigResources") => {
                self.pick(&[2, 2, 2, 4, 4, 8, 16, 32])
            }
            (_, "ResourceType", "AlterConfigs" | "IncrementalAlterConfigs") => self.pick(&[2, 2, 2, 2, 32, 16]),
            (_, "ConfigOperation", _) => self.pick(&[0, 0, 0, 0, 1, 2, 3]),
            (_, "ResponsePartitionLimit", _) => self.pick(&[2000, 2000, 1, 2]),
            (_, "ElectionType" | "IsolationLevel", _) => self.pick(&[0, 0, 1]),
            (_, "ResourceTypeFilter" | "ResourceType", _) => self.pick(&[1, 2, 3, 4]),
            (_, "PatternTypeFilter" | "ResourcePatternType", _) => self.pick(&[1, 3, 3, 4]),
            (_, "Operation" | "PermissionType", _) => self.pick(&[1, 2, 3]),
            (_, "MatchType" | "UpgradeType" | "Mechanism", _) => self.pick(&[0, 1, 2]),
            (_, "EndpointType", _) => 1,
            (_, "Iterations", _) => 4096,
            _ => match field.default.as_deref() {
                Some(_) => Value::default_of(field).int(),
                None => self.pick(&[0, 0, 1, 1, -1, 2]),
            },
        }
    }

    fn bytes(&mut self, field: &Field) -> Vec<u8> {
        match field.name.as_str() {
            // ConsumerProtocolSubscription and -Assignment, version 0: one topic, its first partition.
            "Metadata" => [b"\0\0\0\0\0\x01\0\x0c", PREFIX.as_bytes(), b"a\xff\xff\xff\xff"].concat(),
            "Assignment" => {
                [b"\0\0\0\0\0\x01\0\x0c", PREFIX.as_bytes(), b"a\0\0\0\x01\0\0\0\0\xff\xff\xff\xff"].concat()
            }
            _ => b"bytes".to_vec(),
        }
    }

    /// Fields of one struct that depend on each other, most of the time.
    fn agree(&mut self, fields: &[Field], values: &mut [Value]) {
        let at = |name: &str| fields.iter().position(|field| field.name == name);
        // A configuration and its value.
        if let (Some(name), Some(value)) = (at("Name"), at("Value"))
            && matches!(self.api.name(), "CreateTopics" | "AlterConfigs" | "IncrementalAlterConfigs")
            && !self.one_in(20)
        {
            values[value] = Value::text(&draw_config::value(self.rng, &values[name].as_text()));
            if let Some(operation) = at("ConfigOperation")
                && values[operation] == Value::Int(1)
            {
                values[value] = Value::Null;
            }
        }
        // Configurations are those of the resource's type.
        if let (Some(kind), Some(configs)) = (at("ResourceType"), at("Configs").or(at("ConfigurationKeys"))) {
            let kind = values[kind].int();
            if let Value::Array(configs) = &mut values[configs]
                && kind != 2
            {
                configs.iter_mut().for_each(|config| configure(self.rng, kind, config));
            }
        }
        // A resource is named by its type.
        if let (Some(kind), Some(name)) = (at("ResourceType"), at("ResourceName")) {
            let of_round = |name: &str| Value::text(&format!("{PREFIX}{name}"));
            match values[kind].int() {
                4 | 8 if self.api.name() == "DescribeConfigs" => values[name] = Value::text(self.pick(&["1", "1", ""])),
                16 => values[name] = of_round("metrics"),
                32 => values[name] = of_round("g"),
                _ => {}
            }
        }
        // Assigned by hand: neither a number of partitions nor of replicas.
        if let (Some(assignments), Some(partitions)) = (at("Assignments"), at("NumPartitions"))
            && !values[assignments].items().is_empty()
            && let Some(replicas) = at("ReplicationFactor")
        {
            (values[partitions], values[replicas]) = (Value::Int(-1), Value::Int(-1));
        }
        // A topic by name or by id.
        if let (Some(name), Some(id)) = (at("Name"), at("TopicId"))
            && matches!(self.api.name(), "Metadata" | "DeleteTopics")
            && !self.one_in(10)
        {
            match self.rng.bool() && fields[id].versions.contains(self.version) {
                true => values[name] = Value::Null,
                false => values[id] = Value::Uuid([0; 16]),
            }
        }
    }
}

/// Gives a configuration, or the name of one, to a resource of this type.
pub fn configure(rng: &mut Rng, resource_type: i64, config: &mut Value) {
    let name = draw_config::name(rng, resource_type);
    match config {
        Value::Struct(values) => {
            let last = values.len() - 1;
            if values[last] != Value::Null {
                values[last] = Value::text(&draw_config::value(rng, &name));
            }
            values[0] = Value::text(&name);
        }
        name_alone => *name_alone = Value::text(&name),
    }
}
