//! AlterConfigs (key 33), IncrementalAlterConfigs (key 44, KIP-339), and the configuration of new topics
//! (Kafka: `ConfigurationControlManager`, `ControllerConfigurationValidator`). What concerns a broker alone that broker
//! has checked before.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    api::{ApiError, Command, Decision, State, error},
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    config::{
        table::{self, ConfigKey, Kind, Scope},
        value,
    },
    hash::hash_map_slot,
    id::NodeId,
    metadata::{
        alter_configs::{
            APPEND, AlterRequest, DELETE, KeyChange, ResourceChange, ResourceResult, SET, SUBTRACT, changed_list,
            repeated,
        },
        client_metrics,
        configs::{self, MIN_INSYNC_REPLICAS},
        image::{ConfigResource, ResourceType},
        topic_name,
    },
    wire::{
        alter_configs::AlterConfigsRequest,
        create_topics::CreatableTopic,
        error::ErrorCode,
        incremental_alter_configs::IncrementalAlterConfigsRequest,
        metadata_records::{ClearElrRecord, ConfigRecord},
    },
};

const LOGGER: i8 = 8;
/// Kafka: `ConfigurationControlManager`; a record's text cannot be longer.
const MAX_VALUE_SIZE: usize = i16::MAX as usize;

impl Command for IncrementalAlterConfigsRequest {
    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        decide(self, state)
    }

    fn refuse(&self, error: ErrorCode) -> Self::Response {
        refuse(self, error)
    }
}

impl Command for AlterConfigsRequest {
    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        decide(self, state)
    }

    fn refuse(&self, error: ErrorCode) -> Self::Response {
        refuse(self, error)
    }
}

fn refuse<R: AlterRequest>(request: &R, error: ErrorCode) -> R::Response {
    let one = |change: &ResourceChange| ResourceResult::new(change, Err((error, None)));
    R::response(request.changes().iter().map(one).collect())
}

fn decide<R: AlterRequest>(request: &R, state: &mut State<'_>) -> Decision<R::Response> {
    let changes = request.changes();
    if changes.iter().any(|change| change.kind != LOGGER && meets_unknown_operation(change)) {
        return refuse(request, ErrorCode::UnknownServerError).into();
    }
    let repeated = repeated(&changes);
    let mut answered = BTreeSet::new();
    let mut batch = Batch::default();
    let mut results = Vec::new();
    for change in &changes {
        let key = (change.kind, change.name.as_str());
        if change.kind != LOGGER && !answered.insert(key) {
            continue;
        }
        let result = if change.kind == LOGGER && !R::WHOLE {
            state.loggers.change(state.config.node_id, &change.name, &change.keys, request.validate_only())
        } else if repeated.contains(&key) {
            error(ErrorCode::InvalidRequest, "Duplicate resource.")
        } else {
            alter(change, R::WHOLE, state).map(|records| batch.append(records))
        };
        results.push(ResourceResult::new(change, result));
    }
    if request.validate_only() {
        batch = Batch::default();
    }
    Decision { batch, response: R::response(results) }
}

/// An operation that nobody knows fails the whole request, unless a key before it has refused its resource. Kafka looks at
/// the keys in the order of a Java map.
fn meets_unknown_operation(change: &ResourceChange) -> bool {
    let mut keys: Vec<&KeyChange> = change.keys.iter().collect();
    keys.sort_by_key(|key| hash_map_slot(&key.name));
    let unknown = |key: &KeyChange| !(SET..=SUBTRACT).contains(&key.operation);
    let kind = ResourceType::from_code(change.kind);
    let refuses = |key: &KeyChange| {
        [APPEND, SUBTRACT].contains(&key.operation) && kind.is_some_and(|kind| list(kind, &key.name).is_none())
    };
    keys.into_iter().find(|key| unknown(key) || refuses(key)).is_some_and(unknown)
}

