//! DescribeConfigs (key 32): every broker and controller answers it from its image and its own configuration
//! (KIP-226; Kafka: `ConfigHelper`).

use super::{
    configs::{self, Kind, Source, Update, Value},
    image::{ConfigResource, MetadataImage, ResourceType},
    topic_name,
};
use crate::{
    config::NodeConfig,
    wire::{
        describe_configs::{
            DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResponse,
            DescribeConfigsResult, DescribeConfigsSynonym,
        },
        error::ErrorCode,
    },
};

/// The whole answer.
pub fn describe(image: &MetadataImage, request: &DescribeConfigsRequest, node: &NodeConfig) -> DescribeConfigsResponse {
    let result = |resource: &DescribeConfigsResource| {
        let found = match ResourceType::from_code(resource.resource_type) {
            Some(ResourceType::Topic) => topic(image, resource, node),
            Some(ResourceType::Broker) => broker(image, &resource.resource_name, node),
            None => {
                Err((ErrorCode::InvalidRequest, Some(format!("Unsupported resource type: {}", resource.resource_type))))
            }
        };
        let (error_code, error_message, mut configs) = match found {
            Ok(configs) => (0, None, configs),
            Err((code, message)) => (code.code(), message, Vec::new()),
        };
        if let Some(keys) = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty()) {
            configs.retain(|c| keys.contains(&c.name));
        }
        if !request.include_synonyms {
            configs.iter_mut().for_each(|c| c.synonyms.clear());
        }
        DescribeConfigsResult {
            error_code,
            error_message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            configs,
        }
    };
    DescribeConfigsResponse { results: request.resources.iter().map(result).collect(), ..Default::default() }
}

type Configs = Result<Vec<DescribeConfigsResourceResult>, (ErrorCode, Option<String>)>;

fn topic(image: &MetadataImage, resource: &DescribeConfigsResource, node: &NodeConfig) -> Configs {
    let name = resource.resource_name.as_str();
    if let Some(why) = topic_name::invalid(name) {
        return Err((ErrorCode::InvalidTopicException, Some(format!("Topic name is invalid: {why}"))));
    }
    if image.topic(name).is_none() {
        return Err((ErrorCode::UnknownTopicOrPartition, None));
    }
    Ok(configs::TOPIC_KEYS.iter().map(|key| entry(key.name, key.kind, false, key.value(image, name, node))).collect())
}

fn broker(image: &MetadataImage, name: &str, node: &NodeConfig) -> Configs {
    if name.is_empty() {
        // The default of all brokers has only what was set on it.
        let all_brokers = ConfigResource::cluster();
        let set = image.configs(&all_brokers).map(|(name, value)| {
            let kind = configs::broker_key(name).map_or(Kind::String, |key| key.kind);
            let synonyms = vec![(name.to_owned(), value.to_owned(), Source::DefaultBroker)];
            entry(name, kind, false, Value { value: value.into(), source: Source::DefaultBroker, synonyms })
        });
        return Ok(set.collect());
    }
    if name.parse() != Ok(node.node_id.0) {
        let message = format!("Unexpected broker id, expected {} or empty string, but received {name}", node.node_id);
        return Err((ErrorCode::InvalidRequest, Some(message)));
    }
    let describe =
        |key: &configs::BrokerKey| entry(key.name, key.kind, key.update == Update::ReadOnly, key.value(image, node));
    Ok(configs::BROKER_KEYS.iter().map(describe).collect())
}

fn entry(name: &str, kind: Kind, read_only: bool, value: Value) -> DescribeConfigsResourceResult {
    let synonym = |(name, value, source): (String, String, Source)| DescribeConfigsSynonym {
        name,
        value: Some(value),
        source: source as i8,
    };
    DescribeConfigsResourceResult {
        name: name.into(),
        value: Some(value.value),
        read_only,
        config_source: value.source as i8,
        is_sensitive: false,
        synonyms: value.synonyms.into_iter().map(synonym).collect(),
        config_type: kind as i8,
        documentation: None,
    }
}
