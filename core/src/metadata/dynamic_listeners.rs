//! Listeners that a running broker would get (Kafka: `AbstractKafkaConfig.effectiveListenerSecurityProtocolMap`,
//! `SocketServerConfigs.listenerListToEndPoints`, `DynamicListenerConfig`). The lab checks them and opens none.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    configs::Layers,
    dynamic_config::{CLUSTER_LEVEL_LISTENER_KEYS, require},
};
use crate::config::value::{items, trim};

const LISTENERS: &str = "listeners";
const PROTOCOL_MAP: &str = "listener.security.protocol.map";
const SECURE: [&str; 3] = ["SSL", "SASL_PLAINTEXT", "SASL_SSL"];

/// Whether listeners, names and protocols fit together.
///
/// # Errors
/// Kafka's sentence about what is wrong.
pub(super) fn check(layers: &Layers<'_>) -> Result<(), String> {
    let set = |name: &str| layers.broker.contains_key(name) || layers.cluster.contains_key(name);
    if !set(LISTENERS) && !set(PROTOCOL_MAP) {
        // Those of the node's file were read at its start.
        return Ok(());
    }
    let names: Vec<String> = protocols(layers)?.into_keys().collect();
    let text = |key: &str| layers.value(key).unwrap_or_default();
    let controllers: Vec<String> =
        items(&text("controller.listener.names")).iter().map(|name| name.to_ascii_uppercase()).collect();
    if items(&text("process.roles")).contains(&"controller") {
        let why = "controller.listener.names must contain at least one value appearing in the 'listeners' configuration \
                   when running the KRaft controller role";
        require(controllers.iter().any(|name| names.contains(name)), why)?;
    }
    let advertised = text("advertised.listeners");
    let advertised: Vec<String> = items(&advertised)
        .iter()
        .filter_map(|item| item.split_once("://"))
        .map(|(n, _)| n.to_ascii_uppercase())
        .collect();
    let why = format!(
        "advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. Found {}. The \
         valid options based on the current configuration are {}",
        advertised.join(","),
        names.join(",")
    );
    require(advertised.iter().all(|name| names.contains(name)), why)
}

/// What would be set behind the names of the broker's own listeners: key and value. Such a name counts in small letters
/// only (Kafka: `ListenerName.configPrefix`).
pub(super) fn overridden(old: &Layers<'_>, new: &Layers<'_>) -> Vec<(&'static str, String)> {
    let text = |key: &str| old.value(key).unwrap_or_default();
    let (listeners, controllers) = (text(LISTENERS), text("controller.listener.names"));
    let name = |item: &str| item.split_once("://").map_or(item, |(name, _)| name).to_lowercase();
    let controllers: Vec<String> = items(&controllers).into_iter().map(name).collect();
    let names = items(&listeners).into_iter().map(name).filter(|name| !controllers.contains(name));
    names
        .flat_map(|name| {
            let prefix = format!("listener.name.{name}.");
            let set = |key: &'static str| {
                let full = format!("{prefix}{key}");
                let value = new.broker.get(&full).or_else(|| new.cluster.get(&full))?;
                Some((key, trim(value).to_owned()))
            };
            CLUSTER_LEVEL_LISTENER_KEYS.into_iter().filter_map(set).collect::<Vec<_>>()
        })
        .collect()
}

/// A listener that is there keeps its protocol.
///
/// # Errors
/// As [`check`].
pub(super) fn check_changes(old: &Layers<'_>, new: &Layers<'_>) -> Result<(), String> {
    let (Ok(before), Ok(after)) = (protocols(old), protocols(new)) else { return Ok(()) };
    for (name, protocol) in &before {
        if after.get(name).is_some_and(|now| now != protocol) {
            return Err(format!("Security protocol cannot be updated for existing listener ListenerName({name})"));
        }
    }
    Ok(())
}

