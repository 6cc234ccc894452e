//! AlterClientQuotas (key 49, KIP-546; Kafka: `ClientQuotaControlManager`).

use std::{collections::BTreeMap, net::IpAddr};

use super::{
    api::{ApiError, Command, Decision, State, error},
    write::Batch,
};
use crate::{
    authorize::{Operation, Resource},
    metadata::quotas::{EntityType, QuotaEntity},
    wire::{
        alter_client_quotas::{
            AlterClientQuotasRequest, AlterClientQuotasResponse, EntityData, EntryData, OpData, ResponseEntityData,
            ResponseEntryData,
        },
        error::ErrorCode,
    },
};

/// How a value of that key may look (`QuotaConfig`).
#[derive(Clone, Copy)]
enum Kind {
    Double,
    Long,
    Int,
}

const OF_USERS_AND_CLIENTS: &[(&str, Kind)] = &[
    ("producer_byte_rate", Kind::Long),
    ("consumer_byte_rate", Kind::Long),
    ("request_percentage", Kind::Double),
    ("controller_mutation_rate", Kind::Double),
];
const OF_ADDRESSES: &[(&str, Kind)] = &[("connection_creation_rate", Kind::Int)];

/// Parts of an entity as they were asked for, each type once, in the order of Kafka's maps.
type Asked = Vec<(String, Option<String>)>;

impl Command for AlterClientQuotasRequest {
    fn decide(&self, _version: i16, state: &mut State<'_>) -> Decision<Self::Response> {
        if !state.authorize(Operation::AlterConfigs, Resource::Cluster) {
            return self.refuse(ErrorCode::ClusterAuthorizationFailed).into();
        }
        let mut batch = Batch::default();
        let mut answers: Vec<(Asked, Result<(), ApiError>)> = Vec::new();
        let mut places: BTreeMap<Asked, usize> = BTreeMap::new();
        for entry in &self.entries {
            let asked = asked(&entry.entity);
            let keys_repeat = repeats(&entry.ops);
            // What the first of them asked for is done all the same.
            let known = places.get(&asked).copied();
            let result = if known.is_some() || keys_repeat {
                error(ErrorCode::InvalidRequest, format!("Ignoring duplicate entity {}", java_text(&asked)))
            } else {
                alter(&asked, &entry.ops, state).map(|records| batch.append(records))
            };
            match known {
                Some(place) => answers[place].1 = result,
                None => {
                    places.insert(asked.clone(), answers.len());
                    answers.push((asked, result));
                }
            }
        }
        if self.validate_only {
            batch = Batch::default();
        }
        let entries = answers.into_iter().map(|(asked, result)| answer(asked, result)).collect();
        Decision { batch, response: AlterClientQuotasResponse { entries, ..Default::default() } }
    }

    fn refuse(&self, error: ErrorCode) -> AlterClientQuotasResponse {
        let refused = |entry: &EntryData| answer(asked(&entry.entity), Err((error, Some(error.message().into()))));
        AlterClientQuotasResponse { entries: self.entries.iter().map(refused).collect(), ..Default::default() }
    }
}

/// Of two parts of one type the last counts.
fn asked(entity: &[EntityData]) -> Asked {
    let rank = |name: &str| EntityType::from_name(name).map_or((1, None), |kind| (0, Some(kind)));
    let parts: BTreeMap<_, _> =
        entity.iter().map(|e| ((rank(&e.entity_type), e.entity_type.as_str()), e.entity_name.clone())).collect();
    parts.into_iter().map(|((_, kind), name)| (kind.to_owned(), name)).collect()
}