fn alter(change: &ResourceChange, whole: bool, state: &State<'_>) -> Result<Batch, ApiError> {
    let Some(kind) = ResourceType::from_code(change.kind) else {
        return if change.kind == LOGGER {
            error(ErrorCode::InvalidRequest, "Unexpected resource type BROKER_LOGGER.")
        } else {
            error(ErrorCode::UnsupportedVersion, format!("Unknown resource type {}.", change.kind))
        };
    };
    let resource = ConfigResource { kind, name: change.name.clone() };
    let (what, denied) = match kind {
        ResourceType::Topic => (Resource::Topic(&resource.name), ErrorCode::TopicAuthorizationFailed),
        ResourceType::Group => (Resource::Group(&resource.name), ErrorCode::GroupAuthorizationFailed),
        ResourceType::Broker | ResourceType::ClientMetrics => {
            (Resource::Cluster, ErrorCode::ClusterAuthorizationFailed)
        }
    };
    if !state.authorize(Operation::AlterConfigs, what) {
        return Err((denied, None));
    }
    let changes = changed(&resource, change, whole, state)?;
    check(&resource, &changes, state)?;
    let mut batch = Batch::default();
    for (key, value) in changes {
        push(&mut batch, &resource, &key, value, state);
    }
    Ok(batch)
}

/// What the keys will be; `None`: no longer set.
type Changes = BTreeMap<String, Option<String>>;

/// A key that stays as it is needs no record; a broker's gets one, which makes it read its files again (KAFKA-14136).
fn changed(
    resource: &ConfigResource,
    change: &ResourceChange,
    whole: bool,
    state: &State<'_>,
) -> Result<Changes, ApiError> {
    let current = state.image.all_configs(resource);
    let mut changes = Changes::new();
    for key in &change.keys {
        changes.insert(key.name.clone(), new_value(resource, key, current)?);
    }
    if resource.kind != ResourceType::Broker {
        changes.retain(|key, value| current.get(key) != value.as_ref());
    }
    if whole {
        let asked: BTreeSet<&str> = change.keys.iter().map(|key| key.name.as_str()).collect();
        let gone = current.keys().filter(|key| !asked.contains(key.as_str()));
        changes.extend(gone.map(|key| (key.clone(), None)));
    }
    Ok(changes)
}

fn new_value(
    resource: &ConfigResource,
    key: &KeyChange,
    current: &BTreeMap<String, String>,
) -> Result<Option<String>, ApiError> {
    let name = match key.operation {
        DELETE => return Ok(None),
        APPEND => "APPEND",
        SUBTRACT => "SUBTRACT",
        _ => return Ok(key.value.clone()),
    };
    let Some(known) = list(resource.kind, &key.name) else {
        let message = format!("Can't {name} to key {} because its type is not LIST.", key.name);
        return error(ErrorCode::InvalidConfig, message);
    };
    let current = current.get(&key.name).map(String::as_str).or(known.default);
    Ok(Some(changed_list(current, key.operation, key.value.as_deref().unwrap_or_default())))
}

/// That key, if it is a list. The controller's schema has topics and brokers only (Kafka: `KafkaRaftServer.configSchema`).
fn list(kind: ResourceType, key: &str) -> Option<&'static ConfigKey> {
    let has_lists = matches!(kind, ResourceType::Topic | ResourceType::Broker);
    table::key(kind.scope(), key).filter(|key| has_lists && key.kind == Kind::List)
}

