//! Prints what this project says about Kafka's messages, as JSON in the shape of Kafka's own schema files, for
//! `cargo xtask schemas` to compare. An object: `apis` by key, and all `messages`.

use lab_core::wire::{
    api::ApiKey,
    control_records, group_records,
    header::{RequestHeader, ResponseHeader},
    metadata_records,
    schema::{Field, Kind, Schema, Versions},
};
use serde_json::{Value, json};

fn main() {
    let of_api = |key: &ApiKey| [key.request_schema(), key.response_schema()];
    let requests = ApiKey::ALL.iter().flat_map(of_api).flatten();
    let headers = [RequestHeader::SCHEMA, ResponseHeader::SCHEMA];
    let controls = (0..=6).filter_map(|code| control_records::by_type(code)?.1);
    let messages: Vec<Value> = requests
        .chain(headers)
        .chain(controls)
        .chain(metadata_records::SCHEMAS.iter().copied())
        .chain(group_records::SCHEMAS.iter().copied())
        .map(|schema| {
            json!({
                "name": schema.name,
                "apiKey": schema.api_key,
                "validVersions": versions(schema.versions),
                "flexibleVersions": versions(schema.flexible),
                "fields": fields(schema),
            })
        })
        .collect();
    let apis: Vec<Value> = ApiKey::ALL
        .iter()
        .map(|key| {
            let flexible = (0..i16::MAX).find(|&version| key.request_header_version(version) == 2);
            json!({ "apiKey": key.code(), "name": key.name(), "flexibleFrom": flexible })
        })
        .collect();
    println!("{:#}", json!({ "apis": apis, "messages": messages }));
}

fn fields(schema: &Schema) -> Vec<Value> {
    schema.fields.iter().map(field).collect()
}

fn field(field: &Field) -> Value {
    let nested = match field.kind {
        Kind::Struct(schema) | Kind::Array(Kind::Struct(schema)) => fields(schema),
        _ => Vec::new(),
    };
    json!({
        "name": field.name.trim_end_matches('_'),
        "type": type_name(field.kind),
        "versions": versions(field.versions),
        "nullableVersions": versions(field.nullable),
        "tag": field.tag,
        "taggedVersions": versions(field.tagged),
        "flexibleVersions": field.flexible.map(versions),
        "default": field.default,
        "ignorable": field.ignorable,
        "fields": nested,
    })
}

fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "bool".to_owned(),
        Kind::Int8 => "int8".to_owned(),
        Kind::Int16 => "int16".to_owned(),
        Kind::Uint16 => "uint16".to_owned(),
        Kind::Int32 => "int32".to_owned(),
        Kind::Uint32 => "uint32".to_owned(),
        Kind::Int64 => "int64".to_owned(),
        Kind::Float64 => "float64".to_owned(),
        Kind::String => "string".to_owned(),
        Kind::Bytes => "bytes".to_owned(),
        Kind::Records => "records".to_owned(),
        Kind::Uuid => "uuid".to_owned(),
        Kind::Array(element) => format!("[]{}", type_name(element)),
        Kind::Struct(schema) => schema.name.to_owned(),
    }
}

/// Kafka's notation.
fn versions(versions: Versions) -> String {
    match versions {
        _ if versions.is_empty() => "none".to_owned(),
        Versions { from, to: i16::MAX } => format!("{from}+"),
        Versions { from, to } if from == to => from.to_string(),
        Versions { from, to } => format!("{from}-{to}"),
    }
}
