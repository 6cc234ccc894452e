//! IncrementalAlterConfigs (key 44, KIP-339), and the configuration of new topics
//! (Kafka: `ConfigurationControlManager`, `ControllerConfigurationValidator`, and for brokers `ConfigAdminManager`,
//! whose checks the lab leaves to the controller).

use std::collections::{BTreeMap, BTreeSet};

use super::{
    api::{ApiError, Command, Decision, State, error},
    partitions::repeated,
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    id::NodeId,
    metadata::{
        configs::{self, Kind, MIN_INSYNC_REPLICAS, Update},
        image::{ConfigResource, ResourceType},
        topic_name,
    },
    wire::{
        create_topics::CreatableTopic,
        error::ErrorCode,
        incremental_alter_configs::{
            AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig, IncrementalAlterConfigsRequest,
            IncrementalAlterConfigsResponse,
        },
        metadata_records::{ClearElrRecord, ConfigRecord},
    },
};

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

impl Command for IncrementalAlterConfigsRequest {
    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        let resources: Vec<(i8, &str)> =
            self.resources.iter().map(|r| (r.resource_type, r.resource_name.as_str())).collect();
        let repeated = repeated(&resources);
        let mut answered = BTreeSet::new();
        let mut batch = Batch::default();
        let mut responses = Vec::new();
        for resource in &self.resources {
            let key = (resource.resource_type, resource.resource_name.as_str());
            if !answered.insert(key) {
                continue;
            }
            let result = if repeated.contains(&key) {
                error(ErrorCode::InvalidRequest, "Duplicate resource.")
            } else {
                alter(resource, state)
            };
            let (code, message) = match result {
                Ok(records) => {
                    batch.append(records);
                    (ErrorCode::None, None)
                }
                Err(error) => error,
            };
            responses.push(answer(resource, code, message));
        }
        if self.validate_only {
            batch = Batch::default();
        }
        Decision { batch, response: IncrementalAlterConfigsResponse { responses, ..Default::default() } }
    }

    fn refuse(&self, error: ErrorCode) -> IncrementalAlterConfigsResponse {
        let responses = self.resources.iter().map(|r| answer(r, error, None)).collect();
        IncrementalAlterConfigsResponse { responses, ..Default::default() }
    }
}

fn answer(
    resource: &AlterConfigsResource,
    code: ErrorCode,
    error_message: Option<String>,
) -> AlterConfigsResourceResponse {
    AlterConfigsResourceResponse {
        error_code: code.code(),
        error_message,
        resource_type: resource.resource_type,
        resource_name: resource.resource_name.clone(),
    }
}

fn alter(asked: &AlterConfigsResource, state: &State<'_>) -> Result<Batch, ApiError> {
    let Some(kind) = ResourceType::from_code(asked.resource_type) else {
        let message = format!("Unknown resource type {}.", asked.resource_type);
        return error(ErrorCode::UnsupportedVersion, message);
    };
    let resource = ConfigResource { kind, name: asked.resource_name.clone() };
    let (allowed, denied) = match kind {
        ResourceType::Topic => (Resource::Topic(&resource.name), ErrorCode::TopicAuthorizationFailed),
        ResourceType::Broker => (Resource::Cluster, ErrorCode::ClusterAuthorizationFailed),
    };
    if !state.authorize(Operation::AlterConfigs, allowed) {
        return Err((denied, None));
    }
    let keys: Vec<&str> = asked.configs.iter().map(|c| c.name.as_str()).collect();
    if !repeated(&keys).is_empty() {
        return error(ErrorCode::InvalidRequest, "Error due to duplicate config keys");
    }
    let is_null = |c: &&AlterableConfig| c.config_operation != DELETE && c.value.is_none();
    let nulls: Vec<&str> = asked.configs.iter().filter(is_null).map(|c| c.name.as_str()).collect();
    if !nulls.is_empty() {
        return error(ErrorCode::InvalidRequest, format!("Null value not supported for : {}", nulls.join(",")));
    }
    let mut changes = BTreeMap::new();
    for config in &asked.configs {
        changes.insert(config.name.as_str(), new_value(&resource, config, state)?);
    }
    match kind {
        ResourceType::Topic => check_topic(&resource, &changes, state)?,
        ResourceType::Broker => check_broker(&resource, &changes, state)?,
    }
    Ok(records(&resource, changes, state))
}

/// What the key will be; `None`: no longer set.
fn new_value(
    resource: &ConfigResource,
    config: &AlterableConfig,
    state: &State<'_>,
) -> Result<Option<String>, ApiError> {
    let operation = config.config_operation;
    let asked = config.value.as_deref().unwrap_or_default();
    match operation {
        SET => return Ok(Some(asked.to_owned())),
        DELETE => return Ok(None),
        APPEND | SUBTRACT => {}
        _ => return error(ErrorCode::InvalidRequest, format!("Unknown config operation {operation}.")),
    }
    let kind = match resource.kind {
        ResourceType::Topic => configs::topic_key(&config.name).map(|k| k.kind),
        ResourceType::Broker => configs::broker_key(&config.name).map(|k| k.kind),
    };
    if kind != Some(Kind::List) {
        let name = if operation == APPEND { "APPEND" } else { "SUBTRACT" };
        let message = format!("Can't {name} to key {} because its type is not LIST.", config.name);
        return error(ErrorCode::InvalidConfig, message);
    }
    let current = state.image.config(resource, &config.name).map(str::to_owned);
    let current = current.or_else(|| match resource.kind {
        ResourceType::Topic => state.image.topic_config(&resource.name, &config.name, state.config),
        ResourceType::Broker => None,
    });
    let mut items: Vec<&str> = current.iter().flat_map(|v| v.split(',')).filter(|v| !v.is_empty()).collect();
    for item in asked.split(',') {
        if operation == SUBTRACT {
            items.retain(|i| *i != item);
        } else if !items.contains(&item) {
            items.push(item);
        }
    }
    Ok(Some(items.join(",")))
}