fn repeats(ops: &[OpData]) -> bool {
    let mut keys: Vec<&str> = ops.iter().map(|op| op.key.as_str()).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

/// As Java prints a `ClientQuotaEntity`.
fn java_text(asked: &Asked) -> String {
    let part = |(kind, name): &(String, Option<String>)| format!("{kind}={}", name.as_deref().unwrap_or("null"));
    format!("ClientQuotaEntity(entries={{{}}})", asked.iter().map(part).collect::<Vec<_>>().join(", "))
}

fn answer(asked: Asked, result: Result<(), ApiError>) -> ResponseEntryData {
    let (error, error_message) = result.err().unwrap_or((ErrorCode::None, None));
    let part = |(entity_type, entity_name)| ResponseEntityData { entity_type, entity_name };
    ResponseEntryData { error_code: error.code(), error_message, entity: asked.into_iter().map(part).collect() }
}

/// All of an entry, or nothing of it.
fn alter(asked: &Asked, ops: &[OpData], state: &State<'_>) -> Result<Batch, ApiError> {
    let entity = entity(asked)?;
    let keys = keys_of(&entity)?;
    let mut batch = Batch::default();
    for op in ops {
        let current = state.image.quota(&entity, &op.key);
        if op.remove {
            if current.is_some() {
                batch.push(entity.to_record(&op.key, None));
            }
            continue;
        }
        check(keys, &op.key, op.value)?;
        if current.map(f64::to_bits) != Some(op.value.to_bits()) {
            batch.push(entity.to_record(&op.key, Some(op.value)));
        }
    }
    Ok(batch)
}

/// Kafka: `ClientQuotaControlManager.validateEntity`.
fn entity(asked: &Asked) -> Result<QuotaEntity, ApiError> {
    if asked.is_empty() {
        return error(ErrorCode::InvalidRequest, "Invalid empty client quota entity");
    }
    let mut parts = BTreeMap::new();
    for (name, value) in asked {
        let Some(kind) = EntityType::from_name(name) else {
            return error(ErrorCode::InvalidRequest, format!("Unhandled client quota entity type: {name}"));
        };
        if value.as_deref() == Some("") {
            return error(ErrorCode::InvalidRequest, format!("Empty {name} not supported"));
        }
        parts.insert(kind, value.clone());
    }
    Ok(QuotaEntity(parts))
}

/// Kafka: `ClientQuotaControlManager.configKeysForEntityType`.
fn keys_of(entity: &QuotaEntity) -> Result<&'static [(&'static str, Kind)], ApiError> {
    let Some(address) = entity.0.get(&EntityType::Ip) else { return Ok(OF_USERS_AND_CLIENTS) };
    if entity.0.len() > 1 {
        return error(
            ErrorCode::InvalidRequest,
            "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId",
        );
    }
    match address {
        Some(address) if !is_address(address) => {
            error(ErrorCode::InvalidRequest, format!("{address} is not a valid IP or resolvable host."))
        }
        _ => Ok(OF_ADDRESSES),
    }
}

/// Kafka also takes any name that its controller can resolve; here nobody asks the network.
fn is_address(text: &str) -> bool {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().is_ok() || text == "localhost"
}

/// Kafka: `ClientQuotaControlManager.validateQuotaKeyValue`. What is no number passes there, too.
fn check(keys: &[(&str, Kind)], key: &str, value: f64) -> Result<(), ApiError> {
    let refuse = |why: String| error(ErrorCode::InvalidRequest, why);
    let Some((_, kind)) = keys.iter().find(|(known, _)| *known == key) else {
        return refuse(format!("Invalid configuration key {key}"));
    };
    if value <= 0.0 {
        return refuse(format!("Quota {key} must be greater than 0"));
    }
    let (most, name) = match kind {
        Kind::Double => return Ok(()),
        Kind::Long => (i64::MAX as f64, "a LONG"),
        Kind::Int => (f64::from(i32::MAX), "an INT"),
    };
    if value > most {
        return refuse(format!("Proposed value for {key} is too large for {name}."));
    }
    // Almost whole is whole enough.
    if ((value + 1e-6) as i64 as f64 - value).abs() > 1e-6 {
        return refuse(format!("{key} cannot be a fractional value."));
    }
    Ok(())
}