/// Kafka: `ConfigurationControlManager.validateAlterConfig`.
fn check(resource: &ConfigResource, changes: &Changes, state: &State<'_>) -> Result<(), ApiError> {
    for (key, value) in changes {
        check_min_insync_replicas(resource, key, value.as_deref(), state)?;
        if value.as_ref().is_some_and(|value| value.encode_utf16().count() > MAX_VALUE_SIZE) {
            let message =
                "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.";
            return error(ErrorCode::InvalidConfig, message);
        }
    }
    // All of them as they will be, since some limit each other.
    let mut all = state.image.all_configs(resource).clone();
    for (key, value) in changes {
        match value {
            Some(value) => drop(all.insert(key.clone(), value.clone())),
            None => drop(all.remove(key)),
        }
    }
    let name = resource.name.as_str();
    match resource.kind {
        ResourceType::Topic => {
            if name.is_empty() {
                return error(ErrorCode::InvalidRequest, "Default topic resources are not allowed.");
            }
            if let Some(why) = topic_name::invalid(name) {
                return error(ErrorCode::InvalidTopicException, format!("Topic name is invalid: {why}"));
            }
            check_topic_values(&all, state)?;
            if state.image.topic(name).is_none() {
                return error(ErrorCode::UnknownTopicOrPartition, format!("The topic '{name}' does not exist."));
            }
            Ok(())
        }
        ResourceType::Broker => check_broker_name(name, state),
        ResourceType::ClientMetrics => client_metrics::check(name, &all),
        ResourceType::Group if name.is_empty() => {
            error(ErrorCode::InvalidRequest, "Default group resources are not allowed.")
        }
        ResourceType::Group => check_group_values(&all, state),
    }
}

/// One broker alone must not decide how many replicas a promise needs (KIP-966).
fn check_min_insync_replicas(
    resource: &ConfigResource,
    key: &str,
    value: Option<&str>,
    state: &State<'_>,
) -> Result<(), ApiError> {
    if key != MIN_INSYNC_REPLICAS || resource.kind != ResourceType::Broker || !state.elr_enabled() {
        return Ok(());
    }
    if !resource.name.is_empty() {
        let message = "Broker-level min.insync.replicas cannot be altered while ELR is enabled.";
        return error(ErrorCode::InvalidConfig, message);
    }
    if value.is_none() {
        let message = "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.";
        return error(ErrorCode::InvalidConfig, message);
    }
    Ok(())
}

fn check_broker_name(name: &str, state: &State<'_>) -> Result<(), ApiError> {
    if name.is_empty() {
        return Ok(());
    }
    let Some(id) = value::int(name) else {
        return error(ErrorCode::InvalidRequest, "Unable to parse broker name as a base 10 number.");
    };
    if id < 0 {
        return error(ErrorCode::InvalidRequest, "Invalid negative broker ID.");
    }
    if state.image.broker(NodeId(id)).is_none() && id != state.config.node_id.0 {
        return error(ErrorCode::BrokerIdNotRegistered, format!("No broker with id {id} found."));
    }
    Ok(())
}

/// Every key of the scope as it is read, those that are not set as their broker has them.
fn values_of(
    scope: Scope,
    all: &BTreeMap<String, String>,
    inherited: impl Fn(&ConfigKey) -> Option<String>,
) -> Result<BTreeMap<&'static str, String>, ApiError> {
    let mut values = BTreeMap::new();
    for key in table::keys(scope) {
        let value = match all.get(key.name) {
            Some(value) => Some(key.parse(value).or_else(|message| error(ErrorCode::InvalidConfig, message))?),
            None => inherited(key),
        };
        values.extend(value.map(|value| (key.name, value)));
    }
    Ok(values)
}

/// Kafka: `LogConfig.validate`.
fn check_topic_values(all: &BTreeMap<String, String>, state: &State<'_>) -> Result<(), ApiError> {
    if let Some(unknown) = all.keys().find(|key| table::key(Scope::Topic, key).is_none()) {
        return error(ErrorCode::InvalidConfig, format!("Unknown topic config name: {unknown}"));
    }
    let inherited = |key: &ConfigKey| configs::inherited(state.image, key, state.config);
    let values = values_of(Scope::Topic, all, inherited)?;
    let number = |key: &str| values.get(key).and_then(|value| value.parse::<i64>().ok()).unwrap_or_default();
    let (min, max) = (number("min.compaction.lag.ms"), number("max.compaction.lag.ms"));
    if min > max {
        let message =
            format!("conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})");
        return error(ErrorCode::InvalidConfig, message);
    }
    if values.get("remote.storage.enable").is_some_and(|value| value == "true") {
        let message = "Tiered Storage functionality is disabled in the broker. \
                       Topic cannot be configured with remote log storage.";
        return error(ErrorCode::InvalidConfig, message);
    }
    Ok(())
}

