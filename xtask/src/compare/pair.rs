//! Both clusters together: one request to each, and where the answers differ.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};

use super::{
    blank, decode, diff,
    diff::Difference,
    encode,
    names::Names,
    request::{Request, show},
    schema::Api,
    side::{Answer, PATIENCE, Side},
    value::Value,
};

pub type Apis = BTreeMap<i16, Api>;

pub struct Pair<'a> {
    pub apis: &'a Apis,
    pub kafka: Side,
    pub lab: Side,
    correlation_id: i32,
}

/// What both said to one request.
pub struct Outcome {
    pub kafka: Said,
    pub lab: Said,
    pub differences: Vec<Difference>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    Answer(Value),
    /// Nothing, as was asked for (`acks=0`).
    Nothing,
    Closed,
    Silence,
    Unreadable(String),
}

impl Said {
    pub fn text(&self, api: &Api, version: i16) -> String {
        match self {
            Self::Answer(value) => show(&api.response.fields, value, version),
            Self::Nothing => "no answer, as asked".into(),
            Self::Closed => "closed".into(),
            Self::Silence => "silence".into(),
            Self::Unreadable(why) => format!("unreadable: {why}"),
        }
    }

    pub fn body(&self) -> &Value {
        if let Self::Answer(value) = self { value } else { &Value::Null }
    }
}

/// For what is answered at once: how long Kafka may think.
const SHORT_PATIENCE: Duration = Duration::from_secs(3);

const API_VERSIONS: i16 = 18;

impl<'a> Pair<'a> {
    pub fn new(apis: &'a Apis, kafka: &str, lab: &str) -> Self {
        Self { apis, kafka: Side::new(kafka), lab: Side::new(lab), correlation_id: 0 }
    }

    /// From now on the symbols are those of another round.
    pub fn begin(&mut self, round: u64) {
        (self.kafka.names, self.lab.names) = (Names::new(round), Names::new(round));
    }

    /// A request by its fields.
    pub fn request(&self, key: i16, version: i16, fields: &Json) -> Request {
        Request::new(key, version, Value::from_json(&self.apis[&key].request.fields, fields))
    }

    pub fn ask(&mut self, request: &Request) -> Result<Outcome> {
        let api = &self.apis[&request.key];
        self.correlation_id = self.correlation_id.wrapping_add(2);
        let id = self.correlation_id;
        let unanswered = request.key == 0 && *request.body.get(&api.request.fields, "Acks") == Value::Int(0);
        let probe = unanswered.then(|| self.request(API_VERSIONS, 0, &json!({})));
        for side in [&mut self.kafka, &mut self.lab] {
            side.send(&encode::frame(api, request, id, &side.names))?;
            if let Some(probe) = &probe {
                side.send(&encode::frame(&self.apis[&API_VERSIONS], probe, id + 1, &side.names))?;
            }
        }
        let until = Instant::now() + if parks(request.key) { PATIENCE } else { SHORT_PATIENCE };
        let known = self.kafka.names.known();
        let mut said = Vec::new();
        for side in [&mut self.kafka, &mut self.lab] {
            said.push(hear(api, request.version, id, unanswered, side, until)?);
        }
        // Unequal learners would call the same by different symbols later.
        if self.kafka.names.known() != self.lab.names.known() {
            self.kafka.names.forget(known);
            self.lab.names.forget(known);
        }
        let (lab, kafka) = (said.pop().expect("two"), said.pop().expect("two"));
        let differences = match (&kafka, &lab) {
            (Said::Answer(kafka), Said::Answer(lab)) => diff::diff(&api.response.fields, kafka, lab, request.version),
            _ if kafka == lab => Vec::new(),
            _ => vec![Difference {
                path: String::new(),
                kafka: kafka.text(api, request.version),
                lab: lab.text(api, request.version),
            }],
        };
        Ok(Outcome { kafka, lab, differences })
    }

    /// A request of the preparation, again until neither side refuses it.
    pub fn must(&mut self, request: &Request) -> Result<Outcome> {
        let api = &self.apis[&request.key];
        let mut last = String::new();
        for _ in 0..100 {
            let outcome = self.ask(request)?;
            let done = |said: &Said| match said {
                Said::Answer(value) => !blank::refuses(&api.response.fields, value),
                _ => false,
            };
            if done(&outcome.kafka) && done(&outcome.lab) {
                return Ok(outcome);
            }
            let text = |said: &Said| said.text(api, request.version);
            last = format!("Kafka {}, lab {}", text(&outcome.kafka), text(&outcome.lab));
            std::thread::sleep(Duration::from_millis(50));
        }
        anyhow::bail!("{} is not answered well: {last}", request.text(api))
    }
}

/// Requests whose answer may be held back for as long as they say, or until others of a group come.
fn parks(key: i16) -> bool {
    matches!(key, 1 | 11 | 14 | 21 | 43 | 78)
}

fn hear(api: &Api, version: i16, id: i32, unanswered: bool, side: &mut Side, until: Instant) -> Result<Said> {
    Ok(match side.receive(until)? {
        Answer::Closed => Said::Closed,
        Answer::Silence => Said::Silence,
        Answer::Frame(frame) if unanswered && frame.starts_with(&(id + 1).to_be_bytes()) => Said::Nothing,
        Answer::Frame(frame) => match read(api, version, id, &frame) {
            Ok(body) => Said::Answer(blank::blank(api, &body, &mut side.names)),
            Err(error) => Said::Unreadable(format!("{error:#}")),
        },
    })
}

fn read(api: &Api, version: i16, id: i32, frame: &[u8]) -> Result<Value> {
    // A version that nobody has is answered in version 0, and only by ApiVersions (KIP-511).
    let readable = decode::response(api, version, frame);
    let readable = match readable {
        Err(_) if api.key == API_VERSIONS => decode::response(api, 0, frame),
        other => other,
    };
    let (correlation_id, body) = readable?;
    anyhow::ensure!(correlation_id == id, "correlation id {correlation_id} in place of {id}");
    Ok(body)
}

/// The versions that each API has on a broker's listener, by its key.
pub fn served(apis: &Apis, address: &str) -> Result<BTreeMap<i16, (i16, i16)>> {
    let mut side = Side::new(address);
    let api = &apis[&API_VERSIONS];
    let request = Request::new(API_VERSIONS, 0, Value::defaults(&api.request.fields));
    side.send(&encode::frame(api, &request, 1, &side.names))?;
    let Answer::Frame(frame) = side.receive(Instant::now() + PATIENCE)? else {
        anyhow::bail!("{address} does not answer ApiVersions")
    };
    let (_, body) = decode::response(api, 0, &frame)?;
    let keys = body.get(&api.response.fields, "ApiKeys");
    let entry = |item: &Value| match item {
        Value::Struct(values) => Some((values[0].int() as i16, (values[1].int() as i16, values[2].int() as i16))),
        _ => None,
    };
    keys.items().iter().map(|item| entry(item).context("an entry of ApiVersions")).collect()
}
