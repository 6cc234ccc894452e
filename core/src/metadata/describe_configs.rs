//! DescribeConfigs (key 32): every broker and controller answers it from its image and its own configuration, and
//! ListConfigResources (key 74) (KIP-226, KIP-1142; Kafka: `ConfigHelper`, `KafkaApis.handleListConfigResources`).

use super::{
    configs::{self, Layers, Source, Value},
    image::{ConfigResource, MetadataImage, ResourceType},
    loggers::Loggers,
    topic_name,
};
use crate::{
    config::{
        NodeConfig,
        table::{self, ConfigKey, Kind, Scope, Update},
        value,
    },
    wire::{
        describe_configs::{
            DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResponse,
            DescribeConfigsResult, DescribeConfigsSynonym,
        },
        error::ErrorCode,
        list_config_resources::{self, ListConfigResourcesRequest, ListConfigResourcesResponse},
    },
};

const LOGGER: i8 = 8;

/// Whoever is asked: what it knows of the cluster, how it was started, and its loggers.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub image: &'a MetadataImage,
    pub node: &'a NodeConfig,
    pub loggers: &'a Loggers,
}

type Refusal = (ErrorCode, String);

/// The whole answer.
pub fn describe(asked: &Asked<'_>, request: &DescribeConfigsRequest) -> DescribeConfigsResponse {
    let is_known =
        |r: &DescribeConfigsResource| r.resource_type == LOGGER || ResourceType::from_code(r.resource_type).is_some();
    // Who may see it cannot be said of a resource of no kind, and then nothing is answered at all.
    let all_known = request.resources.iter().all(is_known);
    let result = |resource: &DescribeConfigsResource| {
        let found = if all_known {
            entries(asked, request, resource)
        } else {
            Err((ErrorCode::InvalidRequest, ErrorCode::InvalidRequest.message().to_owned()))
        };
        let (error_code, error_message, configs) = match found {
            Ok(configs) => (0, String::new(), configs),
            Err((code, message)) => (code.code(), message, Vec::new()),
        };
        DescribeConfigsResult {
            error_code,
            error_message: Some(error_message),
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            configs,
        }
    };
    DescribeConfigsResponse { results: request.resources.iter().map(result).collect(), ..Default::default() }
}

fn entries(
    asked: &Asked<'_>,
    request: &DescribeConfigsRequest,
    resource: &DescribeConfigsResource,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    let name = resource.resource_name.as_str();
    let refuse = |why: &str| Err((ErrorCode::InvalidRequest, why.to_owned()));
    let view = View { asked, request, resource };
    match ResourceType::from_code(resource.resource_type) {
        None if name.is_empty() => refuse("Broker id must not be empty"),
        None => {
            check_id(name, asked.node, "")?;
            Ok(view.loggers())
        }
        Some(ResourceType::Topic) => {
            if let Some(why) = topic_name::invalid(name) {
                return Err((ErrorCode::InvalidTopicException, format!("Topic name is invalid: {why}")));
            }
            if asked.image.topic(name).is_none() {
                return Err((ErrorCode::UnknownTopicOrPartition, String::new()));
            }
            Ok(view.of_table(Scope::Topic, |key| configs::describe_topic(asked.image, name, key, asked.node)))
        }
        Some(ResourceType::Broker) if name.is_empty() => Ok(view.all_brokers()),
        Some(ResourceType::Broker) => {
            check_id(name, asked.node, " or empty string,")?;
            Ok(view.broker())
        }
        Some(ResourceType::ClientMetrics) if name.is_empty() => {
            refuse("Client metrics subscription name must not be empty")
        }
        Some(ResourceType::ClientMetrics) => {
            Ok(view.of_table(Scope::ClientMetrics, |key| configs::describe_client_metrics(asked.image, name, key)))
        }
        Some(ResourceType::Group) if name.is_empty() => refuse("Group name must not be empty"),
        Some(ResourceType::Group) => {
            Ok(view.of_table(Scope::Group, |key| configs::describe_group(asked.image, name, key, asked.node)))
        }
    }
}

/// A broker knows only its own configuration.
fn check_id(name: &str, node: &NodeConfig, or: &str) -> Result<(), Refusal> {
    let why = match value::int(name) {
        Some(id) if id == node.node_id.0 => return Ok(()),
        Some(_) => {
            format!("Unexpected broker id, expected {}{or} but received {name}", node.node_id)
        }
        None => format!("Broker id must be an integer, but it is: {name}"),
    };
    Err((ErrorCode::InvalidRequest, why))
}

/// What is wanted of one resource.
struct View<'a> {
    asked: &'a Asked<'a>,
    request: &'a DescribeConfigsRequest,
    resource: &'a DescribeConfigsResource,
}