/// Each listener with its security protocol.
fn protocols(layers: &Layers<'_>) -> Result<BTreeMap<String, String>, String> {
    let text = layers.value(LISTENERS).unwrap_or_default();
    let listeners = items(&text);
    let protocol_of = protocol_map(layers, &listeners)?;
    let all = format!("[{}]", listeners.join(", "));
    let wrong = |why: String| Err(format!("Error creating broker listeners from '{all}': {why}"));
    let mut found = BTreeMap::new();
    let mut ports = BTreeSet::new();
    let mut shared_port = false;
    for listener in &listeners {
        let Some((name, port)) = parsed(listener) else {
            return wrong(format!("Unable to parse {listener} to a broker endpoint"));
        };
        if name.is_empty() {
            return wrong("The provided listener name is null or empty string".into());
        }
        let Some(protocol) = protocol_of.get(&name) else {
            return wrong(format!("No security protocol defined for listener {name}"));
        };
        shared_port |= port != 0 && !ports.insert(port);
        found.insert(name, protocol.clone());
    }
    if found.len() != listeners.len() {
        return wrong(format!("Each listener must have a different name, listeners: {all}"));
    }
    if shared_port {
        return wrong(format!("Each listener must have a different port, listeners: {all}"));
    }
    Ok(found)
}

/// Name and port of `NAME://HOST:PORT`.
fn parsed(listener: &str) -> Option<(String, i64)> {
    let (name, address) = listener.rsplit_once("://")?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').unwrap_or(host);
    let host = host.strip_suffix(']').unwrap_or(host);
    let is_host = host.chars().all(|c| c.is_ascii_alphanumeric() || "-%._:".contains(c));
    let port = port.parse::<i64>().ok().filter(|_| is_host && !port.starts_with('+'))?;
    Some((name.to_ascii_uppercase(), port))
}

fn protocol_map(layers: &Layers<'_>, listeners: &[&str]) -> Result<BTreeMap<String, String>, String> {
    let mut map = BTreeMap::new();
    let text = layers.value(PROTOCOL_MAP).unwrap_or_default();
    let pairs = pairs(PROTOCOL_MAP, &text)?;
    for (name, protocol) in pairs {
        let upper = protocol.to_ascii_uppercase();
        if upper != "PLAINTEXT" && !SECURE.contains(&upper.as_str()) {
            return Err(format!("Invalid security protocol `{protocol}` defined in {PROTOCOL_MAP}"));
        }
        map.insert(name.to_ascii_uppercase(), upper);
    }
    let is_set = layers.broker.contains_key(PROTOCOL_MAP)
        || layers.cluster.contains_key(PROTOCOL_MAP)
        || layers.node.static_value(PROTOCOL_MAP).is_some();
    if !is_set {
        let mut secure = false;
        for listener in listeners {
            let Some((name, _)) = listener.split_once(':') else {
                return Err(format!("Unable to parse a listener name from {listener}"));
            };
            secure |= SECURE.contains(&name.to_ascii_uppercase().as_str());
        }
        // Without any security the controllers' listeners need no entry.
        let controllers = layers.value("controller.listener.names").unwrap_or_default();
        let names = items(&controllers).into_iter().filter(|_| !secure).map(str::to_ascii_uppercase);
        map.extend(names.filter(|name| !SECURE.contains(&name.as_str())).map(|name| (name, "PLAINTEXT".to_owned())));
    }
    Ok(map)
}

/// `KEY:VALUE,KEY:VALUE` (Kafka: `AbstractKafkaConfig.getMap`, whose errors are those of Java's texts).
pub(super) fn pairs<'a>(property: &str, text: &'a str) -> Result<Vec<(&'a str, &'a str)>, String> {
    let mut pairs = Vec::new();
    let items = items(text);
    // Empty items at the end do not count.
    let end = items.iter().rposition(|item| !item.is_empty()).map_or(0, |last| last + 1);
    for item in &items[..end] {
        let Some((key, value)) = item.rsplit_once(':') else {
            let length = item.chars().count();
            return Err(format!("Error parsing configuration property '{property}': begin 0, end -1, length {length}"));
        };
        pairs.push((key.trim(), value.trim()));
    }
    Ok(pairs)
}
