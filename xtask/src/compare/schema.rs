//! Kafka's messages as its own JSON schemas describe them, read from the jars: what is drawn, written and read from here
//! on shares nothing with the codec of `core`, so that it can judge it.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

/// A request or a response.
#[derive(Debug)]
pub struct Message {
    /// Without `Request` or `Response`.
    pub name: String,
    pub flexible: Versions,
    pub fields: Arc<Vec<Field>>,
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    pub versions: Versions,
    pub nullable: Versions,
    pub tagged: Versions,
    pub tag: u32,
    /// Where it differs from its message.
    pub flexible: Option<Versions>,
    pub default: Option<String>,
    /// Kafka's own hint at what the value names: `topicName`, `groupId`, `brokerId`, ...
    pub entity: String,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Bool,
    /// A signed number of so many bytes.
    Int(usize),
    Uint16,
    Uint32,
    Float64,
    Text,
    Bytes,
    Records,
    Uuid,
    Array(Box<Self>),
    Struct(Arc<Vec<Field>>),
}

/// `3+`, `0-4`, `7`; `none` holds no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    pub from: i16,
    pub to: i16,
}

impl Versions {
    pub const NONE: Self = Self { from: 1, to: 0 };

    pub fn contains(self, version: i16) -> bool {
        (self.from..=self.to).contains(&version)
    }

    fn parse(text: &Json) -> Result<Self> {
        let Some(text) = text.as_str().filter(|text| *text != "none") else { return Ok(Self::NONE) };
        let number = |text: &str| text.parse::<i16>().with_context(|| format!("versions {text}"));
        Ok(match (text.strip_suffix('+'), text.split_once('-')) {
            (Some(from), _) => Self { from: number(from)?, to: i16::MAX },
            (None, Some((from, to))) => Self { from: number(from)?, to: number(to)? },
            (None, None) => Self { from: number(text)?, to: number(text)? },
        })
    }
}

/// All APIs, by key.
#[derive(Debug)]
pub struct Api {
    pub key: i16,
    pub request: Message,
    pub response: Message,
}

impl Api {
    pub fn name(&self) -> &str {
        &self.request.name
    }
}

/// The APIs among the schemas that `crate::schemas` reads from the jars.
pub fn apis(schemas: &BTreeMap<String, Json>) -> Result<BTreeMap<i16, Api>> {
    let mut apis = BTreeMap::new();
    for (name, schema) in schemas {
        let (Some(key), Some(bare)) = (schema["apiKey"].as_i64(), name.strip_suffix("Request")) else { continue };
        // Removed from Kafka 4; only their names are left.
        if schema["fields"].as_array().is_none_or(Vec::is_empty) && schema["validVersions"] == "none" {
            continue;
        }
        let response = schemas.get(&format!("{bare}Response")).with_context(|| format!("{bare} has no response"))?;
        let key = i16::try_from(key)?;
        let of = |schema| message(bare, schema).with_context(|| name.clone());
        apis.insert(key, Api { key, request: of(schema)?, response: of(response)? });
    }
    Ok(apis)
}

fn message(name: &str, schema: &Json) -> Result<Message> {
    Ok(Message {
        name: name.to_owned(),
        flexible: Versions::parse(&schema["flexibleVersions"])?,
        fields: fields(schema, schema)?,
    })
}

fn fields(of: &Json, message: &Json) -> Result<Arc<Vec<Field>>> {
    let list = of["fields"].as_array().map_or(&[][..], Vec::as_slice);
    Ok(Arc::new(list.iter().map(|json| field(json, message)).collect::<Result<_>>()?))
}

fn field(json: &Json, message: &Json) -> Result<Field> {
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    let default = match &json["default"] {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Ok(Field {
        name: text("name"),
        kind: kind(&text("type"), json, message)?,
        versions: Versions::parse(&json["versions"])?,
        nullable: Versions::parse(&json["nullableVersions"])?,
        tagged: Versions::parse(&json["taggedVersions"])?,
        tag: json["tag"].as_u64().unwrap_or_default() as u32,
        flexible: json["flexibleVersions"].as_str().map(|_| Versions::parse(&json["flexibleVersions"])).transpose()?,
        default,
        entity: text("entityType"),
    })
}

fn kind(name: &str, field: &Json, message: &Json) -> Result<Kind> {
    Ok(match name {
        "bool" => Kind::Bool,
        "int8" => Kind::Int(1),
        "int16" => Kind::Int(2),
        "int32" => Kind::Int(4),
        "int64" => Kind::Int(8),
        "uint16" => Kind::Uint16,
        "uint32" => Kind::Uint32,
        "float64" => Kind::Float64,
        "string" => Kind::Text,
        "bytes" => Kind::Bytes,
        "records" => Kind::Records,
        "uuid" => Kind::Uuid,
        _ if name.starts_with("[]") => Kind::Array(Box::new(kind(&name[2..], field, message)?)),
        _ if !field["fields"].is_null() => Kind::Struct(fields(field, message)?),
        // A struct used twice is described once, under the message's commonStructs.
        _ => match message["commonStructs"].as_array().and_then(|all| all.iter().find(|one| one["name"] == name)) {
            Some(common) => Kind::Struct(fields(common, message)?),
            None => bail!("unknown type {name}"),
        },
    })
}
