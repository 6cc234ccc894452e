//! Subscriptions of clients' metrics (KIP-714; Kafka: `ClientMetricsConfigs`): they are kept and shown, and no client is
//! asked for metrics.

use std::collections::BTreeMap;

use super::alter_configs::Refusal;
use crate::{
    config::{
        table::{self, Scope},
        value::{items, trim},
    },
    wire::error::ErrorCode,
};

const PARAMETERS: [&str; 6] = [
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

/// Kafka: `ClientMetricsConfigs.validate`.
pub fn check(name: &str, all: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let request = |why: String| Err((ErrorCode::InvalidRequest, Some(why)));
    let invalid = |why: String| (ErrorCode::InvalidConfig, Some(why));
    if name.is_empty() {
        return request("Subscription name can't be empty".into());
    }
    if let Some(unknown) = all.keys().find(|key| table::key(Scope::ClientMetrics, key).is_none()) {
        return request(format!("Unknown client metrics configuration: {unknown}"));
    }
    // First each as a value of its type, then what they say.
    let mut parsed = Vec::new();
    for key in table::keys(Scope::ClientMetrics) {
        if let Some(value) = all.get(key.name) {
            parsed.push((key, key.parse(value).map_err(invalid)?));
        }
    }
    for (key, value) in parsed {
        match key.name {
            "interval.ms" if !value.parse::<i64>().is_ok_and(|ms| (100..=3_600_000).contains(&ms)) => {
                let name = key.name;
                let why = "interval must be between 100 and 3600000 (1 hour)";
                return request(format!("Invalid value {value} for {name}, {why}"));
            }
            "match" => {
                if let Some(pattern) = items(&value).into_iter().find(|pattern| !is_match(pattern)) {
                    return Err(invalid(format!("Illegal client matching pattern: {pattern}")));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// `NAME=PATTERN`.
fn is_match(pattern: &str) -> bool {
    // As `String.split` of Java: nothing behind the last sign does not count.
    let text = pattern.trim_end_matches('=');
    let Some((name, pattern)) = text.split_once('=') else { return false };
    !pattern.contains('=') && PARAMETERS.contains(&trim(name)) && is_regular_expression(trim(pattern))
}

/// Whether brackets are closed and something stands before what repeats it. Java's rules are more; nothing here ever runs
/// the pattern.
fn is_regular_expression(text: &str) -> bool {
    let (mut open, mut in_class, mut repeatable) = (0_usize, 0_usize, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                if chars.next().is_none() {
                    return false;
                }
                repeatable = true;
            }
            '[' => in_class += 1,
            ']' if in_class > 0 => {
                in_class -= 1;
                repeatable = true;
            }
            _ if in_class > 0 => {}
            '(' => {
                open += 1;
                repeatable = false;
                if chars.as_str().starts_with('?') {
                    chars.next();
                }
            }
            ')' if open == 0 => return false,
            ')' => {
                open -= 1;
                repeatable = true;
            }
            '*' | '+' | '?' | '{' if !repeatable => return false,
            '|' => repeatable = false,
            _ => repeatable = true,
        }
    }
    open == 0 && in_class == 0
}