impl View<'_> {
    /// No keys, or none at all, stand for all.
    fn wants(&self, name: &str) -> bool {
        let keys = self.resource.configuration_keys.as_deref().unwrap_or_default();
        keys.is_empty() || keys.iter().any(|key| key == name)
    }

    fn of_table(&self, scope: Scope, describe: impl Fn(&ConfigKey) -> Value) -> Vec<DescribeConfigsResourceResult> {
        // An internal key is shown only where somebody has set it.
        let is_shown = |key: &&ConfigKey| {
            let resource = || ConfigResource {
                kind: ResourceType::from_code(self.resource.resource_type).expect("of a known type"),
                name: self.resource.resource_name.clone(),
            };
            self.wants(key.name) && (!key.internal || self.asked.image.config(&resource(), key.name).is_some())
        };
        let entry = |key: &ConfigKey| self.entry(key.name, key.kind, false, Some(key), describe(key));
        table::keys(scope).iter().filter(is_shown).map(entry).collect()
    }

    fn broker(&self) -> Vec<DescribeConfigsResourceResult> {
        let layers = Layers::of(self.asked.image, self.asked.node);
        let known = table::keys(Scope::Broker).iter().filter(|key| !key.internal).map(|key| key.name.to_owned());
        let set = self.asked.node.static_values().map(|(name, _)| name);
        let set = set.chain(layers.broker.keys().cloned()).chain(layers.cluster.keys().cloned());
        let mut names: Vec<String> = known.chain(set).filter(|name| self.wants(name)).collect();
        names.sort();
        names.dedup();
        names.iter().map(|name| self.broker_entry(name, layers.describe(name))).collect()
    }

    /// The default of all brokers has only what was set on it.
    fn all_brokers(&self) -> Vec<DescribeConfigsResourceResult> {
        let set = self.asked.image.all_configs(&ConfigResource::cluster()).iter().filter(|(name, _)| self.wants(name));
        let entry = |(name, value): (&String, &String)| {
            let candidate =
                configs::Candidate { name: name.clone(), value: value.clone(), source: Source::DefaultBroker };
            self.broker_entry(name, Value { value: Some(value.clone()), synonyms: vec![candidate] })
        };
        set.map(entry).collect()
    }

    fn broker_entry(&self, name: &str, value: Value) -> DescribeConfigsResourceResult {
        let key = table::broker_key(name);
        let read_only = key.is_none_or(|key| key.update == Update::ReadOnly);
        self.entry(name, table::broker_kind(name), read_only, key.filter(|key| key.scope == Scope::Broker), value)
    }

    fn entry(
        &self,
        name: &str,
        kind: Kind,
        read_only: bool,
        key: Option<&ConfigKey>,
        value: Value,
    ) -> DescribeConfigsResourceResult {
        let is_sensitive = kind.is_sensitive();
        let shown = |value| Some(value).filter(|_| !is_sensitive);
        let source = value.source() as i8;
        let synonym = |candidate: configs::Candidate| DescribeConfigsSynonym {
            name: candidate.name,
            value: shown(candidate.value),
            source: candidate.source as i8,
        };
        let synonyms = if self.request.include_synonyms { value.synonyms } else { Vec::new() };
        DescribeConfigsResourceResult {
            name: name.into(),
            value: value.value.and_then(shown),
            read_only,
            config_source: source,
            is_sensitive,
            synonyms: synonyms.into_iter().map(synonym).collect(),
            config_type: kind as i8,
            documentation: key.filter(|_| self.request.include_documentation).map(ConfigKey::describe),
        }
    }

    fn loggers(&self) -> Vec<DescribeConfigsResourceResult> {
        let entry = |(name, level): (&str, &str)| DescribeConfigsResourceResult {
            name: name.into(),
            value: Some(level.into()),
            config_source: Source::BrokerLogger as i8,
            documentation: Some(String::new()),
            ..Default::default()
        };
        self.asked.loggers.iter().filter(|(name, _)| self.wants(name)).map(entry).collect()
    }
}

/// Resources of those kinds: of topics and brokers all there are, of the others those on which something is set.
pub fn list(image: &MetadataImage, version: i16, request: &ListConfigResourcesRequest) -> ListConfigResourcesResponse {
    const KINDS: [i8; 5] = [32, 16, LOGGER, 4, 2];
    let served: &[i8] = if version == 0 { &[16] } else { &KINDS };
    if request.resource_types.iter().any(|kind| !served.contains(kind)) {
        return ListConfigResourcesResponse { error_code: ErrorCode::UnsupportedVersion.code(), ..Default::default() };
    }
    let wanted =
        served.iter().filter(|kind| request.resource_types.is_empty() || request.resource_types.contains(kind));
    let names = |kind: i8| -> Vec<String> {
        match ResourceType::from_code(kind) {
            Some(ResourceType::Topic) => image.topics().map(|topic| topic.name.clone()).collect(),
            Some(ResourceType::Broker) | None => {
                image.brokers().filter(|broker| !broker.fenced).map(|broker| broker.id.to_string()).collect()
            }
            Some(kind) => image.configured(kind).map(str::to_owned).collect(),
        }
    };
    let resource = |kind: i8| {
        let of = move |resource_name| list_config_resources::ConfigResource { resource_name, resource_type: kind };
        names(kind).into_iter().map(of)
    };
    let config_resources = wanted.flat_map(|&kind| resource(kind)).collect();
    ListConfigResourcesResponse { config_resources, ..Default::default() }
}
