//! Loggers of a node (Kafka: `LoggingController`, `RuntimeLoggerManager`). The lab has one, `root`: its level is kept and
//! shown until the node stops, and changes nothing of what is written.

use std::collections::BTreeMap;

use super::alter_configs::{APPEND, DELETE, KeyChange, Refusal, SET, SUBTRACT};
use crate::{config::value, id::NodeId, trace::EventKind, wire::error::ErrorCode};

pub const ROOT: &str = "root";
const WITHOUT_EFFECT: &str = "what the lab writes down does not depend on it, so it has no effect";
/// Kafka: `LogLevelConfig`, sorted.
const LEVELS: [&str; 6] = ["DEBUG", "ERROR", "FATAL", "INFO", "TRACE", "WARN"];

#[derive(Clone, Debug, PartialEq)]
pub struct Loggers {
    levels: BTreeMap<&'static str, String>,
    news: Vec<EventKind>,
}

impl Default for Loggers {
    fn default() -> Self {
        Self { levels: BTreeMap::from([(ROOT, "INFO".to_owned())]), news: Vec::new() }
    }
}

impl Loggers {
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.levels.iter().map(|(name, level)| (*name, level.as_str()))
    }

    /// What was changed since it was last asked for, to be told to people.
    pub fn take_news(&mut self) -> Vec<EventKind> {
        std::mem::take(&mut self.news)
    }

    /// Takes all of the changes or none.
    ///
    /// # Errors
    /// The first that is not allowed.
    pub fn change(
        &mut self,
        node: NodeId,
        resource: &str,
        changes: &[KeyChange],
        validate_only: bool,
    ) -> Result<(), Refusal> {
        let refuse = |why: String| Err((ErrorCode::InvalidRequest, Some(why)));
        match value::int(resource) {
            None => return refuse(format!("Node id must be an integer, but it is: {resource}")),
            Some(id) if id != node.0 => {
                return refuse(format!("Unexpected node id. Expected {node}, but received {id}"));
            }
            Some(_) => {}
        }
        for change in changes {
            let name = &change.name;
            let missing = || {
                let there = self.levels.contains_key(name.as_str());
                (!there).then(|| (ErrorCode::InvalidConfig, Some(format!("Logger {name} does not exist!"))))
            };
            let not_allowed = |operation: &str| {
                refuse(format!("{operation} operation is not allowed for the BROKER_LOGGER resource"))
            };
            match change.operation {
                SET => {
                    if let Some(refusal) = missing() {
                        return Err(refusal);
                    }
                    let level = change.value.as_deref().unwrap_or_default();
                    if !LEVELS.contains(&level) {
                        let why = format!(
                            "Cannot set the log level of {name} to {level} as it is not a supported log level. \
                             Valid log levels are {}",
                            LEVELS.join(", ")
                        );
                        return Err((ErrorCode::InvalidConfig, Some(why)));
                    }
                }
                DELETE => {
                    if let Some(refusal) = missing() {
                        return Err(refusal);
                    }
                    if name == ROOT {
                        return refuse("Removing the log level of the root logger is not allowed".into());
                    }
                }
                APPEND => return not_allowed("APPEND"),
                SUBTRACT => return not_allowed("SUBTRACT"),
                _ => return Err((ErrorCode::UnknownServerError, None)),
            }
        }
        if !validate_only {
            for change in changes.iter().filter(|change| change.operation == SET) {
                if let Some(level) = self.levels.get_mut(change.name.as_str()) {
                    level.clone_from(change.value.as_ref().expect("checked above"));
                    self.news.push(EventKind::ConfigChanged {
                        resource: format!("logger {} of node {node}", change.name),
                        key: "level".into(),
                        value: change.value.clone(),
                        without_effect: Some(WITHOUT_EFFECT.into()),
                    });
                }
            }
        }
        Ok(())
    }
}
