//! Whether a broker may get another configuration while it runs (Kafka: `DynamicBrokerConfig.validate`), and rules between
//! keys that hold for a node's file as well (Kafka: `KafkaConfig.validateValues`).

use std::collections::{BTreeMap, BTreeSet};

use super::{alter_configs::Refusal, configs::Layers, dynamic_listeners};
use crate::{
    config::{
        table::{self, Scope, Update},
        value::{self, invalid, items},
    },
    wire::error::ErrorCode,
};

/// Keys that all listeners of a broker share may stand behind a listener's name for all brokers, too.
pub(super) const CLUSTER_LEVEL_LISTENER_KEYS: [&str; 3] =
    ["max.connections", "max.connection.creation.rate", "num.network.threads"];

/// Whether the keys that would be set on one broker, or as the default of all, may be.
///
/// # Errors
/// Kafka's sentence about what is wrong.
pub fn check(old: &Layers<'_>, proposed: &BTreeMap<String, String>, per_broker: bool) -> Result<(), String> {
    // Providers are looked up, not set (Kafka: `resolveVariableConfigs`).
    let names = || proposed.keys().map(String::as_str).filter(|name| !name.starts_with("config.providers"));
    let updates = |name: &str| table::broker_key(name).map(|key| key.update);
    refuse_some(
        names().filter(|name| updates(name) == Some(Update::ReadOnly)),
        "Cannot update these configs dynamically",
    )?;
    refuse_some(
        names().filter(|name| updates(name) == Some(Update::PerListener)),
        "These security configs can be dynamically updated only per-listener using the listener prefix",
    )?;
    for name in names() {
        let key = table::broker_key(table::listener_key(name).unwrap_or(name));
        if let Some(key) = key.filter(|key| key.update != Update::ReadOnly) {
            key.parse(&proposed[name])?;
        }
    }
    let of_one_broker = |name: &&str| match table::listener_key(name) {
        Some(behind) => !CLUSTER_LEVEL_LISTENER_KEYS.contains(&behind),
        None => updates(name) == Some(Update::PerBroker),
    };
    if !per_broker {
        refuse_some(
            names().filter(of_one_broker),
            "Cannot update these configs at default cluster level, broker id must be specified",
        )?;
    }
    let new = if per_broker { Layers { broker: proposed, ..*old } } else { Layers { cluster: proposed, ..*old } };
    check_together(&new)?;
    check_changes(old, &new).map_err(|why| {
        let why = format!("org.apache.kafka.common.config.ConfigException: {why}");
        format!("Invalid value {why} for configuration Invalid dynamic configuration")
    })
}

fn refuse_some<'a>(names: impl Iterator<Item = &'a str>, why: &str) -> Result<(), String> {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { Ok(()) } else { Err(format!("{why}: [{}]", names.join(", "))) }
}

pub(super) fn require(holds: bool, why: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("requirement failed: {}", why.into())) }
}

/// The first that is set, in its unit (Kafka: `AbstractKafkaConfig.logRollTimeMillis` and its like).
fn time_ms(layers: &Layers<'_>, names: &[(&str, i64)]) -> Option<i64> {
    names.iter().find_map(|(name, unit_ms)| layers.number(name).map(|number| number.saturating_mul(*unit_ms)))
}

const HOUR_MS: i64 = 3_600_000;

fn retention_ms(layers: &Layers<'_>) -> i64 {
    let names = [("log.retention.ms", 1), ("log.retention.minutes", 60_000), ("log.retention.hours", HOUR_MS)];
    let retention = time_ms(layers, &names).unwrap_or(-1);
    if retention < 0 { -1 } else { retention }
}

