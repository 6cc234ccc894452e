//! `configs describe|set|unset`: of a topic or a broker.

use clap::{Args, Subcommand};
use lab_core::{
    config::table::Scope,
    metadata::configs::without_effect,
    wire::{
        describe_configs::{DescribeConfigsRequest, DescribeConfigsResource},
        incremental_alter_configs::{AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest},
    },
};
use serde_json::json;

use super::{Bootstrap, pair, print};
use crate::{
    admin::{Client, refused},
    failure::{Failure, Outcome},
};

/// Resource types of the protocol (Kafka: `ConfigResource.Type`).
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// Operations of IncrementalAlterConfigs (KIP-339).
const SET: i8 = 0;
const DELETE: i8 = 1;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigsCommand {
    /// Values in force and where they come from
    Describe {
        #[command(flatten)]
        resource: Resource,
        /// Those too that nobody has set
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
    /// Set keys
    Set {
        #[command(flatten)]
        resource: Resource,
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = pair)]
        pairs: Vec<(String, String)>,
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
    /// Return keys to their defaults
    Unset {
        #[command(flatten)]
        resource: Resource,
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
        #[command(flatten)]
        bootstrap: Bootstrap,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Resource {
    #[arg(long)]
    topic: Option<String>,
    /// Node id of a broker
    #[arg(long)]
    broker: Option<i32>,
    /// The default of all brokers
    #[arg(long)]
    brokers: bool,
}

impl Resource {
    fn parts(&self) -> (i8, String) {
        match (&self.topic, self.broker) {
            (Some(topic), _) => (TOPIC, topic.clone()),
            (None, Some(broker)) => (BROKER, broker.to_string()),
            (None, None) => (BROKER, String::new()),
        }
    }
}

pub(super) fn run(command: ConfigsCommand) -> Outcome {
    match command {
        ConfigsCommand::Describe { resource, all, bootstrap, json } => {
            describe(&bootstrap.address(), &resource, all, json)
        }
        ConfigsCommand::Set { resource, pairs, bootstrap, json } => {
            let changes = pairs.into_iter().map(|(name, value)| (name, Some(value))).collect();
            alter(&bootstrap.address(), &resource, changes, json)
        }
        ConfigsCommand::Unset { resource, keys, bootstrap, json } => {
            alter(&bootstrap.address(), &resource, keys.into_iter().map(|key| (key, None)).collect(), json)
        }
    }
}

fn describe(bootstrap: &str, resource: &Resource, all: bool, as_json: bool) -> Outcome {
    let (resource_type, resource_name) = resource.parts();
    let wanted = DescribeConfigsResource { resource_type, resource_name, configuration_keys: None };
    let request = DescribeConfigsRequest { resources: vec![wanted], ..Default::default() };
    let answer = connect_for(bootstrap, resource)?.call(&request)?;
    let result = answer.results.into_iter().next().ok_or_else(|| Failure::new("the broker did not answer"))?;
    if result.error_code != 0 {
        return Err(refused("cannot describe the configuration", result.error_code, result.error_message.as_deref()));
    }
    let shown = result.configs.into_iter().filter(|config| all || config.config_source != 5);
    let shown: Vec<_> = shown.collect();
    if as_json {
        let values: Vec<_> = shown
            .iter()
            .map(|c| json!({ "key": c.name, "value": c.value, "source": source(c.config_source), "read_only": c.read_only }))
            .collect();
        print::json(&values);
    } else {
        let row = |c: &lab_core::wire::describe_configs::DescribeConfigsResourceResult| {
            vec![c.name.clone(), c.value.clone().unwrap_or_else(|| "(hidden)".into()), source(c.config_source).into()]
        };
        print::table(&["KEY", "VALUE", "SET BY"], &shown.iter().map(row).collect::<Vec<_>>());
    }
    Ok(())
}

/// What a broker was started with only that broker knows.
fn connect_for(bootstrap: &str, resource: &Resource) -> Outcome<Client> {
    let mut client = Client::connect(bootstrap)?;
    if let Some(id) = resource.broker {
        let brokers = client.metadata(Some(&[]))?.brokers;
        let broker = brokers.iter().find(|broker| broker.node_id == id);
        let broker = broker.ok_or_else(|| {
            let ids = print::ids(&brokers.iter().map(|broker| broker.node_id).collect::<Vec<_>>());
            Failure::new(format!("there is no broker {id} now; there are {ids}"))
        })?;
        let to = lab_core::id::Endpoint { host: broker.host.clone(), port: broker.port as u16 };
        return Client::connect_to(&to);
    }
    Ok(client)
}

fn alter(bootstrap: &str, resource: &Resource, changes: Vec<(String, Option<String>)>, as_json: bool) -> Outcome {
    let (resource_type, resource_name) = resource.parts();
    let keys: Vec<String> = changes.iter().map(|(key, _)| key.clone()).collect();
    let scope = if resource_type == TOPIC { Scope::Topic } else { Scope::Broker };
    let set = changes.iter().filter(|(_, value)| value.is_some());
    let warnings: Vec<String> =
        set.filter_map(|(key, _)| Some(format!("{key}: {}", without_effect(scope, key)?))).collect();
    let configs = changes.into_iter().map(|(name, value)| AlterableConfig {
        name,
        config_operation: if value.is_some() { SET } else { DELETE },
        value,
    });
    let wanted = AlterConfigsResource { resource_type, resource_name, configs: configs.collect() };
    let request = IncrementalAlterConfigsRequest { resources: vec![wanted], validate_only: false };
    // A broker alters only its own configuration.
    let answer = connect_for(bootstrap, resource)?.call(&request)?;
    match answer.responses.first() {
        Some(result) if result.error_code == 0 => {
            if as_json {
                print::json(&json!({ "changed": keys, "without_effect": warnings }));
            } else {
                println!("changed {}", keys.join(", "));
                warnings.iter().for_each(|warning| eprintln!("{warning}"));
            }
            Ok(())
        }
        Some(result) => {
            Err(refused("cannot change the configuration", result.error_code, result.error_message.as_deref()))
        }
        None => Err(Failure::new("the broker did not answer")),
    }
}

/// Where a value comes from (KIP-226).
fn source(code: i8) -> &'static str {
    match code {
        1 => "topic",
        2 => "broker",
        3 => "all brokers",
        4 => "server.properties",
        5 => "default",
        _ => "unknown",
    }
}
