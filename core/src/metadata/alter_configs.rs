//! What AlterConfigs and IncrementalAlterConfigs have in common (Kafka: `ConfigAdminManager`, `ControllerApis`).

use std::collections::BTreeSet;

use crate::wire::{alter_configs as whole, api::Request, error::ErrorCode, incremental_alter_configs as incremental};

pub const SET: i8 = 0;
pub const DELETE: i8 = 1;
pub const APPEND: i8 = 2;
pub const SUBTRACT: i8 = 3;

pub type Refusal = (ErrorCode, Option<String>);

/// What is asked to become of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    pub name: String,
    pub operation: i8,
    pub value: Option<String>,
}

/// What is asked to become of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceChange {
    /// Kafka: `ConfigResource.Type`.
    pub kind: i8,
    pub name: String,
    pub keys: Vec<KeyChange>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceResult {
    pub kind: i8,
    pub name: String,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl ResourceResult {
    pub fn new(change: &ResourceChange, result: Result<(), Refusal>) -> Self {
        let (code, error_message) = result.err().unwrap_or((ErrorCode::None, None));
        Self { kind: change.kind, name: change.name.clone(), error_code: code.code(), error_message }
    }
}

/// Either API.
pub trait AlterRequest: Request {
    /// All that is set on a resource is replaced.
    const WHOLE: bool;

    fn changes(&self) -> Vec<ResourceChange>;
    fn validate_only(&self) -> bool;
    /// The same request, of some resources.
    fn only(&self, wanted: &[bool]) -> Self;
    fn response(results: Vec<ResourceResult>) -> Self::Response;
    fn results(response: Self::Response) -> Vec<ResourceResult>;
}

macro_rules! alter_request {
    ($module:ident::$request:ident, $response:ident, $whole:literal, |$config:ident| $operation:expr) => {
        impl AlterRequest for $module::$request {
            const WHOLE: bool = $whole;

            fn changes(&self) -> Vec<ResourceChange> {
                let key = |$config: &$module::AlterableConfig| KeyChange {
                    name: $config.name.clone(),
                    operation: $operation,
                    value: $config.value.clone(),
                };
                let change = |r: &$module::AlterConfigsResource| ResourceChange {
                    kind: r.resource_type,
                    name: r.resource_name.clone(),
                    keys: r.configs.iter().map(key).collect(),
                };
                self.resources.iter().map(change).collect()
            }

            fn validate_only(&self) -> bool {
                self.validate_only
            }

            fn only(&self, wanted: &[bool]) -> Self {
                let resources = self.resources.iter().zip(wanted).filter(|(_, wanted)| **wanted);
                Self { resources: resources.map(|(r, _)| r.clone()).collect(), validate_only: self.validate_only }
            }

            fn response(mut results: Vec<ResourceResult>) -> Self::Response {
                fail_if_unspeakable(&mut results);
                let one = |r: ResourceResult| $module::AlterConfigsResourceResponse {
                    error_code: r.error_code,
                    error_message: r.error_message,
                    resource_type: r.kind,
                    resource_name: r.name,
                };
                $module::$response { responses: results.into_iter().map(one).collect(), ..Default::default() }
            }

            fn results(response: Self::Response) -> Vec<ResourceResult> {
                let one = |r: $module::AlterConfigsResourceResponse| ResourceResult {
                    kind: r.resource_type,
                    name: r.resource_name,
                    error_code: r.error_code,
                    error_message: r.error_message,
                };
                response.responses.into_iter().map(one).collect()
            }
        }
    };
}

alter_request!(incremental::IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, false, |c| c
    .config_operation);
alter_request!(whole::AlterConfigsRequest, AlterConfigsResponse, true, |_c| SET);

/// Kafka cannot say a sentence that is longer than any text may be, such as one about a value of that length: it says of all
/// that was asked that it failed, whatever became of it.
pub fn is_unspeakable(message: Option<&String>) -> bool {
    message.is_some_and(|text| text.len() > i16::MAX as usize)
}

fn fail_if_unspeakable(results: &mut [ResourceResult]) {
    if results.iter().any(|result| is_unspeakable(result.error_message.as_ref())) {
        for result in results {
            (result.error_code, result.error_message) = (ErrorCode::UnknownServerError.code(), None);
        }
    }
}

/// Which resources the request names more than once.
pub fn repeated(changes: &[ResourceChange]) -> BTreeSet<(i8, &str)> {
    let mut seen = BTreeSet::new();
    changes.iter().map(|c| (c.kind, c.name.as_str())).filter(|key| !seen.insert(*key)).collect()
}

/// What can be said of a resource's keys without knowing them (Kafka: `ConfigAdminManager.preprocess`).
///
/// # Errors
/// A key that stands there twice, or without a value.
pub fn check_keys(change: &ResourceChange) -> Result<(), Refusal> {
    let refuse = |why: String| Err((ErrorCode::InvalidRequest, Some(why)));
    let mut seen = BTreeSet::new();
    if !change.keys.iter().all(|key| seen.insert(key.name.as_str())) {
        return refuse("Error due to duplicate config keys".into());
    }
    let nulls = change.keys.iter().filter(|key| key.operation != DELETE && key.value.is_none());
    let nulls: Vec<&str> = nulls.map(|key| key.name.as_str()).collect();
    if !nulls.is_empty() {
        return refuse(format!("Null value not supported for : {}", nulls.join(", ")));
    }
    Ok(())
}

/// A list with more or fewer items (Kafka: `ConfigurationControlManager.incrementalAlterConfigResource`).
pub fn changed_list(current: Option<&str>, operation: i8, asked: &str) -> String {
    let mut items: Vec<&str> = current.map_or_else(Vec::new, split);
    items.retain(|item| !item.is_empty());
    for item in split(asked) {
        let at = items.iter().position(|known| *known == item);
        match (operation, at) {
            (SUBTRACT, Some(at)) => drop(items.remove(at)),
            (APPEND, None) => items.push(item),
            _ => {}
        }
    }
    items.join(",")
}

/// As `String.split` of Java: empty items at the end do not count, but an empty text is one item.
fn split(text: &str) -> Vec<&str> {
    let mut items: Vec<&str> = text.split(',').collect();
    while items.len() > 1 && items.last().is_some_and(|item| item.is_empty()) {
        items.pop();
    }
    if text.chars().all(|c| c == ',') && !text.is_empty() {
        items.clear();
    }
    items
}