/// Rules between the values of one configuration.
///
/// # Errors
/// Kafka's sentence about the first that does not hold.
pub fn check_together(layers: &Layers<'_>) -> Result<(), String> {
    check_groups(layers)?;
    let number = |name: &str| layers.number(name).unwrap_or_default();
    let roll = time_ms(layers, &[("log.roll.ms", 1), ("log.roll.hours", HOUR_MS)]);
    require(roll >= Some(1), "log.roll.ms must be greater than or equal to 1")?;
    let jitter = time_ms(layers, &[("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", HOUR_MS)]);
    require(jitter >= Some(0), "log.roll.jitter.ms must be greater than or equal to 0")?;
    let retention = retention_ms(layers);
    let why = "log.retention.ms must be unlimited (-1) or, greater than or equal to 1";
    require(retention >= 1 || retention == -1, why)?;
    let dirs = layers.value("log.dirs").or_else(|| layers.value("log.dir")).unwrap_or_default();
    let cordoned = layers.value("cordoned.log.dirs").unwrap_or_default();
    let missing: Vec<&str> =
        items(&cordoned).into_iter().filter(|dir| *dir != "*" && !items(&dirs).contains(dir)).collect();
    require(
        missing.is_empty(),
        format!(
            "All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : {}",
            missing.join(", ")
        ),
    )?;
    let threads = number("log.cleaner.threads");
    if threads == 0 {
        return Err("/ by zero".into());
    }
    let why = "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.";
    require(number("log.cleaner.dedupe.buffer.size") / threads > 1 << 20, why)?;
    let wait = number("replica.fetch.wait.max.ms");
    let why = "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary \
               socket timeouts";
    require(wait <= number("replica.socket.timeout.ms"), why)?;
    let why = "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent \
               frequent changes in ISR";
    require(wait <= number("replica.lag.time.max.ms"), why)?;
    dynamic_listeners::check(layers)?;
    let queued = number("queued.max.request.bytes");
    let why = "queued.max.request.bytes must be larger or equal to socket.request.max.bytes";
    require(queued <= 0 || queued >= number("socket.request.max.bytes"), why)?;
    let overrides = connection_overrides(&layers.value("max.connections.per.ip.overrides").unwrap_or_default())?;
    let why = "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.";
    require(number("max.connections.per.ip") != 0 || overrides > 0, why)?;
    let (delay, idle) = (number("connection.failed.authentication.delay.ms"), number("connections.max.idle.ms"));
    let why = format!(
        "connection.failed.authentication.delay.ms={delay} should always be less than connections.max.idle.ms={idle} to \
         prevent failed authentication responses from timing out"
    );
    require(idle < 0 || delay < idle, why)
}

/// How many addresses have a limit of their own (Kafka: `KafkaConfig.maxConnectionsPerIpOverrides`).
fn connection_overrides(text: &str) -> Result<usize, String> {
    let mut addresses = BTreeSet::new();
    for (address, number) in dynamic_listeners::pairs("max.connections.per.ip.overrides", text)? {
        if value::int(number).is_none() {
            return Err(format!("For input string: \"{number}\""));
        }
        if address.is_empty() || !address.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:%".contains(c)) {
            return Err(format!("max.connections.per.ip.overrides contains invalid addresses : {address}"));
        }
        addresses.insert(address);
    }
    Ok(addresses.len())
}

/// Bounds of groups and the values between them (Kafka: `GroupCoordinatorConfig`, `ShareGroupConfig`).
fn check_groups(layers: &Layers<'_>) -> Result<(), String> {
    let number = |name: &str| layers.number(name).unwrap_or_default();
    let at_least = |a: String, b: String| {
        if number(&a) >= number(&b) { Ok(()) } else { Err(format!("{a} must be greater than or equal to {b}")) }
    };
    let at_most = |a: String, b: String| {
        if number(&a) <= number(&b) { Ok(()) } else { Err(format!("{a} must be less than or equal to {b}")) }
    };
    for kind in ["consumer", "share", "streams"] {
        for what in ["heartbeat.interval.ms", "session.timeout.ms", "assignment.interval.ms"] {
            let (min, max) = (format!("group.{kind}.min.{what}"), format!("group.{kind}.max.{what}"));
            let value = format!("group.{kind}.{what}");
            at_least(max.clone(), min.clone())?;
            // Bounds apply to what was asked; what is in force is cut to them.
            let raw = |name: &String| layers.broker.get(name).or_else(|| layers.cluster.get(name)).cloned();
            let asked = raw(&value).and_then(|text| value::integer(value::trim(&text)));
            let asked = asked.unwrap_or_else(|| number(&value));
            if asked < number(&min) {
                return Err(format!("{value} must be greater than or equal to {min}"));
            }
            if asked > number(&max) {
                return Err(format!("{value} must be less than or equal to {max}"));
            }
            if what == "session.timeout.ms" {
                let heartbeat = format!("group.{kind}.heartbeat.interval.ms");
                if number(&heartbeat) >= number(&value) {
                    return Err(format!("{heartbeat} must be less than {value}"));
                }
            }
        }
    }
    at_most("group.streams.num.standby.replicas".into(), "group.streams.max.standby.replicas".into())?;
    for what in ["delivery.count.limit", "partition.max.record.locks", "record.lock.duration.ms"] {
        let value = format!("group.share.{what}");
        at_least(format!("group.share.max.{what}"), value.clone())?;
        at_least(value, format!("group.share.min.{what}"))?;
    }
    at_least("group.share.max.share.sessions".into(), "group.share.max.size".into())
}