type Changes<'a> = BTreeMap<&'a str, Option<String>>;

/// The topic's keys as they will be, together, since some limit each other.
fn check_topic(resource: &ConfigResource, changes: &Changes<'_>, state: &State<'_>) -> Result<(), ApiError> {
    if resource.name.is_empty() {
        return error(ErrorCode::InvalidRequest, "Default topic resources are not allowed.");
    }
    if let Some(why) = topic_name::invalid(&resource.name) {
        return error(ErrorCode::InvalidTopicException, format!("Topic name is invalid: {why}"));
    }
    let mut all: BTreeMap<&str, String> = state.image.configs(resource).map(|(k, v)| (k, v.to_owned())).collect();
    for (key, value) in changes {
        match value {
            Some(value) => all.insert(key, value.clone()),
            None => all.remove(key),
        };
    }
    check_topic_values(&all, &resource.name, state)?;
    if state.image.topic(&resource.name).is_none() {
        let message = format!("The topic '{}' does not exist.", resource.name);
        return error(ErrorCode::UnknownTopicOrPartition, message);
    }
    Ok(())
}

/// Kafka: `LogConfig.validate`.
fn check_topic_values(all: &BTreeMap<&str, String>, topic: &str, state: &State<'_>) -> Result<(), ApiError> {
    if let Some(unknown) = all.keys().find(|key| configs::topic_key(key).is_none()) {
        return error(ErrorCode::InvalidConfig, format!("Unknown topic config name: {unknown}"));
    }
    for (key, value) in all {
        let key = configs::topic_key(key).expect("unknown keys were refused above");
        key.check(value).or_else(|message| error(ErrorCode::InvalidConfig, message))?;
    }
    let number = |key: &str| {
        let value = all.get(key).cloned().or_else(|| state.image.topic_config(topic, key, state.config));
        value.and_then(|v| v.trim().parse::<i64>().ok())
    };
    let (min, max) = (number("min.compaction.lag.ms"), number("max.compaction.lag.ms"));
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        let message =
            format!("conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})");
        return error(ErrorCode::InvalidConfig, message);
    }
    if all.get("remote.storage.enable").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        let message = "Tiered Storage functionality is disabled in the broker. \
                       Topic cannot be configured with remote log storage.";
        return error(ErrorCode::InvalidConfig, message);
    }
    Ok(())
}

/// Unknown keys are allowed: plug-ins may read them.
fn check_broker(resource: &ConfigResource, changes: &Changes<'_>, state: &State<'_>) -> Result<(), ApiError> {
    let refuse = |message: String| error(ErrorCode::InvalidRequest, message);
    if !resource.name.is_empty() {
        let Ok(id) = resource.name.parse::<i32>() else {
            return refuse("Unable to parse broker name as a base 10 number.".into());
        };
        if id < 0 {
            return refuse("Invalid negative broker ID.".into());
        }
        if state.image.broker(NodeId(id)).is_none() && id != state.config.node_id.0 {
            return error(ErrorCode::BrokerIdNotRegistered, format!("No broker with id {id} found."));
        }
    }
    let read_only = |key: &&str| configs::broker_key(key).is_some_and(|k| k.update == Update::ReadOnly);
    let fixed: Vec<&str> = changes.keys().copied().filter(read_only).collect();
    if !fixed.is_empty() {
        return refuse(format!("Cannot update these configs dynamically: [{}]", fixed.join(", ")));
    }
    for (key, value) in changes {
        if let (Some(key), Some(value)) = (configs::broker_key(key), value) {
            key.check(value).or_else(refuse)?;
        }
    }
    // One broker alone must not decide how many replicas a promise needs (KIP-966).
    if let Some(value) = changes.get(MIN_INSYNC_REPLICAS).filter(|_| state.elr_enabled()) {
        let message = if !resource.name.is_empty() {
            "Broker-level min.insync.replicas cannot be altered while ELR is enabled."
        } else if value.is_none() {
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."
        } else {
            return Ok(());
        };
        return error(ErrorCode::InvalidConfig, message);
    }
    Ok(())
}

/// A topic's key that stays as it is needs no record; a broker's gets one, which makes it read its files again
/// (KAFKA-14136).
fn records(resource: &ConfigResource, changes: Changes<'_>, state: &State<'_>) -> Batch {
    let mut batch = Batch::default();
    for (key, value) in changes {
        let changed = state.image.config(resource, key) != value.as_deref();
        if changed || resource.kind == ResourceType::Broker {
            push(&mut batch, resource, key, value, state);
        }
    }
    batch
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
    let all: BTreeMap<&str, String> =
        topic.configs.iter().filter_map(|c| Some((c.name.as_str(), c.value.clone()?))).collect();
    check_topic_values(&all, &topic.name, state)?;
    let resource = ConfigResource::topic(topic.name.as_str());
    let mut batch = Batch::default();
    for (key, value) in all {
        push(&mut batch, &resource, key, Some(value), state);
    }
    Ok(batch)
}
