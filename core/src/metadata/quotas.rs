//! Client quotas as the metadata log has them (KIP-546): who they are set for, what of, and who is looked for
//! (Kafka: `ClientQuotaEntity`, `ClientQuotasImage.describe`). They are kept and shown; nothing is held back by them yet.

use std::{collections::BTreeMap, fmt};

use crate::wire::{
    alter_client_quotas, describe_client_quotas as describe,
    error::ErrorCode,
    metadata_records::{ClientQuotaRecord, EntityData},
};

/// In the order in which Kafka's maps give them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntityType {
    ClientId,
    User,
    Ip,
}

impl EntityType {
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "client-id" => Some(Self::ClientId),
            "user" => Some(Self::User),
            "ip" => Some(Self::Ip),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientId => "client-id",
            Self::User => "user",
            Self::Ip => "ip",
        }
    }
}

/// A user, a client id, both, or an address; without a name: the default of all that have none of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuotaEntity(pub BTreeMap<EntityType, Option<String>>);

impl QuotaEntity {
    /// `None`: a type that Kafka does not have.
    pub fn from_record(record: &ClientQuotaRecord) -> Option<Self> {
        let part = |e: &EntityData| Some((EntityType::from_name(&e.entity_type)?, e.entity_name.clone()));
        record.entity.iter().map(part).collect::<Option<_>>().map(Self)
    }

    /// `value`: `None` takes the key away.
    pub fn to_record(&self, key: &str, value: Option<f64>) -> ClientQuotaRecord {
        let entity = self
            .0
            .iter()
            .map(|(kind, name)| EntityData { entity_type: kind.name().into(), entity_name: name.clone() })
            .collect();
        ClientQuotaRecord { entity, key: key.into(), value: value.unwrap_or_default(), remove: value.is_none() }
    }

    pub fn to_answer(&self) -> Vec<alter_client_quotas::ResponseEntityData> {
        let part = |(kind, name): (&EntityType, &Option<String>)| alter_client_quotas::ResponseEntityData {
            entity_type: kind.name().into(),
            entity_name: name.clone(),
        };
        self.0.iter().map(part).collect()
    }
}

impl fmt::Display for QuotaEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (kind, name)) in self.0.iter().enumerate() {
            let and = if i > 0 { ", " } else { "" };
            write!(f, "{and}{} {}", kind.name(), name.as_deref().unwrap_or("<default>"))?;
        }
        Ok(())
    }
}

/// What is set: values by key, as the bits of a float, since what is no number must equal itself, too.
pub type Quotas = BTreeMap<QuotaEntity, BTreeMap<String, u64>>;

/// Whom a request asks for.
enum Wanted {
    /// By that name; `None` is the default.
    Exactly(Option<String>),
    Any,
}

type Refused = (ErrorCode, String);

/// Kafka: `ClientQuotasImage.describe`.
pub fn describe(
    quotas: &Quotas,
    request: &describe::DescribeClientQuotasRequest,
) -> Result<Vec<describe::EntryData>, Refused> {
    let filter = filter(&request.components)?;
    let matches = |entity: &QuotaEntity| {
        let wanted = filter.iter().all(|(kind, wanted)| match (entity.0.get(kind), wanted) {
            (Some(name), Wanted::Exactly(exactly)) => name == exactly,
            (found, _) => found.is_some(),
        });
        wanted && (!request.strict || entity.0.keys().all(|kind| filter.contains_key(kind)))
    };
    let entry = |(entity, values): (&QuotaEntity, &BTreeMap<String, u64>)| describe::EntryData {
        entity: entity
            .0
            .iter()
            .map(|(kind, name)| describe::EntityData { entity_type: kind.name().into(), entity_name: name.clone() })
            .collect(),
        values: values
            .iter()
            .map(|(key, &bits)| describe::ValueData { key: key.clone(), value: f64::from_bits(bits) })
            .collect(),
    };
    Ok(quotas.iter().filter(|(entity, _)| matches(entity)).map(entry).collect())
}

fn filter(components: &[describe::ComponentData]) -> Result<BTreeMap<EntityType, Wanted>, Refused> {
    let invalid = |why: String| Err((ErrorCode::InvalidRequest, why));
    let mut filter = BTreeMap::new();
    for component in components {
        let name = &component.entity_type;
        if name.is_empty() {
            return invalid("Invalid empty entity type.".into());
        }
        let Some(kind) = EntityType::from_name(name) else {
            return Err((ErrorCode::UnsupportedVersion, format!("Unsupported entity type {name}")));
        };
        if filter.contains_key(&kind) {
            return invalid(format!("Entity type {name} cannot appear more than once in the filter."));
        }
        let wanted = match (component.match_type, &component.match_) {
            (0, Some(exactly)) => Wanted::Exactly(Some(exactly.clone())),
            (0, None) => return invalid("Request specified MATCH_TYPE_EXACT, but set match string to null.".into()),
            (1, None) => Wanted::Exactly(None),
            (1, Some(_)) => {
                return invalid("Request specified MATCH_TYPE_DEFAULT, but also specified a match string.".into());
            }
            (2, None) => Wanted::Any,
            (2, Some(_)) => {
                return invalid("Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.".into());
            }
            (other, _) => return invalid(format!("Unknown match type {other}")),
        };
        filter.insert(kind, wanted);
    }
    if filter.contains_key(&EntityType::Ip) && filter.len() > 1 {
        return invalid(
            "Invalid entity filter component combination. IP filter component should not be used with user or clientId \
             filter component."
                .into(),
        );
    }
    Ok(filter)
}