/// What a running broker cannot change as it likes (Kafka: `BrokerReconfigurable.validateReconfiguration`).
fn check_changes(old: &Layers<'_>, new: &Layers<'_>) -> Result<(), String> {
    let changed = |name: &str| old.value(name) != new.value(name);
    let reporters = new.value("metric.reporters").unwrap_or_default();
    if changed("metric.reporters")
        && items(&reporters).iter().any(|class| *class != "org.apache.kafka.common.metrics.JmxReporter")
    {
        return Err("Validation of dynamic config update of Set(metric.reporters) failed with class class \
                    kafka.server.DynamicMetricsReporters"
            .into());
    }
    for (key, value) in dynamic_listeners::overridden(old, new) {
        match key {
            "num.network.threads" => check_threads(key, old.number(key), Some(value), "Dynamic thread count")?,
            "max.connections" | "max.connection.creation.rate" => check_connections(key, value::integer(&value))?,
            _ => {}
        }
    }
    for name in [
        "num.network.threads",
        "num.io.threads",
        "num.replica.fetchers",
        "num.recovery.threads.per.data.dir",
        "background.threads",
    ] {
        check_threads(name, old.number(name), new.value(name), "Dynamic thread count")?;
    }
    check_local_retention(new)?;
    dynamic_listeners::check_changes(old, new)?;
    for name in ["max.connections", "max.connection.creation.rate"] {
        if changed(name) {
            check_connections(name, new.number(name))?;
        }
    }
    check_cleaner(old.number("log.cleaner.threads"), new.number("log.cleaner.threads"))?;
    for name in [
        "remote.log.manager.copier.thread.pool.size",
        "remote.log.manager.expiration.thread.pool.size",
        "remote.log.manager.follower.thread.pool.size",
        "remote.log.reader.threads",
    ] {
        check_threads(name, old.number(name), new.value(name), "Dynamic thread count")?;
    }
    Ok(())
}

/// No connection at all is no limit that a listener takes (Kafka: `ConnectionQuotas.ListenerConnectionQuota`).
fn check_connections(name: &str, number: Option<i64>) -> Result<(), String> {
    if number == Some(0) { Err(format!("Invalid {name} 0")) } else { Ok(()) }
}

/// At least half and at most twice as many (Kafka: `DynamicThreadPool.validateReconfiguration`).
fn check_threads(name: &str, old: Option<i64>, new: Option<String>, what: &str) -> Result<(), String> {
    let (Some(old), Some(new)) = (old, new.and_then(|new| value::integer(value::trim(&new)))) else { return Ok(()) };
    let refuse = |why: String| Err(format!("{what} update validation failed for {name}={new}, {why}"));
    if new == old {
        Ok(())
    } else if new <= 0 {
        refuse("value should be at least 1".into())
    } else if new < old / 2 {
        refuse(format!("value should be at least half the current value {old}"))
    } else if new > old * 2 {
        refuse(format!("value should not be greater than double the current value {old}"))
    } else {
        Ok(())
    }
}

/// Kafka: `LogCleaner.validateReconfiguration`.
fn check_cleaner(old: Option<i64>, new: Option<i64>) -> Result<(), String> {
    let (Some(old), Some(new)) = (old, new) else { return Ok(()) };
    if new == old {
        Ok(())
    } else if new < 1 {
        Err("Log cleaner threads should be at least 1".into())
    } else if new < old / 2 {
        Err(format!("Log cleaner threads cannot be reduced to less than half the current value {old}"))
    } else if new > old * 2 {
        Err(format!("Log cleaner threads cannot be increased to more than double the current value {old}"))
    } else {
        Ok(())
    }
}

/// Kafka: `DynamicLogConfig.validateReconfiguration`.
fn check_local_retention(new: &Layers<'_>) -> Result<(), String> {
    let size = new.number("log.retention.bytes").unwrap_or(-1);
    let pairs = [
        ("log.local.retention.ms", "log.retention.ms", retention_ms(new)),
        ("log.local.retention.bytes", "log.retention.bytes", size),
    ];
    for (local_name, name, whole) in pairs {
        let local = new.number(local_name).unwrap_or(-2);
        if whole <= -1 || local == -2 {
            continue;
        }
        let bad = |why: String| Err(invalid(&local.to_string(), local_name, why));
        if local == -1 {
            return bad(format!("Value must not be -1 as {name} value is set as {whole}."));
        }
        if local > whole {
            return bad(format!("Value must not be more than {name} property value: {whole}"));
        }
    }
    Ok(())
}

/// A list's value before items are added or taken away: what is set, or Kafka's default.
///
/// # Errors
/// The key is unknown or holds no list. One that has no default fails in Kafka without a word.
pub fn list_before<'a>(set: &'a BTreeMap<String, String>, name: &str, what: &str) -> Result<Option<&'a str>, Refusal> {
    let refuse = |why: String| Err((ErrorCode::InvalidConfig, Some(why)));
    let Some(key) = table::key(Scope::Broker, name) else { return refuse(format!("Unknown config name: {name}")) };
    if key.kind != table::Kind::List {
        return refuse(format!("Config value {what} is not allowed for config key: {name}"));
    }
    match set.get(name) {
        None if key.required => Err((ErrorCode::UnknownServerError, None)),
        value => Ok(value.map(String::as_str).or(key.default)),
    }
}
