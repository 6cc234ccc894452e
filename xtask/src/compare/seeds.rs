//! What a seed asks: requests of all APIs, or record batches only.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::json;

use super::{
    draw::{self, Draw},
    draw_batch, mutate,
    names::PREFIX,
    pair::{Apis, Pair},
    request::Request,
    schema::Api,
    value::Value,
};

pub type Served = BTreeMap<i16, (i16, i16)>;

/// Requests of a round: enough that making its state is the smaller part, and few enough that something is left of it.
const REQUESTS: usize = 100;
const BATCHES: usize = 200;

/// What a round is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Requests of all APIs that both have.
    Mixed,
    /// Record batches, mostly odd.
    Batches,
    /// APIs that the lab has not. Kafka does what they ask for, so they are among themselves.
    Unbuilt,
}

impl Sort {
    pub fn of(seed: u64) -> Self {
        match seed % 16 {
            3 | 11 => Self::Batches,
            15 => Self::Unbuilt,
            _ => Self::Mixed,
        }
    }
}

/// The requests of a seed, of APIs that are among these.
pub fn requests(pair: &Pair, served: &Served, seed: u64, sort: Sort) -> Vec<Request> {
    let mut rng = Rng::with_seed(seed);
    if sort == Sort::Batches {
        return (0..BATCHES).map(|_| batch(&mut rng, pair)).collect();
    }
    let keys: Vec<i16> = served.keys().copied().collect();
    let mut all = Vec::new();
    while all.len() < REQUESTS && !keys.is_empty() {
        let mut request = request(&mut rng, pair.apis, served, &keys);
        if sort == Sort::Unbuilt {
            keep_groups_in_round(&pair.apis[&request.key], &mut request);
        }
        if !ends_the_run(&request, pair.apis) {
            all.push(request);
        }
    }
    all
}

/// Requests that change the broker or the cluster itself: for a pair of clusters that nobody else uses.
pub fn ending(pair: &Pair, served: &Served, seed: u64) -> Vec<Request> {
    const KEYS: [i16; 8] = [33, 44, 49, 57, 64, 80, 81, 82];
    let mut rng = Rng::with_seed(seed);
    let keys: Vec<i16> = KEYS.into_iter().filter(|key| served.contains_key(key)).collect();
    let mut all = Vec::new();
    while all.len() < REQUESTS && !keys.is_empty() {
        let mut request = request(&mut rng, pair.apis, served, &keys);
        if matches!(request.key, 33 | 44) {
            aim_at_brokers(&mut rng, &mut request.body);
        }
        all.push(request);
    }
    all
}

/// Turns the resources of AlterConfigs into brokers, all brokers and loggers, with keys of theirs.
fn aim_at_brokers(rng: &mut Rng, body: &mut Value) {
    let Value::Struct(values) = body else { return };
    let Value::Array(resources) = &mut values[0] else { return };
    for resource in resources {
        let Value::Struct(resource) = resource else { continue };
        let (kind, names): (i64, &[&str]) = if rng.u8(..4) == 0 { (8, &["1", "2"]) } else { (4, &["1", "", "2", "x"]) };
        (resource[0], resource[1]) = (Value::Int(kind), Value::text(names[rng.usize(..names.len())]));
        let Value::Array(configs) = &mut resource[2] else { continue };
        configs.iter_mut().for_each(|config| draw::configure(rng, kind, config));
    }
}

fn request(rng: &mut Rng, apis: &Apis, served: &Served, keys: &[i16]) -> Request {
    let key = keys[rng.usize(..keys.len())];
    let (lowest, highest) = served[&key];
    let version = match rng.u8(..60) {
        0 => highest + 1,
        1 => lowest - 1,
        _ => rng.i16(lowest..=highest),
    };
    let api = &apis[&key];
    let body = Draw { rng, api, version: version.clamp(lowest, highest) }.body();
    let mut request = Request::new(key, version, body);
    let changes = [0, 0, 0, 1, 1, 1, 1, 2, 2, 3][rng.usize(..10)];
    (0..changes).for_each(|_| mutate::mutate(rng, api, &mut request));
    request
}

/// A batch, mostly odd, to one partition or two.
fn batch(rng: &mut Rng, pair: &Pair) -> Request {
    let topic = ["a", "a", "a", "b", "c", "t"][rng.usize(..6)];
    let acks = if rng.u8(..10) == 0 { 1 } else { -1 };
    let version = rng.i16(3..=12);
    let mut request = pair.request(
        0,
        version,
        &json!({ "Acks": acks, "TimeoutMs": 3000, "TopicData": [
        { "Name": format!("{PREFIX}{topic}"), "PartitionData": [{ "Index": 0 }] }
    ] }),
    );
    let mut batches = vec![if rng.u8(..6) == 0 { draw_batch::valid(rng) } else { draw_batch::odd(rng) }];
    if rng.u8(..20) == 0 {
        batches.push(draw_batch::valid(rng));
    }
    request.body.set_records(&pair.apis[&0].request.fields, &batches);
    request
}

/// A group that only one of the two could make is called as the round's own, and goes with it.
fn keep_groups_in_round(api: &Api, request: &mut Request) {
    let Value::Struct(values) = &mut request.body else { return };
    for (field, value) in api.request.fields.iter().zip(values) {
        if let ("GroupId", Value::Text(text)) = (field.name.as_str(), value)
            && !text.is_empty()
            && !text.starts_with(PREFIX.as_bytes())
        {
            text.splice(..0, PREFIX.bytes());
        }
    }
}

/// What would change the broker itself, or the cluster that all rounds share.
fn ends_the_run(request: &Request, apis: &Apis) -> bool {
    let fields = &apis[&request.key].request.fields;
    let validates = *request.body.get(fields, "ValidateOnly") == Value::Bool(true);
    match request.key {
        // UnregisterBroker, UpdateFeatures, the voters of the quorum, quotas.
        64 | 80 | 81 | 82 | 49 => true,
        57 => !validates,
        // Configurations of others than this round's topics, and topics of the broker's own.
        33 | 44 => !mentions_only_round(&request.body),
        19 | 20 | 21 | 37 | 43 | 45 => mentions_internal(&request.body),
        _ => false,
    }
}

fn mentions_internal(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.starts_with(b"__"),
        Value::Array(items) | Value::Struct(items) => items.iter().any(mentions_internal),
        _ => false,
    }
}

/// Every resource's name is one of the round's: brokers and defaults are not.
fn mentions_only_round(body: &Value) -> bool {
    let Value::Struct(values) = body else { return true };
    let of_round = |resource: &Value| match resource {
        Value::Struct(values) => match &values[1] {
            Value::Text(name) => name.starts_with(PREFIX.as_bytes()),
            _ => false,
        },
        _ => true,
    };
    values[0].items().iter().all(of_round)
}
