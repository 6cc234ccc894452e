//! Makes two answers comparable: what may differ between clusters (times, ids, the order of maps, words of messages) is
//! replaced by what they have in common.

use std::time::SystemTime;

use super::{
    encode::is_producer,
    names::{self, Names, PREFIX},
    request::plain,
    schema::{Api, Field, Kind},
    value::Value,
};

/// Stands for any time between yesterday and tomorrow.
const NOW: i64 = 1_000_000_000_000_000;

/// Topics that a cluster makes for itself when somebody asks for a coordinator.
const INTERNAL: [&[u8]; 2] = [b"__transaction_state", b"__share_group_state"];

/// Configurations that say where a node is.
const OWN: [&[u8]; 4] = [b"advertised.listeners", b"controller.quorum.voters", b"listeners", b"log.dirs"];

/// The answer with symbols for names. Learns names that are new.
pub fn blank(api: &Api, answer: &Value, names: &mut Names) -> Value {
    let fields = &api.response.fields;
    let sorted = Blank { key: api.key, names }.sorted_struct(fields, answer);
    Blank { key: api.key, names }.blank_struct(fields, &sorted)
}

/// Milliseconds, or `now`.
pub fn time(ms: i64) -> String {
    if is_now(ms) { "now".into() } else { ms.to_string() }
}

fn is_now(ms: i64) -> bool {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
    ms.abs_diff(now) < DAY_MS
}

struct Blank<'a> {
    key: i16,
    names: &'a mut Names,
}

impl Blank<'_> {
    /// Arrays in an order that both sides have, without what belongs to others: first, so that names are learnt in one
    /// order too.
    fn sorted_struct(&self, fields: &[Field], value: &Value) -> Value {
        let Value::Struct(values) = value else { return value.clone() };
        Value::Struct(fields.iter().zip(values).map(|(field, value)| self.sorted(&field.kind, value)).collect())
    }

    fn sorted(&self, kind: &Kind, value: &Value) -> Value {
        match (kind, value) {
            (Kind::Struct(fields), _) => self.sorted_struct(fields, value),
            (Kind::Array(element), Value::Array(items)) => {
                let items = items.iter().filter(|item| self.is_ours(item)).map(|item| self.sorted(element, item));
                let mut items: Vec<(String, Value)> = items.map(|item| (self.order(&item), item)).collect();
                items.sort_by(|(left, _), (right, _)| left.cmp(right));
                Value::Array(items.into_iter().map(|(_, item)| item).collect())
            }
            _ => value.clone(),
        }
    }

    fn is_ours(&self, item: &Value) -> bool {
        let of_another = |value: &Value| match value {
            Value::Text(text) => {
                text.starts_with(b"cmp-") && !text.starts_with(self.names.prefix().as_bytes())
                    || INTERNAL.contains(&text.as_slice())
            }
            _ => false,
        };
        match item {
            Value::Struct(values) => !values.iter().any(of_another),
            _ => !of_another(item),
        }
    }

    /// By what an element is sorted: all of it that both sides know by one name.
    fn order(&self, item: &Value) -> String {
        match item {
            Value::Array(items) | Value::Struct(items) => items.iter().map(|item| self.order(item) + ",").collect(),
            Value::Uuid(id) => self.names.known_uuid(*id).map_or_else(String::new, |symbol| format!("{symbol:?}")),
            Value::Text(text) => {
                self.names.known_text(text).map_or_else(String::new, |symbol| symbol.escape_ascii().to_string())
            }
            _ => plain(item),
        }
    }

    fn blank_struct(&mut self, fields: &[Field], value: &Value) -> Value {
        let Value::Struct(values) = value else { return value.clone() };
        let is_own = values.iter().any(|value| matches!(value, Value::Text(text) if OWN.contains(&text.as_slice())));
        let blank = |(field, value): (&Field, &Value)| match value {
            Value::Text(_) if is_own && field.name == "Value" => Value::text("of its own"),
            _ => self.blank_field(field, value),
        };
        Value::Struct(fields.iter().zip(values).map(blank).collect())
    }

    fn blank_field(&mut self, field: &Field, value: &Value) -> Value {
        let name = field.name.as_str();
        match value {
            Value::Text(text) => match name {
                _ if name.ends_with("ErrorMessage") => Value::text("a message"),
                "Documentation" => Value::text("documentation"),
                "Host" if !text.is_empty() => Value::text("host"),
                "ClusterId" => Value::text("cluster"),
                "LogDir" if self.key == 35 => Value::text("dir"),
                _ => self.blank_kind(&field.kind, value),
            },
            Value::Int(number) => match name {
                "ThrottleTimeMs" | "BrokerEpoch" | "FinalizedFeaturesEpoch" => Value::Int(0),
                "Port" if *number > 0 => Value::Int(1),
                "TotalBytes" | "UsableBytes" | "PartitionSize" if *number > 0 => Value::Int(1),
                "HighWatermark" | "LogEndOffset" | "LeaderEpoch" if self.key == 55 => Value::Int(0),
                "SessionId" => Value::Int(self.names.symbol_session(*number)),
                _ if is_producer(field) => Value::Int(self.names.symbol_producer(*number)),
                _ if (name.contains("Time")) && is_now(*number) => Value::Int(NOW),
                _ => value.clone(),
            },
            _ => self.blank_kind(&field.kind, value),
        }
    }

    fn blank_kind(&mut self, kind: &Kind, value: &Value) -> Value {
        match (kind, value) {
            (Kind::Struct(fields), _) => self.blank_struct(fields, value),
            (Kind::Array(element), Value::Array(items)) => {
                Value::Array(items.iter().map(|item| self.blank_kind(element, item)).collect())
            }
            (_, Value::Text(text)) => Value::Text(self.names.symbol_text(text)),
            (_, Value::Bytes(bytes)) => Value::Bytes(self.names.symbol_prefix(bytes)),
            (_, Value::Uuid(id)) => Value::Uuid(self.names.symbol_uuid(*id)),
            _ => value.clone(),
        }
    }
}

/// The error codes anywhere in an answer, the other way round than Kafka's `NONE`: whether it refuses something.
pub fn refuses(fields: &[Field], value: &Value) -> bool {
    let Value::Struct(values) = value else { return false };
    fields.iter().zip(values).any(|(field, value)| match (&field.kind, value) {
        (_, Value::Int(code)) => field.name == "ErrorCode" && *code != 0,
        (Kind::Struct(fields), _) => refuses(fields, value),
        (Kind::Array(element), Value::Array(items)) => match &**element {
            Kind::Struct(fields) => items.iter().any(|item| refuses(fields, item)),
            _ => false,
        },
        _ => false,
    })
}

const _: () = assert!(PREFIX.len() == 11 && names::PRODUCER < names::SESSION);