/// Kafka: `GroupConfig.validate`.
fn check_group_values(all: &BTreeMap<String, String>, state: &State<'_>) -> Result<(), ApiError> {
    let refuse = |message: String| error(ErrorCode::InvalidConfig, message);
    if let Some(unknown) = all.keys().find(|key| table::key(Scope::Group, key).is_none()) {
        return refuse(format!("Unknown group config name: {unknown}"));
    }
    let values = values_of(Scope::Group, all, |key| configs::inherited(state.image, key, state.config))?;
    let number = |key: &str| values.get(key).and_then(|value| value.parse::<i64>().ok()).unwrap_or_default();
    let layers = configs::Layers::of(state.image, state.config);
    for key in table::keys(Scope::Group) {
        let (kind, what) = key.name.split_once('.').expect("consumer, share or streams stands before it");
        // What the broker's own default is for these does not count.
        if what == "assignment.interval.ms" && !all.contains_key(key.name) {
            continue;
        }
        let most = if what == "num.standby.replicas" { "standby.replicas" } else { what };
        let (min, max) = (format!("group.{kind}.min.{what}"), format!("group.{kind}.max.{most}"));
        let value = number(key.name);
        if layers.number(&min).is_some_and(|bound| value < bound) {
            return refuse(format!("{} must be greater than or equal to {min}", key.name));
        }
        if layers.number(&max).is_some_and(|bound| value > bound) {
            return refuse(format!("{} must be less than or equal to {max}", key.name));
        }
    }
    for kind in ["consumer", "share", "streams"] {
        let (session, heartbeat) = (format!("{kind}.session.timeout.ms"), format!("{kind}.heartbeat.interval.ms"));
        if number(&session) <= number(&heartbeat) {
            return refuse(format!("{session} must be greater than {heartbeat}"));
        }
    }
    Ok(())
}

fn push(batch: &mut Batch, resource: &ConfigResource, key: &str, value: Option<String>, state: &State<'_>) {
    batch.push(ConfigRecord {
        resource_type: resource.kind as i8,
        resource_name: resource.name.clone(),
        name: key.to_owned(),
        value,
    });
    // Whoever was eligible by the old minimum may not be by the new one (Kafka: `createClearElrRecordsAsNeeded`).
    if key == MIN_INSYNC_REPLICAS && state.elr_enabled() {
        let topic_name = if resource.kind == ResourceType::Topic { resource.name.clone() } else { String::new() };
        batch.push(ClearElrRecord { topic_name });
    }
}

/// The records of a new topic's configuration.
pub(super) fn of_new_topic(topic: &CreatableTopic, state: &State<'_>) -> Result<Batch, ApiError> {
    let nulls: Vec<&str> = topic.configs.iter().filter(|c| c.value.is_none()).map(|c| c.name.as_str()).collect();
    if !nulls.is_empty() {
        let message = format!("Null value not supported for topic configs: {}", nulls.join(","));
        return error(ErrorCode::InvalidConfig, message);
    }
    let changes: Changes = topic.configs.iter().map(|c| (c.name.clone(), c.value.clone())).collect();
    let resource = ConfigResource::topic(topic.name.as_str());
    if changes.values().flatten().any(|value| value.encode_utf16().count() > MAX_VALUE_SIZE) {
        let message =
            "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.";
        return error(ErrorCode::InvalidConfig, message);
    }
    let all = changes.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?))).collect();
    check_topic_values(&all, state)?;
    let mut batch = Batch::default();
    for (key, value) in changes {
        push(&mut batch, &resource, &key, value, state);
    }
    Ok(batch)
}
